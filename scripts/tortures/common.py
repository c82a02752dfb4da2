"""What all modes share: the programs in a directory of their own, and the faults that were found."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager

TRY_AGAIN = 75


class Trial:
    """One run of a mode. `data` is its log; a mode that needs several gives others to `start` and `run`."""

    def __init__(self, bin_dir, seed, seconds):
        """Without `seconds` the mode runs until it has tried everything."""
        self.bin_dir, self.seed, self.seconds = bin_dir, seed, seconds
        self.dir = tempfile.mkdtemp(prefix="millstream-torture-")
        self.data = os.path.join(self.dir, "data")
        self.deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        self.faults = []

    def fail(self, what):
        self.faults.append(what)

    def in_time(self):
        return time.monotonic() < self.deadline

    def going(self):
        return not self.faults and self.in_time()

    def start(self, *command, data=None, before=(), **options):
        """Starts one of our tools, on the standard log or on another; `before` is a program that runs it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("text", True)
        return subprocess.Popen(
            [*before, os.path.join(self.bin_dir, command[0]), *command[1:]],
            env={**os.environ, "MILLSTREAM_DIR": data or self.data},
            **options,
        )

    def run(self, *command, given=None, seconds=120, **options):
        """Status, stdout and stderr of a tool, once it has ended."""
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        child = self.start(*command, stdin=stdin, stdout=subprocess.PIPE, **options)
        try:
            out, err = child.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return "too slow", "", ""
        return child.returncode, out, err

    def expect(self, *command, **options):
        """The output of a tool that must succeed."""
        status, out, err = self.run(*command, **options)
        if status != 0:
            self.fail(f"{' '.join(command)}: {status}: {out[-2000:]}{err[-2000:]}")
        return out

    @contextmanager
    def served(self, data=None, **options):
        """A daemon that listens while the block runs and must then end by itself, once told to."""
        daemon = self.start("log-serve", data=data, **options)
        try:
            while daemon.poll() is None and not listens(data or self.data):
                time.sleep(0.002)
            yield daemon
        finally:
            daemon.terminate()
            _, err = daemon.communicate()
            if daemon.returncode not in (0, -15):
                self.fail(f"log-serve: {daemon.returncode}: {err}")

    def wait(self, condition, seconds):
        """Whether the condition holds before too long."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.005)
        return condition()

    def thread(self, job, *args):
        """A thread that runs a job; what it throws is a fault and does not go unseen."""

        def guard():
            try:
                job(*args)
            except Exception as error:
                self.fail(f"{job.__name__}: {error!r}")

        thread = threading.Thread(target=guard)
        thread.start()
        return thread

    def finish(self, summary):
        """Prints how it went and returns the exit status; the files are kept if there was a fault."""
        print(f"seed {self.seed}: {summary}")
        if self.faults:
            print("\n".join(self.faults[:50]), file=sys.stderr)
            print(f"{len(self.faults)} faults; the files are kept in {self.dir}", file=sys.stderr)
            return 1
        shutil.rmtree(self.dir)
        return 0


def listens(data):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(os.path.join(data, "socket")) == 0


def missing(*programs):
    """Whether a program is not installed; says loudly what is left out then."""
    absent = [program for program in programs if not shutil.which(program)]
    if absent:
        print(f"LEFT OUT: this mode needs {', '.join(absent)}, which is not installed", file=sys.stderr)
    return bool(absent)

"""Runs scenes side by side, watches their processes, and checks what they took."""

import os
import subprocess
import sys
import threading
import time

from tortures.common import Trial

from .load import SPEED
from .scenes import SCENES
from .watching import HEAD, Taken, bytes_below

ROOT = os.path.dirname(os.path.abspath(__file__))
WARM_SHARE = 1 / 3
LOOKS = 300


class Soak(Trial):
    def __init__(self, rate, **options):
        super().__init__(**options)
        self.rate = rate
        self.begun = time.monotonic()
        self.warm = self.seconds * WARM_SHARE
        self.lock = threading.Lock()
        self.watched, self.taken, self.limits = {}, [], []
        self.children, self.threads = [], []
        self.ending = False

    # What scenes use.

    def path(self, *parts):
        path = os.path.join(self.dir, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def load(self, share=1):
        """A process that writes events, or a share of as many."""
        options = ["--rate", str(self.rate * share), "--seed", str(self.seed + len(self.children))]
        child = subprocess.Popen([sys.executable, os.path.join(ROOT, "load.py"), *options], stdout=subprocess.PIPE)
        self.children.append(child)
        return child

    def pipe(self, scene, given, *stages, data=None):
        """A pipeline of our tools that reads what a process writes; each of them is watched."""
        for number, stage in enumerate(stages):
            last = number + 1 == len(stages)
            out = subprocess.DEVNULL if last else subprocess.PIPE
            child = self.start(*stage, stdin=given.stdout, stdout=out, stderr=self.messages(scene), data=data)
            given.stdout.close()
            self.watch(f"{scene}: {stage[0]}", child)
            given = child

    def served_log(self, scene):
        """A daemon with a log of its own, which is watched; and the log's directory."""
        data = self.path(scene, "log")
        daemon = self.start("log-serve", data=data, stderr=self.messages(scene))
        self.watch(f"{scene}: log-serve", daemon)
        return data

    def come_and_go(self, data, seconds, *command):
        """Runs a command again and again, each time for so long."""

        def job():
            while not self.ending:
                child = self.start(*command, data=data, stderr=subprocess.DEVNULL)
                self.sleep(seconds)
                child.terminate()
                child.wait()

        self.threads.append(self.thread(job))

    def again(self, job, *args):
        """A job that is done until the end: a function that returns how long to wait before the next time."""

        def loop():
            while not self.ending:
                self.sleep(job(*args))

        self.threads.append(self.thread(loop))

    def watch(self, name, child):
        with self.lock:
            self.children.append(child)
            self.watched[child.pid] = Taken(name)
            self.taken.append((self.watched[child.pid], child))

    def limit(self, name, directory, bytes_max):
        """After warming up, a directory may have so many bytes."""
        self.limits.append((name, directory, bytes_max))

    # The run.

    def messages(self, scene):
        return open(self.path(scene, "stderr"), "a")

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        while not self.ending and time.monotonic() < end:
            time.sleep(min(0.1, seconds))

    def run_all(self, names):
        try:
            for name in names:
                SCENES[name](self, name)
            step = max(self.seconds / LOOKS, 0.1)
            while self.in_time() and not self.faults:
                time.sleep(step)
                self.look()
            self.check()
        finally:
            self.end()
        rows = [taken.row(self.warm) for taken, _ in self.taken]
        return "\n".join([f"{self.seconds:.0f} s", HEAD, *rows])

    def look(self):
        passed = time.monotonic() - self.begun
        for pid, taken in list(self.watched.items()):
            taken.look(pid, passed)
        if passed > self.warm:
            for name, directory, bytes_max in self.limits:
                held = bytes_below(directory)
                if held > bytes_max:
                    self.fail(f"{name}: {held} bytes in its files, more than {bytes_max}")

    def check(self):
        for taken, child in self.taken:
            if child.poll() is not None:
                self.fail(f"{taken.name}: ended with {child.returncode}; its messages are in {self.dir}")
                continue
            for fault in taken.faults(self.warm):
                self.fail(fault)

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join()
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

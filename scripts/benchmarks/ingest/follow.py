"""Files that are followed: how long after a line was appended a subscriber has it, alone and with
1,000 idle files beside; and what following idle files costs, against rsyslog and Flume."""

import os
import random
import select
import shutil
import statistics
import subprocess
import time
from contextlib import contextmanager

from collectors.flume import Flume
from collectors.rsyslog import Rsyslog

from ..common import cpu_seconds, fail, log_serve, peak_bytes, said, tool
from .collect import wait_for

IDLE_FILES = 1000
IDLE_SECONDS = 20
LINES = 500
LOST_SECONDS = 30


@contextmanager
def ended_after(command, **options):
    """A process, which is killed at the end of the block."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def make_files(work, count):
    """So many files of one line each, in a new directory."""
    logs = work / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    for number in range(count):
        (logs / f"app{number}.log").write_text(f"file {number}\n")
    return logs


@contextmanager
def followed(work, files):
    """A daemon, a produce that follows the files, and a subscriber that has a line of each."""
    logs = make_files(work, files)
    with log_serve(work) as (server, log):
        said([tool("log-admin"), "--data", log, "create", "t", "--fsync", "never"])
        follow = [tool("produce"), "--data", log, "t", "--from", "lines", "-F", f"{logs}/app*.log"]
        subscribe = [tool("subscribe"), "--data", log, "-f", "t"]
        with (ended_after(subscribe, stdout=subprocess.PIPE) as reader,
              ended_after(follow, stdout=subprocess.DEVNULL) as producer):
            lines, ends = b"", time.monotonic() + LOST_SECONDS
            while lines.count(b"\n") < files:
                lines += read(reader, ends)
            yield logs, producer, server, reader


def read(reader, ends):
    """What comes from a reader, before it is too late."""
    ready, _, _ = select.select([reader.stdout], [], [], max(0, ends - time.monotonic()))
    if not ready:
        fail("a line does not arrive")
    return os.read(reader.stdout.fileno(), 1 << 16)


def latencies(work, idle):
    """From appending a line to its arrival, in ms: lines at random times, one at a time."""
    chance, taken = random.Random(1), []
    with followed(work, 1 + idle) as (logs, _, _, reader):
        with open(logs / "app0.log", "ab", buffering=0) as out:
            for number in range(LINES):
                time.sleep(chance.uniform(0.002, 0.02))
                begun = time.monotonic()
                out.write(b"line %06d of a log that is followed\n" % number)
                line = b""
                while not line.endswith(b"\n"):
                    line += read(reader, begun + LOST_SECONDS)
                taken.append(1e3 * (time.monotonic() - begun))
                assert b"line %06d" % number in line, line
    taken.sort()
    return taken[len(taken) // 2], taken[len(taken) * 95 // 100], taken[-1]


def idle_costs(*processes):
    """CPU seconds of processes in which nothing happens, and their peak memory in bytes."""
    before = sum(cpu_seconds(process.pid) for process in processes)
    time.sleep(IDLE_SECONDS)
    after = sum(cpu_seconds(process.pid) for process in processes)
    return after - before, sum(peak_bytes(process.pid) for process in processes)


def idle(work):
    with followed(work, IDLE_FILES) as (_, producer, server, _):
        return idle_costs(producer, server)


def idle_peer(kind, work):
    logs, home = make_files(work, IDLE_FILES), work / "peer"
    shutil.rmtree(home, ignore_errors=True)
    collector = kind(home, logs, "app*.log")
    size = sum(path.stat().st_size for path in logs.iterdir())
    with ended_after(collector.command(), stdout=subprocess.DEVNULL) as process:
        written = lambda: sum(path.stat().st_size for path in collector.outputs())
        wait_for(kind.name, lambda: written() >= size)
        return idle_costs(process)


def run(work, options):
    print(f"\nfollow: from appending a line to its arrival at subscribe -f, fsync never, {LINES} times")
    for beside in (0, IDLE_FILES):
        taken = [latencies(work, beside) for _ in range(options.runs)]
        p50, p95, most = (statistics.median(run[at] for run in taken) for at in range(3))
        print(f"  {beside:4} idle files beside  p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  "
              f"most {most:6.2f} ms")
    print(f"\nfollow {IDLE_FILES} idle files for {IDLE_SECONDS} s")
    sides = {"produce, log-serve": lambda: idle(work)}
    for kind in (Rsyslog, Flume):
        if not kind.absent():
            sides[kind.name] = lambda kind=kind: idle_peer(kind, work)
    for name, side in sides.items():
        cpu, memory = side()
        print(f"  {name:20} CPU {cpu:5.2f} s, {100 * cpu / IDLE_SECONDS:5.2f} % of a core  "
              f"{memory / 2**20:4.0f} MiB")

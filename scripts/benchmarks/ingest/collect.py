"""A file of lines of 200 bytes into durable storage: produce --resume against rsyslog and Flume.

Those two are started first, and have taken one line; then the file comes, and what is measured ends
when all of it is in their output. Their start is shown apart; produce is started for the file, and
its start is in its figures. All fsync each batch, but for Flume's output: it fsyncs its channel."""

import shutil
import statistics
import subprocess
import time
from pathlib import Path

from collectors.flume import Flume
from collectors.rsyslog import Rsyslog

from ..common import Measured, cpu_seconds, fail, log_serve, peak_bytes, said, tool
from ..filter import peak_memory

LINE_BYTES = 200
GIVE_UP_SECONDS = 600


class Taken:
    """What a file took: wall and CPU seconds, and the most memory, in bytes."""

    def __init__(self, wall, cpu, memory, start=None):
        self.wall, self.cpu, self.memory, self.start = wall, cpu, memory, start


def make_lines(path, count):
    """Lines of an application's log, which differ."""
    with open(path, "w", encoding="ascii") as out:
        for number in range(count):
            time_ms, user = number % 1000, number * 7919 % 50021
            head = f"2026-11-30T12:00:00.{time_ms:03}Z INFO request {number:08} of user {user} "
            out.write(f"{head:x<{LINE_BYTES - 1}}\n")


def wait_for(what, ready):
    """Waits for a condition, which costs no CPU time of others to look at."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            fail(f"waited too long for {what}")
        time.sleep(0.01)


def stored(log):
    """How many records the topic has."""
    return int(said(["sh", "-c", f"'{tool('subscribe')}' --data '{log}' t | wc -l"]))


def embedded(work, lines, count, fsync="always"):
    """produce with the log's files in its own hands."""
    log = work / "log"
    command = [tool("produce"), "--data", log, "t", "--from", "lines", "--resume", lines]

    def fresh():
        shutil.rmtree(log, ignore_errors=True)
        said([tool("log-admin"), "--data", log, "create", "t", "--fsync", fsync])

    fresh()
    with Measured() as taken:
        subprocess.run(command, check=True)
    assert stored(log) == count, "all lines are there"
    fresh()
    return Taken(taken.wall, taken.cpu, peak_memory(command))


def through_daemon(work, lines, count):
    with log_serve(work) as (server, log):
        command = [tool("produce"), "--data", log, "t", "--from", "lines", "--resume", lines]
        with Measured(server.pid) as taken:
            subprocess.run(command, check=True)
        assert stored(log) == count, "all lines are there"
        return Taken(taken.wall, taken.cpu, peak_bytes(server.pid))


def peer(kind, work, lines):
    """One that runs already. The file gets its name when it is whole, and so appears at once."""
    home, logs = work / "peer", work / "logs"
    for path in (home, logs):
        shutil.rmtree(path, ignore_errors=True)
    logs.mkdir()
    collector = kind(home, logs, "app*.log")
    first, size = b"first\n", lines.stat().st_size
    (logs / "app0.log").write_bytes(first)
    written = lambda: sum(path.stat().st_size for path in collector.outputs())
    begun = time.monotonic()
    process = subprocess.Popen(collector.command(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(kind.name, lambda: written() == len(first))
        start = time.monotonic() - begun, cpu_seconds(process.pid)
        begun = time.monotonic()
        (logs / "app1.log").hardlink_to(lines)
        wait_for(f"{kind.name} to take the file", lambda: written() >= len(first) + size)
        wall, cpu = time.monotonic() - begun, cpu_seconds(process.pid) - start[1]
        assert written() == len(first) + size, "all lines are there, once"
        return Taken(wall, cpu, peak_bytes(process.pid), start)
    finally:
        process.kill()
        process.wait()


def run(work, options):
    count = options.records
    lines = Path(work) / "lines.log"
    make_lines(lines, count)
    size = lines.stat().st_size / 1e6
    print(f"\ncollect a file of {count} lines, {size:.0f} MB, into durable storage")
    sides = {
        "produce": lambda: embedded(work, lines, count),
        "produce, log-serve": lambda: through_daemon(work, lines, count),
        "produce, no fsync": lambda: embedded(work, lines, count, "never"),
    }
    for kind in (Rsyslog, Flume):
        absent = kind.absent()
        if absent:
            print(f"  (without {kind.name}: {', '.join(absent)} not installed)")
        else:
            sides[kind.name] = lambda kind=kind: peer(kind, work, lines)
    results = {name: [] for name in sides}
    for _ in range(options.runs):
        for name, side in sides.items():
            results[name].append(side())
    middle = lambda name, of: statistics.median(of(one) for one in results[name])
    ours = middle("produce", lambda one: one.cpu)
    for name, taken in results.items():
        wall, cpu = middle(name, lambda one: one.wall), middle(name, lambda one: one.cpu)
        memory = middle(name, lambda one: one.memory)
        start = ""
        if taken[0].start:
            start = f"; its start {middle(name, lambda one: one.start[0]):.1f} s, " \
                    f"CPU {middle(name, lambda one: one.start[1]):.2f} s"
        print(f"  {name:20} wall {wall:6.2f} s  CPU {cpu:6.2f} s {1e6 * cpu / count:6.2f} µs a line"
              f" {memory / 2**20:5.0f} MiB  CPU {cpu / ours:.1f} times the first{start}")

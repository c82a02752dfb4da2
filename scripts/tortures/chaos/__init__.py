"""Kills, stops and ends anything that runs at random moments, under load of every kind, and checks every promise.

Writers with and without names, by the socket, by files and by pipes, through the daemon and without one; keyed topics,
one compacted and one with retention; groups that write and that run commands; followers of single partitions; log-admin's
operations. Every 0.05 to 0.8 s one of all these processes gets SIGKILL, SIGSTOP for up to 3 s, or SIGTERM.
`checks.py` says what must hold in the end.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

from ..common import Trial
from . import admin, checks, readers, writers

EVENTS, STATE, RECENT = "events", "state", "recent"
PARTITIONS = 4
GROUPS = ["executes", "writes"]
KEYED = ["--partitions", str(PARTITIONS), "--key", ".k"]
TOPICS = {
    EVENTS: [*KEYED, "--segment-bytes", "64KiB"],
    STATE: [*KEYED, "--segment-bytes", "16KiB", "--compact"],
    RECENT: ["--segment-bytes", "16KiB", "--retention-bytes", "200KiB"],
}
# Killed, told to end, or done; the daemon or the offset was gone, under it; or somebody else has the log or the name.
FINE = {-signal.SIGKILL, -signal.SIGTERM, 0, 69, 74, 75}


class Chaos(Trial):
    SECONDS = 300

    def __init__(self, **options):
        super().__init__(**options)
        self.lock = threading.Lock()
        self.processes = {}
        self.signals, self.statuses = Counter(), Counter()
        self.writing = self.reading = self.serving = True

    def torture(self):
        # Half of the runs acknowledge before the disk has it: a process that dies loses nothing all the same.
        fsync = "50ms" if self.seed % 2 else "always"
        for topic, settings in TOPICS.items():
            self.expect("log-admin", "create", topic, *settings, "--fsync", fsync)
        self.writers, self.readers = writers.all_of(self), readers.all_of(self)
        serving = self.thread(self.serve)
        writing = [self.thread(writer.work) for writer in self.writers] + [self.thread(admin.work, self)]
        reading = [self.thread(reader.work) for reader in self.readers]
        self.disturb()
        self.writing = False
        for thread in writing:
            thread.join()
        ends = self.wait_until_read()
        self.reading = False
        self.end(reading)
        self.serving = False
        self.end([serving])
        checks.check(self, ends)
        count = sum(len(writer.acknowledged) for writer in self.writers)
        return f"fsync {fsync}, {count} acknowledged, signals {dict(self.signals)}, statuses {dict(self.statuses)}"

    def process(self, name, *command, **options):
        """Starts a process that may be hit by a signal at any moment."""
        with open(os.path.join(self.dir, f"{name}.err"), "ab") as errors:
            child = self.start(*command, stderr=errors, text=False, **options)
        with self.lock:
            self.processes[name] = child
        return child

    def ended(self, name, child):
        """The status of a process, once it has ended; a fault if it should not end so."""
        status = child.wait()
        with self.lock:
            del self.processes[name]
        self.statuses[status] += 1
        if status not in FINE:
            self.fail(f"{name} ended with {status}: {self.last_error(name)}")
        return status

    def last_error(self, name):
        with open(os.path.join(self.dir, f"{name}.err"), encoding="utf-8") as errors:
            return errors.read()[-300:].strip().rpartition("\n")[2]

    def serve(self):
        chance = random.Random(f"{self.seed}/serve")
        while self.serving:
            self.ended("log-serve", self.process("log-serve", "log-serve", "--log-level", "warn", "--drain", "2"))
            if self.reading:
                # Tools then have the log for themselves, some of the time.
                time.sleep(chance.choice([0, 0, 0.02, 0.3, 1.0]) if self.writing else 0.1)

    def disturb(self):
        chance, waking = random.Random(f"{self.seed}/signals"), []
        while self.going():
            time.sleep(chance.uniform(0.05, 0.8))
            with self.lock:
                names = sorted(self.processes)
                name = "log-serve" if "log-serve" in names and chance.random() < 0.15 else chance.choice(names)
                child = self.processes[name]
            kind = chance.choices(["KILL", "STOP", "TERM"], [55, 30, 15])[0]
            self.signals[kind] += 1
            child.send_signal(signal.Signals[f"SIG{kind}"])
            if kind == "STOP":
                timer = threading.Timer(chance.choice([0.2, 1, 3]), child.send_signal, [signal.SIGCONT])
                timer.start()
                waking.append(timer)
        for timer in waking:
            timer.join()

    def wait_until_read(self):
        """Waits until groups and followers have all that was appended; where the partitions end."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            ends = checks.ends(self)
            if ends and checks.lag(self) == 0 and all(reader.is_at(ends) for reader in self.readers):
                return ends
            time.sleep(0.2)
        lagging = [reader.name for reader in self.readers if not reader.is_at(ends)]
        self.fail(f"not all was read: lag {checks.lag(self)}, followers that wait: {lagging}")
        return ends

    def end(self, threads):
        """Ends what these threads run, until each of them has ended."""
        while any(thread.is_alive() for thread in threads):
            with self.lock:
                for name, child in self.processes.items():
                    if name != "log-serve" or not self.serving:
                        child.terminate()
            for thread in threads:
                thread.join(0.5)

"""Programs of others in the torture of rotations: they collect the same files, and are killed the
same way. Their faults are counted and shown beside ours; they are not faults of the run."""

import os
import subprocess
import sys
import time

from collectors.flume import Flume
from collectors.rsyslog import Rsyslog

from .tally import Tally

# How long one that is not killed any more may bring nothing new before it is taken to have ended.
QUIET_SECONDS = 20
START_SECONDS = 120
# The programs; for how long at most each runs before it is killed, in seconds; and how it repeats
# and loses least. Flume writes where it is only from five seconds after its start on; rsyslog loses
# files whose states it was writing when it was killed, and so does not write them for each line.
KINDS = [(Rsyslog, 1.5, {"safe": True, "state_lines": 1000}),
         (Flume, 20, {"position_ms": 100, "batch": 1000})]


def peers(trial, names):
    """Each program that is installed, once for the files and once for the rotated ones, too."""
    found = []
    for kind, seconds, options in KINDS:
        absent = kind.absent()
        if absent:
            print(f"LEFT OUT: {kind.name} needs {', '.join(absent)}, which is not installed",
                  file=sys.stderr)
            continue
        for rotated in (False, True):
            home = os.path.join(trial.dir, f"peer{len(found)}")
            collector = kind(home, trial.logs, names, rotated=rotated, **options)
            name = kind.name + ", rotated files too" * rotated
            found.append(Peer(trial, collector, name, seconds))
    return found


class Peer:
    """One program, which is started and killed again and again."""

    def __init__(self, trial, collector, name, seconds):
        self.trial, self.collector, self.name, self.seconds = trial, collector, name, seconds
        self.kills = 0

    def start(self):
        with open(os.path.join(self.collector.home, "stderr"), "ab") as said:
            return subprocess.Popen(self.collector.command(), stdin=subprocess.DEVNULL,
                                    stdout=said, stderr=said)

    def wait_ready(self, child):
        """Whether it reads, before the run is over; one that ends by itself will not."""
        deadline = time.monotonic() + START_SECONDS
        while child.poll() is None and time.monotonic() < deadline and self.trial.going():
            if self.collector.is_ready():
                return True
            time.sleep(0.02)
        return False

    def first(self):
        """Has it take what is there now; what was rotated before that is not collected."""
        child = self.start()
        try:
            if not self.trial.wait(lambda: self.tally().lines, START_SECONDS):
                self.trial.fail(f"{self.name} does not begin: see {self.collector.home}")
        finally:
            child.kill()
            child.wait()

    def collect(self, chance):
        """As produce --follow is run and killed, but its time counts from when it reads."""
        while self.trial.going():
            child = self.start()
            if self.wait_ready(child):
                time.sleep(chance.uniform(0.02, self.seconds))
            child.kill()
            child.wait()
            self.kills += 1

    def finish(self):
        """Has it take the rest."""
        child = self.start()
        size, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            now = sum(path.stat().st_size for path in self.collector.outputs())
            if now != size:
                size, since = now, time.monotonic()
            time.sleep(0.2)
        child.kill()
        child.wait()

    def tally(self):
        tally = Tally()
        for path in self.collector.outputs():
            with open(path, "rb") as lines:
                for line in lines:
                    tally.add(line)
        return tally

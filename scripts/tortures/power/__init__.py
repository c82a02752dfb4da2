"""Simulates power cuts of a daemon under load at random moments, and checks what they leave on the disk.

strace records what the daemon writes, forces to the disk and says to its clients, in order. From that the disk is made
as a power cut may leave it, with any part of what was not forced to it (disk.py). There are four loads: topics that
force each append to the disk, and topics that do so 50 ms later; without and with a kill -9 of the daemon in between.
After each cut every promise is kept (check.py), by the daemon and by the files alone, and appends go on.

The check can fail: of disks that only pretend to force files, or directories, it must find most.
"""

import os
import random
import shutil
import signal
import tempfile
import time
from itertools import cycle

from ..common import Trial, listens, missing
from . import journal
from .check import Check
from .disk import Disk
from .load import Load, create
from .promises import Promises
from .session import Session

# How topics force to the disk, and whether the daemon is killed once.
LOADS = [("always", False), ("50ms", False), ("always", True), ("50ms", True)]
# How long a process is loaded, and how often each load is cut. In a run of limited time that is less, for more loads.
LOAD_SECONDS, CUTS, LIES = 3, 130, 12
SHORT = 1, 12, 2
# What a cut has left is checked in memory, which is quicker.
MEMORY = next((path for path in ["/dev/shm"] if os.access(path, os.W_OK)), None)


class Power(Trial):
    SECONDS = None

    def torture(self):
        if missing("strace"):
            return "nothing was tried"
        self.calls = self.cuts = self.lies = self.found = 0
        self.load_seconds, cuts, lies = (LOAD_SECONDS, CUTS, LIES) if self.seconds is None else SHORT
        for number, load in enumerate(LOADS if self.seconds is None else cycle(LOADS)):
            if not self.going():
                break
            steps, truth = self.load(number, *load)
            self.replay(f"load {number}", steps, truth, cuts, lies)
            self.calls += len(steps)
        if self.found * 2 < self.lies:
            self.fail(f"of {self.lies} disks that lie only {self.found} were found")
        return f"{self.cuts} power cuts in {self.calls} steps; of {self.lies} disks that lie {self.found} were found"

    def load(self, number, fsync, killed):
        """The steps of a loaded daemon, and what it was given to keep; where another process goes on, the place of a
        copy of the files as the one before has left them is among the steps."""
        chance = random.Random(f"{self.seed} load {number}")
        self.top = os.path.join(self.dir, f"load-{number}")
        os.mkdir(self.top)
        data = os.path.join(self.top, "data")
        steps, path = [], os.path.join(self.dir, f"load-{number}.strace")
        daemon = self.record(data, path)
        create(data, fsync)
        load = Load(self, data, chance)
        time.sleep(self.load_seconds)
        if killed:
            self.end(daemon, data, signal.SIGKILL)
            copy = os.path.join(self.dir, f"load-{number}-killed")
            shutil.copytree(self.top, copy, ignore=shutil.ignore_patterns("socket"))
            steps = [*journal.steps(path), copy]
            daemon = self.record(data, path)
            time.sleep(self.load_seconds)
        load.stop()
        self.end(daemon, data, signal.SIGTERM)
        steps += journal.steps(path)
        whole = {topic: self.expect("subscribe", topic, "--meta", data=data) for topic in ("keyed", "live")}
        return steps, load.truth(whole, fsync == "always")

    def record(self, data, path):
        daemon = self.start("log-serve", data=data, before=journal.recorder(path))
        while daemon.poll() is None and not listens(data):
            time.sleep(0.01)
        return daemon

    def end(self, daemon, data, how):
        with Session(data) as client:
            os.kill(client.ask("stats")[1]["daemon"]["pid"], how)
        _, err = daemon.communicate()
        if how == signal.SIGTERM and daemon.returncode != 0:
            self.fail(f"log-serve under load: {daemon.returncode}: {err}")

    def replay(self, name, steps, truth, cuts, lies):
        """Goes through the steps, and cuts the power at some of them, also when all is done."""
        chance = random.Random(f"{self.seed} {name}")
        cut_at = {*chance.sample(range(len(steps)), cuts - 1), len(steps) - 1}
        lie_at = set(chance.sample(range(len(steps) // 3, len(steps)), lies))
        honest, promises = Disk(self.top), Promises()
        # Directories are forced to the disk by fsync, files by fdatasync.
        lying = [Disk(self.top, ignored) for ignored in ("fsync", "fdatasync")]
        for at, step in enumerate(steps):
            for disk in (honest, *lying):
                disk.restart(step) if isinstance(step, str) else disk.take(step)
            if not isinstance(step, str):
                promises.take(step)
            if self.cuts and not self.in_time():
                return
            if at in lie_at:
                self.lies += 1
                self.found += bool(self.cut(chance.choice(lying), f"{name} lie {at}", truth, promises, False))
            if at in cut_at:
                self.cuts += 1
                faults = self.cut(honest, f"{name} cut {at}", truth, promises, at == len(steps) - 1)
                if faults:
                    kept = os.path.join(self.dir, f"{name}-cut-{at}".replace(" ", "-"))
                    honest.cut(random.Random(f"{self.seed} {name} cut {at}"), kept)
                    self.faults += [f"{name}, cut at step {at} of {len(steps)}: {fault}" for fault in faults]

    def cut(self, disk, name, truth, promises, all_there):
        """What is wrong after a power cut here."""
        chance, known = random.Random(f"{self.seed} {name}"), len(self.faults)
        with tempfile.TemporaryDirectory(dir=MEMORY) as where:
            disk.cut(chance, os.path.join(where, "cut"))
            data = os.path.join(where, "cut", "data")
            if os.path.isdir(os.path.join(data, "topics")):
                Check(self, data, truth, promises, all_there).run(chance.random() < 0.5)
            elif promises.there:
                self.fail("the log is gone")
        faults = self.faults[known:]
        del self.faults[known:]
        return faults

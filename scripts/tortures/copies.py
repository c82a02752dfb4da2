"""Copies a log while a daemon writes to it, and checks the copies.

A copy of a running daemon takes index files first, then the data: what the data has more is taken for what was never
acknowledged. While a daemon is stopped (SIGSTOP), files are copied in any order. A copy has all that was acknowledged
before it was begun, keeps every promise (power/check.py), and a daemon can go on with it; but that of a running one
may have only parts of its last batches, and leaves out topics whose files are replaced or removed meanwhile.
"""

import os
import random
import shutil
import signal
from contextlib import suppress
from itertools import count

from .common import Trial
from .power.check import Check
from .power.load import TOPICS, Load, create
from .power.promises import Promises

# From these nothing goes.
GROWING = ("keyed", "live")
LOADS, COPIES = 5, 24


class Copies(Trial):
    SECONDS = None

    def torture(self):
        self.taken = dict.fromkeys(KINDS, 0)
        chance = random.Random(self.seed)
        for number in range(LOADS) if self.seconds is None else count():
            if not self.going():
                break
            self.copy_under_load(number, chance)
        return f"copies of a daemon: {self.taken}"

    def copy_under_load(self, number, chance):
        data = os.path.join(self.dir, f"load-{number}", "data")
        os.mkdir(os.path.dirname(data))
        fsync = chance.choice(["always", "50ms"])
        copies, promises = [], Promises()
        with self.served(data=data) as daemon:
            create(data, fsync)
            load = Load(self, data, random.Random(chance.random()), promises.note)
            # A name that is new while producers.json is copied would be found missing.
            self.wait(load.has_appended, 60)
            while len(copies) < (COPIES if self.seconds is None else 4) and not self.faults:
                load.stopped.wait(chance.uniform(0, 0.15))
                target = os.path.join(self.dir, f"load-{number}", f"copy-{len(copies)}")
                kind = chance.choice(list(KINDS))
                promised = promises.so_far(GROWING if kind == "running" else TOPICS)
                if kind == "stopped":
                    daemon.send_signal(signal.SIGSTOP)
                    self.wait(lambda: stands_still(daemon.pid), 60)
                KINDS[kind](data, target, chance)
                daemon.send_signal(signal.SIGCONT)
                copies.append((target, kind, promised))
            load.stop()
        truth = load.truth({}, fsync == "always")
        for target, kind, promised in copies:
            known = len(self.faults)
            promised.trims = len(load.trims)
            Check(self, target, truth, promised, True, kind == "stopped").run(chance.random() < 0.5)
            self.faults[known:] = [f"{target}, {kind}: {fault}" for fault in self.faults[known:]]
            self.taken[kind] += 1
            if len(self.faults) == known:
                shutil.rmtree(target)


def stands_still(pid):
    """Whether each thread has stopped: one that is in a call stops when that is done."""
    states = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
            states.append(stat.read().rpartition(")")[2].split()[0])
    return set(states) == {"T"}


def copy_stopped(data, target, chance):
    """In any order."""
    paths = files(data, TOPICS)
    chance.shuffle(paths)
    copy_files(data, target, paths)


def copy_running(data, target, _):
    """What tells of others before the others; data only of segments whose index is copied: they are begun with it."""
    # Names go from producers.new to producers.json.
    for kind in (".new", ".json", ".index"):
        copy_files(data, target, [path for path in files(data, GROWING) if path.endswith(kind)])
    segments = {os.path.relpath(path, target).split(".")[0] for path in files(target, GROWING)}
    data_files = [path for path in files(data, GROWING) if path.endswith(".ndjson")]
    copy_files(data, target, [path for path in data_files if os.path.relpath(path, data).split(".")[0] in segments])


KINDS = {"running": copy_running, "stopped": copy_stopped}


def files(data, topics):
    """The files of groups and of these topics."""
    below = [os.path.join(data, "groups"), *(os.path.join(data, "topics", topic) for topic in topics)]
    return [os.path.join(above, name) for top in below for above, _, names in os.walk(top) for name in names]


def copy_files(data, target, paths):
    """A file that is not finished may be gone by now."""
    for path in paths:
        to = os.path.join(target, os.path.relpath(path, data))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(path, to)

"""Makes system calls of a loaded daemon fail, or do a part of what they should, then ends it and checks what is there.

disturb.c is loaded into the daemon and strikes at the n-th call: errors of the disk, a full disk, half a write and
then an error, calls that are interrupted, short reads and writes. Clients get errors with a name, and the daemon
warns; where the call was only interrupted or short, nobody notices anything. Then the daemon is killed or told to end,
and another one goes on in peace: the topics take appends again, and every promise is kept (power/check.py).
"""

import errno
import os
import random
import signal
import subprocess
import time
from collections import Counter

from ..common import Trial, missing
from ..power.check import Check
from ..power.load import TOPICS, Load, create
from ..power.promises import Promises

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "disturb.c")
# Which calls, the greatest number of the first one that goes wrong, and how.
FAILURES = [
    ("fdatasync", 60, errno.EIO),
    ("fsync", 30, errno.EIO),
    ("pwritev", 120, errno.EIO),
    ("pwritev", 120, "half"),
    ("pwritev", 120, errno.ENOSPC),
    ("fdatasync", 60, errno.ENOSPC),
    ("create", 20, errno.ENOSPC),
    ("create", 20, errno.EMFILE),
    ("rename", 20, errno.EIO),
    ("rename", 20, errno.ENOSPC),
    ("mkdir", 6, errno.ENOSPC),
    ("unlink", 6, errno.EIO),
    ("pread", 60, errno.EIO),
    ("open", 60, errno.EIO),
]
# Nobody must notice these.
TRIFLES = [
    ("pwritev,pread,fdatasync,fsync,open,create", 3, errno.EINTR),
    ("pwritev,pread", 3, "part"),
]
ROUNDS = 5
PATIENCE_S = 60
NO_END = 1 << 40


class Faults(Trial):
    SECONDS = None

    def torture(self):
        if missing("cc"):
            return "nothing was tried"
        self.library = os.path.join(self.dir, "disturb.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-ldl"], check=True)
        self.refused, done, struck = Counter(), 0, 0
        chance = random.Random(self.seed)
        for _ in range(ROUNDS) if self.seconds is None else iter(int, 1):
            kinds = [*FAILURES, *TRIFLES]
            chance.shuffle(kinds)
            for calls, most, how in kinds:
                if not self.going():
                    return f"{struck} of {done} faults struck; refused were {dict(self.refused)}"
                is_trifle = (calls, most, how) in TRIFLES
                first = chance.randint(1, most)
                every, times = (chance.choice([2, 3]), NO_END) if is_trifle else (1, chance.choice([1, 1, 10]))
                rule = f"{calls} {first} {every} {times} {how}"
                struck += self.disturb(f"fault {done} ({rule})", rule, is_trifle, chance)
                done += 1
        return f"{struck} of {done} faults struck; refused were {dict(self.refused)}"

    def disturb(self, name, rule, is_trifle, chance):
        """Whether the fault struck."""
        known = len(self.faults)
        top = os.path.join(self.dir, name.split(" (")[0].replace(" ", "-"))
        data, counted = os.path.join(top, "data"), os.path.join(top, "struck")
        os.mkdir(top)
        fsync = chance.choice(["always", "always", "50ms"])
        with self.served(data=data):
            create(data, fsync)
        disturbed = {"LD_PRELOAD": self.library, "DISTURB": rule, "DISTURB_DIR": data, "DISTURB_COUNT": counted}
        set_for_it = [f"{name}={value}" for name, value in disturbed.items()]
        daemon = self.start("log-serve", data=data, before=["env", *set_for_it])
        promises = Promises()
        load = Load(self, data, random.Random(chance.random()), promises.note)
        self.wait(lambda: os.path.exists(counted) or daemon.poll() is not None, 10)
        time.sleep(chance.uniform(0.1, 0.5))
        if chance.random() < 0.5:
            daemon.kill()
        else:
            daemon.terminate()
        _, told = daemon.communicate()
        # Of what was acknowledged before it is forced to the disk, a process that is killed loses nothing either.
        self.peace(name, data, load, promises)
        if load.refused and "warn: " not in told:
            self.fail(f"{dict(load.refused)} were refused, and log-serve warned of nothing: {told}")
        if is_trifle and load.refused:
            self.fail(f"somebody noticed: {dict(load.refused)}: {told}")
        if daemon.returncode not in (0, -signal.SIGKILL, -signal.SIGTERM, 74):
            self.fail(f"log-serve: {daemon.returncode}: {told}")
        promises.trims = len(load.trims)
        Check(self, data, load.truth({}, fsync == "always"), promises, True).run(chance.random() < 0.5)
        self.faults[known:] = [f"{name}: {fault}" for fault in self.faults[known:]]
        self.refused += load.refused
        return os.path.exists(counted)

    def peace(self, name, data, load, promises):
        """A daemon goes on with the load until each producer has got something appended again."""
        with self.served(data=data):
            answers, batches = len(promises.acknowledged), len(load.batches)

            def all_go_on():
                topics = {topic for topic, _, _ in promises.acknowledged[answers:]}
                return topics >= set(TOPICS) and load.has_appended(batches)

            if not self.wait(all_go_on, PATIENCE_S):
                self.fail(f"not all go on: {dict(load.refused)}")
            load.stop()

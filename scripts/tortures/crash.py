"""Kills a tool before each system call with which it changes files, and checks the log that is left.

Every operation that writes is done to a copy of one small log (two partitions, segments of a few records, compaction with
tombstones, a named producer, a group), once for each such call. After the kill: what may be read is what was there, but
for what the operation removes; a topic has one name, and its group's offsets under that; verify finds nothing; the
operation can be done again; the daemon and the files alone give the same records; and the named producer's appends go
on, each record once.
"""

import json
import os
import random
import re
import shutil
from collections import Counter, namedtuple

from .common import Trial, missing

BEFORE = 12
AFTER = 20

# The calls that change files. An openat counts if it may create one.
CALLS = (
    "write writev pwrite64 pwritev pwritev2 copy_file_range sendfile splice fallocate ftruncate fsync fdatasync"
    " sync_file_range rename renameat renameat2 link linkat unlink unlinkat mkdir mkdirat rmdir openat"
).split()

# What is there of the records of before: the same; a part, since some may be removed; all of them or no topic; or the same
# under one of two names.
SAME, PART, ALL_OR_NONE, RENAMED = "same", "part", "all or none", "renamed"

Operation = namedtuple("Operation", "command given keeps again", defaults=(None, SAME, (0,)))


def records(count, field="n"):
    return "".join(json.dumps({"k": n % 3, field: n, "gone": n % 5 == 4}) + "\n" for n in range(count))


def is_rest(lines, good):
    """Whether the lines are, of each partition, the last ones."""
    first = {json.loads(line)["partition"]: json.loads(line)["offset"] for line in reversed(lines)}
    placed = [(line, json.loads(line)) for line in good]
    return lines == [line for line, at in placed if at["offset"] >= first.get(at["partition"], float("inf"))]


OPERATIONS = {
    "produce": Operation(["produce", "t", "--producer", "n"], records(BEFORE + 4)),
    "produce a new name": Operation(["produce", "t", "--producer", "m"], records(5, "m")),
    "trim": Operation(["log-admin", "trim", "t", "--before", "end"], None, PART),
    "trim a partition": Operation(["log-admin", "trim", "t", "--before", "3", "--partition", "0"], None, PART),
    "compact": Operation(["log-admin", "compact", "t", "--close"], None, PART),
    "create": Operation(["log-admin", "create", "u", "--partitions", "2"], again=(0, 2, 73)),
    "add partitions": Operation(["log-admin", "alter", "t", "--partitions", "4", "--force"]),
    "alter a setting": Operation(["log-admin", "alter", "t", "--segment-bytes", "70"]),
    "reset a group": Operation(["log-admin", "reset", "g", "t", "--to", "start"]),
    "rename": Operation(["log-admin", "rename", "t", "u"], None, RENAMED, (0, 69)),
    "delete": Operation(["log-admin", "delete", "t"], None, ALL_OR_NONE, (0, 2, 69)),
}


class Crash(Trial):
    SECONDS = None

    def torture(self):
        if missing("strace"):
            return "nothing was tried"
        base = os.path.join(self.dir, "base")
        self.make(base)
        self.good = self.expect("subscribe", "t", "--meta", data=base).splitlines()
        placed = [json.loads(line) for line in self.good]
        self.ends = {at["partition"]: at["offset"] + 1 for at in placed}
        points = [(name, *point) for name in OPERATIONS for point in self.points(base, name)]
        if self.seconds is not None:
            random.Random(self.seed).shuffle(points)
        crashed = Counter()
        for name, call, at in points:
            if not self.in_time():
                break
            crashed[name] += self.crash(base, name, call, at)
        return f"crashed at {sum(crashed.values())} of {len(points)} calls: {dict(crashed)}"

    def make(self, data):
        keyed = ["--partitions", "2", "--key", ".k", "--segment-bytes", "60"]
        compacted = ["--compact", "--tombstone", ".gone", "--tombstone-age", "0s"]
        self.expect("log-admin", "create", "t", *keyed, *compacted, data=data)
        for count in range(1, BEFORE + 1):
            self.expect("produce", "t", "--producer", "n", given=records(count), data=data)
        # Not by a member: the daemon would compact, some of the time.
        self.expect("log-admin", "reset", "g", "t", "--to", "end", data=data)

    def points(self, base, name):
        """The calls that an operation makes when nothing stops it: name, and number of its kind in its thread."""
        trace = os.path.join(self.dir, "trace")
        operation, data = OPERATIONS[name], self.copy(base)
        before = ["strace", "-f", "-o", trace, "-e", "trace=" + ",".join(CALLS)]
        self.expect(*operation.command, given=operation.given, data=data, before=before)
        numbers, found = Counter(), {}
        for thread, call, rest in re.findall(r"^(\d+) +(\w+)\((.*)", open(trace, encoding="utf-8").read(), re.M):
            numbers[thread, call] += 1
            if call != "openat" or "O_CREAT" in rest:
                found[call, numbers[thread, call]] = None
        return list(found)

    def copy(self, base):
        data = os.path.join(self.dir, "data")
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(base, data)
        return data

    def crash(self, base, name, call, at):
        """Whether it was killed there; it may have ended before if it does not always make the same calls."""
        operation, data = OPERATIONS[name], self.copy(base)
        inject = f"inject={call}:signal=KILL:when={at}"
        before = ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
        status, _, _ = self.run(*operation.command, given=operation.given, before=before)
        where = f"{name}, killed at {call} {at}"
        known = len(self.faults)
        there = self.read(operation, where)
        self.verify(where)
        self.do_again(operation, where)
        self.read(operation, f"{where}, done again")
        if there is not None and operation.keeps != ALL_OR_NONE:
            self.append(operation, where, "u" if operation.keeps == RENAMED else "t")
        self.verify(f"{where}, appended to")
        if len(self.faults) > known:
            shutil.copytree(data, os.path.join(self.dir, f"{name} {call} {at}".replace(" ", "-")))
        return status in (-9, 137)

    def verify(self, where):
        status, out, err = self.run("log-admin", "verify")
        if status != 0:
            self.fail(f"{where}: verify: {status}: {out}{err}")

    def read(self, operation, where):
        """The records that may be read, or None without the topic."""
        status, out, err = self.run("subscribe", "t", "--meta")
        if status == 69 and operation.keeps == ALL_OR_NONE:
            return None
        if operation.keeps == RENAMED:
            name = "t" if status == 0 else "u"
            status, out, err = self.run("subscribe", name, "--meta")
            out = out.replace(f'"topic":"{name}"', '"topic":"t"')
            self.keeps_group(name, where)
        if status != 0:
            self.fail(f"{where}: subscribe: {status}: {err}")
            return None
        lines = out.splitlines()
        old, good = [line for line in lines if line in set(self.good)], self.good
        if operation.keeps != PART and old != good:
            self.fail(f"{where}: {len(old)} of {len(good)} records are there")
        if operation.keeps == PART and old != [line for line in good if line in set(old)]:
            self.fail(f"{where}: the records are out of order")
        if "trim" in operation.command and not is_rest(old, good):
            self.fail(f"{where}: what is there is not the rest of each partition")
        if operation.command[0] != "produce" and len(lines) != len(old):
            self.fail(f"{where}: {len(lines) - len(old)} records are there that were never appended")
        if "compact" in operation.command:
            self.keeps_last_records(old, where)
        return lines

    def keeps_group(self, name, where):
        """What the group has committed is there under the topic's name; once a writer was there, under no other."""
        rows = [json.loads(line) for line in self.run("log-admin", "groups", "--json")[1].splitlines()]
        committed = {(row["topic"], row["partition"]): row["committed"] for row in rows}
        ends = {(name, partition): end for partition, end in self.ends.items()}
        if committed != ends and not ("again" not in where and ends.items() <= committed.items()):
            self.fail(f"{where}: the group has committed {committed}, and the topic is {name}")

    def keeps_last_records(self, lines, where):
        """Of each key the last record, unless that is a tombstone, which may go."""
        last = {json.loads(line)["record"]["k"]: line for line in self.good}
        for key, line in last.items():
            if line not in lines and not json.loads(line)["record"]["gone"]:
                self.fail(f"{where}: the last record of key {key} is not there")

    def do_again(self, operation, where):
        status, _, err = self.run(*operation.command, given=operation.given)
        if status not in operation.again:
            self.fail(f"{where}, done again: {status}: {err}")

    def append(self, operation, where, topic):
        """Appends more under the name; then each record is there once, whoever reads."""
        status, _, err = self.run("produce", topic, "--producer", "n", given=records(AFTER))
        if status != 0:
            self.fail(f"{where}: produce: {status}: {err}")
        _, alone, _ = self.run("subscribe", topic, "--meta")
        numbers = [json.loads(line)["record"].get("n") for line in alone.splitlines()]
        numbers = sorted(number for number in numbers if number is not None)
        least = range(BEFORE if operation.keeps == PART else 0, AFTER)
        if len(numbers) != len(set(numbers)) or not set(least) <= set(numbers):
            self.fail(f"{where}, appended to: the records are {numbers}")
        with self.served():
            _, served, _ = self.run("subscribe", topic, "--meta")
        # The daemon may compact while it is asked: then it gives what is left before, after, or in between.
        left = self.run("subscribe", topic, "--meta")[1].splitlines()
        given = set(served.splitlines())
        if not set(left) <= given or served.splitlines() != [line for line in alone.splitlines() if line in given]:
            self.fail(f"{where}: of {len(alone.splitlines())} records the daemon gives {len(given)}: {given}")

"""Flips each bit of a small log, one at a time, and checks that it is noticed or carries nothing, whoever meets it.

The log has a keyed topic of two partitions with several segments, compacted ones among them, two named producers, and a
group's commit. After a flip, the files alone and the daemon give all records, or a beginning of each partition and an
error; verify finds whatever any reader met; a group goes on where it was, or is told; an append is refused or goes behind
all that is there. A repair then makes everything usable again, and loses nothing but records that were damaged themselves.
"""

import json
import os
import random
import shutil
from collections import Counter

from .common import Trial

DAMAGED = 74
NEW = '{"k":0,"new":1}\n'


def lines_by_partition(out):
    """Of each partition the offsets and records; a line that was cut off is none."""
    partitions = {}
    for line in out[: out.rfind("\n") + 1].splitlines():
        line = json.loads(line)
        partitions.setdefault(line["partition"], []).append((line["offset"], json.dumps(line["record"])))
    return partitions


def is_beginning(some, whole):
    return all(lines == whole.get(partition, [])[: len(lines)] for partition, lines in some.items())


class Flips(Trial):
    SECONDS = None

    def torture(self):
        base = os.path.join(self.dir, "base")
        self.make(base)
        self.good = lines_by_partition(self.expect("subscribe", "t", "--meta", data=base))
        self.groups = self.expect("log-admin", "groups", "--json", data=base)
        shutil.copytree(base, self.data)
        with self.served():
            self.rest = sorted(self.expect("subscribe", "t", "--group", "g").splitlines())
        if self.faults:
            return "nothing was tried"
        flips = [
            (os.path.relpath(os.path.join(folder, name), base), bit)
            for folder, _, names in os.walk(base)
            for name in sorted(names)
            for bit in range(os.path.getsize(os.path.join(folder, name)) * 8)
        ]
        # So that a run that is cut short has tried some of everything.
        random.Random(self.seed).shuffle(flips)
        results = Counter()
        for path, bit in flips:
            if not self.in_time():
                break
            results[self.flip(base, path, bit)] += 1
        return f"flipped {sum(results.values())} of {len(flips)} bits: {dict(results)}"

    def make(self, data):
        keyed = ["--partitions", "2", "--key", ".k", "--compact", "--segment-bytes", "60"]
        self.expect("log-admin", "create", "t", *keyed, data=data)
        for count in (3, 6, 8, 10, 12):
            given = "".join(f'{{"k":{number % 5},"n":{number}}}\n' for number in range(count))
            self.expect("produce", "t", "--producer", "p", given=given, data=data)
        # A name that is newer than producers.json.
        self.expect("produce", "t", "--producer", "q", given='{"k":0,"n":12}\n', data=data)
        # So that the daemon finds nothing to compact.
        self.expect("log-admin", "compact", "t", data=data)
        self.expect("log-admin", "reset", "g", "t", "--partition", "0", "--to", "2", data=data)

    def flip(self, base, path, bit):
        """What came of it, in a word."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(base, self.data)
        with open(os.path.join(self.data, path), "rb+") as file:
            contents = bytearray(file.read())
            contents[bit // 8] ^= 1 << bit % 8
            file.seek(0)
            file.write(contents)
        known, self.where = len(self.faults), f"{path} bit {bit}"
        told = self.read("alone")
        group_told = self.list_groups()
        found = self.status("log-admin", "verify", fine=(0, 1)) == 1
        with self.served():
            served_told = self.read("served")
            member_told = self.join_group()
        if (told or served_told or group_told or member_told) and not found:
            self.fail(f"{self.where}: a reader is told of damage and verify finds none")
        self.append()
        self.repair(path)
        if len(self.faults) > known:
            shutil.copytree(self.data, os.path.join(self.dir, self.where.replace("/", "-").replace(" ", "-")))
        return "told" if told else "found" if found else "harmless"

    def status(self, *command, fine, **options):
        status, out, err = self.run(*command, **options)
        if status not in fine or status != 0 and not out + err:
            self.fail(f"{self.where}: {' '.join(command)}: {status}: {out}{err}")
        return status

    def read(self, who):
        """Whether the reader is told of damage; else it must get everything."""
        status, out, err = self.run("subscribe", "t", "--meta")
        got = lines_by_partition(out)
        if status not in (0, DAMAGED) or status and not err:
            self.fail(f"{self.where}: subscribe, {who}: {status}: {err}")
        if status == 0 and got != self.good or not is_beginning(got, self.good):
            self.fail(f"{self.where}: subscribe, {who}: {status}, and these records: {got}")
        return status != 0

    def list_groups(self):
        """A group whose topic is damaged is listed with what is known, and with a warning."""
        status, out, err = self.run("log-admin", "groups", "--json")
        if status == 0 and not err and out != self.groups or status not in (0, DAMAGED):
            self.fail(f"{self.where}: groups: {status}: {out}{err}")
        return status != 0 or err != ""

    def join_group(self):
        status, out, err = self.run("subscribe", "t", "--group", "g")
        got = sorted(out.splitlines())
        if status == 0 and got != self.rest or status not in (0, DAMAGED) or not set(got) <= set(self.rest):
            self.fail(f"{self.where}: subscribe --group: {status}: {got} {err}")
        return status != 0

    def append(self):
        """Nothing that was there is written over."""
        appended = self.status("produce", "t", fine=(0, DAMAGED), given=NEW) == 0
        status, out, _ = self.run("subscribe", "t", "--meta")
        new = json.dumps(json.loads(NEW))
        got = lines_by_partition(out)
        old = {partition: [line for line in lines if line[1] != new] for partition, lines in got.items()}
        if not is_beginning(old, self.good) or status == 0 and old != self.good:
            self.fail(f"{self.where}: after an append these records are there: {got}")
        if status == 0 and appended != (sum(map(len, got.values())) > sum(map(len, old.values()))):
            self.fail(f"{self.where}: an append ended with {appended}, and these records are there: {got}")

    def repair(self, path):
        self.status("log-admin", "verify", "--repair", fine=(0, 1))
        self.status("log-admin", "verify", fine=(0,))
        self.status("produce", "t", fine=(0,), given=NEW)
        status, out, err = self.run("subscribe", "t", "--meta")
        got = lines_by_partition(out)
        for partition, lines in self.good.items():
            lost = [line for line in lines if line not in got.get(partition, [])]
            if lost and (not path.endswith(".ndjson") or len(lost) > 3):
                self.fail(f"{self.where}: the repair lost {lost}")
        if status != 0:
            self.fail(f"{self.where}: subscribe after a repair: {status}: {err}")

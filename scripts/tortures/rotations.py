"""Files that are written, rotated, copied, compressed and removed at random, while produce collects them.

Each file has a writer that appends lines, some of them in two pieces, and rotates: by renaming, or by copying and
truncating, to names with numbers that shift, or with dates; rotated files are compressed and, once their lines are
in the topic, removed. produce --follow, or
produce --resume again and again as cron runs it, collects them all; it is killed with SIGKILL at any time, and so
is log-serve, without which produce works on the log itself. In the end the topic has every line of every file once,
and those of a file in order.

With --peers, rsyslog and Flume collect the same files and are killed, too; a table shows what each has in the end.
Then files rotate only every few seconds, as a Java machine needs seconds to start, and none is removed, so that
what is lost is lost by those who collect.
"""

import json
import os
import random
import shutil
import subprocess
import time

from .common import TRY_AGAIN, Trial
from .peers import peers
from .tally import HEAD, Tally

FILES = 4
# Those whose rotated files have dates in their names; the others' have numbers.
DATED = (2, 3)
FIRST_DATE = 20260101000000
NAMES = "app?.log"
KEPT_MIN = 2
# How long writers wait after each step, with peers.
LULL_SECONDS = 1
# Killed; the daemon was, under it; or somebody else has the log now.
HARMLESS = (-9, -15, 0, 69, 74, TRY_AGAIN)


class Rotations(Trial):
    SECONDS = 30

    def __init__(self, with_peers=False, **options):
        super().__init__(**options)
        self.logs = os.path.join(self.dir, "logs")
        self.pattern = os.path.join(self.logs, NAMES)
        os.mkdir(self.logs)
        self.peers = peers(self, NAMES) if with_peers else []
        self.lull = LULL_SECONDS if with_peers else 0
        self.written = [0] * FILES
        self.dates = [FIRST_DATE] * FILES
        self.counts = dict.fromkeys(["renamed", "copied", "compressed", "removed", "runs", "kills"], 0)

    def path(self, number, rotation=""):
        return os.path.join(self.logs, f"app{number}.log{rotation}")

    def line(self, number, chance):
        record = {"f": number, "n": self.written[number]}
        if chance.random() < 0.3:
            record["text"] = "x" * chance.choice([10, 500, 3000])
        self.written[number] += 1
        return json.dumps(record).encode() + b"\n"

    def rotated(self, number):
        """The names of a file's rotated files, the oldest first."""
        live = f"app{number}.log"
        names = [name for name in os.listdir(self.logs) if name.startswith(live) and name != live]
        place = lambda name: int(name.removeprefix(live)[1:].partition(".")[0])
        return sorted(names, key=place, reverse=number not in DATED)

    def place(self, number):
        """Where a file goes that is rotated now: its name has the date, or the others move up a number."""
        if number in DATED:
            self.dates[number] += 1
            return self.path(number, f"-{self.dates[number]}")
        for name in self.rotated(number):
            rotation, dot, end = name.removeprefix(f"app{number}.log.").partition(".")
            to = self.path(number, f".{int(rotation) + 1}{dot}{end}")
            os.rename(os.path.join(self.logs, name), to)
        return self.path(number, ".1")

    def write(self, number, chance):
        """A program that writes a log; the second file and every other one after it is copied and truncated."""
        copies = number % 2 == 1
        out = open(self.path(number), "ab", buffering=0)
        while self.going():
            for _ in range(chance.choice([1, 1, 3, 20, 400])):
                out.write(self.line(number, chance))
            torn = self.line(number, chance)
            at = chance.randrange(1, len(torn))
            out.write(torn[:at])
            time.sleep(chance.choice([0, 0, 0.01, 0.05]))
            if chance.random() < 0.3 and not copies:
                # A writer that is told only later that its file was rotated.
                os.rename(self.path(number), self.place(number))
                out.write(torn[at:])
                out = open(self.path(number), "ab", buffering=0)
                self.counts["renamed"] += 1
            else:
                out.write(torn[at:])
            if chance.random() < 0.3 and copies:
                shutil.copyfile(self.path(number), self.place(number))
                os.truncate(self.path(number), 0)
                self.counts["copied"] += 1
            self.age(number, chance)
            time.sleep(self.lull + chance.choice([0, 0.001, 0.02, 0.1]))

    def age(self, number, chance):
        """Compresses a rotated file, and removes the oldest one if all of it is in the topic."""
        plain = [name for name in self.rotated(number) if not name.endswith((".gz", ".zst"))]
        if plain and chance.random() < 0.3:
            program = chance.choice([["gzip", "-q"], ["zstd", "-q", "--rm"]])
            subprocess.run([*program, os.path.join(self.logs, chance.choice(plain))], check=True)
            self.counts["compressed"] += 1
        rotated = self.rotated(number)
        if len(rotated) > KEPT_MIN and chance.random() < 0.1 and not self.peers:
            path = os.path.join(self.logs, rotated[0])
            read = {".gz": ["gzip", "-dc"], ".zst": ["zstd", "-dcq"]}.get(os.path.splitext(path)[1], ["cat"])
            text = subprocess.run([*read, path], check=True, capture_output=True).stdout
            last = max((json.loads(line)["n"] for line in text.splitlines()), default=-1)
            status, out, _ = self.run("subscribe", "t")
            records = (json.loads(line) for line in out.splitlines())
            if status == 0 and any((record["f"], record["n"]) == (number, last) for record in records):
                os.remove(path)
                self.counts["removed"] += 1

    def collect(self, chance):
        """As cron does it, or for ever; killed or not."""
        while self.going():
            follows = chance.random() < 0.5
            child = self.start("produce", "t", self.pattern, "--follow" if follows else "--resume")
            self.counts["runs"] += 1
            seconds = chance.uniform(0.02, 1.5) if follows else chance.choice([0.05, 0.2, 9])
            try:
                _, err = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                self.counts["kills"] += 1
                _, err = child.communicate()
            if child.returncode not in HARMLESS:
                self.fail(f"produce ended with {child.returncode}: {err}")

    def serve(self, chance):
        while self.going():
            child = self.start("log-serve")
            try:
                _, err = child.communicate(timeout=chance.uniform(0.1, 2))
            except subprocess.TimeoutExpired:
                chance.choice([child.kill, child.terminate])()
                _, err = child.communicate()
            if child.returncode not in HARMLESS:
                self.fail(f"log-serve ended with {child.returncode}: {err}")
            time.sleep(chance.choice([0, 0.3, 1]))

    def check(self, lines):
        following = [0] * FILES
        for line in lines:
            record = json.loads(line)
            if record["n"] != following[record["f"]]:
                return self.fail(f"file {record['f']} has line {record['n']} where {following[record['f']]} comes next")
            following[record["f"]] += 1
        if following != self.written:
            self.fail(f"{self.written} lines were written, and {following} are there")

    def torture(self):
        # What was rotated before the first run is not collected.
        for number in range(FILES):
            with open(self.path(number), "ab") as out:
                out.write(self.line(number, random.Random(0)))
        self.expect("produce", "t", self.pattern, "--resume")
        for peer in self.peers:
            peer.first()
        jobs = [self.thread(self.write, number, random.Random(f"{self.seed} {number}")) for number in range(FILES)]
        jobs.append(self.thread(self.collect, random.Random(f"{self.seed} collect")))
        jobs.append(self.thread(self.serve, random.Random(f"{self.seed} serve")))
        jobs += [self.thread(peer.collect, random.Random(f"{self.seed} {peer.name}")) for peer in self.peers]
        for job in jobs:
            job.join()
        for _ in range(2):
            self.expect("produce", "t", self.pattern, "--resume", "--wait", "10s")
        lines = self.expect("subscribe", "t").splitlines()
        self.check(lines)
        if self.peers:
            self.compare(lines)
        counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        return f"{sum(self.written)} lines of {FILES} files; {counts}"

    def compare(self, lines):
        """Prints what each collector has."""
        for job in [self.thread(peer.finish) for peer in self.peers]:
            job.join()
        ours = Tally()
        for line in lines:
            ours.add(line)
        print(HEAD)
        print(ours.row("millstream", self.written, self.counts["kills"]))
        for peer in self.peers:
            print(peer.tally().row(peer.name, self.written, peer.kills))

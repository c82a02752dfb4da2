"""Kills the daemon, producers and every stage of a pipeline with SIGKILL, in a loop, and checks the promises.

Three producers with names append growing files, sometimes through the daemon, sometimes by themselves; each is
killed or not, and run again until it succeeds. What it then acknowledged must be in the log, once, in order;
whoever reads meanwhile, also through filter and map, must see a beginning of each producer's records. Two groups,
one that writes and one that runs a command, must get every record at least once. What window and aggregate
give while they are killed is a beginning of what they give in peace, and aggregate knows when it was cut
short. A fourth producer writes to a topic that is compacted meanwhile: of each key the last record must be
there. A fifth has no name and reads a pipe, line by line: what it is said to have appended is a beginning of
what came by the pipe, once, and at least what it acknowledged.
"""

import json
import os
import random
import re
import subprocess
import threading
import time

from .common import TRY_AGAIN, Trial

PRODUCERS = 3
KEYS = 7
BAD_DATA = 65
MEMBER = ["subscribe", "t", "--group", "writes", "--from", "start"]


class Kills(Trial):
    SECONDS = 30

    def __init__(self, **options):
        super().__init__(**options)
        self.acknowledged = [0] * PRODUCERS
        self.acknowledged_state = 0
        self.acknowledged_live = []
        self.kills = dict.fromkeys(
            ["log-serve", "produce", "subscribe", "member", "filter", "map", "window", "aggregate", "compact"], 0
        )
        self.delivered = [set() for _ in range(PRODUCERS)]
        self.batches = os.path.join(self.dir, "batches")
        os.mkdir(self.batches)

    def kill_after(self, child, name, seconds):
        """Gives the process so long, then kills it; its status, and what it said on stderr."""
        try:
            _, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            self.kills[name] += 1
            _, err = child.communicate()
        return child.returncode, err

    def serve(self, chance):
        while self.going():
            child = self.start("log-serve")
            status, err = self.kill_after(child, "log-serve", chance.uniform(0.05, 0.8))
            if status not in (-9, 0, TRY_AGAIN):
                self.fail(f"log-serve ended with {status}: {err}")
            # Producers then have the log for themselves, some of the time.
            time.sleep(chance.choice([0, 0, chance.uniform(0, 0.2)]))

    def produce(self, number, chance):
        path = os.path.join(self.dir, f"input-{number}.ndjson")
        written = 0
        while self.going():
            with open(path, "a", encoding="utf-8") as out:
                for _ in range(chance.choice([1, 10, 500, 20_000])):
                    out.write(json.dumps({"p": number, "n": written}) + "\n")
                    written += 1
            while self.going():
                child = self.start("produce", "t", "--producer", f"p{number}", path)
                status, err = self.kill_after(child, "produce", chance.uniform(0.005, 0.3))
                if status == 0:
                    self.acknowledged[number] = written
                    break
                # Killed; the daemon was, under it; or somebody else has the log or the name now.
                if status not in (-9, 69, 74, TRY_AGAIN):
                    self.fail(f"produce ended with {status}: {err}")

    def update(self, chance):
        path = os.path.join(self.dir, "state.ndjson")
        written = 0
        while self.going():
            with open(path, "a", encoding="utf-8") as out:
                for _ in range(chance.choice([1, 10, 500])):
                    out.write(json.dumps({"k": written % KEYS, "n": written}) + "\n")
                    written += 1
            while self.going():
                child = self.start("produce", "state", "--producer", "p", path)
                status, err = self.kill_after(child, "produce", chance.uniform(0.005, 0.3))
                if status == 0:
                    self.acknowledged_state = written
                    break
                if status not in (-9, 69, 74, TRY_AGAIN):
                    self.fail(f"produce ended with {status}: {err}")

    def stream(self, chance):
        """A producer without a name, whose pipe may be lent to the daemon; it is not run again."""
        while self.going():
            run = len(self.acknowledged_live)
            self.acknowledged_live.append(0)
            child = self.start("produce", "live", "-v", stdin=subprocess.PIPE)
            timer = threading.Timer(chance.uniform(0.02, 0.5), chance.choice([child.kill, child.terminate]))
            timer.start()
            try:
                for number in range(chance.choice([5, 50, 2000])):
                    child.stdin.write(json.dumps({"run": run, "n": number}) + "\n")
                    if chance.random() < 0.9:
                        child.stdin.flush()
            except BrokenPipeError:
                pass
            _, err = child.communicate()
            timer.cancel()
            self.kills["produce"] += child.returncode == -9
            said = re.search(r"(\d+) records? appended", err)
            if said:
                self.acknowledged_live[run] = int(said[1])
            if child.returncode not in (-9, -15, 0, 69, 74, TRY_AGAIN):
                self.fail(f"produce from a pipe ended with {child.returncode}: {err}")

    def check_live(self):
        out = self.expect("subscribe", "live")
        following = [0] * len(self.acknowledged_live)
        for line in out.splitlines():
            record = json.loads(line)
            if record["n"] != following[record["run"]]:
                return self.fail(f"live has {record} where {following[record['run']]} comes next")
            following[record["run"]] += 1
        for run, (there, least) in enumerate(zip(following, self.acknowledged_live)):
            if there < least:
                self.fail(f"live has {there} of run {run}, and {least} were acknowledged")

    def compact(self, chance):
        while self.going():
            child = self.start("log-admin", "compact", "state", *chance.choice([[], ["--close"]]))
            status, err = self.kill_after(child, "compact", chance.uniform(0.005, 0.5))
            if status not in (-9, 0, 69, 74, TRY_AGAIN):
                self.fail(f"compact ended with {status}: {err}")
            self.read_state()

    def read_state(self):
        at_least = self.acknowledged_state
        status, out, err = self.run("subscribe", "state")
        if status not in (0, 69, 74, TRY_AGAIN):
            self.fail(f"subscribe state: {status}: {err}")
        if status == 0:
            self.check_state(out, at_least)

    def check_state(self, text, at_least):
        """Records rise by number; of each key there is the last one acknowledged, or a later one."""
        numbers = [json.loads(line)["n"] for line in text.splitlines()]
        if numbers != sorted(set(numbers)):
            self.fail(f"state is out of order: {numbers}")
        last = {number % KEYS: number for number in numbers}
        for number in range(max(0, at_least - KEYS), at_least):
            if last.get(number % KEYS, -1) < number:
                self.fail(f"state lacks {number}: {last}")

    def subscribe(self, chance):
        while self.going():
            before = list(self.acknowledged)
            follow = chance.random() < 0.5
            child = self.start("subscribe", "t", *(["-f"] if follow else []), stdout=subprocess.PIPE)
            timer = threading.Timer(chance.uniform(0.1, 1.0), child.kill)
            timer.start()
            out, err = child.communicate()
            timer.cancel()
            self.kills["subscribe"] += child.returncode == -9
            whole = child.returncode == 0 and not follow
            self.check(out, before if whole else [0] * PRODUCERS, "a subscriber")
            if child.returncode not in (-9, 0, 69, 74, TRY_AGAIN):
                self.fail(f"subscribe ended with {child.returncode}: {err}")

    def member(self, chance):
        """A member of a group that commits what it has written: here, to our pipe."""
        while self.going():
            child = self.start(*MEMBER, "-f", stdout=subprocess.PIPE)
            out, err = self.read_and_kill(child, "member", chance.uniform(0.05, 0.8))
            self.deliver(out)
            if child.returncode not in (-9, 0, 69, 74, TRY_AGAIN):
                self.fail(f"a member ended with {child.returncode}: {err}")

    def deliver(self, text):
        for line in text[: text.rfind("\n") + 1].splitlines():
            record = json.loads(line)
            self.delivered[record["p"]].add(record["n"])

    def executor(self, chance):
        """A member that commits what a command has taken; each batch into a file of its own."""
        while self.going():
            child = self.start(*self.executes(), "-f")
            status, err = self.kill_after(child, "member", chance.uniform(0.05, 0.8))
            if status not in (-9, 0, 69, 74, TRY_AGAIN):
                self.fail(f"a member with --exec ended with {status}: {err}")

    def executes(self):
        command = f"cat > \"$(mktemp '{self.batches}/XXXXXXXX')\""
        return ["subscribe", "t", "--group", "executes", "--from", "start", "--exec", command]

    def pipeline(self, chance, commands, feed=None):
        """Runs commands in a pipe and kills one of them; what came out, their statuses, who it was."""
        children, stdin = [], open(feed, "rb") if feed else subprocess.DEVNULL
        for command in commands:
            child = self.start(*command, stdin=stdin, stdout=subprocess.PIPE)
            if stdin is not subprocess.DEVNULL:
                stdin.close()
            stdin = child.stdout
            children.append(child)
        chosen = chance.randrange(len(children))
        timer = threading.Timer(chance.uniform(0.005, 0.25), children[chosen].kill)
        timer.start()
        out = stdin.read()
        errors = [child.stderr.read() for child in children]
        statuses = [child.wait() for child in children]
        timer.cancel()
        if statuses[chosen] == -9:
            self.kills[commands[chosen][0]] += 1
        return out, statuses, errors

    def stages(self, chance):
        """Records through filter and map, whichever of the three is killed: never taken for all."""
        while self.going():
            before = list(self.acknowledged)
            commands = [["subscribe", "t", "--control"], ["filter", ".n >= 0"], ["map", "--plain", "{p, n}"]]
            out, statuses, errors = self.pipeline(chance, commands)
            # A subscribe that was killed before its first word looks like an empty input.
            whole = out and statuses[-1] == 0
            self.check(out, before if whole else [0] * PRODUCERS, "a pipeline")
            # After one that did not finish, the stream is cut short.
            fine = (-9, 0, 69, 74, TRY_AGAIN)
            cut = any(statuses[:-1])
            if any(status not in fine and not (cut and status == BAD_DATA) for status in statuses):
                self.fail(f"the stages ended with {statuses}: {errors}")

    def windows(self, chance):
        """Results of windows, whichever of the two is killed: a beginning, and not taken for all."""
        path = os.path.join(self.dir, "events.ndjson")
        with open(path, "w", encoding="utf-8") as out:
            for second in range(60_000):
                out.write(json.dumps({"at": second, "k": second % 3}) + "\n")
        commands = [["window", "--time", ".at", "--tumbling", "1m"], ["aggregate", "count", "--by", ".k"]]
        expected = None
        while self.going():
            if expected is None:
                first = self.start(*commands[0], path, stdout=subprocess.PIPE)
                second = self.start(*commands[1], stdin=first.stdout, stdout=subprocess.PIPE)
                expected = second.communicate()[0]
                if second.returncode != 0 or not expected:
                    return self.fail("window and aggregate do not work in peace")
            out, statuses, errors = self.pipeline(chance, commands, feed=path)
            whole = out[: out.rfind("\n") + 1]
            if not expected.startswith(whole):
                self.fail(f"results that are none: {whole[-200:]}")
            # A window that was killed before its first word looks like an empty input.
            if statuses[1] == 0 and out and out != expected:
                self.fail(f"results that were cut short look whole: {statuses} {errors}")

    def read_and_kill(self, child, name, seconds):
        timer = threading.Timer(seconds, child.kill)
        timer.start()
        out, err = child.communicate()
        timer.cancel()
        self.kills[name] += child.returncode == -9
        return out, err

    def check_groups(self):
        """The groups read to the end; then both must have got every record."""
        server = self.start("log-serve")
        deadline = time.monotonic() + 30
        while True:
            status, out, err = self.run(*MEMBER)
            self.deliver(out)
            ended, _, error = self.run(*self.executes())
            if (status, ended) == (0, 0):
                break
            if time.monotonic() > deadline:
                self.fail(f"the last members ended with {status}, {ended}: {err}{error}")
                break
            time.sleep(0.05)
        server.terminate()
        server.communicate()
        executed = [set() for _ in range(PRODUCERS)]
        for name in os.listdir(self.batches):
            with open(os.path.join(self.batches, name), encoding="utf-8") as batch:
                for line in batch:
                    if line.endswith("\n"):
                        record = json.loads(line)
                        executed[record["p"]].add(record["n"])
        for group, delivered in [("writes", self.delivered), ("executes", executed)]:
            for number, acknowledged in enumerate(self.acknowledged):
                missing = set(range(acknowledged)) - delivered[number]
                if missing:
                    self.fail(f"group {group} never got {len(missing)} of p{number}: {min(missing)}, ...")

    def check(self, text, at_least, who):
        """Each producer's records are 0, 1, 2, ...: no gap, no repetition, and not too few."""
        following = [0] * PRODUCERS
        # A line that was cut off when its writer was killed is none.
        for line in text[: text.rfind("\n") + 1].splitlines():
            record = json.loads(line)
            expected = following[record["p"]]
            if record["n"] != expected:
                self.fail(f"{who} got {record} where {expected} comes next")
                return
            following[record["p"]] += 1
        if any(there < least for there, least in zip(following, at_least)):
            self.fail(f"{who} got {following}; acknowledged were {at_least}")

    def torture(self):
        self.expect("log-admin", "create", "t", "--partitions", "2", "--key", ".p")
        self.expect("log-admin", "create", "live")
        compacted = ("--key", ".k", "--compact", "--segment-bytes", "4KiB")
        self.expect("log-admin", "create", "state", *compacted)
        jobs = [(self.serve, ()), (self.subscribe, ()), (self.subscribe, ())]
        jobs += [(self.update, ()), (self.stream, ()), (self.compact, ())]
        jobs += [(self.member, ()), (self.member, ()), (self.executor, ())]
        jobs += [(self.stages, ()), (self.windows, ())]
        jobs += [(self.produce, (number,)) for number in range(PRODUCERS)]
        threads = [
            self.thread(job, *args, random.Random(f"{self.seed}/{at}")) for at, (job, args) in enumerate(jobs)
        ]
        for thread in threads:
            thread.join()
        self.expect("log-admin", "verify")
        self.check(self.expect("subscribe", "t"), self.acknowledged, "the last reader")
        self.read_state()
        self.check_live()
        self.check_groups()
        live = f"{sum(self.acknowledged_live)} in {len(self.acknowledged_live)} runs"
        return f"acknowledged {self.acknowledged}, {self.acknowledged_state} and {live}, killed {self.kills}"

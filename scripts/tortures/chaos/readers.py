"""Who reads: members of groups, whose output is kept by run, and followers, who go on where their output ends."""

import json
import os
import time


class Reader:
    def __init__(self, chaos, name):
        self.chaos, self.name = chaos, name

    def is_at(self, ends):
        """Whether it has all before these ends."""
        return True

    def work(self):
        while self.chaos.reading:
            self.status = self.chaos.ended(self.name, self.once())
            time.sleep(0.1)


class Member(Reader):
    """Writes what its group gives it; a file for each run."""

    def __init__(self, chaos, name, group, topic):
        super().__init__(chaos, name)
        self.command = ["subscribe", topic, "-f", "--meta", "--group", group, "--from", "start"]
        self.output = os.path.join(chaos.dir, "got", group)
        os.makedirs(self.output, exist_ok=True)
        self.runs = 0

    def once(self):
        self.runs += 1
        with open(os.path.join(self.output, f"{self.name}-{self.runs}.done"), "wb") as out:
            return self.chaos.process(self.name, *self.command, stdout=out)


class Executor(Member):
    """Has a command take what its group gives it; a file for each batch."""

    def once(self):
        command = f"f=$(mktemp '{self.output}/XXXXXXXX') && cat > \"$f\" && mv \"$f\" \"$f.done\""
        return self.chaos.process(self.name, *self.command, "--exec", command)


class Follower(Reader):
    """Reads one partition and goes on behind the last whole line of its output."""

    def __init__(self, chaos, topic, partition):
        super().__init__(chaos, f"follower-{topic}-{partition}")
        self.topic, self.partition = topic, partition
        self.path = os.path.join(chaos.dir, f"{self.name}.out")
        self.status = None

    def next(self):
        """The offset behind the last whole line; the line that is not whole is cut off."""
        try:
            with open(self.path, "rb+") as out:
                size = out.seek(0, os.SEEK_END)
                out.seek(max(0, size - 4096))
                end = out.read()
                whole = end.rfind(b"\n") + 1
                out.truncate(size - len(end) + whole)
        except FileNotFoundError:
            return 0
        return json.loads(end[:whole].splitlines()[-1])["offset"] + 1 if whole else 0

    def once(self):
        start = str(self.next())
        # Retention may have passed it.
        if self.status == 69 and "out of range" in self.chaos.last_error(self.name):
            start = "start"
        command = ["subscribe", self.topic, "-f", "--meta", "--partition", str(self.partition), "--from", start]
        with open(self.path, "ab") as out:
            return self.chaos.process(self.name, *command, stdout=out)

    def is_at(self, ends):
        last = self.lines()[-1:]
        return (last[0]["offset"] + 1 if last else 0) == ends[self.topic, self.partition]

    def lines(self):
        with open(self.path, "rb") as out:
            return [json.loads(line) for line in out.read().split(b"\n")[:-1]]


def all_of(chaos):
    executors = [Executor(chaos, f"executor-{number}", "executes", "events") for number in range(3)]
    members = [Member(chaos, f"member-{number}", "writes", "events") for number in range(2)]
    followers = [Follower(chaos, topic, partition) for topic in ["events", "state"] for partition in range(4)]
    return [*executors, *members, *followers, Follower(chaos, "recent", 0)]

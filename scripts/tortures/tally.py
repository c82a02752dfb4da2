"""What a collector made of lines that were written: how many are missing, repeated or misplaced."""

import json
from collections import Counter

HEAD = f"{'':36}{'written':>9}{'lost':>9}{'twice':>9}{'disorder':>9}{'damaged':>9}{'killed':>8}"


class Tally:
    """Lines as they were collected: {"f": the file, "n": its line, …}."""

    def __init__(self):
        self.seen = Counter()
        self.last = {}
        # Lines for the first time that come after a later one of their file.
        self.disorder = 0
        # What is no line that was written.
        self.damaged = 0

    @property
    def lines(self):
        return sum(self.seen.values())

    def add(self, line):
        try:
            record = json.loads(line)
            file, number = record["f"], record["n"]
        except (ValueError, TypeError, KeyError):
            self.damaged += 1
            return
        if (file, number) not in self.seen:
            self.disorder += number < self.last.get(file, -1)
        self.seen[file, number] += 1
        self.last[file] = max(number, self.last.get(file, -1))

    def row(self, name, written, kills):
        """A row of the table, of which HEAD is the head; `written` are the numbers of lines."""
        total = sum(written)
        lost = sum((file, number) not in self.seen
                   for file, count in enumerate(written) for number in range(count))
        twice = self.lines - len(self.seen)
        return (f"{name:36}{total:9}{lost:9}{twice:9}{self.disorder:9}{self.damaged:9}{kills:8}")

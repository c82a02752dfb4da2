"""What a daemon has promised its clients up to a moment, by what it sent them or by what they heard."""

import json
import re

from .journal import strings

KINDS = ("appended", "committed", "created", "deleted", "altered", "trimmed")
PROMISE = re.compile(rb'^\{"(?:' + "|".join(KINDS).encode() + rb')":.*\}\n', re.M)


class Promises:
    def __init__(self):
        self.acknowledged = []  # (topic, records, {partition: offset})
        self.commits = {}  # partition: offset
        self.there = {}  # topic: whether it is there
        self.widths = {}  # topic: its record_bytes_max
        self.starts = {}  # partition of a topic that was trimmed: where it begins
        self.trims = 0

    def take(self, step):
        """A promise is given when it is sent, not only when the sending has returned."""
        if not step.ends and step.call in ("write", "writev", "sendto", "sendmsg"):
            for found in PROMISE.findall(b"".join(strings(step.text))):
                ((kind, answer),) = json.loads(found).items()
                self.note(kind, answer)

    def note(self, kind, answer):
        if kind in KINDS:
            getattr(self, kind)(answer)

    def so_far(self, topics):
        """Those about these topics that were given by now, while others may be."""
        other = Promises()
        other.acknowledged = [given for given in list(self.acknowledged) if given[0] in topics]
        other.commits, other.starts = dict(self.commits), dict(self.starts)
        other.there = {topic: True for topic in topics}
        return other

    def appended(self, answer):
        self.acknowledged.append((answer["topic"], answer["records"], by_number(answer)))

    def committed(self, answer):
        self.commits.update(by_number(answer))

    def created(self, answer):
        self.there[answer["topic"]] = True

    def deleted(self, answer):
        self.there[answer["topic"]] = False

    def altered(self, answer):
        self.widths[answer["topic"]] = answer["settings"]["record_bytes_max"]

    def trimmed(self, answer):
        self.trims += 1
        self.starts.update(by_number(answer))


def by_number(answer):
    return {int(number): offset for number, offset in answer["offsets"].items()}

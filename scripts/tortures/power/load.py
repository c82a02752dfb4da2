"""A load that uses all that the log writes: several producers with names, segments that fill, compaction with
tombstones, retention, trims, group commits, topics that come and go; and what it appended, by its own account."""

import json
import random
import threading
import time
from collections import Counter, namedtuple

from .placement import partition
from .session import Broken, Refused, Session

PARTITIONS = 4
KEYS = 12
TOPICS = {
    "keyed": {"segment_bytes": 16384},
    "state": {"segment_bytes": 4096, "settings": {"compact": True, "tombstone": ".gone", "tombstone_ms": 300}},
    "short": {"segment_bytes": 4096, "settings": {"retention_bytes": 20000}},
    "live": {"segment_bytes": 8192},
}
WRITERS = [*(("keyed", name) for name in "abc"), ("state", "d"), ("state", "e"), ("short", "f"), ("live", None)]

# What a load did, by its own account: batches, trims, topics of which it is not known whether they were deleted; what
# the daemon gave of topics from which nothing goes, when it had ended in peace; and whether everything is forced to
# the disk before it is acknowledged.
Truth = namedtuple("Truth", "batches trims doubtful whole synced")


class Batch(namedtuple("Batch", "topic producer sequence places")):
    """A batch that was acknowledged: `places` has, for each partition, its first offset and its records."""

    def offsets(self):
        return tuple(sorted((number, first) for number, (first, _) in self.places.items()))

    def records(self):
        for number, (first, part) in self.places.items():
            for at, record in enumerate(part):
                yield (number, first + at), record

    def is_there(self, bounds):
        return all(bounds[number][1] >= first + len(part) for number, (first, part) in self.places.items())

    def is_begun(self, bounds):
        return any(bounds[number][1] > first for number, (first, _) in self.places.items())


def create(data, fsync):
    with Session(data) as client:
        for topic, fields in TOPICS.items():
            shape = {} if topic == "live" else {"partitions": PARTITIONS, "key": ".k"}
            settings = {**fields.get("settings", {}), "fsync": fsync}
            client.ask("create", topic=topic, **shape, segment_bytes=fields["segment_bytes"], settings=settings)


# What a failing disk makes of a request; it is sent again.
FAILED = {"io", "full_disk", "closed_to_appends", "damaged"}


class Load:
    """`heard` is told what the daemon answers. What was refused because the disk failed is counted in `refused`."""

    def __init__(self, trial, data, chance, heard=lambda name, answer: None):
        self.trial, self.data, self.heard = trial, data, heard
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.batches, self.trims, self.doubtful = [], [], set()
        self.refused = Counter()
        jobs = [(self.write, topic, name) for topic, name in WRITERS]
        jobs += [(job,) for job in (self.follow, self.compact, self.trim, self.come_and_go)]
        self.threads = [trial.thread(job, *args, random.Random(chance.random())) for job, *args in jobs]

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def has_appended(self, since=0):
        """Whether each name has appended something, not counting so many first batches."""
        return {name for _, name in WRITERS if name} <= {batch.producer for batch in self.batches[since:]}

    def truth(self, whole, synced):
        return Truth(self.batches, self.trims, self.doubtful, whole, synced)

    def connected(self, work):
        """Does the work with one connection after the other, which end when the daemon does or refuses something."""
        while not self.stopped.is_set():
            try:
                with Session(self.data, self.heard) as client:
                    work(client)
            except Broken:
                time.sleep(0.01)
            except Refused as refused:
                if refused.code in FAILED:
                    with self.lock:
                        self.refused[refused.code] += 1
                elif refused.code not in ("shutting_down", "producer_in_use"):
                    raise
                time.sleep(0.01)

    def write(self, topic, name, chance):
        """Appends batch after batch; one without an answer is sent again under a name, and is given up without."""
        unanswered, number, last = None, 0, 0

        def work(client):
            nonlocal unanswered, number, last
            while not self.stopped.is_set():
                if unanswered is None:
                    unanswered = self.records(topic, name, number, chance)
                records, number = unanswered, unanswered[-1]["n"] + 1
                body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
                named = {} if name is None else {"producer": name, "sequence": number}
                if last:
                    named["after"] = last
                if name is None:
                    unanswered = None
                _, answer = client.ask("append", body, topic=topic, **named)
                unanswered, last = None, number if name else 0
                if name is not None:
                    self.note(topic, name, number, records, answer["offsets"])

        self.connected(work)

    def records(self, topic, name, number, chance):
        length = lambda: int(chance.choice([1, 1, 1, 8]) * chance.expovariate(1 / 60))
        return [
            {
                "k": f"k{chance.randrange(KEYS)}",
                "p": name,
                "n": number + at,
                "gone": topic == "state" and chance.random() < 0.15,
                "pad": "x" * length(),
            }
            for at in range(chance.choice([1, 1, 3, 20]))
        ]

    def note(self, topic, name, sequence, records, offsets):
        parts = {}
        for record in records:
            parts.setdefault(partition(record["k"], PARTITIONS), []).append(record)
        if set(map(str, parts)) != set(offsets):
            raise ValueError(f"{topic}: {records} went to {offsets}")
        places = {number: (offsets[str(number)], part) for number, part in parts.items()}
        with self.lock:
            self.batches.append(Batch(topic, name, sequence, places))

    def follow(self, chance):
        """A member of a group, which commits all it gets."""

        def work(client):
            _, assigned = client.ask("join", group="readers", topic="keyed", follow=True)
            while not self.stopped.is_set():
                name, answer = client.ask("poll")
                if name == "assigned":
                    assigned = answer
                elif name == "records":
                    offsets = {str(answer["partition"]): answer["offset"] + answer["records"]}
                    client.ask("commit", generation=assigned["generation"], offsets=offsets)

        self.connected(work)

    def compact(self, chance):
        def work(client):
            while not self.stopped.wait(chance.uniform(0, 0.3)):
                client.ask("compact", topic="state", close=True)

        self.connected(work)

    def trim(self, chance):
        def work(client):
            while not self.stopped.wait(chance.uniform(0, 0.8)):
                _, ends = client.ask("offsets", topic="short", at="end")
                number, place = chance.choice(list(ends["partitions"].items()))
                offset = chance.randint(place["start"], place["end"])
                self.trims.append((int(number), offset))
                client.ask("trim", topic="short", partition=int(number), offset=offset)

        self.connected(work)

    def come_and_go(self, chance):
        number = 0

        def work(client):
            nonlocal number
            while not self.stopped.wait(chance.uniform(0, 0.2)):
                number += 1
                topic = f"brief-{number}"
                client.ask("create", topic=topic, partitions=2)
                client.ask("append", b"1\n2\n", topic=topic)
                client.ask("alter", topic=topic, settings={"record_bytes_max": 1000 + number})
                if chance.random() < 0.7:
                    self.doubtful.add(topic)
                    client.ask("delete", topic=topic)
                    self.doubtful.remove(topic)

        self.connected(work)

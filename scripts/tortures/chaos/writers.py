"""Who appends: what each was told is appended, and the batches of which it does not know.

Of one writer the records are numbered from 0. Those without a name send nothing twice.
"""

import json
import os
import random
import subprocess
import time

from ..client import Broken, Client

KEYS = 11


class Writer:
    named = False

    def __init__(self, chaos, name, topic):
        self.chaos, self.name, self.topic = chaos, name, topic
        self.chance = random.Random(f"{chaos.seed}/{name}")
        self.next = 0
        self.acknowledged = set()
        self.unknown = []

    def key(self, number):
        # Where records are compacted, the last one of a key must be ours if we are to look for it.
        return f"{self.name if self.topic == 'state' else 'k'}-{number % KEYS}"

    def records(self, numbers):
        lines = ({"p": self.name, "n": number, "k": self.key(number), "pad": "x" * (number % 60)} for number in numbers)
        return "".join(json.dumps(line) + "\n" for line in lines).encode()

    def batch(self, *sizes):
        first, self.next = self.next, self.next + self.chance.choice(sizes)
        return range(first, self.next)

    def pause(self, seconds):
        time.sleep(self.chance.uniform(0, seconds))


class Socket(Writer):
    """Appends by the socket; a batch without an answer is there whole or not at all."""

    def work(self):
        client = None
        while self.chaos.writing:
            numbers = None
            try:
                client = client or Client(self.chaos.data)
                numbers = self.batch(1, 1, 2, 5, 20, 100)
                answer = client.append(self.topic, self.records(numbers))
                if "appended" in answer:
                    self.acknowledged.update(numbers)
                else:
                    raise Broken(answer)
            except Broken:
                if numbers:
                    self.unknown.append(numbers)
                if client:
                    client.close()
                client = None
            self.pause(0.03)


class NamedSocket(Writer):
    """The same under a name: a batch is sent until it is acknowledged."""

    named = True

    def work(self):
        while self.chaos.writing:
            numbers = self.batch(1, 3, 50)
            body = self.records(numbers)
            while not self.append(numbers, body):
                self.pause(0.05)
            self.acknowledged.update(numbers)
            self.pause(0.03)

    def append(self, numbers, body):
        """Whether it is acknowledged. A connection for each try: most of them follow a broken one."""
        client = None
        try:
            client = Client(self.chaos.data)
            after = {"after": numbers.start} if numbers.start else {}
            answer = client.append(self.topic, body, producer=self.name, sequence=numbers.stop, **after)
        except Broken:
            return False
        finally:
            if client:
                client.close()
        if answer.get("error", {}).get("code") == "sequence_gap":
            raise ValueError(f"{self.name} at {numbers}: {answer}")
        return "appended" in answer


class Produce(Writer):
    """produce under a name, of an input that grows, as a file or by a pipe, until it succeeds."""

    named = True

    def work(self):
        path = os.path.join(self.chaos.dir, f"{self.name}.ndjson")
        while self.chaos.writing:
            with open(path, "ab") as out:
                out.write(self.records(self.batch(5, 50, 300)))
            if self.produce(path) == 0:
                self.acknowledged = set(range(self.next))
            self.pause(0.2)

    def produce(self, path):
        command = ["produce", self.topic, "--producer", self.name]
        if self.chance.random() < 0.5:
            return self.chaos.ended(self.name, self.chaos.process(self.name, *command, path))
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
            child = self.chaos.process(self.name, *command, stdin=cat.stdout)
            cat.stdout.close()
            return self.chaos.ended(self.name, child)


class Live(Writer):
    """produce without a name, of a live pipe; all is acknowledged if it succeeds."""

    def work(self):
        while self.chaos.writing:
            first = self.next
            child = self.chaos.process(self.name, "produce", self.topic, stdin=subprocess.PIPE)
            try:
                for _ in range(self.chance.choice([5, 100])):
                    child.stdin.write(self.records(self.batch(1, 4)))
                    child.stdin.flush()
                    self.pause(0.02)
            except BrokenPipeError:
                pass
            try:
                child.stdin.close()
            except BrokenPipeError:
                pass
            if self.chaos.ended(self.name, child) == 0:
                self.acknowledged.update(range(first, self.next))


def all_of(chaos):
    kinds = [
        ("events", [Socket, Socket, NamedSocket, Produce, Produce, Live]),
        ("state", [Socket, NamedSocket, Produce]),
        ("recent", [Socket]),
    ]
    return [
        kind(chaos, f"{kind.__name__}-{topic}-{number}".lower(), topic)
        for topic, kinds in kinds
        for number, kind in enumerate(kinds)
    ]

#!/usr/bin/env python3
"""Writes events as a day has them: a long tail of keys, bursts, disorder, repeats, late events.

    load.py --rate EVENTS_PER_SECOND --seed N

An hour has the event times of a day. One event in twenty has the id of one before it, one in a hundred
comes minutes late, and a user is busy for a while and then gone for good, so that keys never stop being new.
"""

import argparse
import json
import random
import sys
import time
from collections import deque

# How much faster event time passes than the clock.
SPEED = 24
STEP_SECONDS = 0.01
DISORDER_MS = 3_000
LATE_MS = 600_000
BUSY_USERS = 200
KEYS = 2_000
BEGIN_MS = 1_700_000_000_000


class Load:
    def __init__(self, rate, speed, seed):
        self.rate, self.speed, self.chance = rate, speed, random.Random(seed)
        self.number = 0
        self.users = deque(range(BUSY_USERS))
        self.recent = deque(maxlen=500)

    def event(self, now_ms):
        chance = self.chance
        t = now_ms - int(chance.random() * DISORDER_MS)
        if chance.random() < 0.01:
            t -= int(chance.random() * LATE_MS)
        if self.recent and chance.random() < 0.05:
            number = chance.choice(self.recent)
        else:
            number = self.number = self.number + 1
            self.recent.append(number)
        if chance.random() < 0.01:
            self.users.popleft()
            self.users.append(number + BUSY_USERS)
        key = int(KEYS * chance.random() ** 4)
        status = 500 if chance.random() < 0.02 else 200
        return {
            "t": t, "id": f"e{number}", "user": chance.choice(self.users), "k": f"key-{key}",
            "status": status, "ms": int(chance.expovariate(0.01)), "page": "/" + "x" * (key % 40),
        }

    def events(self, now_ms, count):
        return "".join(json.dumps(self.event(now_ms)) + "\n" for _ in range(count)).encode()

    def steps(self):
        """Lines of events, as they are due."""
        begun, given = time.monotonic(), 0
        while True:
            passed = time.monotonic() - begun
            due = int(passed * self.rate)
            yield self.events(BEGIN_MS + int(passed * 1000 * self.speed), due - given)
            given = due
            time.sleep(STEP_SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    out = sys.stdout.buffer
    try:
        for lines in Load(options.rate, SPEED, options.seed).steps():
            out.write(lines)
            out.flush()
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()

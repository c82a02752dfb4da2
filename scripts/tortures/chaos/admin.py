"""What operators do meanwhile, hit by signals like all others."""

import random
import subprocess
import time

OPERATIONS = [
    ["compact", "state"],
    ["compact", "state", "--close"],
    ["stats"],
    ["groups"],
    ["describe"],
    ["list"],
    ["verify"],
    ["alter", "state", "--segment-bytes", "8KiB"],
    ["alter", "state", "--segment-bytes", "64KiB"],
    ["alter", "events", "--segment-bytes", "16KiB"],
    ["alter", "events", "--segment-bytes", "128KiB"],
    ["alter", "recent", "--retention-bytes", "100KiB"],
    ["alter", "recent", "--retention-bytes", "300KiB"],
    ["trim", "recent", "--before", "-5s"],
    ["reset", "third", "events", "--to", "start"],
]


def work(chaos):
    chance = random.Random(f"{chaos.seed}/admin")
    while chaos.writing:
        chaos.ended("log-admin", chaos.process("log-admin", "log-admin", *chance.choice(OPERATIONS)))
        time.sleep(chance.uniform(0, 0.8))

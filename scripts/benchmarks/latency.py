"""From sending to arrival, at 1,000 records a second: from socket to socket by plain clients, against
XADD and XREAD BLOCK, and a JetStream consumer; and from pipe to pipe through produce, the daemon and
subscribe -f, which has two processes more to wake."""

import statistics
from contextlib import contextmanager

from .common import have, log_serve, nats, peers, redis, said, tool


@contextmanager
def topic(work, fsync):
    with log_serve(work) as (_, log):
        said([tool("log-admin"), "--data", log, "create", "t", "--fsync", fsync])
        yield log


def sockets(work, count, fsync):
    with topic(work, fsync) as log:
        return said([peers(), "log-latency", log, str(count)])


def pipes(work, count, fsync):
    with topic(work, fsync) as log:
        return said([peers(), "pipe-latency", str(count), f"'{tool('produce')}' --data '{log}' t",
                     f"'{tool('subscribe')}' -f --data '{log}' t"])


def redis_streams(work, count):
    with redis(work) as (_, socket):
        return said([peers(), "redis-latency", socket, str(count)])


def jetstream(work, count):
    with nats(work) as (_, port):
        return said([peers(), "nats-latency", port, str(count)])


def run(work, options):
    count = options.seconds * 1000
    runs = {"millstream": lambda: sockets(work, count, "never"),
            "millstream, pipe to pipe": lambda: pipes(work, count, "never")}
    if have("redis-server"):
        runs["redis, everysec"] = lambda: redis_streams(work, count)
    if have("nats-server"):
        runs["jetstream"] = lambda: jetstream(work, count)
    runs["millstream, fsync always"] = lambda: sockets(work, count, "always")
    results = {name: [] for name in runs}
    for _ in range(options.runs):
        for name, measure in runs.items():
            results[name].append([float(word) for word in measure().split()])
    print("\nend to end at 1,000 records/s, microseconds")
    for name, taken in results.items():
        p50, p99, p999 = (statistics.median(run[at] for run in taken) for at in range(3))
        print(f"  {name:25} p50 {p50:8.1f}  p99 {p99:8.1f}  p99.9 {p999:8.1f}")

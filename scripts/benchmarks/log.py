"""The log: the same records published and read back through millstream, Redis Streams and NATS
JetStream, in turn. millstream syncs before it acknowledges; the others as they do by default."""

import subprocess

from .common import (Measured, have, log_serve, make_records, nats, peers, redis, report, said,
                     tool)


def millstream(work, records, count):
    with log_serve(work) as (server, log):
        with Measured(server.pid) as publish:
            subprocess.run([tool("produce"), "--data", log, "t", records], check=True)
        with Measured(server.pid) as read:
            subprocess.run([tool("subscribe"), "--data", log, "t"], check=True,
                           stdout=subprocess.DEVNULL)
        with Measured(server.pid) as piped:
            subprocess.run(f"'{tool('subscribe')}' --data '{log}' t | cat > /dev/null",
                           shell=True, check=True)
        there = subprocess.run(f"'{tool('subscribe')}' --data '{log}' t | wc -l", shell=True,
                               check=True, capture_output=True, text=True)
        assert int(there.stdout) == count, "all records are there"
    return publish, read, piped


def redis_streams(work, commands, count):
    with redis(work) as (server, socket):
        with Measured(server.pid) as publish, open(commands, "rb") as stdin:
            subprocess.run(["redis-cli", "-s", socket, "--pipe"], check=True, stdin=stdin,
                           stdout=subprocess.DEVNULL)
        with Measured(server.pid) as read:
            assert int(said([peers(), "redis-read", socket])) == count, "all records are there"
    return publish, read


def jetstream(work, records, count):
    with nats(work) as (server, port):
        with Measured(server.pid) as publish:
            stored = said([peers(), "nats-publish", port, records])
            assert int(stored) == count, "all records are there"
        with Measured(server.pid) as read:
            said([peers(), "nats-read", port, str(count)])
    return publish, read


def make_commands(records, path):
    """The records as Redis commands, ready for redis-cli --pipe."""
    head = b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$%d\r\n%s\r\n"
    with open(records, "rb") as lines, open(path, "wb") as out:
        for line in lines:
            record = line.rstrip(b"\n")
            out.write(head % (len(record), record))


def run(work, options):
    records, commands = work / "records.ndjson", work / "commands"
    count = options.records
    make_records(records, count)
    size = records.stat().st_size
    runs = {"millstream": lambda: millstream(work, records, count)}
    if have("redis-server", "redis-cli"):
        make_commands(records, commands)
        runs["redis"] = lambda: redis_streams(work, commands, count)
    if have("nats-server"):
        runs["jetstream"] = lambda: jetstream(work, records, count)
    results = {name: [] for name in runs}
    for _ in range(options.runs):
        for name, measure in runs.items():
            results[name].append(measure())
    pick = lambda at: {name: [run[at] for run in runs] for name, runs in results.items()}
    report("publish (millstream: fsync always; Redis: AOF everysec; JetStream: sync every 2 min)",
           pick(0), count, size)
    report("read back", pick(1), count, size)
    report("read back through | cat", {"millstream": [run[2] for run in results["millstream"]]},
           count, size)

"""What runs for a long time. A scene starts its processes, says which are watched, and returns."""

import gzip
import os
import shutil
import socket

from . import load
from .load import SPEED

MIB = 1 << 20


def filters(soak, scene):
    """Expressions of both kinds, and records that occur again within a while."""
    soak.pipe(
        scene, soak.load(),
        ["filter", ".ms > 20"],
        ["map", '.page |= ascii_upcase | .slow = (.ms > 300)'],
        ["filter", "true", "--unique", ".id", "--within", "1m", "--time", ".t"],
    )


def windows(soak, scene):
    """Windows of a long tail of keys, by two processes, with late records."""
    soak.pipe(
        scene, soak.load(),
        ["window", "--tumbling", "1m", "--every", "10s", "--time", ".t", "--late", soak.path(scene, "late")],
        ["aggregate", "--by", ".k", "count", "p99(.ms)", "distinct(.id)", "--emit", "updates", "--every", "10s"],
    )


def hops(soak, scene):
    """Windows that overlap, and results that wait for late records."""
    options = ["--hop", "10s", "--size", "2m", "--time", ".t", "--allowed-lateness", "1m"]
    late = ["--late", soak.path(scene, "late")]
    soak.pipe(scene, soak.load(), ["aggregate", *options, *late, "--by", ".k", "count", "sum(.ms)"])


def sessions(soak, scene):
    """Users who are busy for a while and never come again."""
    options = ["--session", "2m", "--time", ".t", "--late", soak.path(scene, "late")]
    soak.pipe(scene, soak.load(), ["aggregate", *options, "--by", ".user", "count", "first(.page)"])


def frames(soak, scene):
    """Frames before each record, of groups that come and go."""
    options = ["--over", "2m", "--time", ".t", "--late", soak.path(scene, "late")]
    soak.pipe(scene, soak.load(), ["aggregate", *options, "--by", ".user", "count", "max(.ms)"])


def served(soak, scene):
    """A topic with retention: a producer, a pipeline behind it, followers and members that come and go."""
    data = soak.served_log(scene)
    held = ["--segment-bytes", "1MiB", "--retention-bytes", "4MiB"]
    soak.wait(lambda: soak.run("log-admin", "list", data=data)[0] == 0, 30)
    soak.expect("log-admin", "create", "events", "--partitions", "2", "--key", ".k", *held, data=data)
    soak.expect("log-admin", "create", "results", *held, data=data)
    soak.expect("log-admin", "create", "state", "--key", ".k", "--compact", "--segment-bytes", "256KiB", data=data)
    soak.pipe(scene, soak.load(), ["produce", "events"], data=data)
    soak.pipe(scene, soak.load(0.25), ["produce", "state", "--producer", "p"], data=data)
    late = ["--late", soak.path(scene, "late")]
    following = soak.start("subscribe", "events", "-f", "--control", "--from", "end", data=data,
                           stdout=-1, stderr=soak.messages(scene))
    soak.watch(f"{scene}: subscribe", following)
    windowed = ["aggregate", "--tumbling", "1m", "--time", ".t", *late, "--by", ".k", "count", "--control"]
    soak.pipe(scene, following, ["filter", ".status == 200"], windowed, ["produce", "results"], data=data)
    for seconds in (1.5, 2.5):
        soak.come_and_go(data, seconds, "subscribe", "events", "-f", "-n", "100")
        soak.come_and_go(data, seconds + 0.2, "subscribe", "events", "-f", "--group", "work", "--from", "end")
    # A partition keeps up to a segment more than retention says, and its index.
    for topic, partitions in [("events", 2), ("results", 1)]:
        soak.limit(f"{scene}: {topic}", os.path.join(data, topic), partitions * (4 + 1 + 1) * MIB * 1.1)
    soak.limit(f"{scene}: state", os.path.join(data, "state"), 4 * MIB)


def unique(soak, scene):
    """A topic that takes each key once within a while."""
    data = soak.served_log(scene)
    held = ["--segment-bytes", "1MiB", "--retention-bytes", "4MiB"]
    soak.wait(lambda: soak.run("log-admin", "list", data=data)[0] == 0, 30)
    soak.expect("log-admin", "create", "once", *held, "--unique", ".id", "--unique-within", "5s", data=data)
    soak.pipe(scene, soak.load(), ["produce", "once"], data=data)
    soak.limit(f"{scene}: once", os.path.join(data, "once"), 12 * MIB)


def files(soak, scene):
    """Files that are written and rotated, and followed."""
    data, directory = soak.path(scene, "log"), soak.path(scene, "files", "")
    path, events = os.path.join(directory, "app.log"), load.Load(soak.rate, SPEED, soak.seed)
    held = ["--segment-bytes", "1MiB", "--retention-bytes", "4MiB"]
    soak.expect("log-admin", "create", "lines", *held, data=data)
    open(path, "w").close()
    producer = soak.start("produce", "lines", os.path.join(directory, "app*.log"), "-F", data=data,
                          stderr=soak.messages(scene))
    soak.watch(f"{scene}: produce", producer)

    def write():
        with open(path, "ab") as file:
            file.write(events.events(load.BEGIN_MS, int(soak.rate / 10)))
        if os.path.getsize(path) > MIB:
            # As logrotate does.
            if os.path.exists(path + ".1"):
                os.rename(path + ".1", path + ".2")
            os.rename(path, path + ".1")
            if os.path.exists(path + ".2"):
                with open(path + ".2", "rb") as old, gzip.open(path + ".2.gz", "wb") as packed:
                    shutil.copyfileobj(old, packed)
                os.unlink(path + ".2")
        return 0.1

    soak.again(write)
    soak.limit(f"{scene}: lines", os.path.join(data, "lines"), 8 * MIB)


def connections(soak, scene):
    """A socket to which clients come and go."""
    data, address = soak.path(scene, "log"), soak.path(scene, "socket")
    events = load.Load(soak.rate, SPEED, soak.seed)
    held = ["--segment-bytes", "1MiB", "--retention-bytes", "4MiB"]
    soak.expect("log-admin", "create", "heard", *held, data=data)
    listener = soak.start("produce", "heard", "--listen", f"unix://{address}", data=data, stderr=soak.messages(scene))
    soak.watch(f"{scene}: produce", listener)
    soak.wait(lambda: os.path.exists(address), 30)

    def connect():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address)
            client.sendall(events.events(load.BEGIN_MS, int(soak.rate / 50)))
        return 0.02

    soak.again(connect)


SCENES = {
    scene.__name__: scene
    for scene in (filters, windows, hops, sessions, frames, served, unique, files, connections)
}

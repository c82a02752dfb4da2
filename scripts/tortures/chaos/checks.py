"""What must hold when everything is quiet again."""

import glob
import json
import os
from collections import Counter, defaultdict
from itertools import pairwise


def ends(chaos):
    """Where each partition ends; nothing if it cannot be told at the moment."""
    status, out, _ = chaos.run("log-admin", "describe", "--json")
    rows = [json.loads(line) for line in out.splitlines()] if status == 0 else []
    return {(row["topic"], row["partition"]): row["end"] for row in rows}


def lag(chaos):
    """How many records the groups have not committed; None if it cannot be told at the moment."""
    status, out, _ = chaos.run("log-admin", "groups", "--json")
    rows = [json.loads(line) for line in out.splitlines()] if status == 0 else []
    lags = [row["lag"] for row in rows if row["group"] in ("executes", "writes") and row["partition"] is not None]
    return sum(lags) if len(lags) == 8 else None


def check(chaos, ends):
    chaos.expect("log-admin", "verify")
    topics = {topic: load(chaos, topic) for topic in ["events", "state", "recent"]}
    for topic, partition in ends:
        check_offsets(chaos, topic, partition, topics[topic], ends)
    for writer in chaos.writers:
        lines = [line for line in topics[writer.topic] if line["record"]["p"] == writer.name]
        {"events": check_events, "state": check_state, "recent": check_recent}[writer.topic](chaos, writer, lines)
    check_times(chaos, topics["events"])
    check_keys(chaos, topics["events"] + topics["state"])
    for group in ["executes", "writes"]:
        check_group(chaos, group, topics["events"])
    for reader in chaos.readers:
        if hasattr(reader, "partition"):
            check_follower(chaos, reader, topics[reader.topic], ends)


def load(chaos, topic):
    return [json.loads(line) for line in chaos.expect("subscribe", topic, "--meta").splitlines()]


def check_offsets(chaos, topic, partition, lines, ends):
    """Without a gap up to the end; from 0 where nothing is removed; rising where records are compacted."""
    offsets = [line["offset"] for line in lines if line["partition"] == partition]
    if topic == "state":
        whole = offsets == sorted(set(offsets))
    else:
        first = 0 if topic == "events" else min(offsets, default=0)
        whole = offsets == list(range(first, ends[topic, partition]))
    if not whole:
        chaos.fail(f"{topic}/{partition}: the offsets have gaps or repeat: {holes(offsets)}")


def holes(offsets):
    return [(before, after) for before, after in pairwise(offsets) if after != before + 1][:10]


def check_events(chaos, writer, lines):
    """All that was acknowledged, once, in order by key; batches whole; under a name without a gap."""
    numbers = [line["record"]["n"] for line in lines]
    there = set(numbers)
    lost = writer.acknowledged - there
    if lost:
        chaos.fail(f"{writer.name}: {len(lost)} acknowledged records are lost: {sorted(lost)[:10]}")
    if len(numbers) != len(there):
        chaos.fail(f"{writer.name}: {len(numbers) - len(there)} records are there more than once")
    if writer.named and there != set(range(len(there))):
        chaos.fail(f"{writer.name}: there are gaps under its name")
    for batch in writer.unknown:
        if 0 < len(there.intersection(batch)) < len(batch):
            chaos.fail(f"{writer.name}: the batch {batch} is half there")
    check_order(chaos, writer, lines)


def check_order(chaos, writer, lines):
    last = {}
    for line in lines:
        key, number = line["record"]["k"], line["record"]["n"]
        if last.get(key, -1) >= number:
            return chaos.fail(f"{writer.name}: {number} comes after {last[key]} of its key {key}")
        last[key] = number


def check_state(chaos, writer, lines):
    """Of each key the last record that was acknowledged, or a later one."""
    check_order(chaos, writer, lines)
    last = {line["record"]["k"]: line["record"]["n"] for line in lines}
    wanted = {writer.key(number): number for number in sorted(writer.acknowledged)}
    for key, number in wanted.items():
        if last.get(key, -1) < number:
            chaos.fail(f"{writer.name}: {number} was acknowledged, the last of key {key} is {last.get(key)}")


def check_recent(chaos, writer, lines):
    """From the first that is left on, all that was acknowledged, in order."""
    numbers = [line["record"]["n"] for line in lines]
    if numbers != sorted(set(numbers)):
        chaos.fail(f"{writer.name}: out of order")
    lost = {number for number in writer.acknowledged if numbers and number >= numbers[0]} - set(numbers)
    if lost or writer.acknowledged and not numbers:
        chaos.fail(f"{writer.name}: {len(lost)} acknowledged records are lost: {sorted(lost)[:10]}")


def check_times(chaos, lines):
    """A topic is read in the order in which it was appended. The times are as long as each other."""
    times = [line["time"] for line in lines]
    if times != sorted(times):
        chaos.fail("events are not read in the order of their times")


def check_keys(chaos, lines):
    """Whoever appends, a key has one partition."""
    partitions = defaultdict(set)
    for line in lines:
        partitions[line["record"]["k"]].add(line["partition"])
    for key, found in partitions.items():
        if len(found) > 1:
            chaos.fail(f"key {key} is in partitions {found}")


def check_group(chaos, group, lines):
    """Each record came at least once, as the log has it."""
    records = {(line["partition"], line["offset"]): line["record"] for line in lines}
    got = Counter()
    for path in glob.glob(os.path.join(chaos.dir, "got", group, "*.done")):
        with open(path, "rb") as out:
            # The last line may be cut off where its writer was killed.
            delivered = [json.loads(line) for line in out.read().split(b"\n")[:-1]]
        for line in delivered:
            at = line["partition"], line["offset"]
            got[at] += 1
            if records.get(at) != line["record"]:
                chaos.fail(f"group {group} got {line}, and the log has {records.get(at)}")
    skipped = records.keys() - got.keys()
    if skipped:
        chaos.fail(f"group {group} never got {len(skipped)} records: {sorted(skipped)[:10]}")


def check_follower(chaos, reader, lines, ends):
    """Rising offsets, none missing where nothing is removed, and what is still there as the log has it."""
    seen = {line["offset"]: line["record"] for line in reader.lines()}
    offsets = [line["offset"] for line in reader.lines()]
    if offsets != sorted(set(offsets)):
        chaos.fail(f"{reader.name}: offsets do not rise")
    if reader.topic == "events" and offsets != list(range(ends[reader.topic, reader.partition])):
        chaos.fail(f"{reader.name}: it lacks records: {holes(offsets)}")
    last = {}
    for line in lines:
        if line["partition"] == reader.partition:
            last[line["record"]["k"]] = line["offset"]
            if seen.get(line["offset"], line["record"]) != line["record"]:
                chaos.fail(f"{reader.name}: it got {seen[line['offset']]}, and the log has {line}")
    if reader.topic == "state" and not set(last.values()) <= seen.keys():
        chaos.fail(f"{reader.name}: it never got the last record of a key")

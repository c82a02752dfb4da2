"""Holds a log that a crash has left against what was appended and what was promised."""

import json

from .load import TOPICS, WRITERS
from .session import Broken, Refused, Session

PROBE = b'{"k":"k1","n":-1,"p":null,"gone":false}\n'


class Check:
    """Of the log in `data`. With `all_there` everything acknowledged must be there, also where a topic acknowledges
    before it forces to the disk. If it is not `of_one_moment`, partitions end at different moments."""

    def __init__(self, trial, data, truth, promises, all_there, of_one_moment=True):
        self.trial, self.data, self.truth, self.promises, self.fail = trial, data, truth, promises, trial.fail
        self.of_one_moment = of_one_moment
        self.all_there = truth.synced or all_there

    def run(self, verify_first):
        if verify_first:
            self.verify("verify before")
        alone = {topic: self.read(topic) for topic in TOPICS if self.promises.there.get(topic)}
        with self.trial.served(data=self.data) as daemon:
            if daemon.poll() is not None:
                return self.fail(f"log-serve does not start: {daemon.returncode}")
            for topic, text in alone.items():
                self.agree(topic, text, self.read(topic))
            self.ask(alone)
        self.verify("verify")

    def ask(self, alone):
        try:
            with Session(self.data) as client:
                self.topics(client)
                for topic, text in alone.items():
                    self.topic(client, topic, [json.loads(line) for line in text.splitlines()], text)
                self.group(client)
                for topic in alone:
                    self.append(client, topic)
        except (Refused, Broken) as error:
            self.fail(f"the daemon does not answer as it should: {error}")

    def agree(self, topic, alone, served):
        """The daemon gives what the files give; but it goes on with retention and compaction as soon as it is there."""
        alone, served = alone.splitlines(), served.splitlines()
        if topic in ("short", "state"):
            there = set(served)
            alone = [line for line in alone if line in there]
        if alone != served:
            self.fail(f"{topic}: the daemon and the files alone give different records")

    def verify(self, when):
        status, out, err = self.trial.run("log-admin", "verify", data=self.data)
        if status != 0:
            self.fail(f"{when}: {status}: {out[-1500:]}{err[-500:]}")

    def read(self, topic):
        status, out, err = self.trial.run("subscribe", topic, "--meta", data=self.data)
        if status != 0:
            self.fail(f"subscribe {topic}: {status}: {err[-500:]}")
        return out

    def topics(self, client):
        """A topic whose creation was answered is there until its deletion begins."""
        found = {topic["topic"]: topic for topic in client.ask("topics")[1]}
        for topic, is_there in self.promises.there.items():
            if is_there and topic not in found and not self.may_be_deleted(topic):
                self.fail(f"topic {topic} is not there")
            if not is_there and topic in found:
                self.fail(f"topic {topic} was deleted and is there")
        for topic, held in found.items():
            if "error" in held:
                self.fail(f"topic {topic}: {held}")
            elif topic in self.promises.widths:
                settings = client.ask("describe", topic=topic)[1]["settings"]
                if settings.get("record_bytes_max") != self.promises.widths[topic]:
                    self.fail(f"topic {topic}: what was altered is {settings}")

    def may_be_deleted(self, topic):
        """The one that was made last may be about to be deleted when the power is cut."""
        brief = [name for name in self.promises.there if name.startswith("brief-")]
        return topic in self.truth.doubtful or topic in brief[-1:]

    def topic(self, client, topic, records, text):
        places = client.ask("offsets", topic=topic)[1]["partitions"]
        bounds = {int(number): (place["start"], place["end"]) for number, place in places.items()}
        batches = [batch for batch in self.truth.batches if batch.topic == topic]
        if self.all_there:
            self.acknowledged(topic, batches, bounds)
        if topic in self.truth.whole:
            self.beginning(topic, records, text)
        if topic != "live":
            self.records(topic, batches, bounds, {(r["partition"], r["offset"]): r["record"] for r in records})
        if topic != "live" and self.of_one_moment:
            self.whole(topic, batches, bounds)
            self.positions(client, topic, batches, bounds)
        if topic == "short":
            self.retained(batches, bounds)

    def acknowledged(self, topic, batches, bounds):
        known = {batch.offsets(): batch for batch in batches}
        for name, count, offsets in self.promises.acknowledged:
            if name != topic:
                continue
            batch = known.get(tuple(sorted(offsets.items())))
            for number, first in offsets.items():
                # Of a batch whose answer did not arrive only this is known.
                least = len(batch.places[number][1]) if batch else count if len(offsets) == 1 else 1
                if first + least > bounds[number][1]:
                    end = bounds[number][1]
                    return self.fail(f"{topic}: acknowledged to {number}:{first + least}, and it ends at {end}")

    def beginning(self, topic, records, text):
        """What is there is a beginning of what was appended, over all partitions, and ends between two batches."""
        whole = self.truth.whole[topic]
        if not whole.startswith(text):
            return self.fail(f"{topic}: what is there is no beginning of what was appended")
        rest = whole[len(text) :].split("\n", 1)[0]
        if records and rest and json.loads(rest)["time"] == records[-1]["time"]:
            self.fail(f"{topic}: the last batch is torn at {rest}")

    def whole(self, topic, batches, bounds):
        for batch in batches:
            if batch.is_there(bounds) != batch.is_begun(bounds):
                self.fail(f"{topic}: batch {batch.producer} {batch.sequence} is torn: {bounds}")

    def records(self, topic, batches, bounds, found):
        """Each record is where it was appended, and none is missing that must be there."""
        appended = {place: record for batch in batches for place, record in batch.records()}
        for place, record in found.items():
            if appended.get(place) != record:
                return self.fail(f"{topic}: at {place} is {record} and not {appended.get(place)}")
        last, missing = {}, {}
        for (number, offset), record in sorted(appended.items(), key=lambda item: item[0]):
            if offset < bounds[number][1]:
                last[record["k"]] = offset
        for (number, offset), record in appended.items():
            start, end = bounds[number]
            if not start <= offset < end or (number, offset) in found:
                continue
            if topic != "state" or not (last[record["k"]] > offset or record["gone"]):
                return self.fail(f"{topic}: {record} is missing at {(number, offset)}")
            if record["gone"]:
                missing[record["k"]] = max(offset, missing.get(record["k"], 0))
        for (number, offset), record in found.items():
            if topic == "state" and offset < missing.get(record["k"], 0):
                gone = missing[record["k"]]
                return self.fail(f"{topic}: {record} is at {(number, offset)}, its tombstone at {gone} is gone")

    def positions(self, client, topic, batches, bounds):
        """The log knows where each producer stands: behind its last batch that is there."""
        for name in [name for of, name in WRITERS if of == topic]:
            there = [batch.sequence for batch in batches if batch.producer == name and batch.is_there(bounds)]
            held = client.ask("producer", topic=topic, name=name)[1]["sequence"]
            if held != max(there, default=None):
                self.fail(f"{topic}: producer {name} stands at {held} and not at {max(there, default=None)}")

    def retained(self, batches, bounds):
        """What was trimmed stays away, and retention takes no more than it may."""
        least = TOPICS["short"]["settings"]["retention_bytes"]
        for number, (start, end) in bounds.items():
            if start < self.promises.starts.get(number, 0):
                self.fail(f"short: trimmed to {number}:{self.promises.starts[number]}, and begins at {start}")
            # A trim may be under way, and one may have had no answer because the daemon was killed.
            trims = [offset for at, offset in self.truth.trims[: self.promises.trims + 2] if at == number]
            records = [item for batch in batches for item in batch.records()]
            kept = sum(len(json.dumps(r)) + 1 for (at, offset), r in records if at == number and start <= offset < end)
            is_sure = self.all_there and self.of_one_moment
            if is_sure and start > max(trims, default=0) and kept < least:
                self.fail(f"short: partition {number} has only {start} to {end}, {kept} bytes")

    def group(self, client):
        if not self.promises.commits:
            return
        (group,) = client.ask("groups", group="readers")[1]
        for number, offset in self.promises.commits.items():
            place = group["partitions"][str(number)]
            if place["committed"] is None or place["committed"] < offset:
                self.fail(f"the group has committed {number}:{offset}, and stands at {place}")
            elif place["committed"] > place["end"]:
                self.fail(f"the group stands behind the end, and would not get what comes there: {number}: {place}")

    def append(self, client, topic):
        ends = client.ask("offsets", topic=topic)[1]["partitions"]
        try:
            answer = client.ask("append", PROBE, topic=topic)[1]
        except Refused as refused:
            return self.fail(f"{topic} takes no appends: {refused}")
        ((number, offset),) = answer["offsets"].items()
        if offset != ends[number]["end"]:
            self.fail(f"{topic}: appended at {offset}, and the end was {ends[number]}")

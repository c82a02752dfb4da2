"""The queries of examples/nexmark: each is a script of our tools and, beside it, what is asked of
Flink. Bids come from the generator there."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .engine import ROOT, fail, table

EXAMPLES = ROOT / "examples/nexmark"
SAMPLE = ROOT / "tests/golden/nexmark/bids.ndjson"
# Those with windows; the others are asked for once, of all bids.
STREAMING = ["q5", "q7", "q11"]
BATCH = ["q12", "q15", "q16", "q17", "q18", "q19"]
COLUMNS = ("auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, "
           "date_time BIGINT, extra STRING, happened AS TO_TIMESTAMP_LTZ(date_time, 3), "
           "WATERMARK FOR happened AS happened - INTERVAL '5' SECOND")


@dataclass
class Query:
    """One of them over a file of bids."""

    number: str
    bids: str
    path: Path

    @property
    def name(self):
        return f"{self.number} {self.bids}"

    def ours(self, tools):
        """The shell command. Windows of the clock are others in each run: totals are the same."""
        command = f"PATH={tools}:$PATH; {EXAMPLES / self.number} {self.path}"
        if self.number == "q12":
            command += " | aggregate --by .bidder 'bid_count=sum(.bid_count)'"
        return command

    def sql(self):
        return (EXAMPLES / f"{self.number}.sql").read_text()


def prepare(work, tools, count):
    """The queries of both kinds, over the sample and over more bids."""
    generator = tools / "examples/nexmark"
    if not generator.exists():
        fail(f"{generator} is missing: cargo build --release --bins --example nexmark")
    many = work / "bids.ndjson"
    # An event a millisecond, so that no two bids are at the same time; a little out of order.
    with open(many, "wb") as out:
        subprocess.run([generator, str(count), "1000", "64"], stdout=out, check=True)
    inputs = [("sample", SAMPLE), (f"{count} bids", many)]
    return [(mode, [Query(number, bids, path) for bids, path in inputs for number in numbers])
            for mode, numbers in (("streaming", STREAMING), ("batch", BATCH))]


def statements(asked, flink):
    """What Flink is to do for these queries, and where the results will be."""
    said, results = [], {}
    for path in dict.fromkeys(query.path for query in asked):
        said += ["DROP TABLE IF EXISTS bid", table("bid", path, COLUMNS)]
        for query in asked:
            if query.path == path:
                statement, results[query.name] = flink.result(query.name, query.sql())
                said.append(statement)
    return said, results

#!/usr/bin/env python3
"""Prints what the README's pipeline must find in the example data, counted without millstream.

Flights that left more than 15 minutes late, by hour and airport: how many, their mean and their
greatest delay. tests/golden/flights-delays.ndjson is this script's output; scripts/test checks
that it still is. It also checks that no flight is late under the pipeline's --out-of-order 24h,
so that each window has exactly one result.

Usage: scripts/expected-delays.py [FILE.csv.gz]
"""

import csv
import datetime
import gzip
import json
import pathlib
import sys

HOUR_MS = 3_600_000
OUT_OF_ORDER_MS = 24 * HOUR_MS
EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "flights-2013-01.csv.gz"


def time_ms(text):
    """Milliseconds since the epoch of a time like 2013-01-01T10:00:00Z."""
    time = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return int(time.replace(tzinfo=datetime.timezone.utc).timestamp()) * 1000


def time_text(ms):
    time = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def number(value):
    """As millstream writes numbers: the shortest form, and no fraction where there is none."""
    return int(value) if value == int(value) else value


def delayed(path):
    """The (time, origin, delay) of each flight that the pipeline's filter keeps, in order."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["dep_delay"] not in ("", "NA") and int(row["dep_delay"]) > 15:
                yield time_ms(row["time_hour"]), row["origin"], int(row["dep_delay"])


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else EXAMPLE
    windows = {}  # start of the window -> origin -> delays; both in first-seen order
    greatest = None
    for time, origin, delay in delayed(path):
        start = time - time % HOUR_MS
        watermark = None if greatest is None else greatest - OUT_OF_ORDER_MS - 1
        if watermark is not None and start + HOUR_MS - 1 <= watermark:
            sys.exit(f"the flight of {time_text(time)} is late: the pipeline would not count it")
        greatest = time if greatest is None else max(greatest, time)
        windows.setdefault(start, {}).setdefault(origin, []).append(delay)
    for start in sorted(windows):
        for origin, delays in windows[start].items():
            result = {
                "window_start": time_text(start),
                "window_end": time_text(start + HOUR_MS),
                "origin": origin,
                "count": len(delays),
                "avg_dep_delay": number(sum(delays) / len(delays)),
                "max_dep_delay": max(delays),
            }
            print(json.dumps(result, separators=(",", ":")))


if __name__ == "__main__":
    main()

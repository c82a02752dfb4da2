"""Rows of both sides, made alike, and what differs between them."""

import itertools
import json
import math
import re

# Flink writes a window's ends without a zone, being told UTC.
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+?)0*)?Z?")
# Floats are added in another order, and by Flink without compensation.
CLOSE = 1e-9


def alike(value):
    """A value as both sides would write it."""
    if isinstance(value, str) and (time := TIME.fullmatch(value)):
        fraction = (time[2] or "0").rstrip("0")
        return time[1] + (f".{fraction}" if fraction else "") + "Z"
    return value


def rows(lines):
    """The objects of these lines."""
    return [{name: alike(value) for name, value in json.loads(line).items()} for line in lines]


def read(directory):
    """The rows that Flink has put into files."""
    files = sorted(path for path in directory.iterdir() if not path.name.startswith((".", "_")))
    return rows(line for path in files for line in path.read_text().splitlines())


def floats_of(some):
    """The fields that are a float in any row: where one has 2.5, another's 2 is a float too."""
    return {name for row in some for name, value in row.items() if isinstance(value, float)}


def by_exact(some, floats):
    """The rows' floats, by all that is exact in them."""
    found = {}
    for row in some:
        exact = {name: value for name, value in row.items() if name not in floats}
        parts = [row[name] for name in sorted(floats & row.keys())]
        found.setdefault(json.dumps(exact, sort_keys=True), []).append(parts)
    return {exact: sorted(parts, key=str) for exact, parts in found.items()}


def same(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)


def differences(ours, theirs):
    """How many rows agree, and lines that show what does not."""
    floats = floats_of(ours + theirs)
    ours, theirs = by_exact(ours, floats), by_exact(theirs, floats)
    agreed, lines = 0, []
    for exact in sorted(ours.keys() | theirs.keys()):
        for one, other in itertools.zip_longest(ours.get(exact, []), theirs.get(exact, [])):
            if one is not None and other is not None and all(map(same, one, other)):
                agreed += 1
                continue
            for side, parts in (("ours ", one), ("Flink", other)):
                lines += [f"{side}  {exact} {parts or ''}"] if parts is not None else []
    return agreed, lines

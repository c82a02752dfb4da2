"""Random cases: records, an invocation, and the rows that must come of it."""

import json

from . import functions, windows
from .functions import FUNCTIONS
from .values import Number

GROUPS = ["\"a\"", "\"b\"", "\"\\u00e4\"", "1", "1.0", "1e0", "-0", "0.0", "true", "false", "null", None,
          "[1]", "9007199254740993", "9007199254740992", "9007199254740993.0", "2.50"]


class Record:
    """A record: its fields, each a value with its spelling; its time; its place in the input."""

    def __init__(self, fields, time):
        self.fields, self.time = fields, time
        self.values = {name: value for name, (value, _) in fields.items()}

    def line(self):
        return "{" + ",".join(f"\"{name}\":{text}" for name, (_, text) in self.fields.items()) + "}"


class Case:
    """An invocation of `aggregate`, and what must come of it."""

    def __init__(self, records, arguments, rows, ordered):
        self.records, self.arguments = records, arguments
        self.rows, self.ordered = rows, ordered

    def input(self):
        return "".join(record.line() + "\n" for record in self.records)


def spelled(random, shape):
    """A random number of a shape."""
    digits = random.randrange
    if shape == "small":
        return str(digits(-20, 20))
    if shape == "times":
        return str(1_700_000_000_000_000_000 + digits(10**random.choice([1, 6, 15])))
    if shape == "ids":
        return str(digits(-2**63, 2**64))
    if shape == "cents":
        return f"{digits(-10**6, 10**6)}.{digits(100):02}"
    if shape == "tails":
        return f"{random.paretovariate(0.7):.6f}"
    if shape == "powers":
        return str(2 ** digits(100))
    if shape == "floats":
        return f"{random.uniform(-9.99, 9.99):.5f}e{digits(-30, 30)}"
    if shape == "huge":
        return f"{random.choice([-1.7, -1.0, 1.0, 1.7])}e{random.choice([308, 308, 300, 160, 0])}"
    if shape == "tiny":
        return f"{digits(1, 1000)}e-{random.choice([310, 315, 320])}"
    return random.choice(["0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "100", "7.50", "7.5"])


SHAPES = ["small", "small", "times", "ids", "cents", "tails", "powers", "floats", "huge", "tiny", "same"]


def value(text):
    return None if text is None else (Number(text) if text[0] in "-0123456789" else json_value(text))


def json_value(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def make_records(random):
    shape = random.choice(SHAPES)
    count = random.choice([1, 5, 20, 65, 100, 300])
    groups = random.sample(GROUPS, random.randrange(1, 5))
    step = random.choice([1, 10, 100, 1000])
    disorder = random.choice([0, 0, 1, 50, 5_000])
    time, times = random.choice([0, -5_000, 1_700_000_000_000]), []
    for _ in range(count):
        time += random.choice([0, step, random.randrange(step + 1), random.randrange(20 * step)])
        times.append(time)
    times.sort(key=lambda t: (t + random.uniform(0, disorder), t))
    records = []
    for time in times:
        number = spelled(random, shape)
        texts = {
            "t": str(time),
            "g": random.choice(groups),
            "h": str(random.randrange(2)),
            "x": random.choice([number] * 8 + ["null", None]),
            "y": random.choice([str(random.randrange(10)), spelled(random, "same"), "null"]),
            "s": random.choice(["\"x\"", "\"y\\n\"", "[1, 2]", "{\"a\":1.0}", "true", "null", number]),
            "ok": random.choice(["true", "false", "null", None]),
        }
        texts["s"] = texts["s"].replace("[1, 2]", "[1,2]")
        fields = {name: (value(text), text) for name, text in texts.items() if text is not None}
        records.append(Record(fields, time))
    return records, disorder + 1


class Aggregate:
    """An aggregate: how it is written, and what it gives for records."""

    def __init__(self, random, name):
        kind = random.choice([*FUNCTIONS, "quantile", "quantile_exact", "percentile", "top", "bare"])
        self.name, self.condition = name, random.random() < 0.2
        if kind == "bare":
            self.call, self.fields = "count", None
            self.reduce = lambda records: functions.whole(len(records))
        elif kind == "top":
            most = random.randrange(1, 4)
            self.call, self.fields, self.reduce = f"top({most}; .s)", ["s"], functions.top(most)
        elif kind in ("quantile", "quantile_exact"):
            fraction = random.choice(["0", "1", "0.5", "0.25", "0.7", "0.999", "0.123456789"])
            self.call, self.fields = f"{kind}(.x; {fraction})", ["x"]
            self.reduce = getattr(functions, kind)(fraction)
        elif kind == "percentile":
            percent = random.choice(["1", "5", "35", "58", "70", "95", "99", "99.9"])
            exact = random.choice(["", "_exact"])
            self.call, self.fields = f"p{percent}{exact}(.x)", ["x"]
            fraction = functions.Fraction(percent) / 100
            self.reduce = getattr(functions, "quantile" + exact)(fraction)
        else:
            takes, self.reduce = FUNCTIONS[kind]
            field = "x" if takes == "number" else random.choice(["x", "s", "ok"])
            self.fields = [field, random.choice(["y", "t"])] if takes == "pair" else [field]
            self.call = f"{kind}({'; '.join('.' + one for one in self.fields)})"

    def text(self):
        return f"{self.name}={self.call}" + (" where .ok" if self.condition else "")

    def of(self, records):
        if self.condition:
            records = [record for record in records if functions.is_true(record.values.get("ok"))]
        if self.fields is None:
            return self.reduce(records)
        if len(self.fields) == 1:
            return self.reduce([record.values.get(self.fields[0]) for record in records])
        one, by = self.fields
        return self.reduce([(record.values.get(one), record.values.get(by)) for record in records])


def make_windows(random):
    """Options, what makes the parts, and whether rows come in the parts' order."""
    size = random.choice([1, 7, 100, 1_000, 10_000])
    number = random.randrange(1, 6)
    time = ["--time", ".t", "--time-unit", "ms"]
    return random.choice([
        ([], windows.whole, True),
        ([], windows.whole, True),
        (["--tumbling", f"{size}ms", *time], lambda r, k: windows.tumbling(r, k, size), True),
        (["--hop", f"{size}ms", "--size", f"{size * number}ms", *time],
         lambda r, k: windows.hopping(r, k, size, size * number), True),
        (["--cumulate", f"{size}ms", "--size", f"{size * number}ms", *time],
         lambda r, k: windows.cumulating(r, k, size, size * number), True),
        (["--session", f"{size}ms", *time], lambda r, k: windows.sessions(r, k, size), False),
        (["--count", str(number)], lambda r, k: windows.counted(r, k, number), False),
        (["--over", str(number)], lambda r, k: windows.last_records(r, k, number), True),
        (["--over", f"{size}ms", *time], lambda r, k: windows.last_times(r, k, size), True),
    ])


def make(random):
    """A random case."""
    records, bound = make_records(random)
    options, parts, ordered = make_windows(random)
    if "--time" in options:
        options += ["--out-of-order", f"{bound}ms"]
    names = random.choice([[], ["g"], ["g"], ["g", "h"]])
    arguments = [*options, *(part for name in names for part in ("--by", f"{name}=.{name}"))]
    aggregates = [Aggregate(random, f"a{at}") for at in range(random.randrange(1, 6))]
    arguments += [aggregate.text() for aggregate in aggregates]
    least = random.choice([0, 0, 2])
    if least:
        arguments += ["n=count", "--having", f".n >= {least}"]
    over = "--over" in options
    rows = []
    for part in parts(records, lambda record: [record.values.get(name) for name in names]):
        if len(part.records) < least:
            continue
        head = part.head.values if over else part.head
        expected = {name: functions.exactly(one) for name, one in head.items()}
        if not over:
            expected.update({name: Same(one) for name, one in zip(names, part.key)})
        expected.update({one.name: one.of(part.records) for one in aggregates})
        if least:
            expected["n"] = functions.whole(len(part.records))
        rows.append(expected)
    if not rows and not names and not over and "--having" not in arguments and not options:
        rows.append({one.name: one.of([]) for one in aggregates})
    return Case(records, arguments, rows, ordered)


class Same:
    """A group's value: any spelling of the same."""

    def __init__(self, value):
        self.value = value

    def agrees(self, given):
        return windows.identity(given) == windows.identity(self.value)

    def __repr__(self):
        return repr(self.value)

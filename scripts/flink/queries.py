"""What both sides are asked: real records in windows of every kind, without windows, and running.

Flink drops what is late by watermarks that it makes every 200 ms of its own clock, so that what is
lost depends on how fast it runs. All inputs here are in order, or less out of order than the
watermark allows for: then nothing is late on either side, and results are defined. The edits are
in order as recorded; the earthquakes come newest first and are turned round; the flights' days are
put in order, and within a day they are out of order as recorded.
"""

import csv
import gzip
import io
import json
from dataclasses import dataclass

from benchmarks.common import make_records

from .engine import table


@dataclass
class Source:
    """Records, and what is computed of them."""

    name: str
    columns: str
    time: str
    """The event time in jq."""
    out_of_order: str
    aggregates: list
    selected: str
    """The same in SQL."""
    path: object = None

    def table(self):
        return table(self.name, self.path, self.columns)


@dataclass
class Query:
    """A query, as ours and in SQL. Without a window it is a batch."""

    name: str
    source: Source
    by: list
    window: str = ""
    function: str = ""
    """Flink's windowing table function, with {} for the table and the time."""
    having: str = ""

    def ours(self, tools):
        """The shell command."""
        if not self.window:
            return f"{tools}/aggregate {self.asked()} {self.source.path}"
        return (f"{tools}/window {self.windowed()} {self.source.path} "
                f"| {tools}/aggregate {self.asked()}")

    def alone(self, tools):
        """The shell command of one process."""
        return f"{tools}/aggregate {self.windowed()} {self.asked()} {self.source.path}"

    def asked(self):
        """The arguments of aggregate."""
        aggregates = " ".join(f"'{one}'" for one in self.source.aggregates)
        return " ".join(f"--by '.{name}'" for name in self.by) + f" {aggregates}"

    def windowed(self):
        """The options of window."""
        return f"{self.window} --time {self.source.time} --out-of-order {self.source.out_of_order}"

    def sql(self):
        """What is selected."""
        fields = [f"`{name}`" for name in self.by]
        origin = self.source.name
        if self.window:
            fields = ["window_start", "window_end", *fields]
            partition = f" PARTITION BY ({', '.join(fields[2:])})" if "SESSION" in self.function else ""
            origin = f"TABLE({self.function.format(f'TABLE {origin}{partition}, DESCRIPTOR(happened)')})"
        groups = ", ".join(fields)
        return f"SELECT {groups}, {self.source.selected} FROM {origin} GROUP BY {groups}"


@dataclass
class Over:
    """Each record with what there is of the last ones of its group."""

    name: str
    source: Source
    by: str
    fields: list
    """What tells one record from another."""
    value: str
    extent: str
    range: str
    """The same in SQL."""

    def ours(self, tools):
        """The shell command."""
        path, value, source = self.source.path, self.value, self.source
        time = "" if self.extent.isdigit() else (
            f"--time {source.time} --out-of-order {source.out_of_order} ")
        results = [f"{one}={one}(.{value})" for one in ("sum", "min", "max", "avg")]
        aggregates = " ".join(f"'{one}'" for one in ["count", *results])
        kept = ", ".join([*self.fields, "count", "sum", "min", "max", "avg"])
        return (f"{tools}/aggregate --over {self.extent} {time}--by .{self.by} {aggregates} {path} "
                f"| {tools}/map '{{{kept}}}'")

    def sql(self):
        """What is selected."""
        results = {"count": "COUNT(*)", **{one: f"{one.upper()}({self.value})"
                                           for one in ("sum", "min", "max")},
                   "avg": f"AVG(CAST({self.value} AS DOUBLE))"}
        fields = [f"`{name}`" for name in self.fields]
        fields += [f"{call} OVER recent AS `{name}`" for name, call in results.items()]
        return (f"SELECT {', '.join(fields)} FROM {self.source.name} WINDOW recent AS ("
                f"PARTITION BY {self.by} ORDER BY happened {self.range})")


EDITS = Source(
    "edits",
    "`time` TIMESTAMP_LTZ(3), channel STRING, `user` STRING, page STRING, isRobot BOOLEAN, "
    "added BIGINT, delta BIGINT, countryIsoCode STRING, happened AS `time`, "
    "WATERMARK FOR happened AS happened - INTERVAL '5' SECOND",
    ".time", "5s",
    ["count", "count(.countryIsoCode)", "sum(.added)", "min(.delta)", "max(.delta)", "avg(.delta)",
     "human=sum(.added) where .isRobot|not", "pages=distinct_exact(.page)"],
    "COUNT(*) AS `count`, COUNT(countryIsoCode) AS count_countryIsoCode, SUM(added) AS sum_added, "
    "MIN(delta) AS min_delta, MAX(delta) AS max_delta, AVG(CAST(delta AS DOUBLE)) AS avg_delta, "
    "SUM(added) FILTER (WHERE NOT isRobot) AS human, COUNT(DISTINCT page) AS pages",
)
FLIGHTS = Source(
    "flights",
    "time_hour TIMESTAMP_LTZ(3), origin STRING, carrier STRING, dest STRING, dep_delay BIGINT, "
    "distance BIGINT, happened AS time_hour, WATERMARK FOR happened AS happened - INTERVAL '24' HOUR",
    ".time_hour", "24h",
    ["count", "count(.dep_delay)", "sum(.dep_delay)", "min(.dep_delay)", "max(.dep_delay)",
     "avg(.dep_delay)", "sum(.distance)"],
    "COUNT(*) AS `count`, COUNT(dep_delay) AS count_dep_delay, SUM(dep_delay) AS sum_dep_delay, "
    "MIN(dep_delay) AS min_dep_delay, MAX(dep_delay) AS max_dep_delay, "
    "AVG(CAST(dep_delay AS DOUBLE)) AS avg_dep_delay, SUM(distance) AS sum_distance",
)
EARTHQUAKES = Source(
    "earthquakes",
    "ms BIGINT, net STRING, type STRING, mag DOUBLE, felt BIGINT, "
    "happened AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR happened AS happened - INTERVAL '5' SECOND",
    ".ms", "5s",
    ["count", "sum(.mag)", "min(.mag)", "max(.mag)", "avg(.mag)", "sum(.felt)"],
    "COUNT(*) AS `count`, SUM(mag) AS sum_mag, MIN(mag) AS min_mag, MAX(mag) AS max_mag, "
    "AVG(mag) AS avg_mag, SUM(felt) AS sum_felt",
)
EVENTS = Source(
    "events",
    "ts BIGINT, host STRING, `user` STRING, path STRING, status INT, latency_ms DOUBLE, "
    "`bytes` BIGINT, happened AS TO_TIMESTAMP_LTZ(ts, 3), "
    "WATERMARK FOR happened AS happened - INTERVAL '5' SECOND",
    ".ts", "5s",
    ["count", "sum(.bytes)", "min(.latency_ms)", "max(.latency_ms)", "avg(.latency_ms)",
     "bad=count where .status >= 400"],
    "COUNT(*) AS `count`, SUM(`bytes`) AS sum_bytes, MIN(latency_ms) AS min_latency_ms, "
    "MAX(latency_ms) AS max_latency_ms, AVG(latency_ms) AS avg_latency_ms, "
    "COUNT(*) FILTER (WHERE status >= 400) AS bad",
)
SOURCES = [EDITS, FLIGHTS, EARTHQUAKES, EVENTS]

WINDOWED = [
    Query("edits tumbling", EDITS, ["channel"], "--tumbling 1h", "TUMBLE({}, INTERVAL '1' HOUR)"),
    Query("edits tumbling offset", EDITS, ["channel"], "--tumbling 1h --offset 20m",
          "TUMBLE({}, INTERVAL '1' HOUR, INTERVAL '20' MINUTE)"),
    Query("edits hop", EDITS, ["channel"], "--hop 10m --size 1h",
          "HOP({}, INTERVAL '10' MINUTE, INTERVAL '1' HOUR)"),
    Query("edits cumulate", EDITS, ["channel"], "--cumulate 30m --size 6h",
          "CUMULATE({}, INTERVAL '30' MINUTE, INTERVAL '6' HOUR)"),
    Query("edits session", EDITS, ["user"], "--session 10m",
          "SESSION({}, INTERVAL '10' MINUTE)"),
    Query("flights tumbling", FLIGHTS, ["origin", "carrier"], "--tumbling 6h",
          "TUMBLE({}, INTERVAL '6' HOUR)"),
    Query("flights hop", FLIGHTS, ["origin"], "--hop 4h --size 1d",
          "HOP({}, INTERVAL '4' HOUR, INTERVAL '1' DAY)"),
    # Flink's weeks begin on the day of the week that 1970 began on.
    Query("flights cumulate", FLIGHTS, ["carrier"], "--cumulate 1d --size 7d --week-start thursday",
          "CUMULATE({}, INTERVAL '1' DAY, INTERVAL '7' DAY)"),
    Query("flights session", FLIGHTS, ["origin", "dest"], "--session 3h",
          "SESSION({}, INTERVAL '3' HOUR)"),
    Query("earthquakes tumbling", EARTHQUAKES, ["net"], "--tumbling 1d",
          "TUMBLE({}, INTERVAL '1' DAY)"),
    Query("earthquakes hop", EARTHQUAKES, ["net"], "--hop 1h --size 6h --offset 30m",
          "HOP({}, INTERVAL '1' HOUR, INTERVAL '6' HOUR, INTERVAL '30' MINUTE)"),
    Query("earthquakes cumulate", EARTHQUAKES, ["type"], "--cumulate 6h --size 1d",
          "CUMULATE({}, INTERVAL '6' HOUR, INTERVAL '1' DAY)"),
    Query("earthquakes session", EARTHQUAKES, ["net"], "--session 1h",
          "SESSION({}, INTERVAL '1' HOUR)"),
    Query("events tumbling", EVENTS, ["path"], "--tumbling 10s", "TUMBLE({}, INTERVAL '10' SECOND)"),
    Query("events hop", EVENTS, ["host"], "--hop 15s --size 1m",
          "HOP({}, INTERVAL '15' SECOND, INTERVAL '1' MINUTE)"),
    Query("events cumulate", EVENTS, ["path"], "--cumulate 10s --size 1m",
          "CUMULATE({}, INTERVAL '10' SECOND, INTERVAL '1' MINUTE)"),
    Query("events session", EVENTS, ["host"], "--session 5s", "SESSION({}, INTERVAL '5' SECOND)"),
]
# Flink does not count the record itself: its 9 records before that are 10.
RUNNING = [
    Over("edits over 10", EDITS, "channel", ["time", "channel", "user", "page", "delta"], "delta",
         "10", "ROWS BETWEEN 9 PRECEDING AND CURRENT ROW"),
    Over("earthquakes over 1", EARTHQUAKES, "net", ["ms", "net", "mag"], "mag",
         "1", "ROWS BETWEEN 0 PRECEDING AND CURRENT ROW"),
    Over("events over 100", EVENTS, "host", ["ts", "host", "user", "bytes"], "latency_ms",
         "100", "ROWS BETWEEN 99 PRECEDING AND CURRENT ROW"),
    Over("edits over 10m", EDITS, "channel", ["time", "channel", "user", "page", "delta"], "delta",
         "10m", "RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW"),
    Over("flights over 1d", FLIGHTS, "origin", ["time_hour", "origin", "carrier", "dest"],
         "dep_delay", "1d", "RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW"),
    Over("earthquakes over 6h", EARTHQUAKES, "net", ["ms", "net", "mag"], "mag",
         "6h", "RANGE BETWEEN INTERVAL '6' HOUR PRECEDING AND CURRENT ROW"),
]
WHOLE = [
    Query("edits by channel", EDITS, ["channel"]),
    Query("flights by origin and carrier", FLIGHTS, ["origin", "carrier"]),
    Query("earthquakes by net", EARTHQUAKES, ["net"]),
    Query("events by host", EVENTS, ["host"]),
]


def prepare(data, work):
    """Puts every source into a file of NDJSON; the queries of both kinds."""
    for source in SOURCES:
        source.path = work / f"{source.name}.ndjson"
    edits = gzip.decompress((data / "json/wikipedia-edits-2015-09-12.ndjson.gz").read_bytes())
    EDITS.path.write_bytes(edits)
    text = gzip.decompress((data / "csv/nyc-flights-2013.csv.gz").read_bytes()).decode()
    with open(FLIGHTS.path, "w", encoding="utf-8") as out:
        rows = csv.DictReader(io.StringIO(text))
        for row in sorted(rows, key=lambda row: (int(row["month"]), int(row["day"]))):
            number = lambda name: None if row[name] == "NA" else int(row[name])
            out.write(json.dumps({
                **{name: row[name] for name in ("time_hour", "origin", "carrier", "dest")},
                **{name: number(name) for name in ("dep_delay", "distance")},
            }) + "\n")
    lines = (data / "json/usgs-earthquakes.ndjson").read_text(encoding="utf-8").splitlines()
    with open(EARTHQUAKES.path, "w", encoding="utf-8") as out:
        for line in reversed(lines):
            of = json.loads(line)["properties"]
            out.write(json.dumps({"ms": of["time"], **{name: of[name] for name in
                                  ("net", "type", "mag", "felt")}}) + "\n")
    make_records(EVENTS.path, 100_000)
    return [("streaming", WINDOWED + RUNNING), ("batch", WHOLE)]


def statements(asked, flink):
    """What Flink is to do for these queries, and where the results will be."""
    results = {query.name: flink.result(query.name, query.sql()) for query in asked}
    tables = [source.table() for source in SOURCES]
    return (tables + [statement for statement, _ in results.values()],
            {name: path for name, (_, path) in results.items()})

"""aggregate against DuckDB with one thread, on the same records; with window before it in a pipe and in one process; windows that
overlap against those that do not; and how many bytes a group takes. CPU seconds, all processes of a pipe together."""

import importlib.util
import os
import resource
import statistics
import subprocess
import sys

from .common import make_records, tool

GROUPS = 5_000_000
FIGURES = ["count", "avg(.latency_ms)", "p99(.latency_ms)"]
FEW = ["count", "avg(.latency_ms)"]
MINUTES = ["--tumbling", "1m", "--time", ".ts"]
HOURS = ["--hop", "1m", "--size", "1h", "--time", ".ts"]


def seconds(command):
    """CPU seconds of a shell's command, and of all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def piped(window, aggregate):
    quoted = [" ".join(f"'{word}'" for word in command) for command in (window, aggregate)]
    return ["sh", "-c", " | ".join(quoted)]


def compare(what, commands, options):
    """Runs commands in turn, and prints the medians, and how they compare with the first."""
    print(f"\n{what}")
    runs = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            runs[name].append(seconds(command))
    medians = {name: statistics.median(taken) for name, taken in runs.items()}
    first = next(iter(medians.values()))
    for name, taken in medians.items():
        speed = options.records / taken / 1e6
        print(f"  {name:34} CPU {taken:6.3f} s  {speed:5.2f} M records per CPU s  {taken / first:5.2f} times the first")


SQL = {"count": "count(*)", "avg(.latency_ms)": "avg(latency_ms)",
       "p99(.latency_ms)": "approx_quantile(latency_ms, 0.99)"}


MINUTE = "time_bucket(INTERVAL 1 minute, make_timestamp(ts * 1000))"


def duckdb(by, figures, records):
    selected = ", ".join(SQL[figure] for figure in figures)
    query = (f'COPY (SELECT {by}, {selected} '
             f"FROM read_json('{records}', format = 'newline_delimited') GROUP BY ALL) "
             "TO '/dev/null' (FORMAT json)")
    return [sys.executable, "-c", f"import duckdb; duckdb.execute('SET threads = 1'); "
            f"duckdb.execute({query!r})"]


def make_groups(path):
    with open(path, "w", encoding="ascii") as out:
        for number in range(GROUPS):
            out.write(f'{{"user":"u{number:07d}","x":{number % 97}}}\n')


def peak_bytes(command):
    """The most memory that a command has had."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_maxrss * 1024


def run(work, options):
    records = str(work / "records")
    make_records(records, options.records)
    window, aggregate = str(tool("window")), str(tool("aggregate"))
    has_duckdb = importlib.util.find_spec("duckdb") is not None
    if not has_duckdb:
        print("  (without DuckDB: pip install duckdb)")
    for by, figures in [("host", FIGURES), ("user", ["count"]), ("user", FIGURES)]:
        commands = {"aggregate": [aggregate, "--by", f".{by}", *figures, records]}
        if has_duckdb:
            commands["DuckDB"] = duckdb(f'"{by}"', figures, records)
        compare(f"aggregate --by .{by} {' '.join(figures)}", commands, options)
    by_host = ["--by", ".host", *FEW]
    commands = {
        "window | aggregate": piped([window, *MINUTES, records], [aggregate, *by_host]),
        "aggregate --tumbling, one process": [aggregate, *MINUTES, *by_host, records],
    }
    if has_duckdb:
        commands["DuckDB, a batch"] = duckdb(f"{MINUTE}, host", FEW, records)
    compare("by minute and host", commands, options)
    for figures in (FEW, FIGURES):
        by_host = ["--by", ".host", *figures]
        compare(f"minutes against hours that begin each minute: {' '.join(figures)}", {
            "tumbling": piped([window, *MINUTES, records], [aggregate, *by_host]),
            "hop, 60 slices a window": piped([window, *HOURS, records], [aggregate, *by_host]),
            "tumbling, one process": [aggregate, *MINUTES, *by_host, records],
            "hop, one process": [aggregate, *HOURS, *by_host, records],
        }, options)
    groups = str(work / "groups")
    make_groups(groups)
    few, many = ([aggregate, "--by", by, "count", "avg(.x)", groups] for by in (".x", ".user"))
    taken = peak_bytes(many) - peak_bytes(few)
    print(f"\n{GROUPS} groups, count and avg: {taken / GROUPS:.0f} bytes a group, its key of 10 and the results included")

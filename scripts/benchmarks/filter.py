"""filter and map against jq, jaq and DuckDB with one thread, on the same records: CPU seconds of a file, with the result compared;
and what a pipe in front of filter and behind it costs its own process."""

import filecmp
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import time

from .common import have, make_records, tool

# What is asked of ours, the same of jq and jaq, and of DuckDB.
ASKED = [
    ("filter", ".status >= 500", "select(.status >= 500)", "* FROM {} WHERE status >= 500"),
    ("filter", '(.path|startswith("/api")) and .latency_ms > 100',
     'select((.path|startswith("/api")) and .latency_ms > 100)',
     "* FROM {} WHERE path LIKE '/api%' AND latency_ms > 100"),
    ("map", "{ts, host, status}", "{ts, host, status}", "ts, host, status FROM {}"),
    ("map", ".latency_ms * 1000 | floor", ".latency_ms * 1000 | floor",
     "floor(latency_ms * 1000) FROM {}"),
]


def duckdb(query, records):
    """A command that has DuckDB do it, and write JSON."""
    source = f"read_json('{records}', format = 'newline_delimited')"
    copy = f"COPY (SELECT {query.format(source)}) TO '/dev/null' (FORMAT json)"
    return [sys.executable, "-c", f"import duckdb; duckdb.execute('SET threads = 1'); "
            f"duckdb.execute({copy!r})"]


def seconds(command, stdin=None, stdout=subprocess.DEVNULL):
    """CPU seconds of a command."""
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_utime + used.ru_stime


def wall(command):
    """Wall seconds of a command."""
    begun = time.monotonic()
    seconds(command)
    return time.monotonic() - begun


def median(runs, command):
    return statistics.median(seconds(command) for _ in range(runs))


def piped(command, records):
    """CPU seconds of a command with a pipe on either side."""
    source = subprocess.Popen(["cat", records], stdout=subprocess.PIPE)
    sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    cpu = seconds(command, source.stdout, sink.stdin)
    for end in (source.stdout, sink.stdin):
        end.close()
    source.wait()
    sink.wait()
    return cpu


def agree(work, ours, theirs):
    """Whether both give the same, but for how numbers are spelled."""
    for name, command in [("ours", ours), ("theirs", theirs)]:
        with open(work / name, "wb") as out:
            text = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            subprocess.run(["jq", "-c", "."], input=text, stdout=out, check=True)
    return filecmp.cmp(work / "ours", work / "theirs", shallow=False)


def run(work, options):
    records, few = work / "events.ndjson", work / "few.ndjson"
    make_records(records, options.records)
    with open(records, "rb") as source, open(few, "wb") as out:
        out.writelines(source.readlines(5_000_000))
    size = records.stat().st_size
    print(f"\nfilter and map of a file of {size / 1e6:.0f} MB, CPU seconds")
    jq = have("jq") and shutil.which("jq")
    jaq = have("jaq") and shutil.which("jaq")
    with_duckdb = importlib.util.find_spec("duckdb") is not None
    if not with_duckdb:
        print("  (without DuckDB: pip install duckdb)")
    for name, expression, same, query in ASKED:
        print(f"  {name} '{expression}'")
        for trust in ([], ["--trust"]):
            cpu = median(options.runs, [tool(name), *trust, expression, records])
            print(f"    {name + ' ' + ' '.join(trust):15} {cpu:6.2f} s  {size / cpu / 1e6:6.0f} MB/s")
            if not trust:
                checked = cpu
        others = []
        if jq:
            good = agree(work, [tool(name), expression, few], [jq, "-c", same, few])
            others.append(("jq", [jq, "-c", same, records],
                           "same results" if good else "RESULTS DIFFER"))
        if jaq:
            others.append(("jaq", [jaq, "-c", same, records], ""))
        if with_duckdb:
            others.append(("duckdb", duckdb(query, records), "1 thread"))
        for peer, command, remark in others:
            cpu = seconds(command)
            print(f"    {peer:15} {cpu:6.2f} s  {size / cpu / 1e6:6.0f} MB/s; ours takes "
                  f"1/{cpu / checked:.1f}  {remark}")
        cpu = statistics.median(piped([tool(name), expression], records)
                                for _ in range(options.runs))
        print(f"    from and into a pipe {cpu:.2f} s, {100 * (cpu / checked - 1):+.0f} %")
        walls = [statistics.median(wall([tool(name), "-j", jobs, expression, records])
                                   for _ in range(options.runs)) for jobs in ("1", "2")]
        print(f"    -j 2 takes {walls[1]:.3f} s, -j 1 {walls[0]:.3f} s of wall time: "
              f"{walls[0] / walls[1]:.2f} times as fast")

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

# Nothing for the fast evaluator.
OUTSIDE = '.path | split("/") | length > 2'


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


def peak_memory(command):
    """The most memory that a command has resident, in bytes, looked at every 2 ms: what the kernel counts for a child that has ended
    has in it what this process had when the child began."""
    process, most = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            lines = [line for line in status if line.startswith("VmHWM")]
        most = max([most] + [int(line.split()[1]) << 10 for line in lines])
        time.sleep(0.002)
    return most


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

    print(f"  outside the fast subset: filter '{OUTSIDE}', {few.stat().st_size / 1e6:.0f} MB")
    cpu = median(options.runs, [tool("filter"), OUTSIDE, few])
    print(f"    filter          {cpu:6.2f} s")
    if jaq:
        theirs = median(options.runs, [jaq, "-c", f"select({OUTSIDE})", few])
        print(f"    jaq             {theirs:6.2f} s; ours takes 1/{theirs / cpu:.1f}")
    for jobs in ("1", "2"):
        most = peak_memory([tool("filter"), "-j", jobs, ASKED[0][1], records])
        print(f"  peak memory with -j {jobs}: {most / (1 << 20):.1f} MiB")
    begin = statistics.median(wall([tool("filter"), ASKED[0][1], "/dev/null"]) for _ in range(20))
    print(f"  start to end over an empty file: {1e3 * begin:.1f} ms of wall time")

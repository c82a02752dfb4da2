"""filter and map against jq, on the same records: CPU seconds of a file, with the result compared;
and what a pipe in front of filter and behind it costs its own process."""

import filecmp
import os
import shutil
import statistics
import subprocess

from .common import have, make_records, tool

# What is asked of ours, and the same of jq.
ASKED = [
    ("filter", ".status >= 500", "select(.status >= 500)"),
    ("filter", '(.path|startswith("/api")) and .latency_ms > 100',
     'select((.path|startswith("/api")) and .latency_ms > 100)'),
    ("map", "{ts, host, status}", "{ts, host, status}"),
    ("map", ".latency_ms * 1000 | floor", ".latency_ms * 1000 | floor"),
]


def seconds(command, stdin=None, stdout=subprocess.DEVNULL):
    """CPU seconds of a command."""
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_utime + used.ru_stime


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
    for name, expression, same in ASKED:
        print(f"  {name} '{expression}'")
        for trust in ([], ["--trust"]):
            cpu = median(options.runs, [tool(name), *trust, expression, records])
            print(f"    {name + ' ' + ' '.join(trust):15} {cpu:6.2f} s  {size / cpu / 1e6:6.0f} MB/s")
            if not trust:
                checked = cpu
        if jq:
            good = agree(work, [tool(name), expression, few], [jq, "-c", same, few])
            cpu = seconds([jq, "-c", same, records])
            print(f"    {'jq':15} {cpu:6.2f} s  {size / cpu / 1e6:6.0f} MB/s; ours takes "
                  f"1/{cpu / checked:.0f}; {'same results' if good else 'RESULTS DIFFER'}")
        cpu = statistics.median(piped([tool(name), expression], records)
                                for _ in range(options.runs))
        print(f"    from and into a pipe {cpu:.2f} s, {100 * (cpu / checked - 1):+.0f} %")

"""--from csv, combined and lines: CPU seconds of a file, against Miller, DuckDB with one thread and gawk, and the rate on one core."""

import gzip
import importlib.util
import shutil
import statistics
import subprocess
import sys

from ..common import ROOT, have, said, tool
from ..filter import seconds

DATA = ROOT / "../shared/data"

# The same fields of an access log as ours, as JSON.
GAWK = r"""
function text(value) {
  gsub(/\\/, "\\\\", value); gsub(/"/, "\\\"", value)
  return value == "-" ? "null" : "\"" value "\""
}
function number(value) { return value == "-" ? "null" : value }
BEGIN {
  split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
  for (i in names) months[names[i]] = sprintf("%02d", i)
}
match($0, /^([^ ]+) ([^ ]+) (.+) \[(..)\/(...)\/(....):([0-9:]+) ([+-]..)(..)\] "(([^ ]+) (.*) (HTTP[^ "]*))" ([0-9]+) ([0-9-]+) "(.*)" "(.*)"$/, m) {
  printf "{\"host\":%s,\"ident\":%s,\"user\":%s,\"time\":\"%s-%s-%sT%s%s:%s\",\"method\":%s,\"path\":%s," \
    "\"protocol\":%s,\"status\":%s,\"bytes\":%s,\"referer\":%s,\"user_agent\":%s}\n", text(m[1]), text(m[2]),
    text(m[3]), m[6], months[m[5]], m[4], m[7], m[8], m[9], text(m[11]), text(m[12]), text(m[13]), number(m[14]),
    number(m[15]), text(m[16]), text(m[17])
}
"""


def medians(runs, commands):
    """The CPU seconds of each command, which take turns."""
    taken = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    return {name: statistics.median(of) for name, of in taken.items()}


def unpacked(name, work):
    """A shared file, unpacked."""
    path = work / name.rsplit("/", 1)[1].removesuffix(".gz")
    with gzip.open(DATA / name) as source, open(path, "wb") as out:
        shutil.copyfileobj(source, out)
    return path


def show(what, size, lines, commands, runs):
    print(f"  {what}")
    taken = medians(runs, commands)
    ours = next(iter(taken.values()))
    for name, cpu in taken.items():
        ratio = "" if name.startswith(("filter", "map")) else f"; {cpu / ours:.1f} times ours"
        print(f"    {name:24} {cpu:6.3f} s  {size / cpu / 1e6:6.0f} MB/s  {lines / cpu:10.0f} lines/s{ratio}")


def duckdb(path):
    copy = f"COPY (FROM read_csv('{path}', nullstr = 'NA')) TO '/dev/null' (FORMAT json)"
    return [sys.executable, "-c", f"import duckdb; duckdb.execute('SET threads = 1'); duckdb.execute({copy!r})"]


def run(work, options):
    print("\nother formats, each file to /dev/null, CPU seconds")
    if not DATA.is_dir():
        print("  (without the shared data)")
        return
    flights = unpacked("csv/nyc-flights-2013.csv.gz", work)
    commands = {
        "filter true --from csv": [tool("filter"), "true", "--from", "csv", flights],
        "map . --from csv": [tool("map"), ".", "--from", "csv", flights],
    }
    if have("mlr"):
        commands["mlr cat"] = ["mlr", "--icsv", "--ojsonl", "cat", flights]
    if importlib.util.find_spec("duckdb"):
        commands["duckdb, 1 thread"] = duckdb(flights)
        commands["  its start alone"] = [sys.executable, "-c", "import duckdb; duckdb.execute('SET threads = 1')"]
    show("csv: flights of 2013", flights.stat().st_size, 336_776, commands, options.runs)

    access = work / "access.log"
    once = [line for line in (DATA / "access/semicomplete-access.log").read_bytes().splitlines(True)
            if line.endswith(b'"\n')]
    with open(access, "wb") as out:
        for _ in range(max(1, options.records // 5 // len(once))):
            out.writelines(once)
    lines = int(said(["wc", "-l", access]).split()[0])
    commands = {"filter --from combined": [tool("filter"), "true", "--from", "combined", access]}
    if have("gawk"):
        commands["gawk"] = ["gawk", GAWK, access]
        good = [subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.count(b"\n")
                for command in commands.values()]
        assert good[0] == good[1], good
    show("combined: semicomplete-access.log, repeated", access.stat().st_size, lines, commands, options.runs)

    size = access.stat().st_size
    for form in ("common", "lines"):
        commands = {f"filter --from {form}": [tool("filter"), "true", "--from", form, access]}
        show(f"{form}: the same file", size, lines, commands, options.runs)
    logfmt = unpacked("logs/node-exporter.logfmt.gz", work)
    commands = {"filter --from logfmt": [tool("filter"), "true", "--from", "logfmt"] + [logfmt] * 20}
    show("logfmt: node-exporter.logfmt, 20 times", 20 * logfmt.stat().st_size, 20 * 18_070, commands, options.runs)
    syslog = unpacked("logs/linux-auth.log.gz", work)
    commands = {"filter --from syslog": [tool("filter"), "true", "--from", "syslog"] + [syslog] * 50}
    show("syslog: linux-auth.log, 50 times", 50 * syslog.stat().st_size, 50 * 7_121, commands, options.runs)

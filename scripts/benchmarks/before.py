"""This build against an earlier one: the same work by each in turn, CPU seconds. The ratio of each pair is taken, and the median of
these is printed, so that a machine whose speed drifts does not decide. `--before DIR` names the directory of the other programs."""

import os
import resource
import shutil
import statistics
import subprocess

from .common import log_serve, make_records, tool

# What a change may cost.
BAR = 1.03

MINUTES = "--tumbling 1m --time .ts"
HOURS = "--hop 1m --size 1h --time .ts"

# Shell commands; {name} is the program of that name, {records} the file of records, {few} its first tenth.
WORK = {
    "filter, fast": "{filter} '.status >= 500' {records}",
    "filter, fast, strings": "{filter} '(.path|startswith(\"/api\")) and .latency_ms > 100' {records}",
    "filter, full jq": "{filter} '.path | split(\"/\") | length > 2' {few}",
    "filter --unique": "{filter} true --unique .user {records}",
    "map, fast": "{map} '{{ts, host, status}}' {records}",
    "map, full jq": "{map} '. + {{slow: (.latency_ms > 100), parts: (.path | split(\"/\"))}}' {few}",
    "map, update": "{map} '.latency_ms |= . * 1000 | del(.agent)' {few}",
    "map, gsub": "{map} '.agent |= gsub(\"[;()]\"; \"\")' {few}",
    "aggregate, few groups": "{aggregate} --by .host count 'avg(.latency_ms)' 'p99(.latency_ms)' {records}",
    "aggregate, many groups": "{aggregate} --by .user count 'sum(.bytes)' 'max(.latency_ms)' {records}",
    "aggregate, quantiles by user": "{aggregate} --by .user 'p50(.latency_ms)' 'p99(.latency_ms)' {records}",
    "aggregate, tumbling": "{aggregate} " + MINUTES + " --by .host count 'avg(.latency_ms)' {records}",
    "aggregate, hop": "{aggregate} " + HOURS + " --by .host count 'avg(.latency_ms)' {records}",
    "aggregate, sessions": "{aggregate} --session 1m --time .ts --by .user count {records}",
    "aggregate --over N": "{aggregate} --over 100 --by .host 'avg(.latency_ms)' {records}",
    "window | aggregate": "{window} " + MINUTES + " {records} | {aggregate} --by .host count 'avg(.latency_ms)'",
    "window --expand": "{window} --expand --hop 1m --size 5m --time .ts {few}",
    "produce, embedded": "rm -rf {log}; {produce} --data {log} t {records}",
    "subscribe, embedded": "{subscribe} --data {log} t | cat > /dev/null",
    "produce, keyed": "rm -rf {log}.k; {produce} --data {log}.k --partitions 4 --key .user t {few}",
    "subscribe | filter": "{subscribe} --data {log} --control t | {filter} '.status >= 500'",
    "produce --producer": "rm -rf {log}.p; {produce} --data {log}.p --producer one t {records}",
}


def seconds(command):
    """CPU seconds of a shell's command, and of all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["bash", "-c", "set -o pipefail; " + command], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_turn(number, commands):
    """CPU seconds of both; who comes first changes from run to run."""
    taken = [0.0, 0.0]
    for at in (0, 1) if number % 2 == 0 else (1, 0):
        taken[at] = seconds(commands[at])
    return taken


def served(produce, subscribe, records, log):
    """CPU seconds of the clients and the daemon for publishing and reading back; the daemon is that of the same build."""
    both = f"{produce} --data {log} t {records}; {subscribe} --data {log} t | cat > /dev/null"
    return seconds(both)


def programs(directory):
    names = ["filter", "map", "window", "aggregate", "produce", "subscribe", "log-serve"]
    return {name: os.path.join(directory, name) for name in names}


def tell(what, pairs):
    """Prints the medians of both, and of the ratios of the pairs."""
    now, then = (statistics.median(pair[at] for pair in pairs) for at in (0, 1))
    ratio = statistics.median(a / max(b, 0.001) for a, b in pairs)
    remark = "" if ratio <= BAR else "  SLOWER"
    print(f"  {what:30} {now:7.3f} s now, {then:7.3f} s before, ratio {ratio:.3f}{remark}", flush=True)


def through_a_daemon(work, builds, records, options):
    """Publishing and reading back through log-serve, both builds in turn."""
    pairs = []
    for _ in range(options.runs):
        pair = []
        for build in builds:
            with log_serve(work, build["log-serve"]) as (server, log):
                used = served(build["produce"], build["subscribe"], records, log)
                with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            pair.append(used)
        pairs.append(pair)
    tell("produce, subscribe, served", pairs)


def run(work, options):
    if options.before is None:
        print("\n(this build against an earlier one: left out, --before DIR names the earlier programs)")
        return
    records, few = work / "records", work / "few"
    make_records(records, options.records)
    with open(records, "rb") as source, open(few, "wb") as out:
        out.writelines(line for at, line in enumerate(source) if at < options.records // 10)
    builds = [programs(os.path.dirname(tool("filter"))), programs(options.before)]
    print("\nthis build against the one before, CPU seconds, all processes together")
    logs = [work / "now", work / "then"]
    for what, command in WORK.items():
        asked = [command.format(records=records, few=few, log=log, **build) for build, log in zip(builds, logs)]
        pairs = [in_turn(number, asked) for number in range(options.runs)]
        tell(what, pairs)
    through_a_daemon(work, builds, records, options)
    for log in work.iterdir():
        if log.is_dir():
            shutil.rmtree(log, ignore_errors=True)

"""How fast both sides are: a whole job, from the start of its programs to their end, and the
records that each further second takes.

The same job runs over all records and over a quarter of them. The difference of the two is what the
further records take, without the start of programs and of Flink's cluster: the marginal rate. Flink
runs each job in a Java process of its own, with parallelism 1; ours are as many processes as the
command has. Each measurement is the median of alternating runs, wall and CPU seconds of all
processes of the job.
"""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, replace

from benchmarks.common import make_records

from .engine import Flink, fail, millstream
from .queries import EVENTS, Query

FEW = replace(EVENTS, aggregates=["count", "avg(.latency_ms)"],
              selected="COUNT(*) AS `count`, AVG(latency_ms) AS avg_latency_ms")
QUANTILE = replace(EVENTS, aggregates=[*FEW.aggregates, "p99(.latency_ms)"],
                   selected=f"{FEW.selected}, PERCENTILE(latency_ms, 0.99) AS p99_latency_ms")
JOBS = [
    ("streaming", Query("by minute and host: count, avg", FEW, ["host"], "--tumbling 1m",
                        "TUMBLE({}, INTERVAL '1' MINUTE)")),
    ("batch", Query("by host: count, avg, p99", QUANTILE, ["host"])),
]


@dataclass
class Spent:
    wall: float
    cpu: float


def spend(command):
    """What a command takes, with all its processes."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        fail(f"this failed: {' '.join(map(str, command))}")
    return Spent(time.monotonic() - begun, used.ru_utime + used.ru_stime)


def median(runs):
    return Spent(*(statistics.median(getattr(run, of) for run in runs) for of in ("wall", "cpu")))


def measure(jobs, runs):
    """The medians of alternating runs, by name."""
    spent = {name: [] for name in jobs}
    for _ in range(runs):
        for name, command in jobs.items():
            spent[name].append(spend(command()))
    return {name: median(runs) for name, runs in spent.items()}


def run(work, options):
    tools, flink = millstream("dist"), Flink(work)
    sizes = [options.records // 4, options.records]
    paths = [work / f"events-{count}.ndjson" for count in sizes]
    for path, count in zip(paths, sizes):
        make_records(path, count)
    print(f"{options.records} web events, {paths[1].stat().st_size / 1e6:.0f} MB; medians of "
          f"{options.runs} runs; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for mode, query in JOBS:
        jobs = {}
        for count, path in zip(sizes, paths):
            source = replace(query.source, path=path)
            asked = replace(query, source=source)
            ours = ["bash", "-o", "pipefail", "-c", asked.ours(tools)]
            statements = lambda asked=asked, source=source: [
                source.table(), flink.result(asked.name, asked.sql())[0]]
            jobs["ours", count] = lambda ours=ours: ours
            if query.window:
                alone = ["bash", "-c", asked.alone(tools)]
                jobs["ours, one process", count] = lambda alone=alone: alone
            jobs["Flink", count] = lambda of=statements: flink.command(mode, of())
        tell(query.name, sizes, measure(jobs, options.runs))


def tell(name, sizes, spent):
    """Prints a job's whole times and marginal rates, and how they compare with Flink's."""
    print(f"\n{name}")
    further = sizes[1] - sizes[0]
    sides = {side for side, _ in spent}
    rates = {side: Spent(*(further / max(getattr(spent[side, sizes[1]], of)
                                         - getattr(spent[side, sizes[0]], of), 1e-3)
                           for of in ("wall", "cpu")))
             for side in sides}
    whole = {side: spent[side, sizes[1]] for side in sides}
    for side in sorted(sides):
        print(f"  {side:17} whole job: wall {whole[side].wall:6.2f} s, CPU {whole[side].cpu:6.2f} s; "
              f"marginal: {rates[side].wall / 1e6:5.2f} M records a second, "
              f"{rates[side].cpu / 1e6:5.2f} M a CPU second")
    for side in sorted(sides - {"Flink"}):
        print(f"  {side} against Flink: whole job {whole['Flink'].wall / whole[side].wall:.1f} times "
              f"(CPU {whole['Flink'].cpu / whole[side].cpu:.1f}), "
              f"marginal rate {rates[side].wall / rates['Flink'].wall:.1f} "
              f"(CPU {rates[side].cpu / rates['Flink'].cpu:.1f})")

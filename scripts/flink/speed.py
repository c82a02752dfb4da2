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

JOBS = [
    ("streaming", Query("tumbling", EVENTS, ["path"], "--tumbling 1m",
                        "TUMBLE({}, INTERVAL '1' MINUTE)")),
    ("batch", Query("group by", EVENTS, ["path"])),
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
    tools, flink = millstream(), Flink(work)
    sizes = [options.records // 4, options.records]
    sources = []
    for count in sizes:
        path = work / f"events-{count}.ndjson"
        make_records(path, count)
        sources.append(replace(EVENTS, path=path))
    print(f"{options.records} web events, {sources[1].path.stat().st_size / 1e6:.0f} MB; medians of "
          f"{options.runs} runs; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for mode, query in JOBS:
        jobs = {}
        for count, source in zip(sizes, sources):
            asked = replace(query, source=source)
            ours = ["bash", "-o", "pipefail", "-c", asked.ours(tools)]
            statements = lambda asked=asked, source=source: [
                source.table(), flink.result(asked.name, asked.sql())[0]]
            jobs["ours", count] = lambda ours=ours: ours
            jobs["Flink", count] = lambda of=statements: flink.command(mode, of())
        tell(query.name, sizes, measure(jobs, options.runs))


def tell(name, sizes, spent):
    """Prints a job's whole times and marginal rates, and the ratios."""
    print(f"\n{name}")
    further = sizes[1] - sizes[0]
    rates = {}
    for side in ("ours", "Flink"):
        few, all_ = spent[side, sizes[0]], spent[side, sizes[1]]
        rates[side] = Spent(*(further / max(getattr(all_, of) - getattr(few, of), 1e-3)
                              for of in ("wall", "cpu")))
        print(f"  {side:6} whole job: wall {all_.wall:6.2f} s, CPU {all_.cpu:6.2f} s; "
              f"marginal: {rates[side].wall / 1e6:5.2f} M records a second, "
              f"{rates[side].cpu / 1e6:5.2f} M a CPU second")
    ours, theirs = spent["ours", sizes[1]], spent["Flink", sizes[1]]
    print(f"  ratios: whole job {theirs.wall / ours.wall:.1f} (CPU {theirs.cpu / ours.cpu:.1f}), "
          f"marginal rate {rates['ours'].wall / rates['Flink'].wall:.1f} "
          f"(CPU {rates['ours'].cpu / rates['Flink'].cpu:.1f})")

"""What processes and directories take, over time, and whether that has grown."""

import os
from dataclasses import dataclass, field
from statistics import median

# What is forgiven beside the share: pages that an allocator keeps or returns.
SLACK_KIB = 512
GROWTH = 1.05


@dataclass
class Taken:
    """What was seen of a process: when, and how much."""

    name: str
    seconds: list = field(default_factory=list)
    kib: list = field(default_factory=list)
    descriptors: list = field(default_factory=list)
    threads: list = field(default_factory=list)

    def look(self, pid, seconds):
        try:
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        except (FileNotFoundError, ProcessLookupError):
            return
        if "VmRSS" not in status:
            return
        self.seconds.append(seconds)
        self.kib.append(int(status["VmRSS"].split()[0]))
        self.descriptors.append(descriptors)
        self.threads.append(int(status["Threads"]))

    def halves(self, values, warm, of=max):
        """The greatest value, or the median, of each half of the time after warming up."""
        begun = [(at, value) for at, value in zip(self.seconds, values) if at >= warm]
        if len(begun) < 4:
            return None
        middle = (begun[0][0] + begun[-1][0]) / 2
        return of(v for at, v in begun if at < middle), of(v for at, v in begun if at >= middle)

    def faults(self, warm):
        """In which way it has grown."""
        memory = self.halves(self.kib, warm)
        if memory is None:
            return [f"{self.name}: was not seen for long enough"]
        faults = []
        if memory[1] > memory[0] * GROWTH + SLACK_KIB:
            faults.append(f"{self.name}: resident memory grew from {memory[0]} to {memory[1]} KiB")
        for what, values in [("file descriptors", self.descriptors), ("threads", self.threads)]:
            before, after = self.halves(values, warm, median)
            if after > before:
                faults.append(f"{self.name}: {what} grew from {before} to {after}")
        return faults

    def row(self, warm):
        before, after = self.halves(self.kib, warm) or (0, 0)
        return f"{self.name:<28} {before:>9} {after:>9} {max(self.descriptors, default=0):>6} {max(self.threads, default=0):>8}"


HEAD = f"{'process':<28} {'KiB then':>9} {'KiB later':>9} {'files':>6} {'threads':>8}"


def bytes_below(directory):
    """How many bytes the files below a directory have."""
    total = 0
    for place, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                pass
    return total

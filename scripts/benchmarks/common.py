"""What all comparisons share: records, servers, and how time is taken and told."""

import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def fail(why):
    sys.exit(f"scripts/bench: {why}")


def tool(name):
    """The path of one of our tools, as it is released: fat LTO, one codegen unit."""
    path = ROOT / "target/dist" / name
    if not path.exists():
        fail(f"{path} is missing: cargo build --profile dist --bins --example peers")
    return str(path)


def peers():
    return tool("examples/peers")


def have(*programs):
    """Whether programs of others are installed; says what is left out if not."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        print(f"  (without {', '.join(missing)}: not installed)")
    return not missing


def make_records(path, count):
    """Web events of about 210 bytes, the same every time."""
    rng = random.Random(7)
    paths = ["/", "/api/v1/items", "/api/v1/users/me", "/static/app.js", "/login", "/logo.png"]
    at_ms = 1_700_000_000_000
    with open(path, "w", encoding="ascii") as out:
        for _ in range(count):
            at_ms += rng.randint(0, 60)
            out.write(
                f'{{"ts":{at_ms},"host":"web-{rng.randrange(100):03d}.example.net",'
                f'"user":"u{rng.randrange(50_000):05d}","path":"{rng.choice(paths)}",'
                f'"status":{rng.choice([200] * 30 + [301, 404, 500])},'
                f'"latency_ms":{rng.expovariate(1 / 30):.2f},"bytes":{rng.randint(100, 90_000)},'
                f'"agent":"Mozilla/5.0 (X11; Linux x86_64)","trace":"{rng.getrandbits(64):016x}"}}\n'
            )


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_bytes(pid):
    """The most memory a process has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Measured:
    """Wall and CPU seconds of the commands run meanwhile, and of the daemon behind them."""

    def __init__(self, daemon_pid=None):
        self.pid = daemon_pid
        self.wall = self.cpu = 0.0

    def read(self):
        times = os.times()
        children = times.children_user + times.children_system
        return time.monotonic(), children + (cpu_seconds(self.pid) if self.pid else 0)

    def __enter__(self):
        self.before = self.read()
        return self

    def __exit__(self, *_):
        after = self.read()
        self.wall = after[0] - self.before[0]
        self.cpu = after[1] - self.before[1]


def wait_until(what, ready):
    deadline = time.monotonic() + 20
    while not ready():
        if time.monotonic() > deadline:
            fail(f"waited too long for {what}")
        time.sleep(0.01)


def said(command):
    """What a command prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def running(command, **options):
    """A server, until the end of the block."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              **options)
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


@contextmanager
def log_serve(work, program=None):
    log = work / "log"
    shutil.rmtree(log, ignore_errors=True)
    with running([program or tool("log-serve"), "--data", log, "--max-connections", "2000"]) as server:
        wait_until("log-serve", lambda: listens(log / "socket"))
        yield server, str(log)


def listens(path):
    """Whether somebody answers at a socket; the file is there a little earlier."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        return True
    except OSError:
        return False


@contextmanager
def redis(work):
    data = work / "redis"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    address = data / "socket"
    with running(["redis-server", "--port", "0", "--unixsocket", address, "--dir", data,
                  "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]) as server:
        wait_until("redis-server", lambda: listens(address))
        yield server, str(address)


@contextmanager
def nats(work):
    data = work / "nats"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    with running(["nats-server", "--jetstream", "--store_dir", data, "--addr", "127.0.0.1",
                  "--port", "-1", "--ports_file_dir", data]) as server:
        ports = data / f"nats-server_{server.pid}.ports"
        wait_until("nats-server", ports.exists)
        port = ports.read_text().split("nats://")[1].split('"')[0].rsplit(":", 1)[1]
        subprocess.run([peers(), "nats-make", port], check=True, stdout=subprocess.DEVNULL)
        yield server, port


def median(runs, of):
    return statistics.median(getattr(run, of) for run in runs)


def report(what, results, count, size):
    """Prints medians by name, and how the first one compares with each of the others."""
    print(f"\n{what}")
    for name, runs in results.items():
        wall, cpu = median(runs, "wall"), median(runs, "cpu")
        print(f"  {name:12} {count / wall / 1e6:7.2f} M records/s {size / wall / 1e6:7.0f} MB/s"
              f"  wall {wall:6.3f} s  CPU {cpu:6.3f} s  {size / max(cpu, 1 / TICKS) / 1e6:6.0f} MB per CPU s")
    (first, ours), *others = results.items()
    for name, theirs in others:
        pairs = list(zip(ours, theirs))
        wall, cpu = (statistics.median(getattr(b, of) / max(getattr(a, of), 1 / TICKS)
                                       for a, b in pairs) for of in ("wall", "cpu"))
        print(f"  {first} against {name}: {wall:.1f} times as fast, on 1/{cpu:.1f} of the CPU time")

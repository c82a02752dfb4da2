"""Lines of 200 bytes over TCP, and as datagrams over UDP, as fast as one plain sender sends them:
produce --listen into a topic, against rsyslog into a file, both without fsync. CPU seconds are
those of the receiver. What it cannot take of TCP waits; of UDP the kernel drops it."""

import shutil
import socket
import statistics
import subprocess
import time

from collectors.rsyslog import Rsyslog

from ..common import cpu_seconds, fail, said, tool
from .collect import make_lines, wait_for

BLOCK_BYTES = 1 << 16
# When nothing has come for so long, what is missing of UDP was dropped.
QUIET_SECONDS = 2
BUFFER_BYTES = 8 << 20

CONFIG = """
global(workDirectory="{home}" maxMessageSize="64k")
module(load="{module}" {of_module})
template(name="line" type="string" string="%rawmsg%\\n")
input(type="{module}" address="127.0.0.1" port="{port}" ruleset="out" {of_input})
ruleset(name="out" queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="4096"
        queue.workerThreads="1") {{
  action(type="omfile" file="{home}/out" template="line" ioBufferSize="1m")
}}
"""
# A line that begins with a digit is no message with its length before it.
INPUTS = {"tcp": ("imptcp", "", 'supportOctetCountedFraming="off"'),
          "udp": ("imudp", 'batchSize="128"', f'rcvbufSize="{BUFFER_BYTES}"')}


class Produce:
    """produce, which writes the log's files itself."""

    name = "produce --listen"
    # What a line has around it as a record.
    ADDED_BYTES = len('{"line":""}')

    def __init__(self, home, scheme):
        self.log = home / "log"
        said([tool("log-admin"), "--data", self.log, "create", "t", "--fsync", "never"])
        self.process = subprocess.Popen(
            [tool("produce"), "--data", self.log, "t", "--from", "lines",
             "--listen", f"{scheme}://127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stderr.readline().rsplit(":", 1)[1])

    def bytes(self):
        return sum(path.stat().st_size for path in self.log.glob("topics/t/0/*.ndjson"))


class Receiver:
    """rsyslog, whose queue is in memory."""

    name = "rsyslog"
    ADDED_BYTES = 0

    def __init__(self, home, scheme):
        self.port, self.out = free_port(scheme), home / "out"
        module, of_module, of_input = INPUTS[scheme]
        config = home / "rsyslog.conf"
        config.write_text(CONFIG.format(home=home, module=module, of_module=of_module,
                                        of_input=of_input, port=self.port))
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", config, "-i", home / "pid"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("rsyslog", lambda: is_open(scheme, self.port))

    def bytes(self):
        return self.out.stat().st_size if self.out.exists() else 0


def kind_of(scheme):
    return socket.SOCK_STREAM if scheme == "tcp" else socket.SOCK_DGRAM


def free_port(scheme):
    with socket.socket(socket.AF_INET, kind_of(scheme)) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_open(scheme, port):
    """Whether a process has the port, without sending to it."""
    with socket.socket(socket.AF_INET, kind_of(scheme)) as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def send(scheme, port, lines):
    with socket.socket(socket.AF_INET, kind_of(scheme)) as to, open(lines, "rb") as source:
        to.connect(("127.0.0.1", port))
        if scheme == "tcp":
            while block := source.read(BLOCK_BYTES):
                to.sendall(block)
        else:
            for line in source:
                to.send(line)


def wait_for_all(receiver, expected):
    """The time at which the last line came; of UDP not all may."""
    size, since = 0, time.monotonic()
    while size < expected and time.monotonic() - since < QUIET_SECONDS:
        time.sleep(0.01)
        if receiver.bytes() > size:
            size, since = receiver.bytes(), time.monotonic()
    return since


def measure(kind, scheme, work, lines, count):
    """Wall and CPU seconds, and the share of lines that arrived."""
    home = work / "listen"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    receiver = kind(home, scheme)
    try:
        line_bytes = lines.stat().st_size // count + kind.ADDED_BYTES
        started, begun = cpu_seconds(receiver.process.pid), time.monotonic()
        send(scheme, receiver.port, lines)
        sent = time.monotonic() - begun
        wall = wait_for_all(receiver, count * line_bytes) - begun
        arrived = receiver.bytes() / (count * line_bytes)
        if scheme == "tcp" and arrived != 1:
            fail(f"{kind.name} has {arrived:.1%} of the lines")
        return wall, cpu_seconds(receiver.process.pid) - started, arrived, sent
    finally:
        receiver.process.kill()
        receiver.process.communicate()


def run(work, options):
    count, lines = options.records, work / "sent.log"
    make_lines(lines, count)
    kinds = [Produce] + ([] if Rsyslog.absent() else [Receiver])
    for scheme in ("tcp", "udp"):
        print(f"\nlisten: {count} lines of 200 bytes over {scheme}")
        runs = {kind: [] for kind in kinds}
        for _ in range(options.runs):
            for kind, taken in runs.items():
                taken.append(measure(kind, scheme, work, lines, count))
        for kind, taken in runs.items():
            wall, cpu, arrived, sent = (statistics.median(of) for of in zip(*taken))
            print(f"  {kind.name:20} {arrived * count / wall:8.0f} lines/s  CPU {cpu:5.2f} s, "
                  f"{1e6 * cpu / (arrived * count):5.2f} µs a line; {arrived:.1%} arrived, "
                  f"sent at {count / sent:.0f} lines/s")

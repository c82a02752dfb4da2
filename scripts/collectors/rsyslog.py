"""rsyslog: the input imfile and the output omfile, in a process of its own beside the system's.

Two ways to run it: `safe` takes a line through to its output before it remembers that it was read;
else a queue in memory lies between, from which lines are written in batches, each with an fsync.
"""

import shutil
from pathlib import Path

MAIN = """
global(workDirectory="{home}/state" maxMessageSize="64k")
module(load="imfile" mode="inotify")
template(name="line" type="string" string="%msg%\\n")
main_queue(queue.type="Direct")
ruleset(name="out" {queue}) {{
  action(type="omfile" file="{home}/out" template="line" {sync})
}}
"""
INPUT = """
input(type="imfile" file="{pattern}" tag="t" ruleset="out" reopenOnTruncate="on" {state})
"""
DIRECT = 'queue.type="Direct"'
BATCHES = ('queue.type="FixedArray" queue.size="200000" queue.dequeueBatchSize="32768" '
           'queue.workerThreads="1"')
SYNCED = 'sync="on" ioBufferSize="8m"'


class Rsyslog:
    """One daemon. It says where it is in a file once in `state_lines`."""

    name = "rsyslog"

    def __init__(self, home, logs, names, rotated=False, safe=False, state_lines=10_000):
        self.home = Path(home)
        (self.home / "state").mkdir(parents=True)
        queue, sync = (DIRECT, "") if safe else (BATCHES, SYNCED)
        state = f'persistStateInterval="{state_lines}"' + ' persistStateAfterSubmission="on"' * safe
        text = MAIN.format(home=home, queue=queue, sync=sync)
        # What is compressed does not end with a digit.
        for pattern in [names, f"{names}[.-]*[0-9]"] if rotated else [names]:
            text += INPUT.format(pattern=f"{logs}/{pattern}", state=state)
        self.config = self.home / "rsyslog.conf"
        self.config.write_text(text)

    @staticmethod
    def absent():
        return [] if shutil.which("rsyslogd") else ["rsyslogd"]

    def command(self):
        self.pid_file().unlink(missing_ok=True)
        return ["rsyslogd", "-n", "-f", self.config, "-i", self.pid_file()]

    def pid_file(self):
        return self.home / "pid"

    def is_ready(self):
        return self.pid_file().exists()

    def outputs(self):
        out = self.home / "out"
        return [out] if out.exists() else []

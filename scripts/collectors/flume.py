"""Apache Flume: the source TAILDIR, the channel in files, and the sink file_roll.

Its archives come from Maven by the coordinates of flume.xml, once, into $XDG_CACHE_HOME/millstream.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

VERSION = "1.11.0"
POM = Path(__file__).with_name("flume.xml")

AGENT = """
agent.sources = logs
agent.channels = files
agent.sinks = out
agent.sources.logs.type = TAILDIR
agent.sources.logs.channels = files
agent.sources.logs.positionFile = {home}/positions/taildir.json
agent.sources.logs.writePosInterval = {position_ms}
agent.sources.logs.filegroups = all
agent.sources.logs.filegroups.all = {pattern}
agent.sources.logs.batchSize = {batch}
agent.channels.files.type = file
agent.channels.files.checkpointDir = {home}/checkpoint
agent.channels.files.dataDirs = {home}/channel
agent.channels.files.transactionCapacity = {batch}
agent.sinks.out.type = file_roll
agent.sinks.out.channel = files
agent.sinks.out.sink.directory = {home}/out
agent.sinks.out.sink.rollInterval = 0
agent.sinks.out.sink.batchSize = {batch}
"""


class Flume:
    """One agent. It says where it is in its files every `position_ms`, 3,000 if not said."""

    name = f"Flume {VERSION}"

    def __init__(self, home, logs, names, rotated=False, position_ms=3000, batch=10_000):
        self.home = Path(home)
        self.out = self.home / "out"
        self.log = self.home / "flume.log"
        self.out.mkdir(parents=True)
        regex = re.escape(names).replace(r"\*", ".*").replace(r"\?", ".")
        if rotated:
            regex += r"([.-]\d+)?"
        # A backslash in a file of Java's properties is written twice.
        pattern = f"{logs}/{regex}".replace("\\", "\\\\")
        self.agent = self.home / "agent.properties"
        self.agent.write_text(AGENT.format(home=home, pattern=pattern, position_ms=position_ms,
                                           batch=batch))

    @staticmethod
    def absent():
        return [program for program in ("java", "mvn") if not shutil.which(program)]

    def command(self):
        self.log.unlink(missing_ok=True)
        return ["java", "-Xmx512m", "-XX:+UseSerialGC",
                f"-Dorg.slf4j.simpleLogger.logFile={self.log}",
                "-cp", f"{archives()}/*", "org.apache.flume.node.Application",
                "--name", "agent", "--conf-file", self.agent, "--no-reload-conf"]

    def is_ready(self):
        return self.log.exists() and "TaildirSource source starting" in self.log.read_text()

    def outputs(self):
        """By the times in their names, which are those of the starts."""
        return sorted(self.out.iterdir(), key=lambda path: int(path.name.split("-")[0]))


def archives():
    """The directory of Flume's archives, which are fetched if they are not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "millstream" / f"flume-{VERSION}"
    if not (home / "whole").exists():
        print(f"fetching Flume {VERSION} into {home}", flush=True)
        subprocess.run(["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies",
                        "-DincludeScope=runtime", f"-DoutputDirectory={home}"], check=True)
        (home / "whole").touch()
    return home

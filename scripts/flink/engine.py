"""Flink in a directory of its own, and jobs in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "2.3.0"
ROOT = Path(__file__).resolve().parent.parent.parent
RUNNER = Path(__file__).with_name("FlinkSql.java")


def fail(why):
    sys.exit(f"scripts/compare-flink: {why}")


def millstream(profile="release"):
    """The directory of our tools: those of $MILLSTREAM_BIN, or of a build with this profile."""
    tools = Path(os.environ.get("MILLSTREAM_BIN") or ROOT / "target" / profile).resolve()
    for tool in ("window", "aggregate", "map"):
        if not (tools / tool).exists():
            fail(f"{tools / tool} is missing: cargo build --profile {profile} --bins, or set MILLSTREAM_BIN")
    return tools


class Flink:
    """Flink's libraries from PyPI, in a virtual environment that is made once and kept.

    Only apache-flink-libraries is needed: it has the Java archives. apache-flink itself is Python's
    way to them, and brings some hundred megabytes more.
    """

    def __init__(self, work):
        if not shutil.which("javac"):
            fail("there is no Java; Debian: apt-get install openjdk-17-jdk-headless")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        home = cache / "millstream" / f"flink-{VERSION}"
        self.work = work
        if not (home / "whole").exists():
            print(f"installing apache-flink-libraries {VERSION} in {home}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
            subprocess.run([home / "bin/pip", "install", "--quiet", "--no-deps",
                            f"apache-flink-libraries=={VERSION}"], check=True)
            (home / "whole").touch()
        jars = next(home.glob("lib/python*/site-packages/pyflink/lib"))
        self.classes = work / "classes"
        self.class_path = f"{jars}/*:{self.classes}"
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", self.classes, RUNNER], check=True)

    def command(self, mode, statements):
        """What runs these statements as one program."""
        script = self.work / f"{mode}.sql"
        script.write_text("".join(f"{statement};\n" for statement in statements))
        return ["java", "-cp", self.class_path, "FlinkSql", mode, script]

    def run(self, mode, statements):
        if subprocess.run(self.command(mode, statements), timeout=1800).returncode:
            fail("Flink has refused or failed")

    def result(self, name, select):
        """The statement that puts what a query selects into files, and where they will be."""
        path = self.work / f"{name}.flink"
        shutil.rmtree(path, ignore_errors=True)
        return (f"CREATE TABLE `{name} result` WITH ('connector' = 'filesystem', "
                f"'path' = 'file://{path}', 'format' = 'json', "
                f"'json.timestamp-format.standard' = 'ISO-8601') AS\n{select}", path)


def table(name, path, columns):
    """The statement that makes a file of records a table."""
    return (f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'filesystem', "
            f"'path' = 'file://{path}', 'format' = 'json', "
            f"'json.timestamp-format.standard' = 'ISO-8601')")

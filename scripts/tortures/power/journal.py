"""What strace saw a daemon do to its files, and say to its clients, call by call."""

import re
from collections import namedtuple

# Whatever may change files or their names, and what is needed to know which descriptor is which file.
CALLS = (
    "open openat creat close dup dup2 dup3 fcntl write writev pwrite64 pwritev pwritev2 ftruncate truncate fallocate"
    " copy_file_range sendfile splice fsync fdatasync sync_file_range msync rename renameat renameat2 link linkat"
    " symlink symlinkat unlink unlinkat mkdir mkdirat rmdir sendto sendmsg"
).split()

# One side of a call: `ends` is false when it is made, and true when it has returned, with its result.
Step = namedtuple("Step", "thread call text ends result")


def recorder(path):
    """The command that records the program behind it."""
    calls = "trace=" + ",".join(CALLS)
    return ["strace", "-f", "-qq", "-xx", "-s", str(1 << 26), "-e", "signal=none", "-e", calls, "-o", path]


def steps(path):
    """All steps in the order in which they happened. Who waits for a call of another thread goes on only after its
    return was recorded, so what caused what is never the wrong way round."""
    begun = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            thread, _, rest = line.rstrip("\n").partition(" ")
            rest = rest.lstrip()
            # A process that was killed in a call; what of it was done is not known.
            if rest.endswith("= ?"):
                if not rest.startswith("<... "):
                    call, _, text = rest.partition("(")
                    yield Step(thread, call, text, False, None)
                continue
            if rest.startswith("<... "):
                call, text = begun.pop(thread)
                yield Step(thread, call, text, True, result(rest))
            elif rest.endswith(" <unfinished ...>"):
                call, _, text = rest[: -len(" <unfinished ...>")].partition("(")
                begun[thread] = call, text
                yield Step(thread, call, text, False, None)
            elif re.match(r"\w+\(", rest):
                call, _, text = rest.partition("(")
                yield Step(thread, call, text, False, None)
                yield Step(thread, call, text, True, result(rest))


def result(rest):
    """What a call returned; None if it failed."""
    found = re.search(r"\) += (\d+)[^=]*$", rest)
    return int(found[1]) if found else None


def strings(text):
    """The buffers and names among the arguments of a call."""
    return [bytes.fromhex(found.replace("\\x", "")) for found in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', text)]


def numbers(text):
    """The plain numbers among the arguments, without those inside of structures."""
    plain = re.sub(r'\[.*\]|\{.*\}|"[^"]*"', "", text, flags=re.S)
    return [int(found) for found in re.findall(r"(?<![\w.])-?\d+(?!\w)", plain.split(") =")[0])]

"""A disk of which the power may be cut: what a daemon did to its files, and what of that was forced to the disk.

It keeps no more than Linux's file systems promise. Of data that was not forced any sector of 512 bytes may be there,
as it was at any moment since, or not; a file's length is one of those that it had since. Names of a directory that was
not forced are there as they were at any moment since: in order, but each directory at a time of its own.
"""

import os
import re

from .journal import numbers, strings

SECTOR = 512
# In place of what a call returned in which the process was killed.
KILLED = 1 << 62


class File:
    def __init__(self):
        self.disk = bytearray()
        self.pending = []  # (position, bytes), or a length to which it was cut or grown
        self.forced = 0  # how many changes are on the disk

    def apply(self, contents, change):
        if isinstance(change, int):
            del contents[change:]
            contents.extend(bytes(change - len(contents)))
            return
        at, data = change
        if len(contents) < at:
            contents.extend(bytes(at - len(contents)))
        contents[at : at + len(data)] = data

    def force(self, changes):
        done = max(0, changes - self.forced)
        for change in self.pending[:done]:
            self.apply(self.disk, change)
        del self.pending[:done]
        self.forced += done

    def left(self, chance):
        """What is there after the power was cut."""
        contents, lost = bytearray(self.disk), set()
        loss = chance.choice([0, 0.02, 0.2, 0.7, 1])
        lengths = [len(self.disk)]
        for change in self.pending:
            lengths.append(change if isinstance(change, int) else max(lengths[-1], change[0] + len(change[1])))
        last = chance.choice([0, len(self.pending), chance.randint(0, len(self.pending))])
        room = None  # Where a cut was lost, what was written there later went to blocks that are lost with it.
        for number, change in enumerate(self.pending):
            if isinstance(change, int):
                if number >= last:
                    room = change if room is None else min(room, change)
                    continue
                lost = {sector for sector in lost if sector * SECTOR < change}
                self.apply(contents, change)
                continue
            at, data = change
            for sector in range(at // SECTOR, (at + len(data) - 1) // SECTOR + 1):
                begin, end = max(at, sector * SECTOR), min(at + len(data), (sector + 1) * SECTOR)
                if sector in lost or chance.random() < loss or (room is not None and begin >= room):
                    lost.add(sector)
                    continue
                self.apply(contents, (begin, data[begin - at : end - at]))
        self.apply(contents, lengths[last])
        return contents


class Directory:
    def __init__(self):
        self.now, self.disk = {}, {}
        self.pending = []  # Each a list of (name, node or None) that change together.
        self.forced = 0

    def change(self, *names):
        apply_names(self.now, names)
        self.pending.append(names)

    def force(self, changes):
        done = max(0, changes - self.forced)
        for names in self.pending[:done]:
            apply_names(self.disk, names)
        del self.pending[:done]
        self.forced += done

    def left(self, chance):
        names, count = dict(self.disk), len(self.pending)
        for change in self.pending[: chance.choice([0, count, chance.randint(0, count)])]:
            apply_names(names, change)
        return names


def apply_names(names, changes):
    for name, node in changes:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Disk:
    """Takes the steps of a journal. `top` is a directory that is on the disk already; only what is below it counts. What
    is `ignored`, fsync or fdatasync, forces nothing to this disk."""

    def __init__(self, top, ignored=None):
        self.top, self.ignored = top.encode(), ignored
        self.root = Directory()
        self.forget()

    def forget(self):
        self.files = {}  # descriptor: node
        self.syncs = {}  # thread: node and how much of it was there when it was to be forced to the disk
        self.begun = {}  # thread: its call that has not returned

    def restart(self, copy):
        """The process was killed; what it wrote is still to come to the disk. `copy`, of what is below `top`, tells
        what was done of the calls that it was in."""
        for step in self.begun.values():
            self.settle(step, os.fsencode(copy))
        self.forget()

    def take(self, step):
        act = getattr(self, step.call, None)
        if step.ends:
            self.begun.pop(step.thread, None)
        elif act is not None or step.call in UNCHANGING:
            self.begun[step.thread] = step
        if step.call == "close" and not step.ends:
            self.files.pop(numbers(step.text)[0], None)
        elif step.call in ("fsync", "fdatasync"):
            self.sync(step)
        elif act is not None and step.ends and step.result is not None:
            act(step)
        elif act is None and step.call not in UNCHANGING and self.concerns(step):
            raise NotImplementedError(f"the journal has a call that is not known here: {step.call}({step.text[:200]}")

    def settle(self, step, copy):
        done = step._replace(ends=True, result=KILLED)
        if step.call in ("pwritev", "pwrite64", "ftruncate"):
            node = self.files.get(numbers(step.text)[0])
            path = self.path_of(node)
            if path is None or not isinstance(node, File):
                return
            with open(os.path.join(copy, path), "rb") as file:
                contents = file.read()
            at = numbers(step.text)[-1]
            if step.call == "ftruncate":
                node.pending.append(len(contents))
            elif contents[at:]:
                node.pending.append((at, contents[at:]))
        elif step.call not in UNCHANGING and step.call != "fcntl" and strings(step.text)[0] != self.top:
            parent, name = self.find(step)
            above = self.path_of(parent)
            if above is None:
                return
            is_there, was_there = os.path.exists(os.path.join(copy, above, name)), name in parent.now
            if is_there != was_there:
                getattr(self, step.call)(done)

    def path_of(self, node):
        """Where a file or directory is now; None if it is nowhere."""
        places = [(self.root, b"")]
        while places:
            directory, path = places.pop()
            if directory is node:
                return path
            if isinstance(directory, Directory):
                places += [(below, os.path.join(path, name)) for name, below in directory.now.items()]
        return None

    def concerns(self, step):
        below = any(name.startswith(self.top) for name in strings(step.text))
        return below or any(number in self.files for number in numbers(step.text)[:1])

    def sync(self, step):
        node = self.files.get(numbers(step.text)[0])
        if node is None or step.call == self.ignored:
            return
        if not step.ends:
            self.syncs[step.thread] = node, node.forced + len(node.pending)
        elif step.result is not None and step.thread in self.syncs:
            forced, changes = self.syncs.pop(step.thread)
            forced.force(changes)

    def find(self, step, place=0):
        """The directory and name that are the path argument at this place; (None, None) if they are not ours."""
        path = strings(step.text)[place]
        base = re.match(r"(\d+), ", step.text)
        if not path.startswith(b"/"):
            node = self.files.get(int(base[1])) if base else None
        elif path == self.top:
            return None, None
        elif path.startswith(self.top + b"/"):
            node, path = self.root, path[len(self.top) + 1 :]
        else:
            return None, None
        *above, name = path.split(b"/")
        for part in above:
            node = node.now.get(part) if isinstance(node, Directory) else None
        return (node, name) if isinstance(node, Directory) else (None, None)

    def openat(self, step):
        parent, name = self.find(step)
        if strings(step.text)[0] == self.top:
            self.files[step.result] = self.root
        if parent is None:
            return
        node = parent.now.get(name)
        if node is None and "O_CREAT" in step.text:
            node = File()
            parent.change((name, node))
        elif isinstance(node, File) and "O_TRUNC" in step.text:
            node.pending.append(0)
        if node is not None:
            self.files[step.result] = node

    def mkdir(self, step):
        parent, name = self.find(step)
        if parent is not None:
            parent.change((name, Directory()))

    mkdirat = mkdir

    def unlink(self, step):
        parent, name = self.find(step)
        if parent is not None:
            parent.change((name, None))

    unlinkat = rmdir = unlink

    def rename(self, step):
        (parent, old), (target, new) = self.find(step, 0), self.find(step, 1)
        if parent is not target:
            raise NotImplementedError("a rename from one directory to another")
        if parent is not None:
            parent.change((old, None), (new, parent.now[old]))

    def pwritev(self, step):
        node = self.files.get(numbers(step.text)[0])
        if isinstance(node, File):
            node.pending.append((numbers(step.text)[-1], b"".join(strings(step.text))[: step.result]))

    pwrite64 = pwritev

    def ftruncate(self, step):
        node = self.files.get(numbers(step.text)[0])
        if isinstance(node, File):
            node.pending.append(numbers(step.text)[-1])

    def fcntl(self, step):
        held = self.files.get(numbers(step.text)[0])
        if "F_DUPFD" in step.text and held is not None:
            self.files[step.result] = held

    def cut(self, chance, where):
        """Writes what is left when the power is cut now to a directory that is not there yet."""
        write_out(self.root, chance, os.fsencode(where))


# Calls that change no file here, or are met above.
UNCHANGING = {"close", "sendto", "sendmsg", "fsync", "fdatasync"}


def write_out(directory, chance, where):
    os.mkdir(where)
    for name, node in directory.left(chance).items():
        path = os.path.join(where, name)
        if isinstance(node, Directory):
            write_out(node, chance, path)
        else:
            with open(path, "wb") as out:
                out.write(node.left(chance))

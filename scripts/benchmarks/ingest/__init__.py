"""Reading what others write: a file each for the formats, for collecting a file, for following
files, and for sockets."""

from . import collect, follow, formats, listen


def run(work, options):
    for part in (formats, collect, follow, listen):
        part.run(work, options)

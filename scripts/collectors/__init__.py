"""Programs of others that collect files, as scripts/torture and scripts/bench run them: a file each.

A collector reads the logs of a directory whose names match a pattern like `app*.log`, and appends
their lines to files of its own, below `home`. With `rotated` it reads the rotated files, too:
app0.log.1 and so on, or app0.log-20260131. All have:

    absent()      what is not installed, or nothing
    command()     what runs it
    is_ready()    whether the process that was started last has begun to read
    outputs()     the files that it has written, in order
"""

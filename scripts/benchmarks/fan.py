"""Very many at once: 100 producers and 100 followers of one topic. None lost, none repeated, each
producer's records in order; the daemon's memory, and its CPU time a record against that of one
producer and one follower."""

import subprocess

from .common import Measured, cpu_seconds, log_serve, peak_bytes, peers, tool


def follow(log, many, each):
    """A follower, and what checks what comes; the follower ends with it."""
    command = f"'{tool('subscribe')}' -f --data '{log}' t | '{peers()}' in-order {many} {each}"
    return subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, text=True)


def measure(work, many, each, body):
    """CPU seconds of the daemon, its peak memory, and whether all is in order at all followers."""
    inputs = []
    for producer in range(many):
        path = work / f"input-{producer}"
        with open(path, "w", encoding="ascii") as out:
            out.writelines(f'"{producer}#{number}#{body}"\n' for number in range(each))
        inputs.append(path)
    with log_serve(work) as (server, log):
        subprocess.run([tool("log-admin"), "--data", log, "create", "t"], check=True,
                       stdout=subprocess.DEVNULL)
        followers = [follow(log, many, each) for _ in range(many)]
        with Measured() as taken:
            producers = [subprocess.Popen([tool("produce"), "--data", log, "t", path])
                         for path in inputs]
            assert all(producer.wait() == 0 for producer in producers)
            found = [follower.communicate()[0].strip() for follower in followers]
        cpu, peak = cpu_seconds(server.pid), peak_bytes(server.pid)
    return cpu, peak, taken.wall, all(what == "in order" for what in found)


def run(work, options):
    body = "x" * 190
    many = 100
    print(f"\n{many} producers and {many} followers of one topic, fsync always")
    each = options.records // many // 10
    for count, per in [(1, each * many), (many, each)]:
        cpu, peak, wall, good = measure(work, count, per, body)
        total = count * per
        print(f"  {count:3} each way: {total} records in, {total * count} out; the daemon: CPU "
              f"{cpu:6.2f} s, {cpu / (total * (count + 1)) * 1e9:6.0f} ns a record in or out, "
              f"at most {peak / 2**20:.0f} MiB; wall {wall:.2f} s; "
              f"{'none lost, repeated or reordered' if good else 'NOT IN ORDER'}")

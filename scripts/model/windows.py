"""Which records each result is of: the windows, and for `--over` the records before each."""

from .values import identity


class Part:
    """The records that make a result, in the order in which they count."""

    def __init__(self, head, key, records):
        self.head, self.key, self.records = head, key, records


def whole(records, key):
    """All records, by group."""
    return in_order([({}, key(record), record) for record in records])


def tumbling(records, key, size):
    return windowed(records, key, lambda t: [(t // size * size, t // size * size + size)])


def hopping(records, key, slide, size):
    def windows(t):
        last = t // slide * slide
        return [(start, start + size) for start in range(last, t - size, -slide)]
    return windowed(records, key, windows)


def cumulating(records, key, step, size):
    def windows(t):
        start = t // size * size
        first = (t - start) // step + 1
        return [(start, start + step * number) for number in range(first, size // step + 1)]
    return windowed(records, key, windows)


def windowed(records, key, windows):
    entries = [({"window_start": start, "window_end": end}, key(record), record)
               for record in records for start, end in windows(record.time)]
    parts = in_order(entries)
    parts.sort(key=lambda part: (part.head["window_end"], part.head["window_start"]))
    return parts


def sessions(records, key, gap):
    """Records of a group no further apart than the gap; their order is that of their arrival."""
    groups = {}
    for record in records:
        groups.setdefault(identity_of(key(record)), []).append(record)
    parts = []
    for group in groups.values():
        times = sorted({record.time for record in group})
        starts = [t for before, t in zip([None, *times], times) if before is None or t - before > gap]
        for start, end in zip(starts, [*starts[1:], None]):
            inside = [record for record in group
                      if record.time >= start and (end is None or record.time < end)]
            last = max(record.time for record in inside) + gap
            parts.append(Part({"window_start": start, "window_end": last}, key(inside[0]), inside))
    return parts


def counted(records, key, count):
    parts = []
    for part in whole(records, key):
        for number, at in enumerate(range(0, len(part.records), count)):
            parts.append(Part({"window": number}, part.key, part.records[at:at + count]))
    return parts


def last_records(records, key, count):
    """For each record, the last of its group."""
    parts, groups = [], {}
    for record in records:
        group = groups.setdefault(identity_of(key(record)), [])
        group.append(record)
        parts.append(Part(record, key(record), group[-count:]))
    return parts


def last_times(records, key, length):
    """For each record, by time, those of its group at most so much older."""
    parts = []
    by_time = sorted(records, key=lambda record: record.time)
    for record in by_time:
        group = identity_of(key(record))
        inside = [other for other in by_time
                  if record.time - length <= other.time <= record.time
                  and identity_of(key(other)) == group]
        parts.append(Part(record, key(record), inside))
    return parts


def identity_of(key):
    return tuple(identity(value) for value in key)


def in_order(entries):
    """Parts in the order in which their groups were first seen."""
    parts = {}
    for head, key, record in entries:
        place = (tuple(head.values()), identity_of(key))
        parts.setdefault(place, Part(head, key, [])).records.append(record)
    return list(parts.values())

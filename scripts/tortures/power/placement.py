"""Where a record belongs by its key, counted here by our own means."""


def partition(key, partitions):
    """The partition of a record with this text as its key."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data):
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    whole = len(data) // 4 * 4
    result = 0x9747B28C ^ len(data)
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        result = (result * factor & mask) ^ word
    if whole < len(data):
        result = (result ^ int.from_bytes(data[whole:], "little")) * factor & mask
    result = (result ^ result >> 13) * factor & mask
    return result ^ result >> 15

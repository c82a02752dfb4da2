"""What each aggregate gives for the records that it takes, and how far from it a result may be."""

import math
from fractions import Fraction

from .values import Number, identity, write

FLOAT_MAX = Fraction(math.ldexp(2 - 2**-52, 1023))
EPSILON = Fraction(1, 2**52)
SMALLEST = Fraction(1, 2**1074)
# From here on averages and quantiles are written digit by digit, with nine behind the point.
FLOAT_WHOLE_MAX = 2**53
FEW = 64


class Exactly:
    """A value that is to be spelled so."""

    def __init__(self, value):
        self.value = value

    def agrees(self, given):
        return given == self.value and isinstance(given, Number) == isinstance(self.value, Number)

    def __repr__(self):
        return write(self.value)


class Near:
    """A number that a result may be `off` from, at most; null where it is beyond the floats."""

    def __init__(self, number, off, low=None, high=None):
        self.number, self.off, self.low, self.high = number, off, low, high

    def agrees(self, given):
        beyond = abs(self.number) > FLOAT_MAX
        if given is None or beyond:
            # Whether a sum at the very end of the floats is beyond them is a matter of rounding.
            return given is None and abs(self.number) >= FLOAT_MAX * (1 - 4 * EPSILON)
        if not isinstance(given, Number):
            return False
        # The fewest digits that tell a float are not its value.
        return any(map(self.holds, (given.decimal, Fraction(float(given)))))

    def holds(self, number):
        inside = (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high)
        return inside and abs(number - self.number) <= self.off

    def __repr__(self):
        return f"{float(self.number)!r} within {float(self.off):.3g}"


def exactly(value):
    return Exactly(value)


def whole(number):
    return Exactly(Number(number))


def quotient(number):
    """A quotient of whole numbers: the nearest float, or nine digits behind the point."""
    if abs(number) < FLOAT_WHOLE_MAX:
        return Near(number, EPSILON * abs(number))
    return Near(number, Fraction(1, 2 * 10**9))


def total(numbers):
    """A sum, which is exact for whole numbers, and how far a compensated one may be from it."""
    exact = [number.exact for number in numbers]
    result = sum(exact)
    if all(number.is_whole for number in numbers):
        return result, None
    size = sum(map(abs, exact))
    return result, EPSILON * abs(result) + len(exact) ** 2 * EPSILON**2 * size + SMALLEST


def sum_of(values):
    numbers = present(values)
    if not numbers:
        return exactly(None)
    result, off = total(numbers)
    return whole(result) if off is None else Near(result, off)


def avg(values):
    numbers = present(values)
    if not numbers:
        return exactly(None)
    result, off = total(numbers)
    result /= len(numbers)
    return quotient(result) if off is None else Near(result, off + 2 * EPSILON * abs(result))


def spread(root, fewer):
    def of(values):
        numbers = [number.exact for number in present(values)]
        count = len(numbers) - fewer
        if count <= 0:
            return exactly(None)
        mean = sum(numbers) / len(numbers)
        variance = sum((number - mean) ** 2 for number in numbers) / count
        # What rounding the mean, which has twice the digits of a float, may cost.
        largest = max(map(abs, numbers))
        noise = 4 * len(numbers) * EPSILON**2 * largest
        off = variance / 10**9 + noise * noise + Fraction(1, 2**1000)
        if not root:
            return Near(variance, off)
        deviation = square_root(variance)
        return Near(deviation, deviation / 10**9 + 2 * noise + Fraction(1, 2**500))
    return of


def square_root(number):
    """The root, to some sixty digits."""
    shift = 10**60
    scale = 1
    while number * scale * scale < 1 and number:
        scale *= 10**100
    return Fraction(math.isqrt(int(number * scale * scale * shift * shift)), shift * scale)


def around(values, fraction):
    """The numbers around a quantile's rank, and how far it is from the first to the second."""
    numbers = sorted(present(values), key=lambda number: number.exact)
    if not numbers:
        return None
    rank = Fraction(fraction) * (len(numbers) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(numbers) - 1) if rank != below else below
    return numbers[below], numbers[above], rank - below, numbers


def quantile_exact(fraction):
    def of(values):
        found = around(values, fraction)
        if found is None:
            return exactly(None)
        low, high, share, _ = found
        exact = low.exact + (high.exact - low.exact) * share
        if share == 0:
            return Near(exact, Fraction(0))
        if has_fractions(low) and has_fractions(high):
            return quotient(exact)
        size = max(abs(low.exact), abs(high.exact))
        return Near(exact, 3 * EPSILON * size + SMALLEST, low.exact, high.exact)
    return of


def has_fractions(number):
    """Whether numbers next to it that are not whole can be told from it."""
    size = abs(number.exact)
    return number.is_whole or (size.denominator == 1 and size <= FLOAT_WHOLE_MAX)


def quantile(fraction):
    precise = quantile_exact(fraction)

    def of(values):
        found = around(values, fraction)
        if found is None or len(found[3]) <= FEW:
            return precise(values)
        low, high, share, numbers = found
        exact = low.exact + (high.exact - low.exact) * share
        ends = [Fraction(float(number.exact)) for number in (numbers[0], numbers[-1])]
        off = max(abs(low.exact), abs(high.exact)) / 100 + 2 * SMALLEST
        return Near(exact, off, *ends)
    return of


def present(values):
    return [value for value in values if value is not None]


def is_true(value):
    return value is not None and value is not False


def best(values, wins):
    """The first of the best."""
    result = None
    for value in present(values):
        if result is None or wins(ordered(value), ordered(result)):
            result = value
    return exactly(result)


def ordered(value):
    """Numbers before texts."""
    return (0, value.exact) if isinstance(value, Number) else (1, value)


def less(one, other):
    return one < other


def greater(one, other):
    return one > other


def not_less(one, other):
    return one >= other


def pick(wins):
    def of(pairs):
        result = None
        for value, by in pairs:
            if value is not None and by is not None and (
                    result is None or wins(ordered(by), ordered(result[1]))):
                result = (value, by)
        return exactly(result and result[0])
    return of


def distinct_exact(values):
    return whole(len({identity(value) for value in present(values)}))


def distinct(values):
    count = len({identity(value) for value in present(values)})
    return Near(Fraction(count), Fraction(count, 30))


def top(most):
    def of(values):
        counts = {}
        for value in present(values):
            entry = counts.setdefault(identity(value), [0, value])
            entry[0] += 1
        ranked = sorted(counts.values(), key=lambda entry: -entry[0])
        return Tops([(identity(value), count) for count, value in ranked[:most]])
    return of


class Tops:
    """The most frequent values, with their counts."""

    def __init__(self, entries):
        self.entries = entries

    def agrees(self, given):
        return [(identity(one["value"]), int(one["count"])) for one in given] == self.entries

    def __repr__(self):
        return repr(self.entries)


# By name: what it takes (values, numbers, pairs of them or nothing), and what it gives for them.
FUNCTIONS = {
    "count": ("any", lambda values: whole(len(present(values)))),
    "count_if": ("any", lambda values: whole(sum(map(is_true, values)))),
    "sum": ("number", sum_of),
    "avg": ("number", avg),
    "min": ("number", lambda values: best(values, less)),
    "max": ("number", lambda values: best(values, greater)),
    "arg_min": ("pair", pick(less)),
    "arg_max": ("pair", pick(greater)),
    "last_by": ("pair", pick(not_less)),
    "first": ("any", lambda values: exactly(next(iter(present(values)), None))),
    "last": ("any", lambda values: exactly(next(iter(present(values)[::-1]), None))),
    "stddev": ("number", spread(True, 1)),
    "stddev_pop": ("number", spread(True, 0)),
    "variance": ("number", spread(False, 1)),
    "variance_pop": ("number", spread(False, 0)),
    "median": ("number", quantile("0.5")),
    "median_exact": ("number", quantile_exact("0.5")),
    "distinct": ("any", distinct),
    "distinct_exact": ("any", distinct_exact),
    "collect": ("any", lambda values: exactly(present(values))),
}

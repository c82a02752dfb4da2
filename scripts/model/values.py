"""JSON values whose numbers keep their spelling, and what the numbers are exactly."""

import json
from fractions import Fraction


class Number(str):
    """A JSON number as it is spelled."""

    __slots__ = ()

    @property
    def decimal(self):
        """The number that is spelled."""
        return Fraction(self)

    @property
    def is_whole(self):
        """Whether `aggregate` computes with it exactly: whole, and spelled without an exponent."""
        return "e" not in self.lower() and self.decimal.denominator == 1

    @property
    def exact(self):
        """What `aggregate` computes with: the number itself, or the nearest float."""
        return self.decimal if self.is_whole else Fraction(float(self))


def read(text):
    """A JSON text, with numbers as they are spelled."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def write(value):
    """Compact JSON text of what `read` gives."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def identity(value):
    """What values have in common that are one group, or one distinct value."""
    if isinstance(value, Number):
        return ("number", value.decimal)
    return (type(value).__name__, write(value))

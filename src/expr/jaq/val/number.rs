//! Numbers: integers of 64 bits are exact, all others are doubles, and what nobody computed with
//! is written as it came.

use std::cmp::Ordering;

use super::{Text, Val};

/// A number by its value.
#[derive(Clone, Copy, Debug)]
pub(in crate::expr::jaq) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub(in crate::expr::jaq) fn as_f64(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }

    /// The number without its fraction, if 64 bits hold it; the nearest integer that they hold, if
    /// not; 0 for what is not a number.
    pub(in crate::expr::jaq) fn truncated(self) -> i64 {
        match self {
            Number::Int(int) => int,
            Number::Float(float) => float as i64,
        }
    }

    /// The integer that this is, if it is one of 64 bits.
    pub(in crate::expr::jaq) fn as_int(self) -> Option<i64> {
        match self {
            Number::Int(int) => Some(int),
            Number::Float(float) => whole(float),
        }
    }
}

impl From<Number> for Val {
    fn from(number: Number) -> Val {
        match number {
            Number::Int(int) => Val::Int(int),
            Number::Float(float) => Val::Float(float),
        }
    }
}

impl Val {
    /// The value of a number; none for anything else.
    pub(in crate::expr::jaq) fn number(&self) -> Option<Number> {
        match self {
            Val::Int(int) => Some(Number::Int(*int)),
            Val::Float(float) => Some(Number::Float(*float)),
            Val::Spelled(spelled) => Some(Number::Float(value_of(spelled))),
            _ => None,
        }
    }
}

/// A number from its JSON spelling, of which `spelled` gives the text to keep.
pub(in crate::expr::jaq) fn parse_number(json: &str, spelled: impl FnOnce() -> Text) -> Val {
    if json == "-0" {
        return Val::Spelled(spelled());
    }
    // Twenty letters hold every integer of 64 bits; what does not parse has a fraction or exponent.
    let int = if json.len() <= 20 { json.parse().ok() } else { None };
    int.map_or_else(|| Val::Spelled(spelled()), Val::Int)
}

/// The double nearest to a spelled number.
fn value_of(spelled: &str) -> f64 {
    spelled.parse().unwrap_or(f64::NAN)
}

/// jq's order of numbers. What is not a number is less than any.
pub(super) fn compare(left: &Val, right: &Val) -> Ordering {
    if let (Val::Int(left), Val::Int(right)) = (left, right) {
        return left.cmp(right);
    }
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return compare_integers(left, right);
    }
    let value = |val: &Val| val.number().map_or(f64::NAN, Number::as_f64);
    let (left, right) = (value(left), value(right));
    left.partial_cmp(&right).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
}

/// An integer, whatever its length.
enum Integer<'a> {
    Short(i64),
    /// One that 64 bits do not hold, as it is spelled.
    Long(&'a str),
}

fn integer(val: &Val) -> Option<Integer<'_>> {
    match val {
        Val::Int(int) => Some(Integer::Short(*int)),
        Val::Float(float) => whole(*float).map(Integer::Short),
        Val::Spelled(spelled) => {
            let digits = spelled.strip_prefix('-').unwrap_or(spelled);
            let long = digits.len() > 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
            long.then(|| Integer::Long(spelled))
        }
        _ => None,
    }
}

/// The integer that a double is exactly, if it is one of 64 bits.
fn whole(float: f64) -> Option<i64> {
    // 2^63 is a double, and the first that 64 bits do not hold.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = float.trunc() == float && (-LIMIT..LIMIT).contains(&float);
    fits.then_some(float as i64)
}

/// Long integers are outside the range of the short ones and have no leading zeros.
fn compare_integers(left: Integer<'_>, right: Integer<'_>) -> Ordering {
    let outside = |spelled: &str| match spelled.starts_with('-') {
        true => Ordering::Less,
        false => Ordering::Greater,
    };
    match (left, right) {
        (Integer::Short(left), Integer::Short(right)) => left.cmp(&right),
        (Integer::Long(left), Integer::Short(_)) => outside(left),
        (Integer::Short(_), Integer::Long(right)) => outside(right).reverse(),
        (Integer::Long(left), Integer::Long(right)) => {
            let by_size = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
            match (left.strip_prefix('-'), right.strip_prefix('-')) {
                (None, None) => by_size(left, right),
                (Some(left), Some(right)) => by_size(right, left),
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(json: &str) -> Val {
        parse_number(json, || Text::from(json))
    }

    #[test]
    fn integers_of_any_length_are_ordered_exactly() {
        let ascending = [
            "-100000000000000000000",
            "-18446744073709551616",
            "-9223372036854775809",
            "-9223372036854775808",
            "-1.5",
            "-1",
            "0",
            "1e-3",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551614",
            "18446744073709551615",
            "1e30",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(compare(&number(left), &number(right)), i.cmp(&j), "{left} {right}");
            }
        }
    }

    #[test]
    fn a_number_is_its_value_however_it_is_spelled() {
        for (left, right) in [("1", "1.0"), ("100", "1e2"), ("0", "-0"), ("0.5", "5E-1")] {
            assert_eq!(compare(&number(left), &number(right)), Ordering::Equal, "{left} {right}");
        }
        assert_eq!(compare(&Val::Float(3.0), &Val::Int(3)), Ordering::Equal);
        assert_eq!(compare(&Val::Float(f64::NAN), &Val::Float(f64::NEG_INFINITY)), Ordering::Less);
    }

    #[test]
    fn only_exact_integers_are_integers() {
        let int = |json: &str| number(json).number().and_then(Number::as_int);
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int("9223372036854775808"), None);
        assert_eq!(int("1e3"), Some(1000));
        assert_eq!(int("1.5"), None);
        assert_eq!(int("1e400"), None);
    }
}

//! Numbers for aggregates: exact where they are whole, 64-bit floats where they are not.

use std::cmp::Ordering;

use super::FLOAT_WHOLE_MAX;
use super::short::Short;

/// A JSON number, read for arithmetic.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Whole, spelled without an exponent, and within 128 bits: exact.
    Whole(i128),
    /// Any other: the nearest float, finite. It may be whole, too.
    Float(f64),
}

/// A number too large for a 64-bit float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("beyond the largest 64-bit float")]
pub struct TooLarge;

impl Number {
    /// Reads a number in its JSON spelling.
    ///
    /// # Errors
    /// When it is beyond the floats.
    #[inline]
    pub fn parse(spelling: &str) -> Result<Number, TooLarge> {
        let short = Short::read(spelling.as_bytes()).and_then(|short| match short.integer() {
            Some(integer) => Some(Number::Whole(integer.into())),
            None => short.float().map(Number::Float),
        });
        short.map_or_else(|| Number::parse_long(spelling), Ok)
    }

    #[cold]
    fn parse_long(spelling: &str) -> Result<Number, TooLarge> {
        let (whole, fraction) = spelling.split_once('.').unwrap_or((spelling, ""));
        if fraction.bytes().all(|digit| digit == b'0')
            && let Ok(whole) = whole.parse()
        {
            return Ok(Number::Whole(whole));
        }
        match spelling.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Number::Float(float)),
            _ => Err(TooLarge),
        }
    }

    /// A float, if it is the number that its spelling stands for: where floats are further apart
    /// than whole numbers, the shortest spelling stands for another one nearby.
    pub fn of_float(float: f64) -> Option<Number> {
        (float.abs() < FLOAT_WHOLE_MAX as f64).then_some(Number::Float(float))
    }

    /// The nearest float.
    pub fn float(self) -> f64 {
        match self {
            // Most are short, and those are converted by one instruction.
            Number::Whole(whole) => i64::try_from(whole).map_or(whole as f64, |short| short as f64),
            Number::Float(float) => float,
        }
    }

    /// The whole number that this is, if it is one; not where it is a float that has no room for
    /// digits behind the point.
    pub fn whole(self) -> Option<i128> {
        match self {
            Number::Whole(whole) => Some(whole),
            Number::Float(float) => {
                let is_whole = float.abs() <= FLOAT_WHOLE_MAX as f64 && float.trunc() == float;
                is_whole.then_some(float as i128)
            }
        }
    }

    /// Compares by value, exactly: no whole number is rounded for it.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Number::Whole(a), Number::Float(b)) => compare_mixed(a, b),
            (Number::Float(a), Number::Whole(b)) => compare_mixed(b, a).reverse(),
        }
    }
}

fn compare_mixed(whole: i128, float: f64) -> Ordering {
    // 2^127 and −2^127 are floats: what is within them becomes an i128 without loss when cut.
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float >= LIMIT {
        return Ordering::Less;
    }
    if float < -LIMIT {
        return Ordering::Greater;
    }
    let cut = float.trunc();
    whole.cmp(&(cut as i128)).then(cut.partial_cmp(&float).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(a: &str, b: &str) -> Ordering {
        Number::parse(a).unwrap().compare(Number::parse(b).unwrap())
    }

    #[test]
    fn numbers_compare_by_value_exactly() {
        let rising = [
            "-1e300",
            "-170141183460469231731687303715884105729",
            "-9007199254740993",
            "-9007199254740992.0",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "5e-324",
            "1",
            "1.5",
            "2",
            "9007199254740992.0",
            "9007199254740993",
            "170141183460469231731687303715884105727",
            "1e300",
        ];
        for (at, a) in rising.iter().enumerate() {
            for (other, b) in rising.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} {b}");
            }
        }
        for equal in ["1", "1.0", "1e0", "10e-1"] {
            assert_eq!(compare(equal, "1"), Ordering::Equal);
        }
        assert_eq!(Number::parse("1e309").err(), Some(TooLarge));
    }

    proptest! {
        #[test]
        fn short_spellings_are_read_as_all_others(spelling in "-?[1-9][0-9]{0,15}|-?(0|[1-9][0-9]{0,14})[.][0-9]{1,16}|-?0") {
            let float: f64 = spelling.parse().unwrap();
            match Number::parse(&spelling).unwrap() {
                Number::Whole(whole) => {
                    // A long one may end in a point and zeros: it is whole all the same.
                    let (digits, fraction) = spelling.split_once('.').unwrap_or((&spelling, ""));
                    prop_assert!(fraction.bytes().all(|digit| digit == b'0'), "{}", spelling);
                    prop_assert_eq!(whole, digits.parse::<i128>().unwrap());
                }
                Number::Float(given) => prop_assert_eq!(given.to_bits(), float.to_bits(), "{}", spelling),
            }
        }

        #[test]
        fn whole_numbers_and_floats_compare_as_in_exact_arithmetic(whole in -1_000_i128..1_000, halves in -2_000_i32..2_000) {
            let float = Number::Float(f64::from(halves) / 2.0);
            let expected = (whole * 2).cmp(&i128::from(halves));
            prop_assert_eq!(Number::Whole(whole).compare(float), expected);
            prop_assert_eq!(float.compare(Number::Whole(whole)), expected.reverse());
        }
    }
}

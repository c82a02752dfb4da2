//! Numbers: exact where they are whole, 64-bit floats where they are not.

use std::cmp::Ordering;
use std::io::Write;

use crate::expr::Value;

/// A JSON number, read for arithmetic.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Spelled without a point and an exponent, and within 128 bits: exact.
    Whole(i128),
    /// Any other: the nearest float, finite.
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
    pub fn parse(spelling: &str) -> Result<Number, TooLarge> {
        if let Some(number) = parse_short(spelling.as_bytes()) {
            return Ok(number);
        }
        if let Ok(whole) = spelling.parse() {
            return Ok(Number::Whole(whole));
        }
        match spelling.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Number::Float(float)),
            _ => Err(TooLarge),
        }
    }

    /// The nearest float.
    pub fn float(self) -> f64 {
        match self {
            // Most are short, and those are converted by one instruction.
            Number::Whole(whole) => i64::try_from(whole).map_or(whole as f64, |short| short as f64),
            Number::Float(float) => float,
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

/// Reads what most numbers are: a few digits, perhaps with a point among them.
///
/// The digits without the point, if they are below 2^53, and the power of ten are both floats
/// exactly, so that their quotient is the nearest float (Clinger 1990).
fn parse_short(spelling: &[u8]) -> Option<Number> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, text) = match spelling {
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    // Fifteen digits are below 2^53, with the point sixteen characters.
    if text.len() > 16 {
        return None;
    }
    let (mut digits, mut point) = (0_i64, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let signed = if negative { -digits } else { digits };
    let Some(point) = point else {
        // A lone sign is no number; "-0" is a float's zero elsewhere, and a whole one here.
        return (!text.is_empty()).then_some(Number::Whole(signed.into()));
    };
    let float = digits as f64 / POWERS.get(text.len() - point - 1)?;
    Some(Number::Float(if negative { -float } else { float }))
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

/// Appends a whole number.
pub fn write_whole(whole: i128, out: &mut Vec<u8>) {
    // Writing to memory has no way to fail.
    let _ = write!(out, "{whole}");
}

/// Appends a float in the shortest spelling that reads back as the same float: whole ones without
/// `.0`, very large and very small ones with an exponent. As in jq, what is beyond the floats
/// becomes the largest one, and what is not a number becomes null.
pub fn write_float(float: f64, out: &mut Vec<u8>) {
    let float = if float.is_nan() {
        out.extend_from_slice(b"null");
        return;
    } else {
        float.clamp(f64::MIN, f64::MAX)
    };
    let magnitude = float.abs();
    let _ = if magnitude == 0.0 {
        write!(out, "0")
    } else if (1e-5..1e17).contains(&magnitude) {
        write!(out, "{float}")
    } else {
        write!(out, "{float:e}")
    };
}

/// Appends the one spelling that all spellings of a number share: `1`, `1.0` and `1e0` all give
/// `1`. Numbers beyond the floats keep their own.
pub fn write_canonical(spelling: &str, out: &mut Vec<u8>) {
    match Number::parse(spelling) {
        Ok(Number::Whole(whole)) => write_whole(whole, out),
        Ok(Number::Float(float)) if float.fract() == 0.0 && float.abs() < 1e38 => {
            write_whole(float as i128, out);
        }
        Ok(Number::Float(float)) => write_float(float, out),
        Err(TooLarge) => out.extend_from_slice(spelling.as_bytes()),
    }
}

/// Appends what all values have in common that count as the same: JSON, with equal numbers spelled
/// the same.
pub fn write_identity(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Number(spelling) => write_canonical(spelling, out),
        value => value.write_json(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

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

    #[test]
    fn floats_are_written_as_people_expect() {
        for (float, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (12.639_1, "12.6391"),
            (1e-5, "0.00001"),
            (1.5e-7, "1.5e-7"),
            (1e16, "10000000000000000"),
            (1e17, "1e17"),
            (f64::INFINITY, "1.7976931348623157e308"),
            (f64::NEG_INFINITY, "-1.7976931348623157e308"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(written(|out| write_float(float, out)), text);
        }
    }

    #[test]
    fn all_spellings_of_a_number_are_one() {
        for (spellings, text) in [
            (["0", "-0", "0.0", "-0.0e5"], "0"),
            (["1", "1.0", "1e0", "10E-1"], "1"),
            (["1.5", "1.50", "15e-1", "0.15e1"], "1.5"),
            (["100000000000000000000", "1e20", "1E+20", "1.0e20"], "100000000000000000000"),
            (["1e40", "10e39", "1E40", "1.0e40"], "1e40"),
        ] {
            for spelling in spellings {
                assert_eq!(written(|out| write_canonical(spelling, out)), text, "{spelling}");
            }
        }
        assert_eq!(written(|out| write_canonical("1e999", out)), "1e999");
    }

    proptest! {
        #[test]
        fn short_spellings_are_read_as_all_others(spelling in "-?[1-9][0-9]{0,15}|-?(0|[1-9][0-9]{0,14})[.][0-9]{1,16}|-?0") {
            let float: f64 = spelling.parse().unwrap();
            match Number::parse(&spelling).unwrap() {
                Number::Whole(whole) => prop_assert_eq!(whole, spelling.parse::<i128>().unwrap()),
                Number::Float(given) => prop_assert_eq!(given.to_bits(), float.to_bits(), "{}", spelling),
            }
        }

        #[test]
        fn a_written_float_reads_back(float in any::<f64>()) {
            let text = written(|out| write_float(float, out));
            prop_assert!(crate::record::text::is_number(text.as_bytes()), "{}", text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), float);
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

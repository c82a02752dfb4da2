//! Numbers, as both evaluators of expressions see them: integers of 64 bits are exact, all others
//! are doubles, and what nobody computed with is written as it came.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::short::Short;

/// A number by its value.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer of 64 bits.
    Int(i64),
    /// Any other, or one that is the result of a calculation on others.
    Float(f64),
}

impl Number {
    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }

    /// The number without its fraction, if 64 bits hold it; the nearest integer that they hold, if
    /// not; 0 for what is not a number.
    pub fn truncated(self) -> i64 {
        match self {
            Number::Int(int) => int,
            Number::Float(float) => float as i64,
        }
    }

    /// The integer that this is, if it is one of 64 bits.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Number::Int(int) => Some(int),
            Number::Float(float) => whole(float),
        }
    }
}

/// A number, which may still be as it was spelled.
#[derive(Clone, Copy, Debug)]
pub enum Numeral<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// A computed number.
    Float(f64),
    /// A number whose spelling says more than its value does.
    Literal(&'a str),
}

impl<'a> Numeral<'a> {
    /// A number from its JSON spelling.
    pub fn read(json: &'a str) -> Numeral<'a> {
        if json == "-0" {
            return Numeral::Literal(json);
        }
        // Twenty letters hold every integer of 64 bits; what does not parse has a fraction or
        // exponent.
        let int = if json.len() <= 20 { json.parse().ok() } else { None };
        int.map_or(Numeral::Literal(json), Numeral::Int)
    }

    /// A number from its JSON spelling, if it is a short integer, as most are.
    #[inline]
    pub fn short(json: &[u8]) -> Option<Numeral<'a>> {
        let short = Short::read(json).filter(|short| !short.is_negative_zero())?;
        short.integer().map(Numeral::Int)
    }

    /// Its value.
    pub fn number(self) -> Number {
        match self {
            Numeral::Int(int) => Number::Int(int),
            Numeral::Float(float) => Number::Float(float),
            // The double nearest to it.
            Numeral::Literal(spelled) => Number::Float(spelled.parse().unwrap_or(f64::NAN)),
        }
    }

    fn integer(self) -> Option<Integer<'a>> {
        match self {
            Numeral::Int(int) => Some(Integer::Short(int)),
            Numeral::Float(float) => whole(float).map(Integer::Short),
            Numeral::Literal(spelled) => {
                let digits = spelled.strip_prefix('-').unwrap_or(spelled);
                let long = digits.len() > 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
                long.then_some(Integer::Long(spelled))
            }
        }
    }
}

/// The JSON spelling of a number that is spelled as people do: with zeros or a plus sign before it,
/// or no digits on one side of its point. None for what is no number.
pub fn lenient(text: &str) -> Option<Cow<'_, str>> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    if let Some(power) = exponent.get(1..) {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        if power.is_empty() || !digits(power) {
            return None;
        }
    }
    let significant = whole.trim_start_matches('0');
    let short = if significant.is_empty() { "0" } else { significant };
    // In most spellings, what JSON has is there in one piece.
    let needless = whole.len().saturating_sub(short.len());
    let in_one_piece = !whole.is_empty() && (fraction.is_empty() != mantissa.contains('.'));
    if in_one_piece && !(negative && needless > 0) {
        let start = text.len() - unsigned.len() + needless - usize::from(negative);
        return text.get(start..).map(Cow::Borrowed);
    }
    let (sign, point) =
        (if negative { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
    Some(Cow::Owned(format!("{sign}{short}{point}{fraction}{exponent}")))
}

/// jq's order of numbers. What is not a number is less than any.
pub fn compare(left: Numeral<'_>, right: Numeral<'_>) -> Ordering {
    if let (Numeral::Int(left), Numeral::Int(right)) = (left, right) {
        return left.cmp(&right);
    }
    if let (Some(left), Some(right)) = (left.integer(), right.integer()) {
        return compare_integers(left, right);
    }
    let (left, right) = (left.number().as_f64(), right.number().as_f64());
    left.partial_cmp(&right).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
}

/// The order of a number, given by its JSON spelling, and an integer, where it is plain to see: for
/// numbers of few digits without an exponent. As doubles they are as different as they are spelled.
#[inline]
pub fn compare_short(json: &[u8], right: i64) -> Option<Ordering> {
    Short::read(json)?.compare(right)
}

/// An integer, whatever its length.
enum Integer<'a> {
    Short(i64),
    /// One that 64 bits do not hold, as it is spelled.
    Long(&'a str),
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

    fn number(json: &str) -> Numeral<'_> {
        Numeral::read(json)
    }

    #[test]
    fn numbers_are_read_as_people_spell_them() {
        let taken = [
            ("03", "3"),
            ("+1", "1"),
            (".5", "0.5"),
            ("1.", "1"),
            ("-0.50", "-0.50"),
            ("000", "0"),
            ("-007", "-7"),
            ("+.5e3", "0.5e3"),
            ("1.e5", "1e5"),
            ("1E-2", "1E-2"),
            ("00.10", "0.10"),
            ("-0", "-0"),
            ("12345678901234567890", "12345678901234567890"),
        ];
        for (text, json) in taken {
            assert_eq!(lenient(text).as_deref(), Some(json), "{text}");
        }
        for text in [
            "", ".", "-", "+", "+-1", "1e", "1e+", "e5", ".e5", "1.2.3", "0x10", "1_0", "nan",
            "1 2", " 4", "5 ",
        ] {
            assert_eq!(lenient(text), None, "{text}");
        }
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
                assert_eq!(compare(number(left), number(right)), i.cmp(&j), "{left} {right}");
            }
        }
    }

    #[test]
    fn a_number_is_its_value_however_it_is_spelled() {
        for (left, right) in [("1", "1.0"), ("100", "1e2"), ("0", "-0"), ("0.5", "5E-1")] {
            assert_eq!(compare(number(left), number(right)), Ordering::Equal, "{left} {right}");
        }
        assert_eq!(compare(Numeral::Float(3.0), Numeral::Int(3)), Ordering::Equal);
        let (nan, least) = (Numeral::Float(f64::NAN), Numeral::Float(f64::NEG_INFINITY));
        assert_eq!(compare(nan, least), Ordering::Less);
    }

    #[test]
    fn short_integers_are_read_as_all_are() {
        for json in ["0", "7", "-1", "500", "123456789012345678", "-12345678901234567", "-0", "1.5"]
        {
            let short = Numeral::short(json.as_bytes());
            match (short, number(json)) {
                (Some(Numeral::Int(short)), Numeral::Int(read)) => assert_eq!(short, read),
                (None, Numeral::Literal(_)) => {}
                other => panic!("{json}: {other:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn short_numbers_are_compared_as_all_are(
            json in "-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{0,17})(\\.([0-9]{1,4}|0{0,3}[0-9]{1,16}|9{1,17}))?",
            right in proptest::prop_oneof![-3..3_i64, proptest::num::i64::ANY, -10_000..10_000_i64],
            near in -1..=1_i64,
        ) {
            let same = number(&json).number().truncated().saturating_add(near);
            for right in [right, same] {
                if let Some(order) = compare_short(json.as_bytes(), right) {
                    let all = compare(number(&json), Numeral::Int(right));
                    proptest::prop_assert_eq!(order, all, "{} {}", json, right);
                }
            }
        }
    }

    #[test]
    fn only_exact_integers_are_integers() {
        let int = |json: &str| number(json).number().as_int();
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int("9223372036854775808"), None);
        assert_eq!(int("1e3"), Some(1000));
        assert_eq!(int("1.5"), None);
        assert_eq!(int("1e400"), None);
    }
}

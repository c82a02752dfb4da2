//! Quotients of whole numbers, as exact as they can be written.

use std::io::Write;

use super::{FLOAT_WHOLE_MAX, Number, write_result};

/// How many digits stand behind the point where a float would not even hold those before it.
const DECIMALS: u32 = 9;

/// A number between two whole ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    negative: bool,
    /// The size of the number without its fraction.
    whole: u128,
    /// The fraction is `rest / of`, less than 1.
    rest: u128,
    of: u128,
}

impl Ratio {
    /// `dividend / divisor`; a divisor of 0 counts as 1.
    pub fn quotient(dividend: i128, divisor: u64) -> Ratio {
        let (size, of) = (dividend.unsigned_abs(), u128::from(divisor.max(1)));
        Ratio { negative: dividend < 0, whole: size / of, rest: size % of, of }
    }

    /// The number that is `rest / of` of the way from `low` to `high`; none where that takes more
    /// than 128 bits on the way.
    pub fn between(low: i128, high: i128, rest: u64, of: u64) -> Option<Ratio> {
        let (rest, of) = (u128::from(rest), u128::from(of.max(1)));
        let beyond = high.abs_diff(low).checked_mul(rest)?;
        // Towards high, which is the way up: the fraction counts from the whole number below.
        let floor = low.checked_add_unsigned(beyond / of)?;
        let rest = beyond % of;
        Some(match (floor < 0, rest > 0) {
            (true, true) => {
                Ratio { negative: true, whole: floor.unsigned_abs() - 1, rest: of - rest, of }
            }
            (negative, _) => Ratio { negative, whole: floor.unsigned_abs(), rest, of },
        })
    }

    /// Appends it: the nearest float; but where floats do not hold the whole numbers around it,
    /// digit by digit, with up to nine of them behind the point.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.whole < u128::from(FLOAT_WHOLE_MAX) {
            return write_result(self.signed_float(), out);
        }
        if self.negative {
            out.push(b'-');
        }
        let scale = 10_u128.pow(DECIMALS);
        // A count, and a power of ten that is no larger, leave room for nine digits.
        let decimals = (self.rest.saturating_mul(scale) + self.of / 2) / self.of;
        // Writing to memory has no way to fail.
        let _ = write!(out, "{}", self.whole + decimals / scale);
        if let decimals @ 1.. = decimals % scale {
            let _ = write!(out, ".{decimals:0width$}", width = DECIMALS as usize);
            let zeros = out.iter().rev().take_while(|digit| **digit == b'0').count();
            out.truncate(out.len() - zeros);
        }
    }

    /// The number that is written, if it is a float.
    pub fn number(self) -> Option<Number> {
        Number::of_float(self.signed_float())
    }

    fn signed_float(self) -> f64 {
        if self.negative { -self.float() } else { self.float() }
    }

    /// The size, as a float.
    fn float(self) -> f64 {
        let all = self.whole.checked_mul(self.of).and_then(|whole| whole.checked_add(self.rest));
        match all {
            // One rounding.
            Some(all) if all.max(self.of) <= u128::from(FLOAT_WHOLE_MAX) => {
                all as f64 / self.of as f64
            }
            _ => self.whole as f64 + self.rest as f64 / self.of as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(ratio: Ratio) -> String {
        let mut out = Vec::new();
        ratio.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_floats_cannot_hold_is_written_digit_by_digit() {
        for (dividend, divisor, text) in [
            (7, 2, "3.5"),
            (-7, 2, "-3.5"),
            (-1, 3, "-0.3333333333333333"),
            (5, 0, "5"),
            (0, 3, "0"),
            (3_400_000_000_000_000_003, 2, "1700000000000000001.5"),
            (-3_400_000_000_000_000_003, 2, "-1700000000000000001.5"),
            (3_400_000_000_000_000_002, 2, "1700000000000000001"),
            (5_100_000_000_000_000_005, 3, "1700000000000000001.666666667"),
            (i128::MAX, 1, "170141183460469231731687303715884105727"),
            (i128::MIN, 1, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(written(Ratio::quotient(dividend, divisor)), text);
        }
    }

    #[test]
    fn digits_that_round_up_carry() {
        let almost = Ratio::between(1 << 60, (1 << 60) + 1, 9_999_999_999, 10_000_000_000).unwrap();
        assert_eq!(written(almost), ((1_u64 << 60) + 1).to_string());
        assert_eq!(Ratio::between(i128::MIN, i128::MAX, 2, 3), None);
    }

    proptest! {
        #[test]
        fn it_is_the_nearest_float(
            low in -1_000_000_000_i64..1_000_000_000, more in 0..1_000_000_000_i64,
            hundredths in 0..100_u64
        ) {
            let exact = i128::from(low) * 100 + i128::from(more) * i128::from(hundredths);
            let ratio = Ratio::between(low.into(), (low + more).into(), hundredths, 100).unwrap();
            let given: f64 = written(ratio).parse().unwrap();
            prop_assert_eq!(given, exact as f64 / 100.0);
            let given: f64 = written(Ratio::quotient(exact, 100)).parse().unwrap();
            prop_assert_eq!(given, exact as f64 / 100.0);
        }
    }
}

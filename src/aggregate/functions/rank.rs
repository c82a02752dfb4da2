//! Which of the values in order a quantile is: between two of them, on the line from one to the
//! other.
//!
//! The quantile q of n values has the rank q · (n − 1), counted from 0: the definition of SQL's
//! percentile_cont, and the seventh of Hyndman and Fan (1996). Ranks are computed with whole
//! numbers, since 0.7 · 90 is not 63 in floats.

use crate::record::number::ratio::Ratio;
use crate::record::number::{Number, write_result, write_whole};

/// How many digits behind the point of a fraction count.
const SCALE_MAX: usize = 18;

/// A fraction from 0 to 1, as the decimal that a person writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) struct Fraction {
    numerator: u64,
    /// A power of ten.
    denominator: u64,
}

/// A place in a row of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) struct Rank {
    /// How many values stand before the one at the place, or next before it.
    pub(in crate::aggregate) below: u64,
    /// The place is `rest / of` of the way from that value to the next.
    rest: u64,
    of: u64,
}

impl Fraction {
    /// The shortest decimal that is read as this float.
    pub(in crate::aggregate) fn of(number: f64) -> Fraction {
        let spelled = number.clamp(0.0, 1.0).to_string();
        let (whole, decimals) = spelled.split_once('.').unwrap_or((&spelled, ""));
        let decimals = decimals.get(..SCALE_MAX).unwrap_or(decimals);
        let denominator = decimals.bytes().fold(1, |power, _| power * 10);
        let digits = decimals.bytes().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
        Fraction { numerator: if whole == "1" { denominator } else { digits }, denominator }
    }

    /// The rank of the quantile of so many values; none where there are none.
    pub(in crate::aggregate) fn rank(self, count: u64) -> Option<Rank> {
        let all = u128::from(self.numerator) * u128::from(count.checked_sub(1)?);
        let of = u128::from(self.denominator);
        // Both are parts of 64-bit numbers.
        Some(Rank { below: (all / of) as u64, rest: (all % of) as u64, of: self.denominator })
    }
}

impl Rank {
    /// Whether the place is that of a value, and not between two.
    pub(in crate::aggregate) fn is_whole(self) -> bool {
        self.rest == 0
    }

    /// What is at the place, between the floats `low` and `high`: never outside of them.
    pub(in crate::aggregate) fn between(self, low: f64, high: f64) -> f64 {
        let share = self.rest as f64 / self.of as f64;
        let distance = high - low;
        let between = match distance.is_finite() {
            true => low + distance * share,
            false => low * (1.0 - share) + high * share,
        };
        between.max(low).min(high)
    }

    /// Appends what is at the place between `low` and `high`: exactly, where they are whole.
    pub(in crate::aggregate) fn write_between(self, low: Number, high: Number, out: &mut Vec<u8>) {
        if self.is_whole() {
            return match low {
                Number::Whole(whole) => write_whole(whole, out),
                Number::Float(float) => write_result(float, out),
            };
        }
        let exact = low.whole().zip(high.whole());
        match exact.and_then(|(low, high)| Ratio::between(low, high, self.rest, self.of)) {
            Some(ratio) => ratio.write(out),
            None => write_result(self.between(low.float(), high.float()), out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rank(number: f64, count: u64) -> (u64, u64, u64) {
        let rank = Fraction::of(number).rank(count).unwrap();
        (rank.below, rank.rest, rank.of)
    }

    #[test]
    fn ranks_are_those_of_the_decimal() {
        assert_eq!(rank(0.7, 91), (63, 0, 10));
        assert_eq!(rank(0.35, 21), (7, 0, 100));
        assert_eq!(rank(0.95, 102), (95, 95, 100));
        assert_eq!(rank(0.999, 1_001), (999, 0, 1_000));
        assert_eq!(rank(0.0, 10), (0, 0, 1));
        assert_eq!(rank(1.0, 10), (9, 0, 1));
        assert_eq!(rank(1e-300, 10), (0, 0, 1_000_000_000_000_000_000));
        assert_eq!(rank(1.0, u64::MAX), (u64::MAX - 1, 0, 1));
        assert_eq!(Fraction::of(0.5).rank(0), None);
    }

    proptest! {
        #[test]
        fn what_is_between_two_values_stays_there(
            a in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL, b in proptest::num::f64::NORMAL,
            share in 0.0..1.0
        ) {
            let rank = Fraction::of(share).rank(2).unwrap();
            let (low, high) = (a.min(b), a.max(b));
            let between = rank.between(low, high);
            prop_assert!((low..=high).contains(&between), "{} {} {}", low, between, high);
            prop_assert_eq!(rank.between(low, low), low);
        }
    }
}

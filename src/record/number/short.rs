//! Numbers of few digits without an exponent, as most are: read here for all who read numbers.

use std::cmp::Ordering;

/// How many digits are read so: 64 bits hold all numbers of as many.
const DIGITS_MAX: usize = 18;

/// So many digits are below 2^53, and so is 10 to the power of their number: as floats, all of them
/// are as different as they are spelled.
const FLOAT_DIGITS_MAX: usize = 15;

/// Powers of ten, which are floats exactly.
const POWERS: [i64; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// A number of few digits, as it is spelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    negative: bool,
    /// All digits, without the point.
    digits: i64,
    /// How many there are.
    count: usize,
    /// How many of them stand after the point, if there is a point.
    decimals: Option<usize>,
}

impl Short {
    /// Reads a number in its JSON spelling; none if it is another.
    #[inline]
    pub(super) fn read(json: &[u8]) -> Option<Short> {
        let (negative, text) = match json {
            [b'-', text @ ..] => (true, text),
            text => (false, text),
        };
        if text.len() > DIGITS_MAX + 1 {
            return None;
        }
        let (mut digits, mut point) = (0_i64, None);
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    digits = digits.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'))
                }
                b'.' if point.is_none() => point = Some(at),
                _ => return None,
            }
        }
        let count = text.len() - usize::from(point.is_some());
        let decimals = point.map(|point| text.len() - point - 1);
        // A lone sign is no number.
        (1..=DIGITS_MAX).contains(&count).then_some(Short { negative, digits, count, decimals })
    }

    fn signed(self) -> i64 {
        if self.negative { -self.digits } else { self.digits }
    }

    /// The integer that is spelled, if there is no point; "-0" is 0.
    #[inline]
    pub(super) fn integer(self) -> Option<i64> {
        self.decimals.is_none().then(|| self.signed())
    }

    /// Whether it has a sign, and is zero.
    #[inline]
    pub(super) fn is_negative_zero(self) -> bool {
        self.negative && self.digits == 0
    }

    /// The nearest float, where one division gives it: both of its operands are floats exactly
    /// (Clinger 1990).
    #[inline]
    pub(super) fn float(self) -> Option<f64> {
        if self.count > FLOAT_DIGITS_MAX {
            return None;
        }
        let float = self.digits as f64 / *POWERS.get(self.decimals.unwrap_or(0))? as f64;
        Some(if self.negative { -float } else { float })
    }

    /// How it compares to an integer, and the nearest float to the float that the integer is, where
    /// both are the same and plain to see.
    #[inline]
    pub(super) fn compare(self, right: i64) -> Option<Ordering> {
        const RIGHT_MAX: u64 = 1_000_000_000_000_000;
        let Some(decimals) = self.decimals else { return Some(self.signed().cmp(&right)) };
        if right.unsigned_abs() > RIGHT_MAX {
            return None;
        }
        let scale = i128::from(*POWERS.get(decimals)?);
        let beyond = i128::from(self.signed()) - i128::from(right) * scale;
        // Of two that are less than 1 apart, the floats may be one.
        let plain = self.count <= FLOAT_DIGITS_MAX || beyond.abs() >= scale;
        plain.then_some(beyond.cmp(&0))
    }
}

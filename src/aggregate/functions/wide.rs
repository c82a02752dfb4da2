//! Sums of whole numbers, exact whatever their size.

use std::io::Write;

use crate::record::number::{FLOAT_WHOLE_MAX, write_whole};
use crate::state::{Reader, StateError, Writer};

/// A whole number of 192 bits: a sum of 2^63 numbers of 128 bits fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide {
    /// The high part, with the sign.
    high: i64,
    low: u128,
}

impl Wide {
    /// Adds a number.
    pub fn add(&mut self, number: i128) {
        // Two's complement: the bits of a negative number go on in the high part.
        self.add_wide(Wide { high: if number < 0 { -1 } else { 0 }, low: number.cast_unsigned() });
    }

    /// Adds another sum.
    pub fn add_wide(&mut self, other: Wide) {
        let (low, carry) = self.low.overflowing_add(other.low);
        self.low = low;
        self.high = self.high.wrapping_add(other.high).wrapping_add(i64::from(carry));
    }

    /// The sum, if 128 bits hold it.
    pub fn narrow(self) -> Option<i128> {
        let low = self.low.cast_signed();
        (self.high == if low < 0 { -1 } else { 0 }).then_some(low)
    }

    /// Saves the sum: in 8 bytes, if 64 bits hold it.
    pub fn save(self, to: &mut Writer) {
        let short = self.narrow().and_then(|whole| i64::try_from(whole).ok());
        to.put_bool(short.is_none());
        match short {
            Some(short) => to.put_i64(short),
            None => {
                to.put_i64(self.high);
                to.put_i128(self.low.cast_signed());
            }
        }
    }

    /// Restores a sum that [`Wide::save`] saved.
    ///
    /// # Errors
    /// When it is none.
    pub fn load(from: &mut Reader<'_>) -> Result<Wide, StateError> {
        let is_long = from.take_bool()?;
        let first = from.take_i64()?;
        if is_long {
            return Ok(Wide { high: first, low: from.take_i128()?.cast_unsigned() });
        }
        let mut sum = Wide::default();
        sum.add(first.into());
        Ok(sum)
    }

    /// The sum in two floats, the greater first, so that its low digits are not lost.
    pub fn floats(self) -> [f64; 2] {
        const TWO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        match self.narrow() {
            // Most are short, and those are converted by one instruction.
            Some(whole) if whole.unsigned_abs() <= FLOAT_WHOLE_MAX.into() => {
                [whole as i64 as f64, 0.0]
            }
            Some(whole) => {
                let high = whole as f64;
                // The cast back saturates only for sums that no float holds to the last digit.
                [high, whole.saturating_sub(high as i128) as f64]
            }
            None => [self.high as f64 * TWO_128, self.low as f64],
        }
    }

    /// Appends the digits.
    pub fn write(self, out: &mut Vec<u8>) {
        if let Some(whole) = self.narrow() {
            return write_whole(whole, out);
        }
        let (mut high, mut low) = (self.high.unsigned_abs(), self.low);
        if self.high < 0 {
            out.push(b'-');
            let (negated, borrow) = 0_u128.overflowing_sub(self.low);
            (high, low) = (high - u64::from(borrow), negated);
        }
        // What is beyond 128 bits has three parts of at most 19 digits, and a few more.
        let mut parts = Vec::new();
        while high > 0 || low > 0 {
            parts.push(divide(&mut high, &mut low));
        }
        for (at, part) in parts.iter().rev().enumerate() {
            // Writing to memory has no way to fail.
            let _ =
                if at == 0 { write!(out, "{part}") } else { write!(out, "{part:0PART_DIGITS$}") };
        }
    }
}

const PART_DIGITS: usize = 19;

/// Divides by 10^19; gives the remainder.
fn divide(high: &mut u64, low: &mut u128) -> u64 {
    const PART: u128 = 10_u128.pow(PART_DIGITS as u32);
    let mut limbs = [*high, (*low >> 64) as u64, *low as u64];
    let mut rest = 0_u128;
    for limb in &mut limbs {
        let all = (rest << 64) | u128::from(*limb);
        // The rest is less than the divisor, so the quotient has 64 bits.
        *limb = (all / PART) as u64;
        rest = all % PART;
    }
    *high = limbs[0];
    *low = (u128::from(limbs[1]) << 64) | u128::from(limbs[2]);
    rest as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[i128]) -> Wide {
        let mut sum = Wide::default();
        numbers.iter().for_each(|number| sum.add(*number));
        sum
    }

    fn written(sum: Wide) -> String {
        let mut out = Vec::new();
        sum.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sums_beyond_128_bits_are_exact() {
        for (numbers, text) in [
            (vec![], "0"),
            (vec![i128::MAX, 1], "170141183460469231731687303715884105728"),
            (vec![i128::MIN, -1], "-170141183460469231731687303715884105729"),
            (vec![i128::MAX; 2], "340282366920938463463374607431768211454"),
            (vec![i128::MAX, i128::MAX, 2], "340282366920938463463374607431768211456"),
            (vec![i128::MIN; 2], "-340282366920938463463374607431768211456"),
            (vec![i128::MAX; 10_000], "1701411834604692317316873037158841057270000"),
            (vec![i128::MIN; 10_000], "-1701411834604692317316873037158841057280000"),
            (vec![i128::MAX, i128::MAX, -i128::MAX], "170141183460469231731687303715884105727"),
        ] {
            assert_eq!(written(sum(&numbers)), text);
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_128_bits_where_they_suffice(numbers in proptest::collection::vec(any::<i64>(), 0..20)) {
            let numbers: Vec<i128> = numbers.into_iter().map(i128::from).collect();
            let expected: i128 = numbers.iter().sum();
            prop_assert_eq!(sum(&numbers).narrow(), Some(expected));
            prop_assert_eq!(written(sum(&numbers)), expected.to_string());
        }

        #[test]
        fn the_order_of_adding_does_not_matter(numbers in proptest::collection::vec(any::<i128>(), 0..20), at in 0..20_usize) {
            let (front, back) = numbers.split_at(at.min(numbers.len()));
            let mut merged = sum(back);
            merged.add_wide(sum(front));
            prop_assert_eq!(merged, sum(&numbers));
            let mut saved = Writer::new();
            merged.save(&mut saved);
            prop_assert_eq!(Wide::load(&mut Reader::new(saved.as_bytes())), Ok(merged));
            let [high, low] = merged.floats();
            let read: f64 = written(merged).parse().unwrap();
            prop_assert!((high + low - read).abs() <= read.abs() * 1e-15);
        }
    }
}

//! Saved sketches of `distinct`: Apache DataSketches' image of an HLL sketch, checked here in full
//! before the library reads it. The library believes what an image says of itself, and panics later
//! where that does not hold.

use datasketches::hll::HllSketch;

use crate::state::{Reader, StateError};

/// Registers of a sketch, as a power of two: the standard error is 1.04 / sqrt(2^14) = 0.8 %.
pub(super) const REGISTERS_LOG2: u8 = 14;

const REGISTERS: usize = 1 << REGISTERS_LOG2;

/// The greatest value of a register.
const VALUE_MAX: u8 = 63;

/// A register of four bits that has this value has its value elsewhere.
const ELSEWHERE: u8 = 15;

/// The value of such a register, as long as it is not known.
const UNKNOWN: u8 = u8::MAX;

/// From here on registers are summed up apart.
const TINY: u8 = 32;

/// Few coupons are in a list of so many places, at most one less; more are in a hash table.
const LIST_PLACES: usize = 8;

/// The head of an image, as far as it is the same for all: the format's version and family, and
/// how many registers there are.
const FORMAT: [u8; 3] = [1, 7, REGISTERS_LOG2];

const EMPTY: u8 = 4;
const COMPACT: u8 = 8;
const MERGED: u8 = 16;

/// The modes, of sketches whose registers have four bits.
const LIST: u8 = 0;
const TABLE: u8 = 1;
const REGISTER_MODE: u8 = 2;

/// Reads an image that [`HllSketch::serialize`] wrote of a sketch of [`REGISTERS_LOG2`].
///
/// # Errors
/// When it is none.
pub(super) fn read(image: &[u8]) -> Result<HllSketch, StateError> {
    const WHY: StateError = StateError::Invalid("an invalid sketch of distinct values");
    if !check(image).unwrap_or(false) {
        return Err(WHY);
    }
    HllSketch::deserialize(image).map_err(|_| WHY)
}

/// Whether an image is one, and agrees with itself.
fn check(image: &[u8]) -> Result<bool, StateError> {
    let mut from = Reader::new(image);
    let words = from.take_u8()?;
    let format = from.take_plain(FORMAT.len())?;
    let (places_log2, flags) = (from.take_u8()?, from.take_u8()?);
    let (small, mode) = (from.take_u8()?, from.take_u8()?);
    let known = flags & !(EMPTY | MERGED) == COMPACT && format == FORMAT;
    Ok(known
        && match mode {
            LIST => {
                let count = usize::from(small);
                let is_empty = flags & EMPTY != 0;
                let fits = count < LIST_PLACES && is_empty == (count == 0);
                words == 2 && places_log2 == 3 && fits && coupons(&mut from, count)?
            }
            TABLE => {
                let count = from.take_plain(4).map(number)?;
                // One more than three quarters, and the table grows.
                let fits = (5..=REGISTERS_LOG2 - 3).contains(&places_log2)
                    && count * 4 <= 3 << places_log2;
                words == 3 && fits && coupons(&mut from, count as usize)?
            }
            REGISTER_MODE => words == 10 && registers(&mut from, small)?,
            _ => false,
        })
}

/// Whether so many coupons follow, and no more: none is zero, which stands for a free place.
fn coupons(from: &mut Reader<'_>, count: usize) -> Result<bool, StateError> {
    let coupons = from.take_plain(4 * count)?;
    let zero = coupons.chunks_exact(4).any(|coupon| number(coupon) == 0);
    Ok(!zero && from.end().is_ok())
}

/// Whether registers follow, and no more, whose least value is `least`.
fn registers(from: &mut Reader<'_>, least: u8) -> Result<bool, StateError> {
    let _in_order_only = from.take_f64()?;
    let sums = [from.take_f64()?, from.take_f64()?];
    let at_least = from.take_plain(4).map(number)?;
    let elsewhere = from.take_plain(4).map(number)? as usize;
    let packed = from.take_plain(REGISTERS / 2)?;
    if least > VALUE_MAX || elsewhere > REGISTERS {
        return Ok(false);
    }
    let value = |bits: u8| if bits == ELSEWHERE { UNKNOWN } else { least + bits };
    let mut values: Vec<u8> =
        packed.iter().flat_map(|two| [value(two & 0xf), value(two >> 4)]).collect();
    for coupon in from.take_plain(4 * elsewhere)?.chunks_exact(4).map(number) {
        // Six bits are the value, the others the register.
        let (value, register) = ((coupon >> 26) as u8, coupon as usize & ((1 << 26) - 1));
        match values.get_mut(register) {
            Some(place) if *place == UNKNOWN && value >= least + ELSEWHERE => *place = value,
            _ => return Ok(false),
        }
    }
    let least_are = values.iter().filter(|value| **value == least).count() as u64;
    let fit = values.iter().all(|value| *value <= VALUE_MAX);
    Ok(fit
        && at_least > 0
        && at_least == least_are
        && sums == summed(&values)
        && from.end().is_ok())
}

/// What the library adds up as registers change, here at once; both are exact. One sum is of the
/// tiny parts.
fn summed(values: &[u8]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for value in values {
        let sum = if *value < TINY { &mut sums[0] } else { &mut sums[1] };
        *sum += 2_f64.powi(-i32::from(*value));
    }
    sums
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use datasketches::hll::{HllType, HllUnion};
    use proptest::prelude::*;

    use super::*;

    fn of(values: impl Iterator<Item = u64>) -> HllSketch {
        let mut sketch = HllSketch::new(REGISTERS_LOG2, HllType::Hll4).unwrap();
        values.for_each(|value| sketch.update(value));
        sketch
    }

    static SKETCHES: LazyLock<Vec<HllSketch>> = LazyLock::new(sketches);

    /// One of each mode, one whose registers are all above zero, and one that was merged.
    fn sketches() -> Vec<HllSketch> {
        let mut union = HllUnion::new(REGISTERS_LOG2).unwrap();
        union.update(&of(0..5_000));
        union.update(&of(4_000..90_000));
        let counts = [1, 7, 8, 100, 1_536, 1_537, 5_000, 400_000];
        let grown = counts.map(|count| of(0..count));
        grown.into_iter().chain([union.to_sketch(HllType::Hll4)]).collect()
    }

    #[test]
    fn what_the_library_writes_is_read_and_goes_on_alike() {
        for mut sketch in sketches() {
            let mut restored = read(&sketch.serialize()).unwrap();
            for value in 0..3_000_u64 {
                assert_eq!(restored.composite_estimate(), sketch.composite_estimate());
                sketch.update(value * 7_919);
                restored.update(value * 7_919);
            }
            assert_eq!(restored, sketch);
        }
    }

    #[test]
    fn images_that_are_cut_or_foreign_are_refused() {
        for sketch in sketches() {
            let image = sketch.serialize();
            for length in (0..image.len()).rev().take(50).chain(0..50.min(image.len())) {
                assert!(read(&image[..length]).is_err());
            }
            assert!(read(&[&image[..], &[0]].concat()).is_err());
        }
        let smaller = HllSketch::new(12, HllType::Hll4).unwrap();
        let wider = HllSketch::new(REGISTERS_LOG2, HllType::Hll8).unwrap();
        assert!(read(&smaller.serialize()).is_err() && read(&wider.serialize()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// An image that is read all the same can be worked with.
        #[test]
        fn nothing_panics_on_damaged_images(which in 0..9_usize, head in any::<bool>(),
                                            at in any::<prop::sample::Index>(), bits in 1..=255_u8) {
            let mut image = SKETCHES[which].serialize();
            let length = if head { image.len().min(48) } else { image.len() };
            image[at.index(length)] ^= bits;
            if let Ok(mut sketch) = read(&image) {
                let _ = sketch.composite_estimate();
                let mut union = HllUnion::new(REGISTERS_LOG2).unwrap();
                union.update(&sketch);
                union.update(&SKETCHES[5]);
                let _ = union.to_sketch(HllType::Hll4).composite_estimate();
                (0..3_000_u64).for_each(|value| sketch.update(value * 7_919));
                let _ = sketch.composite_estimate();
            }
        }
    }
}

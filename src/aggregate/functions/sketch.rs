//! A histogram of floats whose bins are as wide as their values are large.
//!
//! Every power of two is divided into 64 bins of one width, so that the highest bits of a float are
//! the number of its bin: a DDSketch (Masson, Rim and Lee, VLDB 2019) with the linearly
//! interpolated mapping, or HdrHistogram's buckets. Nothing in it is random, the error is bounded
//! relative to the value for every distribution, and merged histograms are the histogram of the
//! whole. Logarithms would do with two thirds of the bins, at ten times the time for a value.

use super::rank::{Fraction, Rank};
use crate::aggregate::memory::allocated;
use crate::state::{RECORDS_MAX, Reader, StateError, Writer};

/// How many bits of a float, below those that are the number of its bin, tell bins no more.
const BIN_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - OCTAVE_BITS;

/// A power of two has two to the power of this many bins.
const OCTAVE_BITS: u32 = 6;

/// The bins of a power of two.
const OCTAVE: usize = 1 << OCTAVE_BITS;

/// How many powers of two below the normal floats have bins, too: more than there are.
const SUBNORMAL_OCTAVES: i32 = 64;

/// The number of the bin that begins with the bits 0.
const ORIGIN: usize = SUBNORMAL_OCTAVES as usize * OCTAVE;

/// How many powers of two have bins: those below the normal floats, and those of every exponent.
const OCTAVES: usize = SUBNORMAL_OCTAVES as usize + (1 << 11);

/// How many of the values seen lie where.
#[derive(Clone, Debug)]
pub(in crate::aggregate) struct Sketch {
    negative: Bins,
    zero: u64,
    positive: Bins,
    count: u64,
    least: f64,
    greatest: f64,
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch {
            negative: Bins::default(),
            zero: 0,
            positive: Bins::default(),
            count: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }
}

impl Sketch {
    /// Adds a value, which is finite.
    #[inline]
    pub(in crate::aggregate) fn add(&mut self, value: f64) {
        self.count += 1;
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        if value > 0.0 {
            self.positive.add_one(bin(value));
        } else if value < 0.0 {
            self.negative.add_one(bin(-value));
        } else {
            self.zero += 1;
        }
    }

    /// Adds all values of another.
    pub(in crate::aggregate) fn merge(&mut self, other: &Sketch) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.zero += other.zero;
        let small = self.count <= u64::from(u32::MAX);
        self.positive.merge(&other.positive, small);
        self.negative.merge(&other.negative, small);
    }

    /// Saves all that was seen.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        self.negative.save(to);
        to.put_u64(self.zero);
        self.positive.save(to);
        to.put_f64(self.least);
        to.put_f64(self.greatest);
    }

    /// Restores what [`Sketch::save`] saved.
    pub(in crate::aggregate) fn load(from: &mut Reader<'_>) -> Result<Sketch, StateError> {
        let (negative, below) = Bins::load(from)?;
        let zero = from.take_records()?;
        let (positive, above) = Bins::load(from)?;
        let (least, greatest) = (from.take_finite()?, from.take_finite()?);
        // Of three numbers that are far below 64 bits.
        let count = below + zero + above;
        Ok(Sketch { negative, zero, positive, count, least, greatest })
    }

    /// The quantile, of four digits: between two values, each of which is within 1 %. None without
    /// values.
    pub(in crate::aggregate) fn quantile(&self, fraction: Fraction) -> Option<f64> {
        let rank = fraction.rank(self.count)?;
        let (low, high) = self.around(rank)?;
        let between = if rank.is_whole() { low } else { rank.between(low, high) };
        // The outermost values are known.
        let exact = between == self.least || between == self.greatest;
        let given = if exact { between } else { rounded(between) };
        Some(given.max(self.least).min(self.greatest))
    }

    /// The values before and after a rank, each off by 1/129 of it at most.
    fn around(&self, rank: Rank) -> Option<(f64, f64)> {
        let low = rank.below;
        let last = self.count.checked_sub(1)?;
        let high = if rank.is_whole() { low } else { low + 1 };
        let falling = self.negative.counted().rev().map(|(bin, count)| (Place::Below(bin), count));
        let zero = std::iter::once((Place::Zero, self.zero));
        let rising = self.positive.counted().map(|(bin, count)| (Place::Above(bin), count));
        let all = falling.chain(zero).chain(rising);
        let (low_place, high_place) = if low <= last - low {
            find(all, low, high - low)?
        } else {
            let (high, low) = find(all.rev(), last - high, high - low)?;
            (low, high)
        };
        let value = |at: u64, place: Place| match at {
            0 => self.least,
            at if at == last => self.greatest,
            _ => place.value().max(self.least).min(self.greatest),
        };
        Some((value(low, low_place), value(high, high_place)))
    }

    /// How many bytes it takes beside itself.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.negative.bytes + self.positive.bytes
    }
}

/// Where values are: in a bin below or above zero.
#[derive(Clone, Copy)]
enum Place {
    Below(usize),
    Zero,
    Above(usize),
}

impl Place {
    /// What stands for the values there.
    fn value(self) -> f64 {
        match self {
            Place::Below(bin) => -middle(bin),
            Place::Zero => 0.0,
            Place::Above(bin) => middle(bin),
        }
    }
}

/// The place of the value that has `before` values before it, and of the one `further` behind that,
/// which is 0 or 1.
fn find(
    mut places: impl Iterator<Item = (Place, u64)>,
    mut before: u64,
    further: u64,
) -> Option<(Place, Place)> {
    let (place, count) = places.find(|(_, count)| {
        let here = before < *count;
        if !here {
            before -= count;
        }
        here
    })?;
    if before + further < count {
        return Some((place, place));
    }
    let (next, _) = places.find(|(_, count)| *count > 0)?;
    Some((place, next))
}

/// The nearest number of four digits, off by 0.05 % at most: more would look as if they were known.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The bin of a positive float.
#[inline]
fn bin(value: f64) -> usize {
    if value >= f64::MIN_POSITIVE {
        (value.to_bits() >> BIN_SHIFT) as usize + ORIGIN
    } else {
        bin_of_subnormal(value)
    }
}

/// The same for a float that has fewer digits than others: of a multiple that has all of them.
#[cold]
fn bin_of_subnormal(value: f64) -> usize {
    ((value * 2_f64.powi(SUBNORMAL_OCTAVES)).to_bits() >> BIN_SHIFT) as usize
}

/// What stands for the values of a bin: off by the same share of the least and of the greatest.
fn middle(bin: usize) -> f64 {
    // Below the normal floats, that of the multiple that the bin was made of.
    let (bits, factor) = match bin.checked_sub(ORIGIN).filter(|normal| *normal >= OCTAVE) {
        Some(bits) => (bits, 1.0),
        None => (bin, 2_f64.powi(-SUBNORMAL_OCTAVES)),
    };
    let end = |bits: usize| f64::from_bits((bits as u64) << BIN_SHIFT);
    let (low, high) = (end(bits), end(bits + 1));
    // The last bin ends where floats do.
    let high = if high.is_finite() { high } else { f64::MAX };
    // 2 · low · high / (low + high), without leaving the floats.
    low * (2.0 / (1.0 + low / high)) * factor
}

/// The counts of neighbouring bins: whole powers of two, from the first to the last with values.
#[derive(Clone, Debug, Default)]
struct Bins {
    /// The number of the first one.
    first: usize,
    /// The low halves: small, since many groups' bins are to stay in the cache.
    counts: Vec<u32>,
    /// The bins that have high halves, each with how many times 2^32 it has.
    carried: Vec<(usize, u64)>,
    /// How much memory both take, which is asked for with each value.
    bytes: usize,
}

impl Bins {
    #[inline]
    fn add_one(&mut self, bin: usize) {
        // A bin before the first one is far behind the last.
        match self.counts.get_mut(bin.wrapping_sub(self.first)) {
            Some(count) if *count < u32::MAX => *count += 1,
            _ => self.add(bin, 1),
        }
    }

    #[cold]
    fn add(&mut self, bin: usize, more: u64) {
        self.grow(bin / OCTAVE * OCTAVE);
        let Some(count) = self.counts.get_mut(bin - self.first) else { return };
        let sum = u64::from(*count) + more;
        *count = sum as u32;
        if let carry @ 1.. = sum >> u32::BITS {
            match self.carried.iter_mut().find(|(carried, _)| *carried == bin) {
                Some((_, high)) => *high += carry,
                None => self.carried.push((bin, carry)),
            }
        }
        self.measure();
    }

    /// Saves all counts, also those of bins between others that have no values: so there is room
    /// in memory for no more bins than the state has bytes.
    fn save(&self, to: &mut Writer) {
        to.put_len(self.counts.len() / OCTAVE);
        to.put_len(self.first / OCTAVE);
        for at in 0..self.counts.len() {
            to.put_u64(self.count(at));
        }
    }

    /// Restores what [`Bins::save`] saved; gives the sum of the counts, too.
    fn load(from: &mut Reader<'_>) -> Result<(Bins, u64), StateError> {
        let octaves = from.take_count(OCTAVE)?;
        let first = from.take_place(OCTAVES)?;
        if octaves > OCTAVES - first {
            return Err(StateError::Invalid("more bins than floats have"));
        }
        let mut bins = Bins { first: first * OCTAVE, ..Bins::default() };
        bins.counts.reserve_exact(octaves * OCTAVE);
        let mut sum = 0;
        for at in 0..octaves * OCTAVE {
            let count = from.take_records()?;
            sum += count;
            if sum >= RECORDS_MAX {
                return Err(StateError::Invalid("more records than any stream has"));
            }
            bins.counts.push(count as u32);
            if let high @ 1.. = count >> u32::BITS {
                bins.carried.push((bins.first + at, high));
            }
        }
        bins.measure();
        Ok((bins, sum))
    }

    fn measure(&mut self) {
        self.bytes = allocated(self.counts.capacity() * size_of::<u32>())
            + allocated(self.carried.capacity() * size_of::<(usize, u64)>());
    }

    /// Makes room for the power of two that begins with this bin.
    fn grow(&mut self, begin: usize) {
        if self.counts.is_empty() {
            self.first = begin;
        }
        if let missing @ 1.. = self.first.saturating_sub(begin) {
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = begin;
        }
        let length = (begin + OCTAVE - self.first).max(self.counts.len());
        self.counts.resize(length, 0);
    }

    /// Adds all counts of another; if what comes of it is `small`, there is nothing to carry.
    fn merge(&mut self, other: &Bins, small: bool) {
        let Some(last) = other.counts.len().checked_sub(OCTAVE) else { return };
        if !small {
            return other.counted().for_each(|(bin, count)| self.add(bin, count));
        }
        self.grow(other.first);
        self.grow(other.first + last);
        let ours = self.counts.get_mut(other.first - self.first..).unwrap_or_default();
        for (ours, theirs) in ours.iter_mut().zip(&other.counts) {
            *ours = ours.wrapping_add(*theirs);
        }
        self.measure();
    }

    /// The bins that have values, each with how many.
    fn counted(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let numbered = (0..self.counts.len()).map(|at| (self.first + at, self.count(at)));
        numbered.filter(|(_, count)| *count > 0)
    }

    /// The count of the bin at a place.
    fn count(&self, at: usize) -> u64 {
        let low = self.counts.get(at).copied().unwrap_or(0);
        let high = self.carried.iter().find(|(carried, _)| *carried == self.first + at);
        u64::from(low) + (high.map_or(0, |(_, high)| *high) << u32::BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value));
        sketch
    }

    fn quantile(sketch: &Sketch, fraction: f64) -> Option<f64> {
        sketch.quantile(Fraction::of(fraction))
    }

    /// The value that has so many before it, as the middle of its bin.
    fn value_at(sketch: &Sketch, before: u64) -> Option<f64> {
        let falling = sketch.negative.counted().rev();
        let falling = falling.map(|(bin, count)| (Place::Below(bin), count));
        let zero = std::iter::once((Place::Zero, sketch.zero));
        let rising = sketch.positive.counted().map(|(bin, count)| (Place::Above(bin), count));
        find(falling.chain(zero).chain(rising), before, 0).map(|(place, _)| place.value())
    }

    fn all(sketch: &Sketch) -> Vec<(usize, u64)> {
        sketch.negative.counted().chain(sketch.positive.counted()).collect()
    }

    #[test]
    fn the_ends_of_the_floats_have_bins() {
        let ends = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -f64::MIN_POSITIVE];
        for value in ends.into_iter().chain([5e-324, -0.0]) {
            let sketch = of(&[value, value, value]);
            assert_eq!(quantile(&sketch, 0.5), Some(value), "{value:e}");
        }
        let sketch = of(&ends);
        assert_eq!(quantile(&sketch, 0.0), Some(f64::MIN));
        assert_eq!(quantile(&sketch, 1.0), Some(f64::MAX));
        assert!(sketch.bytes() <= 1 << 20, "{}", sketch.bytes());
    }

    #[test]
    fn a_bin_holds_more_than_32_bits_count() {
        let mut sketch = of(&[1.0, 3.0, 3.0]);
        for _ in 0..40 {
            let same = sketch.clone();
            sketch.merge(&same);
        }
        assert_eq!(sketch.count, 3 << 40);
        let (one, three) = (bin(1.0), bin(3.0));
        assert_eq!(all(&sketch), [(one, 1 << 40), (three, 2 << 40)]);
        let third = (1_u64 << 40) - 1;
        assert_eq!(
            [third, third + 1].map(|at| value_at(&sketch, at)),
            [one, three].map(|b| Some(middle(b)))
        );
        sketch.positive.counts.fill(u32::MAX);
        sketch.add(1.0);
        assert_eq!(sketch.positive.counted().next(), Some((one, (1 << 40) + (1 << 32))));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(quantile(&of(&[]), 0.5), None);
    }

    proptest! {
        #[test]
        fn every_value_is_found_within_the_bound(
            mut values in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO, 1..60),
            at in 0..60_usize
        ) {
            let sketch = of(&values);
            values.sort_by(f64::total_cmp);
            let at = at.min(values.len() - 1);
            let exact = values[at];
            let given = value_at(&sketch, at as u64).unwrap();
            // Half of the smallest float is what its rounding costs.
            let off = (given - exact).abs();
            prop_assert!(off <= exact.abs() / 128.9 + 5e-324, "{given:e} {exact:e}");
            prop_assert_eq!(value_at(&sketch, values.len() as u64), None);
        }

        #[test]
        fn merged_sketches_are_the_sketch_of_all(
            values in proptest::collection::vec(-1e6_f64..1e6, 0..60), at in 0..60_usize
        ) {
            let (front, back) = values.split_at(at.min(values.len()));
            let (mut merged, whole) = (of(back), of(&values));
            merged.merge(&of(front));
            prop_assert_eq!(all(&merged), all(&whole));
            for fraction in [0.0, 0.3, 0.5, 1.0] {
                prop_assert_eq!(quantile(&merged, fraction), quantile(&whole, fraction));
            }
        }

        /// From whichever end it is looked for.
        #[test]
        fn a_quantile_lies_between_the_values_around_its_rank(
            mut values in proptest::collection::vec(-1e6_f64..1e6, 1..60), thousandths in 0..=1000_u32
        ) {
            let sketch = of(&values);
            values.sort_by(f64::total_cmp);
            let fraction = f64::from(thousandths) / 1000.0;
            let place = fraction * (values.len() - 1) as f64;
            let around = |end: f64| values[(end as usize).min(values.len() - 1)];
            let (low, high) = (around((place - 1e-9).floor().max(0.0)), around((place + 1e-9).ceil()));
            let given = quantile(&sketch, fraction).unwrap();
            let (low, high) = (low - low.abs() * 0.01, high + high.abs() * 0.01);
            prop_assert!((low..=high).contains(&given), "{low} {given} {high}");
        }
    }
}

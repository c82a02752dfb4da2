//! A histogram of floats whose bins are as wide as their values are large.
//!
//! Every power of two is divided into 64 bins of one width, so that the highest bits of a float are
//! the number of its bin: a DDSketch (Masson, Rim and Lee, VLDB 2019) with the linearly
//! interpolated mapping, or HdrHistogram's buckets. Nothing in it is random, the error is bounded
//! relative to the value for every distribution, and merged histograms are the histogram of the
//! whole. Logarithms would do with two thirds of the bins, at ten times the time for a value.

/// How many bits of a float, below those that are the number of its bin, tell bins no more.
const BIN_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - OCTAVE_BITS;

/// A power of two has two to the power of this many bins.
const OCTAVE_BITS: u32 = 6;

/// The bins of a power of two.
const OCTAVE: usize = 1 << OCTAVE_BITS;

/// How many of the values seen lie where.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    negative: Bins,
    /// Values nearer to zero than any normal float.
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
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        if value >= f64::MIN_POSITIVE {
            self.positive.add_one(bin(value));
        } else if value <= -f64::MIN_POSITIVE {
            self.negative.add_one(bin(-value));
        } else {
            self.zero += 1;
        }
    }

    /// Adds all values of another.
    pub(super) fn merge(&mut self, other: &Sketch) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.zero += other.zero;
        let small = self.count <= u64::from(u32::MAX);
        self.positive.merge(&other.positive, small);
        self.negative.merge(&other.negative, small);
    }

    /// The value at the place `fraction` of the way from the least to the greatest, or the one
    /// before it, within 1 % and of four digits; none without values.
    pub(super) fn quantile(&self, fraction: f64) -> Option<f64> {
        let place = (fraction * self.count.checked_sub(1)? as f64) as u64;
        // The middle of the outermost bins may lie beyond every value.
        Some(rounded(self.value_at(place)?).clamp(self.least, self.greatest))
    }

    /// The value that has so many before it, off by 1/129 of it at most.
    fn value_at(&self, before: u64) -> Option<f64> {
        let behind = self.count.checked_sub(before)?.checked_sub(1)?;
        let falling = self.negative.counted().rev().map(|(bin, count)| (Place::Below(bin), count));
        let zero = std::iter::once((Place::Zero, self.zero));
        let rising = self.positive.counted().map(|(bin, count)| (Place::Above(bin), count));
        let all = falling.chain(zero).chain(rising);
        let place = if before <= behind { find(all, before) } else { find(all.rev(), behind) };
        Some(match place? {
            Place::Below(bin) => -middle(bin),
            Place::Zero => 0.0,
            Place::Above(bin) => middle(bin),
        })
    }

    /// How many bytes it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.negative.bytes() + self.positive.bytes()
    }
}

/// Where values are: in a bin below or above zero.
enum Place {
    Below(usize),
    Zero,
    Above(usize),
}

/// The first place that has more than `before` values, with those of the places before it.
fn find(mut places: impl Iterator<Item = (Place, u64)>, mut before: u64) -> Option<Place> {
    let found = places.find(|(_, count)| {
        let here = before < *count;
        before = before.saturating_sub(*count);
        here
    });
    found.map(|(place, _)| place)
}

/// The nearest number of four digits, off by 0.05 % at most: more would look as if they were known.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The bin of a positive normal float.
#[inline]
fn bin(value: f64) -> usize {
    (value.to_bits() >> BIN_SHIFT) as usize
}

/// What stands for the values of a bin: off by the same share of the least and of the greatest.
fn middle(bin: usize) -> f64 {
    let end = |bin: usize| f64::from_bits((bin as u64) << BIN_SHIFT);
    let (low, high) = (end(bin), end(bin + 1));
    // The last bin ends where floats do.
    let high = if high.is_finite() { high } else { f64::MAX };
    // 2 · low · high / (low + high), without leaving the floats.
    low * (2.0 / (1.0 + low / high))
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
    }

    /// The bins that have values, each with how many.
    fn counted(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let numbered = self.counts.iter().enumerate();
        let whole = numbered.map(|(at, low)| {
            let bin = self.first + at;
            let high = self.carried.iter().find(|(carried, _)| *carried == bin);
            (bin, u64::from(*low) + (high.map_or(0, |(_, high)| *high) << u32::BITS))
        });
        whole.filter(|(_, count)| *count > 0)
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
            + self.carried.capacity() * size_of::<(usize, u64)>()
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

    fn all(sketch: &Sketch) -> Vec<(usize, u64)> {
        sketch.negative.counted().chain(sketch.positive.counted()).collect()
    }

    #[test]
    fn the_ends_of_the_floats_have_bins() {
        let ends = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -f64::MIN_POSITIVE];
        for value in ends.into_iter().chain([5e-324, -0.0]) {
            let sketch = of(&[value, value, value]);
            assert_eq!(sketch.quantile(0.5), Some(value), "{value:e}");
        }
        let sketch = of(&ends);
        for (fraction, exact) in [(0.0, f64::MIN), (1.0, f64::MAX)] {
            let share = sketch.quantile(fraction).unwrap() / exact;
            assert!((0.99..=1.0).contains(&share), "{share}");
        }
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
            [third, third + 1].map(|at| sketch.value_at(at)),
            [one, three].map(|b| Some(middle(b)))
        );
        sketch.positive.counts.fill(u32::MAX);
        sketch.add(1.0);
        assert_eq!(sketch.positive.counted().next(), Some((one, (1 << 40) + (1 << 32))));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(of(&[]).quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn every_value_is_found_within_the_bound(
            mut values in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 1..60),
            at in 0..60_usize
        ) {
            let sketch = of(&values);
            values.sort_by(f64::total_cmp);
            let at = at.min(values.len() - 1);
            let exact = values[at];
            let given = sketch.value_at(at as u64).unwrap();
            prop_assert!((given - exact).abs() <= exact.abs() / 128.9, "{given:e} {exact:e}");
            prop_assert_eq!(sketch.value_at(values.len() as u64), None);
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
                prop_assert_eq!(merged.quantile(fraction), whole.quantile(fraction));
            }
        }
    }
}

//! Numbers that are held, for their quantiles.

use std::mem::take;

use super::rank::{Fraction, Rank};
use crate::aggregate::memory::{empty, vector};
use crate::record::number::{FLOAT_WHOLE_MAX, Number};
use crate::state::{Reader, StateError, Writer};

/// Numbers in no order: floats as long as they say it all, which takes a quarter of the memory.
pub(in crate::aggregate) enum Values {
    Floats(Vec<f64>),
    Numbers(Vec<Number>),
}

impl Default for Values {
    fn default() -> Values {
        Values::Floats(Vec::new())
    }
}

impl Values {
    /// Adds a number.
    pub(in crate::aggregate) fn push(&mut self, number: Number) {
        match (&mut *self, number) {
            (Values::Floats(floats), Number::Float(float)) => floats.push(float),
            (Values::Floats(floats), Number::Whole(whole))
                if whole.unsigned_abs() <= FLOAT_WHOLE_MAX.into() =>
            {
                floats.push(number.float());
            }
            (Values::Floats(floats), number) => {
                let mut numbers: Vec<Number> =
                    take(floats).into_iter().map(Number::Float).collect();
                numbers.push(number);
                *self = Values::Numbers(numbers);
            }
            (Values::Numbers(numbers), number) => numbers.push(number),
        }
    }

    /// How many there are.
    pub(in crate::aggregate) fn len(&self) -> usize {
        match self {
            Values::Floats(floats) => floats.len(),
            Values::Numbers(numbers) => numbers.len(),
        }
    }

    /// Saves all of them.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_len(self.len());
        to.put_bool(matches!(self, Values::Numbers(_)));
        match self {
            Values::Floats(floats) => floats.iter().for_each(|float| to.put_f64(*float)),
            Values::Numbers(numbers) => {
                for number in numbers {
                    to.put_bool(matches!(number, Number::Whole(_)));
                    match number {
                        Number::Whole(whole) => to.put_i128(*whole),
                        Number::Float(float) => to.put_f64(*float),
                    }
                }
            }
        }
    }

    /// Restores those that [`Values::save`] saved.
    pub(in crate::aggregate) fn load(from: &mut Reader<'_>) -> Result<Values, StateError> {
        let count = from.take_count(size_of::<f64>())?;
        if !from.take_bool()? {
            let floats = (0..count).map(|_| from.take_finite());
            return Ok(Values::Floats(floats.collect::<Result<_, _>>()?));
        }
        let numbers = (0..count).map(|_| match from.take_bool()? {
            true => from.take_i128().map(Number::Whole),
            false => from.take_finite().map(Number::Float),
        });
        Ok(Values::Numbers(numbers.collect::<Result<_, _>>()?))
    }

    /// Forgets all of them.
    pub(in crate::aggregate) fn clear(&mut self) {
        match self {
            Values::Floats(floats) => empty(floats),
            numbers @ Values::Numbers(_) => *numbers = Values::default(),
        }
    }

    /// Each of them.
    pub(in crate::aggregate) fn each(&self) -> impl Iterator<Item = Number> {
        let (floats, numbers): (&[f64], &[Number]) = match self {
            Values::Floats(floats) => (floats, &[]),
            Values::Numbers(numbers) => (&[], numbers),
        };
        floats.iter().copied().map(Number::Float).chain(numbers.iter().copied())
    }

    /// Appends the quantile, which puts the values in another order; null where there are none.
    pub(in crate::aggregate) fn write_quantile(&mut self, fraction: Fraction, out: &mut Vec<u8>) {
        // No machine has room for so many values that the cast would cut.
        let Some(rank) = fraction.rank(self.len() as u64) else {
            return out.extend_from_slice(b"null");
        };
        let (low, high) = match self {
            Values::Floats(floats) => {
                let (low, high) = neighbours(floats, rank, f64::total_cmp);
                (Number::Float(low), Number::Float(high))
            }
            Values::Numbers(numbers) => neighbours(numbers, rank, |a, b| a.compare(*b)),
        };
        rank.write_between(low, high, out);
    }

    /// How many bytes they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        match self {
            Values::Floats(floats) => vector(floats),
            Values::Numbers(numbers) => vector(numbers),
        }
    }
}

/// The value before a rank, and the one after it; the same twice, if the rank is that of a value.
fn neighbours<T: Copy>(
    values: &mut [T],
    rank: Rank,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> (T, T) {
    let below = rank.below as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, &order);
    let next = if rank.is_whole() { None } else { above.iter().min_by(|a, b| order(a, b)) };
    (*low, next.copied().unwrap_or(*low))
}

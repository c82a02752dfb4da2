//! `stddev` and `variance`: how far numbers are from their mean.
//!
//! Welford's algorithm, which does not lose the small differences of large numbers; states are
//! merged as Chan, Golub and LeVeque (1979) say. Numbers whose squares would be beyond the floats
//! are made smaller first. The mean is kept in two floats.

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use crate::aggregate::memory::vector;
use crate::record::number::{Number, write_result};
use crate::state::{Reader, StateError, Writer};

/// `stddev(EXPR)`.
pub const STDDEV: Function = Function {
    name: "stddev",
    aliases: &["stddev_samp"],
    synonyms: &["stdev", "std", "sd", "deviation"],
    argument: Argument::Required,
    about: "the standard deviation of a sample (divided by n - 1)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.deviation(1)),
};

/// `stddev_pop(EXPR)`.
pub const STDDEV_POP: Function = Function {
    name: "stddev_pop",
    aliases: &[],
    synonyms: &["stdevp"],
    argument: Argument::Required,
    about: "the standard deviation of a whole population (divided by n)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.deviation(0)),
};

/// `variance(EXPR)`.
pub const VARIANCE: Function = Function {
    name: "variance",
    aliases: &["var_samp"],
    synonyms: &["var"],
    argument: Argument::Required,
    about: "the variance of a sample (divided by n - 1)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.variance(1)),
};

/// `variance_pop(EXPR)`.
pub const VARIANCE_POP: Function = Function {
    name: "variance_pop",
    aliases: &["var_pop"],
    synonyms: &["varp"],
    argument: Argument::Required,
    about: "the variance of a whole population (divided by n)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.variance(0)),
};

/// From 2^470 on a number is large: the squares of 2^64 distances of smaller ones have a sum within
/// the floats.
const LARGE: f64 = f64::from_bits((1_023 + 470) << 52);

/// What the numbers of a group with large ones are multiplied by, 2^-560: then none is large.
const LARGE_SCALE: f64 = f64::from_bits((1_023 - 560) << 52);

struct Spreads {
    give: fn(&Spread) -> Option<f64>,
    spreads: Vec<Spread>,
    staged: Option<Long>,
}

impl Spreads {
    fn column(give: fn(&Spread) -> Option<f64>) -> Box<dyn Column> {
        Box::new(Spreads { give, spreads: Vec::new(), staged: None })
    }
}

impl Column for Spreads {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = input.number()?.map(Long::of);
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            self.spreads[group].add(number);
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.spreads.reserve(groups);
    }

    fn add_group(&mut self) {
        self.spreads.push(Spread::default());
    }

    fn clear(&mut self, group: usize) {
        self.spreads[group] = Spread::default();
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Spreads>(other) else { return };
        self.spreads[group].merge(&other.spreads[from]);
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        match (self.give)(&self.spreads[group]) {
            Some(float) => write_result(float, out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn save(&self, group: usize, to: &mut Writer) {
        self.spreads[group].save(to);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.spreads.push(Spread::load(from)?);
        Ok(())
    }

    fn bytes(&self) -> usize {
        vector(&self.spreads)
    }
}

/// A number in two floats: the nearest, and what is missing from it. Times in nanoseconds differ by
/// less than one float can tell.
#[derive(Clone, Copy, Debug, Default)]
struct Long {
    high: f64,
    low: f64,
}

impl Long {
    fn of(number: Number) -> Long {
        let high = number.float();
        let low = match number {
            // The cast back saturates only for numbers that no two floats hold to the last digit.
            Number::Whole(whole) => whole.saturating_sub(high as i128) as f64,
            Number::Float(_) => 0.0,
        };
        Long { high, low }
    }

    fn scaled(self) -> Long {
        Long { high: self.high * LARGE_SCALE, low: self.low * LARGE_SCALE }
    }

    fn minus(self, other: Long) -> f64 {
        (self.high - other.high) + (self.low - other.low)
    }

    /// Adds a number, and keeps what the addition loses (Knuth's two-sum).
    fn add(&mut self, more: f64) {
        let sum = self.high + more;
        let added = sum - self.high;
        self.low += (self.high - (sum - added)) + (more - added);
        self.high = sum;
    }
}

/// Numbers, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: u64,
    mean: Long,
    squares: f64,
    /// Whether it is of the numbers multiplied by [`LARGE_SCALE`].
    is_scaled: bool,
}

impl Spread {
    fn add(&mut self, number: Long) {
        if self.is_scaled || number.high.abs() >= LARGE {
            self.scale();
            self.take(number.scaled());
        } else {
            self.take(number);
        }
    }

    fn take(&mut self, number: Long) {
        self.count += 1;
        if self.count == 1 {
            self.mean = number;
            return;
        }
        let distance = number.minus(self.mean);
        self.mean.add(distance / self.count as f64);
        self.squares += distance * number.minus(self.mean);
    }

    fn scale(&mut self) {
        if !std::mem::replace(&mut self.is_scaled, true) {
            self.mean = self.mean.scaled();
            // The square of the scale is below the floats.
            self.squares = self.squares * LARGE_SCALE * LARGE_SCALE;
        }
    }

    fn merge(&mut self, other: &Spread) {
        let mut other = *other;
        if self.is_scaled || other.is_scaled {
            self.scale();
            other.scale();
        }
        if self.count == 0 {
            *self = other;
        } else if other.count > 0 {
            let (ours, theirs) = (self.count as f64, other.count as f64);
            let (all, distance) = (ours + theirs, other.mean.minus(self.mean));
            self.mean.add(distance * (theirs / all));
            self.squares += other.squares + distance * distance * (ours * theirs / all);
            self.count += other.count;
        }
    }

    fn save(&self, to: &mut Writer) {
        to.put_u64(self.count);
        to.put_bool(self.is_scaled);
        for float in [self.mean.high, self.mean.low, self.squares] {
            to.put_f64(float);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Spread, StateError> {
        let (count, is_scaled) = (from.take_records()?, from.take_bool()?);
        let mean = Long { high: from.take_f64()?, low: from.take_f64()? };
        Ok(Spread { count, mean, squares: from.take_f64()?, is_scaled })
    }

    /// The squares divided by the count without `fewer`, of the numbers as they are held; none
    /// where that leaves none.
    fn over(&self, fewer: u64) -> Option<f64> {
        let count = self.count.checked_sub(fewer).filter(|count| *count > 0)?;
        Some(self.squares / count as f64)
    }

    /// What the numbers as they are held are to be divided by.
    fn scaled_by(&self) -> f64 {
        if self.is_scaled { LARGE_SCALE } else { 1.0 }
    }

    fn variance(&self, fewer: u64) -> Option<f64> {
        Some(self.over(fewer)? / self.scaled_by() / self.scaled_by())
    }

    fn deviation(&self, fewer: u64) -> Option<f64> {
        Some(self.over(fewer)?.sqrt() / self.scaled_by())
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, numbers_of, reduced, reduced_numbers};
    use super::*;
    use crate::expr::Value;
    use proptest::prelude::*;

    #[test]
    fn samples_and_populations() {
        let numbers = ["2", "4", "4", "4", "5", "5", "7", "9"];
        assert_eq!(reduced_numbers(&STDDEV_POP, &numbers), "2");
        assert_eq!(reduced_numbers(&VARIANCE_POP, &numbers), "4");
        assert_eq!(reduced_numbers(&VARIANCE, &["1", "2", "3"]), "1");
        assert_eq!(reduced_numbers(&STDDEV, &["1", "3"]), "1.4142135623730951");
        assert_eq!(reduced_numbers(&VARIANCE, &["5"]), "null");
        assert_eq!(reduced_numbers(&VARIANCE_POP, &["5"]), "0");
        assert_eq!(reduced(&STDDEV_POP, &[Value::Null]), "null");
    }

    #[test]
    fn small_differences_of_large_numbers_are_not_lost() {
        let large =
            ["1000000000000004", "1000000000000007", "1000000000000013", "1000000000000016"];
        assert_eq!(reduced_numbers(&VARIANCE, &large), "30");
        for at in 0..=large.len() {
            assert_eq!(merged(&VARIANCE, 0.0, &numbers_of(&large), at), "30");
        }
    }

    #[test]
    fn what_is_beyond_the_floats_is_null_and_nothing_else_is() {
        let far = ["1e160", "-1e160"];
        let huge = ["1.7e308", "1.7e308", "-1.7e308"];
        for at in 0..=3 {
            assert_eq!(merged(&STDDEV_POP, 0.0, &numbers_of(&far), at), "1e+160");
            assert_eq!(merged(&VARIANCE_POP, 0.0, &numbers_of(&far), at), "null");
            assert_eq!(merged(&VARIANCE_POP, 0.0, &numbers_of(&huge), at), "null");
            let given = merged(&STDDEV_POP, 0.0, &numbers_of(&huge), at);
            let share = given.parse::<f64>().unwrap() / 1.7e308;
            assert!((share - 8_f64.sqrt() / 3.0).abs() < 1e-15, "{given}");
        }
        assert_eq!(reduced_numbers(&VARIANCE, &["1e200", "1e200", "1e200"]), "0");
        let given: f64 = reduced_numbers(&STDDEV, &["5", "1e200"]).parse().unwrap();
        assert!((given / 1e200 - 0.5_f64.sqrt()).abs() < 1e-15, "{given}");
    }

    #[test]
    fn times_in_nanoseconds_have_an_exact_spread() {
        let times = [
            "1700000000000000001",
            "1700000000000000004",
            "1700000000000000010",
            "1700000000000000013",
        ];
        for at in 0..=times.len() {
            assert_eq!(merged(&VARIANCE, 0.0, &numbers_of(&times), at), "30");
        }
    }

    proptest! {
        /// Against two passes over whole numbers, in exact arithmetic up to the division.
        #[test]
        fn it_agrees_with_exact_arithmetic(numbers in proptest::collection::vec(-1_000_000_i64..1_000_000, 2..60), at in 0..60_usize) {
            let spelled: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let count = numbers.len() as i128;
            let (sum, squares) = numbers.iter().fold((0_i128, 0_i128), |(sum, squares), number| {
                (sum + i128::from(*number), squares + i128::from(*number).pow(2))
            });
            let exact = (count * squares - sum * sum) as f64 / (count * (count - 1)) as f64;
            for given in [
                reduced_numbers(&VARIANCE, &spelled),
                merged(&VARIANCE, 0.0, &numbers_of(&spelled), at),
            ] {
                let given: f64 = given.parse().unwrap();
                prop_assert!((given - exact).abs() <= 1e-12 * exact.max(1.0), "{} {}", given, exact);
            }
        }
    }
}

//! `stddev` and `variance`: how far numbers are from their mean.
//!
//! Welford's algorithm, which does not lose the small differences of large numbers; states are
//! merged as Chan, Golub and LeVeque (1979) say.

use super::function::{Argument, Column, Function, Input, Misfit, Scope, same};
use super::number::write_float;

/// `stddev(EXPR)`.
pub const STDDEV: Function = Function {
    name: "stddev",
    aliases: &["stddev_samp"],
    synonyms: &["stdev", "std", "sd", "deviation"],
    argument: Argument::Required,
    about: "the standard deviation of a sample (divided by n - 1)",
    needs_window: false,
    column: |_| Spreads::column(|spread| Some(spread.over(1)?.sqrt())),
};

/// `stddev_pop(EXPR)`.
pub const STDDEV_POP: Function = Function {
    name: "stddev_pop",
    aliases: &[],
    synonyms: &["stdevp"],
    argument: Argument::Required,
    about: "the standard deviation of a whole population (divided by n)",
    needs_window: false,
    column: |_| Spreads::column(|spread| Some(spread.over(0)?.sqrt())),
};

/// `variance(EXPR)`.
pub const VARIANCE: Function = Function {
    name: "variance",
    aliases: &["var_samp"],
    synonyms: &["var"],
    argument: Argument::Required,
    about: "the variance of a sample (divided by n - 1)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.over(1)),
};

/// `variance_pop(EXPR)`.
pub const VARIANCE_POP: Function = Function {
    name: "variance_pop",
    aliases: &["var_pop"],
    synonyms: &["varp"],
    argument: Argument::Required,
    about: "the variance of a whole population (divided by n)",
    needs_window: false,
    column: |_| Spreads::column(|spread| spread.over(0)),
};

struct Spreads {
    give: fn(&Spread) -> Option<f64>,
    spreads: Vec<Spread>,
    staged: Option<f64>,
}

impl Spreads {
    fn column(give: fn(&Spread) -> Option<f64>) -> Box<dyn Column> {
        Box::new(Spreads { give, spreads: Vec::new(), staged: None })
    }
}

impl Column for Spreads {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = input.number()?.map(|number| number.float());
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            self.spreads[group].add(number);
        }
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

    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        match (self.give)(&self.spreads[group]) {
            Some(float) => write_float(float, out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn bytes(&self) -> usize {
        self.spreads.capacity() * size_of::<Spread>()
    }
}

/// Numbers, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, number: f64) {
        self.count += 1;
        let distance = number - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (number - self.mean);
    }

    fn merge(&mut self, other: &Spread) {
        if self.count == 0 {
            *self = *other;
        } else if other.count > 0 {
            let (ours, theirs) = (self.count as f64, other.count as f64);
            let (all, distance) = (ours + theirs, other.mean - self.mean);
            self.mean += distance * (theirs / all);
            self.squares += other.squares + distance * distance * (ours * theirs / all);
            self.count += other.count;
        }
    }

    /// The squares divided by the count without `fewer`; none where that leaves none.
    fn over(&self, fewer: u64) -> Option<f64> {
        let count = self.count.checked_sub(fewer).filter(|count| *count > 0)?;
        Some(self.squares / count as f64)
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

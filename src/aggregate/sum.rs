//! `sum` and `avg`.
//!
//! Whole numbers are added exactly, in 128 bits. Other numbers are added as floats with Neumaier's
//! compensation, which keeps what each addition loses.

use super::function::{Argument, Column, Function, Misfit, show};
use super::number::{Number, write_float, write_whole};
use crate::expr::Value;

/// `sum(EXPR)`.
pub const SUM: Function = Function {
    name: "sum",
    synonyms: &["total", "add"],
    argument: Argument::Required,
    about: "the sum; exact for whole numbers",
    column: || Box::new(Sums { write: Total::write_sum, totals: Vec::new(), staged: None }),
};

/// `avg(EXPR)`.
pub const AVG: Function = Function {
    name: "avg",
    synonyms: &["average", "mean"],
    argument: Argument::Required,
    about: "the sum divided by how many",
    column: || Box::new(Sums { write: Total::write_average, totals: Vec::new(), staged: None }),
};

struct Sums {
    write: fn(&Total, &mut Vec<u8>),
    totals: Vec<Total>,
    staged: Option<Number>,
}

impl Column for Sums {
    fn stage(&mut self, _: Option<usize>, value: &Value<'_>) -> Result<(), Misfit> {
        self.staged = match value {
            Value::Null => None,
            Value::Number(spelling) => {
                Some(Number::parse(spelling).map_err(|_| Misfit::TooLarge(show(value)))?)
            }
            _ => return Err(Misfit::NotANumber(show(value))),
        };
        Ok(())
    }

    fn apply(&mut self, group: usize) {
        if let Some(number) = self.staged {
            self.totals[group].add(number);
        }
    }

    fn add_group(&mut self) {
        self.totals.push(Total::default());
    }

    fn write(&self, group: usize, out: &mut Vec<u8>) {
        (self.write)(&self.totals[group], out);
    }
}

#[derive(Default)]
struct Total {
    count: u64,
    whole: i128,
    rest: Compensated,
}

impl Total {
    fn add(&mut self, number: Number) {
        self.count += 1;
        match number {
            Number::Float(float) => self.rest.add(float),
            Number::Whole(whole) => match self.whole.checked_add(whole) {
                Some(sum) => self.whole = sum,
                None => {
                    self.rest.add_whole(self.whole);
                    self.whole = whole;
                }
            },
        }
    }

    /// The sum, if it is known exactly.
    fn exact(&self) -> Option<i128> {
        (self.rest.value() == 0.0).then_some(self.whole)
    }

    fn float(&self) -> f64 {
        let mut all = self.rest;
        all.add_whole(self.whole);
        all.value()
    }

    fn write_sum(&self, out: &mut Vec<u8>) {
        match self.exact() {
            _ if self.count == 0 => out.extend_from_slice(b"null"),
            Some(whole) => write_whole(whole, out),
            None => write_float(self.float(), out),
        }
    }

    fn write_average(&self, out: &mut Vec<u8>) {
        let count = i128::from(self.count);
        match self.exact() {
            _ if count == 0 => out.extend_from_slice(b"null"),
            Some(whole) if whole % count == 0 => write_whole(whole / count, out),
            _ => write_float(self.float() / count as f64, out),
        }
    }
}

/// A sum of floats, and what its additions have lost (Neumaier 1974).
#[derive(Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, float: f64) {
        let sum = self.sum + float;
        let (large, small) =
            if self.sum.abs() >= float.abs() { (self.sum, float) } else { (float, self.sum) };
        self.lost += (large - sum) + small;
        self.sum = sum;
    }

    /// Adds a whole number in two floats, so that its low digits are not lost.
    fn add_whole(&mut self, whole: i128) {
        let high = whole as f64;
        self.add(high);
        // The cast back saturates only for sums that no float holds to the last digit anyway.
        self.add(whole.saturating_sub(high as i128) as f64);
    }

    fn value(&self) -> f64 {
        // Beyond the floats, what was lost is not a number either.
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{reduced, reduced_numbers};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_sum() {
        for function in [&SUM, &AVG] {
            assert_eq!(reduced(function, &[]), "null");
            assert_eq!(reduced(function, &[Value::Null]), "null");
        }
    }

    #[test]
    fn whole_numbers_are_exact_in_128_bits() {
        let large = ["9223372036854775807", "9223372036854775807", "1"];
        assert_eq!(reduced_numbers(&SUM, &large), "18446744073709551615");
        assert_eq!(reduced_numbers(&AVG, &large), "6148914691236517205");
        assert_eq!(reduced_numbers(&SUM, &["-5", "0.5", "-0.5"]), "-5");
        assert_eq!(reduced_numbers(&AVG, &["1", "2"]), "1.5");
        let most = "170141183460469231731687303715884105727";
        assert_eq!(reduced_numbers(&SUM, &[most, most]), "3.402823669209385e38");
    }

    #[test]
    fn fractions_lose_nothing_on_the_way() {
        assert_eq!(reduced_numbers(&SUM, &["1e100", "1", "-1e100"]), "1");
        assert_eq!(reduced_numbers(&SUM, &["0.1"; 10]), "1");
        assert_eq!(reduced_numbers(&AVG, &["0.1"; 10]), "0.1");
        assert_eq!(reduced_numbers(&SUM, &["1.5", "1.5"]), "3");
        assert_eq!(reduced_numbers(&SUM, &["9007199254740993", "0.5", "0.5"]), "9007199254740994");
    }

    #[test]
    fn what_is_beyond_the_floats_is_still_json() {
        assert_eq!(reduced_numbers(&SUM, &["1.7e308", "1.7e308"]), "1.7976931348623157e308");
        assert_eq!(reduced_numbers(&AVG, &["-1.7e308", "-1.7e308"]), "-1.7976931348623157e308");
    }

    #[test]
    fn only_numbers_are_added() {
        let mut column = (SUM.column)();
        for (value, why) in [
            (Value::Text("5"), "\"5\" is not a number"),
            (Value::Bool(true), "true is not a number"),
            (Value::Json("[1]"), "an array is not a number"),
            (Value::Number("1e999"), "1e999 is beyond the largest 64-bit float"),
        ] {
            let misfit = column.stage(None, &value).err().map(|misfit| misfit.to_string());
            assert_eq!(misfit.as_deref(), Some(why));
        }
    }

    proptest! {
        #[test]
        fn whole_sums_agree_with_wide_arithmetic(numbers in proptest::collection::vec(any::<i64>(), 1..50)) {
            let spelled: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            prop_assert_eq!(reduced_numbers(&SUM, &spelled), sum.to_string());
        }

        /// Hundredths have an exact sum that plain addition misses soon.
        #[test]
        fn decimal_sums_are_right_to_the_last_digit(hundredths in proptest::collection::vec(-10_000_000_i64..10_000_000, 1..200)) {
            let spelled: Vec<String> =
                hundredths.iter().map(|number| format!("{}e-2", number)).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let sum = hundredths.iter().sum::<i64>() as f64 / 100.0;
            let given: f64 = reduced_numbers(&SUM, &spelled).parse().unwrap();
            // Each of the numbers is itself rounded; their errors are far below a last digit of the largest.
            let tolerance = f64::EPSILON * 200.0 * 100_000.0;
            prop_assert!((given - sum).abs() <= tolerance, "{} {}", given, sum);
        }
    }
}

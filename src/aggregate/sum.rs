//! `sum`, `avg` and `rate`.
//!
//! Whole numbers are added exactly, however large their sum. Other numbers are added as floats with
//! Neumaier's compensation, which keeps what each addition loses.

use super::function::{Argument, Call, Column, Function, Input, Misfit, Scope, same};
use super::number::{Number, write_float, write_whole};
use super::wide::Wide;
use crate::expr::Value;

/// `sum(EXPR)`.
pub const SUM: Function = Function {
    name: "sum",
    aliases: &[],
    synonyms: &["total", "add"],
    argument: Argument::Required,
    about: "the sum; exact for whole numbers",
    needs_window: false,
    column: |call| Sums::column(call, |total, _, out| total.write_sum(out)),
};

/// `avg(EXPR)`.
pub const AVG: Function = Function {
    name: "avg",
    aliases: &["mean"],
    synonyms: &["average"],
    argument: Argument::Required,
    about: "the sum divided by how many",
    needs_window: false,
    column: |call| Sums::column(call, |total, _, out| total.write_average(out)),
};

/// `rate` and `rate(EXPR)`.
pub const RATE: Function = Function {
    name: "rate",
    aliases: &[],
    synonyms: &["per_second", "throughput"],
    argument: Argument::Optional,
    about: "how many records for each second of the window; with EXPR, its sum a second",
    needs_window: true,
    column: |call| Sums::column(call, Total::write_rate),
};

struct Sums {
    /// Whether each record counts as one.
    bare: bool,
    write: fn(&Total, Scope, &mut Vec<u8>),
    totals: Vec<Total>,
    staged: Option<Number>,
}

impl Sums {
    fn column(call: Call, write: fn(&Total, Scope, &mut Vec<u8>)) -> Box<dyn Column> {
        Box::new(Sums { bare: call.bare, write, totals: Vec::new(), staged: None })
    }
}

impl Column for Sums {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = match self.bare {
            true => (input.value != Value::Null).then_some(Number::Whole(1)),
            false => input.number()?,
        };
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            self.totals[group].add(number);
        }
    }

    fn add_group(&mut self) {
        self.totals.push(Total::default());
    }

    fn clear(&mut self, group: usize) {
        self.totals[group] = Total::default();
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Sums>(other) else { return };
        self.totals[group].merge(&other.totals[from]);
    }

    fn write(&self, group: usize, scope: Scope, out: &mut Vec<u8>) {
        (self.write)(&self.totals[group], scope, out);
    }

    fn bytes(&self) -> usize {
        self.totals.capacity() * size_of::<Total>()
    }
}

/// A sum, and of how many numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    count: u64,
    rest: Compensated,
    whole: Wide,
}

impl Total {
    pub(super) fn add(&mut self, number: Number) {
        self.count += 1;
        match number {
            Number::Whole(whole) => self.whole.add(whole),
            Number::Float(float) => self.rest.add(float),
        }
    }

    fn merge(&mut self, other: &Total) {
        self.count += other.count;
        self.whole.add_wide(other.whole);
        self.rest.add(other.rest.sum);
        self.rest.lost += other.rest.lost;
    }

    /// The sum, if it is known exactly.
    fn exact(&self) -> Option<Wide> {
        (self.rest.value() == 0.0).then_some(self.whole)
    }

    fn float(&self) -> f64 {
        let mut all = self.rest;
        self.whole.floats().into_iter().for_each(|float| all.add(float));
        all.value()
    }

    pub(super) fn write_sum(&self, out: &mut Vec<u8>) {
        match self.exact() {
            _ if self.count == 0 => out.extend_from_slice(b"null"),
            Some(whole) => whole.write(out),
            None => write_float(self.float(), out),
        }
    }

    fn write_average(&self, out: &mut Vec<u8>) {
        let count = i128::from(self.count);
        match self.exact().and_then(Wide::narrow) {
            _ if count == 0 => out.extend_from_slice(b"null"),
            Some(whole) if whole % count == 0 => write_whole(whole / count, out),
            _ => write_float(self.float() / count as f64, out),
        }
    }

    /// Nothing a second is no rate of zero where a sum of nothing is null.
    fn write_rate(&self, scope: Scope, out: &mut Vec<u8>) {
        match scope.seconds {
            Some(seconds) if self.count > 0 => write_float(self.float() / seconds, out),
            _ => out.extend_from_slice(b"null"),
        }
    }
}

/// A sum of floats, and what its additions have lost (Neumaier 1974).
#[derive(Clone, Copy, Debug, Default)]
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

    fn value(&self) -> f64 {
        // Beyond the floats, what was lost is not a number either.
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, numbers_of, reduced, reduced_numbers, refused};
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
    fn whole_numbers_are_exact() {
        let large = ["9223372036854775807", "9223372036854775807", "1"];
        assert_eq!(reduced_numbers(&SUM, &large), "18446744073709551615");
        assert_eq!(reduced_numbers(&AVG, &large), "6148914691236517205");
        assert_eq!(reduced_numbers(&SUM, &["-5", "0.5", "-0.5"]), "-5");
        assert_eq!(reduced_numbers(&AVG, &["1", "2"]), "1.5");
        let most = "170141183460469231731687303715884105727";
        assert_eq!(reduced_numbers(&SUM, &[most, most]), "340282366920938463463374607431768211454");
        assert_eq!(reduced_numbers(&AVG, &[most, most]), "1.7014118346046923e38");
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
        for (value, why) in [
            (Value::Text("5"), "\"5\" is not a number"),
            (Value::Bool(true), "true is not a number"),
            (Value::Json("[1]"), "an array is not a number"),
            (Value::Number("1e999"), "1e999 is beyond the largest 64-bit float"),
        ] {
            assert_eq!(refused(&SUM, value).as_deref(), Some(why));
        }
    }

    #[test]
    fn a_rate_is_by_the_second_of_the_window() {
        assert_eq!(reduced_numbers(&RATE, &["5", "2.5"]), "0.75");
        assert_eq!(reduced(&RATE, &[Value::Null]), "null");
        let mut column = (RATE.column)(Call { bare: true, number: 0.0, merges: false });
        column.add_group();
        for value in [Value::Bool(true), Value::Null, Value::Bool(true)] {
            column.stage(Some(0), &Input::new(value)).unwrap();
            column.apply(0, 0);
        }
        let mut out = Vec::new();
        column.write(0, Scope { seconds: Some(0.5) }, &mut out);
        assert_eq!(out, b"4");
    }

    proptest! {
        #[test]
        fn merged_sums_are_the_whole_sum(numbers in proptest::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..100), at in 0..100_usize) {
            let whole: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let cents: Vec<String> = numbers.iter().map(|number| format!("{number}e-2")).collect();
            for spelled in [whole, cents] {
                let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
                let values = numbers_of(&spelled);
                for function in [&SUM, &AVG, &RATE] {
                    prop_assert_eq!(merged(function, 0.0, &values, at), reduced(function, &values));
                }
            }
        }

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

//! `sum`, `avg` and `rate`.
//!
//! Whole numbers are added exactly, however large their sum. Other numbers are added as floats with
//! Neumaier's compensation, which keeps what each addition loses; huge ones apart, and smaller than
//! they are, so that no sum on the way to the last is beyond the floats.

use super::function::{Argument, Call, Column, Function, Input, Scope, TypeError, same};
use super::wide::Wide;
use crate::aggregate::memory::{Holders, Holds, allocated};
use crate::expr::Value;
use crate::record::number::ratio::Ratio;
use crate::record::number::{Number, write_result};
use crate::state::{Reader, StateError, Writer};

/// From 2^960 on a float is huge: 2^64 smaller ones have a sum within the floats.
const HUGE: f64 = f64::from_bits((1_023 + 960) << 52);

/// What huge floats are multiplied by, 2^-64, so that as many of them have such a sum, too.
const HUGE_SCALE: f64 = f64::from_bits((1_023 - 64) << 52);

/// `sum(EXPR)`.
pub const SUM: Function = Function {
    name: "sum",
    aliases: &[],
    synonyms: &["total", "add"],
    argument: Argument::Required,
    about: "the sum; exact for integers; null beyond the range of 64-bit floats",
    needs_window: false,
    column: |call| Sums::column(call, Total::sum),
};

/// `avg(EXPR)`.
pub const AVG: Function = Function {
    name: "avg",
    aliases: &["mean"],
    synonyms: &["average"],
    argument: Argument::Required,
    about: "the mean",
    needs_window: false,
    column: |call| Sums::column(call, |total, _| total.average()),
};

/// `rate` and `rate(EXPR)`.
pub const RATE: Function = Function {
    name: "rate",
    aliases: &[],
    synonyms: &["per_second", "throughput"],
    argument: Argument::Optional,
    about: "records per second of the window; with EXPR, its sum per second",
    needs_window: true,
    column: |call| Sums::column(call, Total::rate),
};

struct Sums {
    /// Whether each record counts as one.
    bare: bool,
    result: fn(&Total, Scope) -> Outcome,
    totals: Holders<Total>,
    staged: Option<Number>,
}

impl Sums {
    fn column(call: Call, result: fn(&Total, Scope) -> Outcome) -> Box<dyn Column> {
        Box::new(Sums { bare: call.bare, result, totals: Holders::default(), staged: None })
    }
}

impl Column for Sums {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = match self.bare {
            true => (input.value != Value::Null).then_some(Number::Whole(1)),
            false => input.number()?,
        };
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            match number {
                Number::Float(float) if float.abs() >= HUGE => {
                    self.totals.change(group, |total| total.add_huge(float));
                }
                number => self.totals.get_mut(group).add(number),
            }
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.totals.reserve(groups);
    }

    fn add_group(&mut self) {
        self.totals.push(Total::default());
    }

    fn clear(&mut self, group: usize) {
        self.totals.change(group, |total| *total = Total::default());
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Sums>(other) else { return };
        let theirs = &other.totals[from];
        match theirs.huge {
            None => self.totals.get_mut(group).merge(theirs),
            Some(_) => self.totals.change(group, |total| total.merge(theirs)),
        }
    }

    fn write(&mut self, group: usize, scope: Scope, out: &mut Vec<u8>) {
        (self.result)(&self.totals[group], scope).write(out);
    }

    fn number(&self, group: usize, scope: Scope) -> Option<Number> {
        (self.result)(&self.totals[group], scope).number()
    }

    fn save(&self, group: usize, to: &mut Writer) {
        self.totals[group].save(to);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.totals.push(Total::load(from)?);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.totals.bytes()
    }
}

/// A sum, and of how many numbers.
#[derive(Clone, Debug, Default)]
struct Total {
    count: u64,
    whole: Wide,
    rest: Compensated,
    /// The sum of huge floats, multiplied by [`HUGE_SCALE`]; rarely is there any.
    huge: Option<Box<Compensated>>,
}

impl Holds for Total {
    #[inline]
    fn beside(&self) -> usize {
        if self.huge.is_some() { allocated(size_of::<Compensated>()) } else { 0 }
    }
}

impl Total {
    /// Adds a number that is not huge.
    fn add(&mut self, number: Number) {
        self.count += 1;
        match number {
            Number::Whole(whole) => self.whole.add(whole),
            Number::Float(float) => self.rest.add(float),
        }
    }

    #[cold]
    fn add_huge(&mut self, float: f64) {
        self.count += 1;
        self.huge.get_or_insert_default().add(float * HUGE_SCALE);
    }

    fn merge(&mut self, other: &Total) {
        self.count += other.count;
        self.whole.add_wide(other.whole);
        self.rest.merge(other.rest);
        if let Some(theirs) = &other.huge {
            self.huge.get_or_insert_default().merge(**theirs);
        }
    }

    fn save(&self, to: &mut Writer) {
        to.put_u64(self.count);
        self.whole.save(to);
        let rest = (!self.rest.is_nothing()).then_some(self.rest);
        to.put_option(rest, |to, rest| rest.save(to));
        to.put_option(self.huge.as_deref(), |to, huge| huge.save(to));
    }

    fn load(from: &mut Reader<'_>) -> Result<Total, StateError> {
        Ok(Total {
            count: from.take_records()?,
            whole: Wide::load(from)?,
            rest: from.take_option(Compensated::load)?.unwrap_or_default(),
            huge: from.take_option(Compensated::load)?.map(Box::new),
        })
    }

    /// The sum, if it is known exactly.
    fn exact(&self) -> Option<Wide> {
        let huge = self.huge.as_ref().map_or(0.0, |huge| huge.value());
        (self.rest.value() == 0.0 && huge == 0.0).then_some(self.whole)
    }

    /// The sum divided by a number that is not below 0; infinite or none where it is beyond the
    /// floats.
    fn over(&self, divisor: f64) -> f64 {
        let mut all = self.rest;
        self.whole.floats().into_iter().for_each(|float| all.add(float));
        match self.huge.as_deref().copied() {
            Some(mut huge) if huge.value() != 0.0 => {
                huge.merge(Compensated { sum: all.sum * HUGE_SCALE, lost: all.lost * HUGE_SCALE });
                huge.over(divisor) / HUGE_SCALE
            }
            _ => all.over(divisor),
        }
    }

    fn sum(&self, scope: Scope) -> Outcome {
        match self.exact() {
            _ if self.count == 0 => Outcome::of_nothing(scope),
            Some(whole) => Outcome::Whole(whole),
            None => Outcome::Float(self.over(1.0)),
        }
    }

    fn average(&self) -> Outcome {
        match self.exact().and_then(Wide::narrow) {
            _ if self.count == 0 => Outcome::Nothing,
            Some(whole) => Outcome::Ratio(Ratio::quotient(whole, self.count)),
            None => Outcome::Float(self.over(self.count as f64)),
        }
    }

    /// Nothing a second is no rate of zero where a sum of nothing is null.
    fn rate(&self, scope: Scope) -> Outcome {
        match scope.seconds {
            Some(seconds) if self.count > 0 => Outcome::Float(self.over(seconds)),
            _ => Outcome::of_nothing(scope),
        }
    }
}

/// What a sum or a part of it is.
enum Outcome {
    Nothing,
    Whole(Wide),
    Ratio(Ratio),
    Float(f64),
}

impl Outcome {
    /// The sum or the rate of no numbers.
    fn of_nothing(scope: Scope) -> Outcome {
        if scope.is_filled { Outcome::Float(0.0) } else { Outcome::Nothing }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Outcome::Nothing => out.extend_from_slice(b"null"),
            Outcome::Whole(whole) => whole.write(out),
            Outcome::Ratio(ratio) => ratio.write(out),
            Outcome::Float(float) => write_result(float, out),
        }
    }

    /// The number that is written, where it is plain to see.
    fn number(self) -> Option<Number> {
        match self {
            Outcome::Nothing => None,
            Outcome::Whole(whole) => whole.narrow().map(Number::Whole),
            Outcome::Ratio(ratio) => ratio.number(),
            Outcome::Float(float) => Number::of_float(float),
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

    fn merge(&mut self, other: Compensated) {
        self.add(other.sum);
        self.lost += other.lost;
    }

    /// Whether nothing was added: a sum of zeros may have a sign.
    fn is_nothing(self) -> bool {
        self.sum.to_bits() == 0 && self.lost.to_bits() == 0
    }

    fn save(self, to: &mut Writer) {
        to.put_f64(self.sum);
        to.put_f64(self.lost);
    }

    fn load(from: &mut Reader<'_>) -> Result<Compensated, StateError> {
        Ok(Compensated { sum: from.take_f64()?, lost: from.take_f64()? })
    }

    fn value(self) -> f64 {
        self.sum + self.lost
    }

    /// The value divided by a number. What the sum lost when it was rounded to a float counts, as
    /// does what the division leaves: the quotient of the rounded sum may be the float beside.
    fn over(self, divisor: f64) -> f64 {
        let value = self.value();
        let quotient = value / divisor;
        let lost = self.lost - (value - self.sum);
        let rest = (-quotient).mul_add(divisor, value) + lost;
        let nearest = quotient + rest / divisor;
        if nearest.is_finite() { nearest } else { quotient }
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
        assert_eq!(reduced_numbers(&AVG, &[most, most]), "1.7014118346046923e+38");
    }

    #[test]
    fn fractions_lose_nothing_on_the_way() {
        assert_eq!(reduced_numbers(&SUM, &["1e100", "1", "-1e100"]), "1");
        assert_eq!(reduced_numbers(&SUM, &["0.1"; 10]), "1");
        assert_eq!(reduced_numbers(&AVG, &["0.1"; 10]), "0.1");
        assert_eq!(reduced_numbers(&AVG, &["0.1", "0.2", "0.3"]), "0.2");
        assert_eq!(reduced_numbers(&SUM, &["1.5", "1.5"]), "3");
        assert_eq!(reduced_numbers(&SUM, &["9007199254740993", "0.5", "0.5"]), "9007199254740994");
    }

    #[test]
    fn what_is_beyond_the_floats_is_null_and_no_other_sum_is() {
        assert_eq!(reduced_numbers(&SUM, &["1.7e308", "1.7e308"]), "null");
        assert_eq!(reduced_numbers(&RATE, &["1.7e308"; 100]), "null");
        assert_eq!(reduced_numbers(&AVG, &["-1.7e308", "-1.7e308"]), "-1.7e+308");
        let there_and_back = ["1.7e308", "1.7e308", "2.5", "-1.7e308", "1", "-1.7e308"];
        let values = numbers_of(&there_and_back);
        for at in 0..=values.len() {
            assert_eq!(merged(&SUM, 0.0, &values, at), "3.5");
            assert_eq!(merged(&SUM, 0.0, &values[1..], at), "-1.7e+308");
        }
        assert_eq!(reduced_numbers(&AVG, &there_and_back[..2]), "1.7e+308");
    }

    #[test]
    fn averages_of_whole_numbers_are_exact() {
        let times = ["1700000000000000001", "1700000000000000002"];
        assert_eq!(reduced_numbers(&AVG, &times), "1700000000000000001.5");
        assert_eq!(reduced_numbers(&AVG, &["9007199254740994", "-9007199254740993"]), "0.5");
        assert_eq!(reduced_numbers(&AVG, &["-1", "-2"]), "-1.5");
        assert_eq!(reduced_numbers(&AVG, &["1", "1", "2"]), "1.3333333333333333");
        assert_eq!(reduced_numbers(&AVG, &["-0.0"]), "0");
    }

    #[test]
    fn only_numbers_are_added() {
        for (value, why) in [
            (Value::Text("a"), "\"a\" is not a number"),
            (Value::Text("5"), "\"5\" is a string, not a number; convert it: .field | tonumber"),
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
        column.write(0, Scope { seconds: Some(0.5), ..Scope::default() }, &mut out);
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
                hundredths.iter().map(|number| format!("{number}e-2")).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let sum = hundredths.iter().sum::<i64>() as f64 / 100.0;
            let given: f64 = reduced_numbers(&SUM, &spelled).parse().unwrap();
            // Each of the numbers is itself rounded; their errors are far below a last digit of the
            // largest.
            let tolerance = f64::EPSILON * 200.0 * 100_000.0;
            prop_assert!((given - sum).abs() <= tolerance, "{} {}", given, sum);
        }
    }
}

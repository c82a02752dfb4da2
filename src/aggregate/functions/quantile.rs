//! `median`, `p99`, `quantile` and their exact variants.
//!
//! All of them are the value at the [rank](super::rank) q · (n − 1), between two values on the line
//! from one to the other. The approximate ones keep a [`Sketch`], which is within 1 % of each
//! value. Few values are kept as they are, so that small groups are cheap and exact.

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use super::rank::Fraction;
use super::sketch::Sketch;
use super::values::Values;
use crate::aggregate::memory::{Holders, Holds, allocated};
use crate::record::number::{Number, write_result};
use crate::state::{Reader, StateError, Writer};

/// The values of so small a group are kept, which takes hardly more than a small sketch; their
/// quantiles are exact.
const FEW: usize = 64;

/// `median(EXPR)`.
pub const MEDIAN: Function = Function {
    name: "median",
    aliases: &[],
    synonyms: &["middle"],
    argument: Argument::Required,
    about: "the median, within 1 %; the mean of the two middle values of an even number",
    needs_window: false,
    column: |_| Quantiles::approximate(0.5),
};

/// `p99(EXPR)`.
pub const PERCENTILE: Function = Function {
    name: "p99",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the 99th percentile, within 1 %: quantile(EXPR; 0.99); also p50, p90, p99.9 and so on",
    needs_window: false,
    column: |call| Quantiles::approximate(call.number),
};

/// `quantile(EXPR; Q)`.
pub const QUANTILE: Function = Function {
    name: "quantile",
    aliases: &["approx_quantile"],
    synonyms: &["percentile", "quantiles"],
    argument: Argument::Fraction,
    about: "the quantile Q, from 0, min, to 1, max, within 1 %: the value at rank Q(n - 1) of n",
    needs_window: false,
    column: |call| Quantiles::approximate(call.number),
};

/// `median_exact(EXPR)`.
pub const MEDIAN_EXACT: Function = Function {
    name: "median_exact",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the exact median; holds all values",
    needs_window: false,
    column: |_| Quantiles::exact(0.5),
};

/// `p99_exact(EXPR)`.
pub const PERCENTILE_EXACT: Function = Function {
    name: "p99_exact",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the exact 99th percentile; also p50_exact and so on; holds all values",
    needs_window: false,
    column: |call| Quantiles::exact(call.number),
};

/// `quantile_exact(EXPR; Q)`.
pub const QUANTILE_EXACT: Function = Function {
    name: "quantile_exact",
    aliases: &["quantile_cont"],
    synonyms: &["percentile_cont"],
    argument: Argument::Fraction,
    about: "the exact quantile Q, as SQL's percentile_cont; holds all values",
    needs_window: false,
    column: |call| Quantiles::exact(call.number),
};

/// What `p99`, `p99.9`, `p50_exact` stand for: the fraction, and whether it is exact.
pub fn percentile(word: &str) -> Option<(f64, bool)> {
    let (word, exact) = match word.strip_suffix("_exact") {
        Some(word) => (word, true),
        None => (word, false),
    };
    let digits = word.strip_prefix('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // One division by a power of ten of the digits, so that p99 is the float nearest to 0.99.
    let scale = i32::try_from(fraction.len()).ok().filter(|digits| *digits <= 12)?;
    let number: f64 = format!("{whole}{fraction}").parse().ok()?;
    let fraction = number / 10_f64.powi(scale + 2);
    (fraction > 0.0 && fraction < 1.0).then_some((fraction, exact))
}

struct Quantiles {
    fraction: Fraction,
    /// What new groups are.
    new: fn() -> State,
    states: Holders<State>,
    staged: Option<Number>,
}

enum State {
    /// All values, not to become a sketch.
    All(Values),
    /// All values, as long as they are few.
    Few(Values),
    Sketch(Box<Sketch>),
}

impl Quantiles {
    fn approximate(fraction: f64) -> Box<dyn Column> {
        Quantiles::column(fraction, || State::Few(Values::default()))
    }

    fn exact(fraction: f64) -> Box<dyn Column> {
        Quantiles::column(fraction, || State::All(Values::default()))
    }

    fn column(fraction: f64, new: fn() -> State) -> Box<dyn Column> {
        let fraction = Fraction::of(fraction);
        Box::new(Quantiles { fraction, new, states: Holders::default(), staged: None })
    }
}

impl Column for Quantiles {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = input.number()?;
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            self.states.change(group, |state| state.add(number));
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.states.reserve(groups);
    }

    fn add_group(&mut self) {
        self.states.push((self.new)());
    }

    fn clear(&mut self, group: usize) {
        let new = self.new;
        self.states.change(group, |state| match state {
            State::All(values) | State::Few(values) => values.clear(),
            sketch @ State::Sketch(_) => *sketch = new(),
        });
    }

    fn holds_values(&self) -> bool {
        matches!((self.new)(), State::All(_))
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Quantiles>(other) else { return };
        self.states.change(group, |state| state.merge(&other.states[from]));
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        self.states.get_mut(group).write(self.fraction, out);
    }

    fn save(&self, group: usize, to: &mut Writer) {
        match &self.states[group] {
            State::All(values) | State::Few(values) => {
                to.put_bool(false);
                values.save(to);
            }
            State::Sketch(sketch) => {
                to.put_bool(true);
                sketch.save(to);
            }
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let is_sketch = from.take_bool()?;
        self.states.push(match (self.new)() {
            State::All(_) if !is_sketch => State::All(Values::load(from)?),
            State::Few(_) if !is_sketch => State::Few(Values::load(from)?),
            State::Few(_) => State::Sketch(Box::new(Sketch::load(from)?)),
            _ => return Err(StateError::Invalid("a sketch in an exact aggregate")),
        });
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.states.bytes()
    }
}

impl State {
    fn add(&mut self, number: Number) {
        match self {
            State::All(values) => values.push(number),
            State::Few(values) if values.len() < FEW => values.push(number),
            State::Few(values) => {
                let mut sketch = sketch_of(values);
                sketch.add(number.float());
                *self = State::Sketch(sketch);
            }
            State::Sketch(sketch) => sketch.add(number.float()),
        }
    }

    /// Whether a group is a sketch depends on how many values it has, not on how they came.
    fn merge(&mut self, other: &State) {
        match other {
            State::All(values) | State::Few(values) => {
                values.each().for_each(|value| self.add(value));
            }
            State::Sketch(theirs) => {
                if let State::All(values) | State::Few(values) = self {
                    *self = State::Sketch(sketch_of(values));
                }
                if let State::Sketch(ours) = self {
                    ours.merge(theirs);
                }
            }
        }
    }

    fn write(&mut self, fraction: Fraction, out: &mut Vec<u8>) {
        match self {
            State::All(values) | State::Few(values) => values.write_quantile(fraction, out),
            State::Sketch(sketch) => match sketch.quantile(fraction) {
                Some(float) => write_result(float, out),
                None => out.extend_from_slice(b"null"),
            },
        }
    }
}

impl Holds for State {
    #[inline]
    fn beside(&self) -> usize {
        match self {
            State::All(values) | State::Few(values) => values.bytes(),
            State::Sketch(sketch) => allocated(size_of::<Sketch>()) + sketch.bytes(),
        }
    }
}

fn sketch_of(values: &Values) -> Box<Sketch> {
    let mut sketch = Box::<Sketch>::default();
    values.each().for_each(|value| sketch.add(value.float()));
    sketch
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{column_of, merged, numbers_of, refused, written};
    use super::*;
    use crate::expr::Value;
    use proptest::prelude::*;

    /// What the help promises.
    const ERROR: f64 = 0.01;

    fn of(function: &Function, fraction: f64, numbers: &[&str]) -> String {
        written(&mut *column_of(function, fraction, &numbers_of(numbers)))
    }

    #[test]
    fn percentiles_are_read() {
        for (word, meant) in [
            ("p99", Some((0.99, false))),
            ("p50", Some((0.5, false))),
            ("p99.9", Some((0.999, false))),
            ("p5", Some((0.05, false))),
            ("p99.9_exact", Some((0.999, true))),
            ("p0", None),
            ("p100", None),
            ("p", None),
            ("p9x", None),
            ("p9.", None),
            ("p1e1", None),
            ("p-1", None),
            ("q99", None),
        ] {
            assert_eq!(percentile(word), meant, "{word}");
        }
    }

    #[test]
    fn exact_quantiles_are_interpolated() {
        let numbers = ["4", "1", "3", "2"];
        for function in [&QUANTILE, &QUANTILE_EXACT] {
            assert_eq!(of(function, 0.0, &numbers), "1");
            assert_eq!(of(function, 0.5, &numbers), "2.5");
            assert_eq!(of(function, 1.0, &numbers), "4");
            assert_eq!(of(function, 0.9, &["7"]), "7");
            assert_eq!(of(function, 0.9, &[]), "null");
        }
        assert_eq!(of(&MEDIAN, 0.0, &["1", "5", "2"]), "2");
        assert_eq!(of(&MEDIAN_EXACT, 0.0, &["-1", "1e308", "-1e308", "5"]), "2");
        assert_eq!(of(&QUANTILE_EXACT, 0.25, &["10", "20"]), "12.5");
    }

    #[test]
    fn all_floats_have_the_same_relative_error() {
        let numbers: Vec<String> =
            (-300..=300).flat_map(|e| [format!("3e{e}"), format!("-7e{e}")]).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let mut sorted: Vec<f64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        sorted.sort_by(f64::total_cmp);
        for rank in [0, 1, 200, 601, 900, 1_200, 1_201] {
            // From one value to the next it is a factor of ten or more: a share of 1e-15 is none.
            let fraction = f64::from(rank) / 1_201.0;
            let given: f64 = of(&QUANTILE, fraction, &numbers).parse().unwrap();
            let exact = sorted[rank as usize];
            assert!((given - exact).abs() <= exact.abs() * ERROR, "{given} {exact}");
        }
    }

    #[test]
    fn ranks_are_whole_numbers_where_they_are() {
        let powers: Vec<String> = (0..91).map(|e| (1_u128 << e).to_string()).collect();
        let powers: Vec<&str> = powers.iter().map(String::as_str).collect();
        assert_eq!(of(&PERCENTILE_EXACT, 0.7, &powers), "9223372036854775808");
        let given: f64 = of(&PERCENTILE, 0.7, &powers).parse().unwrap();
        assert!((given / 2_f64.powi(63) - 1.0).abs() <= ERROR, "{given}");
    }

    #[test]
    fn sketches_are_interpolated_as_values_are() {
        let slow = |count: usize| {
            let mut numbers = vec!["5"; count];
            numbers.extend(["1500"; 6]);
            numbers
        };
        assert_eq!(of(&PERCENTILE_EXACT, 0.95, &slow(96)), "1425.25");
        let given: f64 = of(&PERCENTILE, 0.95, &slow(96)).parse().unwrap();
        assert!((given / 1425.25 - 1.0).abs() <= ERROR, "{given}");
        let mut numbers = vec!["0"; 32];
        numbers.extend(["1000"; 32]);
        assert_eq!(of(&MEDIAN, 0.0, &numbers), "500");
        numbers.extend(["0", "1000"]);
        assert_eq!(of(&MEDIAN, 0.0, &numbers), "500");
    }

    #[test]
    fn the_ends_are_the_least_and_the_greatest() {
        let numbers: Vec<String> = (0..100).map(|at| format!("{}.123456", 28 + at)).collect();
        let mut numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        for count in [100, 65, 64, 3, 1] {
            numbers.truncate(count);
            for function in [&QUANTILE, &QUANTILE_EXACT] {
                assert_eq!(of(function, 0.0, &numbers), numbers[0]);
                assert_eq!(of(function, 1.0, &numbers), numbers[count - 1]);
            }
        }
    }

    #[test]
    fn equal_values_have_no_other_quantile() {
        for (value, spelled) in
            [("7", "7"), ("0.1", "0.1"), ("-1e-310", "-1e-310"), ("5e-324", "5e-324")]
        {
            for count in [1, 3, 64, 65, 200] {
                for fraction in [0.1, 0.35, 0.5, 0.99] {
                    for function in [&QUANTILE, &QUANTILE_EXACT] {
                        assert_eq!(of(function, fraction, &vec![value; count]), spelled);
                    }
                }
            }
        }
    }

    #[test]
    fn whole_numbers_are_exact_however_large() {
        let time = ["1700000000123456789"];
        for function in [&MEDIAN, &MEDIAN_EXACT, &QUANTILE] {
            assert_eq!(of(function, 0.0, &time), time[0]);
        }
        let times = ["1700000000000000000", "1700000000000000001"];
        assert_eq!(of(&MEDIAN_EXACT, 0.0, &times), "1700000000000000000.5");
        assert_eq!(of(&MEDIAN_EXACT, 0.0, &times[..1]), "1700000000000000000");
        assert_eq!(of(&QUANTILE_EXACT, 0.99, &times), "1700000000000000000.99");
        let cancelling = ["9007199254740994", "-9007199254740993"];
        assert_eq!(of(&MEDIAN_EXACT, 0.0, &cancelling), "0.5");
        let mixed = ["9007199254740993", "0.5", "9007199254740993.0"];
        assert_eq!(of(&QUANTILE_EXACT, 1.0, &mixed), "9007199254740993");
        for at in 0..=mixed.len() {
            let values = numbers_of(&mixed);
            assert_eq!(merged(&QUANTILE_EXACT, 0.5, &values, at), "9007199254740993");
        }
    }

    #[test]
    fn only_numbers_have_quantiles() {
        for function in [&MEDIAN, &QUANTILE_EXACT] {
            let why = refused(function, Value::Text("x"));
            assert_eq!(why.as_deref(), Some("\"x\" is not a number"));
        }
    }

    proptest! {
        #[test]
        fn it_is_within_its_bound_and_the_same_however_states_are_merged(
            numbers in proptest::collection::vec(-1_000_000_i32..1_000_000, 1..200),
            at in 0..200_usize, hundredths in 0..=100_u32
        ) {
            let fraction = f64::from(hundredths) / 100.0;
            let spelled: Vec<String> = numbers.iter().map(i32::to_string).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let values = numbers_of(&spelled);
            let whole = written(&mut *column_of(&QUANTILE, fraction, &values));
            prop_assert_eq!(&merged(&QUANTILE, fraction, &values, at), &whole);
            let exact = written(&mut *column_of(&QUANTILE_EXACT, fraction, &values));
            prop_assert_eq!(&merged(&QUANTILE_EXACT, fraction, &values, at), &exact);

            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let place = fraction * (sorted.len() - 1) as f64;
            let low = f64::from(sorted[place.floor() as usize]);
            let high = f64::from(sorted[place.ceil() as usize]);
            let exact: f64 = exact.parse().unwrap();
            let expected = low + (high - low) * (place - place.floor());
            prop_assert!((exact - expected).abs() <= 1e-9 * expected.abs().max(1.0));
            let whole: f64 = whole.parse().unwrap();
            if numbers.len() <= FEW {
                prop_assert_eq!(whole, exact);
            } else {
                let size = low.abs().max(high.abs());
                prop_assert!((whole - exact).abs() <= size * ERROR, "{} {}", whole, exact);
            }
        }
    }
}

//! `median`, `p99`, `quantile` and their exact variants.
//!
//! The approximate ones keep a [`Sketch`], which is within 1 % of the value. Few values are kept as
//! they are, so that small groups are cheap and exact.

use super::function::{Argument, Column, Function, Input, Misfit, Scope, same};
use super::number::write_float;
use super::sketch::Sketch;

/// The values of so small a group are kept, which takes hardly more than a small sketch; their
/// quantiles are exact.
const FEW: usize = 64;

/// `median(EXPR)`.
pub const MEDIAN: Function = Function {
    name: "median",
    aliases: &[],
    synonyms: &["middle"],
    argument: Argument::Required,
    about: "the median, within 1 % of its value",
    needs_window: false,
    column: |_| Quantiles::approximate(0.5),
};

/// `p99(EXPR)`.
pub const PERCENTILE: Function = Function {
    name: "p99",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the 99th percentile, within 1 % of its value; also p50, p90, p99.9 and so on",
    needs_window: false,
    column: |call| Quantiles::approximate(call.number),
};

/// `quantile(EXPR; Q)`.
pub const QUANTILE: Function = Function {
    name: "quantile",
    aliases: &["approx_quantile"],
    synonyms: &["percentile", "quantiles"],
    argument: Argument::Fraction,
    about: "the quantile Q, 0 to 1, within 1 % of its value",
    needs_window: false,
    column: |call| Quantiles::approximate(call.number),
};

/// `median_exact(EXPR)`.
pub const MEDIAN_EXACT: Function = Function {
    name: "median_exact",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the median, exactly; between two values, their mean; it holds all values",
    needs_window: false,
    column: |_| Quantiles::exact(0.5),
};

/// `p99_exact(EXPR)`.
pub const PERCENTILE_EXACT: Function = Function {
    name: "p99_exact",
    aliases: &[],
    synonyms: &[],
    argument: Argument::Required,
    about: "the 99th percentile, exactly; also p50_exact and so on",
    needs_window: false,
    column: |call| Quantiles::exact(call.number),
};

/// `quantile_exact(EXPR; Q)`.
pub const QUANTILE_EXACT: Function = Function {
    name: "quantile_exact",
    aliases: &["quantile_cont"],
    synonyms: &["percentile_cont"],
    argument: Argument::Fraction,
    about: "the quantile Q, exactly; interpolated between two values, as SQL's percentile_cont",
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
    fraction: f64,
    /// What new groups are.
    new: fn() -> State,
    states: Vec<State>,
    staged: Option<f64>,
}

enum State {
    /// All values, not to become a sketch.
    All(Vec<f64>),
    /// All values, as long as they are few.
    Few(Vec<f64>),
    Sketch(Box<Sketch>),
}

impl Quantiles {
    fn approximate(fraction: f64) -> Box<dyn Column> {
        Box::new(Quantiles {
            fraction,
            new: || State::Few(Vec::new()),
            states: Vec::new(),
            staged: None,
        })
    }

    fn exact(fraction: f64) -> Box<dyn Column> {
        let new = || State::All(Vec::new());
        Box::new(Quantiles { fraction, new, states: Vec::new(), staged: None })
    }
}

impl Column for Quantiles {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = input.number()?.map(|number| number.float());
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        if let Some(number) = self.staged {
            self.states[group].add(number);
        }
    }

    fn add_group(&mut self) {
        self.states.push((self.new)());
    }

    fn clear(&mut self, group: usize) {
        match &mut self.states[group] {
            State::All(values) | State::Few(values) => values.clear(),
            sketch @ State::Sketch(_) => *sketch = (self.new)(),
        }
    }

    fn holds_values(&self) -> bool {
        matches!((self.new)(), State::All(_))
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Quantiles>(other) else { return };
        self.states[group].merge(&other.states[from]);
    }

    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        match self.states[group].quantile(self.fraction) {
            Some(float) => write_float(float, out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn bytes(&self) -> usize {
        let held: usize = self.states.iter().map(State::bytes).sum();
        self.states.capacity() * size_of::<State>() + held
    }
}

impl State {
    fn add(&mut self, number: f64) {
        match self {
            State::All(values) => values.push(number),
            State::Few(values) if values.len() < FEW => values.push(number),
            State::Few(values) => {
                let mut sketch = sketch_of(values);
                sketch.add(number);
                *self = State::Sketch(sketch);
            }
            State::Sketch(sketch) => sketch.add(number),
        }
    }

    /// Whether a group is a sketch depends on how many values it has, not on how they came.
    fn merge(&mut self, other: &State) {
        match other {
            State::All(values) | State::Few(values) => {
                values.iter().for_each(|value| self.add(*value));
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

    fn quantile(&self, fraction: f64) -> Option<f64> {
        match self {
            State::All(values) | State::Few(values) => interpolated(values, fraction),
            State::Sketch(sketch) => sketch.quantile(fraction),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            State::All(values) | State::Few(values) => values.capacity() * size_of::<f64>(),
            State::Sketch(sketch) => size_of::<Sketch>() + sketch.bytes(),
        }
    }
}

fn sketch_of(values: &[f64]) -> Box<Sketch> {
    let mut sketch = Box::<Sketch>::default();
    values.iter().for_each(|value| sketch.add(*value));
    sketch
}

/// The value at the place `fraction` of the way from the least to the greatest; between two, on the
/// line between them.
fn interpolated(values: &[f64], fraction: f64) -> Option<f64> {
    let mut values = values.to_vec();
    let place = fraction * values.len().checked_sub(1)? as f64;
    let below = place.floor();
    let (_, low, above) = values.select_nth_unstable_by(below as usize, f64::total_cmp);
    let low = *low;
    let between = place - below;
    match above.iter().copied().min_by(f64::total_cmp) {
        Some(high) if between > 0.0 => Some(low * (1.0 - between) + high * between),
        _ => Some(low),
    }
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
        written(&*column_of(function, fraction, &numbers_of(numbers)))
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
            let fraction = f64::from(rank) / 1_201.0 + 1e-9;
            let given: f64 = of(&QUANTILE, fraction.min(1.0), &numbers).parse().unwrap();
            let exact = sorted[rank as usize];
            assert!((given - exact).abs() <= exact.abs() * ERROR, "{given} {exact}");
        }
    }

    #[test]
    fn only_numbers_have_quantiles() {
        for function in [&MEDIAN, &QUANTILE_EXACT] {
            let why = refused(function, Value::Text("5"));
            assert_eq!(why.as_deref(), Some("\"5\" is not a number"));
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
            let whole = written(&*column_of(&QUANTILE, fraction, &values));
            prop_assert_eq!(&merged(&QUANTILE, fraction, &values, at), &whole);
            let exact = written(&*column_of(&QUANTILE_EXACT, fraction, &values));
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
                prop_assert!((whole - low).abs() <= low.abs() * ERROR, "{} {}", whole, low);
            }
        }
    }
}

//! `distinct` and `distinct_exact`: how many different values.
//!
//! Values are the same as they are the same group: numbers by value, arrays and objects by their
//! spelling.

use datasketches::hll::{Coupon, HllSketch, HllType, HllUnion};
use hashbrown::HashSet;

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use super::hyperloglog;
use crate::aggregate::memory::{Holders, Holds, allocated};
use crate::expr::Value;
use crate::record::number::{write_float, write_whole};
use crate::state::{Reader, StateError, Writer};

/// `distinct(EXPR)`.
pub const DISTINCT: Function = Function {
    name: "distinct",
    aliases: &["approx_count_distinct"],
    synonyms: &["unique", "uniq", "count_distinct", "cardinality"],
    argument: Argument::Required,
    about: "the number of different values, by HyperLogLog: standard error 0.8 %",
    needs_window: false,
    column: |_| Box::<Sketches>::default(),
};

/// `distinct_exact(EXPR)`.
pub const DISTINCT_EXACT: Function = Function {
    name: "distinct_exact",
    aliases: &[],
    synonyms: &["nunique"],
    argument: Argument::Required,
    about: "the exact number of different values; holds each of them",
    needs_window: false,
    column: |_| Box::<Sets>::default(),
};

/// None as long as there are no values.
type Sketch = Option<Box<HllSketch>>;

impl Holds for Sketch {
    fn beside(&self) -> usize {
        self.as_ref().map_or(0, |sketch| {
            allocated(size_of::<HllSketch>()) + allocated(sketch.estimated_size())
        })
    }
}

#[derive(Default)]
struct Sketches {
    sketches: Holders<Sketch>,
    staged: Option<Coupon>,
    identity: Vec<u8>,
}

impl Column for Sketches {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = (input.value != Value::Null).then(|| {
            self.identity.clear();
            input.value.write_identity(&mut self.identity);
            Coupon::from_value(self.identity.as_slice())
        });
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        let Some(coupon) = self.staged else { return };
        self.sketches.change(group, |sketch| {
            if sketch.is_none() {
                *sketch =
                    HllSketch::new(hyperloglog::REGISTERS_LOG2, HllType::Hll4).ok().map(Box::new);
            }
            if let Some(sketch) = sketch {
                sketch.update_with_coupon(coupon);
            }
        });
    }

    fn reserve(&mut self, groups: usize) {
        self.sketches.reserve(groups);
    }

    fn add_group(&mut self) {
        self.sketches.push(None);
    }

    fn clear(&mut self, group: usize) {
        self.sketches.change(group, |sketch| *sketch = None);
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(theirs) = same::<Sketches>(other).and_then(|other| other.sketches[from].as_ref())
        else {
            return;
        };
        self.sketches.change(group, |ours| {
            *ours = match (ours.take(), HllUnion::new(hyperloglog::REGISTERS_LOG2)) {
                (Some(ours), Ok(mut union)) => {
                    union.update(&ours);
                    union.update(theirs);
                    Some(Box::new(union.to_sketch(HllType::Hll4)))
                }
                _ => Some(theirs.clone()),
            };
        });
    }

    /// The estimate that does not depend on the order in which the values came, or on how states
    /// were merged.
    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        let estimate = self.sketches[group].as_ref().map_or(0.0, |one| one.composite_estimate());
        write_float(estimate.round(), out);
    }

    fn save(&self, group: usize, to: &mut Writer) {
        to.put_option(self.sketches[group].as_deref(), |to, sketch| {
            to.put_bytes(&sketch.serialize());
        });
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let image = from.take_option(Reader::take_bytes)?;
        let sketch = image.map(hyperloglog::read).transpose()?;
        self.sketches.push(sketch.map(Box::new));
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.sketches.bytes() + allocated(self.identity.capacity())
    }
}

/// The values themselves.
#[derive(Default)]
struct Set {
    values: HashSet<Box<[u8]>, foldhash::fast::FixedState>,
    /// How much memory they take.
    bytes: usize,
}

impl Set {
    fn add(&mut self, value: &[u8]) {
        if self.values.insert(value.into()) {
            self.bytes += allocated(value.len());
        }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.bytes = 0;
    }
}

impl Holds for Set {
    fn beside(&self) -> usize {
        allocated(self.values.allocation_size()) + self.bytes
    }
}

#[derive(Default)]
struct Sets {
    sets: Holders<Set>,
    staged: bool,
    identity: Vec<u8>,
}

impl Column for Sets {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = input.value != Value::Null;
        self.identity.clear();
        input.value.write_identity(&mut self.identity);
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        let value = self.identity.as_slice();
        if self.staged && !self.sets[group].values.contains(value) {
            self.sets.change(group, |set| set.add(value));
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.sets.reserve(groups);
    }

    fn add_group(&mut self) {
        self.sets.push(Set::default());
    }

    fn clear(&mut self, group: usize) {
        self.sets.change(group, Set::clear);
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Sets>(other) else { return };
        let theirs = &other.sets[from].values;
        self.sets.change(group, |set| {
            for value in theirs {
                if !set.values.contains(value) {
                    set.add(value);
                }
            }
        });
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        // No machine has room for so many values that the cast would cut.
        write_whole(self.sets[group].values.len() as i128, out);
    }

    fn save(&self, group: usize, to: &mut Writer) {
        let values = &self.sets[group].values;
        to.put_len(values.len());
        values.iter().for_each(|value| to.put_bytes(value));
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let mut set = Set::default();
        for _ in 0..from.take_count(1)? {
            set.add(from.take_bytes()?);
        }
        self.sets.push(set);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.sets.bytes() + allocated(self.identity.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::Call;
    use super::super::function::testing::{merged, numbers_of, reduced, reduced_numbers};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_set_takes_what_its_allocations_take() {
        for (function, least) in [(&DISTINCT, size_of::<HllSketch>()), (&DISTINCT_EXACT, 64)] {
            let mut column = (function.column)(Call { bare: false, number: 0.0, merges: false });
            column.add_group();
            let before = column.bytes();
            column.stage(Some(0), &Input::new(Value::Number("7"))).unwrap();
            column.apply(0, 1);
            assert!(column.bytes() >= before + least, "{}", function.name);
        }
    }

    #[test]
    fn equal_values_count_once() {
        let values = [
            Value::Null,
            Value::Number("1"),
            Value::Number("1.0"),
            Value::Text("1"),
            Value::Bool(true),
            Value::Bool(false),
            Value::Json("[1]"),
            Value::Json("[1]"),
        ];
        for function in [&DISTINCT, &DISTINCT_EXACT] {
            for at in 0..=values.len() {
                assert_eq!(merged(function, 0.0, &values, at), "5");
            }
            assert_eq!(reduced(function, &[Value::Null]), "0");
        }
    }

    #[test]
    fn the_error_is_within_its_bound_and_the_same_however_states_are_merged() {
        for count in [100, 10_000, 100_000] {
            let spelled: Vec<String> = (0..count).map(|number: u32| number.to_string()).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let whole: f64 = reduced_numbers(&DISTINCT, &spelled).parse().unwrap();
            let error = (whole - f64::from(count)).abs() / f64::from(count);
            assert!(error <= 3.0 * 0.0082, "{count}: {whole}");
            let at = spelled.len() / 3;
            let parts: f64 = merged(&DISTINCT, 0.0, &numbers_of(&spelled), at).parse().unwrap();
            assert!((parts - whole).abs() <= 0.001 * whole, "{count}: {parts} {whole}");
            let mut back = spelled.clone();
            back.reverse();
            let turned: f64 = reduced_numbers(&DISTINCT, &back).parse().unwrap();
            assert!((turned - whole).abs() <= 0.001 * whole, "{count}: {turned} {whole}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(numbers in proptest::collection::vec(0_u16..300, 0..200), at in 0..200_usize) {
            let spelled: Vec<String> = numbers.iter().map(u16::to_string).collect();
            let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
            let expected = numbers.iter().collect::<std::collections::BTreeSet<_>>().len().to_string();
            let values = numbers_of(&spelled);
            prop_assert_eq!(merged(&DISTINCT_EXACT, 0.0, &values, at), expected.as_str());
            prop_assert_eq!(merged(&DISTINCT, 0.0, &values, at), expected);
        }
    }
}

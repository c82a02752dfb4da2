//! `distinct` and `distinct_exact`: how many different values.
//!
//! Values are the same as they are the same group: numbers by value, arrays and objects by their
//! spelling.

use datasketches::hll::{Coupon, HllSketch, HllType, HllUnion};
use hashbrown::HashSet;

use super::function::{Argument, Column, Function, Input, Misfit, Scope, same};
use super::number::{write_float, write_identity, write_whole};
use crate::expr::Value;

/// `distinct(EXPR)`.
pub const DISTINCT: Function = Function {
    name: "distinct",
    aliases: &["approx_count_distinct"],
    synonyms: &["unique", "uniq", "count_distinct", "cardinality"],
    argument: Argument::Required,
    about: "how many different values, by HyperLogLog: standard error 0.8 %",
    needs_window: false,
    column: |_| Box::<Sketches>::default(),
};

/// `distinct_exact(EXPR)`.
pub const DISTINCT_EXACT: Function = Function {
    name: "distinct_exact",
    aliases: &[],
    synonyms: &["nunique"],
    argument: Argument::Required,
    about: "how many different values, exactly; it holds each of them",
    needs_window: false,
    column: |_| Box::<Sets>::default(),
};

/// Registers of a sketch, as a power of two: the standard error is 1.04 / sqrt(2^14) = 0.8 %.
const REGISTERS_LOG2: u8 = 14;

#[derive(Default)]
struct Sketches {
    sketches: Vec<Option<Box<HllSketch>>>,
    staged: Option<Coupon>,
    identity: Vec<u8>,
}

impl Column for Sketches {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = (input.value != Value::Null).then(|| {
            self.identity.clear();
            write_identity(&input.value, &mut self.identity);
            Coupon::from_value(self.identity.as_slice())
        });
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        let Some(coupon) = self.staged else { return };
        let sketch = &mut self.sketches[group];
        if sketch.is_none() {
            *sketch = HllSketch::new(REGISTERS_LOG2, HllType::Hll4).ok().map(Box::new);
        }
        if let Some(sketch) = sketch {
            sketch.update_with_coupon(coupon);
        }
    }

    fn add_group(&mut self) {
        self.sketches.push(None);
    }

    fn clear(&mut self, group: usize) {
        self.sketches[group] = None;
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(theirs) = same::<Sketches>(other).and_then(|other| other.sketches[from].as_ref())
        else {
            return;
        };
        let ours = &mut self.sketches[group];
        *ours = match (ours.take(), HllUnion::new(REGISTERS_LOG2)) {
            (Some(ours), Ok(mut union)) => {
                union.update(&ours);
                union.update(theirs);
                Some(Box::new(union.to_sketch(HllType::Hll4)))
            }
            _ => Some(theirs.clone()),
        };
    }

    /// The estimate that does not depend on the order in which the values came, or on how states
    /// were merged.
    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        let estimate = self.sketches[group].as_ref().map_or(0.0, |one| one.composite_estimate());
        write_float(estimate.round(), out);
    }

    fn bytes(&self) -> usize {
        let held = self.sketches.iter().flatten().map(|sketch| sketch.estimated_size());
        self.sketches.capacity() * size_of::<Option<Box<HllSketch>>>() + held.sum::<usize>()
    }
}

/// The values themselves.
type Set = HashSet<Box<[u8]>, foldhash::fast::FixedState>;

#[derive(Default)]
struct Sets {
    sets: Vec<Set>,
    staged: bool,
    identity: Vec<u8>,
}

impl Column for Sets {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = input.value != Value::Null;
        self.identity.clear();
        write_identity(&input.value, &mut self.identity);
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        let set = &mut self.sets[group];
        if self.staged && !set.contains(self.identity.as_slice()) {
            set.insert(self.identity.as_slice().into());
        }
    }

    fn add_group(&mut self) {
        self.sets.push(Set::default());
    }

    fn clear(&mut self, group: usize) {
        self.sets[group].clear();
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Sets>(other) else { return };
        let set = &mut self.sets[group];
        for value in &other.sets[from] {
            if !set.contains(value) {
                set.insert(value.clone());
            }
        }
    }

    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        // No machine has room for so many values that the cast would cut.
        write_whole(self.sets[group].len() as i128, out);
    }

    fn bytes(&self) -> usize {
        let held = |set: &Set| set.allocation_size() + set.iter().map(|v| v.len()).sum::<usize>();
        self.sets.capacity() * size_of::<Set>() + self.sets.iter().map(held).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, numbers_of, reduced, reduced_numbers};
    use super::*;
    use proptest::prelude::*;

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

//! `top`: the most frequent values, exactly.

use std::cmp::Reverse;

use indexmap::IndexMap;

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use crate::aggregate::memory::{Holders, Holds, allocated, written};
use crate::expr::Value;
use crate::record::number::write_whole;
use crate::state::{Reader, StateError, Writer};

/// `top(K; EXPR)`.
pub const TOP: Function = Function {
    name: "top",
    aliases: &["top_k"],
    synonyms: &["mode", "topk", "most_frequent"],
    argument: Argument::Count,
    about: "the K most frequent values, with their counts; holds each different value",
    needs_window: false,
    column: |call| {
        // Read as a whole number that is small enough.
        let most = call.number as usize;
        Box::new(Tallies { most, tallies: Holders::default(), staged: false, identity: Vec::new() })
    },
};

/// How many values are held at least to find the most frequent ones.
const HELD_MIN: usize = 64;

/// The values that came, in the order in which they first came here.
#[derive(Default)]
struct Tally {
    values: IndexMap<Box<[u8]>, Times, foldhash::fast::FixedState>,
    /// How much memory the values take.
    bytes: usize,
}

/// How often a value came, and when first.
#[derive(Clone, Copy)]
struct Times {
    count: u64,
    first: u64,
}

struct Tallies {
    /// How many values to give.
    most: usize,
    tallies: Holders<Tally>,
    staged: bool,
    identity: Vec<u8>,
}

impl Column for Tallies {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = input.value != Value::Null;
        self.identity.clear();
        input.value.write_identity(&mut self.identity);
        Ok(())
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        if self.staged {
            let once = Times { count: 1, first: arrival };
            count(&mut self.tallies, group, &self.identity, once);
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.tallies.reserve(groups);
    }

    fn add_group(&mut self) {
        self.tallies.push(Tally::default());
    }

    fn clear(&mut self, group: usize) {
        self.tallies.change(group, Tally::clear);
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Tallies>(other) else { return };
        for (value, times) in &other.tallies[from].values {
            count(&mut self.tallies, group, value, *times);
        }
    }

    /// Of values that came as often, the one that came first stands first.
    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        let values = &self.tallies[group].values;
        // Only so many are held; no two values came first with the same record.
        let held_max = self.most.saturating_mul(2).max(HELD_MIN);
        let mut best = Vec::with_capacity(held_max.min(values.len()));
        for (at, times) in values.values().enumerate() {
            if best.len() == held_max {
                best.select_nth_unstable(self.most);
                best.truncate(self.most);
            }
            best.push((Reverse(times.count), times.first, at));
        }
        best.sort_unstable();
        best.truncate(self.most);
        out.push(b'[');
        for (rank, (Reverse(count), _, at)) in best.into_iter().enumerate() {
            out.extend_from_slice(if rank > 0 { b",{\"value\":" } else { b"{\"value\":" });
            out.extend(values.get_index(at).into_iter().flat_map(|(value, _)| value.iter()));
            out.extend_from_slice(b",\"count\":");
            write_whole(count.into(), out);
            out.push(b'}');
        }
        out.push(b']');
    }

    fn nests(&self) -> bool {
        true
    }

    fn save(&self, group: usize, to: &mut Writer) {
        let values = &self.tallies[group].values;
        to.put_len(values.len());
        for (value, times) in values {
            to.put_bytes(value);
            to.put_u64(times.count);
            to.put_u64(times.first);
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let mut tally = Tally::default();
        for _ in 0..from.take_count(3)? {
            let value = from.take_bytes()?;
            if tally.values.contains_key(value) {
                return Err(StateError::Invalid("a value occurs twice"));
            }
            tally.add(value, Times { count: from.take_records()?, first: from.take_u64()? });
        }
        self.tallies.push(tally);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.tallies.bytes() + allocated(self.identity.capacity())
    }
}

fn count(tallies: &mut Holders<Tally>, group: usize, value: &[u8], times: Times) {
    match tallies.get_mut(group).values.get_mut(value) {
        Some(held) => {
            held.count += times.count;
            held.first = held.first.min(times.first);
        }
        None => tallies.change(group, |tally| tally.add(value, times)),
    }
}

impl Tally {
    fn add(&mut self, value: &[u8], times: Times) {
        self.values.insert(value.into(), times);
        self.bytes += allocated(value.len());
    }

    fn clear(&mut self) {
        self.values.clear();
        self.bytes = 0;
    }
}

impl Holds for Tally {
    fn beside(&self) -> usize {
        let capacity = self.values.capacity();
        // A hash table of places, an eighth of which stay free; a byte for each.
        let places = if capacity == 0 { 0 } else { (capacity * 8).div_ceil(7).next_power_of_two() };
        let index = allocated(places * (size_of::<usize>() + 1));
        written::<(usize, Box<[u8]>, Times)>(self.values.len(), capacity) + index + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{column_of, merged, written};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_most_frequent_come_first_then_the_first() {
        let values = [
            Value::Null,
            Value::Text("b"),
            Value::Number("1.0"),
            Value::Text("a"),
            Value::Number("1"),
            Value::Null,
            Value::Text("a"),
        ];
        let expected = "[{\"value\":1,\"count\":2},{\"value\":\"a\",\"count\":2},{\"value\":\"b\",\"count\":1}]";
        for at in 0..=values.len() {
            assert_eq!(merged(&TOP, 3.0, &values, at), expected);
        }
        assert_eq!(merged(&TOP, 1.0, &values, 2), "[{\"value\":1,\"count\":2}]");
        assert_eq!(merged(&TOP, 5.0, &values[..1], 1), "[]");
    }

    proptest! {
        #[test]
        fn it_agrees_with_counting_and_sorting(numbers in proptest::collection::vec(0_u8..10, 0..80), at in 0..80_usize, most in 1..6_usize) {
            let mut counts: Vec<(u8, u64)> = Vec::new();
            for number in &numbers {
                match counts.iter_mut().find(|(value, _)| value == number) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((*number, 1)),
                }
            }
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let shown: Vec<String> = counts.iter().take(most)
                .map(|(value, count)| format!("{{\"value\":{value},\"count\":{count}}}")).collect();
            let expected = format!("[{}]", shown.join(","));
            let spelled: Vec<String> = numbers.iter().map(u8::to_string).collect();
            let values: Vec<Value<'_>> = spelled.iter().map(|text| Value::Number(text)).collect();
            prop_assert_eq!(&written(&mut *column_of(&TOP, most as f64, &values)), &expected);
            prop_assert_eq!(&merged(&TOP, most as f64, &values, at), &expected);
        }
    }
}

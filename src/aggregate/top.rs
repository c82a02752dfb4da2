//! `top`: the most frequent values, exactly.

use std::cmp::Reverse;

use indexmap::IndexMap;

use super::function::{Argument, Column, Function, Input, Misfit, Scope, same};
use super::number::write_identity;
use super::number::write_whole;
use crate::expr::Value;

/// `top(K; EXPR)`.
pub const TOP: Function = Function {
    name: "top",
    aliases: &["top_k"],
    synonyms: &["mode", "topk", "most_frequent"],
    argument: Argument::Count,
    about: "the K most frequent values, with their counts; it holds each different value",
    needs_window: false,
    column: |call| {
        // Read as a whole number that is small enough.
        let most = call.number as usize;
        Box::new(Tallies { most, tallies: Vec::new(), staged: false, identity: Vec::new() })
    },
};

/// The values that came, in the order in which they first came here.
type Tally = IndexMap<Box<[u8]>, Times, foldhash::fast::FixedState>;

/// How often a value came, and when first.
#[derive(Clone, Copy)]
struct Times {
    count: u64,
    first: u64,
}

struct Tallies {
    /// How many values to give.
    most: usize,
    tallies: Vec<Tally>,
    staged: bool,
    identity: Vec<u8>,
}

impl Column for Tallies {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged = input.value != Value::Null;
        self.identity.clear();
        write_identity(&input.value, &mut self.identity);
        Ok(())
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        if self.staged {
            let once = Times { count: 1, first: arrival };
            count(&mut self.tallies[group], &self.identity, once);
        }
    }

    fn add_group(&mut self) {
        self.tallies.push(Tally::default());
    }

    fn clear(&mut self, group: usize) {
        self.tallies[group].clear();
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Tallies>(other) else { return };
        for (value, times) in &other.tallies[from] {
            count(&mut self.tallies[group], value, *times);
        }
    }

    /// Of values that came as often, the one that came first stands first.
    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        let mut all: Vec<(&Box<[u8]>, &Times)> = self.tallies[group].iter().collect();
        all.sort_by_key(|(_, times)| (Reverse(times.count), times.first));
        out.push(b'[');
        for (at, (value, times)) in all.into_iter().take(self.most).enumerate() {
            out.extend_from_slice(if at > 0 { b",{\"value\":" } else { b"{\"value\":" });
            out.extend_from_slice(value);
            out.extend_from_slice(b",\"count\":");
            write_whole(times.count.into(), out);
            out.push(b'}');
        }
        out.push(b']');
    }

    fn bytes(&self) -> usize {
        let entry = size_of::<(usize, Box<[u8]>, Times)>() + size_of::<usize>();
        let held = |tally: &Tally| {
            tally.capacity() * entry + tally.keys().map(|value| value.len()).sum::<usize>()
        };
        self.tallies.capacity() * size_of::<Tally>() + self.tallies.iter().map(held).sum::<usize>()
    }
}

fn count(tally: &mut Tally, value: &[u8], times: Times) {
    match tally.get_mut(value) {
        Some(held) => {
            held.count += times.count;
            held.first = held.first.min(times.first);
        }
        None => drop(tally.insert(value.into(), times)),
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
            prop_assert_eq!(&written(&*column_of(&TOP, most as f64, &values)), &expected);
            prop_assert_eq!(&merged(&TOP, most as f64, &values, at), &expected);
        }
    }
}

//! `first`, `last`, `arg_min`, `arg_max` and `last_by`: one record's value out of many, as it is.

use super::extreme::{Best, Contest};
use super::function::{Argument, Call, Column, Function, Input, Scope, TypeError, same};
use crate::aggregate::memory::{Holders, Holds, vector};
use crate::expr::Value;
use crate::state::{Reader, StateError, Writer};

/// `first(EXPR)`.
pub const FIRST: Function = Function {
    name: "first",
    aliases: &["first_value"],
    synonyms: &["any_value"],
    argument: Argument::Required,
    about: "the value of the first record of the input, whatever its time; null is skipped",
    needs_window: false,
    column: |_| Ends::column(false),
};

/// `last(EXPR)`.
pub const LAST: Function = Function {
    name: "last",
    aliases: &["last_value"],
    synonyms: &["latest"],
    argument: Argument::Required,
    about: "the value of the last record of the input, whatever its time; null is skipped",
    needs_window: false,
    column: |_| Ends::column(true),
};

/// `arg_min(EXPR; BY)`.
pub const ARG_MIN: Function = Function {
    name: "arg_min",
    aliases: &["min_by"],
    synonyms: &["argmin"],
    argument: Argument::Pair,
    about: "the value of the record with the minimum BY; of equal ones, of the first",
    needs_window: false,
    column: |call| Picks::column(call, Contest::LEAST),
};

/// `arg_max(EXPR; BY)`.
pub const ARG_MAX: Function = Function {
    name: "arg_max",
    aliases: &["max_by"],
    synonyms: &["argmax"],
    argument: Argument::Pair,
    about: "the value of the record with the maximum BY; of equal ones, of the first",
    needs_window: false,
    column: |call| Picks::column(call, Contest::GREATEST),
};

/// `last_by(EXPR; BY)`.
pub const LAST_BY: Function = Function {
    name: "last_by",
    aliases: &[],
    synonyms: &["latest_by", "newest"],
    argument: Argument::Pair,
    about: "the value of the record with the latest time BY; of equal ones, of the last",
    needs_window: false,
    column: |call| Picks::column(call, Contest::LAST_GREATEST),
};

/// The first or the last values.
struct Ends {
    last: bool,
    values: Holders<Kept>,
    staged: Vec<u8>,
}

/// A value that is kept, and when it came.
#[derive(Default)]
struct Kept {
    /// JSON; empty where there is none.
    json: Vec<u8>,
    arrival: u64,
}

impl Holds for Kept {
    fn beside(&self) -> usize {
        vector(&self.json)
    }
}

impl Ends {
    fn column(last: bool) -> Box<dyn Column> {
        Box::new(Ends { last, values: Holders::default(), staged: Vec::new() })
    }

    /// Whether a later value has nothing to say to `group`.
    fn is_settled(&self, group: usize) -> bool {
        !self.last && !self.values[group].json.is_empty()
    }
}

impl Column for Ends {
    fn stage(&mut self, group: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged.clear();
        if !group.is_some_and(|group| self.is_settled(group)) {
            keep(&input.value, &mut self.staged);
        }
        Ok(())
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        if !self.staged.is_empty() {
            self.values.change(group, |kept| {
                std::mem::swap(&mut kept.json, &mut self.staged);
                kept.arrival = arrival;
            });
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.values.reserve(groups);
    }

    fn add_group(&mut self) {
        self.values.push(Kept::default());
    }

    fn clear(&mut self, group: usize) {
        self.values.change(group, |kept| kept.json.clear());
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Ends>(other) else { return };
        let (ours, theirs) = (&self.values[group], &other.values[from]);
        let is_later = theirs.arrival > ours.arrival;
        if !theirs.json.is_empty() && (ours.json.is_empty() || is_later == self.last) {
            self.values.change(group, |ours| {
                ours.json.clone_from(&theirs.json);
                ours.arrival = theirs.arrival;
            });
        }
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        write_kept(&self.values[group].json, out);
    }

    fn nests(&self) -> bool {
        true
    }

    fn save(&self, group: usize, to: &mut Writer) {
        let kept = &self.values[group];
        to.put_bytes(&kept.json);
        to.put_u64(kept.arrival);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let json = from.take_bytes()?.to_owned();
        self.values.push(Kept { json, arrival: from.take_u64()? });
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.values.bytes() + vector(&self.staged)
    }
}

/// The values of the records that win by another value.
struct Picks {
    contest: Contest,
    best: Holders<Best>,
    values: Holders<Vec<u8>>,
    staged: Vec<u8>,
    staged_by: Best,
}

impl Picks {
    fn column(_: Call, contest: Contest) -> Box<dyn Column> {
        Box::new(Picks {
            contest,
            best: Holders::default(),
            values: Holders::default(),
            staged: Vec::new(),
            staged_by: Best::default(),
        })
    }
}

impl Column for Picks {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged.clear();
        self.staged_by.clear();
        keep(&input.value, &mut self.staged);
        Ok(())
    }

    fn stage_by(&mut self, group: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged_by.stage(group.map(|group| &self.best[group]), input)
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        self.staged_by.arrival = arrival;
        if !self.staged.is_empty() && self.staged_by.beats(&self.best[group], self.contest) {
            self.best.change(group, |best| std::mem::swap(best, &mut self.staged_by));
            self.values.change(group, |value| std::mem::swap(value, &mut self.staged));
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.best.reserve(groups);
        self.values.reserve(groups);
    }

    fn add_group(&mut self) {
        self.best.push(Best::default());
        self.values.push(Vec::new());
    }

    fn clear(&mut self, group: usize) {
        self.best.change(group, Best::clear);
        self.values.change(group, Vec::clear);
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Picks>(other) else { return };
        if other.best[from].beats(&self.best[group], self.contest) {
            self.best.change(group, |best| best.copy(&other.best[from]));
            self.values.change(group, |value| value.clone_from(&other.values[from]));
        }
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        write_kept(&self.values[group], out);
    }

    fn nests(&self) -> bool {
        true
    }

    fn save(&self, group: usize, to: &mut Writer) {
        self.best[group].save(to);
        to.put_bytes(&self.values[group]);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.best.push(Best::load(from)?);
        self.values.push(from.take_bytes()?.to_owned());
        Ok(())
    }

    fn bytes(&self) -> usize {
        let staged = self.staged_by.beside() + vector(&self.staged);
        self.best.bytes() + self.values.bytes() + staged
    }
}

/// Keeps a value that is not null as JSON.
fn keep(value: &Value<'_>, staged: &mut Vec<u8>) {
    if *value != Value::Null {
        value.write_json(staged);
    }
}

fn write_kept(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(if value.is_empty() { b"null" } else { value });
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, numbers_of, reduced, written};
    use super::*;

    #[test]
    fn ends_are_kept_as_they_are_spelled() {
        let values = [
            Value::Null,
            Value::Number("1.50"),
            Value::Json("{\"a\": 1}"),
            Value::Text("x\""),
            Value::Null,
        ];
        for at in 0..=values.len() {
            assert_eq!(merged(&FIRST, 0.0, &values, at), "1.50");
            assert_eq!(merged(&LAST, 0.0, &values, at), "\"x\\\"\"");
        }
        assert_eq!(reduced(&LAST, &values[..3]), "{\"a\": 1}");
        assert_eq!(reduced(&FIRST, &[Value::Null]), "null");
    }

    /// A column that has taken pairs, the first of which came at `arrival`.
    fn picked_from(
        arrival: usize,
        function: &Function,
        pairs: &[(Value<'_>, Value<'_>)],
    ) -> Box<dyn Column> {
        let mut column = (function.column)(Call { bare: false, number: 0.0, merges: true });
        column.add_group();
        for (at, (value, by)) in pairs.iter().enumerate() {
            column.stage(Some(0), &Input::new(*value)).unwrap();
            column.stage_by(Some(0), &Input::new(*by)).unwrap();
            column.apply(0, (arrival + at) as u64);
        }
        column
    }

    fn picked(function: &Function, pairs: &[(Value<'_>, Value<'_>)]) -> Box<dyn Column> {
        picked_from(0, function, pairs)
    }

    #[test]
    fn the_winner_is_the_first_of_the_best_or_the_last() {
        let values = ["\"a\"", "null", "\"c\"", "\"d\"", "\"e\""];
        let by = numbers_of(&["2", "9", "1", "7.0", "7"]);
        let pairs: Vec<_> = values
            .iter()
            .zip(by)
            .map(|(value, by)| match *value {
                "null" => (Value::Null, by),
                other => (Value::Json(other), by),
            })
            .chain([(Value::Text("f"), Value::Null)])
            .collect();
        for at in 0..=pairs.len() {
            let (front, back) = pairs.split_at(at);
            for (function, winner) in
                [(&ARG_MIN, "\"c\""), (&ARG_MAX, "\"d\""), (&LAST_BY, "\"e\"")]
            {
                let mut column = picked(function, front);
                column.merge(0, &*picked_from(at, function, back), 0);
                assert_eq!(written(&mut *column), winner);
                let mut column = picked_from(at, function, back);
                column.merge(0, &*picked(function, front), 0);
                assert_eq!(written(&mut *column), winner);
            }
        }
        assert_eq!(written(&mut *picked(&ARG_MAX, &[])), "null");
    }

    #[test]
    fn a_value_to_decide_by_is_a_number_or_a_text() {
        let mut column = picked(&ARG_MAX, &[(Value::Text("a"), Value::Text("x"))]);
        column.stage(Some(0), &Input::new(Value::Text("b"))).unwrap();
        let mixed = column.stage_by(Some(0), &Input::new(Value::Number("1")));
        assert_eq!(
            mixed.err().map(|type_error| type_error.to_string()).as_deref(),
            Some("1 is not a string, as earlier values of its group are")
        );
        assert!(column.stage_by(None, &Input::new(Value::Json("[]"))).is_err());
    }
}

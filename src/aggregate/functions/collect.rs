//! `collect`: all values.

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use crate::aggregate::memory::{Holders, allocated, empty};
use crate::expr::Value;
use crate::state::{Reader, StateError, Writer};

/// `collect(EXPR)`.
pub const COLLECT: Function = Function {
    name: "collect",
    aliases: &["array_agg"],
    synonyms: &["list", "group_array", "values"],
    argument: Argument::Required,
    about: "all values in an array, in the order of the input; holds all of them",
    needs_window: false,
    column: |call| {
        let marks = call.merges.then(Holders::default);
        Box::new(Lists { lists: Holders::default(), marks, staged: Vec::new() })
    },
};

/// The values of each group as JSON, with commas between them.
struct Lists {
    lists: Holders<Vec<u8>>,
    /// Where the values of each group end, and when they came; only where lists are merged.
    marks: Option<Holders<Vec<Mark>>>,
    staged: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Mark {
    end: usize,
    arrival: u64,
}

impl Column for Lists {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged.clear();
        if input.value != Value::Null {
            input.value.write_json(&mut self.staged);
        }
        Ok(())
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        if self.staged.is_empty() {
            return;
        }
        let Lists { lists, marks, staged } = self;
        lists.change(group, |list| append(list, staged));
        if let Some(marks) = marks {
            let end = lists[group].len();
            marks.change(group, |marks| marks.push(Mark { end, arrival }));
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.lists.reserve(groups);
        self.marks.iter_mut().for_each(|marks| marks.reserve(groups));
    }

    fn add_group(&mut self) {
        self.lists.push(Vec::new());
        self.marks.iter_mut().for_each(|marks| marks.push(Vec::new()));
    }

    fn clear(&mut self, group: usize) {
        self.lists.change(group, empty);
        self.marks.iter_mut().for_each(|marks| marks.change(group, empty));
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Lists>(other) else { return };
        let (Some(ours), Some(theirs)) = (&mut self.marks, &other.marks) else { return };
        let (list, their_list) = (&self.lists[group], &other.lists[from]);
        let (our_marks, theirs) = (&ours[group], &theirs[from]);
        let (Some(first), last) = (theirs.first(), our_marks.last()) else { return };
        if last.is_none_or(|last| last.arrival < first.arrival) {
            self.lists.change(group, |list| append(list, their_list));
            let before = self.lists[group].len() - their_list.len();
            let moved = theirs.iter().map(|mark| Mark { end: before + mark.end, ..*mark });
            ours.change(group, |ours| ours.extend(moved));
            return;
        }
        let mut marks = Vec::with_capacity(our_marks.len() + theirs.len());
        let (ours_before, mut list) = (values(list, our_marks), Vec::new());
        let mut rest = values(their_list, theirs).peekable();
        for (value, arrival) in ours_before {
            while let Some((value, arrival)) = rest.next_if(|(_, theirs)| *theirs < arrival) {
                append(&mut list, value);
                marks.push(Mark { end: list.len(), arrival });
            }
            append(&mut list, value);
            marks.push(Mark { end: list.len(), arrival });
        }
        for (value, arrival) in rest {
            append(&mut list, value);
            marks.push(Mark { end: list.len(), arrival });
        }
        self.lists.change(group, |ours| *ours = list);
        ours.change(group, |ours| *ours = marks);
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(&self.lists[group]);
        out.push(b']');
    }

    fn nests(&self) -> bool {
        true
    }

    fn save(&self, group: usize, to: &mut Writer) {
        let Some(marks) = &self.marks else { return to.put_bytes(&self.lists[group]) };
        to.put_len(marks[group].len());
        for (value, arrival) in values(&self.lists[group], &marks[group]) {
            to.put_bytes(value);
            to.put_u64(arrival);
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let Some(marks) = &mut self.marks else {
            self.lists.push(from.take_bytes()?.to_owned());
            return Ok(());
        };
        let (mut list, mut list_marks) = (Vec::new(), Vec::new());
        for _ in 0..from.take_count(2)? {
            let value = from.take_bytes()?;
            if value.is_empty() {
                return Err(StateError::Invalid("an empty value"));
            }
            append(&mut list, value);
            list_marks.push(Mark { end: list.len(), arrival: from.take_u64()? });
        }
        self.lists.push(list);
        marks.push(list_marks);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.lists.bytes()
            + self.marks.as_ref().map_or(0, Holders::bytes)
            + allocated(self.staged.capacity())
    }
}

/// The values of a list, and when they came.
fn values<'a>(list: &'a [u8], marks: &'a [Mark]) -> impl Iterator<Item = (&'a [u8], u64)> {
    let starts = std::iter::once(0).chain(marks.iter().map(|mark| mark.end + 1));
    let value = |(start, mark): (usize, &Mark)| (&list[start..mark.end], mark.arrival);
    starts.zip(marks).map(value)
}

fn append(list: &mut Vec<u8>, values: &[u8]) {
    if !list.is_empty() && !values.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(values);
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, reduced};
    use super::*;

    #[test]
    fn values_stand_as_they_are_spelled_in_the_order_in_which_they_came() {
        let values = [
            Value::Null,
            Value::Number("1.50"),
            Value::Text("x\""),
            Value::Bool(false),
            Value::Null,
            Value::Json("{}"),
        ];
        for at in 0..=values.len() {
            assert_eq!(merged(&COLLECT, 0.0, &values, at), "[1.50,\"x\\\"\",false,{}]");
        }
        assert_eq!(reduced(&COLLECT, &[Value::Null]), "[]");
    }
}

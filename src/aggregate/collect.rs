//! `collect`: all values.

use super::function::{Argument, Column, Function, Input, Misfit, Scope, same};
use crate::expr::Value;

/// `collect(EXPR)`.
pub const COLLECT: Function = Function {
    name: "collect",
    aliases: &["array_agg"],
    synonyms: &["list", "group_array", "values"],
    argument: Argument::Required,
    about: "all values in an array, in the order in which they came; it holds all of them",
    needs_window: false,
    column: |call| {
        let marks = call.merges.then(Vec::new);
        Box::new(Lists { lists: Vec::new(), marks, staged: Vec::new() })
    },
};

/// The values of each group as JSON, with commas between them.
struct Lists {
    lists: Vec<Vec<u8>>,
    /// Where the values of each group end, and when they came; only where lists are merged.
    marks: Option<Vec<Vec<Mark>>>,
    staged: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Mark {
    end: usize,
    arrival: u64,
}

impl Column for Lists {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
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
        let list = &mut self.lists[group];
        append(list, &self.staged);
        if let Some(marks) = &mut self.marks {
            marks[group].push(Mark { end: list.len(), arrival });
        }
    }

    fn add_group(&mut self) {
        self.lists.push(Vec::new());
        self.marks.iter_mut().for_each(|marks| marks.push(Vec::new()));
    }

    fn clear(&mut self, group: usize) {
        self.lists[group].clear();
        self.marks.iter_mut().for_each(|marks| marks[group].clear());
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Lists>(other) else { return };
        let (Some(ours), Some(theirs)) = (&mut self.marks, &other.marks) else { return };
        let (ours, theirs) = (&mut ours[group], &theirs[from]);
        let (Some(first), last) = (theirs.first(), ours.last()) else { return };
        if last.is_none_or(|last| last.arrival < first.arrival) {
            let list = &mut self.lists[group];
            append(list, &other.lists[from]);
            let before = list.len() - other.lists[from].len();
            ours.extend(theirs.iter().map(|mark| Mark { end: before + mark.end, ..*mark }));
            return;
        }
        let (mut list, mut marks) = (Vec::new(), Vec::with_capacity(ours.len() + theirs.len()));
        let mut rest = values(&other.lists[from], theirs).peekable();
        for (value, arrival) in values(&self.lists[group], ours) {
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
        self.lists[group] = list;
        *ours = marks;
    }

    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(&self.lists[group]);
        out.push(b']');
    }

    fn bytes(&self) -> usize {
        let held: usize = self.lists.iter().map(Vec::capacity).sum();
        let marks = self.marks.iter().flatten().map(Vec::capacity);
        self.lists.capacity() * size_of::<Vec<u8>>()
            + held
            + marks.sum::<usize>() * size_of::<Mark>()
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

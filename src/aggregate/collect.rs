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
    column: |_| Box::<Lists>::default(),
};

/// The values of each group as JSON, with commas between them.
#[derive(Default)]
struct Lists {
    lists: Vec<Vec<u8>>,
    staged: Vec<u8>,
}

impl Column for Lists {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), Misfit> {
        self.staged.clear();
        if input.value != Value::Null {
            input.value.write_json(&mut self.staged);
        }
        Ok(())
    }

    fn apply(&mut self, group: usize) {
        append(&mut self.lists[group], &self.staged);
    }

    fn add_group(&mut self) {
        self.lists.push(Vec::new());
    }

    fn clear(&mut self, group: usize) {
        self.lists[group].clear();
    }

    fn holds_values(&self) -> bool {
        true
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Lists>(other) else { return };
        append(&mut self.lists[group], &other.lists[from]);
    }

    fn write(&self, group: usize, _: Scope, out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(&self.lists[group]);
        out.push(b']');
    }

    fn bytes(&self) -> usize {
        let held: usize = self.lists.iter().map(Vec::capacity).sum();
        self.lists.capacity() * size_of::<Vec<u8>>() + held
    }
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

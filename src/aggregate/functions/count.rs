//! `count` and `count_if`: how many.

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same};
use crate::aggregate::memory::vector;
use crate::expr::Value;
use crate::record::number::{Number, write_whole};
use crate::state::{Reader, StateError, Writer};

/// `count` and `count(EXPR)`.
pub const COUNT: Function = Function {
    name: "count",
    aliases: &[],
    synonyms: &["length", "len", "number"],
    argument: Argument::Optional,
    about: "the number of records; with EXPR, of those for which it is not null",
    needs_window: false,
    column: |_| Box::new(Count { counted: |value: Value<'_>| value != Value::Null, ..Count::NONE }),
};

/// `count_if(EXPR)`.
pub const COUNT_IF: Function = Function {
    name: "count_if",
    aliases: &["countif"],
    synonyms: &[],
    argument: Argument::Condition,
    about: "the number of records for which a result of EXPR is neither false nor null",
    needs_window: false,
    column: |_| {
        let counted = |value: Value<'_>| !matches!(value, Value::Null | Value::Bool(false));
        Box::new(Count { counted, ..Count::NONE })
    },
};

struct Count {
    counted: fn(Value<'_>) -> bool,
    counts: Vec<u64>,
    staged: bool,
}

impl Count {
    const NONE: Count = Count { counted: |_| true, counts: Vec::new(), staged: false };
}

impl Column for Count {
    fn stage(&mut self, _: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged = (self.counted)(input.value);
        Ok(())
    }

    fn apply(&mut self, group: usize, _: u64) {
        self.counts[group] += u64::from(self.staged);
    }

    fn reserve(&mut self, groups: usize) {
        self.counts.reserve(groups);
    }

    fn add_group(&mut self) {
        self.counts.push(0);
    }

    fn clear(&mut self, group: usize) {
        self.counts[group] = 0;
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Count>(other) else { return };
        self.counts[group] += other.counts[from];
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        write_whole(self.counts[group].into(), out);
    }

    fn number(&self, group: usize, _: Scope) -> Option<Number> {
        Some(Number::Whole(self.counts[group].into()))
    }

    fn save(&self, group: usize, to: &mut Writer) {
        to.put_u64(self.counts[group]);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.counts.push(from.take_records()?);
        Ok(())
    }

    fn bytes(&self) -> usize {
        vector(&self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{merged, reduced};
    use super::*;

    #[test]
    fn everything_but_null_counts() {
        let values = [Value::Bool(false), Value::Null, Value::Number("0"), Value::Text("")];
        assert_eq!(reduced(&COUNT, &values), "3");
        assert_eq!(reduced(&COUNT, &[]), "0");
    }

    #[test]
    fn only_what_is_true_counts_on_condition() {
        let values = [
            Value::Bool(false),
            Value::Null,
            Value::Number("0"),
            Value::Text(""),
            Value::Bool(true),
        ];
        assert_eq!(reduced(&COUNT_IF, &values), "3");
        for at in 0..=values.len() {
            assert_eq!(merged(&COUNT_IF, 0.0, &values, at), "3");
            assert_eq!(merged(&COUNT, 0.0, &values, at), "4");
        }
    }
}

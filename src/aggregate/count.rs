//! `count`: how many.

use super::function::{Argument, Column, Function, Misfit};
use crate::expr::Value;

/// `count` and `count(EXPR)`.
pub const COUNT: Function = Function {
    name: "count",
    synonyms: &["length", "len", "number"],
    argument: Argument::Optional,
    about: "how many records; with EXPR, those for which it is not null",
    column: || Box::<Count>::default(),
};

#[derive(Default)]
struct Count {
    counts: Vec<u64>,
    staged: bool,
}

impl Column for Count {
    fn stage(&mut self, _: Option<usize>, value: &Value<'_>) -> Result<(), Misfit> {
        self.staged = *value != Value::Null;
        Ok(())
    }

    fn apply(&mut self, group: usize) {
        self.counts[group] += u64::from(self.staged);
    }

    fn add_group(&mut self) {
        self.counts.push(0);
    }

    fn write(&self, group: usize, out: &mut Vec<u8>) {
        super::number::write_whole(self.counts[group].into(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::reduced;
    use super::*;

    #[test]
    fn everything_but_null_counts() {
        let values = [Value::Bool(false), Value::Null, Value::Number("0"), Value::Text("")];
        assert_eq!(reduced(&COUNT, &values), "3");
        assert_eq!(reduced(&COUNT, &[]), "0");
    }
}

//! `min` and `max`: of numbers by value, or of texts by their characters' code points.
//!
//! The result is spelled as the record spelled it; of equal values, the first stays.

use std::cmp::Ordering;

use super::function::{Argument, Column, Function, Misfit, show};
use super::number::Number;
use crate::expr::Value;
use crate::record::text::write_string;

/// `min(EXPR)`.
pub const MIN: Function = Function {
    name: "min",
    synonyms: &["minimum", "least", "smallest", "lowest"],
    argument: Argument::Required,
    about: "the least number or text",
    column: || Box::new(Extremes::new(Ordering::Less)),
};

/// `max(EXPR)`.
pub const MAX: Function = Function {
    name: "max",
    synonyms: &["maximum", "greatest", "largest", "highest"],
    argument: Argument::Required,
    about: "the greatest number or text",
    column: || Box::new(Extremes::new(Ordering::Greater)),
};

struct Extremes {
    /// How a value compares to the one it replaces.
    wins: Ordering,
    best: Vec<Best>,
    staged: Best,
}

/// The best value so far: what it is, and its characters.
#[derive(Default)]
struct Best {
    kind: Kind,
    characters: String,
}

#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Nothing,
    /// A number; the characters are its spelling.
    Number(Number),
    /// A text, decoded.
    Text,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Nothing => "value",
            Kind::Number(_) => "number",
            Kind::Text => "text",
        }
    }
}

impl Extremes {
    fn new(wins: Ordering) -> Extremes {
        Extremes { wins, best: Vec::new(), staged: Best::default() }
    }
}

impl Column for Extremes {
    fn stage(&mut self, group: Option<usize>, value: &Value<'_>) -> Result<(), Misfit> {
        let (kind, characters) = match value {
            Value::Null => (Kind::Nothing, ""),
            Value::Text(text) => (Kind::Text, *text),
            Value::Number(spelling) => {
                let number = Number::parse(spelling).map_err(|_| Misfit::TooLarge(show(value)))?;
                (Kind::Number(number), *spelling)
            }
            _ => return Err(Misfit::NotOrdered(show(value))),
        };
        let best = group.map_or(Kind::Nothing, |group| self.best[group].kind);
        if let (Kind::Number(_), Kind::Text) | (Kind::Text, Kind::Number(_)) = (kind, best) {
            return Err(Misfit::Mixed { value: show(value), others: best.name() });
        }
        self.staged.kind = kind;
        self.staged.characters.clear();
        self.staged.characters.push_str(characters);
        Ok(())
    }

    fn apply(&mut self, group: usize) {
        let (best, staged) = (&mut self.best[group], &mut self.staged);
        let order = match (staged.kind, best.kind) {
            (Kind::Nothing, _) => return,
            (Kind::Number(new), Kind::Number(old)) => new.compare(old),
            (Kind::Text, Kind::Text) => staged.characters.cmp(&best.characters),
            _ => self.wins,
        };
        if order == self.wins {
            // The loser's buffer serves the next record.
            std::mem::swap(best, staged);
        }
    }

    fn add_group(&mut self) {
        self.best.push(Best::default());
    }

    fn write(&self, group: usize, out: &mut Vec<u8>) {
        let best = &self.best[group];
        match best.kind {
            Kind::Nothing => out.extend_from_slice(b"null"),
            Kind::Number(_) => out.extend_from_slice(best.characters.as_bytes()),
            Kind::Text => write_string(&best.characters, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::testing::{reduced, reduced_numbers};
    use super::*;

    #[test]
    fn the_winner_keeps_its_spelling() {
        let numbers = ["1.50", "-2e0", "1.5", "-2", "15e-1"];
        assert_eq!(reduced_numbers(&MAX, &numbers), "1.50");
        assert_eq!(reduced_numbers(&MIN, &numbers), "-2e0");
        let large = ["9007199254740993", "9007199254740992", "9007199254740992.0"];
        assert_eq!(reduced_numbers(&MAX, &large), "9007199254740993");
        assert_eq!(reduced_numbers(&MIN, &large), "9007199254740992");
    }

    #[test]
    fn texts_are_ordered_by_code_points() {
        let texts = ["b", "a\"", "B", "\u{e4}", "\u{1f600}", "\u{ffff}"].map(Value::Text);
        assert_eq!(reduced(&MIN, &texts), "\"B\"");
        assert_eq!(reduced(&MAX, &texts), "\"\u{1f600}\"");
        assert_eq!(reduced(&MIN, &texts[1..2]), "\"a\\\"\"");
    }

    #[test]
    fn null_is_left_out() {
        for function in [&MIN, &MAX] {
            assert_eq!(reduced(function, &[Value::Null]), "null");
            let values = [Value::Null, Value::Number("0"), Value::Null];
            assert_eq!(reduced(function, &values), "0");
        }
    }

    #[test]
    fn a_group_holds_numbers_or_texts_not_both() {
        let mut column = (MAX.column)();
        let mut take = |group: usize, value: Value<'_>| {
            column.add_group();
            column.stage(Some(group), &value).map(|()| column.apply(group))
        };
        assert_eq!(take(0, Value::Number("1")), Ok(()));
        assert_eq!(take(1, Value::Text("x")), Ok(()));
        let mixed = |value: &str, others| Err(Misfit::Mixed { value: value.to_owned(), others });
        assert_eq!(take(0, Value::Text("NA")), mixed("\"NA\"", "number"));
        assert_eq!(take(1, Value::Number("1")), mixed("1", "text"));
        assert_eq!(take(2, Value::Bool(true)), Err(Misfit::NotOrdered("true".to_owned())));
        assert_eq!(take(2, Value::Json("{}")), Err(Misfit::NotOrdered("an object".to_owned())));
    }
}

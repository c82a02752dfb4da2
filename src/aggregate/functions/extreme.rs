//! `min` and `max`: of numbers by value, or of texts by their characters' code points.
//!
//! The result is spelled as the record spelled it; of equal values, the first stays.

use std::cmp::Ordering;

use super::function::{Argument, Column, Function, Input, Scope, TypeError, same, show};
use crate::aggregate::memory::{Holders, Holds, written};
use crate::expr::Value;
use crate::record::number::Number;
use crate::record::text::write_string;
use crate::state::{Reader, StateError, Writer};

/// `min(EXPR)`.
pub const MIN: Function = Function {
    name: "min",
    aliases: &[],
    synonyms: &["minimum", "least", "smallest", "lowest"],
    argument: Argument::Required,
    about: "the minimum number or string",
    needs_window: false,
    column: |_| Box::new(Extremes::new(Contest::LEAST)),
};

/// `max(EXPR)`.
pub const MAX: Function = Function {
    name: "max",
    aliases: &[],
    synonyms: &["maximum", "greatest", "largest", "highest"],
    argument: Argument::Required,
    about: "the maximum number or string",
    needs_window: false,
    column: |_| Box::new(Extremes::new(Contest::GREATEST)),
};

/// Which of two values is better.
#[derive(Clone, Copy, Debug)]
pub(in crate::aggregate) struct Contest {
    /// How the better one compares to the other.
    wins: Ordering,
    /// Whether, of equal ones, the one that came last is better, and not the first.
    last: bool,
}

impl Contest {
    /// The least wins; of equal ones, the first.
    pub(in crate::aggregate) const LEAST: Contest = Contest { wins: Ordering::Less, last: false };
    /// The greatest wins; of equal ones, the first.
    pub(in crate::aggregate) const GREATEST: Contest =
        Contest { wins: Ordering::Greater, last: false };
    /// The greatest wins; of equal ones, the last.
    pub(in crate::aggregate) const LAST_GREATEST: Contest =
        Contest { wins: Ordering::Greater, last: true };
}

struct Extremes {
    contest: Contest,
    best: Holders<Best>,
    staged: Best,
}

impl Extremes {
    fn new(contest: Contest) -> Extremes {
        Extremes { contest, best: Holders::default(), staged: Best::default() }
    }
}

impl Column for Extremes {
    fn stage(&mut self, group: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        self.staged.stage(group.map(|group| &self.best[group]), input)
    }

    fn apply(&mut self, group: usize, arrival: u64) {
        self.staged.arrival = arrival;
        if self.staged.beats(&self.best[group], self.contest) {
            // The loser's buffer serves the next record.
            self.best.change(group, |best| std::mem::swap(best, &mut self.staged));
        }
    }

    fn reserve(&mut self, groups: usize) {
        self.best.reserve(groups);
    }

    fn add_group(&mut self) {
        self.best.push(Best::default());
    }

    fn clear(&mut self, group: usize) {
        self.best.change(group, Best::clear);
    }

    fn merge(&mut self, group: usize, other: &dyn Column, from: usize) {
        let Some(other) = same::<Extremes>(other) else { return };
        if other.best[from].beats(&self.best[group], self.contest) {
            self.best.change(group, |best| best.copy(&other.best[from]));
        }
    }

    fn write(&mut self, group: usize, _: Scope, out: &mut Vec<u8>) {
        self.best[group].write(out);
    }

    fn save(&self, group: usize, to: &mut Writer) {
        self.best[group].save(to);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.best.push(Best::load(from)?);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.best.bytes() + self.staged.beside()
    }
}

/// The best value so far: what it is, its characters, and when it came.
#[derive(Clone, Debug, Default)]
pub(in crate::aggregate) struct Best {
    kind: Kind,
    characters: String,
    pub(in crate::aggregate) arrival: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    Nothing,
    /// A number; the characters are its spelling.
    Number(Number),
    /// A text, decoded.
    Text,
}

/// How the kinds are saved.
const NOTHING: u8 = 0;
const NUMBER: u8 = 1;
const TEXT: u8 = 2;

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Nothing => "value",
            Kind::Number(_) => "number",
            Kind::Text => "string",
        }
    }
}

impl Best {
    /// Becomes a value that is to be compared with those of `group`, the best of a group so far.
    pub(in crate::aggregate) fn stage(
        &mut self,
        group: Option<&Best>,
        input: &Input<'_>,
    ) -> Result<(), TypeError> {
        let (kind, characters) = match &input.value {
            Value::Null => (Kind::Nothing, ""),
            Value::Text(text) => (Kind::Text, *text),
            Value::Number(spelling) => {
                (input.number()?.map_or(Kind::Nothing, Kind::Number), *spelling)
            }
            other => return Err(TypeError::NotOrdered(show(other))),
        };
        let best = group.map_or(Kind::Nothing, |group| group.kind);
        if let (Kind::Number(_), Kind::Text) | (Kind::Text, Kind::Number(_)) = (kind, best) {
            return Err(TypeError::Mixed { value: show(&input.value), others: best.name() });
        }
        self.kind = kind;
        self.characters.clear();
        self.characters.push_str(characters);
        Ok(())
    }

    /// Whether this is better than `best`. Numbers are less than texts, as in jq: groups that each
    /// hold one of them may be merged.
    pub(in crate::aggregate) fn beats(&self, best: &Best, contest: Contest) -> bool {
        match self.compare(best, contest.wins) {
            Ordering::Equal if contest.last => self.arrival > best.arrival,
            Ordering::Equal => self.arrival < best.arrival,
            order => order == contest.wins,
        }
    }

    /// How this compares to `best`; any value wins over none, and none over nothing.
    fn compare(&self, best: &Best, wins: Ordering) -> Ordering {
        match (self.kind, best.kind) {
            (Kind::Nothing, _) => wins.reverse(),
            (_, Kind::Nothing) => wins,
            (Kind::Number(new), Kind::Number(old)) => new.compare(old),
            (Kind::Text, Kind::Text) => self.characters.cmp(&best.characters),
            (Kind::Number(_), Kind::Text) => Ordering::Less,
            (Kind::Text, Kind::Number(_)) => Ordering::Greater,
        }
    }

    /// Forgets the value.
    pub(in crate::aggregate) fn clear(&mut self) {
        self.kind = Kind::Nothing;
    }

    /// Takes the place of `self`, as a copy of `other`.
    pub(in crate::aggregate) fn copy(&mut self, other: &Best) {
        self.kind = other.kind;
        self.characters.clone_from(&other.characters);
        self.arrival = other.arrival;
    }

    /// Saves the value.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        let kind = match self.kind {
            Kind::Nothing => NOTHING,
            Kind::Number(_) => NUMBER,
            Kind::Text => TEXT,
        };
        to.put_u8(kind);
        if kind != NOTHING {
            to.put_bytes(self.characters.as_bytes());
            to.put_u64(self.arrival);
        }
    }

    /// Restores a value that [`Best::save`] saved.
    pub(in crate::aggregate) fn load(from: &mut Reader<'_>) -> Result<Best, StateError> {
        let is_number = match from.take_u8()? {
            NOTHING => return Ok(Best::default()),
            NUMBER => true,
            TEXT => false,
            _ => return Err(StateError::Invalid("neither a number nor a string")),
        };
        let characters = from.take_str()?.to_owned();
        let kind = match is_number {
            true => Number::parse(&characters).map(Kind::Number),
            false => Ok(Kind::Text),
        };
        let kind = kind.map_err(|_| StateError::Invalid("a number that is not valid"))?;
        Ok(Best { kind, characters, arrival: from.take_u64()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Nothing => out.extend_from_slice(b"null"),
            Kind::Number(_) => out.extend_from_slice(self.characters.as_bytes()),
            Kind::Text => write_string(&self.characters, out),
        }
    }
}

impl Holds for Best {
    #[inline]
    fn beside(&self) -> usize {
        written::<u8>(self.characters.len(), self.characters.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::Call;
    use super::super::function::testing::{merged, numbers_of, reduced, reduced_numbers};
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
        let mut column = (MAX.column)(Call { bare: false, number: 0.0, merges: false });
        let mut take = |group: usize, value: Value<'_>| {
            column.add_group();
            column.stage(Some(group), &Input::new(value)).map(|()| column.apply(group, 0))
        };
        assert_eq!(take(0, Value::Number("1")), Ok(()));
        assert_eq!(take(1, Value::Text("x")), Ok(()));
        let mixed = |value: &str, others| Err(TypeError::Mixed { value: value.to_owned(), others });
        assert_eq!(take(0, Value::Text("NA")), mixed("\"NA\"", "number"));
        assert_eq!(take(1, Value::Number("1")), mixed("1", "string"));
        assert_eq!(take(2, Value::Bool(true)), Err(TypeError::NotOrdered("true".to_owned())));
        assert_eq!(take(2, Value::Json("{}")), Err(TypeError::NotOrdered("an object".to_owned())));
    }

    #[test]
    fn merged_states_give_what_the_whole_gives() {
        let numbers = numbers_of(&["2", "-1.0", "7e0", "-1", "7", "3"]);
        for at in 0..=numbers.len() {
            assert_eq!(merged(&MIN, 0.0, &numbers, at), "-1.0");
            assert_eq!(merged(&MAX, 0.0, &numbers, at), "7e0");
        }
        // As slices of a window may do, each of which has only one kind.
        let mixed = [Value::Number("5"), Value::Text("")];
        assert_eq!(merged(&MIN, 0.0, &mixed, 1), "5");
        assert_eq!(merged(&MAX, 0.0, &mixed, 1), "\"\"");
    }
}

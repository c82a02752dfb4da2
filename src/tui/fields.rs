//! Which fields the records of a view have: a list, one of which the cursor is on.

use super::pattern::Pattern;
use crate::fields::{Field, Shown};
use crate::layout::text::thousands;

/// How many columns there are after the path.
pub const COLUMNS: usize = 8;

/// The fields of records, and of how many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// The fields.
    pub fields: Vec<Field>,
    /// How many records they are of.
    pub records: u64,
    /// How many lines were left out, since they are no records.
    pub left_out: u64,
    /// How many records the view has.
    pub all: u64,
    /// At how many places of the view the records were read.
    pub places: u64,
    /// How much of it was read so far, in thousandths; none if it is all.
    pub progress: Option<u16>,
    /// Whether there are more fields than are known.
    pub is_full: bool,
}

impl Survey {
    /// How many records, of how many.
    pub fn scope(&self) -> String {
        let sample = match self.places {
            0 | 1 => String::new(),
            places => format!(" of {}, at {places} places", thousands(self.all)),
        };
        let read = self.progress.map(|progress| format!(", {} % read", progress / 10));
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {} left out", thousands(count)),
        };
        let records = thousands(self.records);
        format!("{records} records{sample}{left_out}{}", read.unwrap_or_default())
    }
}

/// The list of fields.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// What is known.
    pub survey: Survey,
    /// The same for people.
    rows: Vec<Shown>,
    /// Which of the fields that are shown the cursor is on.
    pub cursor: usize,
    /// The first one on the screen.
    pub top: usize,
    /// How many of the columns after the path are not shown.
    pub side: usize,
    /// What the paths of those have that are shown.
    pub pattern: Option<Pattern>,
}

impl Fields {
    /// Takes what is known now.
    pub fn take(&mut self, survey: Survey) {
        let at = self.current().map(|(field, _)| field.path.clone());
        self.rows = survey.fields.iter().map(|it| Shown::of(it, survey.records)).collect();
        self.survey = survey;
        let place = self.shown().position(|(field, _)| Some(&field.path) == at.as_ref());
        self.cursor = place.unwrap_or(self.cursor);
        self.step(0);
    }

    /// Shows only fields whose paths have this; all, if there is none.
    pub fn narrow(&mut self, pattern: Option<Pattern>) {
        (self.pattern, self.cursor, self.top) = (pattern, 0, 0);
    }

    /// The fields that are shown.
    pub fn shown(&self) -> impl Iterator<Item = (&Field, &Shown)> {
        let is_shown =
            |field: &Field| self.pattern.as_ref().is_none_or(|it| it.is_in(field.path.as_bytes()));
        self.survey.fields.iter().zip(&self.rows).filter(move |(field, _)| is_shown(field))
    }

    /// The field that the cursor is on.
    pub fn current(&self) -> Option<(&Field, &Shown)> {
        self.shown().nth(self.cursor)
    }

    /// Moves the cursor by so many fields.
    pub fn step(&mut self, by: i64) {
        let by = isize::try_from(by).unwrap_or(if by < 0 { isize::MIN } else { isize::MAX });
        let last = self.shown().count().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(by).min(last);
    }

    /// Keeps the cursor among so many lines of the screen.
    pub fn scroll(&mut self, height: usize) {
        let last = self.shown().count().saturating_sub(height);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(height.max(1)));
        self.top = self.top.min(last);
    }

    /// An expression for the field at the cursor: of several values in one record, the first.
    pub fn expression(&self) -> Option<String> {
        let path = &self.current()?.0.path;
        Some(if path.contains("[]") { format!("first({path}?)") } else { path.clone() })
    }

    /// A condition for the field at the cursor: that it has its commonest value, or is in the upper
    /// half of its numbers.
    pub fn condition(&self) -> Option<String> {
        let field = self.current()?.0;
        let common = field.common.first().filter(|one| one.is_whole);
        let is = match (common, &field.median) {
            (Some(common), _) => format!("== {}", String::from_utf8_lossy(&common.value)),
            (None, Some(median)) => format!(">= {median}"),
            (None, None) => "!= null".to_owned(),
        };
        let path = &field.path;
        Some(if path.contains("[]") {
            format!("any({path}?; . {is})")
        } else {
            format!("{path} {is}")
        })
    }

    /// What is known of the field at the cursor, all of it.
    pub fn details(&self) -> Option<String> {
        let (field, shown) = self.current()?;
        let mut said = vec![format!("in {} of the records", shown.present)];
        let mut say = |what: &str, value: &str| {
            if !value.is_empty() && value != "-" {
                said.push(format!("{what}{value}"));
            }
        };
        say("null ", &shown.null);
        say("", &shown.types);
        say("distinct ", &shown.distinct);
        say("min ", &shown.min);
        say("median ", &shown.median);
        say("max ", &shown.max);
        say("commonest ", &shown.common);
        Some(format!("{}: {}", field.path, said.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Collector;

    fn fields(records: &[&str]) -> Fields {
        let mut collector = Collector::new(100);
        records.iter().for_each(|record| collector.record(record.as_bytes()));
        let (fields, count) = (collector.fields(), records.len() as u64);
        let mut pane = Fields::default();
        pane.take(Survey { fields, records: count, all: count, places: 1, ..Survey::default() });
        pane
    }

    #[test]
    fn a_field_is_an_expression_and_a_condition() {
        let mut pane =
            fields(&[r#"{"h":"x","t":["a","b"],"n":1}"#, r#"{"h":"x","t":["a"],"n":2}"#]);
        let mut said = Vec::new();
        for _ in 0..4 {
            said.push((pane.expression().unwrap(), pane.condition().unwrap()));
            pane.step(1);
        }
        let wanted = [
            (".h", ".h == \"x\""),
            (".t", ".t != null"),
            ("first(.t[]?)", "any(.t[]?; . == \"a\")"),
            (".n", ".n >= 1.5"),
        ];
        let wanted = wanted.map(|(one, other)| (one.to_owned(), other.to_owned()));
        assert_eq!(said, wanted);
    }

    #[test]
    fn the_cursor_stays_on_its_field() {
        let mut pane = fields(&[r#"{"b":1,"c":2}"#]);
        pane.step(1);
        let more = fields(&[r#"{"a":0,"b":1,"c":2}"#]);
        pane.take(more.survey);
        assert_eq!(pane.current().unwrap().0.path, ".c");
        pane.narrow(Some(Pattern::new("[ab]").unwrap()));
        pane.step(9);
        assert_eq!(pane.current().unwrap().0.path, ".b");
        pane.narrow(Some(Pattern::new("no").unwrap()));
        assert!(pane.current().is_none() && pane.details().is_none());
    }
}

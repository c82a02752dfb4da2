//! What an aggregate function is, and the table of them all.
//!
//! A family of functions is one file: it has a [`Column`] and a [`Function`] each, and its line in
//! [`FUNCTIONS`]. The command line, the help and the group table know no function by name.

use super::number::TooLarge;
use super::{count, extreme, sum};
use crate::expr::Value;
use crate::record::text::excerpt;

/// All functions, in the order in which the help tells of them.
pub const FUNCTIONS: [&Function; 5] =
    [&count::COUNT, &sum::SUM, &sum::AVG, &extreme::MIN, &extreme::MAX];

/// An aggregate function.
#[derive(Debug)]
pub struct Function {
    /// What it is called.
    pub name: &'static str,
    /// What others call it, to suggest it by.
    pub synonyms: &'static [&'static str],
    /// Whether it can do without an argument.
    pub argument: Argument,
    /// What it gives, for the help.
    pub about: &'static str,
    /// Makes a column without groups.
    pub column: fn() -> Box<dyn Column>,
}

/// Whether a function takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// It may have one.
    Optional,
    /// It must have one.
    Required,
}

/// The state of one aggregate for all groups of a table, group by group.
///
/// A record is taken in two steps, so that a record that one aggregate refuses leaves no trace in
/// another: all columns first [`stage`](Column::stage) their value, and if all could, all
/// [`apply`](Column::apply) it.
pub trait Column: Send {
    /// Takes a record's value, without applying it yet. `group` is the record's group, where there
    /// is one already. An aggregate without an argument gets true for each record.
    ///
    /// # Errors
    /// When the value is none that the function takes.
    fn stage(&mut self, group: Option<usize>, value: &Value<'_>) -> Result<(), Misfit>;

    /// Applies the value staged last to `group`.
    fn apply(&mut self, group: usize);

    /// Adds a group, numbered in sequence.
    fn add_group(&mut self);

    /// Appends the result for `group` as JSON.
    fn write(&self, group: usize, out: &mut Vec<u8>);
}

/// A value that a function does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A number is needed.
    #[error("{0} is not a number")]
    NotANumber(String),
    /// A number or a text is needed.
    #[error("{0} is neither a number nor a text")]
    NotOrdered(String),
    /// The values before it were of the other kind.
    #[error("{value} is not a {others}, as the values before it in its group are")]
    Mixed {
        /// The value.
        value: String,
        /// What the others are.
        others: &'static str,
    },
    /// A number that a float cannot hold.
    #[error("{0} is {TooLarge}")]
    TooLarge(String),
}

/// A value as a message shows it.
pub(super) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => excerpt(text),
        Value::Number(text) if text.len() <= 40 => (*text).to_owned(),
        Value::Number(text) => excerpt(text),
        Value::Json(_) => format!("an {}", value.kind()),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
    }
}

impl Function {
    /// The function of this name.
    pub fn find(name: &str) -> Option<&'static Function> {
        FUNCTIONS.into_iter().find(|function| function.name == name)
    }

    /// The function that somebody who wrote `name` may have meant.
    pub fn nearest(name: &str) -> Option<&'static Function> {
        let name = name.to_ascii_lowercase();
        let called = |function: &&Function| {
            function.name == name || function.synonyms.contains(&name.as_str())
        };
        FUNCTIONS.into_iter().find(called).or_else(|| {
            let far = |function: &&'static Function| edits(&name, function.name);
            FUNCTIONS
                .into_iter()
                .min_by_key(far)
                .filter(|function| far(function) <= function.name.len() / 3)
        })
    }
}

/// How many letters must be added, dropped, changed, or swapped with their neighbour to turn `a`
/// into `b`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = rows[i][j] + usize::from(x != y);
            let mut least = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// What a function gives for these values in one group.
    pub fn reduced(function: &Function, values: &[Value<'_>]) -> String {
        let mut column = (function.column)();
        column.add_group();
        for value in values {
            column.stage(Some(0), value).unwrap();
            column.apply(0);
        }
        let mut out = Vec::new();
        column.write(0, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As [`reduced`], of numbers.
    pub fn reduced_numbers(function: &Function, numbers: &[&str]) -> String {
        let values: Vec<Value<'_>> = numbers.iter().map(|text| Value::Number(text)).collect();
        reduced(function, &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = FUNCTIONS
            .iter()
            .flat_map(|function| function.synonyms.iter().chain([&function.name]).copied())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_slip_is_understood() {
        for (slip, meant) in [
            ("avgg", "avg"),
            ("agv", "avg"),
            ("AVG", "avg"),
            ("mean", "avg"),
            ("cuont", "count"),
            ("counts", "count"),
            ("Sum", "sum"),
            ("mx", "max"),
        ] {
            assert_eq!(Function::nearest(slip).map(|f| f.name), Some(meant), "{slip}");
        }
        for nothing in ["", "a", "flights", "data", "summer", "x"] {
            assert!(Function::nearest(nothing).is_none(), "{nothing}");
        }
    }
}

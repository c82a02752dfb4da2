//! What an aggregate function is.
//!
//! A family of functions is one file: it has a [`Column`] and a [`Function`] each, and its lines in
//! [`super::catalog`]. The command line, the help and the group table know no function by name.

use std::any::Any;
use std::cell::Cell;

use crate::expr::Value;
use crate::record::number::{Number, TooLarge};
use crate::record::text::{excerpt, is_number};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;

/// An aggregate function.
#[derive(Debug)]
pub struct Function {
    /// What it is called.
    pub name: &'static str,
    /// Other names that it can be called by.
    pub aliases: &'static [&'static str],
    /// What others call it, to suggest it by.
    pub synonyms: &'static [&'static str],
    /// What it takes.
    pub argument: Argument,
    /// What it gives, for the help.
    pub about: &'static str,
    /// Whether its result is only defined for a window.
    pub needs_window: bool,
    /// Makes a column without groups.
    pub column: fn(Call) -> Box<dyn Column>,
}

/// What a function takes between its parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// An expression, or nothing.
    Optional,
    /// An expression.
    Required,
    /// An expression that is true or not, by the rule of `filter`.
    Condition,
    /// Two expressions: what to give, and what to decide by.
    Pair,
    /// An expression and a fraction from 0 to 1.
    Fraction,
    /// A number of values, and an expression.
    Count,
}

impl Argument {
    /// How it is written, for the help.
    pub fn shown(self) -> &'static str {
        match self {
            Argument::Optional => "[(EXPR)]",
            Argument::Required | Argument::Condition => "(EXPR)",
            Argument::Pair => "(EXPR; BY)",
            Argument::Fraction => "(EXPR; Q)",
            Argument::Count => "(K; EXPR)",
        }
    }
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// Whether it has no argument, so that it takes the records as such.
    pub bare: bool,
    /// The fraction or the count that it takes; 0 where it takes none.
    pub number: f64,
    /// Whether states of several columns are merged, so that all that needs it keeps its arrival.
    pub merges: bool,
}

/// What a result may depend on beside the records.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scope {
    /// How long the window is, in seconds; none without windows.
    pub seconds: Option<f64>,
    /// Whether there is a result although the group has no record: sums are 0 then, not null.
    pub is_filled: bool,
}

impl Scope {
    /// That of a window.
    pub fn of(window: Interval) -> Scope {
        let ms = i128::from(window.end_ms) - i128::from(window.start_ms);
        Scope { seconds: Some(ms as f64 / 1_000.0), is_filled: false }
    }
}

/// The state of one aggregate for all groups of a table, group by group.
///
/// A record is taken in two steps, so that a record that one aggregate refuses leaves no trace in
/// another: all columns first [`stage`](Column::stage) their value, and if all could, all
/// [`apply`](Column::apply) it.
///
/// Null is left out by every function: it is also what a column gets for a record that its
/// condition leaves out.
pub trait Column: Any + Send {
    /// Takes a record's value, without applying it yet. `group` is the record's group, where there
    /// is one already. An aggregate without an argument gets true for each record.
    ///
    /// # Errors
    /// When the value is none that the function takes.
    fn stage(&mut self, group: Option<usize>, input: &Input<'_>) -> Result<(), TypeError>;

    /// Takes the value of the second expression, for functions that have two; it comes after the
    /// first.
    ///
    /// # Errors
    /// As [`Column::stage`].
    fn stage_by(&mut self, group: Option<usize>, input: &Input<'_>) -> Result<(), TypeError> {
        let _ = (group, input);
        Ok(())
    }

    /// Applies the value staged last to `group`. `arrival` is the record's number in the stream,
    /// which rises from record to record: it tells which came first when states are merged.
    fn apply(&mut self, group: usize, arrival: u64);

    /// Makes room for so many groups more.
    fn reserve(&mut self, groups: usize);

    /// Adds a group, numbered in sequence.
    fn add_group(&mut self);

    /// Puts a group back to what it was when it was added.
    fn clear(&mut self, group: usize);

    /// Adds the state of group `from` of `other`, a column of the same call that merges, to
    /// `group`. The result is as if one column had taken the records of both in the order in which
    /// they arrived, but for the rounding of floats.
    fn merge(&mut self, group: usize, other: &dyn Column, from: usize);

    /// Appends the result for `group` as JSON; the state goes on, though its values may stand in
    /// another order.
    fn write(&mut self, group: usize, scope: Scope, out: &mut Vec<u8>);

    /// The number that the result for `group` is, where it need not be written to know that.
    fn number(&self, group: usize, scope: Scope) -> Option<Number> {
        let _ = (group, scope);
        None
    }

    /// Whether results may be arrays or objects.
    fn nests(&self) -> bool {
        false
    }

    /// Saves the state of `group`.
    fn save(&self, group: usize, to: &mut Writer);

    /// Adds a group, numbered in sequence, whose state [`Column::save`] of a column of the same
    /// call saved. It continues as that would have, to the last digit of floats.
    ///
    /// # Errors
    /// When it is no such state. The column has the group or has not: it is of no use any more.
    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError>;

    /// Whether a state holds all the values that it was made of, so that to merge it takes as long
    /// as there are of them.
    fn holds_values(&self) -> bool {
        false
    }

    /// About how many bytes the states take; told at once, without a visit of the groups.
    fn bytes(&self) -> usize;
}

/// The states of `other`, if it is a column of the type `C`; columns are only merged with columns
/// of the same call.
pub(in crate::aggregate) fn same<C: Column>(other: &dyn Column) -> Option<&C> {
    (other as &dyn Any).downcast_ref()
}

/// The value of an expression; its number is read once for all functions that need it.
pub struct Input<'a> {
    /// The value.
    pub value: Value<'a>,
    number: Cell<Option<Result<Number, TooLarge>>>,
}

impl<'a> Input<'a> {
    /// A value.
    pub fn new(value: Value<'a>) -> Input<'a> {
        Input { value, number: Cell::new(None) }
    }

    /// The number that the value is; none for null.
    ///
    /// # Errors
    /// When it is something else, or beyond the floats.
    #[inline]
    pub fn number(&self) -> Result<Option<Number>, TypeError> {
        let Value::Number(spelling) = self.value else { return self.no_number() };
        let number = self.number.get().unwrap_or_else(|| Number::parse(spelling));
        self.number.set(Some(number));
        number.map(Some).map_err(|TooLarge| TypeError::TooLarge(show(&self.value)))
    }

    #[cold]
    fn no_number(&self) -> Result<Option<Number>, TypeError> {
        match self.value {
            Value::Null => Ok(None),
            Value::Text(text) if is_number(text.as_bytes()) => {
                Err(TypeError::Quoted(show(&self.value)))
            }
            _ => Err(TypeError::NotANumber(show(&self.value))),
        }
    }
}

/// A value that a function does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// A number is needed.
    #[error("{0} is not a number")]
    NotANumber(String),
    /// A number is needed, and this is the text of one.
    #[error("{0} is a string, not a number; convert it: .field | tonumber")]
    Quoted(String),
    /// A number or a text is needed.
    #[error("{0} is neither a number nor a string")]
    NotOrdered(String),
    /// The values before it were of the other kind.
    #[error("{value} is not a {others}, as earlier values of its group are")]
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
pub(in crate::aggregate) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => excerpt(text),
        Value::Number(text) if text.len() <= 40 => (*text).to_owned(),
        Value::Number(text) => excerpt(text),
        Value::Json(_) => format!("an {}", value.kind()),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
    }
}

#[cfg(test)]
pub(in crate::aggregate) mod testing {
    use super::*;

    /// A column of one group that has taken these values.
    pub fn column_of(function: &Function, number: f64, values: &[Value<'_>]) -> Box<dyn Column> {
        column_of_numbered(function, number, values.iter().copied().zip(0..))
    }

    /// A column of one group that has taken these values, each with its arrival.
    pub fn column_of_numbered<'a>(
        function: &Function,
        number: f64,
        values: impl Iterator<Item = (Value<'a>, u64)>,
    ) -> Box<dyn Column> {
        let mut column = (function.column)(Call { bare: false, number, merges: true });
        column.add_group();
        for (value, arrival) in values {
            column.stage(Some(0), &Input::new(value)).unwrap();
            column.apply(0, arrival);
        }
        column
    }

    /// What a column gives for its group.
    pub fn written(column: &mut dyn Column) -> String {
        let mut out = Vec::new();
        column.write(0, Scope { seconds: Some(10.0), ..Scope::default() }, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What a function gives for these values in one group.
    pub fn reduced(function: &Function, values: &[Value<'_>]) -> String {
        written(&mut *column_of(function, 0.0, values))
    }

    /// As [`reduced`], of numbers.
    pub fn reduced_numbers(function: &Function, numbers: &[&str]) -> String {
        reduced(function, &numbers_of(numbers))
    }

    /// These numbers as values.
    pub fn numbers_of<'a>(numbers: &[&'a str]) -> Vec<Value<'a>> {
        numbers.iter().map(|text| Value::Number(text)).collect()
    }

    /// What a function gives if the values are shared out to two states at `at`, which are merged.
    pub fn merged(function: &Function, number: f64, values: &[Value<'_>], at: usize) -> String {
        let (front, back) = values.split_at(at.min(values.len()));
        let mut column = column_of(function, number, front);
        let back = back.iter().copied().zip(front.len() as u64..);
        column.merge(0, &*column_of_numbered(function, number, back), 0);
        written(&mut *column)
    }

    /// Why a function does not take a value as the first of a group.
    pub fn refused(function: &Function, value: Value<'_>) -> Option<String> {
        let mut column = (function.column)(Call { bare: false, number: 0.0, merges: false });
        column.stage(None, &Input::new(value)).err().map(|type_error| type_error.to_string())
    }
}

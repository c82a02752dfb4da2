//! From the values of a record to the columns that take them.

use super::emit::{KEY_SEPARATOR, Layout};
use super::fault::Fault;
use super::function::{Call, Column, Function, Input};
use super::number::write_identity;
use super::spec::{AggregateSpec, GroupSpec};
use super::table::Table;
use crate::expr::{Loaded, RecordError, Value};

/// Which of a record's values make its group's key, and into which columns the others go.
pub(super) struct Wiring {
    pub(super) groups: Vec<GroupSpec>,
    pub(super) aggregates: Vec<AggregateSpec>,
    /// The arguments, each evaluated once.
    pub(super) steps: Vec<Step>,
    /// The columns that take the records as such.
    pub(super) bare: Vec<usize>,
    /// Which of the conditions each column has.
    pub(super) conditions: Vec<Option<usize>>,
    /// The conditions, each evaluated once: its expression, and whether the record in hand meets
    /// it.
    pub(super) met: Vec<(usize, bool)>,
}

/// A value and the columns that take it.
pub(super) struct Step {
    pub(super) source: Source,
    pub(super) takers: Vec<Taker>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Expression(usize),
    /// The record itself, as it is spelled.
    Record,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taker {
    pub(super) column: usize,
    /// Whether the value is the one to decide by.
    pub(super) by: bool,
}

impl Wiring {
    /// The fields of the results.
    pub fn layout(&self) -> Layout {
        Layout::new(self.groups.iter().map(|group| group.name.as_str()), self.aggregate_names())
    }

    /// What the aggregates are called.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        self.aggregates.iter().map(|aggregate| aggregate.name.as_str())
    }

    /// What makes columns and tables for the results.
    pub(super) fn maker(&self) -> Maker {
        Maker(self.aggregates.iter().map(|one| (one.function, one.call)).collect())
    }

    /// Columns without groups, one an aggregate; see [`Maker::columns`].
    pub(super) fn columns(&self, merges: bool) -> Vec<Box<dyn Column>> {
        self.maker().columns(merges)
    }

    /// The first aggregate that is only defined for windows, as the user wrote it.
    pub fn needs_windows(&self) -> Option<&str> {
        let one = self.aggregates.iter().find(|one| one.function.needs_window)?;
        Some(&one.text)
    }

    /// Whether the results are grouped at all.
    pub fn is_grouped(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The specification whose result would be called `name`, as the user wrote it.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        names(&self.groups, &self.aggregates)
            .find(|(other, _)| *other == name)
            .map(|(_, text)| text)
    }

    /// Appends the group key of a record: the values as JSON, with equal numbers spelled the same.
    pub(super) fn write_key(
        &self,
        record: &mut Loaded<'_, '_>,
        key: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                key.push(KEY_SEPARATOR);
            }
            if let Some(string) = record.plain_string(at) {
                key.extend_from_slice(string);
                continue;
            }
            match record.value(at) {
                Ok(value) => write_identity(&value, key),
                Err(error) => return Err(Fault::Expression { text: group.text.clone(), error }),
            }
        }
        Ok(())
    }

    /// Has all columns stage a record's values.
    pub(super) fn stage(
        &mut self,
        group: Option<usize>,
        record: &mut Loaded<'_, '_>,
        columns: &mut [Box<dyn Column>],
    ) -> Result<(), Fault> {
        self.check_conditions(record)?;
        for step in &self.steps {
            let takes = |taker: &Taker| meets(&self.conditions, &self.met, taker.column);
            let value = match step.source {
                // What nobody takes may well be what the condition is to keep away.
                _ if !step.takers.iter().any(takes) => Value::Null,
                Source::Record => whole(record.record())?,
                Source::Expression(at) => record.value(at).map_err(|error| {
                    let first = step.takers.first().map(|taker| taker.column);
                    Fault::Expression { text: text_at(&self.aggregates, first), error }
                })?,
            };
            let input = Input::new(value);
            for taker in &step.takers {
                let none = Input::new(Value::Null);
                let input = if takes(taker) { &input } else { &none };
                stage_one(columns, *taker, group, input, &self.aggregates)?;
            }
        }
        for column in &self.bare {
            let taken = meets(&self.conditions, &self.met, *column);
            let input = Input::new(if taken { Value::Bool(true) } else { Value::Null });
            let taker = Taker { column: *column, by: false };
            stage_one(columns, taker, group, &input, &self.aggregates)?;
        }
        Ok(())
    }

    fn check_conditions(&mut self, record: &mut Loaded<'_, '_>) -> Result<(), Fault> {
        for (at, (expression, met)) in self.met.iter_mut().enumerate() {
            *met = record.truth(*expression).map_err(|error| {
                let first = self.conditions.iter().position(|one| *one == Some(at));
                Fault::Expression { text: text_at(&self.aggregates, first), error }
            })?;
        }
        Ok(())
    }
}

/// Makes columns and tables.
pub(super) struct Maker(Vec<(&'static Function, Call)>);

impl Maker {
    /// Columns without groups, one an aggregate; those that `merge` may be merged with others.
    pub(super) fn columns(&self, merges: bool) -> Vec<Box<dyn Column>> {
        let column = |(function, call): &(&'static Function, Call)| {
            (function.column)(Call { merges, ..*call })
        };
        self.0.iter().map(column).collect()
    }

    /// A table without groups; one that `merges` may be merged with others.
    pub(super) fn table(&self, merges: bool) -> Table {
        Table::new(self.columns(merges), merges)
    }
}

fn whole(record: &[u8]) -> Result<Value<'_>, Fault> {
    let text = str::from_utf8(record.trim_ascii()).map_err(RecordError::eval)?;
    Ok(Value::Json(text))
}

/// Whether a column takes the record in hand.
fn meets(conditions: &[Option<usize>], met: &[(usize, bool)], column: usize) -> bool {
    let condition = conditions.get(column).copied().flatten().and_then(|at| met.get(at));
    condition.is_none_or(|(_, met)| *met)
}

fn stage_one(
    columns: &mut [Box<dyn Column>],
    taker: Taker,
    group: Option<usize>,
    input: &Input<'_>,
    aggregates: &[AggregateSpec],
) -> Result<(), Fault> {
    let Some(column) = columns.get_mut(taker.column) else { return Ok(()) };
    let staged = match taker.by {
        false => column.stage(group, input),
        true => column.stage_by(group, input),
    };
    staged.map_err(|misfit| Fault::Misfit { text: text_at(aggregates, Some(taker.column)), misfit })
}

fn text_at(aggregates: &[AggregateSpec], at: Option<usize>) -> String {
    at.and_then(|at| aggregates.get(at)).map(|aggregate| aggregate.text.clone()).unwrap_or_default()
}

/// The fields of the results, each with what the user wrote for it.
pub(super) fn names<'a>(
    groups: &'a [GroupSpec],
    aggregates: &'a [AggregateSpec],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let groups = groups.iter().map(|group| (group.name.as_str(), group.text.as_str()));
    let aggregates = aggregates.iter().map(|one| (one.name.as_str(), one.text.as_str()));
    groups.chain(aggregates)
}

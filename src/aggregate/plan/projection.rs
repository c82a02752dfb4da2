//! From the values of a record to the columns that take them.

use super::spec::{AggregateSpec, GroupSpec};
use crate::aggregate::fault::Fault;
use crate::aggregate::functions::function::{Column, Input};
use crate::aggregate::output::emit::{KEY_SEPARATOR, Layout};
use crate::aggregate::table::ColumnFactory;
use crate::expr::{ParsedRecord, RecordError, Value};
use crate::state::Writer;

/// Which of a record's values make its group's key, and into which columns the others go.
pub(in crate::aggregate) struct Projection {
    pub(in crate::aggregate) groups: Vec<GroupSpec>,
    pub(in crate::aggregate) aggregates: Vec<AggregateSpec>,
    /// The arguments, each evaluated once.
    pub(in crate::aggregate) steps: Vec<Step>,
    /// The columns that take the records as such.
    pub(in crate::aggregate) bare: Vec<usize>,
    /// Which of the conditions each column has.
    pub(in crate::aggregate) conditions: Vec<Option<usize>>,
    /// The conditions, each evaluated once: its expression, and whether the record in hand meets
    /// it.
    pub(in crate::aggregate) met: Vec<(usize, bool)>,
}

/// A value and the columns that take it.
pub(in crate::aggregate) struct Step {
    pub(in crate::aggregate) source: Source,
    pub(in crate::aggregate) bindings: Vec<Binding>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) enum Source {
    /// The only result of an expression.
    Expression(usize),
    /// Whether any result of an expression is neither false nor null.
    Truth(usize),
    /// The record itself, as it is spelled.
    Record,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) struct Binding {
    pub(in crate::aggregate) column: usize,
    /// Whether the value is the one to decide by.
    pub(in crate::aggregate) by: bool,
}

impl Projection {
    /// The fields of the results.
    pub fn layout(&self) -> Layout {
        Layout::new(self.groups.iter().map(|group| group.name.as_str()), self.aggregate_names())
    }

    /// What the aggregates are called.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        self.aggregates.iter().map(|aggregate| aggregate.name.as_str())
    }

    /// What makes columns and tables for the results.
    pub(in crate::aggregate) fn factory(&self) -> ColumnFactory {
        ColumnFactory::new(self.aggregates.iter().map(|one| (one.function, one.call)))
    }

    /// Columns without groups, one an aggregate; see [`ColumnFactory::columns`].
    pub(in crate::aggregate) fn columns(&self, merges: bool) -> Vec<Box<dyn Column>> {
        self.factory().columns(merges)
    }

    /// Saves all that states depend on: what groups are by, and what is aggregated how. Names of
    /// results may change.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_len(self.groups.len());
        self.groups.iter().for_each(|group| to.put_bytes(group.expression.as_bytes()));
        to.put_len(self.aggregates.len());
        for aggregate in &self.aggregates {
            to.put_bytes(aggregate.function.name.as_bytes());
            to.put_f64(aggregate.call.number);
            for expression in [&aggregate.argument, &aggregate.by, &aggregate.condition] {
                to.put_option(expression.as_deref(), |to, text| to.put_bytes(text.as_bytes()));
            }
        }
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

    /// The specification whose result would be called `name`.
    pub fn named(&self, name: &str) -> Option<Named<'_>> {
        names(&self.groups, &self.aggregates).find(|one| one.name == name)
    }

    /// Appends the group key of a record: the values as JSON, with equal numbers spelled the same.
    pub(in crate::aggregate) fn write_key(
        &self,
        record: &mut ParsedRecord<'_, '_>,
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
                Ok(value) => value.write_identity(key),
                Err(error) => return Err(Fault::Expression { text: group.text.clone(), error }),
            }
        }
        Ok(())
    }

    /// Whether it is plain that neither a group nor a column refuses the record: where all that
    /// they take are short numbers, and strings as keys, as it mostly is.
    pub(in crate::aggregate) fn is_fit(&self, record: &ParsedRecord<'_, '_>) -> bool {
        // Without an exponent, and so none that is beyond the floats.
        let is_short = |number: &[u8]| number.len() <= 18 && number.iter().all(|byte| *byte < b'A');
        let is_number = |at: usize| record.plain_number(at).is_some_and(is_short);
        let is_value = |step: &Step| match step.source {
            Source::Expression(at) => is_number(at),
            Source::Truth(_) | Source::Record => false,
        };
        self.met.is_empty()
            && (0..self.groups.len()).all(|at| record.plain_string(at).is_some() || is_number(at))
            && self.steps.iter().all(is_value)
    }

    /// Has all columns stage a record's values.
    pub(in crate::aggregate) fn stage(
        &mut self,
        group: Option<usize>,
        record: &mut ParsedRecord<'_, '_>,
        columns: &mut [Box<dyn Column>],
    ) -> Result<(), Fault> {
        self.check_conditions(record)?;
        for step in &self.steps {
            let takes = |binding: &Binding| meets(&self.conditions, &self.met, binding.column);
            let value = match step.source {
                // What nobody takes may well be what the condition is to keep away.
                _ if !step.bindings.iter().any(takes) => Value::Null,
                Source::Record => whole(record.record())?,
                Source::Expression(at) => record
                    .value(at)
                    .map_err(|error| expression_fault(step, &self.aggregates, error))?,
                Source::Truth(at) => record
                    .truth(at)
                    .map(Value::Bool)
                    .map_err(|error| expression_fault(step, &self.aggregates, error))?,
            };
            let input = Input::new(value);
            for binding in &step.bindings {
                let none = Input::new(Value::Null);
                let input = if takes(binding) { &input } else { &none };
                stage_one(columns, *binding, group, input, &self.aggregates)?;
            }
        }
        for column in &self.bare {
            let taken = meets(&self.conditions, &self.met, *column);
            let input = Input::new(if taken { Value::Bool(true) } else { Value::Null });
            let binding = Binding { column: *column, by: false };
            stage_one(columns, binding, group, &input, &self.aggregates)?;
        }
        Ok(())
    }

    fn check_conditions(&mut self, record: &mut ParsedRecord<'_, '_>) -> Result<(), Fault> {
        for (at, (expression, met)) in self.met.iter_mut().enumerate() {
            *met = record.truth(*expression).map_err(|error| {
                let first = self.conditions.iter().position(|one| *one == Some(at));
                Fault::Expression { text: text_at(&self.aggregates, first), error }
            })?;
        }
        Ok(())
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
    binding: Binding,
    group: Option<usize>,
    input: &Input<'_>,
    aggregates: &[AggregateSpec],
) -> Result<(), Fault> {
    let Some(column) = columns.get_mut(binding.column) else { return Ok(()) };
    let staged = match binding.by {
        false => column.stage(group, input),
        true => column.stage_by(group, input),
    };
    staged.map_err(|type_error| Fault::TypeError {
        text: text_at(aggregates, Some(binding.column)),
        type_error,
    })
}

fn expression_fault(step: &Step, aggregates: &[AggregateSpec], error: RecordError) -> Fault {
    let first = step.bindings.first().map(|binding| binding.column);
    Fault::Expression { text: text_at(aggregates, first), error }
}

fn text_at(aggregates: &[AggregateSpec], at: Option<usize>) -> String {
    at.and_then(|at| aggregates.get(at)).map(|aggregate| aggregate.text.clone()).unwrap_or_default()
}

/// A field of the results, and where its name is from.
#[derive(Clone, Copy)]
pub(in crate::aggregate) struct Named<'a> {
    pub(in crate::aggregate) name: &'a str,
    /// What the user wrote for it.
    pub(in crate::aggregate) text: &'a str,
    /// The same without the name.
    pub(in crate::aggregate) unnamed: &'a str,
}

/// The fields of the results.
pub(in crate::aggregate) fn names<'a>(
    groups: &'a [GroupSpec],
    aggregates: &'a [AggregateSpec],
) -> impl Iterator<Item = Named<'a>> {
    let groups = groups.iter().map(|group| Named {
        name: &group.name,
        text: &group.text,
        unnamed: group.expression.trim_start(),
    });
    let aggregates = aggregates.iter().map(|one| Named {
        name: &one.name,
        text: &one.text,
        unnamed: &one.unnamed,
    });
    groups.chain(aggregates)
}

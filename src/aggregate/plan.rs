//! From what the user wrote to what is evaluated: one program for all expressions.

use super::emit::{KEY_SEPARATOR, Layout};
use super::fault::Fault;
use super::function::{Call, Column, Function, Input};
use super::number::write_canonical;
use super::spec::{AggregateSpec, GroupSpec};
use super::table::Table;
use crate::expr::{ExprError, Program, RecordError, Value};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};

/// Why the specifications do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to compute.
    #[error("there is no aggregate to compute")]
    Nothing,
    /// An expression does not compile.
    #[error("{text}: {error}")]
    Expression {
        /// The specification that it is in, as the user wrote it.
        text: String,
        /// What is wrong with it.
        error: ExprError,
    },
    /// Two results would get the same field.
    #[error("'{one}' and '{other}' would both be called '{name}'; name one of them: NAME={other}")]
    Clash {
        /// One of them, as the user wrote it.
        one: String,
        /// The other.
        other: String,
        /// The field.
        name: String,
    },
}

/// What is evaluated for each record, and into which columns it goes.
pub struct Plan {
    /// The record's expressions: those of `sources`, and its event time, or the ends of its window
    /// or slice.
    pub(super) program: Program,
    /// Groups, arguments, conditions.
    sources: Vec<String>,
    groups: Vec<GroupSpec>,
    aggregates: Vec<AggregateSpec>,
    /// The arguments, each evaluated once.
    steps: Vec<Step>,
    /// The columns that take the records as such.
    bare: Vec<usize>,
    /// Which of the conditions each column has.
    conditions: Vec<Option<usize>>,
    /// The conditions, each evaluated once: its expression, and whether the record in hand meets
    /// it.
    met: Vec<(usize, bool)>,
    /// Whether the expression behind them all is that for the event time.
    has_time: bool,
}

/// A value and the columns that take it.
struct Step {
    source: Source,
    takers: Vec<Taker>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Expression(usize),
    /// The record itself, as it is spelled.
    Record,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taker {
    column: usize,
    /// Whether the value is the one to decide by.
    by: bool,
}

/// Expressions to compile, each with the specification that it is from.
struct Sources<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Sources<'a> {
    /// The place of an expression behind the first `before`, which is added if it is not there.
    fn place(&mut self, expression: &'a str, text: &'a str, before: usize) -> usize {
        let behind = self.0.iter().skip(before);
        let known = behind.clone().position(|(other, _)| *other == expression);
        known.map_or_else(
            || {
                self.0.push((expression, text));
                self.0.len() - 1
            },
            |at| before + at,
        )
    }
}

impl Plan {
    /// Compiles the expressions and checks the names.
    ///
    /// # Errors
    /// When there is nothing to compute, an expression is wrong, or names clash.
    pub fn new(groups: Vec<GroupSpec>, aggregates: Vec<AggregateSpec>) -> Result<Plan, PlanError> {
        Plan::with_time(groups, aggregates, None)
    }

    /// As [`Plan::new`]; `time`, which compiles, is evaluated too, in place of what a record says
    /// of its window.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn with_time(
        groups: Vec<GroupSpec>,
        aggregates: Vec<AggregateSpec>,
        time: Option<&str>,
    ) -> Result<Plan, PlanError> {
        if aggregates.is_empty() {
            return Err(PlanError::Nothing);
        }
        check_names(&groups, &aggregates)?;
        let grouped = groups.iter().map(|group| (group.expression.as_str(), group.text.as_str()));
        let mut sources = Sources(grouped.collect());
        let steps = steps(&aggregates, &mut sources, groups.len());
        let arguments_end = sources.0.len();
        let mut conditions = Vec::new();
        for aggregate in &aggregates {
            let place = |one| sources.place(one, &aggregate.text, arguments_end) - arguments_end;
            conditions.push(aggregate.condition.as_deref().map(place));
        }
        let expressions = sources.0.iter().map(|(expression, _)| (*expression).to_owned());
        let expressions: Vec<String> = expressions.collect();
        let program = compile(&expressions, time.as_slice()).map_err(|error| {
            let text = sources.0.get(error.index).map_or("", |(_, text)| text).to_owned();
            PlanError::Expression { text, error }
        })?;
        let bare = |(_, one): &(usize, &AggregateSpec)| one.argument.is_none();
        let bare = aggregates.iter().enumerate().filter(bare).map(|(at, _)| at).collect();
        let met = (arguments_end..expressions.len()).map(|expression| (expression, false));
        Ok(Plan {
            program,
            sources: expressions,
            met: met.collect(),
            has_time: time.is_some(),
            steps,
            bare,
            conditions,
            groups,
            aggregates,
        })
    }

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

    /// Appends the group key of the loaded record: the values as JSON, with equal numbers spelled
    /// the same.
    pub(super) fn write_key(&mut self, key: &mut Vec<u8>) -> Result<(), Fault> {
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                key.push(KEY_SEPARATOR);
            }
            match self.program.value(at) {
                Ok(value) => write_identity(&value, key),
                Err(error) => return Err(Fault::Expression { text: group.text.clone(), error }),
            }
        }
        Ok(())
    }

    /// Has all columns stage the loaded record's values; `record` is its bytes.
    pub(super) fn stage(
        &mut self,
        group: Option<usize>,
        record: &[u8],
        columns: &mut [Box<dyn Column>],
    ) -> Result<(), Fault> {
        self.check_conditions()?;
        for step in &self.steps {
            let takes = |taker: &Taker| meets(&self.conditions, &self.met, taker.column);
            let value = match step.source {
                // What nobody takes may well be what the condition is to keep away.
                _ if !step.takers.iter().any(takes) => Value::Null,
                Source::Record => whole(record)?,
                Source::Expression(at) => self.program.value(at).map_err(|error| {
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

    fn check_conditions(&mut self) -> Result<(), Fault> {
        for (at, (expression, met)) in self.met.iter_mut().enumerate() {
            *met = self.program.truth(*expression).map_err(|error| {
                let first = self.conditions.iter().position(|one| *one == Some(at));
                Fault::Expression { text: text_at(&self.aggregates, first), error }
            })?;
        }
        Ok(())
    }

    /// The expression for the record's event time, if there is one.
    pub(super) fn time_expression(&self) -> Option<usize> {
        self.has_time.then_some(self.sources.len())
    }

    /// Whether results may depend on what is added to records to tell their windows.
    pub fn reads_windows(&self) -> bool {
        let fields = [WINDOW_FIELDS, SLICE_FIELDS];
        let reads = |path: &String| {
            path == "." || fields.as_flattened().iter().any(|field| path.contains(field))
        };
        let whole = self.steps.iter().any(|step| step.source == Source::Record);
        whole || self.program.explain().reads.is_none_or(|paths| paths.iter().any(reads))
    }

    /// Has records read for the ends of their window or slice, which are in these fields, too.
    pub(super) fn read_pieces(&mut self, fields: [&str; 2]) {
        let ends = fields.map(|field| format!(".{field}"));
        // What compiled before does so with two fields behind it.
        if let Ok(program) = compile(&self.sources, &ends.each_ref().map(String::as_str)) {
            self.program = program;
        }
    }

    /// The expressions for the start and the end of the record's window or slice.
    pub(super) fn piece_expressions(&self) -> [usize; 2] {
        [self.sources.len(), self.sources.len() + 1]
    }
}

fn compile(sources: &[String], more: &[&str]) -> Result<Program, ExprError> {
    let all: Vec<&str> = sources.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Program::compile(&all)
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

/// Appends what all values have in common that count as the same: JSON, with equal numbers spelled
/// the same.
pub(super) fn write_identity(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Number(spelling) => write_canonical(spelling, out),
        value => value.write_json(out),
    }
}

/// The steps for the arguments of `aggregates`, whose expressions stand behind those of groups.
fn steps<'a>(
    aggregates: &'a [AggregateSpec],
    sources: &mut Sources<'a>,
    groups: usize,
) -> Vec<Step> {
    let mut steps = Vec::<Step>::new();
    // A column takes the value to decide by after the value to give.
    for by in [false, true] {
        for (column, aggregate) in aggregates.iter().enumerate() {
            let argument = if by { &aggregate.by } else { &aggregate.argument };
            let Some(argument) = argument else { continue };
            let source = match argument.as_str() {
                "." => Source::Record,
                argument => Source::Expression(sources.place(argument, &aggregate.text, groups)),
            };
            let taker = Taker { column, by };
            // A step of the second round must not join one of the first: its column might not have
            // its first value yet.
            let same = |step: &&mut Step| {
                step.source == source && step.takers.iter().all(|taker| taker.by == by)
            };
            match steps.iter_mut().find(same) {
                Some(step) => step.takers.push(taker),
                None => steps.push(Step { source, takers: vec![taker] }),
            }
        }
    }
    steps
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
fn names<'a>(
    groups: &'a [GroupSpec],
    aggregates: &'a [AggregateSpec],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let groups = groups.iter().map(|group| (group.name.as_str(), group.text.as_str()));
    let aggregates = aggregates.iter().map(|one| (one.name.as_str(), one.text.as_str()));
    groups.chain(aggregates)
}

fn check_names(groups: &[GroupSpec], aggregates: &[AggregateSpec]) -> Result<(), PlanError> {
    for (at, (name, other)) in names(groups, aggregates).enumerate() {
        let earlier = names(groups, aggregates).take(at).find(|(earlier, _)| *earlier == name);
        if let Some((_, one)) = earlier {
            let (one, other, name) = (one.to_owned(), other.to_owned(), name.to_owned());
            return Err(PlanError::Clash { one, other, name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(groups: &[&str], aggregates: &[&str]) -> Result<Plan, String> {
        Plan::new(
            groups.iter().map(|text| GroupSpec::parse(text).unwrap()).collect(),
            aggregates.iter().map(|text| AggregateSpec::parse(text).unwrap().unwrap()).collect(),
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn an_argument_is_evaluated_once() {
        let plan = plan(&[".g"], &["sum(.x)", "count", "avg(.y)", "max(.x)"]).unwrap();
        let of = |step: &Step| {
            (step.source, step.takers.iter().map(|taker| taker.column).collect::<Vec<_>>())
        };
        let steps: Vec<_> = plan.steps.iter().map(of).collect();
        let expected = [(Source::Expression(1), vec![0, 3]), (Source::Expression(2), vec![2])];
        assert_eq!(steps, expected);
        assert_eq!(plan.bare, [1]);
        assert_eq!(plan.piece_expressions(), [3, 4]);
    }

    #[test]
    fn a_condition_is_evaluated_once_and_the_record_is_no_expression() {
        let aggregates = [
            "a=count where .ok",
            "b=sum(.x) where .ok",
            "c=sum(.x) where .no",
            "last(.)",
            "arg_max(.; .x)",
        ];
        let plan = plan(&[], &aggregates).unwrap();
        assert_eq!(plan.conditions, [Some(0), Some(0), Some(1), None, None]);
        assert_eq!(plan.met, [(1, false), (2, false)]);
        let sources: Vec<Source> = plan.steps.iter().map(|step| step.source).collect();
        // The value to decide by is evaluated again, behind all values to give.
        assert_eq!(sources, [Source::Expression(0), Source::Record, Source::Expression(0)]);
        assert_eq!(plan.piece_expressions(), [3, 4]);
    }

    #[test]
    fn names_must_differ() {
        for (groups, aggregates, why) in [
            (
                vec![],
                vec!["count", "count"],
                "'count' and 'count' would both be called 'count'; name one of them: NAME=count",
            ),
            (
                vec![".count"],
                vec!["count"],
                "'.count' and 'count' would both be called 'count'; name one of them: NAME=count",
            ),
            (
                vec![".a.x", ".b.x"],
                vec!["count"],
                "'.a.x' and '.b.x' would both be called 'x'; name one of them: NAME=.b.x",
            ),
            (vec![], vec![], "there is no aggregate to compute"),
        ] {
            assert_eq!(plan(&groups, &aggregates).err().as_deref(), Some(why));
        }
    }

    #[test]
    fn a_wrong_expression_is_told_with_its_aggregate() {
        let error = plan(&[".g"], &["count", "x=sum(.a +)"]).err().unwrap();
        assert!(error.starts_with("x=sum(.a +): '.a +': "), "{error}");
        let error = plan(&["g=.["], &["count"]).err().unwrap();
        assert!(error.starts_with("g=.[: '.[': "), "{error}");
    }
}

//! From what the user wrote to what is evaluated: one program for all expressions.
//!
//! - [`spec`]: one aggregate or group as the user writes it;
//!   [`slip`]: what can be wrong with it.
//! - [`listed`]: groups that are listed by their fields.
//! - `projection`: which values of a record go into which columns.

pub mod listed;
pub(super) mod projection;
pub mod slip;
pub mod spec;

use super::fault::Fault;
use super::functions::function::Argument;
use super::plan::projection::{Binding, Projection, Source, Step, names};
use super::plan::spec::{AggregateSpec, GroupSpec};
use crate::expr::{ExprError, ParsedRecord, Presence, Program, Recall, Records};
use crate::record::lines::Lines;
use crate::record::reserved::is_reserved_key;
use crate::state::{Reader, StateError, Writer};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};

/// Why the specifications do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to compute.
    #[error("no aggregate is given")]
    Nothing,
    /// An expression does not compile.
    #[error("{text}: {error}")]
    Expression {
        /// The specification that it is in, as the user wrote it.
        text: String,
        /// What is wrong with it.
        error: ExprError,
    },
    /// A result would be called as control records begin.
    #[error("'{0}' would be called '@millstream', the key of control records; name it: NAME={0}")]
    Reserved(String),
    /// Two results would get the same field.
    #[error(
        "'{one}' and '{other}' would both be called '{name}'; give one of them another name, like \
         NAME={unnamed}"
    )]
    Clash {
        /// One of them, as the user wrote it.
        one: String,
        /// The other.
        other: String,
        /// The other without its name.
        unnamed: String,
        /// The field.
        name: String,
    },
}

/// What is evaluated for each record, and into which columns it goes.
pub struct Plan {
    pub(super) reading: Reading,
    pub(super) projection: Projection,
}

/// The expressions that are evaluated over records.
pub(super) struct Reading {
    /// Those of `sources`, and that for the event time, or for the ends of the window or slice.
    program: Program,
    /// Groups, arguments, conditions.
    sources: Vec<String>,
    /// Whether the expression behind them all is that for the event time.
    has_time: bool,
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
        check_conditions(&program, &steps, (arguments_end, &conditions), &aggregates)?;
        let bare = |(_, one): &(usize, &AggregateSpec)| one.argument.is_none();
        let bare = aggregates.iter().enumerate().filter(bare).map(|(at, _)| at).collect();
        let met = (arguments_end..expressions.len()).map(|expression| (expression, false));
        let reading = Reading { program, sources: expressions, has_time: time.is_some() };
        let met = met.collect();
        let projection = Projection { groups, aggregates, steps, bare, conditions, met };
        Ok(Plan { reading, projection })
    }

    /// What the aggregates are called.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        self.projection.aggregate_names()
    }

    /// What the fields of the results are called, beside those of the window.
    pub fn result_names(&self) -> impl Iterator<Item = &str> {
        let groups = self.projection.groups.iter().map(|group| group.name.as_str());
        groups.chain(self.aggregate_names())
    }

    /// Whether all that is evaluated is fast.
    pub fn is_fast(&self) -> bool {
        self.reading.program.explain().not_fast.is_none()
    }

    /// Notes in `presence` which of the fields that the expressions read are in the records.
    #[must_use]
    pub fn watched(mut self, presence: &Presence) -> Plan {
        self.reading.program.watch(presence);
        self
    }

    /// Whether results may depend on what is added to records to tell their windows.
    pub fn reads_windows(&self) -> bool {
        let fields = [WINDOW_FIELDS, SLICE_FIELDS];
        let reads = |path: &String| {
            path == "." || fields.as_flattened().iter().any(|field| path.contains(field))
        };
        let whole = self.projection.steps.iter().any(|step| step.source == Source::Record);
        let explained = self.reading.program.explain();
        whole || explained.reads.is_none_or(|paths| paths.iter().any(reads))
    }
}

impl Reading {
    /// Reads a record.
    pub(super) fn load<'t>(&mut self, record: &'t [u8]) -> Result<ParsedRecord<'_, 't>, Fault> {
        let record = self.program.load(record)?;
        if record.is_object() { Ok(record) } else { Err(Fault::NotAnObject) }
    }

    /// Saves which fields were in the records.
    pub(super) fn save(&self, to: &mut Writer) {
        self.program.save_presence(to);
    }

    /// Restores what [`Reading::save`] saved.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.program.restore_presence(from)
    }

    /// The text of expression `index`.
    pub(super) fn source(&self, index: usize) -> &str {
        self.program.source(index)
    }

    /// Reads records at the front of `lines`, as far as that can be done fast.
    pub(super) fn records<'p, 'l, 't>(
        &'p mut self,
        lines: &'l mut Lines<'t>,
    ) -> Records<'p, 'l, 't> {
        self.program.records(lines)
    }

    /// Looks in records for fields of these names, too.
    pub(super) fn seek<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.program.seek(names);
    }

    /// What reads records again, for the same expressions.
    pub(super) fn recall(&mut self) -> Recall<'_> {
        self.program.recall()
    }

    /// The expression for the record's event time, if there is one.
    pub(super) fn time_expression(&self) -> Option<usize> {
        self.has_time.then_some(self.sources.len())
    }

    /// Has the ends of records' windows or slices, which are in these fields, read too; gives the
    /// expressions for them.
    pub(super) fn read_fields(&mut self, fields: [&str; 2]) -> [usize; 2] {
        let ends = fields.map(|field| format!(".{field}"));
        // What compiled before does so with two fields behind it.
        if let Ok(program) = compile(&self.sources, &ends.each_ref().map(String::as_str)) {
            let mut before = std::mem::replace(&mut self.program, program);
            self.program.watch_on(&mut before);
        }
        [self.sources.len(), self.sources.len() + 1]
    }
}

fn compile(sources: &[String], more: &[&str]) -> Result<Program, ExprError> {
    let all: Vec<&str> = sources.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Program::compile(&all)
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
            let mut place = || sources.place(argument, &aggregate.text, groups);
            let source = match aggregate.function.argument {
                Argument::Condition => Source::Truth(place()),
                _ if argument == "." => Source::Record,
                _ => Source::Expression(place()),
            };
            let binding = Binding { column, by };
            // A step of the second round must not join one of the first: its column might not have
            // its first value yet.
            let same = |step: &&mut Step| {
                step.source == source && step.bindings.iter().all(|binding| binding.by == by)
            };
            match steps.iter_mut().find(same) {
                Some(step) => step.bindings.push(binding),
                None => steps.push(Step { source, bindings: vec![binding] }),
            }
        }
    }
    steps
}

/// Checks what must not hold for every record: the conditions of `where`, which stand behind the
/// expression `end`, and the arguments of aggregates that count what holds.
fn check_conditions(
    program: &Program,
    steps: &[Step],
    (end, conditions): (usize, &[Option<usize>]),
    aggregates: &[AggregateSpec],
) -> Result<(), PlanError> {
    let counted = steps.iter().filter_map(|step| match step.source {
        Source::Truth(place) => Some((place, step.bindings.first()?.column)),
        Source::Record | Source::Expression(_) => None,
    });
    let placed = conditions.iter().enumerate();
    let placed = placed.filter_map(|(column, place)| Some((end + (*place)?, column)));
    for (place, column) in counted.chain(placed) {
        program.check_condition(place).map_err(|error| {
            let text = aggregates.get(column).map_or("", |aggregate| &aggregate.text).to_owned();
            PlanError::Expression { text, error }
        })?;
    }
    Ok(())
}

fn check_names(groups: &[GroupSpec], aggregates: &[AggregateSpec]) -> Result<(), PlanError> {
    for (at, other) in names(groups, aggregates).enumerate() {
        if is_reserved_key(other.name) {
            return Err(PlanError::Reserved(other.unnamed.to_owned()));
        }
        let earlier = names(groups, aggregates).take(at).find(|one| one.name == other.name);
        if let Some(one) = earlier {
            return Err(PlanError::Clash {
                one: one.text.to_owned(),
                other: other.text.to_owned(),
                unnamed: other.unnamed.to_owned(),
                name: other.name.to_owned(),
            });
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
        let mut plan = plan(&[".g"], &["sum(.x)", "count", "avg(.y)", "max(.x)"]).unwrap();
        let of = |step: &Step| {
            (step.source, step.bindings.iter().map(|binding| binding.column).collect::<Vec<_>>())
        };
        let steps: Vec<_> = plan.projection.steps.iter().map(of).collect();
        let expected = [(Source::Expression(1), vec![0, 3]), (Source::Expression(2), vec![2])];
        assert_eq!(steps, expected);
        assert_eq!(plan.projection.bare, [1]);
        assert_eq!(plan.reading.read_fields(WINDOW_FIELDS), [3, 4]);
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
        let mut plan = plan(&[], &aggregates).unwrap();
        assert_eq!(plan.projection.conditions, [Some(0), Some(0), Some(1), None, None]);
        assert_eq!(plan.projection.met, [(1, false), (2, false)]);
        let sources: Vec<Source> = plan.projection.steps.iter().map(|step| step.source).collect();
        // The value to decide by is evaluated again, behind all values to give.
        assert_eq!(sources, [Source::Expression(0), Source::Record, Source::Expression(0)]);
        assert_eq!(plan.reading.read_fields(WINDOW_FIELDS), [3, 4]);
    }

    #[test]
    fn names_must_differ() {
        for (groups, aggregates, why) in [
            (
                vec![],
                vec!["count", "count"],
                "'count' and 'count' would both be called 'count'; give one of them another name, like NAME=count",
            ),
            (
                vec!["n=.count"],
                vec!["n=count"],
                "'n=.count' and 'n=count' would both be called 'n'; give one of them another name, like NAME=count",
            ),
            (
                vec![".count"],
                vec!["count"],
                "'.count' and 'count' would both be called 'count'; give one of them another name, like NAME=count",
            ),
            (
                vec![".a.x", ".b.x"],
                vec!["count"],
                "'.a.x' and '.b.x' would both be called 'x'; give one of them another name, like NAME=.b.x",
            ),
            (vec![], vec![], "no aggregate is given"),
        ] {
            assert_eq!(plan(&groups, &aggregates).err().as_deref(), Some(why));
        }
    }

    #[test]
    fn what_holds_for_every_record_is_no_condition() {
        for (aggregates, begins) in [
            (
                vec!["s=sum(.a = 1)", "n=count_if(.a = 1)"],
                "n=count_if(.a = 1): '.a = 1': '=' assigns",
            ),
            (vec!["n=count_if(500)"], "n=count_if(500): '500': a number is always true"),
            (vec!["n=count_if(.a or \"x\")"], "n=count_if(.a or \"x\"): '.a or \"x\"': a string"),
            (vec!["count", "n=sum(.b) where .a |= 1"], "n=sum(.b) where .a |= 1: '.a |= 1': an up"),
        ] {
            let error = plan(&[], &aggregates).err().unwrap_or_default();
            assert!(error.starts_with(begins), "{error}");
        }
        plan(&[], &["s=sum(.a = 1 | .a)", "m=count_if(.a == 1)", "n=count_if(true)"]).unwrap();
    }

    #[test]
    fn a_wrong_expression_is_told_with_its_aggregate() {
        let error = plan(&[".g"], &["count", "x=sum(.a +)"]).err().unwrap();
        assert!(error.starts_with("x=sum(.a +): '.a +': "), "{error}");
        let error = plan(&["g=.["], &["count"]).err().unwrap();
        assert!(error.starts_with("g=.[: '.[': "), "{error}");
    }
}

//! From what the user wrote to what is evaluated: one program for all expressions.

use super::emit::{KEY_SEPARATOR, Layout};
use super::fault::Fault;
use super::function::{Column, Function};
use super::number::write_canonical;
use super::spec::{AggregateSpec, GroupSpec};
use super::table::Table;
use crate::expr::{ExprError, Program, Value};
use crate::time::interval::{END_FIELD, START_FIELD};

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
    /// The record's expressions: groups, arguments, and the ends of the record's window.
    pub(super) program: Program,
    groups: Vec<GroupSpec>,
    aggregates: Vec<AggregateSpec>,
    /// The arguments, each evaluated once.
    steps: Vec<Step>,
    /// The columns that take the records as such.
    bare: Vec<usize>,
}

/// An expression and the columns that take its value.
struct Step {
    expression: usize,
    columns: Vec<usize>,
}

impl Plan {
    /// Compiles the expressions and checks the names.
    ///
    /// # Errors
    /// When there is nothing to compute, an expression is wrong, or names clash.
    pub fn new(groups: Vec<GroupSpec>, aggregates: Vec<AggregateSpec>) -> Result<Plan, PlanError> {
        if aggregates.is_empty() {
            return Err(PlanError::Nothing);
        }
        check_names(&groups, &aggregates)?;
        let grouped = groups.iter().map(|group| (group.expression.as_str(), group.text.as_str()));
        // Each expression with the specification that it is from.
        let mut sources: Vec<(&str, &str)> = grouped.collect();
        let (mut steps, mut bare) = (Vec::<Step>::new(), Vec::new());
        for (column, aggregate) in aggregates.iter().enumerate() {
            let Some(argument) = &aggregate.argument else {
                bare.push(column);
                continue;
            };
            let same =
                |step: &&mut Step| sources.get(step.expression).is_some_and(|(e, _)| e == argument);
            if let Some(step) = steps.iter_mut().find(same) {
                step.columns.push(column);
            } else {
                steps.push(Step { expression: sources.len(), columns: vec![column] });
                sources.push((argument, &aggregate.text));
            }
        }
        let window = [START_FIELD, END_FIELD].map(|field| format!(".{field}"));
        let expressions = sources.iter().map(|(expression, _)| *expression);
        let all: Vec<&str> = expressions.chain(window.iter().map(String::as_str)).collect();
        let program = Program::compile(&all).map_err(|error| {
            let text = sources.get(error.index).map_or("", |(_, text)| text).to_owned();
            PlanError::Expression { text, error }
        })?;
        Ok(Plan { program, groups, aggregates, steps, bare })
    }

    /// The fields of the results.
    pub fn layout(&self) -> Layout {
        Layout::new(
            self.groups.iter().map(|group| group.name.as_str()),
            self.aggregates.iter().map(|aggregate| aggregate.name.as_str()),
        )
    }

    /// A table without groups.
    pub fn table(&self) -> Table {
        Table::new(self.functions())
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
                Ok(Value::Number(spelling)) => write_canonical(spelling, key),
                Ok(value) => value.write_json(key),
                Err(error) => return Err(Fault::Expression { text: group.text.clone(), error }),
            }
        }
        Ok(())
    }

    /// Has all columns stage the loaded record's values.
    pub(super) fn stage(
        &mut self,
        group: Option<usize>,
        columns: &mut [Box<dyn Column>],
    ) -> Result<(), Fault> {
        for step in &self.steps {
            let value = self.program.value(step.expression).map_err(|error| Fault::Expression {
                text: text_at(&self.aggregates, step.columns.first()),
                error,
            })?;
            for at in &step.columns {
                stage_one(columns, *at, group, &value, &self.aggregates)?;
            }
        }
        for at in &self.bare {
            stage_one(columns, *at, group, &Value::Bool(true), &self.aggregates)?;
        }
        Ok(())
    }

    /// The expressions for the start and the end of the record's window.
    pub(super) fn window_expressions(&self) -> [usize; 2] {
        let start = self.groups.len() + self.steps.len();
        [start, start + 1]
    }

    fn functions(&self) -> impl Iterator<Item = &Function> {
        self.aggregates.iter().map(|aggregate| aggregate.function)
    }
}

fn stage_one(
    columns: &mut [Box<dyn Column>],
    at: usize,
    group: Option<usize>,
    value: &Value<'_>,
    aggregates: &[AggregateSpec],
) -> Result<(), Fault> {
    let Some(column) = columns.get_mut(at) else { return Ok(()) };
    column
        .stage(group, value)
        .map_err(|misfit| Fault::Misfit { text: text_at(aggregates, Some(&at)), misfit })
}

fn text_at(aggregates: &[AggregateSpec], at: Option<&usize>) -> String {
    at.and_then(|at| aggregates.get(*at))
        .map(|aggregate| aggregate.text.clone())
        .unwrap_or_default()
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
        let steps: Vec<(usize, &[usize])> =
            plan.steps.iter().map(|step| (step.expression, step.columns.as_slice())).collect();
        assert_eq!(steps, [(1, [0, 3].as_slice()), (2, &[2])]);
        assert_eq!(plan.bare, [1]);
        assert_eq!(plan.window_expressions(), [3, 4]);
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

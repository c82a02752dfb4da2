//! What the options of `aggregate` choose: what is evaluated, which results come, and when.

use std::env::var_os;
use std::io::IsTerminal;

use super::{EmitOption, OnInterrupt, Options};
use crate::aggregate::plan::PlanError;
use crate::aggregate::{AggregateSpec, Emit, GroupSpec, PANE_FIELD, Plan, Policy, Selection};
use crate::cli::Failure;
use crate::cli::pump::in_option;
use crate::expr::ExprError;
use crate::time::Duration;

/// What is evaluated. Where this is also to put records into windows by their event time, the plan
/// reads that too, unless an expression might look at what `window` would have added to the record.
pub fn plan(
    groups: Vec<GroupSpec>,
    aggregates: Vec<AggregateSpec>,
    time: Option<&str>,
) -> Result<Plan, Failure> {
    let usage = |error: PlanError| Failure::usage(error.to_string());
    if let Some(time) = time {
        let plan =
            Plan::with_time(groups.clone(), aggregates.clone(), Some(time)).map_err(usage)?;
        if !plan.reads_windows() {
            return Ok(plan);
        }
    }
    Plan::new(groups, aggregates).map_err(usage)
}

/// What is evaluated for running aggregates: with the event time, if all of it is fast.
pub fn plan_over(
    groups: Vec<GroupSpec>,
    aggregates: Vec<AggregateSpec>,
    time: Option<&str>,
) -> Result<Plan, Failure> {
    if let Some(time) = time {
        // What is wrong with the time is told with its option.
        let plan = Plan::with_time(groups.clone(), aggregates.clone(), Some(time)).ok();
        if let Some(plan) = plan.filter(Plan::is_fast) {
            return Ok(plan);
        }
    }
    Plan::new(groups, aggregates).map_err(|error| Failure::usage(error.to_string()))
}

/// Which results come out.
pub fn selection(options: &Options, plan: &Plan) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    if let Some(condition) = &options.having {
        let wrong = |error| in_option("--having", of_results(error, plan));
        selection.having(condition).map_err(wrong)?;
    }
    if let Some(top) = &options.top {
        let names: Vec<&str> = plan.aggregate_names().collect();
        selection.top(top, options.ties, &names).map_err(|error| in_option("--top", error))?;
    }
    Ok(selection)
}

/// What is wrong with an expression over results: a name of theirs that jq does not know lacks its
/// point, whatever function of jq is like it.
fn of_results(mut error: ExprError, plan: &Plan) -> ExprError {
    let name = error.expression.get(error.span.clone()).unwrap_or_default();
    let known = plan.result_names().any(|known| known == name);
    if known && error.why == format!("undefined function '{name}'") {
        error.remedy = Some(format!("did you mean '.{name}'?"));
    }
    error
}

/// Whether results are shown in a table that is drawn again and again.
pub fn is_live(options: &Options) -> Result<bool, Failure> {
    let is_dumb = || var_os("TERM").is_some_and(|term| term == "dumb");
    let why = match std::io::stdout().is_terminal() {
        true if is_dumb() => "the terminal draws nothing again ($TERM is dumb)",
        true => return Ok(options.live || shows_updates(options)),
        false => "standard output is not a terminal",
    };
    match options.live {
        true => Err(in_option("--live", format!("{why}; use --emit updates"))),
        false => Ok(false),
    }
}

/// Whether updates are asked for, and nothing is said of what they look like.
fn shows_updates(options: &Options) -> bool {
    let is_reported = options.on_interrupt == OnInterrupt::Report;
    options.emit == EmitOption::Updates && options.format.is_none() && !is_reported
}

/// Which results come when.
pub fn policy(options: &Options, plan: &Plan, is_live: bool) -> Result<Policy, Failure> {
    let timed = options.window_time;
    if is_live {
        return Ok(Policy { timed, ..Policy::default() });
    }
    let at_interrupt = options.on_interrupt == OnInterrupt::Report;
    if at_interrupt && plan.result_names().any(|name| name == PANE_FIELD) {
        let why = format!("results have a field {PANE_FIELD} then; give yours another name");
        return Err(in_option("--on-interrupt report", why));
    }
    let emit = match options.emit {
        EmitOption::Final => Emit::Final,
        EmitOption::Updates => Emit::Updates,
        EmitOption::All => Emit::All,
    };
    let wrong = |option, why: &str| Err(in_option(option, why));
    if emit == Emit::Updates && options.top.is_some() {
        return wrong(
            "--top",
            "the top results of those that changed are not the top of all; use --emit all",
        );
    }
    let every_ms = options.windowing.every.map(Duration::ms);
    match (emit, every_ms) {
        (_, Some(0)) => wrong("--every", "it must be longer than 0"),
        (Emit::Final, Some(_)) => {
            wrong("--every", "results are emitted once; add --emit updates or --emit all")
        }
        _ => Ok(Policy { emit, every_ms, timed, at_interrupt, ..Policy::default() }),
    }
}

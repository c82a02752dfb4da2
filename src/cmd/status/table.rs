//! Pipelines as tables for people, and as lines for programs.

use serde::Serialize;

use super::ask::Watched;
use super::pipelines::{Member, command};
use super::seen::{Seen, Shares, slowest};
use crate::cli::figures::{Figures, WaitingFor};
use crate::layout::Look;
use crate::layout::cells::Cell;
use crate::layout::grid::Widest;
use crate::layout::screen::Role;
use crate::layout::table::Table;
use crate::layout::text::{bytes, cut};
use crate::record::text::printable;

/// How wide columns become where no screen limits them.
const WIDEST: Widest = Widest { inner: 40, last: 40 };

/// A process, for programs.
#[derive(Serialize)]
struct Line<'a> {
    pipeline: u32,
    position: usize,
    pid: u32,
    name: &'a str,
    command: String,
    state: &'static str,
    slow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Shares>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<&'a Figures>,
}

/// What a process is, as far as that can be told.
fn state(member: &Member, seen: &Seen) -> &'static str {
    match member {
        Member { process, .. } if process.is_stopped => "stopped",
        Member { is_stage: false, .. } => "foreign",
        _ if seen.figures().is_none() => "silent",
        _ => "running",
    }
}

/// A line of JSON for each process.
pub fn lines(pipelines: &[Watched]) -> String {
    let mut out = String::new();
    for pipeline in pipelines {
        let slow = slowest(&pipeline.members);
        for (position, (member, seen)) in pipeline.members.iter().enumerate() {
            let line = Line {
                pipeline: pipeline.group,
                position,
                pid: member.process.pid,
                name: &member.process.name,
                command: command(&member.process),
                state: state(member, seen),
                slow: slow == Some(position),
                waits: seen.shares(),
                in_per_second: seen.rates().map(|rates| rates.0),
                out_per_second: seen.rates().map(|rates| rates.1),
                figures: seen.figures(),
            };
            out += &serde_json::to_string(&line).unwrap_or_default();
            out.push('\n');
        }
    }
    out
}

/// A table for each pipeline, below its commands.
pub fn tables(pipelines: &[Watched], look: Look) -> String {
    let mut out = Vec::new();
    for (number, pipeline) in pipelines.iter().enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        let title = format!("{}: {}", pipeline.group, printable(&pipeline.command));
        let title = look.columns.map_or(title.clone(), |columns| cut(&title, columns).into_owned());
        out.extend_from_slice(title.as_bytes());
        out.push(b'\n');
        table(pipeline, look, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a column shows of a process; nothing, where there is nothing to show.
type Column = (&'static str, fn(&Seen) -> Option<Cell>);

/// The columns after those that every process has. One in which nothing is shown is left out.
const COLUMNS: [Column; 12] = [
    ("IN", |seen| number(seen.figures()?.records_in)),
    ("OUT", |seen| number(seen.figures()?.records_out)),
    ("IN/S", |seen| number(seen.rates()?.0)),
    ("OUT/S", |seen| number(seen.rates()?.1)),
    ("LAG", |seen| number(seen.figures()?.lag?)),
    ("WATERMARK", |seen| Some(Cell::new(Role::Aside, seen.figures()?.watermark.as_deref()?))),
    ("WINDOWS", |seen| number(seen.figures()?.windows?)),
    ("GROUPS", |seen| number(seen.figures()?.groups?)),
    ("STATE", |seen| size(seen.figures()?.state_bytes?)),
    ("MEMORY", |seen| size(seen.figures()?.memory_bytes?)),
    ("LATE", |seen| number(Some(seen.figures()?.late).filter(|count| *count > 0)?)),
    ("REJECTED", |seen| number(Some(seen.figures()?.rejected).filter(|count| *count > 0)?)),
];

fn table(pipeline: &Watched, look: Look, out: &mut Vec<u8>) {
    let members = &pipeline.members;
    let is_shown = |(_, of): &&Column| members.iter().any(|(_, seen)| of(seen).is_some());
    let shown: Vec<&Column> = COLUMNS.iter().filter(is_shown).collect();
    let names =
        ["STAGE", "PID", "WAITS FOR"].into_iter().chain(shown.iter().map(|(name, _)| *name));
    let mut table = Table::new(names, WIDEST);
    let slow = slowest(members);
    for (at, (member, seen)) in members.iter().enumerate() {
        let mut row = vec![
            Cell::new(Role::name(&member.process.name), &member.process.name),
            Cell::new(Role::Number, &member.process.pid.to_string()),
            Cell::new(Role::Plain, &waits(member, seen, slow == Some(at))),
        ];
        row.extend(shown.iter().map(|(_, of)| of(seen).unwrap_or_default()));
        table.push(row);
    }
    table.show(look, out);
}

/// What a process waits for, in words.
fn waits(member: &Member, seen: &Seen, is_slow: bool) -> String {
    let state = match (state(member, seen), seen.shares()) {
        ("running", Some(shares)) => match shares.most() {
            WaitingFor::Input => "input",
            WaitingFor::Output => "output",
            WaitingFor::Cpu => "neither",
        },
        ("running" | "foreign", _) => "-",
        ("silent", _) => "no answer",
        (state, _) => state,
    };
    match (is_slow, state) {
        (true, "-") => "slow".to_owned(),
        (true, state) => format!("{state}: slow"),
        (false, state) => state.to_owned(),
    }
}

fn size(count: u64) -> Option<Cell> {
    Some(Cell::new(Role::Number, &bytes(count)))
}

fn number(number: impl ToString) -> Option<Cell> {
    Some(Cell::new(Role::Number, &number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::processes::Process;

    fn member(name: &str, pid: u32, is_stage: bool) -> Member {
        Member { is_stage, process: Process { name: name.to_owned(), pid, ..Process::default() } }
    }

    fn stage(name: &str, pid: u32, waiting_for: WaitingFor) -> (Member, Seen) {
        let mut seen = Seen::default();
        for seconds in [1.0, 2.0] {
            let (records_in, waiting_for) = (100 * seconds as u64, Some(waiting_for));
            let memory_bytes = Some(3 << 20);
            let figures = Figures { seconds, records_in, waiting_for, ..Figures::default() };
            seen.add(Figures { memory_bytes, ..figures });
        }
        (member(name, pid, true), seen)
    }

    #[test]
    fn a_table_marks_the_slow_one_and_leaves_out_what_nobody_has() {
        let pipeline = Watched {
            group: 7,
            command: "subscribe t | sed x | map .".to_owned(),
            members: vec![
                stage("subscribe", 7, WaitingFor::Output),
                (member("sed", 8, false), Seen::default()),
                stage("map", 9, WaitingFor::Input),
                (member("filter", 10, true), Seen::default()),
            ],
        };
        let expected = "\
7: subscribe t | sed x | map .
STAGE      PID  WAITS FOR   IN  OUT  IN/S  OUT/S   MEMORY
subscribe    7  output     200    0   100      0  3.0 MiB
sed          8  slow         -    -     -      -  -
map          9  input      200    0   100      0  3.0 MiB
filter      10  no answer    -    -     -      -  -
";
        assert_eq!(tables(&[pipeline], Look::default()), expected);
    }
}

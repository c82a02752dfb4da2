//! `log-admin stats`: how the log is doing, for people, programs and Prometheus.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::prometheus;
use super::table::{Table, look};
use crate::api::groups::GroupEntry;
use crate::api::stats::{DaemonFigures, Figures, TopicFigures};
use crate::cli::output::{Output, OutputError, replace_file};
use crate::cli::{Failure, Status};
use crate::layout::Look;
use crate::layout::text::bytes;
use crate::store::Store;
use crate::time::duration::Duration;
use crate::time::timestamp::show_us;

/// What to tell, and how.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The topics; all by default
    topic: Vec<String>,

    /// Print the format of Prometheus, for node_exporter's textfile collector
    #[arg(long)]
    prometheus: bool,

    /// Write to FILE, which is replaced atomically
    #[arg(long, short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
}

/// Runs the action.
///
/// # Errors
/// When there is no log or no such topic, or the figures cannot be written.
pub fn run(dir: &Path, options: &Options, json: bool) -> anyhow::Result<Status> {
    if json && options.prometheus {
        return Err(Failure::usage("--json and --prometheus are two formats; choose one").into());
    }
    let figures = Store::open(dir)?.figures(&options.topic)?;
    let text = |look| match (json, options.prometheus) {
        (true, _) => as_json(&figures),
        (_, true) => prometheus::render(&figures),
        _ => as_text(&figures, look),
    };
    if let Some(path) = &options.output {
        replace_file(path, text(Look::default()).as_bytes())?;
        return Ok(Status::Done);
    }
    let mut output = Output::stdout()?;
    match output.write(text(look(&output)).as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(Status::Done),
        Err(error) => Err(error.into()),
    }
}

/// An object a line: `of` says what it tells of.
fn as_json(figures: &Figures) -> String {
    let daemon = figures.daemon.iter().map(|daemon| json_line("log-serve", daemon));
    let topics = figures.topics.iter().map(|topic| json_line("topic", topic));
    let groups = figures.groups.iter().map(|group| json_line("group", group));
    daemon.chain(topics).chain(groups).collect()
}

fn json_line(of: &str, figures: &impl serde::Serialize) -> String {
    // Plain structures: writing them to memory has no way to fail.
    let text = serde_json::to_string(figures).unwrap_or_default();
    let fields = text.strip_prefix('{').unwrap_or("}");
    format!("{{\"of\":\"{of}\",{fields}\n")
}

/// Tables, with an empty line between them.
fn as_text(figures: &Figures, look: Look) -> String {
    let (mut daemon, mut topics, mut groups) =
        (Table::new(false), Table::new(false), Table::new(false));
    if let Some(figures) = &figures.daemon {
        for (name, value) in of_daemon(figures) {
            daemon.row(&[("log-serve", json!(name)), ("", json!(value))]);
        }
    }
    figures.topics.iter().for_each(|topic| of_topic(topic, &mut topics));
    figures.groups.iter().for_each(|group| of_group(group, &mut groups));
    let tables = [daemon, topics, groups].map(|table| table.render(look));
    tables.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("\n")
}

fn of_daemon(it: &DaemonFigures) -> Vec<(&'static str, String)> {
    let refused = it.refused.iter().map(|(code, count)| {
        let code = serde_json::to_value(code).unwrap_or_default();
        format!("{} {count}", code.as_str().unwrap_or_default())
    });
    let refused: Vec<String> = refused.collect();
    let average_us = it.fdatasync.time_us.checked_div(it.fdatasync.count);
    let average = average_us.map_or(String::new(), |us| format!(", {us} µs on average"));
    let mut rows = vec![
        ("version", it.version.clone()),
        ("process", it.pid.to_string()),
        ("up for", duration(it.uptime_us)),
        (
            "connections",
            format!(
                "{} now, {} at the peak, {} allowed, {} since the start",
                it.connections.now, it.connections.most, it.connections.limit, it.connections.taken
            ),
        ),
        (
            "memory of appends",
            format!(
                "{} of {}, {} waiting",
                bytes(it.memory.held_bytes),
                bytes(it.memory.limit_bytes),
                it.memory.waiting
            ),
        ),
        (
            "appended",
            format!(
                "{} records in {} batches, {}; {} duplicates",
                it.appended.records,
                it.appended.batches,
                bytes(it.appended.bytes),
                it.appended.duplicates
            ),
        ),
        (
            "delivered",
            format!(
                "{} records in {} runs, {}",
                it.delivered.records,
                it.delivered.runs,
                bytes(it.delivered.bytes)
            ),
        ),
        ("fdatasync", format!("{} times{average}", it.fdatasync.count)),
        ("refused", if refused.is_empty() { "nothing".to_owned() } else { refused.join(", ") }),
    ];
    rows.extend(it.process.resident_bytes.map(|resident| ("resident memory", bytes(resident))));
    rows.extend(it.process.cpu_us.map(|cpu_us| ("CPU time", duration(cpu_us))));
    rows.extend(it.process.open_files.map(|files| ("open files", files.to_string())));
    rows
}

fn of_topic(topic: &TopicFigures, table: &mut Table) {
    let why = topic.error.as_ref().or(topic.closed.as_ref());
    let state = |damaged: bool| match why {
        Some(error) if damaged || topic.closed.is_none() => error.to_string(),
        Some(_) => "closed to appends".to_owned(),
        None => "ok".to_owned(),
    };
    if topic.partitions.is_empty() {
        let nothing = Value::Null;
        topic_row(
            table,
            [json!(topic.topic)],
            std::array::from_fn(|_| nothing.clone()),
            state(true),
        );
    }
    for (number, it) in &topic.partitions {
        let last = it.last_append_us.map(show_us);
        topic_row(
            table,
            [json!(topic.topic)],
            [
                json!(number),
                json!(it.start),
                json!(it.end),
                json!(bytes(it.bytes)),
                json!(it.segments),
                json!(it.unsynced()),
                json!(last),
            ],
            state(it.damaged),
        );
    }
}

fn topic_row(table: &mut Table, [topic]: [Value; 1], figures: [Value; 7], state: String) {
    let [partition, start, end, size, segments, unsynced, last] = figures;
    table.row(&[
        ("topic", topic),
        ("partition", partition),
        ("start", start),
        ("end", end),
        ("size", size),
        ("segments", segments),
        ("unsynced", unsynced),
        ("last append", last),
        ("state", json!(state)),
    ]);
}

fn of_group(group: &GroupEntry, table: &mut Table) {
    let sum = |each: fn(&crate::api::groups::Progress) -> Option<u64>| {
        let values: Vec<u64> = group.partitions.values().filter_map(each).collect();
        (!values.is_empty()).then(|| values.iter().sum::<u64>())
    };
    let state = group.error.as_ref().map_or("ok".to_owned(), ToString::to_string);
    table.row(&[
        ("group", json!(group.group)),
        ("topic", json!((!group.topic.is_empty()).then_some(&group.topic))),
        ("members", json!(group.members.len())),
        ("lag", json!(sum(|it| it.lag()))),
        ("state", json!(state)),
    ]);
}

/// To the millisecond, as durations are given.
fn duration(us: u64) -> String {
    let ms = i64::try_from(us / 1000).unwrap_or(i64::MAX);
    Duration::from_ms(ms).map_or_else(|| format!("{ms}ms"), |time| time.to_string())
}

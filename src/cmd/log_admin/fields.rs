//! `log-admin fields`: which fields the records of a topic or of files have, and what is in them.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};

use super::table::Table;
use crate::api::reading::{At, Place, Span};
use crate::cli::options::{DataOptions, InputOptions};
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::cli::signals::Stop;
use crate::cli::watch::{StopReason, Watch};
use crate::cli::{Status, message};
use crate::fields::shown::beginning;
use crate::fields::{Collector, Field, Shown};
use crate::layout::text::thousands;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::json::validate;
use crate::store::{Manner, Reader, Step, Store};

/// A sample of a topic is taken at so many places of each partition, equally far apart.
const PLACES: u64 = 20;

/// Whose fields, and how much is looked at.
#[derive(clap::Args, Clone, Debug)]
#[command(
    mut_arg("rejects", |arg| arg.hide(true)),
    mut_arg("files", |arg| arg.value_name("TOPIC|FILE").help(INPUT_HELP).required(true))
)]
pub struct Options {
    #[command(flatten)]
    input: InputOptions,

    /// Read N records: the first ones of files, and those of a topic at 20 places
    #[arg(long, value_name = "N", default_value_t = 100_000, conflicts_with = "all")]
    sample: u64,

    /// Read all records
    #[arg(long)]
    all: bool,

    /// List N paths at most: objects with many keys are taken for maps then, whose keys are data
    #[arg(long, value_name = "N", default_value_t = 500)]
    max_paths: usize,
}

const INPUT_HELP: &str = "A topic; or files in order, or standard input (-)";

/// Runs the action.
///
/// # Errors
/// When there is no such topic or file, or it cannot be read; bad records of files.
pub fn run(data: &DataOptions, options: &Options, table: &mut Table) -> anyhow::Result<Status> {
    let most = if options.all { u64::MAX } else { options.sample.max(1) };
    let mut collector = Collector::new(options.max_paths.max(1));
    let status = match topic(&options.input) {
        Some(topic) => of_topic(&data.dir()?, topic, most, &mut collector)?,
        None => of_files(options, most, &mut collector)?,
    };
    if collector.is_full() {
        let most = options.max_paths;
        message::note(&format!("there are more than {most} paths; --max-paths N lists more"));
    }
    let records = collector.records();
    let fields = collector.fields();
    fields.iter().take(options.max_paths).for_each(|field| row(field, records, table));
    Ok(status)
}

/// The topic that is named, if it is one: a name that is a file is that file.
fn topic(input: &InputOptions) -> Option<&str> {
    let [one] = &input.files[..] else { return None };
    let is_file = one == Path::new("-") || one.exists() && !one.is_dir();
    one.to_str().filter(|name| !name.contains('/') && !is_file)
}

/// Looks at the records of files.
fn of_files(options: &Options, most: u64, collector: &mut Collector) -> anyhow::Result<Status> {
    let mut looking = Looking { collector, left: most, has_more: false };
    let outcome = pump::run(&options.input, &mut looking)?;
    if looking.has_more {
        let most = thousands(most);
        message::note(&format!("read the first {most} records; --all reads all of them"));
    }
    Ok(outcome.status)
}

/// Takes records of files, as many as are wanted.
struct Looking<'a> {
    collector: &'a mut Collector,
    left: u64,
    /// Whether there are more.
    has_more: bool,
}

impl Stage for Looking<'_> {
    fn record(&mut self, raw: Raw<'_>, _: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.has_more = self.left == 0;
        if self.has_more {
            return Ok(ControlFlow::Break(()));
        }
        validate(raw.bytes).map_err(StageError::bad)?;
        self.collector.record(raw.bytes);
        self.left -= 1;
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn shows_progress(&self) -> bool {
        true
    }

    fn flush(&mut self, _: &mut Context) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Looks at the records of a topic.
fn of_topic(
    dir: &Path,
    topic: &str,
    most: u64,
    collector: &mut Collector,
) -> anyhow::Result<Status> {
    let watch = Watch::new(Stop::install()?, None)?;
    let mut reader = Store::open(dir)?.reader_heeding(topic, &watch)?;
    let partitions: Vec<u32> = (0..reader.partitions()).collect();
    let places = reader.find(&partitions, At::Start)?;
    let held: u64 = places.values().map(|place| place.end - place.start).sum();
    let rounds = if held > most { PLACES } else { 1 };
    let mut next = Some(reader);
    for round in 0..rounds {
        let reader = match next.take() {
            Some(reader) => reader,
            None => Store::open(dir)?.reader_heeding(topic, &watch)?,
        };
        let part = |(partition, place): (&u32, &Place)| {
            let (from, until) = part(place, (round, rounds), (most, held));
            Span { partition: *partition, from, until: Some(until) }
        };
        let spans = places.iter().map(part).filter(|span| span.until > Some(span.from)).collect();
        if let Some(StopReason::Stopped(signal)) = look(reader, spans, &watch, collector)? {
            return Ok(Status::Signal(signal));
        }
    }
    if rounds > 1 {
        message::note(&format!(
            "read {} of {} records, at {PLACES} places; --all reads all of them",
            thousands(collector.records()),
            thousands(held)
        ));
    }
    Ok(Status::Done)
}

/// The part of a partition that one of so many rounds looks at, of which all together look at
/// `most` of the `held` records of the topic.
fn part(place: &Place, (round, rounds): (u64, u64), (most, held): (u64, u64)) -> (u64, u64) {
    let length = place.end - place.start;
    let share = |whole: u64, part: u64, of: u64| {
        let share = u128::from(whole) * u128::from(part) / u128::from(of.max(1));
        u64::try_from(share).unwrap_or(whole)
    };
    let from = place.start + share(length, round, rounds);
    let wanted = share(length, most.min(held), held).div_ceil(rounds);
    (from, (from + wanted).min(place.start + share(length, round + 1, rounds)))
}

/// Takes the records of these parts; tells what ended that before its end.
fn look(
    reader: Reader,
    spans: Vec<Span>,
    watch: &Watch,
    collector: &mut Collector,
) -> anyhow::Result<Option<StopReason>> {
    if spans.is_empty() {
        return Ok(None);
    }
    let manner = Manner {
        follow: false,
        added: false,
        patience: std::time::Duration::ZERO,
        verify: true,
        files: false,
        output: None,
    };
    let mut reading = reader.read(spans, manner)?;
    let mut bytes = Vec::new();
    loop {
        match reading.next(watch, &mut bytes)? {
            Step::Records(_) => {
                // An empty line stands for a record that compaction took away.
                let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                lines.for_each(|line| collector.record(line));
            }
            // They were not asked for.
            Step::File(..) => {}
            Step::Done => return Ok(None),
            Step::Stopped(reason) => return Ok(Some(reason)),
        }
    }
}

/// A row of the table, of a field in so many records.
fn row(field: &Field, records: u64, table: &mut Table) {
    if table.is_json() {
        return as_json(field, records, table);
    }
    let shown = Shown::of(field, records);
    let cell = |text: String| json!((!text.is_empty()).then_some(text));
    // Numbers stand at the right.
    let distinct = (field.distinct > 0).then_some(field.distinct);
    table.row(&[
        ("path", json!(field.path)),
        ("present", json!(shown.present)),
        ("null", json!(shown.null)),
        ("types", json!(shown.types)),
        ("distinct", json!(distinct)),
        ("min", number_or(field.min.as_deref(), shown.min)),
        ("median", number_or(field.median.as_deref(), shown.median)),
        ("max", number_or(field.max.as_deref(), shown.max)),
        ("common", cell(shown.common)),
    ]);
}

/// A value that is a number as such, and any other as it is shown; none if there is none.
fn number_or(json: Option<&str>, shown: String) -> Value {
    match json.map(serde_json::from_str::<Value>) {
        None => Value::Null,
        Some(Ok(Value::Number(number))) => Value::Number(number),
        Some(_) => json!(shown),
    }
}

fn as_json(field: &Field, records: u64, table: &mut Table) {
    let value = |json: &[u8]| serde_json::from_slice::<Value>(json).ok();
    let told = |text: &Option<String>| text.as_ref().and_then(|text| value(text.as_bytes()));
    let kinds: serde_json::Map<String, Value> =
        field.kinds.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect();
    let common = field.common.iter().map(|one| {
        let text = String::from_utf8_lossy(&one.value);
        let whole = value(&one.value).filter(|_| one.is_whole);
        let shown = whole.unwrap_or_else(|| json!(beginning(&text)));
        json!({"value": shown, "count": one.count})
    });
    table.row(&[
        ("path", json!(field.path)),
        ("records", json!(field.records)),
        ("share", json!(share(field.records, records))),
        ("nulls", json!(field.nulls())),
        ("types", json!(kinds)),
        ("distinct", json!(field.distinct)),
        ("min", json!(told(&field.min))),
        ("median", json!(told(&field.median))),
        ("max", json!(told(&field.max))),
        ("common", json!(common.collect::<Vec<Value>>())),
    ]);
}

fn share(part: u64, whole: u64) -> f64 {
    let share = part as f64 / whole.max(1) as f64;
    (share * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_a_partition() {
        let place = Place { start: 1_000, end: 2_000, at: 0 };
        assert_eq!(part(&place, (0, 1), (u64::MAX, 1_000)), (1_000, 2_000));
        assert_eq!(part(&place, (0, 20), (100, 1_000)), (1_000, 1_005));
        assert_eq!(part(&place, (19, 20), (100, 1_000)), (1_950, 1_955));
        let huge = Place { start: 0, end: u64::MAX, at: 0 };
        assert_eq!(part(&huge, (10, 20), (20, u64::MAX)).1 - u64::MAX / 2, 1);
        let tiny = Place { start: 5, end: 6, at: 0 };
        let all = (0..20).map(|round| part(&tiny, (round, 20), (50, 1_000)));
        assert!(all.map(|(from, until)| until - from).sum::<u64>() <= 1);
    }
}

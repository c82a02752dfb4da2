//! The fields that an expression may name: those of the first records of the file on the line, or
//! of the last ones of the topic there. In a pipe, the commands before may name it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::patience::{data_dir, in_time};
use crate::api::reading::{At, Span};
use crate::cli::complete::place::Line;
use crate::cli::input::{Files, Input, Next};
use crate::cli::options::InputOptions;
use crate::cli::shell::without_tilde;
use crate::cli::signals::Stop;
use crate::cli::watch::Watch;
use crate::fields::Collector;
use crate::ingest::formats::Choice;
use crate::record::decode::{Bad, Raw, Sink};
use crate::record::json::validate;
use crate::store::{Manner, Step, Store};

/// How many records are looked at, and how many bytes of a file or a topic, about.
const RECORDS_MAX: u64 = 1_000;
const BYTES_MAX: usize = 256 << 10;

/// How many fields are offered.
const PATHS_MAX: usize = 500;

/// Programs that print records of files as they are there, or some of them.
const READERS: [&str; 16] = [
    "cat", "head", "tail", "tac", "sort", "shuf", "uniq", "grep", "pv", "gzip", "gunzip", "zcat",
    "xzcat", "bzcat", "zstdcat", "zstd",
];

/// Where records come from.
enum Origin {
    File(PathBuf, Box<Choice>),
    Topic(PathBuf, String),
}

/// The fields of the records that the line reads, as far as they are found in time.
pub fn of_line(line: &Line<'_>) -> Vec<String> {
    let Some(origin) = origin(line) else { return Vec::new() };
    let found = in_time(move || {
        let mut looking = Looking(Collector::new(PATHS_MAX));
        match origin {
            Origin::File(file, choice) => of_file(file, &choice, &mut looking)?,
            Origin::Topic(dir, topic) => of_topic(&dir, &topic, &mut looking)?,
        }
        Some(looking.0.fields().into_iter().map(|field| field.path).collect::<Vec<_>>())
    });
    let mut paths = found.unwrap_or_default();
    paths.retain(|path| path != ".");
    paths
}

/// Where the records come from that a line reads, which may be a command before it in its pipe.
fn origin(line: &Line<'_>) -> Option<Origin> {
    if let Some(found) = named(line) {
        return Some(found);
    }
    let mut choice = choice(line)?;
    let mut program = crate::cmd::program();
    program.build();
    for words in line.upstream().iter().rev() {
        let mut words = words.as_slice();
        if let [first, rest @ ..] = words
            && first == program.get_name()
        {
            words = rest;
        }
        let (name, rest) = words.split_first()?;
        let Some(tool) = program.find_subcommand(name) else {
            if !READERS.contains(&name.as_str()) {
                return None;
            }
            match file_among(rest) {
                Some(file) => return Some(Origin::File(file, Box::new(choice))),
                None => continue,
            }
        };
        let before = Line::read(tool, rest);
        // Others change the records.
        if !matches!(name.as_str(), "subscribe" | "filter" | "window") || before.has("meta") {
            return None;
        }
        if let Some(found) = named(&before) {
            return Some(found);
        }
        choice = self::choice(&before)?;
    }
    None
}

/// The file or topic that a command itself names.
fn named(line: &Line<'_>) -> Option<Origin> {
    let of = |id| line.values(id).iter();
    let files: Vec<String> = of("files").chain(of("arguments")).cloned().collect();
    if let Some(file) = file_among(&files) {
        return Some(Origin::File(file, Box::new(choice(line)?)));
    }
    let reads_topics = matches!(line.command.get_name(), "inspect" | "fields");
    let topics = if reads_topics { files.as_slice() } else { &[] };
    let topic = topics.iter().chain(of("topics")).chain(of("topic")).next()?;
    Some(Origin::Topic(data_dir(line)?, topic.clone()))
}

fn file_among(operands: &[String]) -> Option<PathBuf> {
    operands.iter().map(|operand| without_tilde(operand)).find(|path| path.is_file())
}

/// The format that the line names.
fn choice(line: &Line<'_>) -> Option<Choice> {
    let command = InputOptions::augment_args(Command::new("input").no_binary_name(true));
    let mut words = Vec::new();
    for arg in command.get_arguments() {
        let (Some(long), id) = (arg.get_long(), arg.get_id().as_str()) else { continue };
        if line.has_anywhere(id) {
            words.push(format!("--{long}"));
            words.extend_from_slice(line.values(id));
        }
    }
    let matches: ArgMatches = command.try_get_matches_from(words).ok()?;
    InputOptions::from_arg_matches(&matches).ok()?.choice().ok()
}

/// Looks at the beginning of a file.
fn of_file(path: PathBuf, choice: &Choice, looking: &mut Looking) -> Option<()> {
    let watch = Arc::new(Watch::new(Stop::install().ok()?, None).ok()?);
    let mut input = Input::new(Box::new(Files::new(&[path], 1)), watch);
    let (mut block, mut decoder) = (vec![0; BYTES_MAX], choice.decoder());
    let mut left = BYTES_MAX;
    while left > 0 {
        let flow = match input.read(block.get_mut(..left)?, Some(Duration::ZERO)).ok()? {
            Next::Bytes(count) => {
                left = left.saturating_sub(count);
                decoder.decode(block.get(..count)?, looking)
            }
            Next::SourceEnd => decoder.finish(looking),
            Next::SourceBegin => ControlFlow::Continue(()),
            _ => break,
        };
        if flow.is_break() {
            break;
        }
    }
    Some(())
}

/// Looks at the last records of a topic.
fn of_topic(dir: &Path, topic: &str, looking: &mut Looking) -> Option<()> {
    let watch = Watch::new(Stop::install().ok()?, None).ok()?;
    let mut reader = Store::open(dir).ok()?.reader_heeding(topic, &watch).ok()?;
    let partitions: Vec<u32> = (0..reader.partitions()).collect();
    let found = reader.find(&partitions, At::Last(RECORDS_MAX)).ok()?;
    let spans = found
        .iter()
        .filter(|(_, place)| place.at < place.end)
        .map(|(number, place)| Span { partition: *number, from: place.at, until: Some(place.end) });
    let spans: Vec<Span> = spans.collect();
    if spans.is_empty() {
        return None;
    }
    let manner = Manner {
        follow: false,
        added: false,
        patience: Duration::ZERO,
        verify: true,
        files: false,
        output: None,
    };
    let mut reading = reader.read(spans, manner).ok()?;
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while seen < BYTES_MAX {
        let Ok(Step::Records(_)) = reading.next(&watch, &mut bytes) else { break };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if looking.take(line).is_break() {
                return Some(());
            }
        }
        seen += bytes.len();
    }
    Some(())
}

/// Takes records, as many as are wanted.
struct Looking(Collector);

impl Looking {
    fn take(&mut self, record: &[u8]) -> ControlFlow<()> {
        if validate(record).is_ok() {
            self.0.record(record);
        }
        if self.0.records() < RECORDS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

impl Sink for Looking {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        self.take(raw.bytes)
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

//! `auto`: the format of an input, found out by its first lines.
//!
//! A format is taken as soon as the lines that have come leave no doubt; until then they wait. What
//! a program writes in one format may also fit another: then neither is taken.

use std::ops::ControlFlow;
use std::time::Duration;

use super::csv::{CsvOptions, is_delimiter, named_delimiter};
use super::settings::{Form, Settings};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::Lines;

/// How many lines are looked at.
pub const LINES_MAX: usize = 200;

/// How much of the input is looked at, however long its lines are.
pub const BYTES_MAX: usize = 1 << 20;

/// How many of a hundred lines must fit a format for it to be taken.
const ENOUGH_PERCENT: usize = 90;

/// How many must fit for it to be named as one that may be meant.
const SOME_PERCENT: usize = 20;

/// A format that an input may be in.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// How the user asks for it.
    pub name: String,
    form: Form,
    /// How many of a hundred lines fit it.
    percent: usize,
}

/// Finds out the format of each input, and reads it.
pub(super) struct Auto {
    settings: Settings,
    /// The first bytes, while it is not clear what they are.
    first: Vec<u8>,
    found: Option<Box<dyn Decoder>>,
}

impl Auto {
    /// All but the form is as the settings say.
    pub fn new(settings: Settings) -> Auto {
        Auto { settings, first: Vec::new(), found: None }
    }

    /// Decides, if that can be done or, at the `end` of the input, must be.
    fn decide(&mut self, end: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        let whole = memchr::memrchr(b'\n', &self.first).map_or(0, |last| last + 1);
        let full = self.first.len() >= BYTES_MAX;
        // A line may be longer than all that is looked at: its beginning has to do.
        let whole = if end || full && whole == 0 { self.first.len() } else { whole };
        let text = String::from_utf8_lossy(self.first.get(..whole).unwrap_or_default());
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.trim().is_empty()).take(LINES_MAX).collect();
        if lines.is_empty() && !full {
            return ControlFlow::Continue(());
        }
        let candidates = candidates(&lines, &self.settings);
        let last_chance = end || full || lines.len() >= LINES_MAX;
        match clear(&candidates, lines.len(), last_chance) {
            Some(found) => {
                sink.note(&found.name);
                let settings = Settings { form: found.form.clone(), ..self.settings.clone() };
                // What comes of it is trusted, whatever it is.
                let checked = settings.is_verbatim();
                let mut decoder =
                    if checked { settings.checked_decoder() } else { settings.decoder() };
                let first = std::mem::take(&mut self.first);
                let flow = decoder.decode(&first, sink);
                self.found = Some(decoder);
                flow
            }
            None if last_chance => sink.refuse(unclear(&candidates, lines.len())),
            None => ControlFlow::Continue(()),
        }
    }
}

/// The format of an input of which this is all, or the first [`BYTES_MAX`] bytes, as it is called,
/// and all that is said of it; none if it is not clear.
pub(super) fn found(settings: &Settings, text: &[u8]) -> Option<(String, Settings)> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty()).take(LINES_MAX).collect();
    let candidates = candidates(&lines, settings);
    let found = clear(&candidates, lines.len(), true)?;
    Some((found.name.clone(), Settings { form: found.form.clone(), ..settings.clone() }))
}

/// What the lines may be, each format with how many of them fit it.
fn candidates(lines: &[&str], settings: &Settings) -> Vec<Candidate> {
    let mut all = Vec::new();
    let plain = Settings { keep_bad: None, ..settings.clone() };
    let joined: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    let count = |form: &Form| {
        let mut counted = Counted::default();
        let mut decoder = Settings { form: form.clone(), ..plain.clone() }.checked_decoder();
        let _ = decoder.decode(joined.as_bytes(), &mut counted);
        counted
    };
    let mut add = |name: &str, form: Form, good: usize| {
        let percent = 100 * good / lines.len().max(1);
        all.push(Candidate { name: name.to_owned(), form, percent });
    };
    let of = |wanted: fn(&str) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let brackets = of(|line| line.trim_start().starts_with(['{', '[']));
    if brackets > 0 {
        add("journal", Form::Journal, count(&Form::Journal).good);
        add("ndjson", Form::Ndjson, count(&Form::Ndjson).good.min(brackets));
        // Over several lines; all of it counts, as far as it has come.
        let json = count(&Form::Json);
        let begins = lines.first().is_some_and(|line| line.trim_start().starts_with(['{', '[']));
        add("json", Form::Json, if begins && json.bad == 0 { lines.len() } else { 0 });
    }
    add("combined", Form::Combined, count(&Form::Combined).good);
    add("common", Form::Common, count(&Form::Common).good);
    add("syslog", Form::Syslog, count(&Form::Syslog).good);
    let pairs = of(mostly_pairs);
    add("logfmt", Form::Logfmt, count(&Form::Logfmt).good.min(pairs));
    if lines.first().is_some_and(|line| named_delimiter(line.as_bytes()).is_some()) {
        let form = Form::Csv(plain.csv());
        let rows = count(&form);
        add("csv", form, if rows.bad == 0 && rows.good > 0 { lines.len() } else { 0 });
        return all;
    }
    for (delimiter, name) in [
        (b'\t', "tsv"),
        (b',', "csv"),
        (b';', "csv --delimiter ';'"),
        (b'|', "csv --delimiter '|'"),
    ] {
        let mut options = CsvOptions { delimiter, ..plain.csv() };
        options.values.escapes = name == "tsv";
        let form = Form::Csv(options);
        let header = lines.first().is_some_and(|line| is_header(line, delimiter));
        // The header is no record, and one alone says little.
        let rows = if header { count(&form) } else { Counted::default() };
        let good = if rows.bad == 0 && rows.good > 0 { lines.len() } else { 0 };
        add(name, form, good);
    }
    all
}

/// The one format that the lines leave no doubt about.
fn clear(candidates: &[Candidate], lines: usize, all: bool) -> Option<&Candidate> {
    let enough = |one: &&Candidate| one.percent >= ENOUGH_PERCENT;
    let mut fit = candidates.iter().filter(enough);
    let first = fit.next()?;
    let is_special = |name: &str, of: &[&str]| of.contains(&name);
    let mut others = fit.filter(|other| match first.name.as_str() {
        // Each of these is one of the others, too.
        "journal" => !is_special(&other.name, &["ndjson", "json"]),
        "ndjson" => other.name != "json",
        "combined" => other.name != "common",
        _ => true,
    });
    // Nearly any text has commas.
    let rows = ["tsv", "csv", "csv --delimiter ';'", "csv --delimiter '|'"];
    let doubt =
        others.any(|other| is_special(&first.name, &rows) || !is_special(&other.name, &rows));
    let is_sure = all || first.percent == 100 || lines >= 10;
    (!doubt && is_sure).then_some(first)
}

fn unclear(candidates: &[Candidate], lines: usize) -> String {
    let mut some: Vec<&Candidate> =
        candidates.iter().filter(|one| one.percent >= SOME_PERCENT).collect();
    some.sort_by_key(|one| std::cmp::Reverse(one.percent));
    let named: Vec<String> =
        some.iter().map(|one| format!("{} ({} % of the lines)", one.name, one.percent)).collect();
    let named =
        if named.is_empty() { "none of the formats fits".to_owned() } else { named.join(", ") };
    let first = match lines {
        1 => "the first line".to_owned(),
        _ => format!("the first {lines} lines"),
    };
    format!(
        "the format is not clear from {first}: {named}; name it with --from, or use --from lines"
    )
}

/// What a first line that is not JSON looks like: what it is, and the format.
pub fn looks_like(line: &[u8]) -> Option<(&'static str, &'static str)> {
    let line = std::str::from_utf8(line).ok()?;
    let settings = Settings::ndjson(crate::record::RECORD_BYTES_MAX);
    let fits = |form: Form| {
        let mut counted = Counted::default();
        let mut decoder = Settings { form, ..settings.clone() }.checked_decoder();
        let flow = decoder.decode(line.as_bytes(), &mut counted);
        flow.is_continue() && decoder.finish(&mut counted).is_continue() && counted.good == 1
    };
    if fits(Form::Combined) {
        Some(("an access log", "combined"))
    } else if fits(Form::Common) {
        Some(("an access log", "common"))
    } else if fits(Form::Syslog) {
        Some(("syslog", "syslog"))
    } else if mostly_pairs(line) && fits(Form::Logfmt) {
        Some(("logfmt", "logfmt"))
    } else if named_delimiter(line.as_bytes()).is_some() {
        Some(("CSV", "csv"))
    } else if is_header(line, b'\t') {
        Some(("tab-separated values", "tsv"))
    } else if is_header(line, b',') {
        Some(("CSV", "csv"))
    } else {
        None
    }
}

/// Whether most words of a line are `key=value`, and there are several.
fn mostly_pairs(line: &str) -> bool {
    let mut quoted = false;
    let (mut words, mut pairs) = (0, 0);
    for word in line.split_ascii_whitespace() {
        if !quoted {
            words += 1;
            let key = word.split_once('=').map(|(key, _)| key);
            let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/@".contains(c);
            pairs += usize::from(key.is_some_and(|key| !key.is_empty() && key.chars().all(plain)));
        }
        quoted ^= word.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
    }
    pairs >= 2 && 2 * pairs > words
}

/// Whether a line may name columns: several different names, none of them a number or a text.
fn is_header(line: &str, delimiter: u8) -> bool {
    debug_assert!(is_delimiter(delimiter));
    let mut names: Vec<&str> =
        line.split(char::from(delimiter)).map(|name| name.trim_matches('"')).collect();
    let count = names.len();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.len() <= 40
            && name.split(' ').count() <= 4
            && !name.contains(['=', ':', '{', '['])
            // A sentence, and no path of an object.
            && name.split('.').skip(1).all(|part| part.starts_with(char::is_alphanumeric))
    };
    // The first may be a column of row numbers, which has none.
    let named = match names.as_slice() {
        ["", others @ ..] => others.iter().all(is_name),
        all => all.iter().all(is_name),
    };
    names.sort_unstable();
    names.dedup();
    count >= 2 && named && names.len() == count
}

/// How many records and bad lines there are.
#[derive(Default)]
struct Counted {
    good: usize,
    bad: usize,
}

impl Sink for Counted {
    fn record(&mut self, _: Raw<'_>) -> ControlFlow<()> {
        self.good += 1;
        ControlFlow::Continue(())
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        self.good += memchr::memchr_iter(b'\n', lines.rest()).count();
        lines.pass_all();
        ControlFlow::Continue(())
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        self.bad += 1;
        ControlFlow::Continue(())
    }
}

impl Decoder for Auto {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        if let Some(found) = &mut self.found {
            return found.decode(block, sink);
        }
        self.first.extend_from_slice(block);
        // Only a whole line tells something new.
        match memchr::memchr(b'\n', block).is_some() || self.first.len() >= BYTES_MAX {
            true => self.decide(false, sink),
            false => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        if self.found.is_none() {
            self.decide(true, sink)?;
        }
        self.first.clear();
        self.found.take().map_or(ControlFlow::Continue(()), |mut found| found.finish(sink))
    }

    fn patience(&self) -> Option<Duration> {
        self.found.as_ref().and_then(|found| found.patience())
    }

    fn quiet(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.found.as_mut().map_or(ControlFlow::Continue(()), |found| found.quiet(sink))
    }

    fn pending(&self) -> u64 {
        self.found.as_ref().map_or(self.first.len() as u64, |found| found.pending())
    }

    fn awaits_header(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.awaits_header())
    }
}

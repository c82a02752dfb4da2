//! Whatever a format makes of its input is JSON on one line, and does not depend on how the input is
//! cut into blocks.

use std::ops::ControlFlow;

use millstream::ingest::formats::csv::CsvOptions;
use millstream::ingest::formats::pattern::Pattern;
use millstream::ingest::formats::regex::{Groups, compile};
use millstream::ingest::formats::times::Missing;
use millstream::ingest::formats::{Form, Settings};
use millstream::record::decode::{Bad, Raw, Sink};
use millstream::record::json::validate;
use millstream::record::members::members;

/// What came of the input: the line of each record, and the record if it was good.
#[derive(Default, PartialEq, Debug)]
struct Kept(Vec<(u64, Vec<u8>)>);

impl Sink for Kept {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let shown = || String::from_utf8_lossy(raw.bytes).into_owned();
        assert!(validate(raw.bytes).is_ok() && !raw.bytes.contains(&b'\n'), "{:?}", shown());
        self.0.push((raw.line, raw.bytes.to_vec()));
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        // What is over the limit comes in pieces, which do depend on the blocks.
        if !bad.continued {
            self.0.push((bad.line, Vec::new()));
        }
        ControlFlow::Continue(())
    }
}

fn decode(settings: &Settings, input: &[u8], block_bytes: usize) -> Kept {
    let mut decoder = settings.decoder();
    let mut kept = Kept::default();
    for block in input.chunks(block_bytes) {
        if decoder.decode(block, &mut kept).is_break() {
            return kept;
        }
    }
    let _ = decoder.finish(&mut kept);
    assert_eq!(decoder.pending(), 0);
    kept
}

/// Decodes an input in this form, alone and with lines that belong together.
fn check(form: &Form, joins: bool, input: &[u8]) {
    let starts = || compile(r"^\S").ok();
    for multiline in [None, joins.then(starts).flatten()] {
        for keep_bad in [None, Some("bad".to_owned())] {
            let settings = Settings {
                form: form.clone(),
                multiline: multiline.clone(),
                keep_bad,
                times: Missing { year: Some(2020), ..Missing::default() },
                ..Settings::ndjson(1 << 10)
            };
            if settings.is_verbatim() {
                continue;
            }
            let whole = decode(&settings, input, input.len().max(1));
            // What was JSON before has the keys that it had.
            if !matches!(form, Form::Json | Form::Journal | Form::Ndjson) {
                whole.0.iter().for_each(|(_, record)| has_each_key_once(record));
            }
            for block_bytes in [1, 3] {
                assert_eq!(decode(&settings, input, block_bytes), whole);
            }
        }
    }
}

fn has_each_key_once(record: &[u8]) {
    let mut seen = std::collections::HashSet::new();
    for member in members(record) {
        let key = String::from_utf8_lossy(member.key);
        assert!(seen.insert(member.key), "{key} twice in {:?}", String::from_utf8_lossy(record));
        has_each_key_once(member.bytes.get(member.key.len() + 3..).unwrap_or_default());
    }
}

/// Access logs, common and combined.
pub fn access(input: &[u8]) {
    check(&Form::Common, true, input);
    check(&Form::Combined, true, input);
}

/// JSON in any layout.
pub fn values(input: &[u8]) {
    check(&Form::Json, false, input);
}

/// The journal, and NDJSON that is checked.
pub fn journal(input: &[u8]) {
    check(&Form::Journal, true, input);
    check(&Form::Ndjson, true, input);
}

/// Plain text.
pub fn lines(input: &[u8]) {
    check(&Form::Lines, true, input);
}

/// logfmt.
pub fn logfmt(input: &[u8]) {
    check(&Form::Logfmt, true, input);
}

/// syslog.
pub fn syslog(input: &[u8]) {
    check(&Form::Syslog, true, input);
}

/// The first line is a regular expression.
pub fn regex(input: &[u8]) {
    let (expression, input) = first_line(input);
    if let Ok(groups) = Groups::new(expression) {
        check(&Form::Regex(groups), true, input);
    }
}

/// The first line is a pattern, the second one its names.
pub fn pattern(input: &[u8]) {
    let (pattern, input) = first_line(input);
    let (names, input) = first_line(input);
    if let Ok(pattern) = Pattern::new(pattern, names) {
        check(&Form::Pattern(pattern), true, input);
    }
}

/// Separated values whose delimiter and quote are the first two bytes.
pub fn separated(input: &[u8]) {
    use millstream::ingest::formats::csv::{is_delimiter, is_quote};
    let [delimiter, quote, input @ ..] = input else { return };
    if is_delimiter(*delimiter) && (is_quote(*quote) || *quote == 0) && delimiter != quote {
        let quote = Some(*quote).filter(|quote| *quote != 0);
        let delimiter = *delimiter;
        let mut options =
            CsvOptions { delimiter, quote, record_bytes_max: 1 << 10, ..CsvOptions::default() };
        options.values.escapes = delimiter == b'\t';
        check(&Form::Csv(options), false, input);
    }
}

fn first_line(input: &[u8]) -> (&str, &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let first = std::str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    (first, parts.next().unwrap_or_default())
}

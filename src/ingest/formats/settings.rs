//! A format together with all that the user says of it, and the decoder for that.

use regex_automata::meta::Regex;

use super::access::Access;
use super::by_line::{ByLine, Parse};
use super::csv::{CsvDecoder, CsvOptions};
use super::joining::Joining;
use super::journal::Journal;
use super::json::Json;
use super::keep_bad::KeepBad;
use super::logfmt::Logfmt;
use super::ndjson::Ndjson;
use super::pattern::{ByPattern, Pattern};
use super::regex::{ByRegex, Groups};
use super::syslog::Syslog;
use super::text::Text;
use super::times::Missing;
use super::types::Values;
use crate::record::decode::Decoder;
use crate::record::lines::LineDecoder;

/// A form of input.
#[derive(Clone, Debug)]
pub enum Form {
    /// One JSON value on each line.
    Ndjson,
    /// JSON values in any layout.
    Json,
    /// Separated values.
    Csv(CsvOptions),
    /// Pairs of keys and values.
    Logfmt,
    /// Access logs in Apache's common format.
    Common,
    /// The same with referer and user agent.
    Combined,
    /// Messages of RFC 3164 and RFC 5424.
    Syslog,
    /// What `journalctl -o json` prints.
    Journal,
    /// What a regular expression finds.
    Regex(Groups),
    /// The parts of a pattern.
    Pattern(Pattern),
    /// Plain text.
    Lines,
}

/// A format, and what is said of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The format.
    pub form: Form,
    /// What texts become, in formats that have no types of their own.
    pub values: Values,
    /// A line in which this is found begins a record; those after it continue it.
    pub multiline: Option<Regex>,
    /// What times lack.
    pub times: Missing,
    /// The field that has a bad line, if such lines become records.
    pub keep_bad: Option<String>,
    /// The longest line, and the longest record, in bytes.
    pub record_bytes_max: usize,
}

impl Settings {
    /// NDJSON with lines of at most so many bytes.
    pub fn ndjson(record_bytes_max: usize) -> Settings {
        Settings {
            form: Form::Ndjson,
            values: Values::default(),
            multiline: None,
            times: Missing::default(),
            keep_bad: None,
            record_bytes_max,
        }
    }

    /// Whether the input is handed on as it is, and checked by whoever takes it.
    pub fn is_verbatim(&self) -> bool {
        matches!(self.form, Form::Ndjson) && self.multiline.is_none() && self.keep_bad.is_none()
    }

    /// Whether an input can be read from between any two of its records on, once the decoder has
    /// its header; JSON in any layout may be one long array.
    pub fn begins_anywhere(&self) -> bool {
        !matches!(self.form, Form::Json)
    }

    /// CSV by these settings.
    pub(super) fn csv(&self) -> CsvOptions {
        let record_bytes_max = self.record_bytes_max;
        CsvOptions { values: self.values.clone(), record_bytes_max, ..CsvOptions::default() }
    }

    /// The decoder.
    pub fn decoder(&self) -> Box<dyn Decoder> {
        let max = self.record_bytes_max;
        if self.is_verbatim() {
            return Box::new(LineDecoder::new(max));
        }
        let decoder = self.checked_decoder();
        match &self.keep_bad {
            Some(name) => Box::new(KeepBad::new(decoder, name, max)),
            None => decoder,
        }
    }

    /// A decoder that leaves no line unchecked, and makes nothing of bad ones.
    pub(super) fn checked_decoder(&self) -> Box<dyn Decoder> {
        match &self.form {
            Form::Ndjson => self.by_line(Ndjson::default()),
            Form::Json => Box::new(Json::new(self.record_bytes_max)),
            Form::Csv(options) => Box::new(CsvDecoder::new(options.clone())),
            Form::Logfmt => self.by_line(Logfmt::new(self.values.clone())),
            Form::Common => self.by_line(Access { combined: false }),
            Form::Combined => self.by_line(Access { combined: true }),
            Form::Syslog => self.by_line(Syslog::new(self.times.clone())),
            Form::Journal => self.by_line(Journal::default()),
            Form::Regex(groups) => self.by_line(ByRegex::new(groups.clone(), self.values.clone())),
            Form::Pattern(pattern) => {
                self.by_line(ByPattern::new(pattern.clone(), self.values.clone()))
            }
            Form::Lines => self.by_line(Text),
        }
    }

    fn by_line(&self, parser: impl Parse + 'static) -> Box<dyn Decoder> {
        let joining = self.multiline.clone().map(Joining::new);
        Box::new(ByLine::new(parser, joining, self.record_bytes_max))
    }
}

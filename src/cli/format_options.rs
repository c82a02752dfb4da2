//! `--from` and what belongs to it: the format of the input, for every tool.

use clap::{Args, ValueEnum};

use super::Failure;
use super::status::in_option;
use crate::ingest::formats::csv::{CsvOptions, Names, is_delimiter, is_quote};
use crate::ingest::formats::pattern::Pattern;
use crate::ingest::formats::regex::{Groups, compile};
use crate::ingest::formats::times::Missing;
use crate::ingest::formats::types::{Types, Values};
use crate::ingest::formats::{Choice, Form, Settings};
use crate::record::reserved::{Reserved, is_reserved_key};
use crate::sys::clock::now_ms;
use crate::time::Zone;

/// What the options are listed under, beside `--from`.
const HEADING: &str = "Input format";

/// The field in which every format with times has the time of a record.
const TIME: &str = ".time";

/// The format of the input, and what is said of it.
#[derive(Args, Clone, Debug, Default)]
pub struct FormatOptions {
    /// The format of the input; produce(1) describes them
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "ndjson")]
    from: Format,

    /// Read lines by a regular expression, whose named groups are fields; also --from regex EXPR
    #[arg(
        long, value_name = "EXPR", conflicts_with_all = ["from", "pattern"],
        allow_hyphen_values = true, hide_short_help = true, help_heading = HEADING
    )]
    regex: Option<String>,

    /// Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES
    #[arg(
        long, num_args = 2, value_names = ["PATTERN", "NAMES"], conflicts_with = "from",
        allow_hyphen_values = true, hide_short_help = true, help_heading = HEADING
    )]
    pattern: Vec<String>,

    /// What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto
    ///
    /// auto makes numbers, true and false of texts that are written so in JSON, and are not in
    /// quotes. all-text makes strings of all, also of those that mean null. A type that is given by
    /// NAME refuses other values; number also reads 007, +1 and .5.
    #[arg(long, value_name = "TYPES", hide_short_help = true, help_heading = HEADING)]
    types: Option<Types>,

    /// A text that means null, unless it is in quotes; may be repeated
    ///
    /// Without this option these are NA and the empty cell in csv and tsv, and the empty text
    /// otherwise.
    #[arg(
        long, value_name = "TEXT", allow_hyphen_values = true,
        hide_short_help = true, help_heading = HEADING
    )]
    null: Vec<String>,

    /// With csv and tsv: the character between cells, instead of a comma or a tab; or tab
    #[arg(
        long, value_name = "CHAR", value_parser = delimiter,
        hide_short_help = true, help_heading = HEADING
    )]
    delimiter: Option<u8>,

    /// With csv and tsv: the character around cells, instead of \"; or none
    #[arg(
        long, value_name = "CHAR|none", value_parser = quote,
        hide_short_help = true, help_heading = HEADING
    )]
    quote: Option<Quote>,

    /// With csv and tsv: the first row is no header; the columns are c1, c2, …
    #[arg(long, hide_short_help = true, help_heading = HEADING)]
    no_header: bool,

    /// With csv and tsv: the first row is no header; these are the names of the columns
    #[arg(
        long, value_name = "NAME,…", value_delimiter = ',',
        hide_short_help = true, help_heading = HEADING
    )]
    columns: Vec<String>,

    /// Join lines: one in which REGEX is found begins a record, and the others continue it
    #[arg(
        long, value_name = "REGEX", allow_hyphen_values = true,
        hide_short_help = true, help_heading = HEADING
    )]
    multiline: Option<String>,

    /// With syslog: the year of the first record [default: the latest that is not in the future]
    ///
    /// RFC 3164 has no years. When an earlier month follows, the next year begins, unless it is the
    /// month just before, which is out of order.
    #[arg(
        long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1..=9999),
        hide_short_help = true, help_heading = HEADING
    )]
    year: Option<i16>,

    /// With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", hide_short_help = true, help_heading = HEADING)]
    pub tz: Option<Zone>,

    /// Make a record of each line that does not fit the format, with the line in FIELD
    #[arg(
        long, value_name = "FIELD", conflicts_with = "rejects",
        hide_short_help = true, help_heading = HEADING
    )]
    keep_bad: Option<String>,

    /// Whether the tool has a use of its own for --tz.
    #[arg(skip)]
    pub tz_is_of_tool: bool,
}

/// A form of input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON value on each line
    #[default]
    Ndjson,
    /// JSON values in any layout; an array gives its items
    Json,
    /// Comma-separated values; the first row names the fields
    Csv,
    /// Tab-separated values; the first row names the fields
    Tsv,
    /// key=value pairs
    Logfmt,
    /// Access logs in Apache's and nginx's combined format
    Combined,
    /// Access logs in the common format
    Common,
    /// Messages of RFC 5424 or RFC 3164
    Syslog,
    /// What 'journalctl -o json' prints
    Journal,
    /// Plain text; the field is line
    Lines,
    /// By a regular expression: --from regex EXPR
    Regex,
    /// By a simple pattern: --from pattern PATTERN NAMES
    Pattern,
    /// Whatever the first 200 lines show; a message says what
    Auto,
}

/// What stands around cells.
#[derive(Clone, Copy, Debug)]
struct Quote(Option<u8>);

impl FormatOptions {
    /// Whether records are handed on as they stand in the input, and have to be checked.
    pub fn is_verbatim(&self) -> bool {
        self.format() == Format::Ndjson && self.multiline.is_none() && self.keep_bad.is_none()
    }

    /// The expression for the event time, if the records of the format have one.
    pub fn time(&self) -> Option<&'static str> {
        let timed =
            [Format::Combined, Format::Common, Format::Syslog, Format::Journal, Format::Auto];
        timed.contains(&self.format()).then_some(TIME)
    }

    /// Whether records are messages of syslog.
    pub fn is_syslog(&self) -> bool {
        self.format() == Format::Syslog
    }

    /// Whether each line is a record of its own, or none.
    pub fn is_of_lines(&self) -> bool {
        let other = [Format::Json, Format::Csv, Format::Tsv, Format::Auto];
        !other.contains(&self.format()) && self.multiline.is_none()
    }

    /// Whether lines that belong together make one record.
    pub fn is_joined(&self) -> bool {
        self.multiline.is_some()
    }

    /// Whether the format is found out by the first lines of each input.
    pub fn is_auto(&self) -> bool {
        self.format() == Format::Auto
    }

    /// Whether the format has times that lack a time zone.
    pub fn reads_zone(&self) -> bool {
        matches!(self.format(), Format::Syslog | Format::Auto)
    }

    fn format(&self) -> Format {
        match (&self.regex, self.pattern.is_empty()) {
            (Some(_), _) => Format::Regex,
            (None, false) => Format::Pattern,
            (None, true) => self.from,
        }
    }

    /// The format with all that is said of it; records have at most so many bytes.
    ///
    /// # Errors
    /// When options do not fit the format, or make no sense.
    pub fn choice(&self, record_bytes_max: usize) -> Result<Choice, Failure> {
        self.check()?;
        let format = self.format();
        let form = match format {
            Format::Ndjson => Form::Ndjson,
            Format::Json => Form::Json,
            Format::Csv | Format::Tsv => Form::Csv(self.csv(record_bytes_max)?),
            Format::Logfmt => Form::Logfmt,
            Format::Combined => Form::Combined,
            Format::Common => Form::Common,
            Format::Syslog => Form::Syslog,
            Format::Journal => Form::Journal,
            Format::Lines => Form::Lines,
            Format::Regex => Form::Regex(self.groups()?),
            Format::Pattern => Form::Pattern(self.pattern()?),
            // It is found later.
            Format::Auto => Form::Ndjson,
        };
        let values = self.values();
        let names: Option<Vec<&str>> = match &form {
            Form::Regex(groups) => Some(groups.names().collect()),
            Form::Pattern(pattern) => Some(pattern.names().collect()),
            _ => None,
        };
        if let Some(names) = names
            && let Some(stranger) = values.types.stranger(|name| names.contains(&name))
        {
            return Err(in_option("--types", format!("there is no field {stranger}")));
        }
        let multiline = self.multiline.as_deref().map(compile).transpose();
        let settings = Settings {
            form,
            values,
            multiline: multiline.map_err(|error| in_option("--multiline", error))?,
            times: Missing { year: self.year, zone: self.tz.clone(), now_ms: now_ms() },
            keep_bad: self.keep_bad.clone(),
            record_bytes_max,
        };
        Ok(match format {
            Format::Auto => Choice::Found(settings),
            _ => Choice::Named(settings),
        })
    }

    fn csv(&self, record_bytes_max: usize) -> Result<CsvOptions, Failure> {
        let usual = if self.format() == Format::Tsv { b'\t' } else { b',' };
        let delimiter = self.delimiter.unwrap_or(usual);
        let quote = self.quote.map_or(Some(b'"'), |quote| quote.0);
        if quote == Some(delimiter) {
            return Err(in_option("--quote", "is the delimiter, too; they must differ"));
        }
        let names = match (self.columns.is_empty(), self.no_header) {
            (false, _) => Names::Given(self.columns.clone()),
            (true, true) => Names::Numbers,
            (true, false) => Names::Header,
        };
        Ok(CsvOptions { delimiter, quote, names, values: self.values(), record_bytes_max })
    }

    fn values(&self) -> Values {
        let nulls = match self.null.is_empty() {
            false => self.null.clone(),
            true if self.is_csv() || self.format() == Format::Auto => {
                vec![String::new(), "NA".to_owned()]
            }
            true => vec![String::new()],
        };
        let escapes =
            self.format() == Format::Tsv && self.quote.is_none_or(|quote| quote.0.is_none());
        Values { types: self.types.clone().unwrap_or_default(), nulls, escapes }
    }

    fn groups(&self) -> Result<Groups, Failure> {
        let missing = "the expression is missing; write --from regex EXPR";
        let expression = self.regex.as_deref().ok_or_else(|| in_option("--from regex", missing))?;
        Groups::new(expression).map_err(|error| in_option("--from regex", error))
    }

    fn pattern(&self) -> Result<Pattern, Failure> {
        let [pattern, names] = self.pattern.as_slice() else {
            let missing = "pattern and names are missing; write --from pattern '* [*] *' a,b,c";
            return Err(in_option("--from pattern", missing));
        };
        Pattern::new(pattern, names).map_err(|error| in_option("--from pattern", error))
    }

    fn is_csv(&self) -> bool {
        matches!(self.format(), Format::Csv | Format::Tsv)
    }

    /// Refuses options that have no use with the format, and names that no field can have.
    fn check(&self) -> Result<(), Failure> {
        let format = self.format();
        let csv = self.is_csv();
        let auto = format == Format::Auto;
        let lined = [Format::Logfmt, Format::Regex, Format::Pattern];
        let typed = csv || auto || lined.contains(&format);
        let lined = !csv && !auto && format != Format::Json;
        let syslog = self.reads_zone();
        for (option, given, fits, formats) in [
            ("--types", self.types.is_some(), typed, "csv, tsv, logfmt, regex and pattern"),
            ("--null", !self.null.is_empty(), typed, "csv, tsv, logfmt, regex and pattern"),
            ("--delimiter", self.delimiter.is_some(), csv, "csv and tsv"),
            ("--quote", self.quote.is_some(), csv, "csv and tsv"),
            ("--no-header", self.no_header, csv, "csv and tsv"),
            ("--columns", !self.columns.is_empty(), csv, "csv and tsv"),
            ("--multiline", self.multiline.is_some(), lined, "a format whose records are lines"),
            ("--year", self.year.is_some(), syslog, "syslog"),
            ("--tz", self.tz.is_some() && !self.tz_is_of_tool, syslog, "syslog"),
        ] {
            if given && !fits {
                let why = format!("has an effect only with --from {formats}");
                return Err(in_option(option, why));
            }
        }
        for (index, name) in self.columns.iter().enumerate() {
            if name.is_empty() || self.columns.iter().take(index).any(|before| before == name) {
                return Err(in_option("--columns", format!("'{name}' is empty, or given twice")));
            }
        }
        if self.types.as_ref() == Some(&Types::all_text()) && !self.null.is_empty() {
            return Err(in_option("--null", "has no effect with --types all-text"));
        }
        let first = [self.columns.first(), self.keep_bad.as_ref()];
        match first.into_iter().flatten().any(|name| is_reserved_key(name)) {
            true => Err(Failure::usage(Reserved.to_string())),
            false => Ok(()),
        }
    }
}

/// Reads a delimiter of CSV.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if is_delimiter(*byte) => Ok(*byte),
        _ => Err("it must be one ASCII character, not a letter, digit, quote, +, - or .; \
                  or tab"
            .into()),
    }
}

/// Reads what stands around cells.
fn quote(text: &str) -> Result<Quote, String> {
    match text.as_bytes() {
        b"none" => Ok(Quote(None)),
        [byte] if is_quote(*byte) => Ok(Quote(Some(*byte))),
        _ => Err("it must be one ASCII character, not a letter, digit, +, - or .; or none".into()),
    }
}

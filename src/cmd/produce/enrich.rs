//! `--filter`, `--map` and `--add`: what becomes of records before they are appended.

use std::ops::ControlFlow;

use crate::cli::Failure;
use crate::cli::pump::{Context, StageError, in_option};
use crate::expr::{Program, Variables};
use crate::record::decode::Raw;
use crate::record::reserved;
use crate::record::splice::{add_fields, replace_fields};
use crate::record::text::write_string;
use crate::sys::clock::now_ms;
use crate::time::timestamp::write_ms;

/// What is done with records on their way into a topic.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Records")]
pub(super) struct EnrichOptions {
    /// Append only records that meet EXPR; this jq expression is neither false nor null then
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,

    /// Append the results of EXPR, a jq expression, instead of each record
    #[arg(long, value_name = "EXPR")]
    map: Option<String>,

    /// Add the field NAME to each record, with the value of a jq expression; may be repeated
    ///
    /// --filter comes first, then --map, then --add. In all three, $file is the name of the input,
    /// $line the line at which the record begins, $offset the byte of the input at which that line
    /// begins, $host the name of this machine, and $now the time by its clock, in RFC 3339.
    #[arg(long, value_name = "NAME=EXPR")]
    add: Vec<String>,
}

/// What expressions can know of a record beside the record, in the order of their variables.
const KNOWN: [&str; 5] = ["file", "line", "offset", "host", "now"];
const FILE: usize = 0;
const LINE: usize = 1;
const OFFSET: usize = 2;
const HOST: usize = 3;
const NOW: usize = 4;

impl EnrichOptions {
    /// What does it; nothing if nothing is asked for.
    ///
    /// # Errors
    /// When an expression is wrong, or a field has no name.
    pub fn build(&self) -> Result<Option<Box<Enrich>>, Failure> {
        if self.filter.is_none() && self.map.is_none() && self.add.is_empty() {
            return Ok(None);
        }
        let one = |option: &str, source: &Option<String>| {
            source.as_ref().map(|source| Step::new(option, &[source])).transpose()
        };
        let (filter, map) = (one("--filter", &self.filter)?, one("--map", &self.map)?);
        if let Some(filter) = &filter {
            let checked = filter.program.check_condition(0);
            checked.map_err(|error| in_option("--filter", error))?;
        }
        let split = |text: &'_ String| {
            let (name, source) = text.split_once('=')?;
            (!name.is_empty()).then(|| (name.to_owned(), source.to_owned()))
        };
        let mut names = Vec::new();
        let mut sources = Vec::new();
        for text in &self.add {
            let wrong = || in_option("--add", format!("'{text}' is not NAME=EXPR"));
            let (name, source) = split(text).ok_or_else(wrong)?;
            if names.contains(&name) {
                return Err(in_option("--add", format!("the field {name} is given twice")));
            }
            names.push(name);
            sources.push(source);
        }
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        let add = match sources.is_empty() {
            true => None,
            false => Some(Step::new("--add", &sources)?),
        };
        Ok(Some(Box::new(Enrich { filter, map, add, names, ..Enrich::default() })))
    }

    /// Whether records differ from run to run, since they have the time of the run in them.
    pub fn reads_clock(&self) -> bool {
        self.reads("$now")
    }

    /// Whether records have their places in their files in them.
    pub fn reads_offset(&self) -> bool {
        self.reads("$offset")
    }

    fn reads(&self, name: &str) -> bool {
        let mut all = self.filter.iter().chain(&self.map).chain(&self.add);
        all.any(|source| source.contains(name))
    }
}

/// Expressions that are evaluated on the same record.
struct Step {
    program: Program,
    /// Which of what is known they may read.
    reads: [bool; KNOWN.len()],
}

impl Step {
    fn new(option: &str, sources: &[impl AsRef<str>]) -> Result<Step, Failure> {
        let mut variables = Variables::default();
        for name in KNOWN {
            variables.add_changing(name).map_err(|error| in_option(option, error))?;
        }
        let sources: Vec<&str> = sources.iter().map(AsRef::as_ref).collect();
        let program = Program::compile_with(&sources, &variables);
        let mut program = program.map_err(|error| in_option(option, error))?;
        let reads = |name: &str| sources.iter().any(|source| source.contains(&format!("${name}")));
        let reads = KNOWN.map(reads);
        if reads[HOST] {
            program.set_text(HOST, &host_name());
        }
        Ok(Step { program, reads })
    }

    /// Has the expressions know what they may read of a record.
    fn know(&mut self, raw: &Raw<'_>, cx: &mut Context) {
        let program = &mut self.program;
        for (index, _) in self.reads.iter().enumerate().filter(|(_, reads)| **reads) {
            match index {
                FILE => program.set_text(FILE, &cx.origin(raw.line).0),
                LINE => program.set_number(LINE, number(cx.origin(raw.line).1)),
                OFFSET => program.set_number(OFFSET, number(cx.line_offset(raw.line))),
                NOW => program.set_text(NOW, &now()),
                _ => {}
            }
        }
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The name of this machine, as `hostname` prints it.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

fn now() -> String {
    let mut text = Vec::new();
    match write_ms(now_ms(), &mut text) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => String::new(),
    }
}

/// What becomes of records.
#[derive(Default)]
pub(super) struct Enrich {
    filter: Option<Step>,
    map: Option<Step>,
    add: Option<Step>,
    /// The names of the fields that are added.
    names: Vec<String>,
    /// The results of the map, a line each.
    mapped: Vec<u8>,
    /// A record with its fields, and these.
    record: Vec<u8>,
    fields: Vec<u8>,
}

impl Enrich {
    /// Whether an expression reads where records begin.
    pub fn reads_offset(&self) -> bool {
        let steps = [&self.filter, &self.map, &self.add];
        steps.into_iter().flatten().any(|step| step.reads[OFFSET])
    }

    /// Whether an expression reads their lines.
    pub fn reads_line(&self) -> bool {
        let steps = [&self.filter, &self.map, &self.add];
        steps.into_iter().flatten().any(|step| step.reads[LINE])
    }

    /// Gives what becomes of a record to `take`: nothing, or one record or several.
    ///
    /// # Errors
    /// When an expression fails for the record, and what `take` says.
    pub fn apply(
        &mut self,
        raw: Raw<'_>,
        cx: &mut Context,
        mut take: impl FnMut(Raw<'_>, &mut Context) -> Result<ControlFlow<()>, StageError>,
    ) -> Result<ControlFlow<()>, StageError> {
        if let Some(step) = &mut self.filter {
            step.know(&raw, cx);
            let mut record = step.program.load(raw.bytes).map_err(StageError::bad)?;
            let kept = record.truth(0);
            if !kept.map_err(|error| StageError::Bad(format!("--filter: {error}")))? {
                return Ok(ControlFlow::Continue(()));
            }
        }
        self.mapped.clear();
        let Some(step) = &mut self.map else { return self.finish(raw, cx, &mut take) };
        step.know(&raw, cx);
        let mut record = step.program.load(raw.bytes).map_err(StageError::bad)?;
        let written = record.write(0, &mut self.mapped);
        written.map_err(|error| StageError::Bad(format!("--map: {error}")))?;
        let mapped = std::mem::take(&mut self.mapped);
        let mut flow = Ok(ControlFlow::Continue(()));
        for line in mapped.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            flow = self.finish(Raw { bytes: line, ..raw }, cx, &mut take);
            if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                break;
            }
        }
        self.mapped = mapped;
        flow
    }

    /// Adds the fields to a record.
    fn finish(
        &mut self,
        raw: Raw<'_>,
        cx: &mut Context,
        take: &mut impl FnMut(Raw<'_>, &mut Context) -> Result<ControlFlow<()>, StageError>,
    ) -> Result<ControlFlow<()>, StageError> {
        let Enrich { add, names, record, fields, .. } = self;
        let Some(step) = add else { return take(raw, cx) };
        step.know(&raw, cx);
        let mut loaded = step.program.load(raw.bytes).map_err(StageError::bad)?;
        if !loaded.is_object() {
            return Err(StageError::bad("not an object; only an object takes the fields of --add"));
        }
        fields.clear();
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                fields.push(b',');
            }
            write_string(name, fields);
            fields.push(b':');
            let value = loaded.value(index);
            let value = value.map_err(|error| StageError::Bad(format!("--add {name}: {error}")))?;
            value.write_json(fields);
        }
        record.clear();
        let named = crate::record::splice::has_field(raw.bytes, names, true);
        match named {
            true => replace_fields(raw.bytes, names, fields, record),
            false => add_fields(raw.bytes, fields, record),
        };
        reserved::check(record).map_err(StageError::bad)?;
        take(Raw { bytes: record, ..raw }, cx)
    }
}

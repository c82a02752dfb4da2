//! Printing records of several topics: on a terminal, each line begins with the name of its topic.

use std::collections::BTreeSet;

use super::lag::Lag;
use super::{Options, Run};
use crate::api::reading::Chunk;
use crate::cli::counters::counters;
use crate::cli::input::Watch;
use crate::cli::output::{Output, OutputError};
use crate::cmd::subscribe::pace::{Ended, Paced};
use crate::cmd::subscribe::print::{Printed, Printer};
use crate::record::control::Control;

/// How wide the column of names is at least where more topics may come.
const NAME_CHARS_MIN: usize = 12;
/// How wide names are shown at most, so that there is room for records.
const NAME_CHARS_MAX: usize = 24;
/// How much is laid out before it is written.
const READY_BYTES_MAX: usize = 1 << 20;
/// The colours of names, as SGR has them: those of values are others.
const COLORS: [u8; 6] = [96, 93, 92, 95, 94, 91];

/// Prints runs of records, when they are due.
pub(in crate::cmd::subscribe) struct Printing {
    paced: Paced,
    lines: Lines,
    /// Where each topic is read, if others may look.
    pub(super) lag: Option<Lag>,
}

/// What is printed of them.
struct Lines {
    printer: Printer,
    /// How wide names are shown; none where they are not.
    width: Option<usize>,
    color: bool,
    /// The topics that were printed, in order: a name keeps its colour.
    topics: Vec<String>,
    /// What is laid out and not written yet.
    ready: Vec<u8>,
    /// How many records and bytes of them that is, as they were read.
    laid: (u64, u64),
}

impl Printing {
    /// For these topics, and others that may come.
    ///
    /// # Errors
    /// When options do not fit together.
    pub fn new(
        options: &Options,
        output: &Output,
        topics: &BTreeSet<String>,
    ) -> anyhow::Result<Printing> {
        let is_shown = output.is_terminal() && !options.meta && !options.look.has_template();
        let longest = topics.iter().map(String::len).max().unwrap_or(0);
        // Others may come, whose names are not known yet.
        let least = if options.follow { NAME_CHARS_MIN } else { 0 };
        let most = output.size().map_or(NAME_CHARS_MAX, |(columns, _)| columns / 3);
        let longest = longest.max(least).min(most.min(NAME_CHARS_MAX));
        let lines = Lines {
            printer: options.printer(output)?.up_to(None, options.count),
            width: is_shown.then_some(longest),
            color: options.look.colors(output.is_terminal()),
            topics: Vec::new(),
            ready: Vec::new(),
            laid: (0, 0),
        };
        Ok(Printing { paced: Paced::new(options)?, lines, lag: None })
    }

    /// Prints a run; tells why no more is wanted, if so.
    ///
    /// # Errors
    /// When a record does not fit into the layout, or the output cannot be written to.
    pub(super) fn print(
        &mut self,
        topic: &str,
        run: &Run,
        watch: &Watch,
        output: &mut Output,
    ) -> anyhow::Result<Option<Ended>> {
        let ended = self.lay(topic, &run.chunk, &run.bytes, watch, output)?;
        let written = self.write(output)?;
        self.lag.iter().for_each(|lag| lag.reached(topic, &run.chunk));
        Ok(ended.or(written))
    }

    /// Lays out a run, to be written with others, but not with many; records that are to come at a
    /// pace are written when they are due. Tells why no more is wanted, if so.
    ///
    /// # Errors
    /// As [`Printing::write`].
    pub fn lay(
        &mut self,
        topic: &str,
        chunk: &Chunk,
        bytes: &[u8],
        watch: &Watch,
        output: &mut Output,
    ) -> anyhow::Result<Option<Ended>> {
        let Printing { paced, lines, .. } = self;
        let is_paced = paced.is_asked();
        paced.each(chunk, bytes, watch, |chunk, bytes| {
            let more = lines.lay(topic, chunk, bytes, output);
            let is_due = is_paced || lines.ready.len() > READY_BYTES_MAX;
            let written = if is_due { lines.write(output)? } else { None };
            let written = written.or(watch.stopped().filter(|_| is_due).map(Ended::Halt));
            Ok(if more { written } else { Some(Ended::Complete) })
        })
    }

    /// Has a control record come next.
    pub fn put_control(&mut self, control: &Control) {
        control.write(&mut self.lines.ready);
    }

    /// Writes what is laid out. Tells why no more is wanted, if so.
    ///
    /// # Errors
    /// When a record did not fit into the layout, or the output cannot be written to.
    pub fn write(&mut self, output: &mut Output) -> anyhow::Result<Option<Ended>> {
        self.lines.write(output)
    }

    /// Prints what there is to say at the end.
    pub fn finish(&self) {
        self.paced.finish();
    }
}

impl Lines {
    /// Lays out a run; whether more is wanted.
    fn lay(&mut self, topic: &str, chunk: &Chunk, bytes: &[u8], output: &Output) -> bool {
        self.laid = (self.laid.0 + chunk.records, self.laid.1 + chunk.bytes);
        let before = self.width.map_or(0, |width| width + 3);
        self.printer.turn_to(topic);
        let size = || output.size().map(|(columns, lines)| (columns.saturating_sub(before), lines));
        self.printer.resize(size);
        let Printed { lines, more, .. } = self.printer.lines(chunk, bytes);
        let Some(width) = self.width else {
            self.ready.extend_from_slice(lines);
            return more;
        };
        let color = self.topics.iter().position(|known| known == topic);
        let color = color.unwrap_or_else(|| {
            self.topics.push(topic.to_owned());
            self.topics.len() - 1
        });
        let name = name(topic, width, self.color.then_some(COLORS[color % COLORS.len()]));
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            self.ready.extend_from_slice(name.as_bytes());
            self.ready.extend_from_slice(line);
        }
        more
    }

    fn write(&mut self, output: &mut Output) -> anyhow::Result<Option<Ended>> {
        let written = if self.ready.is_empty() { Ok(()) } else { output.write(&self.ready) };
        self.ready.clear();
        self.printer.check()?;
        if written.is_ok() {
            let (records, bytes) = std::mem::take(&mut self.laid);
            counters().printed(records, bytes);
        }
        match written {
            Ok(()) => Ok(None),
            Err(OutputError::Closed) => Ok(Some(Ended::Unread)),
            Err(error) => Err(error.into()),
        }
    }
}

/// What stands before a line of a topic.
fn name(topic: &str, width: usize, color: Option<u8>) -> String {
    // The names of topics are ASCII.
    let shown = match topic.get(..width) {
        Some(begin) if topic.len() > width => {
            format!("{}\u{2026}", begin.get(..width.saturating_sub(1)).unwrap_or(begin))
        }
        _ => format!("{topic:width$}"),
    };
    match color {
        Some(color) => format!("\x1b[{color}m{shown}\x1b[0m | "),
        None => format!("{shown} | "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_wide_as_each_other() {
        assert_eq!(name("a", 3, None), "a   | ");
        assert_eq!(name("abc", 3, None), "abc | ");
        assert_eq!(name("abcd", 3, Some(92)), "\u{1b}[92mab\u{2026}\u{1b}[0m | ");
    }
}

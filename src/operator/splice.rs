//! Records with their windows as fields, as `window` writes them.

use std::ops::Range;

use memchr::memmem;

use super::clock::not_an_object;
use super::fused::{Beside, Downstream, Next};
use super::{Collector, Fault, Work};
use crate::expr::{ParsedRecord, Program, Records};
use crate::record::control::Control;
use crate::record::lines::Lines;
use crate::record::outlet::PIECE_BYTES;
use crate::record::reserved::{self, Reserved};
use crate::record::splice::{add_fields, has_field, replace_fields};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::window::{Carried, Windows};

/// Adds its windows to each record, and gives the lines to `lines`.
pub struct Splice<L> {
    program: Program,
    /// Why none but objects are taken, where that is so.
    only: Option<&'static str>,
    spliced: Spliced<L>,
}

/// All of it but the reading of records.
pub struct Spliced<L> {
    fields: Fields,
    /// Whether such fields may be in the records that are read.
    named: bool,
    /// What takes the lines.
    pub lines: L,
}

/// What takes records with their windows in them.
pub trait WindowedLines {
    /// Takes a record, which `write` appends, without its line end; false if it is late.
    ///
    /// # Errors
    /// As [`Next::record`], and what `write` says.
    fn line(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault>;

    /// As [`Next::control`].
    ///
    /// # Errors
    /// As [`Next::control`].
    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault>;

    /// As [`Downstream::snapshot`].
    fn snapshot(&self, to: &mut Writer);

    /// As [`Downstream::restore`].
    ///
    /// # Errors
    /// As [`Downstream::restore`].
    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError>;

    /// As [`Downstream::undone`].
    fn undone(&self) -> Option<String>;

    /// As [`Downstream::work`].
    fn work(&self) -> Work;
}

/// Emits the lines.
pub struct Print {
    speaks: bool,
    emitted: u64,
}

impl Print {
    /// Emits control records, too, if it `speaks`.
    pub fn new(speaks: bool) -> Print {
        Print { speaks, emitted: 0 }
    }
}

impl WindowedLines for Print {
    fn line(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault> {
        // One call for each record, and no other.
        let pending = out.pending();
        write(pending)?;
        pending.push(b'\n');
        self.emitted += 1;
        if pending.len() >= PIECE_BYTES {
            out.pass_on()?;
        }
        Ok(true)
    }

    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault> {
        if self.speaks {
            control.write(out.pending());
        }
        Ok(())
    }

    fn snapshot(&self, _: &mut Writer) {}

    fn restore(&mut self, _: &mut Reader<'_>) -> Result<(), StateError> {
        Ok(())
    }

    fn undone(&self) -> Option<String> {
        self.speaks.then(|| "the final watermark is not written".to_owned())
    }

    fn work(&self) -> Work {
        Work { emitted: Some(self.emitted), ..Work::default() }
    }
}

impl<L: WindowedLines> Splice<L> {
    /// Reads records by a program, which has the expressions of the operator before it; only
    /// objects, if there is a reason why. What they carry is added to them.
    pub fn new(
        program: Program,
        only: Option<&'static str>,
        carried: Carried,
        lines: L,
    ) -> Splice<L> {
        let spliced = Spliced { fields: Fields::new(carried), named: true, lines };
        Splice { program, only, spliced }
    }

    /// What takes the lines.
    pub fn lines(&mut self) -> &mut L {
        &mut self.spliced.lines
    }
}

impl<L: WindowedLines> Downstream for Splice<L> {
    type Next = Spliced<L>;

    fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut Spliced<L>) {
        self.spliced.named = lines.may_name(&self.spliced.fields.prefix);
        (self.program.records(lines), &mut self.spliced)
    }

    fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(ParsedRecord<'_, 't>, &mut Spliced<L>), Fault> {
        self.spliced.named = true;
        let loaded = self.program.load(record).map_err(Fault::said)?;
        match self.only {
            Some(only) if !loaded.is_object() => Err(not_an_object(only)),
            _ => Ok((loaded, &mut self.spliced)),
        }
    }

    fn next(&mut self) -> &mut Spliced<L> {
        &mut self.spliced
    }

    fn source(&self, index: usize) -> &str {
        self.program.source(index)
    }

    fn snapshot(&self, to: &mut Writer) {
        self.spliced.lines.snapshot(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.spliced.lines.restore(from)
    }

    fn undone(&self) -> Option<String> {
        self.spliced.lines.undone()
    }

    fn work(&self) -> Work {
        self.spliced.lines.work()
    }
}

impl<L: WindowedLines> Next for Spliced<L> {
    fn record(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        beside: Option<&Beside<'_>>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault> {
        let (Spliced { fields, named, lines }, record) = (self, record.record());
        let Some(beside) = beside else {
            let put = |line: &mut Vec<u8>| {
                line.extend_from_slice(record);
                Ok(())
            };
            return lines.line(put, out);
        };
        fields.prepare(beside.slice, beside.windows)?;
        let mut in_time = true;
        let replaces = *named && fields.are_in(record);
        for text in fields.texts(beside.closed_ms) {
            let put =
                |line: &mut Vec<u8>| fields.add(record, replaces, text, line).map_err(Fault::bad);
            in_time &= lines.line(put, out)?;
        }
        Ok(in_time)
    }

    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault> {
        self.lines.control(control, out)
    }
}

/// Writes windows or slices into records; remembers the text of the last ones.
struct Fields {
    names: [&'static str; 2],
    /// How such a name begins, in a record that has one already.
    prefix: memmem::Finder<'static>,
    /// Whether a record goes out once for each window of its slice.
    expands: bool,
    slice: Option<Interval>,
    text: Vec<u8>,
    /// For each window or slice, the watermark's time from which it is not written, and its text.
    ends: Vec<(i64, Range<usize>)>,
}

impl Fields {
    /// Writes what records carry.
    fn new(carried: Carried) -> Fields {
        let (names, prefix) = match carried {
            Carried::Window | Carried::Nothing => (WINDOW_FIELDS, "\"window_"),
            Carried::Slice | Carried::Session => (SLICE_FIELDS, "\"slice_"),
        };
        Fields {
            names,
            prefix: memmem::Finder::new(prefix),
            expands: carried == Carried::Window,
            slice: None,
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Makes the texts of a slice.
    ///
    /// # Errors
    /// When they reach beyond the years that can be written.
    #[inline]
    fn prepare(&mut self, slice: Interval, windows: &Windows) -> Result<(), Fault> {
        if self.slice == Some(slice) { Ok(()) } else { self.prepare_next(slice, windows) }
    }

    #[cold]
    fn prepare_next(&mut self, slice: Interval, windows: &Windows) -> Result<(), Fault> {
        self.slice = None;
        self.text.clear();
        self.ends.clear();
        if self.expands {
            for window in windows.of_slice(slice) {
                self.prepare_one(window, window.end_ms)?;
            }
        } else {
            self.prepare_one(slice, i64::MAX)?;
        }
        self.slice = Some(slice);
        Ok(())
    }

    fn prepare_one(&mut self, interval: Interval, until_ms: i64) -> Result<(), Fault> {
        let begin = self.text.len();
        interval.write_fields_as(self.names, &mut self.text).map_err(Fault::bad)?;
        self.ends.push((until_ms, begin..self.text.len()));
        Ok(())
    }

    /// The texts, but for those of windows that end at `closed_ms` or before.
    fn texts(&self, closed_ms: i64) -> impl Iterator<Item = &[u8]> {
        let open = self.ends.iter().filter(move |(until_ms, _)| *until_ms > closed_ms);
        open.map(|(_, text)| self.text.get(text.clone()).unwrap_or_default())
    }

    /// Whether a record has such a field already, as the output of an aggregate that is windowed
    /// again does; asked once for all its texts.
    fn are_in(&self, record: &[u8]) -> bool {
        has_field(record, &self.names, self.prefix.find(record).is_some())
    }

    /// Appends a record with one of the texts, which replaces the fields that are in it already.
    ///
    /// # Errors
    /// When nothing but a field that is replaced kept it from beginning like a control record;
    /// nothing is appended then.
    #[inline]
    fn add(
        &self,
        record: &[u8],
        replaces: bool,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Reserved> {
        if replaces {
            let begin = out.len();
            replace_fields(record, &self.names, text, out);
            if let Err(reserved) = reserved::check(out.get(begin..).unwrap_or_default()) {
                out.truncate(begin);
                return Err(reserved);
            }
        } else {
            add_fields(record, text, out);
        }
        Ok(())
    }
}

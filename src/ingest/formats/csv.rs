//! CSV and TSV input: the header names the keys, every row becomes an object.
//!
//! What cells become is decided by [`types`](super::types): of cells in quotes, strings.
//!
//! The grammar is RFC 4180's, as `csv-core` reads it: LF, CRLF and CR each end a row, empty lines
//! are skipped, and a quote within an unquoted cell is a character like any other. What `csv-core`
//! would mend in silence is bad input here: characters behind a closing quote, and a quote that is
//! still open at the end. Rows without anything odd, which are nearly all, are read by `quick`
//! instead, with the same result.

mod cells;
mod columns;
mod delimiter;
mod quick;

use std::ops::ControlFlow;

use csv_core::{Reader, ReaderBuilder};

use self::cells::Cells;
use self::columns::Columns;
pub(super) use self::delimiter::named_delimiter;
pub use self::delimiter::{is_delimiter, is_quote};
use self::quick::Quick;
use super::made::Made;
use super::types::Values;
use crate::record::RECORD_BYTES_MAX;
use crate::record::decode::{Bad, Decoder, Sink};
use crate::record::text::excerpt;

/// The most columns that a header may name.
pub const COLUMNS_MAX: usize = 1 << 20;

/// The UTF-8 byte order mark, which spreadsheets put before the header.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How CSV is read.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// What separates cells: one ASCII byte other than a quote, CR and LF.
    pub delimiter: u8,
    /// What cells are put in that have a delimiter or a line end in them: a byte as for a
    /// delimiter, or the double quote. Without it, quotes are characters like any other.
    pub quote: Option<u8>,
    /// What names the columns.
    pub names: Names,
    /// What cells become.
    pub values: Values,
    /// The longest row, and the longest record made of a row, in bytes.
    pub record_bytes_max: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            delimiter: b',',
            quote: Some(b'"'),
            names: Names::Header,
            values: Values { nulls: vec![String::new(), "NA".to_owned()], ..Values::default() },
            record_bytes_max: RECORD_BYTES_MAX,
        }
    }
}

/// What names the columns of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Its first row.
    Header,
    /// Their numbers: `c1`, `c2`, and so on, for as many as the first row has.
    Numbers,
    /// These names.
    Given(Vec<String>),
}

/// Turns the rows of CSV inputs into objects. Each input begins with a header of its own.
#[derive(Debug)]
pub struct CsvDecoder {
    options: CsvOptions,
    reader: Reader,
    header: Header,
    /// How many bytes of [`MARK`] the input began with; `None` once that is settled.
    mark: Option<usize>,
    /// What separates the cells of this input.
    delimiter: u8,
    /// Line ends seen so far.
    lines: u64,
    /// Whether the last byte seen was a CR, so that a LF ends no other line.
    after_cr: bool,
    /// The line at which the row in hand begins.
    line: u64,
    /// The beginning of a row whose end has not come yet, as it stands in the input.
    carry: Vec<u8>,
    /// Inside a row that is over the limit: its bytes go to the sink's `bad` in pieces.
    skipping: bool,
    /// How many bytes of that row have gone.
    skipped: u64,
    cells: Cells,
    quick: Quick,
    made: Made,
}

#[derive(Debug)]
enum Header {
    /// The next row is the header.
    Awaited,
    Read(Columns),
    /// The header was bad, so the rows of this input have no names.
    Unusable,
}

impl CsvDecoder {
    /// A decoder that is ready for an input's header.
    pub fn new(options: CsvOptions) -> Self {
        let mut decoder = CsvDecoder {
            reader: Reader::new(),
            header: Header::Awaited,
            mark: None,
            delimiter: options.delimiter,
            options,
            lines: 0,
            after_cr: false,
            line: 1,
            carry: Vec::new(),
            skipping: false,
            skipped: 0,
            cells: Cells::default(),
            quick: Quick::default(),
            made: Made::new(true),
        };
        decoder.reset();
        decoder
    }

    fn reset(&mut self) {
        self.begin(self.options.delimiter);
        self.mark = Some(0);
        self.lines = 0;
        self.after_cr = false;
        self.carry.clear();
        (self.skipping, self.skipped) = (false, 0);
    }

    /// Makes ready for a header whose cells are separated so.
    fn begin(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
        let mut reader = ReaderBuilder::new();
        reader.delimiter(delimiter);
        match self.options.quote {
            Some(quote) => reader.quote(quote),
            None => reader.quoting(false),
        };
        self.reader = reader.build();
        self.quick = Quick::new(delimiter, self.options.quote, &self.options.values);
        // `csv-core` would skip a byte order mark in its first block, but only one that comes in
        // one piece. Reading nothing counts as the first block, and leaves the mark to us.
        self.reader.read_record(&[], &mut [], &mut []);
        self.header = Header::Awaited;
        self.cells = Cells::default();
    }

    /// Passes over a byte order mark, however the blocks cut it.
    fn skip_mark<'a>(
        &mut self,
        mut block: &'a [u8],
        sink: &mut dyn Sink,
    ) -> ControlFlow<(), &'a [u8]> {
        while let (Some(seen), [first, rest @ ..]) = (self.mark, block) {
            if MARK.get(seen) == Some(first) {
                self.mark = Some(seen + 1).filter(|&seen| seen < MARK.len());
                block = rest;
            } else {
                self.give_back_mark(sink)?;
            }
        }
        ControlFlow::Continue(block)
    }

    /// What began like a mark is none: it is the beginning of the header.
    fn give_back_mark(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        match self.mark.take() {
            Some(seen) => self.rows(&MARK[..seen], sink),
            None => ControlFlow::Continue(()),
        }
    }

    fn rows(&mut self, mut block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        // How many bytes at the end come after the rows that may be read quickly, once known.
        let mut quick: Option<usize> = None;
        loop {
            if !self.in_row() {
                if let Some((end, rest)) = self.empty_row(block) {
                    block = rest;
                    self.row(end, false, sink)?;
                    continue;
                }
                block = self.skip_line_ends(block);
            }
            if block.is_empty() {
                return ControlFlow::Continue(());
            }
            if let (Header::Read(columns), false) = (&self.header, self.in_row()) {
                let rest = *quick.get_or_insert_with(|| quick::after_whole_rows(block));
                let whole = block.len().checked_sub(rest).and_then(|whole| block.get(..whole));
                let (made, lines) = (&mut self.made, &mut self.lines);
                let most = self.options.record_bytes_max;
                let rows = whole.unwrap_or_default();
                let used = self.quick.rows(rows, columns, lines, most, made, sink)?;
                if used > 0 {
                    (block, self.after_cr) = (block.get(used..).unwrap_or_default(), false);
                    continue;
                }
            }
            let (complete, used) = self.read_cells(block);
            let (piece, rest) = block.split_at(used);
            block = rest;
            if complete {
                self.row(piece, false, sink)?;
            } else {
                self.keep(piece, sink)?;
            }
        }
    }

    fn in_row(&self) -> bool {
        self.skipping || !self.carry.is_empty()
    }

    /// Passes over empty lines, and over the LF that the CR before it left.
    fn skip_line_ends<'a>(&mut self, block: &'a [u8]) -> &'a [u8] {
        let count = block.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (ends, rest) = block.split_at(count);
        self.count_lines(ends);
        self.line = self.lines + 1;
        rest
    }

    /// The end of an empty line at the front, and what comes after it, if that line is a row: where
    /// tabs separate, a column that is alone has its empty texts so, as no quotes are around them.
    fn empty_row<'a>(&mut self, block: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let columns = match (&self.header, &self.options.names) {
            (Header::Read(columns), _) => columns.count(),
            (Header::Awaited, Names::Given(names)) => names.len(),
            _ => return None,
        };
        if self.delimiter != b'\t' || columns != 1 {
            return None;
        }
        let is_second = self.after_cr && block.starts_with(b"\n");
        let (second, rest) = block.split_at_checked(usize::from(is_second))?;
        let (end, after) = rest.split_at_checked(1)?;
        if !matches!(end, b"\n" | b"\r") {
            return None;
        }
        self.count_lines(second);
        self.line = self.lines + 1;
        self.cells.clear();
        self.cells.push_empty();
        Some((end, after))
    }

    fn read_cells(&mut self, block: &[u8]) -> (bool, usize) {
        if self.skipping {
            self.cells.clear();
        }
        // One more than there should be is enough to tell that there are too many.
        let fields_max = match &self.header {
            Header::Awaited => COLUMNS_MAX + 1,
            Header::Read(columns) => columns.count() + 1,
            Header::Unusable => 1,
        };
        self.cells.read(&mut self.reader, block, fields_max)
    }

    /// Keeps the beginning of a row for the next block, unless it is over the limit already.
    fn keep(&mut self, piece: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        self.count_lines(piece);
        if self.skipping {
            self.skipped += piece.len() as u64;
            return self.too_long(piece, true, true, sink);
        }
        self.carry.extend_from_slice(piece);
        if self.carry.len() <= self.options.record_bytes_max {
            return ControlFlow::Continue(());
        }
        self.skipping = true;
        let carry = std::mem::take(&mut self.carry);
        self.skipped = carry.len() as u64;
        self.too_long(&carry, true, false, sink)
    }

    /// Hands over the row that ends with `piece`, and makes ready for the next.
    fn row(&mut self, piece: &[u8], unterminated: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.count_lines(piece);
        let mut carry = std::mem::take(&mut self.carry);
        let mut row = piece;
        if !carry.is_empty() {
            carry.extend_from_slice(piece);
            row = &carry;
        }
        if let ([whole @ .., b'\r' | b'\n'], false) = (row, unterminated) {
            row = whole;
        }
        let skipping = std::mem::take(&mut self.skipping);
        self.skipped = 0;
        let flow = if skipping || row.len() > self.options.record_bytes_max {
            self.too_long(row, false, skipping, sink)
        } else {
            self.whole_row(row, unterminated, sink)
        };
        self.cells.clear();
        carry.clear();
        self.carry = carry;
        flow
    }

    fn whole_row(
        &mut self,
        row: &[u8],
        unterminated: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        if matches!(self.header, Header::Awaited) {
            match self.header(row, sink) {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => {}
                Err(why) => return self.bad_row(row, why, unterminated, sink),
            }
        }
        self.made.begin(self.line, sink)?;
        let made = match &self.header {
            Header::Read(columns) => {
                let (delimiter, record) = (self.delimiter, self.made.text());
                columns.write_record(&self.cells, row, delimiter, &self.options, record)
            }
            _ => Err("the columns have no names: the header is bad".to_owned()),
        };
        match made {
            Ok(()) if unterminated => self.made.end_unterminated(sink),
            Ok(()) => {
                self.made.end();
                ControlFlow::Continue(())
            }
            Err(why) => {
                self.made.undo();
                self.bad_row(row, why, unterminated, sink)
            }
        }
    }

    /// Takes the header, or what Excel writes before it: `sep=;`. Whether the row is no more than
    /// that: an input without a header has none.
    fn header(&mut self, row: &[u8], sink: &mut dyn Sink) -> Result<bool, String> {
        if let Some(delimiter) = named_delimiter(row) {
            self.begin(delimiter);
            return Ok(true);
        }
        let types = &self.options.values.types;
        let (columns, is_header) = match &self.options.names {
            Names::Header => {
                (Columns::read(&self.cells, row, self.delimiter, &self.options)?, true)
            }
            Names::Numbers => (Columns::numbered(self.cells.fields(), types)?, false),
            Names::Given(names) => (Columns::named(names, types)?, false),
        };
        if let Some(warning) = columns.warning(self.delimiter).filter(|_| is_header) {
            sink.warn(self.line, &warning);
        }
        if let Some(stranger) = types.stranger(|name| columns.names().any(|own| own == name)) {
            let why = format!("--types has a column {} that the header lacks", excerpt(stranger));
            sink.warn(self.line, &why);
        }
        self.header = Header::Read(columns);
        Ok(is_header)
    }

    /// Counts the line ends of what comes next.
    fn count_lines(&mut self, bytes: &[u8]) {
        self.lines += lines_in(bytes, self.after_cr);
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// Hands over a row that makes no record, with what may have led to it.
    fn bad_row(
        &mut self,
        row: &[u8],
        mut why: String,
        unterminated: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        let spoils_rest = self.give_up_header();
        self.made.hand_over(sink)?;
        let last = self.line + lines_in(row, false);
        if last > self.line {
            why.push_str(&format!(" (a quoted field makes it run on to line {last})"));
        }
        if unterminated {
            why.push_str(" (the input ends here, without a line end: it may be cut short)");
        }
        sink.bad(Bad { unterminated, spoils_rest, ..Bad::line(row, self.line, why) })
    }

    /// Hands over a row, or a piece of one, that is over the limit.
    fn too_long(
        &mut self,
        bytes: &[u8],
        more: bool,
        continued: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        let spoils_rest = self.give_up_header();
        self.made.hand_over(sink)?;
        let max = self.options.record_bytes_max;
        let why = format!("the row is longer than the limit of {max} bytes");
        sink.bad(Bad { more, continued, spoils_rest, ..Bad::line(bytes, self.line, why) })
    }

    /// A bad row where the header should be leaves the input without one; whether it is there.
    fn give_up_header(&mut self) -> bool {
        let is_awaited = matches!(self.header, Header::Awaited);
        if is_awaited {
            self.header = Header::Unusable;
        }
        is_awaited
    }

    /// Hands over the row in which the input ended.
    fn last_row(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        if !self.in_row() {
            return ControlFlow::Continue(());
        }
        let (complete, _) = self.read_cells(b"\n");
        if complete || self.skipping {
            return self.row(&[], true, sink);
        }
        // A line end that does not end the row stands within quotes.
        let mut bytes = std::mem::take(&mut self.carry);
        // Whoever keeps the row ends it with a line end again.
        if bytes.ends_with(b"\n") {
            bytes.pop();
        }
        let last = self.line + lines_in(&bytes, false);
        let mut why =
            "the input ends within a quoted field: a quote is missing, or it is cut short"
                .to_owned();
        if last > self.line {
            why.push_str(&format!(" (all of lines {} to {last} is in that row)", self.line));
        }
        self.made.hand_over(sink)?;
        sink.bad(Bad { unterminated: true, ..Bad::line(&bytes, self.line, why) })
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        let block = match self.skip_mark(block, sink) {
            ControlFlow::Continue(block) => block,
            ControlFlow::Break(()) => return ControlFlow::Break(()),
        };
        self.rows(block, sink)?;
        self.made.hand_over(sink)
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let mut flow = self.give_back_mark(sink);
        if flow.is_continue() {
            flow = self.last_row(sink);
        }
        if flow.is_continue() {
            flow = self.made.hand_over(sink);
        }
        self.reset();
        flow
    }

    fn pending(&self) -> u64 {
        let mark = self.mark.unwrap_or_default();
        self.skipped + (mark + self.carry.len()) as u64
    }

    fn awaits_header(&self) -> bool {
        matches!(self.header, Header::Awaited) && self.options.names == Names::Header
    }
}

/// How many line ends (LF, CR, CRLF) are in `bytes`; `after_cr`: a CR stands before them.
fn lines_in(bytes: &[u8], after_cr: bool) -> u64 {
    let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
    let is_second = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        bytes.get(at) == Some(&b'\n') && before.map_or(after_cr, |before| *before == b'\r')
    };
    ends.filter(|at| !is_second(*at)).count() as u64
}

#[cfg(test)]
mod tests;

//! Rows as nearly all are: whole, with as many cells as the header, and quotes only around cells
//! that have none in them. Each byte is looked at once, and what kinds of bytes a cell has decides
//! what it can be. All else is left to the careful way, which also says what is wrong.

use std::ops::ControlFlow;

use super::columns::Columns;
use crate::ingest::formats::escapes::is_escaped;
use crate::ingest::formats::made::Made;
use crate::ingest::formats::types::{Type, Values};
use crate::record::decode::Sink;
use crate::record::text::{is_number, write_utf8};

/// The byte ends a bare cell, or is odd in one: delimiter, line end, quote.
const ENDS: u8 = 1;
/// The byte is no digit.
const NO_DIGIT: u8 = 2;
/// The byte is in no number.
const NOT_IN_NUMBER: u8 = 4;
/// The byte needs an escape in JSON.
const ESCAPED: u8 = 8;

/// How many bytes come after the lines at the front of `block`, if these are UTF-8; else all. The
/// careful way finds out which row is not.
pub(super) fn after_whole_rows(block: &[u8]) -> usize {
    let whole = memchr::memrchr(b'\n', block).map_or(0, |last| last + 1);
    let lines = block.get(..whole).unwrap_or_default();
    if simdutf8::basic::from_utf8(lines).is_ok() { block.len() - whole } else { block.len() }
}

/// Reads rows quickly.
pub(super) struct Quick {
    /// The kinds that each byte is of.
    kinds: [u8; 256],
    /// Whether a null may begin with each byte.
    begins_null: [bool; 256],
    empty_is_null: bool,
    delimiter: u8,
    quote: Option<u8>,
    values: Values,
}

impl std::fmt::Debug for Quick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quick").field("delimiter", &self.delimiter).finish_non_exhaustive()
    }
}

impl Default for Quick {
    fn default() -> Quick {
        Quick::new(b',', None, &Values::default())
    }
}

impl Quick {
    /// For rows whose cells are separated and quoted so.
    pub fn new(delimiter: u8, quote: Option<u8>, values: &Values) -> Quick {
        let mut kinds = [NO_DIGIT | NOT_IN_NUMBER; 256];
        let mut begins_null = [false; 256];
        for (byte, kind) in (0_u8..=255).zip(&mut kinds) {
            let ends = byte == delimiter || Some(byte) == quote || matches!(byte, b'\n' | b'\r');
            if byte.is_ascii_digit() {
                *kind = 0;
            } else if b"+-.eE".contains(&byte) {
                *kind = NO_DIGIT;
            }
            if byte < b' ' || matches!(byte, b'"' | b'\\') {
                *kind |= ESCAPED;
            }
            if ends {
                *kind |= ENDS;
            }
        }
        for null in &values.nulls {
            if let Some(first) = null.bytes().next()
                && let Some(begins) = begins_null.get_mut(usize::from(first))
            {
                *begins = true;
            }
        }
        let empty_is_null = values.nulls.iter().any(String::is_empty);
        Quick { kinds, begins_null, empty_is_null, delimiter, quote, values: values.clone() }
    }

    /// Makes records of rows at the front of these, as many as are plain, and counts their lines.
    /// How many bytes they are. The rows are whole, and UTF-8.
    pub fn rows(
        &self,
        rows: &[u8],
        columns: &Columns,
        lines: &mut u64,
        record_bytes_max: usize,
        made: &mut Made,
        sink: &mut dyn Sink,
    ) -> ControlFlow<(), usize> {
        let mut at = 0;
        // An empty line is no row.
        while rows.get(at).is_some_and(|first| !matches!(first, b'\n' | b'\r')) {
            if let ControlFlow::Break(()) = made.begin(*lines + 1, sink) {
                return ControlFlow::Break(());
            }
            let end = self.row(rows, at, columns, made.text());
            match end {
                Some(end)
                    if end - at <= record_bytes_max + 2
                        && made.record_bytes() <= record_bytes_max =>
                {
                    made.end();
                    *lines += 1;
                    at = end;
                }
                _ => {
                    made.undo();
                    break;
                }
            }
        }
        ControlFlow::Continue(at)
    }

    /// Appends the record of the row at `at`, and gives where the next one begins. If that is not
    /// plain, there is nothing, and what was appended does not count.
    #[inline]
    fn row(
        &self,
        rows: &[u8],
        mut at: usize,
        columns: &Columns,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let mut all = columns.all().iter();
        loop {
            let column = all.next()?;
            out.extend_from_slice(&column.key);
            let (end, ending) = if rows.get(at).copied() == self.quote && self.quote.is_some() {
                self.quoted(rows, at + 1, column.of, out)?
            } else {
                let (end, seen) = self.bare(rows, at);
                let cell = rows.get(at..end)?;
                match column.of {
                    Type::Auto => self.write_bare(cell, seen, out),
                    of => self.write(of, cell, false, out)?,
                }
                (end, *rows.get(end)?)
            };
            at = end + 1;
            if ending == self.delimiter {
                continue;
            }
            if ending == b'\r' {
                (*rows.get(at)? == b'\n').then_some(())?;
                at += 1;
            } else if ending != b'\n' {
                return None;
            }
            let whole = all.next().is_none();
            out.push(b'}');
            return whole.then_some(at);
        }
    }

    /// Where the bare cell at `at` ends, and which kinds of bytes it has.
    #[inline]
    fn bare(&self, rows: &[u8], at: usize) -> (usize, u8) {
        let mut seen = 0;
        let mut end = at;
        for byte in rows.get(at..).unwrap_or_default() {
            let kind = self.kinds[usize::from(*byte)];
            if kind & ENDS != 0 {
                break;
            }
            seen |= kind;
            end += 1;
        }
        (end, seen)
    }

    #[inline]
    fn write_bare(&self, cell: &[u8], seen: u8, out: &mut Vec<u8>) {
        let Some(first) = cell.first() else {
            out.extend_from_slice(if self.empty_is_null { b"null" } else { b"\"\"" });
            return;
        };
        if seen & NO_DIGIT == 0
            && (*first != b'0' || cell.len() == 1)
            && !self.is_null(*first, cell)
        {
            out.extend_from_slice(cell);
        } else if self.is_null(*first, cell) {
            out.extend_from_slice(b"null");
        } else if seen & NOT_IN_NUMBER == 0 && is_number(cell) || matches!(cell, b"true" | b"false")
        {
            out.extend_from_slice(cell);
        } else if seen & ESCAPED == 0 {
            out.push(b'"');
            out.extend_from_slice(cell);
            out.push(b'"');
        } else if self.values.escapes && is_escaped(cell) {
            // Of this type, nothing is refused; and the rows are UTF-8.
            let _ = self.write(Type::Auto, cell, false, out);
        } else {
            write_utf8(cell, out);
        }
    }

    #[inline]
    fn is_null(&self, first: u8, cell: &[u8]) -> bool {
        self.begins_null[usize::from(first)]
            && self.values.nulls.iter().any(|null| null.as_bytes() == cell)
    }

    /// Writes the cell in quotes whose text begins at `at`, and gives where and how it ends.
    fn quoted(&self, rows: &[u8], at: usize, of: Type, out: &mut Vec<u8>) -> Option<(usize, u8)> {
        let end = at + memchr::memchr2(self.quote?, b'\n', rows.get(at..)?)?;
        let ending = *rows.get(end + 1)?;
        if rows.get(end).copied() != self.quote || Some(ending) == self.quote {
            return None;
        }
        let cell = rows.get(at..end)?;
        if memchr::memchr(b'\r', cell).is_some() {
            return None;
        }
        match of {
            Type::Auto => write_utf8(cell, out),
            of => self.write(of, cell, true, out)?,
        }
        Some((end + 1, ending))
    }

    /// Writes a cell of a column that has a type.
    fn write(&self, of: Type, cell: &[u8], quoted: bool, out: &mut Vec<u8>) -> Option<()> {
        self.values.write(of, std::str::from_utf8(cell).ok()?, quoted, out).ok()
    }
}

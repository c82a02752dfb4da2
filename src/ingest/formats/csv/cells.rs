//! The cells of one row: gathered across blocks, and how each was spelled.

use csv_core::{ReadRecordResult, Reader};

/// The cells of the row in hand, quotes resolved, one behind the other. Its memory is used again
/// for every row.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// The first `used` bytes are cells; behind them is room.
    bytes: Vec<u8>,
    used: usize,
    /// Where each cell ends; the first `count` hold.
    ends: Vec<usize>,
    count: usize,
    /// How many fields came after those kept apart.
    beyond: usize,
}

impl Cells {
    /// Reads on, to the end of the row or of the block. Returns whether the row is complete, and
    /// how many bytes of the block belong to it.
    ///
    /// At least the first `fields_max` fields are kept apart; what follows them is only counted.
    pub fn read(&mut self, reader: &mut Reader, block: &[u8], fields_max: usize) -> (bool, usize) {
        let mut at = 0;
        loop {
            let rest = &block[at..];
            self.make_room(rest.len(), fields_max);
            let (bytes, ends) = (&mut self.bytes[self.used..], &mut self.ends[self.count..]);
            let (result, read, written, ended) = reader.read_record(rest, bytes, ends);
            at += read;
            self.used += written;
            self.count += ended;
            match result {
                ReadRecordResult::Record => return (true, at),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return (false, at),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
            }
        }
    }

    /// Room for `bytes` more bytes and at least one more cell.
    fn make_room(&mut self, bytes: usize, fields_max: usize) {
        if self.bytes.len() - self.used < bytes {
            self.bytes.resize(self.used + bytes, 0);
        }
        if self.count < self.ends.len() {
            return;
        }
        if self.count < fields_max {
            self.ends.resize(fields_max.min(2 * self.count).max(16), 0);
        } else {
            // The last place is taken again, so that a row of commas takes no memory.
            self.count -= 1;
            self.beyond += 1;
        }
    }

    /// Makes ready for the next row.
    pub fn clear(&mut self) {
        self.used = 0;
        self.count = 0;
        self.beyond = 0;
    }

    /// Adds a cell without text.
    pub fn push_empty(&mut self) {
        self.ends.truncate(self.count);
        self.ends.push(self.used);
        self.count += 1;
    }

    /// How many fields the row has.
    pub fn fields(&self) -> usize {
        self.count + self.beyond
    }

    /// The cells as texts.
    ///
    /// # Errors
    /// The index of the first cell that is not UTF-8.
    pub fn texts(&self) -> Result<Texts<'_>, usize> {
        let ends = &self.ends[..self.count];
        let whole = simdutf8::basic::from_utf8(&self.bytes[..self.used]);
        match whole {
            // All together may be UTF-8 though a character is torn between two cells.
            Ok(text) if ends.iter().all(|&end| text.is_char_boundary(end)) => {
                Ok(Texts { text, ends: ends.iter(), start: 0 })
            }
            _ => Err(self.first_not_utf8()),
        }
    }

    fn first_not_utf8(&self) -> usize {
        let mut start = 0;
        let torn = self.ends[..self.count].iter().position(|&end| {
            let cell = &self.bytes[start..end];
            start = end;
            std::str::from_utf8(cell).is_err()
        });
        torn.unwrap_or(self.count)
    }
}

/// The texts of a row's cells, in order.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    text: &'a str,
    ends: std::slice::Iter<'a, usize>,
    start: usize,
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let end = *self.ends.next()?;
        let cell = self.text.get(self.start..end);
        self.start = end;
        cell
    }
}

/// How a cell stands in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Bare,
    Quoted,
    /// In quotes, and then something more: RFC 4180 has no meaning for it.
    QuotedAndMore,
}

/// The spellings of a row's cells, in order. Never ends: behind the last cell all are bare.
#[derive(Debug)]
pub(super) struct Spellings<'a> {
    /// What is left of the row; empty for a row without any quote.
    rest: &'a [u8],
    delimiter: u8,
    quote: u8,
}

impl<'a> Spellings<'a> {
    pub fn new(row: &'a [u8], delimiter: u8, quote: Option<u8>) -> Self {
        let is_there = |quote: &u8| memchr::memchr(*quote, row).is_some();
        match quote.filter(is_there) {
            Some(quote) => Spellings { rest: row, delimiter, quote },
            None => Spellings { rest: &[], delimiter, quote: b'"' },
        }
    }

    pub fn next(&mut self) -> Spelling {
        let mut spelling = Spelling::Bare;
        let mut tail = self.rest;
        if let Some((_, inside)) =
            self.rest.split_first().filter(|(first, _)| **first == self.quote)
        {
            tail = behind_quoted(inside, self.quote);
            spelling = match tail.first() {
                Some(&byte) if byte != self.delimiter => Spelling::QuotedAndMore,
                _ => Spelling::Quoted,
            };
        }
        let end = memchr::memchr(self.delimiter, tail).map(|at| at + 1);
        self.rest = end.and_then(|end| tail.get(end..)).unwrap_or_default();
        spelling
    }
}

/// What follows the quote that closes a field; `inside` begins behind the one that opens it.
fn behind_quoted(mut inside: &[u8], quote: u8) -> &[u8] {
    while let Some(at) = memchr::memchr(quote, inside) {
        let tail = inside.get(at + 1..).unwrap_or_default();
        match tail.split_first() {
            Some((second, rest)) if *second == quote => inside = rest,
            _ => return tail,
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_follow_the_cells() {
        use Spelling::{Bare, Quoted, QuotedAndMore};
        let rows: [(&str, &[Spelling]); 6] = [
            ("a,b", &[Bare, Bare]),
            ("a,\"b\",", &[Bare, Quoted, Bare]),
            ("\"a,\"\"b\"\"\",\"\"", &[Quoted, Quoted]),
            ("\"a\"b,c", &[QuotedAndMore, Bare]),
            ("a\"b,\"c\" ", &[Bare, QuotedAndMore]),
            (" \"a\",\"b", &[Bare, Quoted]),
        ];
        for (row, expected) in rows {
            let mut spellings = Spellings::new(row.as_bytes(), b',', Some(b'"'));
            let found: Vec<Spelling> = expected.iter().map(|_| spellings.next()).collect();
            assert_eq!(found, expected, "{row}");
        }
    }
}

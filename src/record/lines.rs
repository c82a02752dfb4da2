//! NDJSON input: splitting blocks into lines.

use std::ops::{ControlFlow, Range};

use memchr::memmem::Finder;

use super::decode::{Bad, Decoder, Raw, Sink};

/// Splits blocks into lines; takes LF and CRLF; skips blank lines; bounds a line's length.
#[derive(Debug)]
pub struct LineDecoder {
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// Lines seen so far.
    line: u64,
    record_bytes_max: usize,
    /// Whether blank lines are handed over, too, and CRs are left before line ends.
    verbatim: bool,
    /// Inside a line that is over the limit: its bytes go to the sink's `bad` in pieces.
    skipping: bool,
    /// How many bytes of that line have gone.
    skipped: u64,
}

impl LineDecoder {
    /// A decoder that refuses lines longer than `record_bytes_max` bytes.
    pub fn new(record_bytes_max: usize) -> Self {
        let (carry, verbatim, skipping) = (Vec::new(), false, false);
        LineDecoder { carry, line: 0, record_bytes_max, verbatim, skipping, skipped: 0 }
    }

    /// The same, but lines are handed over as they are: also blank ones, and with a CR before the
    /// line end.
    pub fn verbatim(record_bytes_max: usize) -> Self {
        LineDecoder { verbatim: true, ..LineDecoder::new(record_bytes_max) }
    }

    /// The same for a text that has `line` lines before it in its input.
    pub fn behind(line: u64, record_bytes_max: usize) -> Self {
        LineDecoder { line, ..LineDecoder::new(record_bytes_max) }
    }

    /// How many lines it has seen of its input.
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// Hands over one whole line, its LF removed.
    fn line(&mut self, line: &[u8], unterminated: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.line += 1;
        if self.skipping {
            (self.skipping, self.skipped) = (false, 0);
            return self.too_long(line, self.line, false, true, sink);
        }
        let whole = line.strip_suffix(b"\r").unwrap_or(line);
        if is_blank(whole) && !self.verbatim {
            return ControlFlow::Continue(());
        }
        if whole.len() > self.record_bytes_max {
            return self.too_long(whole, self.line, false, false, sink);
        }
        let bytes = if self.verbatim { line } else { whole };
        sink.record(Raw { bytes, line: self.line, unterminated })
    }

    /// Hands over a line, or a piece of one, that is over the limit.
    fn too_long(
        &self,
        bytes: &[u8],
        line: u64,
        more: bool,
        continued: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        let why = format!("the line is longer than the limit of {} bytes", self.record_bytes_max);
        sink.bad(Bad { more, continued, ..Bad::line(bytes, line, why) })
    }

    /// Keeps the beginning of a line for the next block, unless it is over the limit already.
    fn keep(&mut self, rest: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        if rest.is_empty() {
            return ControlFlow::Continue(());
        }
        if self.skipping {
            self.skipped += rest.len() as u64;
            return self.too_long(rest, self.line + 1, true, true, sink);
        }
        self.carry.extend_from_slice(rest);
        // One more than the limit, for a CR that belongs to the line end.
        if self.carry.len() > self.record_bytes_max + 1 {
            self.skipping = true;
            let carry = std::mem::take(&mut self.carry);
            self.skipped = carry.len() as u64;
            return self.too_long(&carry, self.line + 1, true, false, sink);
        }
        ControlFlow::Continue(())
    }
}

/// Whole lines, one after the other, each with its LF; how far they have been taken.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the text begins in the block that is decoded; nowhere if it was made.
    begin: Option<usize>,
    /// How many lines of the input lie before `at`.
    line: u64,
    record_bytes_max: usize,
    /// What [`Lines::may_name`] found out, once it was asked.
    named: Option<bool>,
    /// See [`Lines::are_compact`].
    compact: bool,
}

impl<'a> Lines<'a> {
    /// Records that a decoder has made, a line each, of lines of the input that follow each other;
    /// so many lines lie before these. `compact` is what [`Lines::are_compact`] then says.
    pub fn made(text: &'a [u8], line: u64, compact: bool) -> Lines<'a> {
        let record_bytes_max = usize::MAX;
        Lines { text, at: 0, begin: None, line, record_bytes_max, named: None, compact }
    }

    /// Whether the records are known to be as we write records: valid JSON without white space
    /// between values, no key twice in an object, and in strings only the escapes that JSON
    /// requires.
    pub fn are_compact(&self) -> bool {
        self.compact
    }

    /// Whether a key that begins with `name` may be in the text, written plainly or with escapes.
    /// The whole text is searched once, so that its lines need not be: all calls give one `name`.
    pub fn may_name(&mut self, name: &Finder<'_>) -> bool {
        *self.named.get_or_insert_with(|| {
            memchr::memchr(b'\\', self.text).is_some() || name.find(self.text).is_some()
        })
    }

    /// All of the text, also what has been taken.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Where in the text the next line begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many lines of the input lie before the next one.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Where what has not been taken is in the block that is decoded; nowhere if it was made.
    pub fn part(&self) -> Option<Range<usize>> {
        self.begin.map(|begin| begin + self.at..begin + self.text.len())
    }

    /// Takes all that is left.
    pub fn pass_all(&mut self) {
        self.line += memchr::memchr_iter(b'\n', self.rest()).count() as u64;
        self.at = self.text.len();
    }

    /// What has not been taken.
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next line, which ends at `end`, without its line end; none if it is over the limit.
    pub fn record(&self, end: usize) -> Option<&'a [u8]> {
        let line = self.text.get(self.at..end)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (line.len() <= self.record_bytes_max).then_some(line)
    }

    /// Takes the next line, whose LF is at `end`.
    pub fn pass(&mut self, end: usize) {
        self.at = end + 1;
        self.line += 1;
    }

    /// Takes the next line, and gives it without its LF.
    pub fn next_line(&mut self) -> Option<&'a [u8]> {
        let length = memchr::memchr(b'\n', self.rest())?;
        let line = self.rest().get(..length)?;
        self.pass(self.at + length);
        Some(line)
    }
}

impl Decoder for LineDecoder {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        let (whole, mut block) = (block, block);
        if !self.carry.is_empty() || self.skipping {
            let Some(end) = memchr::memchr(b'\n', block) else { return self.keep(block, sink) };
            let (piece, rest) = block.split_at(end);
            block = rest.get(1..).unwrap_or_default();
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(piece);
            let flow = self.line(&line, false, sink);
            line.clear();
            self.carry = line;
            flow?;
        }
        let end = memchr::memrchr(b'\n', block).map_or(0, |last| last + 1);
        let (text, rest) = block.split_at(end);
        let (line, record_bytes_max) = (self.line, self.record_bytes_max);
        let begin = Some(whole.len() - block.len());
        let (named, compact) = (None, false);
        let mut lines = Lines { text, at: 0, begin, line, record_bytes_max, named, compact };
        loop {
            sink.lines(&mut lines)?;
            self.line = lines.line;
            let Some(line) = lines.next_line() else { break };
            self.line(line, false, sink)?;
        }
        self.keep(rest, sink)
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let rest = std::mem::take(&mut self.carry);
        let flow = if rest.is_empty() && !self.skipping {
            ControlFlow::Continue(())
        } else {
            self.line(&rest, true, sink)
        };
        self.line = 0;
        (self.skipping, self.skipped) = (false, 0);
        flow
    }

    fn pending(&self) -> u64 {
        self.skipped + self.carry.len() as u64
    }
}

/// Whether a line holds nothing but JSON white space.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
            let end = if raw.unterminated { "~" } else { "" };
            self.0.push(format!("{}:{}{end}", raw.line, String::from_utf8_lossy(raw.bytes)));
            ControlFlow::Continue(())
        }
        fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
            let text = String::from_utf8_lossy(bad.bytes);
            self.0.push(format!("bad {}:{text}:{}:{}", bad.line, bad.more, bad.continued));
            ControlFlow::Continue(())
        }
    }

    fn split(input: &[u8], block_bytes: usize, max: usize) -> Vec<String> {
        let mut decoder = LineDecoder::new(max);
        let mut seen = Seen::default();
        let mut given = 0;
        for block in input.chunks(block_bytes) {
            assert!(decoder.decode(block, &mut seen).is_continue());
            given += block.len();
            let behind_last = memchr::memrchr(b'\n', &input[..given]).map_or(0, |end| end + 1);
            assert_eq!(decoder.pending(), (given - behind_last) as u64);
        }
        assert!(decoder.finish(&mut seen).is_continue());
        seen.0
    }

    #[test]
    fn any_block_size_gives_the_same_lines() {
        let input = b"{}\r\n\n  \n[1]\n\"\xc3\xa4\"\n3";
        for size in 1..=input.len() {
            assert_eq!(split(input, size, 100), ["1:{}", "4:[1]", "5:\"\u{e4}\"", "6:3~"]);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_handed_over_in_pieces() {
        assert_eq!(
            split(b"1234\r\n12345\n1\n", 100, 4),
            ["1:1234", "bad 2:12345:false:false", "3:1"]
        );
        assert_eq!(
            split(b"1\n123456789\n2\n", 4, 4),
            ["1:1", "bad 2:123456:true:false", "bad 2:789:false:true", "3:2"]
        );
    }

    #[test]
    fn an_input_may_end_inside_a_line_over_the_limit() {
        assert_eq!(split(b"123456", 6, 3), ["bad 1:123456:true:false", "bad 1::false:true"]);
    }
}

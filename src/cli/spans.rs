//! Spans of a plain file, which several threads read side by side.
//!
//! A line belongs to the span that it begins in. Whoever reads a span looks for the first line that
//! begins there, and reads on behind the span to the end of the last one: so spans are cut without
//! looking at what is in the file.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use anyhow::Context;

use super::{Failure, Status};
use crate::sys::aligned::AlignedBuffer;

/// The most that a span has: as much as stays in a core's own cache, with what comes of it.
const SPAN_BYTES_MAX: u64 = 512 << 10;
/// The least, but for the last one.
const SPAN_BYTES_MIN: u64 = 32 << 10;
/// How much is read at once to find where a line begins.
const SEARCH_BYTES: usize = 4 << 10;
/// How far back the last line end is looked for: where what is behind it is longer than this,
/// nothing is shared out.
const LOOK_BACK_BYTES: u64 = 256 << 10;

/// A buffer to read a span: for all of it, and for the rest of a last line of usual length.
pub fn buffer() -> AlignedBuffer {
    AlignedBuffer::new(SPAN_BYTES_MAX as usize + SEARCH_BYTES)
}

/// The whole lines of a plain file that are there when reading begins, to be shared out.
#[derive(Debug)]
pub struct Spans {
    file: Arc<File>,
    name: Arc<str>,
    /// Where the lines are.
    lines: Range<u64>,
    /// Where the next span begins.
    at: u64,
    sharers: u64,
}

impl Spans {
    /// The lines of `file` from `begin` on, if there are any, for so many to share; `name` is for
    /// messages.
    pub fn of(file: Arc<File>, name: Arc<str>, begin: u64, sharers: usize) -> Option<Spans> {
        let lines = begin..lines_end(&file, begin);
        let none = lines.is_empty();
        (!none).then(|| Spans { file, name, lines, at: begin, sharers: sharers as u64 })
    }

    /// The next span. The file is then positioned behind it.
    ///
    /// # Errors
    /// When the file cannot be positioned.
    pub fn hand_out(&mut self) -> io::Result<Option<Span>> {
        // Less and less to the end, so that nobody waits long for the one who has the last.
        let left = self.lines.end - self.at;
        let wanted = left / (2 * self.sharers.max(1));
        let span = self.cut(wanted.clamp(SPAN_BYTES_MIN, SPAN_BYTES_MAX));
        if span.is_some() {
            (&*self.file).seek(SeekFrom::Start(self.at))?;
        }
        Ok(span)
    }

    /// The next span, of so many bytes if there are as many.
    fn cut(&mut self, bytes: u64) -> Option<Span> {
        let start = self.at;
        self.at = self.lines.end.min(start + bytes);
        (start < self.at).then(|| Span {
            file: Arc::clone(&self.file),
            name: Arc::clone(&self.name),
            lines: self.lines.clone(),
            bytes: start..self.at,
        })
    }
}

/// Where the last whole line ends. A file that does not give what it says it has is not looked at
/// any more: plain reading will tell.
fn lines_end(file: &File, begin: u64) -> u64 {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let from = size.saturating_sub(LOOK_BACK_BYTES).max(begin);
    let mut tail = vec![0; size.saturating_sub(from) as usize];
    match file.read_exact_at(&mut tail, from) {
        Ok(()) => memchr::memrchr(b'\n', &tail).map_or(begin, |last| from + last as u64 + 1),
        Err(_) => begin,
    }
}

/// A part of a plain file, for one to read the lines that begin in it.
#[derive(Debug)]
pub struct Span {
    file: Arc<File>,
    name: Arc<str>,
    /// Where the lines are that are shared out.
    lines: Range<u64>,
    /// Never empty.
    bytes: Range<u64>,
}

impl Span {
    /// Reads the lines that begin in the span, in pieces that `buffer` can hold, until `take` wants
    /// no more. The last piece ends with a line.
    ///
    /// # Errors
    /// When the file cannot be read, or is no longer what it was.
    pub fn read(
        &self,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> anyhow::Result<()> {
        let Some(mut at) = self.first_line(buffer)? else { return Ok(()) };
        loop {
            let piece = self.fill(buffer, at)?;
            // What ends before the last byte of the span has another line of the span behind it.
            let inside = piece.len().min((self.bytes.end - 1).saturating_sub(at) as usize);
            let (before, behind) = piece.split_at(inside);
            let last = memchr::memchr(b'\n', behind).map(|end| before.len() + end + 1);
            let wanted = piece.get(..last.unwrap_or(piece.len())).unwrap_or_default();
            if take(wanted).is_break() || last.is_some() {
                return Ok(());
            }
            at += piece.len() as u64;
        }
    }

    /// Where the first line begins, if one does.
    fn first_line(&self, buffer: &mut [u8]) -> anyhow::Result<Option<u64>> {
        let Range { start, end } = self.bytes;
        if start == self.lines.start {
            return Ok(Some(start));
        }
        let most = buffer.len().min(SEARCH_BYTES);
        // A line begins with the span where the byte before it is a line end.
        let mut at = start - 1;
        while at + 1 < end {
            let piece = self.fill(buffer.get_mut(..most).unwrap_or_default(), at)?;
            if let Some(found) = memchr::memchr(b'\n', piece) {
                return Ok(Some(at + found as u64 + 1).filter(|begin| *begin < end));
            }
            at += piece.len() as u64;
        }
        Ok(None)
    }

    /// Reads what is at `at`: something, but nothing behind the lines that are shared out.
    fn fill<'b>(&self, buffer: &'b mut [u8], at: u64) -> anyhow::Result<&'b [u8]> {
        let most = buffer.len().min(self.lines.end.saturating_sub(at) as usize);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let count = loop {
            match self.file.read_at(buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.with_context(|| self.name.to_string())?,
            }
        };
        if count == 0 {
            let what = "the file was truncated or rewritten while it was read; run again on one \
                        that only grows";
            return Err(Failure::new(Status::Io, format!("{}: {what}", self.name)).into());
        }
        Ok(buffer.get(..count).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use proptest::prelude::*;

    use super::*;
    use crate::record::decode::{Bad, Decoder, Raw, Sink};
    use crate::record::lines::LineDecoder;

    fn file_of(text: &[u8]) -> Arc<File> {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(text, 0).unwrap();
        Arc::new(file)
    }

    fn spans_of(file: &Arc<File>, begin: u64) -> Option<Spans> {
        Spans::of(Arc::clone(file), Arc::from("f"), begin, 2)
    }

    /// Everything that a reader with such a buffer takes of a span.
    fn text_of(span: &Span, buffer_bytes: usize) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        span.read(&mut vec![0; buffer_bytes], |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        })?;
        Ok(text)
    }

    /// The records, with their lines.
    #[derive(Default)]
    struct Seen(Vec<(u64, Vec<u8>)>);

    impl Sink for Seen {
        fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
            self.0.push((raw.line, raw.bytes.to_vec()));
            ControlFlow::Continue(())
        }
        fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }

    /// The records of a text, whose first line is the first, or the one behind `before`.
    fn records(text: &[u8], before: u64) -> (Vec<(u64, Vec<u8>)>, u64) {
        let (mut decoder, mut seen) = (LineDecoder::behind(before, 1000), Seen::default());
        assert!(decoder.decode(text, &mut seen).is_continue());
        (seen.0, decoder.lines())
    }

    proptest! {
        #[test]
        fn each_line_comes_once_and_in_its_place(
            lines in prop::collection::vec("[ab]{0,3}\r?|[ab]{20,50}", 1..20),
            rest in "[ab]{0,10}",
            first in 0_usize..20,
            span_bytes in 1_u64..40,
            buffer_bytes in 1_usize..40,
        ) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let begin = first.min(text.len() - 1);
            let file = file_of((text.clone() + &rest).as_bytes());
            let mut spans = spans_of(&file, begin as u64).unwrap();
            let (mut all, mut seen, mut before) = (Vec::new(), Vec::new(), 0);
            while let Some(span) = spans.cut(span_bytes) {
                let text = text_of(&span, buffer_bytes).unwrap();
                prop_assert!(text.is_empty() || text.ends_with(b"\n"));
                let (records, lines) = records(&text, before);
                seen.extend(records);
                before = lines;
                all.extend(text);
            }
            prop_assert_eq!(&all, &text.as_bytes()[begin..]);
            prop_assert_eq!((seen, before), records(&all, 0));
        }
    }

    #[test]
    fn only_whole_lines_are_shared_out() {
        for none in [&b""[..], b"abc", b"ab\nabc"] {
            assert!(spans_of(&file_of(none), 3).is_none(), "{none:?}");
        }
        let file = file_of(b"ab\nabc\nab");
        let span = spans_of(&file, 3).unwrap().hand_out().unwrap().unwrap();
        assert_eq!(text_of(&span, 100).unwrap(), b"abc\n");
        assert_eq!((&*file).stream_position().unwrap(), 7);
        // The end of a last line of which nobody knows how long it is.
        let long = [b"\n".to_vec(), vec![b'x'; LOOK_BACK_BYTES as usize]].concat();
        assert!(spans_of(&file_of(&long), 0).is_none());
        assert!(spans_of(&file_of(&long[..LOOK_BACK_BYTES as usize]), 0).is_some());
    }

    #[test]
    fn spans_are_large_at_first_and_small_at_last() {
        let file = file_of(b"");
        file.set_len(10 * SPAN_BYTES_MAX - 1).unwrap();
        file.write_all_at(b"\n", 10 * SPAN_BYTES_MAX - 1).unwrap();
        let mut spans = spans_of(&file, 0).unwrap();
        let (mut sizes, mut at) = (Vec::new(), 0);
        while let Some(span) = spans.hand_out().unwrap() {
            assert_eq!(span.bytes.start, at);
            at = span.bytes.end;
            assert_eq!((&*file).stream_position().unwrap(), at);
            sizes.push(span.bytes.end - span.bytes.start);
        }
        assert_eq!(at, 10 * SPAN_BYTES_MAX);
        assert_eq!(sizes[..7], [SPAN_BYTES_MAX; 7]);
        assert!(sizes.is_sorted_by(|one, next| one >= next) && sizes.len() < 30, "{sizes:?}");
    }

    #[test]
    fn whoever_wants_no_more_gets_no_more() {
        let span = spans_of(&file_of(b"abc\nabc\n"), 0).unwrap().cut(8).unwrap();
        let mut pieces = 0;
        span.read(&mut [0; 2], |_| {
            pieces += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(pieces, 1);
    }

    #[test]
    fn a_file_that_was_truncated_or_rewritten_is_an_error() {
        let file = file_of(b"ab\nabc\nabcd\n");
        let mut spans = spans_of(&file, 0).unwrap();
        let (first, second) = (spans.cut(4).unwrap(), spans.cut(20).unwrap());
        file.set_len(6).unwrap();
        for span in [&first, &second] {
            let error = text_of(span, 100).unwrap_err();
            assert!(error.to_string().starts_with("f: the file was truncated"), "{error}");
        }
        file.write_all_at(b"ab\nabcabcabcabc", 0).unwrap();
        assert!(text_of(&first, 100).is_err());
        assert_eq!(text_of(&second, 100).unwrap(), b"");
    }
}

//! Frames as bytes: a line, and the record bytes that follow some of them. Bytes in, lines out, and
//! back; no socket.

use std::ops::Range;

use serde::Serialize;

/// How large the buffer is at first; it grows only for a longer line.
const BYTES_AT_FIRST: usize = 64 << 10;

/// A line is longer than the connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is longer than {line_bytes_max} bytes")]
pub struct LineTooLong {
    /// The longest line, its line end counted.
    pub line_bytes_max: usize,
}

/// What was received and not yet taken: lines, and the bytes between them.
#[derive(Debug)]
pub struct Received {
    line_bytes_max: usize,
    bytes: Vec<u8>,
    /// The part of `bytes` that was received and not yet taken.
    unread: Range<usize>,
    /// How much of `unread` is known to hold no line end.
    searched: usize,
}

impl Received {
    /// Nothing yet; refuses lines of more than `line_bytes_max` bytes, line ends counted.
    pub fn new(line_bytes_max: usize) -> Received {
        let line_bytes_max = line_bytes_max.max(1);
        Received {
            line_bytes_max,
            bytes: vec![0; BYTES_AT_FIRST.min(line_bytes_max)],
            unread: 0..0,
            searched: 0,
        }
    }

    /// How many bytes were received and not yet taken.
    pub fn len(&self) -> usize {
        self.unread.len()
    }

    /// Whether all that was received was taken.
    pub fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// Room for more; none if a line's limit was received and nothing of it taken. What is put
    /// there counts once it is [`received`](Received::received).
    pub fn room(&mut self) -> Option<&mut [u8]> {
        self.make_room();
        self.bytes.get_mut(self.unread.end..).filter(|room| !room.is_empty())
    }

    /// The first `count` bytes of the room were received.
    pub fn received(&mut self, count: usize) {
        self.unread.end = self.unread.end.saturating_add(count).min(self.bytes.len());
    }

    /// The length of the next line, its line end included, if all of it was received.
    ///
    /// # Errors
    /// When it is too long. Nothing can be read after it.
    pub fn find_line(&mut self) -> Result<Option<usize>, LineTooLong> {
        let too_long = LineTooLong { line_bytes_max: self.line_bytes_max };
        let unread = self.bytes.get(self.unread.clone()).unwrap_or_default();
        let fresh = unread.get(self.searched..).unwrap_or_default();
        match memchr::memchr(b'\n', fresh) {
            Some(at) if self.searched + at < self.line_bytes_max => {
                Ok(Some(self.searched + at + 1))
            }
            Some(_) => Err(too_long),
            None => {
                self.searched = unread.len();
                if self.searched >= self.line_bytes_max { Err(too_long) } else { Ok(None) }
            }
        }
    }

    /// Takes the next line, its line end included, if all of it was received.
    ///
    /// # Errors
    /// As [`Received::find_line`].
    pub fn take_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        let Some(bytes) = self.find_line()? else { return Ok(None) };
        let line = self.unread.start..self.unread.start + bytes;
        self.advance(bytes);
        Ok(self.bytes.get(line))
    }

    /// Takes all that was received.
    pub fn take_rest(&mut self) -> &[u8] {
        let rest = self.unread.clone();
        self.advance(rest.len());
        self.bytes.get(rest).unwrap_or_default()
    }

    /// Moves bytes to the front of `into`; returns how many.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        let unread = self.bytes.get(self.unread.clone()).unwrap_or_default();
        let count = unread.len().min(into.len());
        if let (Some(from), Some(to)) = (unread.get(..count), into.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.advance(count);
        count
    }

    /// Drops up to `bytes` bytes; returns how many.
    pub fn skip(&mut self, bytes: u64) -> usize {
        let count = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.unread.len());
        self.advance(count);
        count
    }

    fn advance(&mut self, bytes: usize) {
        self.unread.start += bytes;
        self.searched = self.searched.saturating_sub(bytes);
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
    }

    /// Makes room after the unread bytes: moves them to the front, or grows, up to the limit of a
    /// line.
    fn make_room(&mut self) {
        let room = self.bytes.len() - self.unread.end;
        if room > self.bytes.len() / 4 {
            return;
        }
        if self.unread.start > 0 {
            self.bytes.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        } else if room == 0 {
            let grown = (self.bytes.len() * 2).min(self.line_bytes_max);
            self.bytes.resize(grown.max(self.bytes.len()), 0);
        }
    }
}

/// Appends `frame` as a line.
pub(super) fn write_line(frame: &impl Serialize, out: &mut Vec<u8>) {
    // Maps with integer keys and plain structures: writing them to memory has no way to fail.
    let _ = serde_json::to_writer(&mut *out, frame);
    out.push(b'\n');
}

/// What a JSON error says, its place given as a byte of the line.
pub(super) fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    match error.column() {
        0 => what.to_owned(),
        column => format!("{what} at byte {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives as many of `bytes` as there is room for; returns how many.
    fn give(received: &mut Received, bytes: &[u8]) -> usize {
        let Some(room) = received.room() else { return 0 };
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        received.received(count);
        count
    }

    #[test]
    fn lines_and_payloads_alternate() {
        let mut received = Received::new(1 << 20);
        assert_eq!(give(&mut received, b"a\n=3\nxyzb\nrest"), 14);
        assert_eq!(received.take_line(), Ok(Some(&b"a\n"[..])));
        assert_eq!(received.take_line(), Ok(Some(&b"=3\n"[..])));
        let mut payload = [0; 2];
        assert_eq!(received.take(&mut payload), 2);
        assert_eq!((&payload, received.skip(1)), (b"xy", 1));
        assert_eq!(received.take_line(), Ok(Some(&b"b\n"[..])));
        assert_eq!(received.take_line(), Ok(None));
        assert_eq!((received.len(), received.take_rest()), (4, &b"rest"[..]));
        assert!(received.is_empty());
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_more_is_kept() {
        for (bytes, expected) in [
            (&b"1234567\n"[..], Ok(Some(8))),
            (b"1234567", Ok(None)),
            (b"12345678", Err(LineTooLong { line_bytes_max: 8 })),
        ] {
            let mut received = Received::new(8);
            assert_eq!(give(&mut received, bytes), bytes.len());
            assert_eq!(received.find_line(), expected);
            assert_eq!(give(&mut received, b"123456789"), 8 - bytes.len());
        }
    }

    #[test]
    fn the_place_in_a_json_error_is_a_byte_of_the_line() {
        let error = serde_json::from_str::<bool>("tru").unwrap_err();
        assert!(explain(&error).ends_with(" at byte 3"), "{}", explain(&error));
        let mut line = Vec::new();
        write_line(&[1, 2], &mut line);
        assert_eq!(line, b"[1,2]\n");
    }

    proptest! {
        /// However the bytes arrive, the same lines come out.
        #[test]
        fn pieces_do_not_matter(lines in proptest::collection::vec("[a-z]{0,12}", 0..20),
                                cuts in proptest::collection::vec(1..9_usize, 1..20)) {
            let mut received = Received::new(16);
            let sent: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let (mut rest, mut seen) = (sent.as_bytes(), String::new());
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let piece = rest.len().min(*cuts.next().unwrap());
                rest = &rest[give(&mut received, &rest[..piece])..];
                while let Some(line) = received.take_line().unwrap() {
                    prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
                    seen.push_str(std::str::from_utf8(line).unwrap());
                }
            }
            prop_assert_eq!(seen, sent);
        }
    }
}

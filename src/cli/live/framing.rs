//! Syslog on a stream (RFC 6587): messages with their length before them (octet counting), or with
//! a line end after them, as the first byte of each says. Both become lines.

use super::message_lines::MessageLines;

/// The most bytes that come out more than went in with one call: the end of a line.
pub(super) const GROWTH_BYTES: usize = 1;

/// Where in a stream of messages we are.
#[derive(Debug)]
pub(super) struct Framing {
    at: At,
    message_bytes_max: usize,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Before a message.
    Start,
    /// In its length; so much was read of it.
    Count(usize),
    /// In a message of which so many bytes are to come.
    Counted(usize),
    /// In one that a line end ends.
    Line,
}

impl Framing {
    /// The beginning of a stream whose messages have at most so many bytes.
    pub fn new(message_bytes_max: usize) -> Framing {
        Framing { at: At::Start, message_bytes_max }
    }

    /// Makes lines of `block[begin..end]`, at its front: so many bytes. `begin` must be
    /// [`GROWTH_BYTES`] at least.
    ///
    /// # Errors
    /// When a length makes no sense: then it is not known where the next message begins. The lines
    /// before it are at the front, as long as the error says.
    pub fn lines(
        &mut self,
        block: &mut [u8],
        (begin, end): (usize, usize),
    ) -> Result<usize, (usize, String)> {
        let (mut from, mut to) = (begin, 0);
        while let Some(&byte) = block.get(from).filter(|_| from < end) {
            match self.at {
                At::Start => match byte {
                    b'1'..=b'9' => self.at = At::Count(0),
                    // Some senders end messages in both ways.
                    b'\n' | b'\r' | 0 => from += 1,
                    _ => self.at = At::Line,
                },
                At::Count(count) => {
                    from += 1;
                    self.at = match byte {
                        b'0'..=b'9' => {
                            let count = count * 10 + usize::from(byte - b'0');
                            if count > self.message_bytes_max {
                                let why = format!(
                                    "a message of {count} bytes or more is over the limit of {}",
                                    self.message_bytes_max
                                );
                                return Err((to, why));
                            }
                            At::Count(count)
                        }
                        b' ' => At::Counted(count),
                        _ => {
                            let why = "what looks like the length of a message is not followed by \
                                       a space";
                            return Err((to, why.to_owned()));
                        }
                    };
                }
                At::Counted(left) => {
                    let taken = left.min(end - from);
                    block.copy_within(from..from + taken, to);
                    let piece = block.get_mut(to..to + taken).unwrap_or_default();
                    let is_end = taken == left;
                    to += MessageLines::One.make(piece, is_end);
                    from += taken;
                    self.at = At::Counted(left - taken);
                    if is_end {
                        if let Some(end) = block.get_mut(to) {
                            *end = b'\n';
                        }
                        to += 1;
                        self.at = At::Start;
                    }
                }
                At::Line => {
                    let rest = block.get(from..end).unwrap_or_default();
                    let line_end = memchr::memchr(b'\n', rest);
                    let taken = line_end.map_or(rest.len(), |at| at + 1);
                    block.copy_within(from..from + taken, to);
                    (from, to) = (from + taken, to + taken);
                    if line_end.is_some() {
                        self.at = At::Start;
                    }
                }
            }
        }
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out of a stream that arrives in pieces of so many bytes.
    fn framed(stream: &[u8], piece_bytes: usize) -> Result<String, String> {
        let mut framing = Framing::new(1000);
        let mut all = Vec::new();
        for piece in stream.chunks(piece_bytes) {
            let mut block = vec![b'?'; GROWTH_BYTES];
            block.extend_from_slice(piece);
            let end = block.len();
            match framing.lines(&mut block, (GROWTH_BYTES, end)) {
                Ok(count) => all.extend_from_slice(&block[..count]),
                Err((_, why)) => return Err(why),
            }
        }
        Ok(String::from_utf8(all).unwrap())
    }

    #[test]
    fn both_framings_may_be_mixed() {
        let stream = b"5 <1>ab<2>cd\n4 <3>\n\n<4>x\n7 <5>a\nbc";
        for size in 1..stream.len() {
            assert_eq!(framed(stream, size).unwrap(), "<1>ab\n<2>cd\n<3>\n<4>x\n<5>a bc\n");
        }
    }

    #[test]
    fn lengths_that_make_no_sense_end_it() {
        for stream in [&b"5x<1>ab"[..], b"99999999999999999999999 <1>", b"1001 <1>"] {
            assert!(framed(stream, 3).is_err());
        }
    }

    proptest! {
        #[test]
        fn messages_come_back(
            messages in proptest::collection::vec(("<[0-9]{1,3}>[a-c\n]{0,9}[a-c]", any::<bool>()), 0..9),
            size in 1_usize..20,
        ) {
            let (mut stream, mut lines) = (String::new(), String::new());
            for (message, counted) in &messages {
                let line = message.replace('\n', " ");
                match counted {
                    true => stream += &format!("{} {message}", message.len()),
                    false => stream += &format!("{line}\n"),
                }
                lines += &format!("{line}\n");
            }
            prop_assert_eq!(framed(stream.as_bytes(), size).unwrap(), lines);
        }
    }
}

//! The line ends inside of messages that come with their length.

/// What a message is that has line ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageLines {
    /// One line: line ends become spaces.
    One,
    /// Several lines.
    Several,
}

impl MessageLines {
    /// Makes this of a message, or a piece of one, in its place; tells its new length. Line ends at
    /// the end of the message are left out.
    pub fn make(self, message: &mut [u8], is_end: bool) -> usize {
        let is_line_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
        let length = match is_end {
            true => message.iter().rposition(|byte| !is_line_end(byte)).map_or(0, |last| last + 1),
            false => message.len(),
        };
        if self == MessageLines::One {
            let kept = message.iter_mut().take(length);
            kept.filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_at_the_end_are_left_out() {
        let made = |lines: MessageLines, text: &str, is_end| {
            let mut message = text.as_bytes().to_vec();
            let length = lines.make(&mut message, is_end);
            String::from_utf8(message[..length].to_vec()).unwrap()
        };
        assert_eq!(made(MessageLines::One, "a\nb\r\n\0", true), "a b");
        assert_eq!(made(MessageLines::One, "a\nb\n", false), "a b ");
        assert_eq!(made(MessageLines::Several, "a\nb\n", true), "a\nb");
        assert_eq!(made(MessageLines::Several, "\n", true), "");
    }
}

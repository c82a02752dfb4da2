//! Writing JSON text: strings and the test for a number's spelling; quoting data in a message.

use std::borrow::Cow;

/// Appends `text` as a JSON string, quotes included; escapes only what JSON requires.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    write_utf8(text.as_bytes(), out);
}

/// Appends UTF-8 as a JSON string, as [`write_string`] does.
pub fn write_utf8(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return out.push(b'"');
    }
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: Option<&[u8]> = match byte {
            b'"' => Some(b"\\\""),
            b'\\' => Some(b"\\\\"),
            b'\n' => Some(b"\\n"),
            b'\r' => Some(b"\\r"),
            b'\t' => Some(b"\\t"),
            0x08 => Some(b"\\b"),
            0x0c => Some(b"\\f"),
            0..0x20 => None,
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        match escape {
            Some(escape) => out.extend_from_slice(escape),
            None => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Whether nothing in `bytes` needs an escape, as in most texts.
fn is_plain(bytes: &[u8]) -> bool {
    match bytes.last_chunk() {
        // The last eight bytes may have been looked at in part already.
        Some(last) => bytes.as_chunks().0.iter().all(is_plain_word) && is_plain_word(last),
        None => bytes.iter().all(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\'),
    }
}

/// The same for eight bytes at once (Anderson, Bit Twiddling Hacks: a zero byte, a byte below n).
fn is_plain_word(word: &[u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(*word);
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (below(word, 0x20) | quote | backslash) & (ONES << 7) == 0
}

/// A text from the data as a message quotes it: escaped, in double quotes, cut where it is long.
pub fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let cut = text.char_indices().nth(CHARS_MAX).map(|(at, _)| at);
    let mut quoted = Vec::new();
    write_string(cut.map_or(text, |at| &text[..at]), &mut quoted);
    let quoted = String::from_utf8_lossy(&quoted).into_owned();
    if cut.is_some() { quoted + "…" } else { quoted }
}

/// Whether a terminal may take it for a command, or write what follows elsewhere.
pub fn is_obeyed(c: char) -> bool {
    let directs =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || directs || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A character that a terminal obeys, as JSON spells it.
pub fn escaped(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => format!("\\u{:04x}", u32::from(c)),
    }
}

/// Text from elsewhere as a terminal may be given it: characters that it obeys are escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) { shown += &escaped(c) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Whether `text` is spelled as a JSON number (RFC 8259, section 6), with nothing around it.
pub fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', exponent @ ..] => exponent,
            exponent => exponent,
        };
        let count = digits(exponent);
        if count == 0 {
            return false;
        }
        rest = &exponent[count..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_only_where_json_requires_it() {
        let mut out = Vec::new();
        write_string("a\"\\\n\u{1}\u{1f}/\u{7f}\u{e4}\u{1f600}", &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "\"a\\\"\\\\\\n\\u0001\\u001f/\u{7f}\u{e4}\u{1f600}\""
        );
    }

    #[test]
    fn an_escape_is_found_wherever_it_is() {
        for len in 0..40 {
            let mut text = vec![b'a'; len];
            assert!(is_plain(&text));
            for at in 0..len {
                for byte in 0..=255 {
                    text[at] = byte;
                    let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(is_plain(&text), plain, "{byte} at {at} of {len}");
                }
                text[at] = b'a';
            }
        }
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("a\n\"b\""), "\"a\\n\\\"b\\\"\"");
        assert_eq!(excerpt(&"\u{e4}".repeat(60)), format!("\"{}\"", "\u{e4}".repeat(60)));
        assert_eq!(excerpt(&"\u{e4}".repeat(61)), format!("\"{}\"…", "\u{e4}".repeat(60)));
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a \u{e4}"), "a \u{e4}");
        assert_eq!(
            printable("\u{1b}]0;x\u{7}\u{7f}\u{9b}2J\n"),
            "\\u001b]0;x\\u0007\\u007f\\u009b2J\\n"
        );
    }

    #[test]
    fn numbers_are_those_of_json() {
        for yes in ["0", "-0", "10", "1.50", "1e5", "1E+05", "-1.0e-3", "123456789012345678901"] {
            assert!(is_number(yes.as_bytes()), "{yes}");
        }
        for no in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1 ", " 1", "NaN", "1_0"] {
            assert!(!is_number(no.as_bytes()), "{no}");
        }
    }
}

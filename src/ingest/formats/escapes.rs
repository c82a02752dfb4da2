//! Backslashes in tab-separated values, as `map --tsv`, jq's `@tsv` and PostgreSQL's `COPY` write
//! them.

use std::borrow::Cow;

/// The cell that is null, as PostgreSQL writes it.
pub(super) const NULL: &str = "\\N";

/// Whether there is anything to undo in a cell.
pub(super) fn is_escaped(cell: &[u8]) -> bool {
    memchr::memchr(b'\\', cell).is_some()
}

/// The text of a cell. A backslash before a character with which none is written stays.
pub(super) fn undone(cell: &str) -> Cow<'_, str> {
    if !is_escaped(cell.as_bytes()) {
        return Cow::Borrowed(cell);
    }
    let (mut text, mut rest) = (String::with_capacity(cell.len()), cell);
    while let Some((before, escaped)) = rest.split_once('\\') {
        text.push_str(before);
        let character = match escaped.bytes().next() {
            Some(b't') => '\t',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b'\\') => '\\',
            Some(b'"') => '"',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'v') => '\u{b}',
            _ => {
                text.push('\\');
                rest = escaped;
                continue;
            }
        };
        text.push(character);
        rest = escaped.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_are_undone() {
        for (cell, text) in [
            ("a", "a"),
            ("", ""),
            ("a\\tb\\nc\\rd", "a\tb\nc\rd"),
            ("\\\\N", "\\N"),
            ("\\\\\\t\\", "\\\t\\"),
            ("\\\"a\"", "\"a\""),
            ("\\b\\f\\v", "\u{8}\u{c}\u{b}"),
            ("\\d+ \\\u{e4}\\0", "\\d+ \\\u{e4}\\0"),
        ] {
            assert_eq!(undone(cell), text, "{cell}");
        }
    }
}

//! Text of records as a terminal may be given it: nothing in it commands the terminal, and it is as
//! wide as it says.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::record::text::printable;

/// What stands for the rest of a text that is cut.
pub const CUT: &str = "…";

/// Bytes of a record as text in which nothing is left that a terminal obeys.
pub fn safe(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => printable(text),
        Cow::Owned(text) => Cow::Owned(printable(&text).into_owned()),
    }
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The part of a text that is `columns` wide at most, and how wide it is.
pub fn front(text: &str, columns: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns {
            return (text.get(..at).unwrap_or_default(), used);
        }
        used += wide;
    }
    (text, used)
}

/// What follows the first `columns` columns of a text; and how many of these were wanted, but not
/// there.
pub fn behind(text: &str, columns: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        if used >= columns {
            return (text.get(at..).unwrap_or_default(), 0);
        }
        used += c.width().unwrap_or(0);
    }
    ("", columns.saturating_sub(used))
}

/// A text of so many columns at most: if it is wider, its front and [`CUT`].
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let (kept, _) = front(text, columns.saturating_sub(1));
    Cow::Owned(format!("{kept}{CUT}"))
}

/// A text in lines of so many columns at most: between words, unless a word is wider than a line.
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let (mut rest, mut lines) = (text.trim_end(), Vec::new());
    while !rest.is_empty() {
        let (mut line, _) = front(rest, columns.max(2));
        let next = rest.get(line.len()..).unwrap_or_default();
        if !next.is_empty() && !next.starts_with(' ') {
            let word = line.rfind(' ').filter(|at| !line.get(..*at).unwrap_or_default().is_empty());
            line = word.and_then(|at| line.get(..at)).unwrap_or(line);
        }
        rest = rest.get(line.len()..).unwrap_or_default().trim_start_matches(' ');
        lines.push(line.trim_end());
    }
    lines
}

/// A text in lines as [`wrap`] makes them, so many at most: of more, the last one is cut.
pub fn lines(text: &str, columns: usize, most: usize) -> Vec<String> {
    let wrapped = wrap(text, columns);
    let whole = wrapped.len().min(if wrapped.len() > most { most.saturating_sub(1) } else { most });
    let (whole, rest) = wrapped.split_at_checked(whole).unwrap_or_default();
    let rest = (most > 0 && !rest.is_empty()).then(|| rest.join(" "));
    let rest = rest.iter().map(|rest| cut(rest, columns).into_owned());
    whole.iter().map(|&line| line.to_owned()).chain(rest).collect()
}

/// A text in a cell of so many columns: cut, or filled up at its right or left.
pub fn cell(text: &str, columns: usize, right: bool) -> String {
    let shown = cut(text, columns);
    let gap = " ".repeat(columns.saturating_sub(width(&shown)));
    // What is cut begins at the left, whatever it is.
    match right && matches!(shown, Cow::Borrowed(_)) {
        true => gap + &shown,
        false => shown.into_owned() + &gap,
    }
}

/// A number with commas between its thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes, in three digits or so.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut value, mut unit) = (count as f64 / 1024.0, 0);
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 10.0);
    format!("{value:.digits$} {}", UNITS.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(safe(b"a\x1b[2Jb\n"), "a\\u001b[2Jb\\n");
        assert_eq!(safe("\u{9b}2J\u{202e}".as_bytes()), "\\u009b2J\\u202e");
        assert_eq!(safe(b"\xff"), "\u{fffd}");
        assert!(matches!(safe("é東".as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_characters_are_measured() {
        assert_eq!(front("東京都", 5), ("東京", 4));
        assert_eq!(behind("東京都", 2), ("京都", 0));
        assert_eq!(behind("ab", 5), ("", 3));
        assert_eq!(cell("東京都", 4, false), "東… ");
        assert_eq!(cell("ab", 4, true), "  ab");
        assert_eq!(cell("abcd", 4, true), "abcd");
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrap("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two", 7), ["one two"]);
        assert_eq!(wrap("a 123456789 b", 4), ["a", "1234", "5678", "9 b"]);
        assert_eq!(wrap("東京都 x", 4), ["東京", "都 x"]);
        assert_eq!(wrap("", 4), [""; 0]);
    }

    #[test]
    fn what_has_no_line_is_cut() {
        assert_eq!(lines("one two three", 7, 2), ["one two", "three"]);
        assert_eq!(lines("one two three", 7, 1), ["one tw…"]);
        assert_eq!(lines("one two", 7, 0), [""; 0]);
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(10 << 30), "10 GiB");
    }
}

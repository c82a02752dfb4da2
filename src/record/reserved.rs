//! The one key that no record begins with: a line that does speaks to the tools.
//!
//! Control records are told from records by their first bytes alone. So a record whose first key is
//! spelled otherwise, with white space or escapes, would become one as soon as a tool writes it
//! anew.

use super::control::is_control;

/// The key that control records begin with.
const KEY: &[u8] = b"@millstream";

/// A record, or a result, that begins like a control record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the first key is \"@millstream\", which marks control records; rename it, or move it \
     after another key"
)]
pub struct Reserved;

/// Checks that `record` is a record, and no control record, whatever a tool makes of its spelling.
///
/// # Errors
/// When it begins like a control record.
#[inline]
pub fn check(record: &[u8]) -> Result<(), Reserved> {
    if is_reserved(record) { Err(Reserved) } else { Ok(()) }
}

/// Whether a line begins like a control record: with that key first, whatever white space stands
/// before it, and whether it is spelled with escapes or without.
#[inline]
pub fn is_reserved(line: &[u8]) -> bool {
    match line {
        // So begins nearly every record.
        [b'{', b'"', key, ..] if *key != b'@' && *key != b'\\' => false,
        [b'{' | b' ' | b'\t' | b'\r' | b'\n', ..] => has_reserved_key(line),
        _ => false,
    }
}

/// Whether no record may have this key first.
pub fn is_reserved_key(key: &str) -> bool {
    key.as_bytes() == KEY
}

#[cold]
fn has_reserved_key(line: &[u8]) -> bool {
    if is_control(line) {
        return true;
    }
    let inside = line.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let Some(mut key) = inside.and_then(|inside| inside.strip_prefix(b"\"")) else { return false };
    for letter in KEY {
        let Some(behind) = without(*letter, key) else { return false };
        key = behind;
    }
    key.starts_with(b"\"")
}

/// What is behind a letter, which may be spelled as an escape, at the front of a string.
fn without(letter: u8, string: &[u8]) -> Option<&[u8]> {
    match string {
        [first, behind @ ..] if *first == letter => Some(behind),
        [b'\\', b'u', b'0', b'0', high, low, behind @ ..] => {
            let digits = [*high, *low];
            let code = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
            (code == letter).then_some(behind)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_first_key_counts_however_it_is_spelled() {
        for yes in [
            r#"{"@millstream":1}"#,
            r#" {"@millstream":1}"#,
            "\t{ \"@millstream\" : {}}",
            r#"{"\u0040millstream":1}"#,
            r#"{"@mill\u0073tre\u0061m":1}"#,
        ] {
            assert_eq!(check(yes.as_bytes()), Err(Reserved), "{yes}");
        }
        for no in [
            "",
            " ",
            "1",
            "[",
            "{",
            "{}",
            r#"{"a":1,"@millstream":1}"#,
            r#"{"@millstreams":1}"#,
            r#"{"@millstrea":1}"#,
            r#"["@millstream"]"#,
            r#""@millstream""#,
            r#"{"\\u0040millstream":1}"#,
            r#"{"a":{"@millstream":1}}"#,
            r#"{"\u+40millstream":1}"#,
            r#"{"\u0041millstream":1}"#,
        ] {
            assert_eq!(check(no.as_bytes()), Ok(()), "{no}");
        }
    }

    proptest! {
        /// What serde_json reads as an object whose first key it is.
        #[test]
        fn it_is_what_a_parser_finds(
            before in "[ \t]{0,2}", between in "[ \t]{0,2}",
            key in r#"(@|\\u0040|@)(millstream|mill\\u0073tream|milstream|\\u006Dillstream|\\u006dillstream)"#,
        ) {
            let line = format!("{before}{{{between}\"{key}\"{between}:1}}");
            let read: std::collections::BTreeMap<String, u8> = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(is_reserved(line.as_bytes()), read.contains_key("@millstream"), "{}", line);
        }
    }
}

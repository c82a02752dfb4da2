//! logfmt: `key=value key="quoted value" flag`, as many Go programs and firewalls log.
//!
//! There is no standard. Read is what the encoders of the common libraries write: pairs are
//! separated by spaces; a value in double quotes has the escapes of JSON and Go; a key alone means
//! true. A key that comes more than once has an array of its values, as Vector reads it. A line
//! without any pair is not of the format.

use super::by_line::Parse;
use super::object::Object;
use super::repeated::Keys;
use super::types::Values;
use crate::record::reserved::{Reserved, is_reserved_key};
use crate::record::text::excerpt;

/// Makes an object of the pairs of a line.
pub(super) struct Logfmt {
    values: Values,
    /// The value in hand, where it has escapes.
    unescaped: String,
    keys: Keys,
}

impl Logfmt {
    /// Bare values become what `values` says.
    pub fn new(values: Values) -> Logfmt {
        Logfmt { values, unescaped: String::new(), keys: Keys::default() }
    }
}

impl Parse for Logfmt {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        let Logfmt { values, unescaped, keys } = self;
        let begin = record.len();
        keys.begin();
        let mut object = Object::new(record);
        let mut rest = line.trim_start_matches(is_space);
        let (mut first, mut pairs) = (true, false);
        while !rest.is_empty() {
            let end = rest.find(|c: char| is_space(c) || matches!(c, '=' | '"'));
            let (key, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if std::mem::take(&mut first) && is_reserved_key(key) {
                return Err(Reserved.to_string());
            }
            keys.see(line, line.len() - rest.len(), key);
            rest = match behind.strip_prefix('=') {
                Some(_) if key.is_empty() => {
                    return Err(format!("a value without a key at {}", excerpt(rest)));
                }
                Some(value) => {
                    pairs = true;
                    let of = values.types.of(key);
                    let (value, quoted, rest) = read_value(value, unescaped)
                        .map_err(|why| format!("{why} in the value of {}", excerpt(key)))?;
                    let written = values.write(of, value, quoted, object.named(key));
                    written.map_err(|error| format!("{}: {error}", excerpt(key)))?;
                    rest
                }
                None if behind.starts_with('"') => {
                    return Err(format!("a quote outside of a value at {}", excerpt(rest)));
                }
                None => {
                    object.named(key).extend_from_slice(b"true");
                    behind
                }
            };
            rest = rest.trim_start_matches(is_space);
        }
        if !pairs {
            return Err("no key=value in the line".to_owned());
        }
        object.end();
        keys.gather(record, begin);
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    c <= ' '
}

/// The value at the front, whether it stands in quotes, and what comes after it.
fn read_value<'t: 'u, 'u>(
    text: &'t str,
    unescaped: &'u mut String,
) -> Result<(&'u str, bool, &'t str), &'static str> {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(|c: char| is_space(c) || c == '"').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let stray = rest.starts_with('"');
        return if stray { Err("a quote") } else { Ok((value, false, rest)) };
    };
    let bytes = inside.as_bytes();
    let end = memchr::memchr2(b'"', b'\\', bytes).ok_or("a quote is missing")?;
    let plain = bytes.get(end) == Some(&b'"');
    let end = if plain { end } else { closing(bytes, end).ok_or("a quote is missing")? };
    let (value, rest) = (inside.get(..end), inside.get(end + 1..));
    let (value, rest) = (value.unwrap_or_default(), rest.unwrap_or_default());
    if !rest.is_empty() && !rest.starts_with(is_space) {
        return Err("characters after the quotes");
    }
    if plain {
        return Ok((value, true, rest));
    }
    unescape(value, unescaped);
    Ok((unescaped, true, rest))
}

/// Where the quote is that closes a value, in which a backslash is at `at`.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => 2,
            _ => 1,
        };
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
    }
}

/// Resolves the escapes of JSON and Go; what is none stays as it is, as in a path of Windows.
fn unescape(text: &str, out: &mut String) {
    out.clear();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (c, length) = escaped(escape).unwrap_or(('\\', 1));
        out.push(c);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The character that an escape at the front of a text means, and how long the escape is.
fn escaped(text: &str) -> Option<(char, usize)> {
    let hex = |from: usize, digits: usize| {
        let digits = text.get(from..from + digits)?;
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    Some(match text.as_bytes().get(1)? {
        b'"' => ('"', 2),
        b'\\' => ('\\', 2),
        b'/' => ('/', 2),
        b'n' => ('\n', 2),
        b't' => ('\t', 2),
        b'r' => ('\r', 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'u' => match hex(2, 4)? {
            // Two halves of a character beyond the first 65,536.
            high @ 0xd800..0xdc00 if text.get(6..8) == Some("\\u") => {
                let low = hex(8, 4)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                (char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)?, 12)
            }
            code => (char::from_u32(code)?, 6),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::json::validate;
    use crate::record::text::write_string;

    fn parse(line: &str) -> Result<String, String> {
        let mut record = Vec::new();
        let nulls = vec![String::new()];
        Logfmt::new(Values { nulls, ..Values::default() }).parse(line, &mut record)?;
        assert_eq!(validate(&record), Ok(()), "{line}");
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn pairs_become_fields() {
        let line = r#" ts=2024-05-01T12:00:00Z  n=1.6129e-05 ok=true a="x \"y\"\n\u00b5\ud83d\ude00" e= f"#;
        assert_eq!(
            parse(line).unwrap(),
            "{\"ts\":\"2024-05-01T12:00:00Z\",\"n\":1.6129e-05,\"ok\":true,\
             \"a\":\"x \\\"y\\\"\\n\u{b5}\u{1f600}\",\"e\":null,\"f\":true}"
        );
        assert_eq!(
            parse(r#"p="C:\dir\\x" q="" n="1""#).unwrap(),
            r#"{"p":"C:\\dir\\x","q":"","n":"1"}"#
        );
        assert_eq!(parse("a=b=c u=/x?y=1").unwrap(), r#"{"a":"b=c","u":"/x?y=1"}"#);
    }

    #[test]
    fn a_key_that_comes_again_has_all_its_values() {
        assert_eq!(
            parse("a=1 b=x a=\"y\" a a= c").unwrap(),
            r#"{"a":[1,"y",true,null],"b":"x","c":true}"#
        );
        // Netfilter: of the packet, and of what is in it.
        assert_eq!(parse("LEN=72 PROTO=UDP LEN=52").unwrap(), r#"{"LEN":[72,52],"PROTO":"UDP"}"#);
        let many: String = (0..100).map(|number| format!("k{} =", number % 50)).collect();
        assert!(parse(&many).is_err());
        let many: String = (0..100).map(|number| format!("k{}={number} ", number % 50)).collect();
        assert!(parse(&many).unwrap().starts_with(r#"{"k0":[0,50],"k1":[1,51],"#));
    }

    #[test]
    fn what_is_none_is_refused() {
        for (line, why) in [
            ("plain text", "no key=value in the line"),
            ("a=1 =2", "a value without a key at \"=2\""),
            ("a=\"x", "a quote is missing in the value of \"a\""),
            ("a=\"x\\\"", "a quote is missing in the value of \"a\""),
            ("a=\"x\"y", "characters after the quotes in the value of \"a\""),
            ("a=x\"y", "a quote in the value of \"a\""),
            ("a=1 \"b\"", "a quote outside of a value at \"\\\"b\\\"\""),
            ("@millstream=1", "the first key is \"@millstream\""),
        ] {
            let told = parse(line).unwrap_err();
            assert!(told.starts_with(why), "{line}: {told}");
        }
    }

    proptest! {
        /// What an encoder writes is read back, whatever the value.
        #[test]
        fn values_are_read_back(
            pairs in prop::collection::vec(("[a-z_.]{1,5}", any::<String>()), 1..5),
        ) {
            let (mut line, mut record) = (Vec::new(), Vec::new());
            let mut object = Object::new(&mut record);
            for (number, (key, value)) in pairs.iter().enumerate() {
                let key = &format!("{key}{number}");
                line.extend_from_slice(key.as_bytes());
                line.push(b'=');
                // Go's and JSON's escapes are the same for these.
                write_string(&value.replace(|c: char| c.is_control(), ""), &mut line);
                line.push(b' ');
                write_string(&value.replace(|c: char| c.is_control(), ""), object.named(key));
            }
            object.end();
            let line = String::from_utf8(line).unwrap();
            prop_assert_eq!(parse(&line).unwrap(), String::from_utf8(record).unwrap());
        }
    }
}

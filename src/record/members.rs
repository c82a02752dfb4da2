//! Walking the members of an object and the elements of an array, without reading their values.

/// A member of an object, as it stands in the object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key as it is spelled, escapes and all, without its quotes.
    pub key: &'a [u8],
    /// The whole member, from the quote before the key to the end of the value.
    pub bytes: &'a [u8],
}

impl Member<'_> {
    /// Whether its key is `name`, however that is spelled.
    pub fn is_called(&self, name: &str) -> bool {
        if memchr::memchr(b'\\', self.key).is_none() {
            return self.key == name.as_bytes();
        }
        let quoted = self.bytes.get(..self.key.len() + 2).unwrap_or_default();
        serde_json::from_slice::<String>(quoted).is_ok_and(|key| key == name)
    }
}

/// The members of `object` in order; none if it is not an object. It must be valid JSON: of
/// anything else, the members up to the first fault are given.
pub fn members(object: &[u8]) -> Members<'_> {
    let rest = object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
    Members { rest }
}

/// Gives the members of an object; see [`members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    /// What follows the brace or the comma.
    rest: &'a [u8],
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let member = self.rest.trim_ascii_start();
        let key_end = string_end(member)?;
        let end = key_end + value_end(member.get(key_end..)?)?;
        let behind = member.get(end..)?.trim_ascii_start();
        self.rest = behind.strip_prefix(b",").unwrap_or_default();
        let bytes = member.get(..end)?.trim_ascii_end();
        Some(Member { key: member.get(1..key_end - 1)?, bytes })
    }
}

/// The elements of `array` in order, as they stand in its bytes; none if it is not an array. It
/// must be valid JSON: of anything else, the elements up to the first fault are given.
pub fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = array.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        let end = value_end(rest)?;
        let (element, behind) = rest.split_at_checked(end)?;
        rest = behind.strip_prefix(b",").unwrap_or_default();
        Some(element.trim_ascii()).filter(|element| !element.is_empty())
    })
}

/// Where the string at the front of `text`, which is valid JSON, ends: behind its closing quote.
pub fn string_end(text: &[u8]) -> Option<usize> {
    string_extent(text).map(|(end, _)| end)
}

/// The same, and whether the string has an escape.
#[inline]
pub fn string_extent(text: &[u8]) -> Option<(usize, bool)> {
    text.strip_prefix(b"\"")?;
    let (mut at, mut escaped) = (1, false);
    loop {
        at += quote_or_backslash(text.get(at..)?)?;
        match text.get(at)? {
            b'"' => return Some((at + 1, escaped)),
            _ => (at, escaped) = (at + 2, true),
        }
    }
}

/// Where the first quote or backslash is. Most strings are short, and a search with vectors costs
/// more to begin than they do.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const SHORT_WORDS: usize = 4;
    let (words, _) = text.as_chunks();
    let short = words.get(..SHORT_WORDS).unwrap_or(words);
    for (word, at) in short.iter().zip((0..).step_by(8)) {
        let found = quotes_and_backslashes(*word);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
    }
    let at = 8 * short.len();
    memchr::memchr2(b'"', b'\\', text.get(at..)?).map(|found| at + found)
}

/// The highest bit of each byte that is a quote or a backslash; perhaps also of some after the
/// first of them (Anderson, Bit Twiddling Hacks: a zero byte).
fn quotes_and_backslashes(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(word);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')))
}

/// Where the value at the front of `text`, with what stands before it, ends: before the comma, or
/// what closes the object or array around it.
fn value_end(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match text.get(at)? {
            b'"' => {
                at += string_end(text.get(at..)?)?;
                continue;
            }
            b',' | b'}' | b']' if depth == 0 => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_those_of_the_array_itself() {
        let of = |array: &'static str| -> Vec<&str> {
            elements(array.as_bytes()).map(|one| std::str::from_utf8(one).unwrap()).collect()
        };
        assert_eq!(
            of(" [1, \"a,]\" ,[2,{\"b\":[3]}],{\"c\":4}] "),
            ["1", "\"a,]\"", "[2,{\"b\":[3]}]", "{\"c\":4}"]
        );
        for none in ["[]", "[ ]", "{\"a\":1}", "1", ""] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
    }

    fn shown(object: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        members(object.as_bytes()).map(|member| (text(member.key), text(member.bytes))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, bytes)| ((*key).to_owned(), (*bytes).to_owned())).collect()
    }

    #[test]
    fn members_are_given_as_they_stand() {
        assert_eq!(
            shown(r#" { "a" : 1.50 ,"b\"":{"c":["},",{}]},"a":"x\\", "":[ ] } "#),
            pairs(&[
                ("a", r#""a" : 1.50"#),
                (r#"b\""#, r#""b\"":{"c":["},",{}]}"#),
                ("a", r#""a":"x\\""#),
                ("", r#""":[ ]"#),
            ])
        );
        assert_eq!(shown("{}"), []);
        assert_eq!(shown("[\"a\"]"), []);
    }

    #[test]
    fn a_key_is_what_its_spelling_means() {
        let keys = [
            (r#"{"count":1}"#, true),
            (r#"{"\u0063oun\u0074" :1}"#, true),
            (r#"{"\\u0063ount":1}"#, false),
            (r#"{"coun":1}"#, false),
            (r#"{"\ud800count":1}"#, false),
        ];
        for (object, expected) in keys {
            let called = members(object.as_bytes()).any(|member| member.is_called("count"));
            assert_eq!(called, expected, "{object}");
        }
    }

    proptest! {
        #[test]
        fn a_string_ends_where_it_is_closed(
            text in r#"(["\\\x00!#\[\]\u00a2\u00dca]|a{7,40}){0,9}"#,
            behind in r#"["\\a]{0,9}"#,
        ) {
            let string = serde_json::json!(text).to_string();
            let extent = string_extent(format!("{string}{behind}").as_bytes());
            prop_assert_eq!(extent, Some((string.len(), string.contains('\\'))));
            for cut in 0..string.len() {
                prop_assert_eq!(string_extent(&string.as_bytes()[..cut]), None);
            }
        }

        #[test]
        fn each_member_holds_its_key_and_value(keys in proptest::collection::vec(any::<String>(), 0..5),
                                               value in any::<String>(), number in any::<i64>()) {
            let values = [serde_json::json!({ "a": [value, {}], "b": null }), serde_json::json!(number),
                          serde_json::json!([[value], true]), serde_json::json!(value)];
            let written: Vec<String> = keys.iter().zip(values.iter().cycle())
                .map(|(key, value)| format!("{}: {value}", serde_json::json!(key))).collect();
            let object = format!("{{{}}}", written.join(" , "));
            let given: Vec<String> = shown(&object).into_iter().map(|(_, bytes)| bytes).collect();
            prop_assert_eq!(given, written);
        }

        #[test]
        fn never_panics(text in "[{}\\[\\]\":,\\\\a1 ]{0,20}") {
            let _ = shown(&text);
        }
    }
}

//! Validating a record: is this line one JSON value, and nothing else?
//!
//! The grammar is RFC 8259's, whole: duplicate keys and lone surrogate escapes are allowed, as the
//! grammar allows them. The only limit of our own is [`DEPTH_MAX`]. One pass over the bytes, no
//! recursion and no allocation, strings eight bytes at a time.

/// How deeply arrays and objects may nest. Deeper input is refused, because tools behind us that
/// read it by recursion would break on it.
pub const DEPTH_MAX: usize = 1024;

/// Why a line is not valid JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON: {why} at byte {}", at + 1)]
pub struct JsonError {
    /// Index of the offending byte in the line; the line's length if it ended too early.
    pub at: usize,
    /// What was wrong.
    pub why: JsonFault,
}

/// The ways in which a line can fail to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The messages are the documentation.
pub enum JsonFault {
    #[error("the line ends in the middle of a value")]
    Incomplete,
    #[error("a value is missing")]
    ValueExpected,
    #[error("a key in double quotes is missing")]
    KeyExpected,
    #[error("a colon is missing after the key")]
    ColonExpected,
    #[error("a comma or the closing bracket is missing")]
    CommaExpected,
    #[error("something follows the value")]
    Trailing,
    #[error("malformed number")]
    Number,
    #[error("control character in a string")]
    ControlCharacter,
    #[error("unknown escape in a string")]
    Escape,
    #[error("invalid UTF-8")]
    Utf8,
    #[error("NUL byte")]
    Nul,
    #[error("nesting deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// Checks that `line` is exactly one JSON value in valid UTF-8, with optional white space around.
///
/// # Errors
/// The first fault from the left; invalid UTF-8 is found before any other.
pub fn validate(line: &[u8]) -> Result<(), JsonError> {
    if let Err(error) = simdutf8::basic::from_utf8(line) {
        let at = simdutf8::compat::from_utf8(line).err().map_or(0, |error| error.valid_up_to());
        let _ = error;
        return Err(JsonError { at, why: JsonFault::Utf8 });
    }
    Scanner { bytes: line, at: 0 }.document()
}

/// One bit a level: whether the container that is open there is an object.
#[derive(Default)]
struct Nesting {
    objects: [u64; DEPTH_MAX / 64],
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) -> bool {
        if self.depth == DEPTH_MAX {
            return false;
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        self.objects[word] = self.objects[word] & !(1 << bit) | (u64::from(object) << bit);
        self.depth += 1;
        true
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }

    fn in_object(&self) -> bool {
        let top = self.depth - 1;
        self.objects[top / 64] >> (top % 64) & 1 == 1
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn fail(&self, why: JsonFault) -> JsonError {
        let why = match self.bytes.get(self.at) {
            None => JsonFault::Incomplete,
            Some(0) => JsonFault::Nul,
            Some(_) => why,
        };
        JsonError { at: self.at, why }
    }

    /// The next byte that is not white space, not consumed.
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn document(&mut self) -> Result<(), JsonError> {
        let mut nesting = Nesting::default();
        'value: loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    let object = open == b'{';
                    if !nesting.push(object) {
                        return Err(self.fail(JsonFault::TooDeep));
                    }
                    self.at += 1;
                    match self.peek() {
                        Some(b'}') if object => {}
                        Some(b']') if !object => {}
                        _ if object => {
                            self.key()?;
                            continue 'value;
                        }
                        _ => continue 'value,
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return Err(self.fail(JsonFault::ValueExpected)),
            }
            // A value has ended, or an empty container waits at its closing bracket.
            while nesting.depth > 0 {
                let object = nesting.in_object();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        continue 'value;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => return Err(self.fail(JsonFault::CommaExpected)),
                }
                self.at += 1;
                nesting.pop();
            }
            return match self.peek() {
                None => Ok(()),
                Some(_) => Err(self.fail(JsonFault::Trailing)),
            };
        }
    }

    fn key(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.fail(JsonFault::KeyExpected));
        }
        self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.fail(JsonFault::ColonExpected));
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        for &letter in word {
            if self.bytes.get(self.at) != Some(&letter) {
                return Err(self.fail(JsonFault::ValueExpected));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.fail(JsonFault::Number)) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
            if self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
                return Err(self.fail(JsonFault::Number));
            }
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// A string, from its opening quote to behind its closing one.
    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            self.skip_plain();
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if *byte < 0x20 => return Err(self.fail(JsonFault::ControlCharacter)),
                Some(_) => self.at += 1,
                None => return Err(self.fail(JsonFault::Incomplete)),
            }
        }
    }

    /// Moves on while whole words of eight bytes hold no quote, backslash or control character.
    ///
    /// A byte is below n (n ≤ 128) if subtracting n borrows from its high bit while the byte's own
    /// high bit is clear; a false alarm above a true one does no harm, since we then look byte by
    /// byte, and the lowest alarm is never false.
    fn skip_plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
        while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_le_bytes(*chunk);
            let quote = below(word ^ (ONES * u64::from(b'"')), 1);
            let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
            let stop = quote | backslash | below(word, 0x20);
            if stop != 0 {
                self.at += (stop.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.bytes.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.fail(JsonFault::Escape));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.fail(JsonFault::Escape)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fault_is_named_with_its_place() {
        let cases: [(&str, usize, JsonFault); 16] = [
            ("", 0, JsonFault::Incomplete),
            ("{\"a\":1", 6, JsonFault::Incomplete),
            ("{\"a\":", 5, JsonFault::Incomplete),
            ("{a:1}", 1, JsonFault::KeyExpected),
            ("{\"a\" 1}", 5, JsonFault::ColonExpected),
            ("[1 2]", 3, JsonFault::CommaExpected),
            ("[1}", 2, JsonFault::CommaExpected),
            ("[1,]", 3, JsonFault::ValueExpected),
            ("1 2", 2, JsonFault::Trailing),
            ("01", 1, JsonFault::Number),
            ("1.x", 2, JsonFault::Number),
            ("nul", 3, JsonFault::Incomplete),
            ("\"a\tb\"", 2, JsonFault::ControlCharacter),
            ("\"\\x\"", 2, JsonFault::Escape),
            ("\"\\u12g4\"", 5, JsonFault::Escape),
            ("[\0]", 1, JsonFault::Nul),
        ];
        for (text, at, why) in cases {
            assert_eq!(validate(text.as_bytes()), Err(JsonError { at, why }), "{text:?}");
        }
        let bad_utf8 = validate(b"\"a\xff\"");
        assert_eq!(bad_utf8, Err(JsonError { at: 2, why: JsonFault::Utf8 }));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(validate(&nested(DEPTH_MAX)), Ok(()));
        let error = JsonError { at: DEPTH_MAX, why: JsonFault::TooDeep };
        assert_eq!(validate(&nested(DEPTH_MAX + 1)), Err(error));
    }

    #[test]
    fn mixed_containers_close_in_order() {
        assert_eq!(validate(br#"{"a":[{},[],{"b":[1,{"c":null}]}],"d":"\u00e4"}"#), Ok(()));
        assert!(validate(br#"{"a":[}]"#).is_err());
        assert!(validate(b"}").is_err());
    }

    proptest! {
        /// Pieces of JSON thrown together: we and serde_json agree on every one.
        #[test]
        fn agrees_with_serde_json(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "\"b\u{e4}\"", "1", "-0", "1.5e3", "01",
                "true", "false", "null", " ", "\"", "\\", "\u{1}", "\"long enough for words of eight\"",
            ]), 0..12))
        {
            let text = pieces.concat();
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(validate(text.as_bytes()).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn takes_whatever_serde_json_writes(numbers in proptest::collection::vec(any::<f64>(), 0..5),
                                            texts in proptest::collection::vec(any::<String>(), 0..5)) {
            let value = serde_json::json!({ "numbers": numbers, "texts": texts, "nested": [{}, [], null] });
            prop_assert_eq!(validate(value.to_string().as_bytes()), Ok(()));
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = validate(&bytes);
        }
    }
}

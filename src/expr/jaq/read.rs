//! From the text of a record to values.
//!
//! The text is known to be valid JSON, so nothing is checked twice. Strings without escapes, and
//! numbers that are not integers, are slices of one copy of the record.

use std::sync::Arc;

use memchr::memchr2;

use super::super::RecordError;
use super::fields::Fields;
use super::val::held::Held;
use super::val::{Map, Text, Val, parse_number};

/// For how many fields there is room at once, at most, because the record before had as many.
const FIELDS_EXPECTED_MAX: usize = 64;

/// Reads records; keeps its space between them.
#[derive(Default)]
pub(super) struct Reader {
    text: Arc<Held<String>>,
    open: Vec<Open>,
    /// How many fields the record before had: the next most often has as many, and an object that
    /// grows moves its fields again and again.
    fields_expected: usize,
}

/// An array or object that is not at its end yet.
enum Open {
    Array(Vec<Val>),
    /// The fields so far, and the key of the one that comes next.
    Object(Map, Text),
}

impl Reader {
    /// Reads valid JSON; of an object, the wanted fields. Returns the value and how deep what was
    /// read of it nests.
    pub(super) fn read(
        &mut self,
        record: &str,
        wanted: &Fields,
    ) -> Result<(Val, usize), RecordError> {
        self.open.clear();
        match Arc::get_mut(&mut self.text) {
            // Nobody holds a part of the record before: its space serves again.
            Some(text) => {
                text.change(|text| {
                    text.clear();
                    text.push_str(record);
                });
            }
            None => self.text = Arc::new(Held::from(record.to_owned())),
        }
        let text = Arc::clone(&self.text);
        // Valid text cannot bring us here; a fault of ours must not become a wrong result.
        let why = "the record is valid JSON, and yet cannot be read; please report this";
        let mut scan = Scan { text: &text, at: 0 };
        let value = match wanted {
            Fields::Some(names) if scan.peek() == Some(b'{') => self.some(&mut scan, names),
            _ => self.value(&mut scan),
        };
        value.ok_or_else(|| RecordError::eval(why))
    }

    /// The fields of an object that have these names.
    fn some(&mut self, scan: &mut Scan<'_>, names: &[String]) -> Option<(Val, usize)> {
        let mut fields = Map::with_capacity_and_hasher(names.len(), Default::default());
        let mut depth = 1;
        scan.next()?;
        if scan.peek()? == b'}' {
            return Some((Val::object(fields), depth));
        }
        loop {
            scan.next()?;
            let key = scan.wanted(names)?;
            scan.next()?;
            match key {
                Some(key) => {
                    let (value, levels) = self.value(scan)?;
                    depth = depth.max(levels + 1);
                    fields.insert(key, value);
                }
                None => scan.pass()?,
            }
            if scan.next()? != b',' {
                return Some((Val::object(fields), depth));
            }
            scan.peek()?;
        }
    }

    fn value(&mut self, scan: &mut Scan<'_>) -> Option<(Val, usize)> {
        let mut depth = 0;
        'value: loop {
            let mut value = match scan.next()? {
                b'[' => {
                    self.open.push(Open::Array(Vec::new()));
                    depth = depth.max(self.open.len());
                    if scan.peek()? != b']' {
                        continue 'value;
                    }
                    scan.at += 1;
                    self.close()?
                }
                b'{' => {
                    depth = depth.max(self.open.len() + 1);
                    if scan.peek()? != b'}' {
                        let key = scan.key()?;
                        let fields = if self.open.is_empty() { self.fields_expected } else { 0 };
                        let fields = Map::with_capacity_and_hasher(fields, Default::default());
                        self.open.push(Open::Object(fields, key));
                        continue 'value;
                    }
                    scan.at += 1;
                    Val::object(Map::default())
                }
                b'"' => Val::Text(scan.string()?),
                b't' => scan.skip("rue", Val::Bool(true)),
                b'f' => scan.skip("alse", Val::Bool(false)),
                b'n' => scan.skip("ull", Val::Null),
                _ => scan.number()?,
            };
            loop {
                match self.open.last_mut() {
                    None => return Some((value, depth)),
                    Some(Open::Array(items)) => items.push(value),
                    Some(Open::Object(fields, key)) => {
                        // A key that comes again keeps its place and takes the later value.
                        fields.insert(std::mem::take(key), value);
                    }
                }
                if scan.next()? == b',' {
                    if let Some(Open::Object(_, key)) = self.open.last_mut() {
                        scan.next()?;
                        *key = scan.key_inside()?;
                    }
                    continue 'value;
                }
                value = self.close()?;
            }
        }
    }

    /// Takes the innermost array or object, which has come to its end.
    fn close(&mut self) -> Option<Val> {
        Some(match self.open.pop()? {
            Open::Array(items) => Val::array(items),
            Open::Object(fields, _) => {
                if self.open.is_empty() {
                    self.fields_expected = fields.len().min(FIELDS_EXPECTED_MAX);
                }
                Val::object(fields)
            }
        })
    }
}

struct Scan<'a> {
    text: &'a Arc<Held<String>>,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> Option<&[u8]> {
        self.text.as_bytes().get(self.at..)
    }

    /// The next byte that is not white space, not consumed.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// The next byte that is not white space, consumed.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Passes over a value.
    fn pass(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.next()? {
                b'"' => self.pass_string()?,
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                b',' | b':' => {}
                // The rest of a number or a word.
                _ => {
                    let ends = |byte: &u8| {
                        matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')
                    };
                    self.at += self.rest()?.iter().position(ends)?;
                }
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// Passes over a string, from behind its opening quote.
    fn pass_string(&mut self) -> Option<()> {
        loop {
            let found = memchr2(b'"', b'\\', self.rest()?)?;
            self.at += found + 1;
            if self.text.as_bytes().get(self.at - 1) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    fn skip(&mut self, rest: &str, value: Val) -> Val {
        self.at += rest.len();
        value
    }

    /// A key and the colon behind it, from before its opening quote.
    fn key(&mut self) -> Option<Text> {
        self.next()?;
        self.key_inside()
    }

    /// A key and the colon behind it, from behind its opening quote.
    fn key_inside(&mut self) -> Option<Text> {
        let key = self.string()?;
        self.next()?;
        Some(key)
    }

    /// A key, from behind its opening quote, if it is one of these.
    fn wanted(&mut self, names: &[String]) -> Option<Option<Text>> {
        let start = self.at;
        let end = start + memchr2(b'"', b'\\', self.rest()?)?;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            let key = self.text.get(start..end)?;
            let known = names.iter().any(|name| name == key);
            return Some(known.then(|| Text::slice(self.text, start..end)));
        }
        let key = self.string()?;
        let known = names.iter().any(|name| *name == *key);
        Some(known.then_some(key))
    }

    /// A string, from behind its opening quote.
    fn string(&mut self) -> Option<Text> {
        let start = self.at;
        let plain = memchr2(b'"', b'\\', self.rest()?)?;
        self.at += plain + 1;
        let end = self.at - 1;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            return Some(Text::slice(self.text, start..end));
        }
        let mut decoded = self.text.get(start..end)?.to_owned();
        loop {
            self.escape(&mut decoded)?;
            let start = self.at;
            self.at += memchr2(b'"', b'\\', self.rest()?)? + 1;
            decoded.push_str(self.text.get(start..self.at - 1)?);
            if self.text.as_bytes().get(self.at - 1) == Some(&b'"') {
                return Some(Text::from(decoded));
            }
        }
    }

    /// An escape, from behind its backslash.
    fn escape(&mut self, decoded: &mut String) -> Option<()> {
        let kind = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        decoded.push(match kind {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            itself => char::from(itself),
        });
        Some(())
    }

    /// The letter of `\uXXXX`, from behind the u; of half a surrogate pair, jq's stand-in for it.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex(self.at)?;
        self.at += 4;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.text.get(self.at..self.at + 2) == Some("\\u") {
            let second = self.hex(self.at + 2)?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 6;
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&self, at: usize) -> Option<u32> {
        u32::from_str_radix(self.text.get(at..at + 4)?, 16).ok()
    }

    /// A number, from behind its first byte.
    fn number(&mut self) -> Option<Val> {
        let start = self.at - 1;
        let more = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        self.at += self.rest()?.iter().take_while(|byte| more(byte)).count();
        let range = start..self.at;
        let json = self.text.get(range.clone())?;
        Some(parse_number(json, || Text::slice(self.text, range)))
    }
}

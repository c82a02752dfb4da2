//! JSON values as they come: one after the other, over several lines, or in arrays.
//!
//! Every value becomes a record on one line; an array at the top gives its items instead. Where one
//! value ends is told by brackets and quotes alone; whether it is JSON is then checked as that of a
//! line is. What begins no value is bad up to the end of its line.

use std::ops::ControlFlow;

use super::made::Made;
use super::one_line::write_on_one_line;
use crate::record::check::Checker;
use crate::record::decode::{Bad, Decoder, Sink};
use crate::record::reserved;
use crate::record::text::is_number;

/// Makes records of JSON values.
pub(super) struct Json {
    record_bytes_max: usize,
    checker: Checker,
    made: Made,
    /// The value in hand as it stands in the input, as far as it came in earlier blocks.
    carry: Vec<u8>,
    /// How many of its bytes have gone, since it is over the limit.
    skipped: u64,
    value: Value,
    /// How many line ends the input had.
    lines: u64,
    /// The line at which the value begins.
    line: u64,
    place: Place,
    /// How many bytes lie between the item that is awaited, or has begun, and what comes before it,
    /// the bracket or the comma included.
    before_item: u64,
}

/// How far the value in hand has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// None has begun.
    Awaited,
    /// A number, or a word; or what is none.
    Bare,
    /// A string, or an array or object of this depth; whether the bytes are those of a string, and
    /// whether the one before was a backslash there.
    Nested { depth: usize, string: bool, escaped: bool },
    /// What begins no value, to the end of the line.
    Stray,
}

/// Where the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing has come yet.
    Start,
    /// Not in an array.
    Top,
    /// After the bracket that begins an array.
    First,
    /// After a comma.
    Item,
    /// After an item.
    AfterItem,
}

impl Json {
    /// Values of more bytes than this are bad.
    pub fn new(record_bytes_max: usize) -> Json {
        Json {
            record_bytes_max,
            checker: Checker::default(),
            made: Made::default(),
            carry: Vec::new(),
            skipped: 0,
            value: Value::Awaited,
            lines: 0,
            line: 1,
            place: Place::Start,
            before_item: 0,
        }
    }

    /// Takes what stands between values up to where one begins, or all.
    fn between<'b>(&mut self, mut block: &'b [u8]) -> &'b [u8] {
        while let Some((byte, rest)) = block.split_first() {
            self.place = match (byte, self.place) {
                (b'\n', place) => {
                    self.lines += 1;
                    place
                }
                (b' ' | b'\t' | b'\r', place) => place,
                (b'[', Place::Start | Place::Top) => Place::First,
                (b']', Place::First | Place::AfterItem) => Place::Top,
                // At the start, they continue an array whose first items were read earlier.
                (b',', Place::AfterItem | Place::Start) => Place::Item,
                (b']', Place::Start) => Place::Top,
                _ => {
                    self.line = self.lines + 1;
                    match (byte, self.place) {
                        (b',' | b']' | b'}' | b':', _) | (_, Place::AfterItem) => self.stray(),
                        (b'{' | b'[' | b'"', _) => {
                            self.value = Value::Nested { depth: 0, string: false, escaped: false };
                        }
                        (b'-' | b'0'..=b'9' | b't' | b'f' | b'n', _) => self.value = Value::Bare,
                        _ => self.stray(),
                    }
                    return block;
                }
            };
            let awaits_item = matches!(self.place, Place::First | Place::Item);
            self.before_item = if awaits_item { self.before_item + 1 } else { 0 };
            block = rest;
        }
        block
    }

    /// The value in hand is none. A bracket directly before it belongs to it, as in `[INFO] ready`,
    /// and begins no array.
    fn stray(&mut self) {
        self.value = Value::Stray;
        if self.place == Place::First && self.before_item == 1 && self.skipped == 0 {
            self.carry.insert(0, b'[');
            (self.place, self.before_item) = (Place::Top, 0);
        }
    }

    /// How many bytes at the front belong to the value in hand, and whether that ends with them.
    fn scan(&mut self, block: &[u8]) -> (usize, bool) {
        match &mut self.value {
            Value::Awaited => (0, false),
            Value::Stray => match memchr::memchr(b'\n', block) {
                Some(end) => (end, true),
                None => (block.len(), false),
            },
            Value::Bare => {
                let ends = |byte: &u8| b" \t\r\n,]}[{\":".contains(byte);
                match block.iter().position(ends) {
                    Some(end) => (end, true),
                    None => (block.len(), false),
                }
            }
            Value::Nested { depth, string, escaped } => {
                let mut at = 0;
                while let Some(&byte) = block.get(at) {
                    at += 1;
                    if *string {
                        if std::mem::take(escaped) {
                            continue;
                        }
                        match byte {
                            b'\\' => *escaped = true,
                            b'"' => *string = false,
                            _ => {
                                let rest = block.get(at..).unwrap_or_default();
                                let plain = memchr::memchr2(b'"', b'\\', rest);
                                at += plain.unwrap_or(rest.len());
                                continue;
                            }
                        }
                    } else {
                        match byte {
                            b'"' => *string = true,
                            b'{' | b'[' => *depth += 1,
                            b'}' | b']' => *depth = depth.saturating_sub(1),
                            _ => {}
                        }
                    }
                    if *depth == 0 && !*string {
                        return (at, true);
                    }
                }
                (at, false)
            }
        }
    }

    /// Whether the value in hand, which ends with this piece, is a number or a word of JSON.
    fn is_scalar(&self, piece: &[u8]) -> bool {
        let joined;
        let text = match self.carry.is_empty() {
            true => piece,
            false => {
                joined = [&self.carry[..], piece].concat();
                &joined
            }
        };
        matches!(text, b"true" | b"false" | b"null") || is_number(text)
    }

    /// Takes a piece of the value in hand, which may be the last one.
    fn piece(&mut self, piece: &[u8], ends: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.lines += memchr::memchr_iter(b'\n', piece).count() as u64;
        if self.skipped > 0 {
            self.skipped += piece.len() as u64;
            return self.too_long(piece, !ends, true, sink);
        }
        if !ends || !self.carry.is_empty() {
            self.carry.extend_from_slice(piece);
        }
        let bytes = if self.carry.is_empty() { piece.len() } else { self.carry.len() };
        if bytes > self.record_bytes_max {
            self.skipped = bytes as u64;
            let carry = std::mem::take(&mut self.carry);
            let whole = if carry.is_empty() { piece } else { &carry };
            return self.too_long(whole, !ends, false, sink);
        }
        if !ends {
            return ControlFlow::Continue(());
        }
        let carry = std::mem::take(&mut self.carry);
        let flow = self.whole(if carry.is_empty() { piece } else { &carry }, false, sink);
        self.carry = carry;
        self.carry.clear();
        flow
    }

    /// The value in hand has ended.
    fn done(&mut self) {
        (self.skipped, self.before_item) = (0, 0);
        let stray = std::mem::replace(&mut self.value, Value::Awaited) == Value::Stray;
        self.place = match self.place {
            Place::Start | Place::Top => Place::Top,
            place if stray => place,
            _ => Place::AfterItem,
        };
    }

    /// Makes a record of a whole value.
    fn whole(&mut self, value: &[u8], ended: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.made.begin(self.line, sink)?;
        let line = self.line;
        let why = match self.value {
            Value::Stray => Err("not a JSON value".to_owned()),
            _ => {
                let record = self.made.text();
                let begin = record.len();
                write_on_one_line(value, record);
                let record = record.get(begin..).unwrap_or_default();
                let checked = self.checker.check(record).map_err(|error| error.to_string());
                checked.and_then(|()| reserved::check(record).map_err(|error| error.to_string()))
            }
        };
        match why {
            Ok(()) if ended => self.made.end_unterminated(sink),
            Ok(()) => {
                self.made.end();
                ControlFlow::Continue(())
            }
            Err(mut why) => {
                self.made.undo();
                self.made.hand_over(sink)?;
                if ended {
                    why.push_str(" (the input ends here: it may be cut short)");
                }
                let bad = Bad::line(value.trim_ascii_end(), line, why);
                sink.bad(Bad { unterminated: ended, ..bad })
            }
        }
    }

    fn too_long(
        &mut self,
        bytes: &[u8],
        more: bool,
        continued: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        self.made.hand_over(sink)?;
        let why = format!("the value is longer than the limit of {} bytes", self.record_bytes_max);
        sink.bad(Bad { more, continued, ..Bad::line(bytes, self.line, why) })
    }
}

impl Decoder for Json {
    fn decode(&mut self, mut block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        loop {
            if self.value == Value::Awaited {
                block = self.between(block);
            }
            if block.is_empty() {
                return self.made.hand_over(sink);
            }
            let (length, ends) = self.scan(block);
            let (piece, rest) = block.split_at(length);
            block = rest;
            if ends && self.value == Value::Bare && !self.is_scalar(piece) {
                // Text, like a line of a log among JSON.
                self.stray();
                self.piece(piece, false, sink)?;
                continue;
            }
            self.piece(piece, ends, sink)?;
            if ends {
                self.done();
            }
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let carry = std::mem::take(&mut self.carry);
        match (self.value, self.skipped) {
            (Value::Awaited, _) => {}
            (_, 0) => self.whole(&carry, true, sink)?,
            _ => self.too_long(&[], false, true, sink)?,
        }
        self.made.hand_over(sink)?;
        let ended = std::mem::replace(self, Json::new(self.record_bytes_max));
        match ended.place {
            Place::First | Place::Item | Place::AfterItem => sink
                .cut_short(ended.lines + 1, "the input ends within an array: it may be cut short"),
            Place::Start | Place::Top => ControlFlow::Continue(()),
        }
    }

    fn pending(&self) -> u64 {
        self.before_item + self.skipped + self.carry.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::formats::tests::decode_all;

    fn decode_with(record_bytes_max: usize, input: &str) -> Vec<String> {
        decode_all(|| Box::new(Json::new(record_bytes_max)), input.as_bytes())
    }

    fn decode(input: &str) -> Vec<String> {
        decode_with(40, input)
    }

    #[test]
    fn values_become_lines() {
        assert_eq!(
            decode("{\"a\": 1,\n \"b c\" : [ 1,\t2 ]}{}\n\"x y\" 1\n2 null[]"),
            ["1:{\"a\":1,\"b c\":[1,2]}", "2:{}", "3:\"x y\"", "3:1", "4:2", "4:null",]
        );
        assert_eq!(decode("1 2"), ["1:1", "1:2~"]);
    }

    #[test]
    fn arrays_give_their_items() {
        let items = ["2:{\"a\":1}", "3:[2,[]]", "4:\"\\\"]\"", "4:5"];
        assert_eq!(decode("[\n{\"a\":1},\n[2,[]]\n,\"\\\"]\",5 ]\n"), items);
        assert_eq!(decode(" [] [1]\n[2]"), ["1:1", "2:2"]);
        // What is left of an array whose first items were read before.
        assert_eq!(decode(",\n{}]"), ["2:{}"]);
        assert_eq!(
            decode("[1,"),
            ["1:1", "1 is cut short: the input ends within an array: it may be cut short"]
        );
    }

    #[test]
    fn what_is_no_value_is_bad_and_the_rest_is_read() {
        let bad = decode("{\"a\":1}\nhello, world\n{\"b\":}\n{\"c\":2}\n");
        assert_eq!(bad[0], "1:{\"a\":1}");
        assert_eq!(bad[1], "2!not a JSON value!hello, world");
        assert!(bad.last().unwrap() == "4:{\"c\":2}" && bad.iter().any(|it| it.starts_with("3!")));
        for text in ["[INFO] ready", "[2024-01-01] x", "[]]"] {
            let lines = decode(&format!("{{}}\n{text}\n1 \n[2]\n"));
            let text = text.trim_start_matches("[]");
            assert_eq!(lines, ["1:{}", &format!("2!not a JSON value!{text}"), "3:1", "4:2"]);
        }
        assert_eq!(decode("]\n1 \n"), ["2:1"]);
        assert_eq!(decode("1 ]x\n2 \n"), ["1:1", "1!not a JSON value!]x", "2:2"]);
        let cut = decode("1\n{\"a\":\n");
        assert!(cut[1].starts_with("2!") && cut[1].contains("cut short"), "{cut:?}");
        let long = format!("[{}] [1,\"{}\"] 3 ", "[1]", "x".repeat(60));
        let seen = decode(&long);
        assert!(
            seen[2].starts_with("1!the value is longer than the limit of 40 bytes"),
            "{seen:?}"
        );
        assert_eq!(seen.last().unwrap(), "1:3");
    }

    proptest! {
        /// However JSON is laid out, it is the same.
        #[test]
        fn layout_does_not_matter(
            records in prop::collection::vec(
                prop::sample::select(vec!["{\"a\":[1,{\"b\":\"x \\\\\"}]}", "[[1],2]", "\"\\\"\"", "0"]),
                1..6,
            ),
            space in prop::sample::select(vec![" ", "\n", "\r\n\t"]),
            array in any::<bool>(),
        ) {
            let mut laid_out = String::new();
            for (index, record) in records.iter().enumerate() {
                if array {
                    laid_out.push(if index == 0 { '[' } else { ',' });
                }
                for c in record.chars() {
                    laid_out.push(c);
                    if matches!(c, '[' | ']' | '{' | '}' | ',' | ':') {
                        laid_out.push_str(space);
                    }
                }
                laid_out.push_str(space);
            }
            if array {
                laid_out.push(']');
            }
            // At the top, an array gives its items.
            let expected: Vec<&str> = records
                .iter()
                .flat_map(|record| match *record {
                    "[[1],2]" if !array => vec!["[1]", "2"],
                    record => vec![record],
                })
                .collect();
            let seen = decode_with(1000, &laid_out);
            let values: Vec<&str> =
                seen.iter().map(|seen| seen.split_once(':').unwrap().1).collect();
            prop_assert_eq!(values, expected);
        }
    }
}

//! Quick validation: what [`super::json::validate`] says, in a fraction of the time. Many lines at
//! once, or one record after the other.

use super::json::{JsonError, validate};
use super::pick::{Line, Picker, Plan, Slot};
use super::scan::{Scanner, TEXT_BYTES_MAX};

/// Below this a text is not worth getting ready for.
const SHORT_BYTES: usize = 4 << 10;

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A record.
    Record,
    /// Nothing but white space.
    Blank,
    /// Neither.
    Bad(JsonError),
}

/// Checks records one by one; keeps its space between them.
pub struct Checker {
    scanner: Scanner,
    plan: Plan,
    slots: [Slot; 1],
}

impl Default for Checker {
    fn default() -> Checker {
        let whole = [];
        Checker {
            scanner: Scanner::default(),
            plan: Plan::new([&whole[..]]),
            slots: [Slot::default()],
        }
    }
}

impl Checker {
    /// Checks a record, a line without its end.
    ///
    /// # Errors
    /// As [`validate`].
    pub fn check(&mut self, record: &[u8]) -> Result<(), JsonError> {
        let Checker { scanner, plan, slots } = self;
        if record.len() <= TEXT_BYTES_MAX {
            let line = Picker::<false>::new(record, 0, scanner, plan, slots).line();
            if line == Line::Record(record.len()) {
                return Ok(());
            }
        }
        // What is odd, as a long number may be, is for the validator, which also says what is
        // wrong.
        validate(record)
    }
}

/// Checks the lines of `text` one after the other. Each is handed to `take` with its number,
/// counted from 0, without its LF and CR, and with its verdict.
pub fn each_line<'t>(text: &'t [u8], mut take: impl FnMut(u64, &'t [u8], Verdict)) {
    let whole = [];
    let plan = Plan::new([&whole[..]]);
    let mut slots = [Slot::default()];
    let mut scanner = Scanner::default();
    let quick = (SHORT_BYTES..=TEXT_BYTES_MAX).contains(&text.len());
    let (mut at, mut number) = (0, 0);
    while at < text.len() {
        if quick {
            let mut picker = Picker::<false>::new(text, at, &mut scanner, &plan, &mut slots);
            loop {
                let (end, verdict) = match picker.line() {
                    Line::Record(end) => (end, Verdict::Record),
                    Line::Blank(end) => (end, Verdict::Blank),
                    Line::Odd => break,
                };
                // Behind the last line there are blank ones without end.
                let Some(line) = text.get(at..end).filter(|_| at < text.len()) else { return };
                take(number, without_cr(line), verdict);
                (at, number) = (end + 1, number + 1);
            }
        }
        let rest = text.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = without_cr(rest.get(..length).unwrap_or_default());
        take(number, line, verdict(line));
        (at, number) = (at + length + 1, number + 1);
    }
}

fn verdict(line: &[u8]) -> Verdict {
    match validate(line) {
        _ if super::lines::is_blank(line) => Verdict::Blank,
        Ok(()) => Verdict::Record,
        Err(error) => Verdict::Bad(error),
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verdicts(text: &[u8]) -> Vec<(&[u8], Verdict)> {
        let mut all = Vec::new();
        each_line(text, |number, line, verdict| {
            assert_eq!(number, all.len() as u64);
            all.push((line, verdict));
        });
        all
    }

    proptest! {
        #[test]
        fn one_record_is_judged_as_the_validator_does(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "{", "}", "[", "]", "\"a\"", ":", ",", "1", "01", "\\", "\"", " ", "\n", "\r", "\t",
                "null", "tru",
                "\"\\u00e4\"", "\u{e4}", "1e5", "-", "\u{1}",
            ]), 0..12),
        ) {
            let mut checker = Checker::default();
            for text in [parts.concat(), format!("{{\"a\":[{}]}}", parts.concat())] {
                let line = text.as_bytes();
                prop_assert_eq!(checker.check(line), validate(line), "{}", text);
            }
        }

        #[test]
        fn long_texts_are_judged_as_short_ones_are(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "{\"a\":1}", "", " ", "1", "[1,{\"b\":[]}]\r", "{", "\"", "\"a\"", "{\"a\\n\":\"\\x\"}",
                "{\"a\":\"\u{e4}\"}", "\r", "nul", "{\"a\":01}", "\"\\\"", "[[]]",
            ]), 1..40),
            ends in any::<bool>(),
        ) {
            let mut text = lines.join("\n").into_bytes();
            if ends {
                text.push(b'\n');
            }
            let short = verdicts(&text);
            let blank = vec![b' '; SHORT_BYTES];
            let long = [&text[..], if ends { b"" } else { b"\n" }, &blank[..]].concat();
            let mut long = verdicts(&long);
            prop_assert_eq!(long.pop(), Some((&blank[..], Verdict::Blank)));
            prop_assert!(long.len() >= short.len());
            prop_assert_eq!(&long[..short.len()], &short[..]);
            prop_assert!(long[short.len()..].iter().all(|(line, _)| line.is_empty()));
        }
    }
}

//! What is a record: the picker, the validator and serde_json judge alike, in every way of scanning
//! and wherever in a block a line begins. serde_json shares no code with the other two, so that
//! they cannot share a blind spot.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::super::{json, lines::is_blank, scan};
use super::*;

/// Whether each line of `text` is a record, by the picker.
fn judged(text: &[u8], scanner: &mut Scanner, plan: &Plan) -> Vec<bool> {
    let mut slots = vec![Slot::default(); plan.len()];
    let (mut all, mut start) = (Vec::new(), 0);
    while start < text.len() {
        let mut picker = Picker::<false>::new(text, start, scanner, plan, &mut slots);
        while start < text.len() {
            let (end, record) = match picker.line() {
                Line::Record(end) => (end, true),
                Line::Blank(end) => (end, false),
                Line::Odd => break,
            };
            all.push(record);
            start = end + 1;
        }
        if let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            start += memchr::memchr(b'\n', rest).unwrap_or(rest.len()) + 1;
            all.push(false);
        }
    }
    all
}

/// By serde_json. Skipping a value, it does not look at the encoding; its depth is limited.
fn is_json(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// The validator's word on each of these lines, on which serde_json agrees.
fn agreed(lines: &[Vec<u8>]) -> Vec<bool> {
    let agreed = |line: &Vec<u8>| {
        let valid = json::validate(line).is_ok();
        assert_eq!(valid, is_json(line), "{}", line.escape_ascii());
        valid
    };
    lines.iter().map(agreed).collect()
}

/// A plan that wants nothing, and one that goes into objects and arrays.
fn plans() -> [Plan; 2] {
    let key = |key: &str| Step::Key(key.to_owned());
    let paths =
        [vec![key("a"), key("a")], vec![key("a"), Step::Item(1)], vec![Step::Item(0), key("a")]];
    [Plan::new([&[][..]]), Plan::new(paths.iter().map(Vec::as_slice))]
}

/// Holds the picker to the validator's word on these lines, with so many blanks before them.
fn hold(lines: &[Vec<u8>], expected: &[bool], before: usize) {
    // The first line is of blanks.
    let text = [&vec![b' '; before][..], b"\n", &lines.join(&b'\n')].concat();
    for plan in &plans() {
        for scanner in &mut scan::scanners() {
            let found = judged(&text, scanner, plan);
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
                let found = found.get(at + 1).copied().unwrap_or_default();
                let shown = line.escape_ascii();
                assert!(!found || expected[at], "taken, though no JSON: {shown}");
                // Escapes in keys that are looked at, and strings alone, are left to others.
                let left = line.contains(&b'\\') || line.trim_ascii().starts_with(b"\"");
                assert!(found || !expected[at] || left || is_blank(line), "not taken: {shown}");
            }
        }
    }
}

#[test]
fn all_short_texts_within_brackets_are_judged_alike() {
    const LETTERS: &[u8] = b"{}[]\":,\\n1 ";
    const LENGTH: u32 = 5;
    let mut lines = Vec::new();
    for number in 0..LETTERS.len().pow(LENGTH) {
        let letter = |place| LETTERS[number / LETTERS.len().pow(place) % LETTERS.len()];
        let text: Vec<u8> = (0..LENGTH).map(letter).collect();
        lines.push([b"[", &text[..], b"]"].concat());
        lines.push([b"{\"a\":", &text[..], b"}"].concat());
    }
    let expected = agreed(&lines);
    assert!(expected.iter().filter(|valid| **valid).count() > 1000);
    hold(&lines, &expected, 0);
}

#[test]
fn every_byte_is_judged_alike_in_every_place() {
    let record = br#"{"a":[0,"b\n\u00e4",{"a":-1.5e3}] , "c":true}"#;
    let mut lines = Vec::new();
    for at in 0..=record.len() {
        let (before, behind) = record.split_at(at);
        lines.push([before, behind.get(1..).unwrap_or_default()].concat());
        for byte in (0..=u8::MAX).filter(|byte| *byte != b'\n') {
            lines.push([before, &[byte], behind].concat());
            lines.push([before, &[byte], behind.get(1..).unwrap_or_default()].concat());
        }
    }
    let expected = agreed(&lines);
    hold(&lines, &expected, 0);
}

/// A value in its shortest spelling or with white space, and what is odd about strings in it.
fn value() -> impl Strategy<Value = String> {
    let string = r#"("([ab ]{0,3}|\\[nu"\\/]|\\u00e4|\\ud83d|é|[a-z]{60,70}|(\\\\){30,34}){0,3}")"#;
    let leaf = prop_oneof![
        string,
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?(e[+-]?[0-9]{1,2})?",
        "true|false|null|\\[\\]|\\{ \\}"
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let item = ("[ \t\r]{0,2}", inner, "[ \t]{0,2}").prop_map(|(a, b, c)| a + &b + &c);
        let key = prop_oneof![Just("\"a\"".to_owned()), string];
        prop_oneof![
            proptest::collection::vec(item.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((key, item), 0..4).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// What is done to a value: where, how many bytes are taken out, and what is put in.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let pieces: Vec<&[u8]> = vec![
        b"",
        b"\"",
        b"\\",
        b"\\n",
        b"\\\\",
        b"\\\"",
        b"\\u0041",
        b"\\ud800",
        b"\\u12",
        b"x",
        b"0",
        b"-",
        b".",
        b"1e",
        b"true",
        b"nul",
        b",",
        b":",
        b"{",
        b"}",
        b"[",
        b"]",
        b" ",
        b"\t",
        b"\r",
        b"\0",
        b"\x01",
        b"\x0c",
        b"\x1a",
        b"\x7f",
        b"\x80",
        b"\xc3",
        b"\xc3\xa4",
        b"\xef\xbb\xbf",
        b"\"a\"",
        b"\"a\":",
        b"[1]",
        b"{\"a\":1}",
        b"/",
    ];
    let piece = proptest::sample::select(pieces).prop_map(<[u8]>::to_vec);
    proptest::collection::vec((any::<prop::sample::Index>(), 0..2_usize, piece), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_lines_are_judged_alike_wherever_they_begin(
        given in proptest::collection::vec((value(), damage()), 1..6),
        before in 0..64_usize,
    ) {
        let damaged = |(value, damage): (String, Vec<(prop::sample::Index, usize, Vec<u8>)>)| {
            let mut line = value.into_bytes();
            for (place, out, piece) in damage {
                let at = place.index(line.len() + 1);
                let end = line.len().min(at + out);
                line.splice(at..end, piece);
            }
            line
        };
        let lines: Vec<Vec<u8>> = given.into_iter().map(damaged).collect();
        let expected = agreed(&lines);
        hold(&lines, &expected, before);
    }
}

//! The picker accepts exactly what the validator accepts, and finds what a parser finds.

use proptest::prelude::*;
use serde_json::Value;

use super::super::json;
use super::*;

fn path(steps: &[&str]) -> Vec<Step> {
    let step = |step: &&str| match step.parse() {
        Ok(item) => Step::Item(item),
        Err(_) => Step::Key((*step).to_owned()),
    };
    steps.iter().map(step).collect()
}

/// The lines of a text, each with the spelling of these fields, or how it is not a record.
fn lines<const TRUSTED: bool>(text: &[u8], paths: &[Vec<Step>]) -> Vec<Vec<String>> {
    let plan = Plan::new(paths.iter().map(Vec::as_slice));
    let places: Vec<usize> = paths.iter().map(|path| plan.place(path).unwrap()).collect();
    let mut slots = vec![Slot::default(); plan.len()];
    let mut scanner = Scanner::default();
    let mut all = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let mut picker = Picker::<TRUSTED>::new(text, start, &mut scanner, &plan, &mut slots);
        while start < text.len() {
            let found = match picker.line() {
                Line::Record(end) => {
                    start = end + 1;
                    let of = |at: &usize| {
                        let slot = picker.slots()[*at];
                        format!("{:?} {}", slot.kind, String::from_utf8_lossy(slot.of(text)))
                    };
                    places.iter().map(of).collect()
                }
                Line::Blank(end) => {
                    start = end + 1;
                    vec!["blank".into()]
                }
                Line::Odd => break,
            };
            all.push(found);
        }
        if start < text.len() {
            let rest = &text[start..];
            start += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()) + 1;
            all.push(vec!["odd".into()]);
        }
    }
    all
}

#[test]
fn fields_are_found_as_they_stand() {
    let paths = [path(&["a"]), path(&["b", "c"]), path(&["b"]), path(&["l", "1"])];
    let text = br#"{"a":1,"b":{"c":"x","d":[{"c":2}]},"l":[0,[7, 8] ,2]}

  { "b" : null , "a" : "\n" } 
{"a":1,"b":{"c":1},"a":-2.5e3,"b":{"d":1}}
{"b\u0000":1}
"a"
[1]
{"a":1}"#;
    let expected: [&[&str]; 8] = [
        &["Number 1", "Plain \"x\"", "Object {\"c\":\"x\",\"d\":[{\"c\":2}]}", "Array [7, 8]"],
        &["blank"],
        &["Escaped \"\\n\"", "Missing ", "Null null", "Missing "],
        &["Number -2.5e3", "Missing ", "Object {\"d\":1}", "Missing "],
        &["odd"],
        &["odd"],
        &["Missing ", "Missing ", "Missing ", "Missing "],
        &["Number 1", "Missing ", "Missing ", "Missing "],
    ];
    assert_eq!(lines::<false>(text, &paths), expected);
    let trusted = lines::<true>(text, &paths);
    assert_eq!(trusted[..3], lines::<false>(text, &paths)[..3]);
}

#[test]
fn nesting_is_bounded_as_in_the_validator() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let valid = json::validate(text.as_bytes()).is_ok();
            for paths in [vec![path(&[])], vec![path(&["a", "a"]), path(&["0", "0"])]] {
                let odd = lines::<false>(text.as_bytes(), &paths)[0][0] == "odd";
                assert_eq!(odd, !valid, "{depth}");
            }
        }
    }
}

/// Pieces of JSON thrown together, some of them across the borders of steps.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"a\"",
        b"\"a\":",
        b"\"b\":",
        b"\"\\n\"",
        b"{}",
        b"[]",
        b"\"b\xc3\xa4\"",
        b"1",
        b"-0",
        b"1.5e3",
        b"01",
        b"true",
        b"false",
        b"null",
        b"nul",
        b" ",
        b"\"",
        b"\\",
        b"\\\\",
        b"\\\"",
        b"\x01",
        b"\"\x1f\"",
        b"\xff",
        b"\"\xc3\"",
        b"\t",
        b"\r",
        b"\x0c",
        b"\x1a",
        b"\0",
        b"\n",
        b"\n",
        b"123456789012345678901",
        b"1.2345678901234567",
        b"-",
        b"\"long enough for a step of sixty-four bytes, and for what comes behind it\"",
        b"1 ",
        b"tru",
        b"\"\\u12\"",
        b"\"\\u00e4\\ud800\"",
        b"{\"a\":{\"b\":[1,{\"a\":2}]},",
        b"{\"a\":1}",
        b"[1,[2]]",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..24)
        .prop_map(|pieces| pieces.concat())
}

/// Some of each length that is compared in its own way, and some that differ at the end only.
const KEYS: [&str; 11] = [
    "a",
    "b",
    "c",
    "aa",
    "seven_7",
    "eight__8",
    "eight__9",
    "fifteen_long_15",
    "fifteen_long_16",
    "fifteen_loud_15",
    "long_key_of_more_than_8",
];

/// A value as it may stand in a record, with keys that come again.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-1.5e-3",
            "12345678901234567890",
            "\"\"",
            "\"a\\\"b\"",
            "\"{\"",
            "\"\\\\\"",
            "\"\u{e4}\"",
            "[]",
            "{}",
            " 1 ",
            "[ ]",
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        any::<f64>().prop_map(|number| Value::from(number).to_string()),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = proptest::sample::select(KEYS.as_slice());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec((key, inner), 0..5).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn paths() -> Vec<Vec<Step>> {
    [
        &[][..],
        &["a"],
        &["b"],
        &["a", "a"],
        &["a", "b"],
        &["b", "a", "b"],
        &["1"],
        &["a", "0"],
        &["0", "long_key_of_more_than_8"],
        &["long_key_of_more_than_8"],
        &["a", "a", "a"],
        &["seven_7"],
        &["a", "eight__8"],
        &["fifteen_long_15"],
        &["fifteen_long_16"],
    ]
    .iter()
    .map(|steps| path(steps))
    .collect()
}

/// What serde_json finds there; it lets the last of several keys win, as we do.
fn found(whole: &Value, path: &[Step]) -> Option<Value> {
    let step = |at: &Value, step: &Step| match step {
        Step::Key(key) => at.as_object().and_then(|fields| fields.get(key)).cloned(),
        Step::Item(item) => at.as_array().and_then(|items| items.get(*item)).cloned(),
    };
    path.iter().try_fold(whole.clone(), |at, one| step(&at, one))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_record_is_what_the_validator_takes(text in pieces()) {
        let all = lines::<false>(&text, &paths());
        let mut given = text.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        if given.last().is_some_and(|last| last.is_empty()) {
            given.pop();
        }
        prop_assert_eq!(all.len(), given.len());
        for (line, found) in given.iter().zip(all) {
            match found[0].as_str() {
                "blank" => prop_assert!(super::super::lines::is_blank(line)),
                // Strings alone, and escapes in keys that are looked at, are left to others.
                "odd" => prop_assert!(
                    json::validate(line).is_err() || line.contains(&b'\\') || line.contains(&b'"')
                ),
                _ => prop_assert_eq!(json::validate(line), Ok(())),
            }
        }
    }

    #[test]
    fn what_a_parser_finds_is_found(values in proptest::collection::vec(value(), 1..4)) {
        let text = values.join("\n");
        let paths = paths();
        let all = lines::<false>(text.as_bytes(), &paths);
        let trusted = lines::<true>(text.as_bytes(), &paths);
        prop_assert_eq!(all.len(), values.len());
        for ((value, found_here), trusted) in values.iter().zip(&all).zip(&trusted) {
            if found_here[0] == "odd" {
                prop_assert!(value.trim().starts_with('"'));
                continue;
            }
            prop_assert_eq!(found_here, trusted);
            let whole: Value = serde_json::from_str(value).unwrap();
            for (path, spelled) in paths.iter().zip(found_here) {
                let spelled = spelled.split_once(' ').unwrap().1;
                let here = (!spelled.is_empty()).then(|| serde_json::from_str(spelled).unwrap());
                prop_assert_eq!(here, found(&whole, path), "{:?} of {}", path, value);
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        lines::<false>(&bytes, &paths());
        lines::<true>(&bytes, &paths());
    }
}

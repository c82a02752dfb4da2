//! Both evaluators agree on every input.

use proptest::prelude::*;

use super::super::agreement::check;
use super::*;

const NUMBERS: [&str; 26] = [
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "500",
    "1.0",
    "0.5",
    "-2.5e3",
    "1e400",
    "-1e400",
    "5e-324",
    "1E+2",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "100000000000000000000",
    "123456789012345678901234567890",
    "0.1",
    "1e-400",
    "100",
    "3",
    "12.50",
    "0e10",
];

const TEXTS: [&str; 18] = [
    "",
    "a",
    "ab",
    "b",
    "A\u{e4}B",
    "/api/v1",
    "1",
    " 2.50 ",
    "1e400",
    "null",
    "\u{1f600}",
    "\u{ffff}",
    "\"\\/",
    "\n\t",
    "\u{0}",
    "x y",
    "abcabc",
    "[1]",
];

/// A string as JSON: as it is, or escaped where it need not be.
fn string(text: &str, escaped: bool) -> String {
    match escaped {
        false => serde_json::Value::from(text).to_string(),
        true => {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{units}\"")
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    let spelled = (prop_oneof![4 => known, 1 => any::<String>()], proptest::bool::weighted(0.2));
    prop_oneof![
        12 => spelled.prop_map(|(text, escaped)| string(&text, escaped)),
        1 => Just("\"\\ud800\\u0041\"".to_owned()),
        1 => Just("\"\\ud83d\\ude00\\/\"".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let keys = vec!["\"a\"", "\"a\"", "\"b\"", "\"c\"", "\"x y\"", "\"\\u0061\"", "\"\"", "\"ab\""];
    proptest::sample::select(keys).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    let words = vec!["null", "true", "false", "[]", "{}", "[ ]", "{ }"];
    let leaf = prop_oneof![
        proptest::sample::select(words).prop_map(str::to_owned),
        proptest::sample::select(NUMBERS.to_vec()).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| serde_json::Value::from(number).to_string()),
        text(),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let space = proptest::sample::select(vec!["", "", " ", "\t "]);
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..4), space.clone()).prop_map(
                |(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},")))
            ),
            fields(inner, space),
        ]
    })
}

fn fields(
    inner: impl Strategy<Value = String>,
    space: impl Strategy<Value = &'static str>,
) -> impl Strategy<Value = String> {
    (proptest::collection::vec((key(), inner), 0..5), space).prop_map(|(fields, space)| {
        let field = |(key, value): &(String, String)| format!("{key}{space}:{space}{value}");
        let fields: Vec<String> = fields.iter().map(field).collect();
        format!("{{{space}{}{space}}}", fields.join(&format!("{space},{space}")))
    })
}

fn record() -> impl Strategy<Value = String> {
    let space = || proptest::sample::select(vec!["", "", " "]);
    let broken = (fields(value(), space()), any::<proptest::sample::Index>(), "[\\\\\"{,0\u{1}]");
    prop_oneof![
        12 => fields(value(), space()),
        4 => value(),
        1 => broken.prop_map(|(mut text, at, what)| {
            let at = text.floor_char_boundary(at.index(text.len()));
            text.insert_str(at, &what);
            text
        }),
        1 => Just(String::new()),
        1 => Just("{\"@millstream\":1}".to_owned()),
    ]
}

const PATHS: [&str; 22] = [
    ".",
    ".a",
    ".b",
    ".c",
    ".a.b",
    ".a.a.b",
    ".b.a",
    ".[\"x y\"]",
    ".\"x y\".a",
    ".a[0]",
    ".[0]",
    ".a[1].b",
    ".[-1]",
    ".a[-2]",
    ".a?",
    ".a.b?",
    ".a?.b",
    ".a[0]?",
    ".[\"\"]",
    ".ab",
    ".b[0][1]",
    ".a.c.b.a",
];

const AROUND: [&str; 44] = [
    "-@",
    "@ | not",
    "@ | type",
    "@ | length",
    "@ | tostring",
    "@ | tonumber",
    "@ | ascii_downcase",
    "@ | ascii_upcase",
    "@ | utf8bytelength",
    "@ | floor",
    "@ | round",
    "@ | ceil",
    "@ | startswith(\"a\")",
    "@ | endswith(.a)",
    "@ | contains(\"b\")",
    "@ | ltrimstr(\"a\")",
    "@ | rtrimstr(\"b\")",
    "@ | test(\"^[ab]\")",
    "@ | test(\"B\"; \"i\")",
    "@ | has(\"a\")",
    "@ | has(0)",
    "@ | .a",
    "@ | .[0].b",
    "@ | .a?",
    "select(@)",
    "select(@) | .b",
    "(@)?",
    "if @ then .a else .b end",
    "if @ then 1 end",
    "if .a then @ elif .b then 2 else empty end",
    "@ | IN(1, \"a\", .a)",
    "IN(@)",
    "@ | in({a: 1, \"b\": 2})",
    "any(.a[]; @)",
    "all(.[]; @)",
    "any(.a?[]; @)",
    "all(.b.a?[]; @)",
    "@ | any",
    "@ | all",
    "@ | any(. == \"a\" or .a == 1)",
    "@ | all(type == \"number\")",
    "\"<\\(@)> \\(.b)\"",
    "@ | select(. != null)",
    "@ // empty",
];

const BETWEEN: [&str; 17] =
    ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "and", "or", "//", "|", "==", ">"];

const SHAPES: [&str; 13] = [
    "{a, x: (@)}",
    "[@, .b]",
    "@, .a",
    "{a: {b: (@)}, \"x y\"}",
    "[.a, [@], {c}]",
    "select(@) | {a}",
    "if .a then {b} else [@] end",
    ".a // {z: (@)}",
    ".a | {b, a: .}",
    "[.a | select(.)]",
    "[], {}",
    "(.a, @) | 1",
    "select(.a), {b: (@)}",
];

/// Expressions, nearly all of which are fast.
fn expression() -> impl Strategy<Value = String> {
    let constant = prop_oneof![
        proptest::sample::select(NUMBERS.to_vec()).prop_map(str::to_owned),
        proptest::sample::select(vec!["null", "true", "false", "[]", "{}", "\"a\"", "\"\\u00e4\""])
            .prop_map(str::to_owned),
        text(),
    ];
    let path = proptest::sample::select(PATHS.to_vec()).prop_map(str::to_owned);
    let inner = prop_oneof![3 => path, 1 => constant].prop_recursive(3, 12, 2, |inner| {
        let around = proptest::sample::select(AROUND.to_vec());
        let between = proptest::sample::select(BETWEEN.to_vec());
        prop_oneof![
            (inner.clone(), around)
                .prop_map(|(inside, around)| around.replace('@', &format!("({inside})"))),
            (inner.clone(), between, inner).prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
        ]
    });
    (inner, proptest::option::weighted(0.3, proptest::sample::select(SHAPES.to_vec())))
        .prop_map(|(inner, shape)| shape.map_or(inner.clone(), |s| s.replace('@', &inner)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("MILLSTREAM_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500)
    ))]

    #[test]
    fn both_evaluators_agree(
        source in expression(),
        records in proptest::collection::vec(record(), 1..6),
    ) {
        let agreed = check(&source, records.join("\n").as_bytes());
        prop_assert!(agreed.is_ok(), "{}", agreed.unwrap_err());
    }

    #[test]
    fn bytes_and_expressions_of_any_kind_do_no_harm(
        source in "[ .a|()\\[\\]{}\"\\\\:,?0-9e+=<>/]{0,10}",
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let agreed = check(&source, &bytes);
        prop_assert!(agreed.is_ok(), "{}", agreed.unwrap_err());
    }
}

/// What keeps an expression from being fast.
fn not_fast(source: &str) -> Option<String> {
    program(source).explain().not_fast
}

#[test]
fn what_people_write_every_day_is_fast() {
    for source in [
        ".status >= 500",
        "(.path|startswith(\"/api\")) and .latency_ms > 100",
        "{ts, host, status}",
        ".a.b[\"c d\"][0].e? // \"none\"",
        "select(.level == \"error\") | {time, msg: .message}",
        "if .ms > 1000 then \"slow\" else \"fast\" end",
        ".user.name | ascii_downcase | test(\"^a\")",
        "any(.tags[]; . == \"x\") and (.kind | IN(\"a\", \"b\"))",
        "[.a, .b + 1], .c",
        "\"\\(.host):\\(.port)\"",
        ".id | tonumber % 10 == 3",
        "has(\"org\") and (.payload | length > 2)",
        ".a | .b, (.c | tostring)",
    ] {
        assert_eq!(not_fast(source), None, "{source}");
    }
}

#[test]
fn what_is_not_fast_is_named() {
    for (source, what) in [
        ("map(.a)", "'map'"),
        (".[]", "'.[]'"),
        (".a as $x | $x", "'as'"),
        (".a = 1", "'='"),
        ("reduce .[] as $x (0; . + $x)", "'reduce'"),
        ("[.a] | length", "an array that is used in the expression itself"),
        (".a[.b]", "an index that is computed"),
        ("def f: 1; f", "'def'"),
        ("@base64 \"\\(.)\"", "'@base64'"),
        ("{(.a): 1}", "a key that is computed"),
        (".a | test(.b)", "'test' with a computed expression"),
    ] {
        assert_eq!(not_fast(source).as_deref(), Some(what), "{source}");
    }
    assert!(not_fast(&format!("{}1", "-".repeat(100))).is_some());
}

#[test]
fn what_is_read_is_told() {
    let reads = |source: &str| program(source).explain().reads.map(|paths| paths.join(" "));
    assert_eq!(reads(".b > 1 and .a.c[0]").as_deref(), Some(".a.c[0] .b"));
    assert_eq!(reads(".[\"x y\"].z | .a").as_deref(), Some(".[\"x y\"].z .[\"x y\"].z.a"));
    assert_eq!(reads(".a | map(.b)").as_deref(), Some(".a"));
    assert_eq!(reads("map(.a)"), None);
}

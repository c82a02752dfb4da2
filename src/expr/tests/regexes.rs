//! Regular expressions: what they give, and how much they may take.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// `sub` by its definition: the first result of the function for each match makes one string, the
/// second another, and so on.
const DEFINITION: &str = "def by_definition(re; f; flags):
    . as $in
    | reduce match(re; flags) as $match ({ made: [], end: 0 };
        $in[.end:$match.offset] as $before
        | [[$match.captures[] | select(.name) | {(.name): .string}] | add // {} | f] as $results
        | reduce range($results | length) as $at (.; .made[$at] += $before + $results[$at])
        | .end = $match.offset + $match.length)
    | (.made[] + $in[.end:]) // $in;";

/// The same as `sub` without `g` gives, which `split_` and `capture` take as it is.
fn both(pattern: &str, function: &str, flags: &str) -> [String; 2] {
    let call = format!("({pattern}; {function}; \"{flags}\")");
    let all = |source: String| format!("[.[] | try ({source}) catch [.]]");
    [all(format!("sub{call}")), format!("{DEFINITION} {}", all(format!("by_definition{call}")))]
}

const PATTERNS: [&str; 16] = [
    "a",
    "",
    "b*",
    "(?<x>a)|b",
    "\\\\b",
    "^",
    "$",
    "(?<x>b)?",
    ".",
    "\u{e9}|\u{1f600}",
    "a|",
    "(a)(?<x>b)?(?<y>c)?",
    "(?<x>.)(?<y>.)",
    "(?<x>[ab]+?)",
    "A+",
    " a",
];

const FUNCTIONS: [&str; 12] = [
    "\"x\"",
    "\"\"",
    "\"x\", \"yz\"",
    "empty",
    "null",
    "error(\"e\")",
    "\"a\", error(\"e\")",
    ".x // \"-\"",
    "1",
    "(.x, \"z\", .y)",
    "\"[\\(.x)|\\(.y)]\"",
    "tojson",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn substitution_is_what_its_definition_gives(
        texts in proptest::collection::vec("[abAc \u{e9}\u{1f600}\n]{0,6}", 1..4),
        pattern in proptest::sample::select(&PATTERNS[..]),
        function in proptest::sample::select(&FUNCTIONS[..]),
        flags in proptest::sample::select(&["", "g", "gn", "gi", "gx", "n", "gm"][..]),
    ) {
        let record = serde_json::to_string(&texts).unwrap();
        let [ours, definition] = both(&format!("\"{pattern}\""), function, flags);
        prop_assert_eq!(results(&ours, &record), results(&definition, &record), "{}", ours);
    }
}

#[test]
fn several_results_of_a_replacement_are_several_strings() {
    assert_eq!(results("gsub(\"x\"; \"a\", \"b\")", "\"x-x\""), r#""a-a" "b-b""#);
    assert_eq!(results("[gsub(\"x\"; \"a\", empty, \"b\")] | length", "\"xxx\""), "2");
    assert_eq!(results("sub(\"x\"; \"a\", \"b\")", "\"xx\""), r#""ax" "bx""#);
    assert_eq!(results("[gsub(\"x\"; empty)]", "\"x\""), "[\"x\"]");
    assert_eq!(results("gsub(\"x\"; empty)", "\"y\""), "\"y\"");
    assert_eq!(results("first(gsub(\"x\"; \"a\", error))", "\"xx\""), "error: {}");
    assert_eq!(results("[limit(3; gsub(\"x\"; \"a\", \"b\"))]", &long("x", 5_000)).len(), 10_007);
    assert_eq!(results("sub((\"a\", \"b\"); \"x\")", "\"ab\""), r#""xb" "ax""#);
    assert_eq!(results("gsub(\"\"; \"-\")", "\"ab\""), "\"-a-b-\"");
    assert_eq!(results("gsub([\"A\", \"gi\"]; \"x\")", "\"aA\""), "\"xx\"");
    assert_eq!(
        results("gsub(\"a\"; 1)", "\"ba\""),
        "error: string (\"b\") and number (1) cannot be added"
    );
    assert_eq!(
        results("gsub(\"a\"; \"b\")", "5"),
        "error: number (5) cannot be matched, as it is not a string"
    );
    let once = "gsub(\"[^a-z]*(?<x>[a-z]*)\"; \"Z\\(.x)\")";
    assert_eq!(results(once, "\"123foo456bar\""), "\"ZfooZbarZ\"");
    assert_eq!(results("[match(\"b*\"; \"g\").offset]", "\"abc\""), "[0,1,2,3]");
}

/// A string as a record.
fn long(part: &str, count: usize) -> String {
    format!("\"{}\"", part.repeat(count))
}

/// What replaces, finds or splits takes memory by the length of the string, and about as long.
#[test]
fn long_strings_with_many_matches_take_little() {
    let begun = Instant::now();
    let text = long("a", 1 << 17);
    let within = |source: &str, bytes_max: usize| {
        let mut program = program(source);
        program.bound(Bounds { bytes_max, ..Bounds::default() });
        let mut out = Vec::new();
        let mut record = program.load(text.as_bytes()).unwrap();
        record.write(0, &mut out).unwrap_or_else(|error| panic!("{source}: {error}"));
        String::from_utf8(out).unwrap().trim_end().to_owned()
    };
    for (source, length) in [
        ("gsub(\"a\"; \"bb\") | length", "262144"),
        ("gsub(\"a\"; \"\") | length", "0"),
        ("gsub(\"\"; \"b\") | length", "262145"),
        ("gsub(\"(?<x>a)\"; .x + \"b\") | length", "262144"),
        ("gsub(\"a\"; if . == {} then \"bb\" else \"\" end) | length", "262144"),
        ("reduce scan(\"a\") as $x (0; . + 1)", "131072"),
        ("reduce match(\"(a)\"; \"g\").offset as $x (0; . + 1)", "131072"),
        ("last(match(\"a\"; \"g\")).offset", "131071"),
        ("first(gsub(\"a\"; \"b\", \"c\")) | length", "131072"),
    ] {
        // The last one keeps what it takes to give the others.
        let bytes_max = if source.starts_with("first") { 128 << 20 } else { 8 << 20 };
        assert_eq!(within(source, bytes_max), length, "{source}");
    }
    assert_eq!(within("[splits(\"a\")] | length", 16 << 20), "131073");
    assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
}

#[test]
fn the_regular_expressions_of_a_program_have_a_size() {
    let large = |index| format!("(tostring|test(\"(?i)\\\\w{{1,98}}a{index}\"))");
    let all: Vec<String> = (0..80).map(large).collect();
    let begun = Instant::now();
    let said = fault(&all.join(" or "));
    assert!(
        said.contains("the regular expressions take more than 33554432 bytes together"),
        "{said}"
    );
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let sources: Vec<&str> = all.iter().map(String::as_str).collect();
    assert!(Program::compile(&sources).is_err());
    let one = fault("test(\"\\\\w{1000}\\\\w{1000}\")");
    assert!(one.contains("takes more than 10485760 bytes when compiled"), "{one}");
    // The same one many times is compiled once.
    assert_eq!(fault(&vec![large(0); 80].join(" or ")), "nothing");
}

#[test]
fn an_expression_may_have_dozens_of_ordinary_regular_expressions() {
    let ordinary = [
        "^\\\\d+$",
        "(?i)\\\\berror\\\\b|\\\\bfatal\\\\b",
        "^(?<user>[\\\\w.+-]+)@(?<host>[\\\\w-]+(\\\\.[\\\\w-]+)+)$",
        "^(\\\\d{1,3}\\\\.){3}\\\\d{1,3}$",
        "\\\\s+",
        "^\\\\d{4}-\\\\d{2}-\\\\d{2}T\\\\d{2}:\\\\d{2}:\\\\d{2}",
    ];
    let tests: Vec<String> = (0..60)
        .map(|index| format!("test(\"{}|{index}\")", ordinary[index % ordinary.len()]))
        .collect();
    assert_eq!(results(&format!("[{}] | length", tests.join(", ")), "\"a\""), "60");
}

/// Patterns that come from records are compiled once as long as they are kept, and what is kept is
/// bounded; compiling them counts as steps.
#[test]
fn regular_expressions_made_from_records_are_bounded() {
    let made = "[range(300) as $n | \"a\" | test(\"a|\\($n)\")] | all";
    assert_eq!(results(made, "null"), "true");
    let large = "[range(40) as $n | \"a\" | test(\"(?i)\\\\w{1,98}\\($n)\")] | any";
    let mut program = program(large);
    program.bound(Bounds::served(Default::default()));
    let mut record = program.load(b"null").unwrap();
    let said = record.write(0, &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(said, "the expression takes more than 4000000 steps");
}

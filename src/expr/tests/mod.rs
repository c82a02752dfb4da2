//! What a program promises, whatever evaluates it.

mod agreement;
mod bounds;
mod functions;
mod limits;
mod properties;
mod regexes;
mod updates;

use super::*;

fn program(source: &str) -> Program {
    Program::compile(&[source]).unwrap_or_else(|error| panic!("{error}"))
}

/// The results of an expression for a record, or what was wrong.
fn results(source: &str, record: &str) -> String {
    let mut program = program(source);
    let mut out = Vec::new();
    match program.load(record.as_bytes()).and_then(|mut record| record.write(0, &mut out)) {
        Ok(()) => String::from_utf8(out).unwrap().trim_end().replace('\n', " "),
        Err(error) => format!("error: {error}"),
    }
}

/// What is wrong with an expression.
fn fault(source: &str) -> String {
    Program::compile(&[source]).err().map_or_else(|| "nothing".into(), |error| error.to_string())
}

#[test]
fn a_program_can_be_sent_to_a_thread() {
    let mut program = program(".a");
    let value = std::thread::spawn(move || {
        let mut record = program.load(b"{\"a\":7}").unwrap();
        format!("{:?}", record.value(0))
    });
    assert_eq!(value.join().unwrap(), "Ok(Number(\"7\"))");
}

#[test]
fn all_expressions_see_one_record() {
    let mut program = Program::compile(&[".a", ".b[]", "empty", "."]).unwrap();
    assert_eq!(program.source(1), ".b[]");
    let mut record = program.load(br#"{"b":[null,false],"a":"\u00e4\n"}"#).unwrap();
    assert_eq!(record.value(0), Ok(Value::Text("\u{e4}\n")));
    assert_eq!(record.value(1), Err(RecordError::Several));
    assert_eq!(record.value(2), Ok(Value::Null));
    let whole = "{\"b\":[null,false],\"a\":\"\u{e4}\\n\"}";
    assert_eq!(record.value(3), Ok(Value::Json(whole)));
    assert_eq!(record.truth(0), Ok(true));
    assert_eq!(record.truth(1), Ok(false));
    assert_eq!(record.truth(2), Ok(false));
    let mut out = b"> ".to_vec();
    record.write(1, &mut out).unwrap();
    assert_eq!(out, b"> null\nfalse\n");
    assert!(record.value(4).is_err());
    assert_eq!(record.source(4), "");
}

#[test]
fn a_failed_evaluation_leaves_no_half_results() {
    let mut program = program(".[] | . + 1");
    let mut record = program.load(b"[1,2,\"x\"]").unwrap();
    let mut out = b"> ".to_vec();
    assert!(record.write(0, &mut out).is_err());
    assert_eq!(out, b"> ");
    assert!(record.value(0).is_err());
    assert_eq!(record.truth(0), Ok(true));
}

#[test]
fn where_one_value_is_wanted_there_is_one_or_none() {
    for (source, value) in [
        (".a[]", Err(RecordError::Several)),
        (".a[], .b[]", Err(RecordError::Several)),
        ("1, 2", Err(RecordError::Several)),
        ("repeat(1)", Err(RecordError::Several)),
        (".b[]", Ok(Value::Number("7"))),
        (".c[]?", Ok(Value::Null)),
        ("empty", Ok(Value::Null)),
        ("first(.a[])", Ok(Value::Number("2"))),
        ("[.a[]] | add", Ok(Value::Number("5"))),
        ("empty, 1", Ok(Value::Number("1"))),
    ] {
        let mut program = program(source);
        let mut record = program.load(br#"{"a":[2,3],"b":[7]}"#).unwrap();
        assert_eq!(record.value(0), value, "{source}");
    }
}

#[test]
fn a_bad_record_is_not_the_record_before() {
    let mut program = program(".a");
    program.load(b"{\"a\":1}").unwrap();
    assert!(program.load(b"{\"a\":").is_err());
    assert_eq!(program.load(b"{}").unwrap().value(0), Ok(Value::Null));
    let trailing = "error: not valid JSON: something follows the value at byte 9";
    assert_eq!(results(".", "{\"a\":1} 2"), trailing);
}

#[test]
fn numbers_that_nobody_computes_with_keep_their_spelling() {
    let record = "[-0, 0, 1.0, 1e5, 1E+05, 0.10, 100000000000000000000, 18446744073709551615, \
                  9223372036854775807, -9223372036854775808, 1e400, 5e-324]";
    let compact = record.replace(' ', "");
    assert_eq!(results(".", record), compact);
    assert_eq!(results("map(.)", record), compact);
    assert_eq!(results("{a: .} | .a", record), compact);
    assert_eq!(results("tojson | fromjson", record), compact);
    assert_eq!(results(".[2] | tostring", record), "\"1.0\"");
    assert_eq!(results("-.", "1.50"), "-1.50");
    let long = "7".repeat(100_000);
    assert_eq!(results(".", &long), long);
}

#[test]
fn integers_of_64_bits_are_exact() {
    assert_eq!(results(". + 1", "9007199254740993"), "9007199254740994");
    assert_eq!(results(". == 9007199254740992", "9007199254740993"), "false");
    assert_eq!(results(". * 2 / 2", "4611686018427387903"), "4611686018427387903");
    assert_eq!(results(". == 18446744073709551614", "18446744073709551615"), "false");
    assert_eq!(results(". + 1", "9223372036854775807"), "9223372036854776000");
    assert_eq!(results(". % 10", "9223372036854775807"), "7");
}

#[test]
fn computed_numbers_are_spelled_as_jq_spells_them() {
    let cases = [
        ("1 / 2 + 0.5", "1"),
        ("1.0 + 1", "2"),
        ("1 / 3", "0.3333333333333333"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1e15 + 0.5", "1000000000000000.5"),
        ("1e16 + 1", "1e+16"),
        ("1e300 * 10", "1e+301"),
        ("0.00001 * 1", "1e-05"),
        ("0.0001 * 1", "0.0001"),
        ("-1.5e-7 * 1", "-1.5e-07"),
        ("1e3 + 0", "1000"),
        ("nan", "null"),
        ("infinite, -infinite", "1.7976931348623157e+308 -1.7976931348623157e+308"),
    ];
    for (source, spelled) in cases {
        assert_eq!(results(source, "null"), spelled, "{source}");
    }
}

#[test]
fn objects_keep_the_order_of_their_keys() {
    let record = r#"{"z":1,"a":{"y":2,"b":3},"m":[{"d":1,"c":2}]}"#;
    assert_eq!(results(".", record), record);
    assert_eq!(results(".n = 1", r#"{"z":1,"a":2}"#), r#"{"z":1,"a":2,"n":1}"#);
    assert_eq!(results(".z = 3", r#"{"z":1,"a":2}"#), r#"{"z":3,"a":2}"#);
    assert_eq!(results("del(.b)", r#"{"z":1,"b":0,"a":2,"c":3}"#), r#"{"z":1,"a":2,"c":3}"#);
    assert_eq!(results(".b |= empty", r#"{"z":1,"b":0,"a":2}"#), r#"{"z":1,"a":2}"#);
    assert_eq!(results(".", r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
}

#[test]
fn strings_are_unicode() {
    assert_eq!(results(".", r#""\ud83d\ude00\u00e4\/""#), "\"\u{1f600}\u{e4}/\"");
    // Half a surrogate pair is no character: jq's stand-in for it.
    assert_eq!(results(".", r#""\ud800x\udc00\ud800\u0041""#), "\"\u{fffd}x\u{fffd}\u{fffd}A\"");
    assert_eq!(results(".[1:3]", "\"a\u{1f600}\u{e4}b\""), "\"\u{1f600}\u{e4}\"");
    assert_eq!(results(". | length, utf8bytelength", "\"\u{e4}\""), "1 2");
    assert_eq!(results(".", r#""\u0000\u001f\u007f""#), "\"\\u0000\\u001f\u{7f}\"");
    assert_eq!(results("@base64d", "\"/w==\""), "\"\u{fffd}\"");
}

#[test]
fn paths_through_null_do_what_jq_does() {
    assert_eq!(results(".a.b.c", "{}"), "null");
    assert_eq!(results(".a.b = 1", "{}"), r#"{"a":{"b":1}}"#);
    assert_eq!(results(".a[2] = 1", "null"), r#"{"a":[null,null,1]}"#);
    assert_eq!(results(".a[1:3]", "{}"), "null");
    assert_eq!(results(".a[1:2] = [7]", "{\"a\":[1,2,3]}"), r#"{"a":[1,7,3]}"#);
    assert_eq!(results("del(.[0, 2, 9])", "[1,2,3,4]"), "[2,4]");
    assert_eq!(results("del(.a[0], .b.c)", r#"{"a":[1,2],"b":null}"#), r#"{"a":[2],"b":null}"#);
    assert_eq!(results(".[length / 2]", "[1,2,3]"), "2");
    assert_eq!(results(".[-1], .[-9]", "[1,2,3]"), "3 null");
    assert_eq!(results(".[1e9] = 1", "[]"), "error: Array index too large");
}

#[test]
fn malformed_expressions_are_told_where_and_why() {
    let cases = [
        ("", "'': unexpected end at column 1; a value is missing"),
        (".a + ", "'.a + ': unexpected end at column 6; a value is missing"),
        (
            ".a ! 1",
            "'.a ! 1': unexpected '!' at column 4; jq writes 'not' after a value, as in .a | not",
        ),
        (".a & 1", "'.a & 1': unexpected '&' at column 4"),
        ("(.a", "'(.a': unexpected end at column 4; ')' is missing"),
        ("[.a)", "'[.a)': unexpected ')' at column 4; ']' is missing"),
        (".a)", "'.a)': unexpected ')' at column 3"),
        (
            "\"\u{e4}\" \"",
            "'\"\u{e4}\" \"': unexpected end at column 6; the closing '\"' is missing",
        ),
        ("if . then 1", "'if . then 1': unexpected end at column 12; 'else' or 'end' is missing"),
        ("{a: }", "'{a: }': unexpected '}' at column 5; a value is missing"),
        (
            ". as x | 1",
            "'. as x | 1': unexpected 'x' at column 6; a pattern like $x, [$x] or {a: $x} \
             is missing",
        ),
        (".a |\n  .b)", "'.a |   .b)': unexpected ')' at line 2, column 5"),
        ("1e", "'1e': unexpected end at column 3; a digit is missing"),
        (
            "lenght > 2",
            "'lenght > 2': undefined function 'lenght' at column 1; did you mean 'length'?",
        ),
        ("status", "'status': undefined function 'status' at column 1; did you mean '.status'?"),
        ("map(.a; .b)", "'map(.a; .b)': 'map' takes 1 argument, not 2 at column 1"),
        (
            ".a | $x",
            "'.a | $x': undefined variable '$x' at column 6; bind it with 'as', or give it a value \
             where the tool has --arg",
        ),
        ("break $out", "'break $out': undefined label '$out' at column 7"),
        (
            ".a|test(\"(\")",
            "'.a|test(\"(\")': invalid regular expression '(': unclosed group at column 10",
        ),
        (
            "include \"x\"; 1",
            "'include \"x\"; 1': unexpected '\"x\"' at column 9; an operator is missing before it",
        ),
    ];
    for (source, said) in cases {
        assert_eq!(fault(source), said);
    }
    let error = Program::compile(&[".a", ". | nope"]).err().unwrap();
    assert_eq!((error.index, error.span), (1, 4..8));
}

#[test]
fn expressions_see_nothing_but_the_record() {
    for source in [
        "env",
        "env.PATH",
        "$ENV",
        "$ENV.PATH",
        "now",
        "localtime",
        "strflocaltime(\"%H\")",
        "input",
        "inputs",
        "[inputs]",
        "input_filename",
        "input_line_number",
        "debug",
        "debug(1)",
        "stderr",
        "halt",
        "halt_error",
        "halt_error(1)",
        "get_search_list",
        "try env catch 1",
    ] {
        let said = fault(source);
        assert!(said.contains("is not available at column"), "{source}: {said}");
    }
}

#[test]
fn a_function_of_the_users_takes_the_place_of_a_builtin() {
    assert_eq!(results("def length: 7; length", "[]"), "7");
    assert_eq!(results("def now: 5; now", "[]"), "5");
    assert_eq!(results("def f(g): [g, g]; f(.a)", "{\"a\":1}"), "[1,1]");
}

#[test]
fn failures_are_short_and_on_one_line() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    let cases = [
        (".[0]", "{}", "Cannot index object with number (0)"),
        (".a", "[]", "Cannot index array with string (\"a\")"),
        (".a", "5", "Cannot index number with string (\"a\")"),
        (".[]", "5", "Cannot iterate over number (5)"),
        ("error(\"a\\nb\")", "1", "a b"),
        ("error({a: 1})", "1", "{\"a\":1}"),
        ("error(\"\")", "1", "the expression failed"),
        ("error(null)", "1", "null"),
        ("1 / 0", "1", "number (1) and number (0) cannot be divided because the divisor is zero"),
        (
            "fromjson",
            "\"[1\"",
            "cannot parse \"[1\": not valid JSON: the line ends in the middle of a value at byte 3",
        ),
        ("{(.): 1}", "3", "Cannot use number (3) as object key"),
    ];
    for (source, record, said) in cases {
        assert_eq!(results(source, record), format!("error: {said}"), "{source}");
    }
    for source in [
        ". + 1",
        "error",
        ".a | fromjson",
        ".a | tonumber",
        "keys[0] - {}",
        ".a | strptime(\"%Y\")",
    ] {
        let said = results(source, &long);
        assert!(said.starts_with("error: ") && said.len() < 250, "{source}: {}", said.len());
    }
}

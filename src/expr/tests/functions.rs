//! Functions give what they give in jq.

use super::*;

/// Each expression with a record, and its results.
fn hold(table: &[(&str, &str, &str)]) {
    for (source, record, expected) in table {
        assert_eq!(results(source, record), *expected, "{source} on {record}");
    }
}

#[test]
fn numbers_are_read_as_people_spell_them() {
    let date = r#""2024-03-05""#;
    hold(&[
        ("split(\"-\") | map(tonumber)", date, "[2024,3,5]"),
        ("[.[] | tonumber]", r#"["+1",".5","1.","08","1.50"]"#, "[1,0.5,1,8,1.50]"),
        ("[.[] | try tonumber catch 0]", r#"[" 4","4 ","\n4"]"#, "[0,0,0]"),
        ("(.h | tonumber) < 9", r#"{"h":"08"}"#, "true"),
        ("{h: (.h | tonumber)}", r#"{"h":"-08"}"#, r#"{"h":-8}"#),
        ("tonumber", "\"0x1\"", "error: string (\"0x1\") cannot be parsed as a number"),
        ("tonumber", "null", "error: null (null) cannot be parsed as a number"),
        ("tonumber?", "\"\"", ""),
    ]);
}

#[test]
fn ranges_are_of_numbers() {
    hold(&[
        ("[range(3)], [range(1; 7; 3)], [range(3; 0; -2)]", "null", "[0,1,2] [1,4] [3,1]"),
        ("[range(0; 10; 0)], [range(0; 1; nan)], [range(nan)]", "null", "[] [] []"),
        ("[range(0, 1; 2, 3)]", "null", "[0,1,0,1,2,1,1,2]"),
        ("[range(0.5; 2)], [range(1.0; 3.0)]", "null", "[0.5,1.5] [1,2]"),
    ]);
    for source in ["range(.n)", "range(\"5\")", "range([1])", "range(0; \"a\")", "range(0; 1; {})"]
    {
        assert_eq!(results(source, "{}"), "error: Range bounds must be numeric", "{source}");
    }
}

#[test]
fn dates_are_those_of_jq() {
    let day = r#""2015-03-05""#;
    hold(&[
        (
            "strptime(\"%Y-%m-%d\") | ., todate",
            day,
            "[2015,2,5,0,0,0,4,63] \"2015-03-05T00:00:00Z\"",
        ),
        ("gmtime | todate", "1425599621", "\"2015-03-05T23:53:41Z\""),
        ("gmtime | mktime", "1700000000.7", "1700000000"),
        ("gmtime | mktime", "-1.5", "-2"),
        ("gmtime", "1425599621.678", "[2015,2,5,23,53,41.678,4,63]"),
        ("gmtime, todate", "-1.5", "[1969,11,31,23,59,58.5,3,364] \"1969-12-31T23:59:58.5Z\""),
        (
            "strptime(\"%Y-%m-%dT%H:%M:%S%z\") | mktime",
            r#""2015-03-05T23:51:47+01:00""#,
            "1425599507",
        ),
        (
            "strptime(\"%a, %d %b %Y %T %Z\") | mktime",
            r#""Thu, 05 Mar 2015 23:51:47 GMT""#,
            "1425599507",
        ),
        ("strptime(\"%b %e %H:%M:%S\")", r#""Mar  5 10:00:00""#, "[1900,2,5,10,0,0,1,63]"),
        ("strptime(\"%Y\") | ., mktime", "\"2015\"", "[2015,0,0,0,0,0,3,-1] 1419984000"),
        ("strptime(\"%Y-%m-%d\") | mktime | todate", r#""2015-02-30""#, "\"2015-03-02T00:00:00Z\""),
        (
            "strftime(\"%c, %x, %X, %r, %Z, %z, %s, %%c, %j\")",
            "1425599621",
            "\"Thu Mar  5 23:53:41 2015, 03/05/15, 23:53:41, 11:53:41 PM, UTC, +0000, 1425599621, %c, 064\"",
        ),
        ("strftime(\"%A %F\")", "[2015,2,5,1,2,3,0,0]", "\"Thursday 2015-03-05\""),
        ("fromdate", r#""2016-12-31T23:59:60Z""#, "1483228800"),
        ("fromdate", r#""2015-03-05T23:51:47.25+01:00""#, "1425595907.25"),
        ("fromdate | todate", r#""9999-12-31T23:59:59Z""#, r#""9999-12-31T23:59:59Z""#),
        ("todate, strftime(\"%Y\")", "253402300799", r#""9999-12-31T23:59:59Z" "9999""#),
        ("mktime", "[2015,14,35,25,61,61,0,0]", "1459821721"),
        ("todate", "1e13", "error: time 1e13 out of range"),
        ("gmtime | todate", "1e12", "\"33658-09-27T01:46:40Z\""),
        ("strptime(\"%Y\")", "\"x\"", "error: date \"x\" does not match format \"%Y\""),
        ("fromdate", "\"x\"", "error: date \"x\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""),
        ("mktime, todate", "[2015,2,5]", "1425513600 \"2015-03-05T00:00:00Z\""),
        ("mktime", "[2015,\"a\"]", "error: mktime requires parsed datetime inputs"),
        ("mktime", "5", "error: mktime requires array inputs"),
        ("todate", "\"x\"", "error: strftime/1 requires parsed datetime inputs"),
        ("strftime(1)", "5", "error: strftime/1 requires a string format"),
        ("gmtime", "\"x\"", "error: gmtime() requires numeric inputs"),
        ("mktime", "[1e300,2,5,0,0,0]", "error: time [1e300,2,5,0,0,0] out of range"),
        ("mktime", "[0,0,1e12,0,0,0] ", "86399937832694400"),
    ]);
}

#[test]
fn flags_of_regular_expressions_are_those_of_jq() {
    let lines = r#""ab\ncd""#;
    hold(&[
        ("[test(\"b.c\"; null, \"s\", \"m\", \"p\")]", lines, "[false,false,true,true]"),
        ("[test(\"^c\"; null, \"s\", \"m\", \"p\")]", lines, "[false,false,false,false]"),
        (". as $x | [$x | match(\"a+\"; \"gi\").string]", "\"aAbA\"", "[\"aA\",\"A\"]"),
    ]);
    assert!(fault("test(\"a\"; \"l\")").contains("'l', the longest match, is not available"));
}

#[test]
fn rare_arguments_do_what_they_do_in_jq() {
    hold(&[
        ("nth(1, 0; .[])", "[5,6]", "6 5"),
        ("nth(-1; 1)", "null", "error: nth doesn't support negative indices"),
        ("sort_by(.a)", "[5]", "error: Cannot index number with string (\"a\")"),
        ("sort_by(.a)", r#"[{"a":1}]"#, r#"[{"a":1}]"#),
        ("sort_by(.a)", "[]", "[]"),
        ("nearbyint", "2.5", "2"),
        ("gamma == lgamma", "5", "true"),
        ("[nan] | bsearch(nan)", "null", "-1"),
        ("has(nan)", "[0]", "false"),
        ("@tsv", r#"["a\u0000\tb"]"#, r#""a\\0\\tb""#),
        (
            ". as {$a, $b: [$c, {$d: $e}]} | [$a, $b, $c, $d, $e]",
            r#"{"a":1,"b":[2,{"d":3}]}"#,
            r#"[1,[2,{"d":3}],2,3,3]"#,
        ),
        ("\"a\" as $k | {$k: 1}", "null", r#"{"a":1}"#),
        ("\"\\ud83d\\ude00\" + \"\\ud83d\"", "null", "\"\u{1f600}\u{fffd}\""),
    ]);
    let mut variables = Variables::default();
    variables.add_text("a", "1").unwrap();
    variables.add_text("a", "2").unwrap();
    assert_eq!(variables.iter().collect::<Vec<_>>(), [("$a", "\"1\"")]);
}

#[test]
fn items_are_ordered_by_all_results_for_each() {
    let pairs = r#"[{"a":1,"b":2},{"a":1,"b":1},{"a":0,"b":3}]"#;
    hold(&[
        ("sort_by(.a, .b)", pairs, r#"[{"a":0,"b":3},{"a":1,"b":1},{"a":1,"b":2}]"#),
        ("sort_by(.[])", "[[2],[],[1,5],[1]]", "[[],[1],[1,5],[2]]"),
        ("sort_by(.a)", "5", "error: Cannot iterate over number (5)"),
        ("group_by(.a)", pairs, r#"[[{"a":0,"b":3}],[{"a":1,"b":2},{"a":1,"b":1}]]"#),
        ("unique_by(.a)", pairs, r#"[{"a":0,"b":3},{"a":1,"b":2}]"#),
        ("[min_by(.a), max_by(.a)]", pairs, r#"[{"a":0,"b":3},{"a":1,"b":1}]"#),
        ("[min_by(.), max_by(.)]", "[]", "[null,null]"),
    ]);
}

#[test]
fn entries_have_their_keys_and_values_under_several_names() {
    let entries = r#"[{"k":"a","v":1},{"name":"b","Value":2},{"key":null,"Key":"c"},
        {"key":"a","value":null}]"#;
    hold(&[
        ("from_entries", entries, r#"{"a":null,"b":2,"c":null}"#),
        ("from_entries", r#"[{"key":1}]"#, "error: Cannot use number (1) as object key"),
        (
            "from_entries",
            r#"[{"key":false,"k":"a"}]"#,
            "error: Cannot use boolean (false) as object key",
        ),
        ("from_entries", "[null]", "error: Cannot use null (null) as object key"),
        ("from_entries", "[5]", "error: Cannot index number with string (\"key\")"),
        ("to_entries", r#"{"b":1,"a":2}"#, r#"[{"key":"b","value":1},{"key":"a","value":2}]"#),
        ("[keys, keys_unsorted]", r#"{"b":1,"a":2}"#, r#"[["a","b"],["b","a"]]"#),
        ("keys", "[7,8]", "[0,1]"),
        ("keys", "5", "error: number (5) has no keys"),
    ]);
}

#[test]
fn conditions_that_are_always_true_are_found() {
    let check = |source: &str| {
        let error = program(source).check_condition(0).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(
        check(".status = 500"),
        "'.status = 500': '=' assigns, and its result is always true at column 9; did you mean '=='?"
    );
    for source in [
        ".a == 1 and (.b = 2)",
        ".a | .b = 1",
        ".a += 1",
        "def f: 1; .a |= f",
        ".a == 1 or 2",
        "5",
        "\"x\"",
        "[.a]",
        "select(.gone = true)",
        ".x | select(.gone = true)",
        "select(.gone = true) | .x",
        ".gone = true, .x",
        ".x, (.gone |= true)",
        "if .a then .b = 1 else .c end",
        "if .a = 1 then .b else .c end",
        "if .a then .b elif .c then .d else .e = 1 end",
        "(.a = 1)?",
        "first(.a = 1)",
        "any(.[]; .a = 1)",
        ".x // (.a = 1)",
        ".a = 1 | .",
        ".a = 1 | not",
        "label $out | .a = 1",
        ".a // 1",
        "{}",
        "{gone: true}",
        "{gone: .a.b, x}",
        "\"\\(.a)\"",
        "@json \"\\(.a)\"",
        "-1",
        "length",
        ".a | tostring",
        "has(\"gone\") | tostring",
        ".a[1:] | length",
        ". as $x | 1",
        "if .a then 1 else \"x\" end",
        "select(1)",
        "def f: 1; length",
    ] {
        assert!(check(source).contains("always true"), "{source}: {}", check(source));
    }
    for source in [
        "true",
        "null",
        "empty",
        ".a == 1",
        "(.a = 1) == .",
        "(.a // 1) > 1",
        ".a = 1 | .b",
        ".a[] | length",
        ".a? | length",
        ".a | tonumber?",
        "(.a | length)?",
        "{a: .b[]}",
        "\"\\(.a | select(.b))\"",
        "def length: false; length",
        "def select(f): false; select(.a = 1)",
        "true, .a",
        ".a // true",
        "select(true)",
        ".a and true",
        "\"\\(.a)\" == \"1\"",
        "any(.[]; . == 1)",
        "select(.a) | 1",
        "if .a then 1 else false end",
    ] {
        assert_eq!(check(source), "", "{source}");
    }
    // Where one that is always true would remove everything, `true` is no way to say so, either.
    for source in ["true", "true, .a", ".a // true", "select(true)", ".a or true"] {
        let error = program(source).check_tells_apart(0).unwrap_err().to_string();
        assert!(error.contains("is true for every record"), "{source}: {error}");
    }
    assert!(program(".a == true").check_tells_apart(0).is_ok());
}

#[test]
fn operators_of_other_languages_are_told_what_jq_writes() {
    for (source, remedy) in [
        (".a && .b", "jq writes 'and'"),
        (".a || .b", "jq writes 'or'"),
        (".a => 1", "jq writes '>='"),
        (".a =~ \"x\"", "jq writes 'test'"),
        (".a === 1", "jq writes '=='"),
        (".a <> 1", "jq writes '!='"),
        ("!.a", "jq writes 'not' after a value"),
        (".a == 'x'", "strings are written with double quotes"),
        ("\"\\ud83d\\ude00\" + (", "unexpected end at column 19"),
    ] {
        let said = fault(source);
        assert!(said.contains(remedy), "{source}: {said}");
    }
}

#[test]
fn errors_that_are_caught_are_worded_as_in_jq() {
    let text = r#""very-long-long-long-long-string""#;
    let cut = r#"string (\"very-long-long-long-long...\")"#;
    let caught = |source: &str, record: &str, error: &str| {
        let caught = format!("try ({source}) catch .");
        assert_eq!(results(&caught, record), format!("\"{error}\""), "{source} on {record}");
    };
    caught("-.", text, &format!("{cut} cannot be negated"));
    caught(". - .", text, &format!("{cut} and {cut} cannot be subtracted"));
    for (source, record, error) in [
        (".a", "5", r#"Cannot index number with string (\"a\")"#),
        (".[0]", "{}", "Cannot index object with number (0)"),
        (".[[]]", "{}", "Cannot index object with array ([])"),
        (".[{}]", "5", "Cannot index number with object ({})"),
        (".[null]", "null", "Cannot index null with null (null)"),
        (".[]", "123", "Cannot iterate over number (123)"),
        (".[\"a\":]", "[1]", "Array/string slice indices must be integers"),
        (".[1:2] = 5", "[1]", "A slice of an array can only be assigned another array"),
        (".[1:2] = 5", "\"ab\"", "Cannot update string slices"),
        ("setpath([[1]]; 1)", "[]", "Cannot update field at array index of array"),
        ("setpath(1; 1)", "[]", "Path must be specified as an array"),
        (".[nan] = 1", "[]", "Cannot set array element at NaN index"),
        ("{} * 2", "null", "object ({}) and number (2) cannot be multiplied"),
        ("1 % 0", "0", ZERO_REMAINDER),
        ("length", "true", "boolean (true) has no length"),
        ("keys", "5", "number (5) has no keys"),
        ("sort", "{}", "object ({}) cannot be sorted, as it is not an array"),
        ("has(1)", "{}", "Cannot check whether object has a number key"),
        ("contains(1)", "[]", "array ([]) and number (1) cannot have their containment checked"),
        ("ltrimstr(\"a\")", "5", "startswith() requires string inputs"),
        ("rtrimstr(1)", "\"a\"", "endswith() requires string inputs"),
        ("trim", "5", "trim input must be a string"),
        ("split(1)", "\"a\"", "split input and separator must be strings"),
        ("implode", "5", "implode input must be an array"),
        ("toboolean", "0", "number (0) cannot be parsed as a boolean"),
        ("sin", "[]", "array ([]) number required"),
        ("limit(-1; 1)", "0", "limit doesn't support negative count"),
        ("@csv", "5", "number (5) cannot be csv-formatted, only array"),
        ("@tsv", "[{}]", "object ({}) is not valid in a csv row"),
        ("@base64d", "\"QUJDa\"", r#"string (\"QUJDa\") trailing base64 byte found"#),
        ("@urid", "\"%f\"", r#"string (\"%f\") is not a valid uri encoding"#),
        ("test(1)", "\"a\"", "number (1) is not a string"),
    ] {
        caught(source, record, error);
    }
}

const ZERO_REMAINDER: &str =
    "number (1) and number (0) cannot be divided (remainder) because the divisor is zero";

#[test]
fn what_cannot_be_taken_apart_gives_way_to_the_next_pattern() {
    hold(&[
        (".[] as {a: $a} ?// [$a] ?// $a | $a", r#"[{"a":1},[2],3]"#, "1 2 3"),
        (". as [$a] ?// $b | [$a, $b]", "5", "[null,5]"),
        // The body may fail, too; what it gave before stays.
        (". as [$a] ?// [$b] | $a, if $a then error(\"x\") else $b end", "[3]", "3 null 3"),
        (". as [$a] ?// [$a] | error(\"x\")", "[3]", "error: x"),
        ("[reduce .[] as [$a] ?// $a (0; . + $a)]", "[[1],2]", "[3]"),
        ("[foreach .[] as [$a] ?// $a (0; . + $a; [., $a])]", "[[1],2]", "[[1,1],[3,2]]"),
        ("path(. as [$a] ?// $a | .b)", "{}", r#"["b"]"#),
        (". as [$a] ?// {b: [$c] } ?// $d | [$a, $c, $d]", r#"{"b":[7]}"#, "[null,7,null]"),
        // Variables are no functions.
        (". as [$length] ?// $length | length", "\"ab\"", "2"),
        (".a?//7", "{}", "7"),
    ]);
    hold(&[
        ("[foreach .[] / .[] as $i (0; . + $i)]", "[1,2]", "[1,3,3.5,4.5]"),
        ("reduce reduce .[] as $x (0; . + $x) + 1 as $x (0; . + $x)", "[1,2]", "4"),
        ("{a: 1, $__loc__} | .__loc__.line, .__loc__.file", "0", "1 \"<top-level>\""),
        ("\n\n$__loc__.line", "0", "3"),
        ("builtins | any(. == \"splits/2\"), any(startswith(\"_\"))", "0", "true false"),
        ("nth(1, 0; 5, 6), [skip(1; 1, 2)]", "0", "6 5 [2]"),
        ("[.[1:nan], .[nan:1]]", "[1,2,3]", "[[2,3],[1]]"),
        ("implode", "[-1,55296,1.9,97]", "\"\u{fffd}\u{fffd}\\u0001a\""),
        ("fromjson", "\"nan\"", "null"),
    ]);
    for source in ["{(0): 1}", "{a: {(null): 1}}", ". as {(true): $x} | $x", "[{([]): 1}]"] {
        assert!(fault(source).contains("cannot be the key of a field"), "{source}");
    }
}

//! Updates, deletions and paths mean what they mean in jq.

use super::*;

/// Each expression with a record, and its results.
fn hold(table: &[(&str, &str, &str)]) {
    for (source, record, expected) in table {
        assert_eq!(results(source, record), *expected, "{source} on {record}");
    }
}

#[test]
fn deletions_are_of_the_value_as_it_came() {
    hold(&[
        (
            "del(.[] | select(.a == 1), select(.b == 2))",
            r#"[{"a":1,"b":2},{"a":0}]"#,
            r#"[{"a":0}]"#,
        ),
        (
            "del(.[] | select(.t[] == 1))",
            r#"[{"t":[1,1]},{"t":[2]},{"t":[]}]"#,
            r#"[{"t":[2]},{"t":[]}]"#,
        ),
        ("del(.[0], .[0])", "[1,2,3]", "[2,3]"),
        ("del(.[-1], .[2])", "[1,2,3]", "[1,2]"),
        ("del(.[-1], .[-2])", "[1,2,3]", "[1]"),
        ("del(.[0:2], .[1:3])", "[1,2,3,4]", "[4]"),
        ("del(.[0:4], .[1:2], .[2:5])", "[1,2,3,4,5,6]", "[6]"),
        ("del(.[1:2], .[2])", "[1,2,3,4]", "[1,4]"),
        ("del(.[1:4][0], .[4])", "[0,1,2,3,4,5]", "[0,2,3,5]"),
        ("del(.[1:][1:], .[0])", "[0,1,2,3]", "[1]"),
        ("del(.a[0], .a, .a[1].b)", r#"{"a":[1,{"b":2}],"c":3}"#, r#"{"c":3}"#),
        ("del(.[0].a[0], .[1], .[0].a[1], .[2])", r#"[{"a":[1,2,3]},4,5,6]"#, r#"[{"a":[3]},6]"#),
        ("delpaths([[0],[0]])", "[1,2,3]", "[2,3]"),
        ("delpaths([[\"a\",\"b\"],[\"a\"],[]])", r#"{"a":{"b":1}}"#, "null"),
        ("del(.a, .b, .c)", r#"{"a":1,"x":0,"b":2,"y":0,"c":3}"#, r#"{"x":0,"y":0}"#),
        ("del(.a.b, .[\"x\"].y)", "{}", "{}"),
        ("del(.[5], .[-5])", "[1]", "[1]"),
        ("del(.[] // empty)", "[1,null,2]", "[null]"),
        ("del(..)", "[1]", "null"),
        ("delpaths([0])", "[1]", "error: Path must be specified as array, not number"),
        ("delpaths(0)", "[1]", "error: Paths must be specified as an array"),
        ("delpaths([[\"a\"]])", "[1]", "error: Cannot delete string element of array"),
    ]);
}

#[test]
fn many_elements_are_deleted_in_one_pass() {
    let source = "[range(20000)] | del(.[] | select(. % 2 == 0)) | length, .[1]";
    assert_eq!(results(source, "null"), "10000 3");
    let source = "[range(2000) | {key: tostring, value: .}] | from_entries | del(.[] | select(. > 0)) | keys";
    assert_eq!(results(source, "null"), "[\"0\"]");
}

#[test]
fn an_update_without_a_result_deletes_what_the_paths_led_to() {
    hold(&[
        ("(.foo[1], .foo[2]) |= empty", r#"{"foo":[0,1,2,3]}"#, r#"{"foo":[0,3]}"#),
        (".foo[1,4,2,3] |= empty", r#"{"foo":[0,1,2,3,4,5]}"#, r#"{"foo":[0,5]}"#),
        (".[] |= empty", "[1,2,3]", "[]"),
        (".[] |= empty", r#"{"a":1,"b":2}"#, "{}"),
        (". |= empty", "1", "null"),
        (".a.b |= empty", "{}", "{}"),
        (".[5] |= empty", "[1]", "[1]"),
        (".[1:] |= empty", "[1,2,3]", "[1]"),
        ("(.[] | select(. > 1)) |= empty", "[1,2,1,3]", "[1,1]"),
        ("map_values(empty)", r#"[1,2]"#, "[]"),
        ("map_values(select(. > 1))", r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
    ]);
}

#[test]
fn an_update_changes_nothing_that_its_left_side_does_not_lead_to() {
    hold(&[
        ("(.a | strings) |= ascii_downcase", r#"{"b":1}"#, r#"{"b":1}"#),
        (".items[]?.qty |= . + 1", r#"{"a":1}"#, r#"{"a":1}"#),
        ("(.h[]? | select(.n == 1).v) = 2", r#"{"id":1}"#, r#"{"id":1}"#),
        ("(.h[]? | select(.n == 1).v) = 2", r#"{"h":[{"n":1},{}]}"#, r#"{"h":[{"n":1,"v":2},{}]}"#),
        ("(.user.name | select(.)) |= ascii_upcase", r#"{"id":1}"#, r#"{"id":1}"#),
        ("map((.x | strings) |= ascii_upcase)", r#"[{"x":"a"},{"y":1}]"#, r#"[{"x":"A"},{"y":1}]"#),
        ("(.[3] | numbers) |= . + 1", "[1]", "[1]"),
        ("(.[-3] | numbers) += 1", "[]", "[]"),
        ("getpath([\"a\",\"b\"]) |= (numbers | . + 1)", "{}", "{}"),
        ("recurse(.c[]?) |= (.s = 1)", r#"{"c":[{}]}"#, r#"{"c":[{"s":1}],"s":1}"#),
        ("(.a | select(.)) += 1", "{}", "{}"),
        ("(.a | values) //= 1", "{}", "{}"),
        (".a.b? |= 1", r#"{"a":3}"#, r#"{"a":3}"#),
    ]);
}

#[test]
fn whatever_gives_paths_can_be_updated() {
    hold(&[
        (
            "(first(.i[] | select(.a == 2)) | .v) = 5",
            r#"{"i":[{"a":2},{"a":2}]}"#,
            r#"{"i":[{"a":2,"v":5},{"a":2}]}"#,
        ),
        ("limit(1; .[]) |= 5", "[1,2]", "[5,2]"),
        ("(last(.[]), nth(1; .[])) |= -.", "[1,2,3]", "[1,-2,-3]"),
        ("(.a.b)? = 1", r#"{"a":{}}"#, r#"{"a":{"b":1}}"#),
        ("(try .a[] catch .) = 1", r#"{"a":[0]}"#, r#"{"a":[1]}"#),
        ("(label $f | .[] | ., break $f) |= 5", "[1,2]", "[5,2]"),
        ("(if .a then .b else .c end) = 1", r#"{"a":0}"#, r#"{"a":0,"b":1}"#),
        ("(.. | numbers) += 1", "[1,[2,{\"a\":3}]]", "[2,[3,{\"a\":4}]]"),
        ("(reduce (\"a\",\"b\") as $k (.; .[$k])) = 1", "{}", r#"{"a":{"b":1}}"#),
        (
            "(foreach (\"a\",\"b\") as $k (.; .[$k])) |= {v: .}",
            "{}",
            r#"{"a":{"v":null,"b":{"v":null}}}"#,
        ),
        ("(def f: .a; f | .b) = 1", "{}", r#"{"a":{"b":1}}"#),
        ("(.a as $x | .[$x]) = 1", r#"{"a":"b"}"#, r#"{"a":"b","b":1}"#),
        ("(.[] // empty) |= . + 1", "[1,null,2]", "[2,null,3]"),
        ("(.a // .b) |= 1", r#"{"a":false}"#, r#"{"a":false,"b":1}"#),
        ("[path((.[]?) // .z)]", "[1,null,2,false]", "[[0],[2]]"),
        ("def f: .[] // empty; [path(f)]", "[1,null]", "[[0]]"),
        (".[1:3] = [9]", "[1,2,3,4]", "[1,9,4]"),
        (".[1:][0] = 9", "[1,2,3]", "[1,9,3]"),
        (".[1:3] = 9", "[1,2,3]", "error: A slice of an array can only be assigned another array"),
        (".[2:] = [1]", "null", "[1]"),
        (".a[2].b = 1", "null", r#"{"a":[null,null,{"b":1}]}"#),
        (".[-5] = 1", "[1]", "error: Out of bounds negative array index"),
        (".[1e9] = 1", "[1]", "error: Array index too large"),
        ("pick(.a.b)", r#"{"a":{"b":1,"c":2}}"#, r#"{"a":{"b":1}}"#),
    ]);
}

#[test]
fn updates_go_from_path_to_path() {
    hold(&[
        ("recurse |= [.]", "1", "[1]"),
        ("(recurse | scalars) |= {v: .}", r#"{"a":1}"#, r#"{"a":{"v":1}}"#),
        ("(recurse | objects) |= . + {m: {x: 1}}", r#"{"a":1}"#, r#"{"a":1,"m":{"x":1}}"#),
        ("recurse(.c[]?) |= (.c += [{n: 1}])", r#"{"c":[]}"#, r#"{"c":[{"n":1}]}"#),
        (".. |= tojson", r#"{"a":1}"#, "error: Cannot index string with string (\"a\")"),
        ("(.a, .a) += 1", r#"{"a":1}"#, r#"{"a":3}"#),
        (".[] |= (., . + 10)", "[1,2]", "[1,2]"),
        ("map_values(., .)", "[1,2]", "[1,2]"),
        ("(.a, .b) = (1, 2)", "{}", r#"{"a":1,"b":1} {"a":2,"b":2}"#),
        (".a += (1, 2)", r#"{"a":1}"#, r#"{"a":2} {"a":3}"#),
        (".a = .b", r#"{"b":1}"#, r#"{"b":1,"a":1}"#),
        (".a //= 1 | .b //= 2", r#"{"a":false,"b":3}"#, r#"{"a":1,"b":3}"#),
        ("walk(if type == \"array\" then reverse else . end)", "[1,[2,3]]", "[[3,2],1]"),
        (".a = 1 | .b = 2 | .a", "{}", "1"),
    ]);
}

#[test]
fn nothing_on_the_left_of_an_update_uses_up_the_stack() {
    let steps = "[range(200000) | 0] as $p | [1, 2] | (getpath($p[:1]) | select(. == 1)) = $p[0]";
    assert_eq!(results(steps, "null"), "[0,2]");
    let slices = "[range(50000) | {start: 0, end: null}] as $p | [1] | setpath($p; [2])";
    let said = results(slices, "null");
    assert!(said == "[2]" || said.contains("recurses too deeply"), "{said}");
    assert_eq!(results("reduce range(3000) as $i ({}; .a |= . + 1)", "null"), r#"{"a":3000}"#);
    let filled = "reduce range(3000) as $i ({a: []}; .a |= . + [$i] | .b += [$i]) | .b | length";
    assert_eq!(results(filled, "null"), "3000");
}

#[test]
fn the_last_result_of_a_step_counts() {
    hold(&[
        ("reduce .[] as $x (0; if $x > 0 then . + $x else empty end)", "[1,-2,3]", "3"),
        ("reduce range(3) as $x (0; . + $x, . - $x)", "null", "-3"),
        ("reduce (1, 2) as $x (0; empty)", "null", "null"),
        ("[foreach (1, 2, 3) as $x (0; . + $x, . - $x)]", "null", "[1,-1,1,-3,0,-6]"),
        (
            "[foreach (1, 2, 3) as $x (0; if $x == 2 then empty else . + $x end; [$x, .])]",
            "null",
            "[[1,1],[3,3]]",
        ),
        ("[foreach (1, 2) as $x (0, 10; . + $x)]", "null", "[1,3,11,13]"),
    ]);
}

#[test]
fn the_right_operand_is_the_outer_loop() {
    hold(&[
        ("[.[] - .[]]", "[1,2,3]", "[0,1,2,-1,0,1,-2,-1,0]"),
        ("[(1, 2) < (1, 2)]", "null", "[false,false,true,false]"),
        (r#""\(1, 2)-\(3, 4)""#, "null", r#""1-3" "2-3" "1-4" "2-4""#),
        (
            r#"@json "\(1, 2)\("a", "b")\(3, 4)""#,
            "null",
            r#""1\"a\"3" "2\"a\"3" "1\"b\"3" "2\"b\"3" "1\"a\"4" "2\"a\"4" "1\"b\"4" "2\"b\"4""#,
        ),
        ("[.[0, 1][0, 1]]", "[[1,2],[3,4]]", "[1,3,2,4]"),
        ("[path(.[0, 1][0, 1])]", "[[1,2],[3,4]]", "[[0,0],[1,0],[0,1],[1,1]]"),
        ("[(.[0], .[1])[0, 1]]", "[[1,2],[3,4]]", "[1,3,2,4]"),
        ("[.[0, 1:2, 3]]", "[1,2,3]", "[[1,2],[1,2,3],[2],[2,3]]"),
        ("[error + empty]", "null", "[]"),
        ("{a: (1, 2), b: 5, c: (3, 4)} | [.a, .b, .c]", "null", "[1,5,3] [1,5,4] [2,5,3] [2,5,4]"),
        ("[{a: error(\"x\"), b: empty}]", "null", "error: x"),
        ("[{b: empty, a: error(\"x\")}]", "null", "[]"),
        ("[.a? + error(\"x\")]", "1", "error: x"),
    ]);
}

#[test]
fn parameters_that_are_values_can_be_called() {
    hold(&[
        ("def f($x): x; f(1)", "null", "1"),
        ("def f($x): [$x, x]; f(1, 2)", "null", "[1,1,2] [2,1,2]"),
        ("def f($a; g; $b): [a, g, $a, $b]; f(1; 5; 2, 3)", "null", "[1,5,1,2] [1,5,1,3]"),
        ("def f($n): if $n == 0 then 0 else n - 1 | f(.) end; f(1000)", "null", "0"),
    ]);
}

#[test]
fn a_left_side_that_is_spelled_out_means_what_its_paths_mean() {
    let records = [
        "null",
        "1",
        r#""x""#,
        "[]",
        "[1,2]",
        "{}",
        r#"{"a":1}"#,
        r#"{"a":[{"b":1},{"b":[2]},{}]}"#,
        r#"{"a":[{"b":"x"},3]}"#,
        r#"{"a":{"b":{"b":1}},"b":null}"#,
        r#"[{"a":1},2]"#,
    ];
    let updates = ["|= [.]", "|= . + 1", "= 7", "+= 1", "-= 1", "*= 2", "//= 3", "|= error"];
    for left in [".", ".a", ".[]", ".a.b", ".a[]", ".a[].b", ".[].a", ".[][]", ".a.b[]"] {
        for update in updates {
            for record in records {
                let walked = results(&format!("{left} {update}"), record);
                let found = results(&format!("({left} | .) {update}"), record);
                assert_eq!(walked, found, "{left} {update} on {record}");
            }
        }
    }
}

#[test]
fn a_left_side_that_is_spelled_out_is_walked() {
    hold(&[
        (".i[].q |= . + 1", r#"{"i":[{"q":1},{"p":0}]}"#, r#"{"i":[{"q":2},{"p":0,"q":1}]}"#),
        (".a.b.c = 1", "null", r#"{"a":{"b":{"c":1}}}"#),
        (".a[] |= 1", "{}", "error: Cannot iterate over null (null)"),
        (
            ".a[].b |= error",
            r#"{"a":[{"b":"x"},3]}"#,
            "error: Cannot index number with string (\"b\")",
        ),
        (". as $whole | .a |= $whole.a + .", r#"{"a":2}"#, r#"{"a":4}"#),
        ("def f: .a |= . + 1; f | f | .b = 1", r#"{"a":1}"#, r#"{"a":3,"b":1}"#),
        ("map_values(. + 1)", r#"{"a":1}"#, r#"{"a":2}"#),
        ("map_values(error)", "[1]", "error: 1"),
        ("map_values(.)", "1", "error: Cannot iterate over number (1)"),
    ]);
}

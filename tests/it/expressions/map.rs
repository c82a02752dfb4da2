//! `map`, run as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::common::{Guard, Ran, run, shared_data, tool, wait_for};
use proptest::prelude::*;

fn map(args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(&mut tool("map", args), input)
}

/// The results for records that are all good, on one line.
fn results(expression: &str, input: &str) -> String {
    let ran = map(&[expression], input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{expression}");
    ran.stdout.trim_end().replace('\n', " ")
}

#[test]
fn results_are_compact_and_one_a_line() {
    let input = "{ \"a\" : [1, 2.50],  \"b\": \"\\u00e4\\n\" }\n";
    assert_eq!(map(&["."], input).stdout, "{\"a\":[1,2.50],\"b\":\"\u{e4}\\n\"}\n");
    assert_eq!(map(&[".a[], .b"], input).stdout, "1\n2.50\n\"\u{e4}\\n\"\n");
    assert_eq!(map(&["empty"], input).stdout, "");
    assert_eq!(map(&["null"], input).stdout, "null\n");
}

#[test]
fn what_jq_users_do_every_day() {
    let items = r#"[{"sku":"a","n":2,"price":1.5},{"sku":"b","n":1,"price":10}]"#;
    let order = format!(
        r#"{{"user":{{"id":7,"name":"Ada"}},"items":{items},"at":"2015-03-05T23:51:47Z"}}"#
    );
    for (expression, result) in [
        ("{id: .user.id, n: (.items | length)}", r#"{"id":7,"n":2}"#),
        ("[.items[] | .n * .price] | add", "13"),
        (
            ".items |= map(.sku)",
            r#"{"user":{"id":7,"name":"Ada"},"items":["a","b"],"at":"2015-03-05T23:51:47Z"}"#,
        ),
        (
            ".items[] | {sku, total: (.n * .price)}",
            r#"{"sku":"a","total":3} {"sku":"b","total":10}"#,
        ),
        ("del(.items, .user.name)", r#"{"user":{"id":7},"at":"2015-03-05T23:51:47Z"}"#),
        ("{at} + .user", r#"{"at":"2015-03-05T23:51:47Z","id":7,"name":"Ada"}"#),
        (".at | fromdate", "1425599507"),
        (".at | strptime(\"%Y-%m-%dT%H:%M:%SZ\") | strftime(\"%d %b\")", "\"05 Mar\""),
        (".user.name as $who | .items[] | \"\\($who): \\(.sku)\"", r#""Ada: a" "Ada: b""#),
        ("[.items[] | select(.price > 5)] | first.sku", "\"b\""),
        (".user | to_entries | map(\"\\(.key)=\\(.value)\") | join(\"&\")", "\"id=7&name=Ada\""),
        ("with_entries(select(.key | test(\"^u\")))", r#"{"user":{"id":7,"name":"Ada"}}"#),
        (".user.email // \"none\"", "\"none\""),
        ("if .user.id > 5 then \"new\" else \"old\" end", "\"new\""),
        (
            ".items | group_by(.n) | map({n: .[0].n, skus: map(.sku)})",
            r#"[{"n":1,"skus":["b"]},{"n":2,"skus":["a"]}]"#,
        ),
        ("[paths(type == \"number\")] | length", "5"),
        ("reduce .items[] as $i ({}; .[$i.sku] += $i.n)", r#"{"a":2,"b":1}"#),
        (".meta.source = \"web\" | .meta", r#"{"source":"web"}"#),
        ("[.user.id, .user.name] | @csv", r#""7,\"Ada\"""#),
        ("try (.user | error) catch .id", "7"),
        ("def total: map(.n * .price) | add; .items | total", "13"),
        ("[limit(1; .items[])] | length", "1"),
        ("keys_unsorted", r#"["user","items","at"]"#),
    ] {
        assert_eq!(results(expression, &order), result, "{expression}");
    }
}

#[test]
fn numbers_keep_their_spelling_through_a_change_beside_them() {
    let input =
        r#"{"a":1.0,"b":1e5,"c":100000000000000000000,"d":-0,"e":18446744073709551615,"f":0.10}"#;
    assert_eq!(
        results(".x = .a + 1 | del(.f)", input),
        r#"{"a":1.0,"b":1e5,"c":100000000000000000000,"d":-0,"e":18446744073709551615,"x":2}"#
    );
}

#[test]
fn a_record_that_fails_gives_no_result_at_all() {
    let ran = map(&[".[] | . + 1"], "[1,2]\n[3,\"x\"]\n[4]\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "2\n3\n"));
    assert_eq!(
        ran.stderr,
        "map: stdin:2: string (\"x\") and number (1) cannot be added; --rejects FILE stores such lines \
         and continues\n"
    );
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let ran =
        map(&["--rejects", rejects.to_str().unwrap(), ".[] | . + 1"], "[1,2]\n[3,\"x\"]\n[4]\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "2\n3\n5\n"));
    assert_eq!(std::fs::read_to_string(rejects).unwrap(), "[3,\"x\"]\n");
    assert!(ran.stderr.contains("map: 1 line rejected"), "{}", ran.stderr);
}

#[test]
fn a_failure_is_one_short_line_whatever_the_record() {
    let huge = format!("{{\"a\":\"{}\"}}\n", "x\\n".repeat(1 << 20));
    for expression in [". + 1", "error", ".a | tonumber", ".a.b", "[.a, .a] | error", "error(.a)"] {
        let ran = map(&[expression], &huge);
        assert_eq!((ran.status, ran.stderr.lines().count()), (65, 1), "{expression}");
        assert!(ran.stderr.len() < 400, "{expression}: {}", ran.stderr.len());
    }
}

#[test]
fn bad_input_and_usage_are_told_as_by_filter() {
    for (args, input, status, said) in [
        (&["."][..], &b"{\"a\":"[..], 65, "map: stdin:1: not valid JSON: the line ends"),
        (&["."], b"\"\xc3\x28\"\n", 65, "map: stdin:1: not valid JSON: invalid UTF-8 at byte 2"),
        (&["."], b"[\0]\n", 65, "map: stdin:1: not valid JSON: NUL byte at byte 2"),
        (&["{a: }"], b"", 2, "map: EXPR: '{a: }': unexpected '}' at column 5; a value is missing"),
        (&["test(\"[\")"], b"", 2, "map: EXPR: 'test(\"[\")': invalid regular expression '['"),
        (&["env.HOME"], b"", 2, "map: EXPR: 'env.HOME': 'env' is not available at column 1"),
        (&["-x", "."], b"", 2, "map: unexpected argument '-x'"),
        (&[], b"", 2, "map: <EXPR> is missing, the jq expression; see 'map --help'"),
    ] {
        let ran = map(args, input);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{args:?}");
        assert!(ran.stderr.starts_with(said), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn control_records_pass_in_their_place() {
    let mark = "{\"@millstream\":{\"watermark\":{\"ms\":5}}}\n";
    let ran = map(&[". * 2"], format!("1\n{mark}2\n"));
    assert_eq!((ran.status, ran.stdout), (0, format!("2\n{mark}4\n")));
    let ran = map(&["."], "{\"@millstream\":{\"tide\":1}}\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.starts_with("map: stdin:1: not a control record"), "{}", ran.stderr);
}

#[test]
fn each_result_comes_out_at_once() {
    let mut child =
        Guard(tool("map", &[".[]"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    input.write_all(b"[1,2]\n").unwrap();
    assert_eq!((next(), next()), ("1\n".to_owned(), "2\n".to_owned()));
    input.write_all(b"[]\n[3]\n").unwrap();
    assert_eq!(next(), "3\n");
    drop(input);
    assert_eq!(next(), "");
    let status = wait_for("map to end", || child.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn help_has_examples_that_compile() {
    let ran = map(&["--help"], "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let lines = ran.stdout.lines().filter(|line| line.starts_with("  ") && line.contains("map '"));
    let expressions: Vec<&str> = lines.filter_map(|line| line.split('\'').nth(1)).collect();
    assert!(expressions.len() >= 5, "{}", ran.stdout);
    for expression in expressions {
        assert_eq!(map(&[expression], "").status, 0, "{expression}");
    }
    assert_eq!(
        results(".time = (.ms / 1000 | todate)", "{\"ms\":1425599621678}"),
        "{\"ms\":1425599621678,\"time\":\"2015-03-05T23:53:41.678Z\"}"
    );
}

#[test]
fn real_events_add_up_to_what_others_counted() {
    let Some(data) = shared_data() else { return };
    let github = data.join("json/github-events-2015-01-01.ndjson.gz");
    let sizes =
        map(&["select(.type == \"PushEvent\") | .payload.size", github.to_str().unwrap()], "");
    let sum: u64 = sizes.stdout.lines().map(|line| line.parse::<u64>().unwrap()).sum();
    assert_eq!((sizes.status, sum), (0, 2401));

    let quakes = data.join("json/usgs-earthquakes.ndjson");
    let magnitudes = map(&[".properties.mag", quakes.to_str().unwrap()], "").stdout;
    let text = std::fs::read_to_string(&quakes).unwrap();
    assert_eq!(magnitudes.lines().count(), 1707);
    for (line, magnitude) in text.lines().zip(magnitudes.lines()) {
        // Spelled as in the record, which is not one that a double would be printed as.
        assert!(line.contains(&format!("\"mag\":{magnitude},")), "{magnitude}");
    }
    assert_eq!(magnitudes.lines().filter(|m| m.parse::<f64>().unwrap() >= 4.5).count(), 85);

    let phones = data.join("json/amazon-cellphones.ndjson");
    let brands = map(&[".[1]", phones.to_str().unwrap()], "").stdout;
    assert_eq!(brands.lines().filter(|brand| *brand == "\"Samsung\"").count(), 397);
}

#[test]
fn real_records_come_out_as_another_parser_writes_them() {
    let Some(data) = shared_data() else { return };
    for name in ["json/usgs-earthquakes.ndjson", "json/amazon-cellphones.ndjson"] {
        let path = data.join(name);
        let ran = map(&["."], std::fs::read(&path).unwrap());
        assert_eq!(ran.status, 0);
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, out) in text.lines().zip(ran.stdout.lines()) {
            let theirs: serde_json::Value = serde_json::from_str(line).unwrap();
            let ours: serde_json::Value = serde_json::from_str(out).unwrap();
            assert_eq!(ours, theirs);
        }
        assert_eq!(ran.stdout.lines().count(), text.lines().count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever way a number is spelled, moving it changes nothing.
    #[test]
    fn any_number_keeps_its_spelling(
        numbers in proptest::collection::vec(
            "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", 1..200
        )
    ) {
        let record = |number: &String| format!("{{\"n\":[ {number} ]}}\n");
        let input: String = numbers.iter().map(record).collect();
        let ran = map(&[".moved = .n[0] | del(.n) | .moved"], input);
        prop_assert_eq!(ran.status, 0);
        let moved: Vec<&str> = ran.stdout.lines().collect();
        prop_assert_eq!(moved, numbers);
    }

    /// Strings that are written as tab-separated values are read again as they were.
    #[test]
    fn tab_separated_values_are_read_as_they_were_written(
        rows in proptest::collection::vec(
            proptest::array::uniform2("[\\\\\\PC\t\n\r\"Nntr 1]{0,6}"), 1..100
        )
    ) {
        let row = |[one, two]: &[String; 2]| serde_json::json!(["x", one, two]).to_string() + "\n";
        let input: String = rows.iter().map(row).collect();
        let written = map(&["--tsv", "."], &input);
        let read = ["--from", "tsv", "--types", "all-text", "--columns", "a,b,c", "[.a, .b, .c]"];
        prop_assert_eq!(map(&read, &written.stdout).stdout, map(&["."], input).stdout);
    }
}

#[test]
fn records_go_through_a_foreign_command() {
    let through = |command: &str, input: &str| map(&["--through", command], input);
    assert_eq!(through("sed s/a/b/", "\"a\"\n[\"a\"]").stdout, "\"b\"\n[\"b\"]\n");
    assert_eq!(through("cat", "").stdout, "");
    // All output at the end, and none at all from a line.
    assert_eq!(through("tac | tac", "1\n2\n3\n").stdout, "1\n2\n3\n");
    assert_eq!(through("sed s/2//", "1\n2\n3\n").stdout, "1\n\n3\n");
    assert_eq!(through("printf '%s' \"$(cat)\"", "1\n2\n").stdout, "1\n2\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "7\n").unwrap();
    let ran = map(&["--through", "sed s/7/8/", file.path().to_str().unwrap()], "1\n");
    assert_eq!(ran.stdout, "8\n");
}

#[test]
fn control_records_keep_their_places_around_a_foreign_command() {
    let mark = |number: u64| format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{number}}}}}}}\n");
    let mut input = mark(0);
    for number in 1..5000 {
        input += &format!("{number}\n");
        if number % 3 == 0 {
            input += &mark(number);
        }
    }
    input += &(mark(9000) + &mark(9001));
    for command in ["cat", "tac | tac", "sed 's/$/ /;s/ $//'", "dd bs=7 status=none"] {
        let ran = map(&["--through", command], &input);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{command}");
        assert!(ran.stdout == input, "{command}");
    }
}

#[test]
fn a_foreign_command_must_be_line_for_line() {
    for (command, status, why) in [
        ("grep -v 2", 65, "got 3 records and wrote 2 lines"),
        ("sed p", 65, "got 3 records and wrote more lines"),
        ("head -n 0", 65, "and wrote 0 lines"),
        ("cat; exit 3", 74, "--through 'cat; exit 3': ended with status 3"),
        ("cat; kill -9 $$", 74, "ended with signal 9"),
        ("/nonexistent 2> /dev/null", 74, "ended with status 127"),
    ] {
        let ran = map(&["--through", command], "1\n2\n3\n");
        assert_eq!(ran.status, status, "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    // One that ends early is found out however much there is to send.
    let many = "1\n".repeat(1_000_000);
    let ran = map(&["--through", "head -n 3"], &many);
    assert_eq!(ran.status, 65, "{ran:?}");
    let ran = map(&["--through", "cat"], "1\nx\n2\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n"), "{ran:?}");
    assert_eq!(map(&["--through", "cat", "--arg", "a", "b"], "").status, 2);
}

#[test]
fn a_foreign_command_that_writes_without_end_is_ended_at_once() {
    for (command, why) in [
        ("yes 1", "it got 0 records and wrote more lines"),
        ("cat /dev/zero", "it wrote a line longer than the limit of 1048576 bytes"),
    ] {
        let mut command = tool("map", &["--max-record", "1MiB", "--through", command]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guard(command.spawn().unwrap());
        // The input goes on, and has nothing to say.
        let input = child.0.stdin.take().unwrap();
        let mut said = String::new();
        child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(wait_for("map to end", || child.0.try_wait().unwrap()).code(), Some(65));
        assert!(said.contains(why) && said.lines().count() == 1, "{said}");
        drop(input);
    }
}

#[test]
fn what_a_foreign_command_writes_comes_out_at_once() {
    let mut command = tool("map", &["--through", "sed -u s/1/2/"]);
    let mut child = Guard(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    let mark = "{\"@millstream\":{\"watermark\":{\"ms\":1}}}\n";
    for _ in 0..3 {
        input.write_all(format!("1\n{mark}").as_bytes()).unwrap();
        for expected in ["2\n", mark] {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            assert_eq!(line, expected);
        }
    }
    // A reader who leaves ends it, and the command.
    drop(output);
    let _ = input.write_all(b"1\n");
    let status = wait_for("map to end", || child.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn expressions_take_values_and_stand_in_files() {
    assert_eq!(map(&["--arg", "x", "a\"b", "[., $x]"], "1\n").stdout, "[1,\"a\\\"b\"]\n");
    let args = ["--argjson", "m", "{\"1\":\"one\"}", "$m[tostring] // {$m}"];
    assert_eq!(map(&args, "1\n2\n").stdout, "\"one\"\n{\"m\":{\"1\":\"one\"}}\n");
    let big = "{\"a\":12345678901234567890123}";
    assert_eq!(map(&["--argjson", "m", big, "$m.a"], "1\n").stdout, "12345678901234567890123\n");
    let deep = "[".repeat(900) + &"]".repeat(900);
    assert_eq!(map(&["--argjson", "m", &deep, "$m"], "1\n").stdout, deep + "\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ". + 1 # one more\n").unwrap();
    assert_eq!(map(&["-f", file.path().to_str().unwrap()], "1\n").stdout, "2\n");
    assert_eq!(map(&[], "").status, 2);
}

#[test]
fn untouched_parts_keep_their_spelling_in_what_is_made_of_them() {
    let record = "{\"n\":1.50,\"t\":\"\\u00e4\\/\",\"o\":{ \"z\": [1e2 , -0],\"y\":{}},\"o2\":{\"a\":1,\"a\":2}}\n";
    let expected =
        "{\"x\":{\"z\":[1e2,-0],\"y\":{}},\"n\":1.50,\"t\":\"\u{e4}/\",\"l\":[null,{\"a\":2}]}\n";
    let ran = run(&mut tool("map", &["{x: .o, n, t, l: [.none, .o2]}"]), record.repeat(3));
    assert_eq!((ran.stdout, ran.stderr.as_str()), (expected.repeat(3), ""));
}

#[test]
fn an_expression_may_begin_with_a_minus_sign() {
    assert_eq!(map(&["-.x"], "{\"x\":5}\n").stdout, "-5\n");
    assert_eq!(map(&["-(.x + 1)", "--plain"], "{\"x\":5}\n").stdout, "-6\n");
    let ran = map(&["-.x + ("], "");
    assert!(ran.status == 2 && ran.stderr.contains("'-.x + (': unexpected end"), "{ran:?}");
    let ran = map(&["--.x"], "");
    assert!(ran.status == 2 && ran.stderr.contains("--.x"), "{ran:?}");
}

#[test]
fn differences_from_jq_are_as_the_help_tells() {
    let help = map(&["--help"], "").stdout;
    let (_, differences) = help.split_once("Differences from jq:\n").unwrap();
    let lines: Vec<&str> = differences.lines().take_while(|line| line.starts_with("  ")).collect();
    let mut told = 0;
    for pair in lines.chunks(2) {
        let [expression, what] = pair else { panic!("{pair:?}") };
        let ran = map(&[expression.trim()], "null\n");
        match what.trim().strip_prefix("Returns ") {
            Some(result) => {
                let result =
                    result.split([',', ':']).next().unwrap().replace("itself", expression.trim());
                assert!(ran.stdout.starts_with(&result), "{expression}: {ran:?}");
            }
            None => assert!(ran.status == 2 && what.trim().starts_with("Is refused"), "{ran:?}"),
        }
        told += 1;
    }
    assert!(told >= 7, "{help}");
}

#[test]
fn a_foreign_command_is_not_trusted() {
    let start =
        |trusted: bool| format!("{{\"@millstream\":{{\"start\":{{\"trusted\":{trusted}}}}}}}\n");
    let input = start(true) + "{\"a\":1,\"b\":2}\n";
    assert_eq!(map(&["--through", "cat"], &input).stdout, start(false) + "{\"a\":1,\"b\":2}\n");
    assert_eq!(map(&[".a"], start(true) + "{\"a\":1,\"b\":tru}\n").stdout, start(true) + "1\n");
    assert_eq!(map(&[".a"], "{\"a\":1,\"b\":tru}\n").status, 65);
}

#[test]
fn strings_are_printed_raw() {
    let input = "{\"a\":\"x \\\"y\\\"\\n\u{e4}\",\"b\":[1,\"z\"]}\n";
    assert_eq!(
        map(&["-r", ".a, .b, .c, .b[1]"], input).stdout,
        "x \"y\"\n\u{e4}\n[1,\"z\"]\nnull\nz\n"
    );
    assert_eq!(map(&["-r", "-j", "2", ".b[1]"], input).stdout, "z\n");
}

#[test]
fn results_are_lines_of_values() {
    let input = "{\"a\":\"x,y\",\"b\":1.50}\n{\"b\":2,\"a\":\"\"}\n{\"a\":null}\n";
    assert_eq!(map(&["--csv", "."], input).stdout, "a,b\n\"x,y\",1.50\n\"\",2\n,\n");
    assert_eq!(map(&["--csv", "[.b,.a]"], input).stdout, "1.50,\"x,y\"\n2,\"\"\n,\n");
    assert_eq!(map(&["--tsv", "[\"a\\tb\", .b]"], "{\"b\":true}\n").stdout, "a\\tb\ttrue\n");
    assert_eq!(map(&["--tsv", "[.b]"], input).stdout, "1.50\n2\n\\N\n");
    // One that is alone on its line is there for those who pass over empty lines.
    assert_eq!(map(&["--csv", "{a}"], input).stdout, "a\n\"x,y\"\n\"\"\n\"\"\n");
    assert_eq!(map(&["--csv", "[.b]"], input).stdout, "1.50\n2\n\"\"\n");
}

#[test]
fn a_result_without_a_column_is_bad_input() {
    let input = "{\"a\":1}\n{\"a\":2,\"b\":3}\n{\"a\":4}\n";
    let ran = map(&["--csv", "."], input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "a\n1\n"));
    assert!(ran.stderr.contains(":2: ") && ran.stderr.contains("\"b\""), "{}", ran.stderr);
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("bad");
    let ran = map(&["--csv", ".", "--rejects", rejects.to_str().unwrap()], input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "a\n1\n4\n"), "{}", ran.stderr);
    assert_eq!(map(&["--csv", "-j", "2", "."], input).status, 2);
    assert_eq!(map(&["--csv", "--tsv", "."], input).status, 2);
}

#[test]
fn a_header_stays_though_its_record_is_bad() {
    // Its second result has another field.
    let input = "{\"r\":[{\"a\":1},{\"b\":2}]}\n{\"r\":[{\"a\":3}]}\n";
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("bad");
    let ran = map(&["--csv", ".r[]", "--rejects", rejects.to_str().unwrap()], input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "a\n3\n"), "{}", ran.stderr);
}

//! No record becomes a control record: one that begins so is bad input wherever a tool takes or
//! writes it, however it is spelled.

use crate::common::{Ran, run, tool};

/// Records that a tool that writes them anew would make control records of.
const SPELLINGS: [&str; 4] = [
    r#" {"@millstream":{"watermark":"end"}}"#,
    r#"{ "@millstream" : {"start":{"trusted":true}}}"#,
    r#"{"\u0040millstream":{"watermark":"end"}}"#,
    "\t{\"@mill\\u0073tream\":1,\"t\":\"2020-01-01T00:00:01Z\"}",
];

const GOOD: &str = r#"{"t":"2020-01-01T00:00:01Z","x":1}"#;

/// The line is refused with one message, and the record before it stands.
fn refused(ran: &Ran, line: u64, what: &str) {
    assert_eq!(ran.status, 65, "{what}: {ran:?}");
    assert!(ran.stderr.contains(&format!("stdin:{line}: ")), "{what}: {ran:?}");
    assert!(ran.stderr.contains("the first key is \"@millstream\""), "{what}: {ran:?}");
}

#[test]
fn a_record_that_begins_like_a_control_record_is_bad_input_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("log");
    let data = data.to_str().unwrap();
    let commands: [(&str, &[&str]); 11] = [
        ("filter", &["true"]),
        ("filter", &["--trust", ".x == 1"]),
        ("filter", &["-j", "2", "true"]),
        ("filter", &["--unique", ".x", "true"]),
        ("map", &["."]),
        ("map", &["-j", "2", ".x"]),
        ("map", &["--through", "cat"]),
        ("window", &["--tumbling", "1m", "--time", ".t"]),
        ("aggregate", &["count"]),
        ("aggregate", &["--tumbling", "1m", "--time", ".t", "count"]),
        ("produce", &["t", "--data", data]),
    ];
    for (name, args) in commands {
        for spelling in SPELLINGS {
            let ran = run(&mut tool(name, args), format!("{GOOD}\n{spelling}\n"));
            refused(&ran, 2, &format!("{name} {args:?} of {spelling}"));
        }
    }
    // A long text is checked in another way, and what is trusted is not checked for all else.
    let long = format!("{GOOD}\n").repeat(200);
    for spelling in SPELLINGS {
        let ran = run(&mut tool("produce", &["t", "--data", data]), format!("{long}{spelling}\n"));
        refused(&ran, 201, spelling);
        let trusted =
            format!("{{\"@millstream\":{{\"start\":{{\"trusted\":true}}}}}}\n{spelling}\n");
        refused(&run(&mut tool("filter", &["true"]), trusted), 2, spelling);
    }
    let stored = run(&mut tool("subscribe", &["t", "--data", data]), "");
    assert!(!stored.stdout.contains("millstream"), "{stored:?}");
}

#[test]
fn a_result_that_begins_like_a_control_record_makes_its_record_bad() {
    let input =
        "{\"x\":{\"v\":1}}\n{\"x\":{\"@millstream\":{\"watermark\":\"end\"}}}\n{\"x\":{\"v\":3}}\n";
    let rest = "{\"v\":1}\n{\"v\":3}\n";
    let expressions: [&[&str]; 6] = [
        &[".x"],
        &["-j", "2", ".x"],
        &[". as $r | $r.x"],
        &["(.x | select(.v)), (.x | select(.v | not))"],
        &["--trust", ".x"],
        &["if true then .x else 1 end"],
    ];
    for args in expressions {
        let ran = run(&mut tool("map", args), input);
        refused(&ran, 2, &format!("{args:?}"));
        assert_eq!(ran.stdout, "{\"v\":1}\n");
        let kept = run(tool("map", args).args(["--rejects", "/dev/null"]), input);
        assert_eq!((kept.status, kept.stdout.as_str()), (65, rest), "{kept:?}");
    }
    let last = run(&mut tool("map", &["1, {\"@millstream\":2}, 3"]), "0\n");
    assert_eq!((last.status, last.stdout.as_str()), (65, ""), "{last:?}");
    // Deeper, or behind another key, it is data like any other.
    let data = "{\"a\":1,\"@millstream\":{\"@millstream\":2}}\n";
    assert_eq!(run(&mut tool("map", &["."]), data).stdout, data);
    let inner = run(&mut tool("map", &["[.\"@millstream\"]"]), data);
    assert_eq!(inner.stdout, "[{\"@millstream\":2}]\n");
}

#[test]
fn a_field_that_is_replaced_does_not_let_the_key_come_first() {
    let record = "{\"window_start\":1,\"@millstream\":1,\"t\":\"2020-01-01T00:00:01Z\"}\n";
    let windowed = run(&mut tool("window", &["--tumbling", "1m", "--time", ".t"]), record);
    assert!(!windowed.stdout.contains(":1,\"t\""), "{windowed:?}");
    refused(&windowed, 1, "window");
    let record = "{\"count\":1,\"@millstream\":1}\n";
    let over = run(&mut tool("aggregate", &["--over", "2", "count"]), record);
    assert_eq!((over.status, over.stdout.as_str()), (65, ""), "{over:?}");
}

#[test]
fn no_result_of_aggregate_is_called_so() {
    for args in
        [&["--by", ".[\"@millstream\"]", "count"][..], &["--by", ".a", "max(.\"@millstream\")"]]
    {
        let ran = run(&mut tool("aggregate", args), "{\"@millstreams\":1,\"a\":1}\n");
        assert!(!ran.stdout.contains("\"@millstream\""), "{ran:?}");
    }
    let ran = run(&mut tool("aggregate", &["--by", ".[\"@millstream\"]", "count"]), "");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("NAME=.[\"@millstream\"]"), "{ran:?}");
}

#[test]
fn a_csv_header_does_not_begin_so() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--from", "csv", "--data", dir.path().to_str().unwrap()];
    let ran = run(&mut tool("produce", &args), "@millstream,b\n1,2\n");
    refused(&ran, 1, "csv");
    assert_eq!(run(&mut tool("produce", &args), "b,@millstream\n1,2\n").status, 0);
}

#[test]
fn what_a_command_writes_is_no_control_record() {
    let command = "sed 's/x/@millstream/'";
    let ran = run(&mut tool("map", &["--through", command]), "{\"a\":1}\n{\"x\":1}\n{\"a\":2}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "{\"a\":1}\n"), "{ran:?}");
    let why = "its line 2: the first key is \"@millstream\"";
    assert!(ran.stderr.starts_with(&format!("map: --through '{command}': {why}")), "{ran:?}");
}

//! `produce --filter`, `--map` and `--add`: what becomes of records before they are appended.

use std::fs;
use std::path::Path;

use crate::common::{Ran, run, tool_on};

fn produce(dir: &Path, args: &[&str], input: &str) -> Ran {
    let mut produce = tool_on(&dir.join("log"), "produce", &["t"]);
    run(produce.args(args).current_dir(dir), input)
}

fn stored(dir: &Path) -> String {
    run(&mut tool_on(&dir.join("log"), "subscribe", &["t"]), "").good()
}

#[test]
fn records_are_selected_mapped_and_get_fields() {
    let dir = tempfile::tempdir().unwrap();
    let input = "{\"n\":1,\"s\":\"a\"}\n\n{\"n\":2, \"s\":\"b\"}\n{\"n\":3,\"s\":\"c\"}\n";
    produce(dir.path(), &["--filter", ".n > 1", "--add", "k=.n * 2"], input).good();
    produce(dir.path(), &["--map", "range(.n) as $i | {s, $i}", "--add", "i=.i + 1"], input).good();
    produce(dir.path(), &["--map", ".s"], input).good();
    assert_eq!(
        stored(dir.path()),
        "{\"n\":2, \"s\":\"b\",\"k\":4}\n{\"n\":3,\"s\":\"c\",\"k\":6}\n\
         {\"s\":\"a\",\"i\":1}\n{\"s\":\"b\",\"i\":1}\n{\"s\":\"b\",\"i\":2}\n\
         {\"s\":\"c\",\"i\":1}\n{\"s\":\"c\",\"i\":2}\n{\"s\":\"c\",\"i\":3}\n\"a\"\n\"b\"\n\"c\"\n"
    );
}

#[test]
fn where_a_record_comes_from_is_known() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("one.log"), "\u{feff}ab\n\nc\n").unwrap();
    fs::write(dir.path().join("two.log"), "d").unwrap();
    let place = ["--add", "at=\"\\($file):\\($line):\\($offset)\"", "--from", "lines"];
    produce(dir.path(), &[&place[..], &["one.log", "two.log"]].concat(), "").good();
    produce(dir.path(), &place, "x\ny\n").good();
    let at = |line: &str, at: &str| format!("{{\"line\":\"{line}\",\"at\":\"{at}\"}}\n");
    let all = [
        at("ab", "one.log:1:3"),
        at("", "one.log:2:6"),
        at("c", "one.log:3:7"),
        at("d", "two.log:1:0"),
        at("x", "stdin:1:0"),
        at("y", "stdin:2:2"),
    ];
    assert_eq!(stored(dir.path()), all.concat());
}

/// Over more than a block, and with lines that are no records.
#[test]
fn offsets_are_those_of_the_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut input = String::new();
    for number in 0..40_000 {
        if number % 7 == 0 {
            input.push('\n');
        }
        input += &format!("{{\"n\":{number},\"own\":{}}}\n", input.len());
    }
    fs::write(dir.path().join("f"), &input).unwrap();
    let same = ["--filter", ".own != $offset", "f"];
    produce(dir.path(), &same, "").good();
    assert!(!dir.path().join("log/topics/t").exists(), "a record is left");
}

#[test]
fn the_machine_and_its_clock_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let add = ["--add", "host=$host", "--add", "later=$now > \"2020-01-01T00:00:00Z\""];
    produce(dir.path(), &add, "{}\n").good();
    assert_eq!(stored(dir.path()), format!("{{\"host\":\"{}\",\"later\":true}}\n", host.trim()));
    let named = produce(dir.path(), &["--add", "at=$now", "--producer", "p"], "{}\n");
    assert!(named.status == 2 && named.stderr.contains("leave one of them out"), "{named:?}");
}

#[test]
fn a_record_for_which_an_expression_fails_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    for (args, why) in [
        (["--filter", ".a | length > error(\"x\")"], "produce: stdin:2: --filter: x"),
        (["--map", ".a.b"], "produce: stdin:2: --map: "),
        (["--add", "b=.a.b"], "produce: stdin:2: --add b: "),
        (["--add", "b=1, 2"], "produce: stdin:1: --add b: "),
        (["--add", "b=1"], "produce: stdin:3: not an object; only"),
    ] {
        let ran = produce(dir.path(), &args, "{}\n{\"a\":1}\n3\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        if args[0] != "--filter" {
            assert!(ran.stderr.contains(why), "{why}: {ran:?}");
        }
    }
    let log = stored(dir.path());
    let kept = produce(
        dir.path(),
        &["--map", ".a.b", "--rejects", "bad"],
        "{\"a\":1}\n{\"a\":{\"b\":2}}\n",
    );
    assert_eq!((kept.status, stored(dir.path())), (65, format!("{log}2\n")), "{kept:?}");
    assert_eq!(fs::read_to_string(dir.path().join("bad")).unwrap(), "{\"a\":1}\n");
}

#[test]
fn options_that_make_no_record_are_refused_before_there_is_a_topic() {
    let dir = tempfile::tempdir().unwrap();
    for (args, why) in [
        (&["--filter", ".a ="][..], "--filter: "),
        (&["--filter", ".a = 1"], "--filter: "),
        (&["--add", "x"], "--add: 'x' is not NAME=EXPR"),
        (&["--add", "x=1", "--add", "x=2"], "--add: the field x is given twice"),
        (&["--map", "$nope"], "--map: "),
    ] {
        let ran = produce(dir.path(), args, "{}\n");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{why}: {ran:?}");
    }
    assert!(!dir.path().join("log").exists());
}

/// A producer has what becomes of records: it skips the same ones.
#[test]
fn a_named_producer_resumes_with_what_it_appended() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--producer", "p", "--filter", ".n != 2", "--add", "line=$line"];
    produce(dir.path(), &args, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n").good();
    produce(dir.path(), &args, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n").good();
    assert_eq!(
        stored(dir.path()),
        "{\"n\":1,\"line\":1}\n{\"n\":3,\"line\":3}\n{\"n\":4,\"line\":4}\n"
    );
}

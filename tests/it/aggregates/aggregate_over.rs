//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use crate::common::live::Pipeline;
use crate::common::{Ran, run, tool};
use nix::sys::signal::Signal;

fn aggregate(args: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", args), input)
}

#[test]
fn each_record_comes_out_with_what_there_is_of_the_last_ones() {
    let input = "{\"h\":\"a\", \"ms\":1.50}\n{\"h\":\"b\",\"ms\":4}\n{\"h\":\"a\",\"ms\":2}\n{\"h\":\"a\",\"ms\":3}\n";
    let ran = aggregate(&["--over", "2", "--by", ".h", "count", "m=max(.ms) where .ms < 3"], input);
    let expected = "{\"h\":\"a\", \"ms\":1.50,\"count\":1,\"m\":1.50}\n\
                    {\"h\":\"b\",\"ms\":4,\"count\":1,\"m\":null}\n\
                    {\"h\":\"a\",\"ms\":2,\"count\":2,\"m\":2}\n\
                    {\"h\":\"a\",\"ms\":3,\"count\":2,\"m\":2}\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected, ""));
}

#[test]
fn records_come_out_at_once() {
    let mut pipeline = Pipeline::start(&[&["aggregate", "--over", "3", "sum(.x)"]]);
    for (x, sum) in [(1, 1), (2, 3), (3, 6), (4, 9)] {
        pipeline.send(format!("{{\"x\":{x}}}\n"));
        assert_eq!(pipeline.line(), format!("{{\"x\":{x},\"sum_x\":{sum}}}"));
    }
    assert_eq!(pipeline.finish()[0].status, 0);
}

/// Both ends of the time count, and so do all records of one time.
#[test]
fn each_record_comes_out_by_time_with_what_there_is_of_the_last_time() {
    let input = "{\"t\":10,\"k\":1}\n{\"t\":20,\"k\":1}\n{\"t\":21,\"k\":2}\n{\"t\":19,\"k\":1}\n\
                 {\"t\":20,\"k\":1,\"i\":2}\n{\"t\":30,\"k\":1}\n";
    let args = ["--over", "10s", "--time", ".t", "--by", ".k", "count", "first(.t)", "rate"];
    let ran = aggregate(&args, input);
    let expected = "{\"t\":10,\"k\":1,\"count\":1,\"first_t\":10,\"rate\":0.1}\n\
                    {\"t\":19,\"k\":1,\"count\":2,\"first_t\":10,\"rate\":0.2}\n\
                    {\"t\":20,\"k\":1,\"count\":4,\"first_t\":10,\"rate\":0.4}\n\
                    {\"t\":20,\"k\":1,\"i\":2,\"count\":4,\"first_t\":10,\"rate\":0.4}\n\
                    {\"t\":21,\"k\":2,\"count\":1,\"first_t\":21,\"rate\":0.1}\n\
                    {\"t\":30,\"k\":1,\"count\":3,\"first_t\":20,\"rate\":0.3}\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected, ""));
}

#[test]
fn records_wait_for_the_watermark_and_no_longer() {
    let args = ["aggregate", "--over", "1m", "--time", ".t", "--out-of-order", "2s", "count"];
    let mut pipeline = Pipeline::start(&[&args]);
    pipeline.send("{\"t\":10}\n{\"t\":9}\n{\"t\":12}\n");
    // The watermark is 9.999 s.
    assert_eq!(pipeline.line(), "{\"t\":9,\"count\":1}");
    pipeline.send("{\"t\":12.001}\n");
    assert_eq!(pipeline.line(), "{\"t\":10,\"count\":2}");
    let ran = &pipeline.finish()[0];
    let rest = "{\"t\":12,\"count\":3}\n{\"t\":12.001,\"count\":4}\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (0, rest));
}

#[test]
fn late_records_are_told_or_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("late");
    let file = file.to_str().unwrap();
    let input = "{\"t\":10}\n{\"t\":3.5, \"x\":1}\n{\"t\":5}\n";
    let args = ["--over", "1m", "--time", ".t", "count"];
    let expected = "{\"t\":5,\"count\":1}\n{\"t\":10,\"count\":2}\n";
    let ran = aggregate(&args, input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, expected));
    assert!(ran.stderr.contains("1 late record dropped, 6s500ms late"), "{}", ran.stderr);
    let ran = aggregate(&[&args[..], &["--late", file]].concat(), input);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, expected));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"t\":3.5, \"x\":1}\n");
}

#[test]
fn a_signal_tells_what_waited() {
    let mut aggregate = Pipeline::start(&[&["aggregate", "--over", "1m", "--time", ".t", "count"]]);
    aggregate.send("{\"t\":10}\n{\"t\":20}\n");
    assert_eq!(aggregate.line(), "{\"t\":10,\"count\":1}");
    aggregate.signal(0, Signal::SIGTERM);
    let ran = &aggregate.finish()[0];
    let why =
        "aggregate: stopped before the end of the input: 1 record that waited is not printed\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (128 + 15, "", why));
}

#[test]
fn a_condition_looks_at_records_and_results() {
    let args = ["--over", "9", "count", "avg(.x)", "--having", ".x > 2 * .avg_x"];
    let ran = aggregate(&args, "{\"x\":1}\n{\"x\":1}\n{\"x\":9}\n");
    assert_eq!(ran.stdout, "{\"x\":9,\"count\":3,\"avg_x\":3.6666666666666665}\n");
}

#[test]
fn what_makes_no_sense_is_told() {
    let args = |args: &[&str]| {
        let ran = aggregate(args, "");
        (ran.status, ran.stderr)
    };
    for (arguments, why) in [
        (vec!["--over", "0", "count"], "the minimum is 1: the record itself counts"),
        (vec!["--over", "x", "count"], "neither a number of records, like 10, nor a duration"),
        (
            vec!["--over", "2m", "count"],
            "--over: the last 2m of event time: --time is missing; add --time",
        ),
        (
            vec!["--over", "2", "--time", ".t", "count"],
            "--time: it needs windows, like --tumbling 1m, or --over with a duration",
        ),
        (
            vec!["--time", ".t", "count"],
            "--time: it needs windows, like --tumbling 1m, or --over with a duration",
        ),
        (vec!["--over", "2", "--late", "x", "count"], "--time <EXPR>"),
        (vec!["--over", "2", "rate"], "'rate' is a rate per second; give --over a duration"),
        (vec!["--over", "2", "count", "--top", "1:count"], "--top"),
        (vec!["--over", "2", "count", "--format", "table"], "--format table"),
    ] {
        let (status, said) = args(&arguments);
        assert!(status == 2 && said.contains(why), "{arguments:?}: {said}");
    }
    let head = "{\"@millstream\":{\"window\":{\"tumbling\":{\"size_ms\":1000,\"offset_ms\":0}}}}\n";
    let ran = aggregate(&["--over", "2", "count"], head);
    assert!(ran.status == 2 && ran.stderr.contains("leave out the window before it"), "{ran:?}");
}

#[test]
fn a_bad_record_is_left_out_and_changes_nothing() {
    let rejects = tempfile::tempdir().unwrap();
    let file = rejects.path().join("bad");
    let file = file.to_str().unwrap();
    let input = "{\"x\":1}\n{\"x\":\"a\"}\n[]\n{\"x\":2}\n";
    let ran = aggregate(&["--over", "2", "count", "sum(.x)", "--rejects", file], input);
    let expected = "{\"x\":1,\"count\":1,\"sum_x\":1}\n{\"x\":2,\"count\":2,\"sum_x\":3}\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (65, expected));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"x\":\"a\"}\n[]\n");
}

#[test]
fn groups_are_limited_and_told() {
    let ran = aggregate(
        &["--over", "2", "--by", ".g", "--max-groups", "1", "count"],
        "{\"g\":1}\n{\"g\":2}\n",
    );
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "{\"g\":1,\"count\":1}\n"));
    assert!(ran.stderr.contains("more than 1 groups at the same time"), "{}", ran.stderr);
    let ran =
        aggregate(&["--over", "2", "--by", ".g", "--stats", "count"], "{\"g\":1}\n{\"g\":2}\n");
    assert!(ran.stderr.contains("groups: 2 at the end, 2 at the peak"), "{}", ran.stderr);
}

#[test]
fn records_that_are_held_are_limited() {
    let input = "{\"t\":1}\n{\"t\":2}\n{\"t\":3}\n{\"t\":4}\n";
    let waiting = ["--over", "1s", "--time", ".t", "--out-of-order", "1h", "count"];
    let with = |limit: &str, arguments: &[&str]| {
        aggregate(&[arguments, &["--max-records", limit]].concat(), input)
    };
    let told = "more than 3 records are held at the same time; lower --over or --out-of-order, or raise --max-records";
    for arguments in [&waiting[..], &["--over", "9", "count"]] {
        let ran = with("3", arguments);
        assert!(ran.status == 65 && ran.stderr.contains(told), "{ran:?}");
        let ran = with("4", arguments);
        assert_eq!((ran.status, ran.stdout.lines().count()), (0, 4), "{ran:?}");
    }
    // What no longer counts is not held.
    let ran = with("1", &["--over", "1", "count"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 4), "{ran:?}");
    let ran = aggregate(&["--max-records", "4", "count"], input);
    assert!(ran.status == 2 && ran.stderr.contains("--over"), "{ran:?}");
}

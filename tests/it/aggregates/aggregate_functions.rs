//! The functions of `aggregate`, conditions, selections and tables, from the outside.

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, tool};

fn aggregate(arguments: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", arguments), input)
}

/// The output of an aggregation in which nothing is wrong.
#[track_caller]
fn good(arguments: &[&str], input: &str) -> String {
    aggregate(arguments, input).good()
}

const HITS: &str = r#"{"path":"/","ms":12,"user":"a"}
{"path":"/buy","ms":130.5,"user":"b"}
{"path":"/","ms":8,"user":"a", "note" : "x"}
{"path":"/","ms":null,"user":"c"}
{"path":"/buy","ms":90,"user":"b"}
{"path":"/bot","user":"d"}
"#;

/// All functions once.
const ALL: &[&str] = &[
    "count",
    "count_if(.ms > 10)",
    "sum(.ms)",
    "avg(.ms)",
    "min(.ms)",
    "max(.ms)",
    "arg_min(.user; .ms)",
    "arg_max(.user; .ms)",
    "first(.ms)",
    "last(.ms)",
    "stddev_samp(.ms)",
    "var_pop(.ms)",
    "median(.ms)",
    "p99.9(.ms)",
    "quantile(.ms; 0.25)",
    "median_exact(.ms)",
    "p50_exact(.ms)",
    "exact=quantile_exact(.ms; 0.25)",
    "distinct(.user)",
    "distinct_exact(.user)",
    "top(2; .user)",
    "collect(.ms)",
];

#[test]
fn each_function_gives_what_it_says() {
    let mut arguments = ALL.to_vec();
    arguments[1] = "over=count_if(.ms > 10)";
    assert_eq!(
        good(&arguments, HITS),
        "{\"count\":6,\"over\":3,\"sum_ms\":240.5,\"avg_ms\":60.125,\"min_ms\":8,\"max_ms\":130.5,\
         \"arg_min_user\":\"a\",\"arg_max_user\":\"b\",\"first_ms\":12,\"last_ms\":90,\
         \"stddev_samp_ms\":60.216795829735084,\"var_pop_ms\":2719.5468750000005,\"median_ms\":51,\
         \"p99_9_ms\":130.3785,\"quantile_ms\":11,\"median_exact_ms\":51,\"p50_exact_ms\":51,\
         \"exact\":11,\"distinct_user\":4,\"distinct_exact_user\":4,\
         \"top_user\":[{\"value\":\"a\",\"count\":2},{\"value\":\"b\",\"count\":2}],\
         \"collect_ms\":[12,130.5,8,90]}\n"
    );
    assert_eq!(
        good(&arguments, ""),
        "{\"count\":0,\"over\":0,\"sum_ms\":null,\"avg_ms\":null,\"min_ms\":null,\"max_ms\":null,\
         \"arg_min_user\":null,\"arg_max_user\":null,\"first_ms\":null,\"last_ms\":null,\
         \"stddev_samp_ms\":null,\"var_pop_ms\":null,\"median_ms\":null,\"p99_9_ms\":null,\
         \"quantile_ms\":null,\"median_exact_ms\":null,\"p50_exact_ms\":null,\"exact\":null,\
         \"distinct_user\":0,\"distinct_exact_user\":0,\"top_user\":[],\"collect_ms\":[]}\n"
    );
}

#[test]
fn whole_records_are_kept_as_they_are_spelled() {
    let arguments = ["--by", ".path", "last(.)", "slowest=arg_max(.; .ms)"];
    let expected = r#"{"path":"/","last":{"path":"/","ms":null,"user":"c"},"slowest":{"path":"/","ms":12,"user":"a"}}
{"path":"/buy","last":{"path":"/buy","ms":90,"user":"b"},"slowest":{"path":"/buy","ms":130.5,"user":"b"}}
{"path":"/bot","last":{"path":"/bot","user":"d"},"slowest":null}
"#;
    assert_eq!(good(&arguments, HITS), expected);
    let spelled = "{\"k\": 1.50, \"k2\":\t[ ]}";
    assert_eq!(good(&["first(.)"], spelled), format!("{{\"first\":{spelled}}}\n"));
}

#[test]
fn any_aggregate_takes_a_condition() {
    let arguments = [
        "--by",
        ".path",
        "slow=count where .ms > 100",
        "slow_users=collect(.user) where .ms > 100",
        "avg(.ms)",
        "fast=avg(.ms) where (.ms < 100 and .ms != null)",
    ];
    let expected = r#"{"path":"/","slow":0,"slow_users":[],"avg_ms":10,"fast":10}
{"path":"/buy","slow":1,"slow_users":["b"],"avg_ms":110.25,"fast":90}
{"path":"/bot","slow":0,"slow_users":[],"avg_ms":null,"fast":null}
"#;
    assert_eq!(good(&arguments, HITS), expected);
    // What the condition leaves out is not evaluated.
    let mixed = "{\"x\":\"n/a\"}\n{\"x\":\"5\"}\n{\"x\":2}\n";
    let arguments = ["s=sum(.x | tonumber) where .x != \"n/a\"", "n=count where .x != \"n/a\""];
    assert_eq!(good(&arguments, mixed), "{\"s\":7,\"n\":2}\n");
    // A failing condition is the record's fault.
    let ran = aggregate(&["n=count where (.x | tonumber) > 1"], mixed);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""));
    let why = "aggregate: stdin:1: 'n=count where (.x | tonumber) > 1': ";
    assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
}

#[test]
fn a_rate_needs_a_window() {
    let window: &[&str] = &["window", "--tumbling", "10s", "--time", ".t"];
    let stage: &[&str] = &["aggregate", "rate", "rate(.x)"];
    let input = "{\"t\":1,\"x\":5}\n{\"t\":2,\"x\":2.5}\n{\"t\":11}\n";
    let ran = pipe(&[window, stage], input, input.len()).remove(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with(",\"rate\":0.2,\"rate_x\":0.75}"), "{lines:?}");
    assert!(lines[1].ends_with(",\"rate\":0.1,\"rate_x\":null}"), "{lines:?}");
    let why = "aggregate: 'rate' is a rate per second of a window, and the input is not windowed; run window before\n";
    for input in ["{}\n", ""] {
        let ran = aggregate(&["count", "rate"], input);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", why));
    }
}

#[test]
fn results_are_selected_by_condition_and_rank() {
    let by_path = |more: &[&str]| {
        let arguments = [&["--by", ".path", "count", "max(.ms)"], more].concat();
        let names = |line: &str| line.split('"').nth(3).unwrap_or_default().to_owned();
        good(&arguments, HITS).lines().map(names).collect::<Vec<_>>()
    };
    assert_eq!(by_path(&["--having", ".count > 1"]), ["/", "/buy"]);
    assert_eq!(by_path(&["--top", "1:count"]), ["/"]);
    assert_eq!(by_path(&["--top", "2:max_ms"]), ["/buy", "/"]);
    // Nothing is less than anything.
    assert_eq!(by_path(&["--top", "9:max_ms"]), ["/buy", "/", "/bot"]);
    assert_eq!(by_path(&["--top", "1:max_ms", "--having", ".max_ms < 100"]), ["/"]);
    let input = "{\"g\":1}\n{\"g\":2}\n{\"g\":2}\n{\"g\":3}\n{\"g\":4}\n{\"g\":4}\n";
    let top =
        |more: &[&str]| good(&[&["--by", ".g", "count"], more].concat(), input).lines().count();
    assert_eq!(top(&["--top", "1:count"]), 1);
    assert_eq!(top(&["--top", "1:count", "--ties"]), 2);
    assert_eq!(top(&["--top", "3:count", "--ties"]), 4);
}

#[test]
fn each_window_has_its_own_best() {
    let window: &[&str] = &["window", "--tumbling", "10s", "--time", ".t"];
    let stage: &[&str] = &["aggregate", "--by", ".k", "count", "--top", "1:count"];
    let input = "{\"t\":1,\"k\":\"a\"}\n{\"t\":2,\"k\":\"b\"}\n{\"t\":3,\"k\":\"b\"}\n{\"t\":12,\"k\":\"a\"}\n";
    let ran = pipe(&[window, stage], input, 1).remove(1);
    let best: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split('"').nth(11)).collect();
    assert_eq!(best, ["b", "a"]);
}

#[test]
fn a_selection_that_makes_no_sense_is_told() {
    for (more, why) in [
        (
            vec!["--top", "count"],
            "aggregate: --top: 'count' is not of the form K:NAME; write it like 10:count\n",
        ),
        (
            vec!["--top", "0:count"],
            "aggregate: --top: '0:count' is not of the form K:NAME; write it like 10:count\n",
        ),
        (
            vec!["--top", "5:path"],
            "aggregate: --top: there is no aggregate 'path' to rank by; the aggregates are count\n",
        ),
    ] {
        let ran = aggregate(&[&["--by", ".path", "count"], more.as_slice()].concat(), "");
        assert_eq!((ran.status, ran.stderr.as_str()), (2, why));
    }
    let ran = aggregate(&["count", "--having", ".count +"], "");
    assert_eq!(ran.status, 2);
    // A name that jq does not know, and that is near to one of jq, is rather one of a result.
    let ran = aggregate(&["--by", "lenght=.l", "count", "--having", "count > 1 or lenght"], "");
    let why = "aggregate: --having: 'count > 1 or lenght': undefined function 'count' at column 1; \
               did you mean '.count'?\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (2, why));
    let ran = aggregate(&["count", "--having", ".count.x"], "{}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""));
    assert!(
        ran.stderr
            .starts_with("aggregate: --having '.count.x' fails for the result {\"count\":1}: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn more_groups_than_allowed_end_it() {
    let arguments = ["--by", ".path", "count", "--max-groups", "2"];
    let ran = aggregate(&arguments, HITS);
    let why = "aggregate: more than 2 groups at the same time; group by less, use windows, or raise --max-groups\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (65, "", why));
    assert_eq!(aggregate(&["--by", ".path", "count", "--max-groups", "3"], HITS).status, 0);
    // Those of closed windows do not count.
    let input: String = (0..10).map(|t| format!("{{\"t\":{},\"path\":{t}}}\n", t * 10)).collect();
    let window: &[&str] = &["window", "--tumbling", "10s", "--time", ".t"];
    // Three windows are open before the watermark that a record causes follows it.
    let ran = |groups| {
        let limits = ["--stats", "--max-groups", groups];
        let stage = [&["aggregate", "--by", ".path", "count"], limits.as_slice()].concat();
        pipe(&[window, &stage], &input, 1).remove(1)
    };
    assert_eq!(ran("2").status, 65);
    let ran = ran("3");
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 10));
    let stats = "aggregate: groups: 0 at the end, 3 at the peak; open windows: 0, 3 at the peak; memory for them: about 0 bytes, ";
    assert!(ran.stderr.starts_with(stats), "{}", ran.stderr);
}

#[test]
fn more_memory_than_allowed_ends_it() {
    let text = "x".repeat(100);
    let input: String = (0..9_000).map(|at| format!("{{\"t\":{at},\"x\":\"{text}\"}}\n")).collect();
    let why = "what is held takes more than 524288 bytes of memory; group by less, use shorter windows, lower --over, or raise --max-memory";
    for arguments in [
        &["collect(.x)"][..],
        &["--session", "1h", "--time", ".t", "collect(.x)"],
        &["--over", "9000", "last(.x)"],
        &["--over", "1h", "--time", ".t", "--out-of-order", "9h", "count"],
    ] {
        let ran = aggregate(&[arguments, &["--max-memory", "512KiB"]].concat(), &input);
        assert!(ran.status == 65 && ran.stderr.contains(why), "{arguments:?} {}", ran.stderr);
        assert_eq!(aggregate(arguments, &input).status, 0);
    }
}

#[test]
fn the_rows_of_each_window_are_printed_as_it_closes() {
    let stage: &[&str] = &["aggregate", "--by", ".k", "count", "avg(.x)", "--format", "table"];
    let mut pipeline = Pipeline::start(&[&["window", "--tumbling", "10s", "--time", ".t"], stage]);
    pipeline.send(
        "{\"t\":1,\"k\":\"東\",\"x\":1}\n{\"t\":2,\"k\":\"ab\\n\",\"x\":100.5}\n{\"t\":15}\n",
    );
    let lines: Vec<String> = (0..3).map(|_| pipeline.line()).collect();
    assert_eq!(
        lines,
        [
            "window_start          window_end            k     count  avg_x",
            "1970-01-01T00:00:00Z  1970-01-01T00:00:10Z  東        1    1",
            "1970-01-01T00:00:00Z  1970-01-01T00:00:10Z  ab\\n      1  100.5",
        ]
    );
    let rest = pipeline.finish().remove(1).stdout;
    assert_eq!(rest, "\n1970-01-01T00:00:10Z  1970-01-01T00:00:20Z  -         1    -\n");
}

#[test]
fn any_pieces_of_the_input_give_the_same_bytes() {
    let input: String = (0..2_000)
        .map(|n| {
            let (path, ms) = (n % 3, f64::from(n * 7_919 % 1_009) / 7.0);
            format!("{{\"t\":{},\"path\":{path},\"ms\":{ms},\"user\":{}}}\n", n / 20, n % 501)
        })
        .collect();
    let mut functions = ALL.to_vec();
    functions[1] = "over=count_if(.ms > 10)";
    let plain = [&["aggregate", "--by", ".path"], functions.as_slice()].concat();
    let window: &[&str] = &["window", "--tumbling", "30s", "--time", ".t"];
    for stages in [vec![plain.as_slice()], vec![window, plain.as_slice()]] {
        let last = stages.len() - 1;
        let whole = pipe(&stages, &input, input.len()).remove(last).stdout;
        assert!(whole.lines().count() >= 3);
        assert_eq!(pipe(&stages, &input, 1).remove(last).stdout, whole);
        assert_eq!(pipe(&stages, &input, 4_099).remove(last).stdout, whole);
    }
}

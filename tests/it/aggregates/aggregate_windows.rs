//! `aggregate` behind any kind of window: what comes out when, and what is kept.

use std::fs;

use crate::common::{Ran, run, tool};

fn aggregate(arguments: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", arguments), input)
}

/// The output, without the date, of an aggregation in which nothing is wrong.
#[track_caller]
fn good(arguments: &[&str], input: &str) -> String {
    short(&aggregate(arguments, input).good())
}

fn short(rows: &str) -> String {
    rows.replace("1970-01-01T", "").replace(":00Z", "")
}

const END: &str = "{\"@millstream\":{\"watermark\":\"end\"}}\n";

fn head(windowing: &str) -> String {
    format!("{{\"@millstream\":{{\"window\":{{{windowing}}}}}}}\n")
}

/// A watermark at the last millisecond before this minute of 1970.
fn mark(minute: i64) -> String {
    format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{}}}}}}}\n", minute * 60_000 - 1)
}

fn time(minute: i64) -> String {
    format!("1970-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

/// A record of a slice in minutes.
fn slice(fields: &str, start: i64, end: i64) -> String {
    let (start, end) = (time(start), time(end));
    format!("{{{fields},\"slice_start\":\"{start}\",\"slice_end\":\"{end}\"}}\n")
}

/// A record of a session with a gap of 10 minutes.
fn alone(group: &str, minute: i64) -> String {
    slice(&format!("\"k\":\"{group}\",\"m\":{minute}"), minute, minute + 10)
}

fn sessions(lateness_minutes: i64) -> String {
    let lateness_ms = lateness_minutes * 60_000;
    head(&format!("\"session\":{{\"gap_ms\":600000}},\"allowed_lateness_ms\":{lateness_ms}"))
}

#[test]
fn a_record_is_in_each_cumulating_window_that_ends_after_it() {
    // Flink's example: 08:05, with a step of 2 minutes and a size of 10.
    let cumulate = "\"cumulate\":{\"step_ms\":120000,\"size_ms\":600000,\"offset_ms\":0}";
    let input = [head(cumulate), slice("\"k\":1", 484, 486), mark(486), mark(490), END.to_owned()];
    assert_eq!(
        good(&["count"], &input.concat()),
        "{\"window_start\":\"08:00\",\"window_end\":\"08:06\",\"count\":1}\n\
         {\"window_start\":\"08:00\",\"window_end\":\"08:08\",\"count\":1}\n\
         {\"window_start\":\"08:00\",\"window_end\":\"08:10\",\"count\":1}\n"
    );
}

#[test]
fn hopping_windows_are_made_of_slices_in_the_order_of_the_stream() {
    let hop = "\"hop\":{\"slide_ms\":60000,\"size_ms\":120000,\"offset_ms\":0}";
    let input = [
        head(hop),
        slice("\"k\":\"b\",\"x\":1", 1, 2),
        slice("\"k\":\"a\",\"x\":2", 0, 1),
        slice("\"k\":\"b\",\"x\":3", 0, 1),
        mark(2),
        // Its first window has closed, its last one not.
        slice("\"k\":\"c\",\"x\":4", 1, 2),
        END.to_owned(),
    ];
    assert_eq!(
        good(&["--by", ".k", "collect(.x)"], &input.concat()),
        "{\"window_start\":\"-1:59\",\"window_end\":\"00:01\",\"k\":\"a\",\"collect_x\":[2]}\n\
         {\"window_start\":\"-1:59\",\"window_end\":\"00:01\",\"k\":\"b\",\"collect_x\":[3]}\n\
         {\"window_start\":\"00:00\",\"window_end\":\"00:02\",\"k\":\"b\",\"collect_x\":[1,3]}\n\
         {\"window_start\":\"00:00\",\"window_end\":\"00:02\",\"k\":\"a\",\"collect_x\":[2]}\n\
         {\"window_start\":\"00:01\",\"window_end\":\"00:03\",\"k\":\"b\",\"collect_x\":[1]}\n\
         {\"window_start\":\"00:01\",\"window_end\":\"00:03\",\"k\":\"c\",\"collect_x\":[4]}\n"
            .replace("-1:59", "1969-12-31T23:59")
    );
}

#[test]
fn sessions_that_touch_are_one_and_come_by_end_then_by_start() {
    let input = [
        sessions(0),
        alone("a", 30),
        alone("a", 0),
        alone("b", 5),
        alone("b", 0),
        // Exactly one gap later: one session. Another minute, and there would be two.
        alone("a", 10),
        alone("c", 31),
        alone("c", 42),
        END.to_owned(),
    ];
    assert_eq!(
        good(&["--by", ".k", "collect(.m)"], &input.concat()),
        "{\"window_start\":\"00:00\",\"window_end\":\"00:15\",\"k\":\"b\",\"collect_m\":[5,0]}\n\
         {\"window_start\":\"00:00\",\"window_end\":\"00:20\",\"k\":\"a\",\"collect_m\":[0,10]}\n\
         {\"window_start\":\"00:30\",\"window_end\":\"00:40\",\"k\":\"a\",\"collect_m\":[30]}\n\
         {\"window_start\":\"00:31\",\"window_end\":\"00:41\",\"k\":\"c\",\"collect_m\":[31]}\n\
         {\"window_start\":\"00:42\",\"window_end\":\"00:52\",\"k\":\"c\",\"collect_m\":[42]}\n"
    );
}

#[test]
fn a_late_record_joins_sessions_that_have_had_results() {
    let input = [
        sessions(60),
        alone("a", 0),
        alone("a", 15),
        mark(30),
        // Both have ended; this one is between them.
        alone("a", 8),
        END.to_owned(),
    ]
    .concat();
    assert_eq!(
        good(&["--emit", "updates", "--by", ".k", "collect(.m)"], &input),
        "{\"window_start\":\"00:00\",\"window_end\":\"00:10\",\"pane\":\"early\",\"k\":\"a\",\"collect_m\":[0]}\n\
         {\"window_start\":\"00:15\",\"window_end\":\"00:25\",\"pane\":\"early\",\"k\":\"a\",\"collect_m\":[15]}\n\
         {\"window_start\":\"00:00\",\"window_end\":\"00:10\",\"pane\":\"on_time\",\"k\":\"a\",\"collect_m\":[0]}\n\
         {\"window_start\":\"00:15\",\"window_end\":\"00:25\",\"pane\":\"on_time\",\"k\":\"a\",\"collect_m\":[15]}\n\
         {\"window_start\":\"00:00\",\"window_end\":\"00:25\",\"pane\":\"late\",\"k\":\"a\",\"collect_m\":[0,15,8]}\n"
    );
    assert_eq!(
        good(&["--by", ".k", "collect(.m)"], &input),
        "{\"window_start\":\"00:00\",\"window_end\":\"00:25\",\"k\":\"a\",\"collect_m\":[0,15,8]}\n"
    );
}

#[test]
fn late_records_of_sessions_are_kept_as_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let late = dir.path().join("late.ndjson");
    let input = [
        sessions(0),
        alone("a", 20),
        mark(25),
        // Alone it would be late; it touches an open session.
        alone("a", 10),
        // The last millisecond of this one is behind the watermark.
        alone("b", 15),
        alone("b", 16),
        END.to_owned(),
    ]
    .concat();
    let ran = aggregate(&["--by", ".k", "--late", late.to_str().unwrap(), "collect(.m)"], &input);
    let told = format!(
        "aggregate: 1 late record stored in {}: its window was closed already; give the window \
         before this tool a larger --out-of-order, which waits for it\n",
        late.display()
    );
    assert_eq!((ran.status, ran.stderr), (0, told));
    assert_eq!(
        short(&ran.stdout),
        "{\"window_start\":\"00:16\",\"window_end\":\"00:26\",\"k\":\"b\",\"collect_m\":[16]}\n\
         {\"window_start\":\"00:10\",\"window_end\":\"00:30\",\"k\":\"a\",\"collect_m\":[20,10]}\n"
    );
    assert_eq!(fs::read_to_string(late).unwrap(), "{\"k\":\"b\",\"m\":15}\n");
    assert_eq!(aggregate(&["--by", ".k", "count"], &input).status, 65);
}

#[test]
fn windows_that_count_are_numbered_for_each_group() {
    let record = |group: &str, x: u32| format!("{{\"k\":\"{group}\",\"x\":{x}}}\n");
    let records: String =
        [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("c", 5), ("b", 6), ("a", 7), ("a", 8)]
            .map(|(group, x)| record(group, x))
            .concat();
    let input = head("\"count\":{\"size\":2}") + &records + END;
    assert_eq!(
        good(&["--by", ".k", "collect(.x)"], &input),
        "{\"window\":0,\"k\":\"a\",\"collect_x\":[1,3]}\n\
         {\"window\":0,\"k\":\"b\",\"collect_x\":[2,6]}\n\
         {\"window\":1,\"k\":\"a\",\"collect_x\":[4,7]}\n\
         {\"window\":2,\"k\":\"a\",\"collect_x\":[8]}\n\
         {\"window\":0,\"k\":\"c\",\"collect_x\":[5]}\n"
    );
    let ran = aggregate(&["--by", ".k", "count"], &(head("\"count\":{\"size\":3}") + &records));
    assert!(ran.status == 65 && ran.stderr.contains("3 windows that are not full"), "{ran:?}");
}

/// Tumbling windows of ten minutes; a record of one of them.
fn tumbling(beside: &str) -> String {
    head(&format!("\"tumbling\":{{\"size_ms\":600000,\"offset_ms\":0}}{beside}"))
}

fn windowed(group: &str, x: i64, start: i64) -> String {
    let (start, end) = (time(start), time(start + 10));
    format!(
        "{{\"k\":\"{group}\",\"x\":{x},\"window_start\":\"{start}\",\"window_end\":\"{end}\"}}\n"
    )
}

#[test]
fn results_come_early_on_time_and_late() {
    let input = [
        tumbling(",\"allowed_lateness_ms\":300000,\"every_ms\":60000"),
        windowed("a", 1, 0),
        windowed("b", 2, 0),
        mark(3),
        windowed("b", 3, 0),
        mark(6),
        mark(10),
        windowed("a", 4, 0),
        windowed("a", 5, 10),
        mark(12),
        mark(15),
        END.to_owned(),
    ]
    .concat();
    let row = |start: i64, pane: &str, group: &str, sum: i64| {
        let (start, end) = (time(start), time(start + 10));
        let row = format!(
            "{{\"window_start\":\"{start}\",\"window_end\":\"{end}\",\"pane\":\"{pane}\",\
             \"k\":\"{group}\",\"sum_x\":{sum}}}\n"
        );
        short(&row)
    };
    let arguments = ["--by", ".k", "sum(.x)", "--emit"];
    let emitted = |more: &[&str]| good(&[&arguments, more].concat(), &input);
    let by_three = [
        row(0, "early", "b", 5),
        row(0, "on_time", "a", 1),
        row(0, "on_time", "b", 5),
        row(0, "late", "a", 5),
        row(10, "early", "a", 5),
        row(10, "on_time", "a", 5),
    ]
    .concat();
    assert_eq!(emitted(&["updates", "--every", "6m"]), row(0, "early", "a", 1) + &by_three);
    let all = emitted(&["all", "--every", "3m"]);
    let expected = [
        // The first watermark passes no multiple: there was none before it.
        row(0, "early", "a", 1),
        row(0, "early", "b", 5),
        row(0, "on_time", "a", 1),
        row(0, "on_time", "b", 5),
        row(0, "late", "a", 5),
        row(0, "late", "b", 5),
        row(10, "early", "a", 5),
        row(10, "on_time", "a", 5),
    ];
    assert_eq!(all, expected.concat());
    let best = emitted(&["all", "--every", "3m", "--top", "1:sum_x"]);
    let expected = [
        row(0, "early", "b", 5),
        row(0, "on_time", "b", 5),
        row(0, "late", "a", 5),
        row(10, "early", "a", 5),
        row(10, "on_time", "a", 5),
    ];
    assert_eq!(best, expected.concat());
    let having = emitted(&["updates", "--having", ".pane == \"late\" or .sum_x == 2"]);
    assert_eq!(having, row(0, "early", "b", 2) + &row(0, "late", "a", 5));
    let table = emitted(&["updates", "--having", ".pane == \"on_time\"", "--format", "table"]);
    let drawn = "window_start          window_end            pane     k  sum_x\n";
    let of_first = "00:00  00:10  on_time  a      1\n00:00  00:10  on_time  b      5\n";
    let of_second = "00:10  00:20  on_time  a      5\n";
    assert_eq!(table, [drawn, of_first, "\n", of_second].concat());
}

#[test]
fn without_windows_each_record_updates_its_group_and_the_end_is_on_time() {
    let input = "{\"k\":\"a\"}\n{\"k\":\"b\"}\n{\"k\":\"a\"}\n";
    let row = |pane: &str, group: &str, count: u32| {
        format!("{{\"pane\":\"{pane}\",\"k\":\"{group}\",\"count\":{count}}}\n")
    };
    let end = row("on_time", "a", 2) + &row("on_time", "b", 1);
    assert_eq!(
        good(&["--emit", "updates", "--by", ".k", "count"], input),
        [row("early", "a", 1), row("early", "b", 1), row("early", "a", 2), end.clone()].concat()
    );
    assert_eq!(
        good(&["--emit", "all", "--by", ".k", "count", "--top", "1:count"], input),
        [row("early", "a", 1), row("early", "a", 1), row("early", "a", 2), row("on_time", "a", 2)]
            .concat()
    );
}

#[test]
fn what_cannot_be_is_told_with_its_remedy() {
    let record = windowed("a", 1, 0);
    let session = sessions(0);
    for (arguments, input, why) in [
        (
            vec!["--every", "1m"],
            "",
            "--every: results are emitted once; add --emit updates or --emit all",
        ),
        (vec!["--emit", "all", "--every", "0s"], "", "--every: it must be longer than 0"),
        (vec!["--emit", "updates", "--top", "1:count"], "", "use --emit all"),
        (
            vec!["--emit", "updates", "--every", "1m"],
            &tumbling(""),
            "give it to window, too: window --every 1m",
        ),
        (
            vec!["--emit", "updates", "--every", "1m"],
            &tumbling(",\"every_ms\":40000"),
            "give it to window, too: window --every 1m",
        ),
        (vec!["--emit", "updates", "--every", "1m"], &record, "--every is a period of event time"),
        (vec!["--top", "1:count"], &session, "--top has no effect: each session has one group"),
        (vec!["--emit", "all", "pane=max(.x)"], &tumbling(""), "have pane already"),
        (vec!["window=max(.x)"], &head("\"count\":{\"size\":2}"), "have window already"),
        (vec!["rate"], &head("\"count\":{\"size\":2}"), "a rate per second of a window"),
    ] {
        let ran = aggregate(&[&["count"], &arguments[..]].concat(), input);
        assert!(ran.status == 2 && ran.stderr.contains(why), "{arguments:?}: {}", ran.stderr);
    }
    let changed = [tumbling(""), record, sessions(0)].concat();
    let ran = aggregate(&["count"], &changed);
    assert!(ran.status == 65 && ran.stderr.contains("a windowed stream begins here"), "{ran:?}");
    let empty = head("\"hop\":{\"slide_ms\":0,\"size_ms\":9,\"offset_ms\":0}");
    let ran = aggregate(&["count"], &empty);
    assert!(ran.status == 65 && ran.stderr.contains("longer than 0"), "{ran:?}");
}

#[test]
fn what_is_closed_is_not_held() {
    let minutes = 0..50;
    let hop = "\"hop\":{\"slide_ms\":60000,\"size_ms\":240000,\"offset_ms\":0}";
    let hopping = minutes.clone().map(|m| slice("\"k\":1", m, m + 1) + &mark(m + 1));
    let touching = minutes.map(|m| alone(&format!("g{m}"), 20 * m) + &mark(20 * m));
    let slices = head(hop) + &hopping.collect::<String>() + END;
    let sessions = sessions(0) + &touching.collect::<String>() + END;
    for (input, told) in [
        (slices, "groups: 0 at the end, 4 at the peak; slices of open windows: 0, 4 at the peak; "),
        (sessions, "groups: 0 at the end, 2 at the peak; open sessions: 0, 2 at the peak; "),
    ] {
        let ran = aggregate(&["--by", ".k", "--stats", "count"], &input);
        assert!(ran.status == 0 && ran.stderr.contains(told), "{}", ran.stderr);
        let limited = aggregate(&["--by", ".k", "--max-groups", "4", "count"], &input);
        assert_eq!((limited.status, limited.stdout), (0, ran.stdout));
    }
}

/// Several streams behind each other: the second goes on behind the last window of the first.
#[test]
fn a_second_stream_of_any_kind_goes_on_behind_the_first() {
    let hop = head("\"hop\":{\"slide_ms\":60000,\"size_ms\":120000,\"offset_ms\":0}");
    let once = [hop, slice("\"k\":1", 5, 6), END.to_owned()].concat();
    let ran = aggregate(&["count"], &once.repeat(2));
    assert_eq!(short(&ran.stdout).lines().count(), 2);
    assert!(ran.status == 65 && ran.stderr.contains("1 late record dropped"), "{}", ran.stderr);
    let later = [sessions(0), alone("a", 30), END.to_owned()].concat();
    let ran = aggregate(&["count"], &(once + &later));
    assert_eq!(short(&ran.stdout).lines().count(), 3);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

/// A slice that windows are not made of would be in windows that there are not, or, where results
/// come early, in windows without end.
#[test]
fn a_piece_of_other_windows_makes_its_record_bad() {
    let hop = head("\"hop\":{\"slide_ms\":60000,\"size_ms\":180000,\"offset_ms\":0}");
    let cumulate = head("\"cumulate\":{\"step_ms\":60000,\"size_ms\":180000,\"offset_ms\":0}");
    let expanded = |kind: &str| kind.replace("}}}}", "},\"expanded\":true}}}");
    let in_window = |from, to| slice("\"k\":1", from, to).replace("slice_", "window_");
    let cases = [
        (hop.clone(), slice("\"k\":1", 0, 4), slice("\"k\":1", 4, 5)),
        (hop.clone(), slice("\"k\":1", 1, 6), slice("\"k\":1", 1, 2)),
        (cumulate.clone(), slice("\"k\":1", 1, 6), slice("\"k\":1", 5, 6)),
        (sessions(0), slice("\"k\":1", 0, 9), slice("\"k\":1", 3, 13)),
        (tumbling(""), in_window(5, 15), in_window(10, 20)),
        (tumbling(""), in_window(0, 20), in_window(0, 10)),
        (expanded(&hop), in_window(1, 3), in_window(1, 4)),
        (expanded(&cumulate), in_window(1, 3), in_window(3, 5)),
    ];
    for (head, other, own) in cases {
        for emit in [&["count"][..], &["count", "--emit", "all"], &["count", "--emit", "updates"]] {
            if head.contains("expanded") && emit.len() > 1 {
                continue;
            }
            let good = aggregate(emit, &[head.as_str(), &own, END].concat());
            assert_eq!((good.status, good.stderr.as_str()), (0, ""), "{head}{own}");
            let bad = aggregate(emit, &[head.as_str(), &own, &other, END].concat());
            assert_eq!(bad.status, 65, "{head}{other}: {bad:?}");
            let why = "aggregate: stdin:3: from ";
            assert!(bad.stderr.starts_with(why) && bad.stderr.contains("is not one of"), "{bad:?}");
        }
    }
}

/// What is not known could change the meaning of what comes behind it.
#[test]
fn a_control_record_with_more_in_it_is_bad_input() {
    for control in [
        "{\"@millstream\":{\"watermark\":\"end\"},\"a\":1}",
        "{\"@millstream\":{\"end\":{}},\"a\":1}",
        "{\"@millstream\":{\"end\":{\"x\":1}}}",
        "{\"@millstream\":{\"start\":{\"trusted\":true,\"sorted\":true}}}",
        "{\"@millstream\":{\"partitions\":[1,1]}}",
    ] {
        let ran = aggregate(&["count"], &format!("{{}}\n{control}\n"));
        assert_eq!((ran.status, ran.stdout.as_str()), (65, ""), "{control}");
        assert!(ran.stderr.contains("stdin:2: not a control record"), "{}", ran.stderr);
    }
}

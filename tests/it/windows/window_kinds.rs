//! `window` beyond windows side by side: all kinds, calendars, lateness, partitions and quiet
//! streams, from the outside.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::live::{Pipeline, pipe};
use crate::common::proc::{is_asleep, is_stopped};
use crate::common::{Ran, run, tool, wait_for};

/// Runs `window` with `--time .t` and these options over the input.
fn window(options: &str, input: &str) -> Ran {
    let options: Vec<&str> = options.split_whitespace().collect();
    run(tool("window", &["--time", ".t"]).args(options), input)
}

/// A record at so many seconds.
fn at(second: i64) -> String {
    format!("{{\"t\":{second}}}\n")
}

/// The output, with times of 1970-01-01 shortened to what is behind the hour, and control records
/// to what is in them.
fn short(output: &str) -> Vec<String> {
    let short = |line: &str| {
        let inside = line.strip_prefix("{\"@millstream\":").and_then(|it| it.strip_suffix('}'));
        inside.unwrap_or(line).replace("1970-01-01T00:", "").replace("Z\"", "\"")
    };
    output.lines().map(short).collect()
}

#[test]
fn hopping_windows_are_made_of_slices() {
    let ran =
        window("--hop 4s --size 6s --out-of-order 0", &[at(1), at(-1), at(3), at(12)].concat());
    assert_eq!(
        short(&ran.stdout),
        [
            r#"{"window":{"hop":{"slide_ms":4000,"size_ms":6000,"offset_ms":0}}}"#,
            r#"{"t":1,"slice_start":"00:00","slice_end":"00:02"}"#,
            r#"{"watermark":{"ms":999}}"#,
            r#"{"t":-1,"slice_start":"1969-12-31T23:59:58","slice_end":"00:00"}"#,
            r#"{"t":3,"slice_start":"00:02","slice_end":"00:04"}"#,
            r#"{"watermark":{"ms":2999}}"#,
            r#"{"t":12,"slice_start":"00:12","slice_end":"00:14"}"#,
            r#"{"watermark":{"ms":11999}}"#,
            r#"{"watermark":"end"}"#,
        ]
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn expanded_records_go_out_once_for_each_open_window() {
    let input = [at(1), at(7), at(5)].concat();
    let ran = window("--hop 4s --size 6s --out-of-order 0 --expand", &input);
    let windows = |line: &str, starts: &[&str]| -> Vec<String> {
        starts.iter().map(|it| format!("{line},\"window_start\":{it}}}")).collect()
    };
    let expected = [
        vec![
            r#"{"window":{"hop":{"slide_ms":4000,"size_ms":6000,"offset_ms":0},"expanded":true}}"#
                .to_owned(),
        ],
        windows(
            "{\"t\":1",
            &[
                "\"1969-12-31T23:59:56\",\"window_end\":\"00:02\"",
                "\"00:00\",\"window_end\":\"00:06\"",
            ],
        ),
        vec![r#"{"watermark":{"ms":999}}"#.to_owned()],
        windows("{\"t\":7", &["\"00:04\",\"window_end\":\"00:10\""]),
        vec![r#"{"watermark":{"ms":6999}}"#.to_owned()],
        // The other window of the record at 5 s closed with 6 s.
        windows("{\"t\":5", &["\"00:04\",\"window_end\":\"00:10\""]),
        vec![r#"{"watermark":"end"}"#.to_owned()],
    ];
    assert_eq!(short(&ran.stdout), expected.concat());
    assert!(ran.stderr.starts_with("window: 1 record came too late for some"), "{}", ran.stderr);
}

#[test]
fn cumulating_windows_grow_by_slices_of_a_step() {
    let input = "{\"t\":\"2020-04-15T08:05:00Z\"}\n";
    let ran = window("--cumulate 2m --size 10m --plain", input);
    assert_eq!(
        ran.stdout,
        "{\"t\":\"2020-04-15T08:05:00Z\",\"slice_start\":\"2020-04-15T08:04:00Z\",\"slice_end\":\"2020-04-15T08:06:00Z\"}\n"
    );
    // SEMANTICS: it is in the windows that end at 08:06, 08:08 and 08:10.
    let ran = window("--cumulate 2m --size 10m --plain --expand", input);
    let expected: String = ["06", "08", "10"]
        .map(|end| format!("{{\"t\":\"2020-04-15T08:05:00Z\",\"window_start\":\"2020-04-15T08:00:00Z\",\"window_end\":\"2020-04-15T08:{end}:00Z\"}}\n"))
        .concat();
    assert_eq!(ran.stdout, expected);
}

#[test]
fn a_session_is_the_record_and_the_gap_behind_it() {
    let ran = window("--session 30s", &[at(1), at(0), at(2)].concat());
    assert_eq!(
        short(&ran.stdout),
        [
            r#"{"window":{"session":{"gap_ms":30000}}}"#,
            r#"{"t":1,"slice_start":"00:01","slice_end":"00:31"}"#,
            r#"{"watermark":{"ms":-4001}}"#,
            r#"{"t":0,"slice_start":"00:00","slice_end":"00:30"}"#,
            r#"{"t":2,"slice_start":"00:02","slice_end":"00:32"}"#,
            r#"{"watermark":{"ms":-3001}}"#,
            r#"{"watermark":"end"}"#,
        ]
    );
}

#[test]
fn windows_of_records_add_nothing_and_need_no_time() {
    let ran = run(&mut tool("window", &["--count", "2"]), "{\"a\": 1}\n7\n{\"a\":}\n");
    let expected = "{\"@millstream\":{\"window\":{\"count\":{\"size\":2}}}}\n{\"a\": 1}\n7\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (65, expected));
    assert!(ran.stderr.starts_with("window: stdin:3: "), "{}", ran.stderr);
}

#[test]
fn windows_wait_for_late_records_as_long_as_allowed() {
    let input = [at(10), at(21), at(9), at(24), at(9), at(25)].concat();
    let ran = window("--tumbling 10s --out-of-order 0 --allowed-lateness 15s", &input);
    let lines = short(&ran.stdout);
    assert_eq!(
        lines[0],
        r#"{"window":{"tumbling":{"size_ms":10000,"offset_ms":0},"allowed_lateness_ms":15000}}"#
    );
    // Both records at 9 s are taken: their window is open until the watermark has 24.999 s.
    assert_eq!(lines.iter().filter(|line| line.starts_with("{\"t\":9,")).count(), 2);
    let marks: Vec<&String> = lines.iter().filter(|line| line.contains("watermark")).collect();
    assert_eq!(
        marks,
        [
            r#"{"watermark":{"ms":9999}}"#,
            r#"{"watermark":{"ms":20999}}"#,
            r#"{"watermark":{"ms":24999}}"#,
            r#"{"watermark":"end"}"#
        ]
    );
    let late = window("--tumbling 10s --out-of-order 0 --allowed-lateness 15s", &(input + &at(9)));
    assert_eq!(late.status, 65);
    assert!(late.stderr.starts_with("window: 1 late record dropped, 16s late: "), "{late:?}");
}

/// A record that only some of its windows take is lost to the others: that is counted, and told.
#[test]
fn records_too_late_for_some_of_their_windows_are_told() {
    let input = [at(100), at(160), at(120), at(230)].concat();
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("late");
    let late = ["--late", kept.to_str().unwrap()];
    let options = |options: &str| -> Vec<String> {
        let all = options.split(' ').map(str::to_owned);
        all.chain(["--time", ".t"].map(str::to_owned)).collect()
    };
    let hop = "--hop 10s --size 1m";
    let why = "1 record came too late for some of its windows, 40s late: stdin:2 (time 1970-01-01T00:02:40Z) \
               came first and closed them; if they are of several partitions of a topic, subscribe --control \
               gives each a watermark of its own; else --out-of-order 40s would have waited for it\n";
    for kind in [hop, "--hop 10s --size 1m --expand", "--cumulate 10s --size 1m"] {
        for late in [&[][..], &late] {
            let windowed = run(tool("window", late).args(options(kind)), &input);
            let expected = (65, format!("window: {why}"));
            assert_eq!((windowed.status, windowed.stderr), expected, "{kind}");
            let counted = run(&mut tool("aggregate", &["count"]), &windowed.stdout);
            assert_eq!((counted.status, counted.stderr.as_str()), (0, ""), "{kind}");
            // Some expressions look at what `window` adds; others do not.
            for by in [&[][..], &["--by", "end=.window_end"]] {
                let mut one = tool("aggregate", &[late, by].concat());
                let one = run(one.args(options(kind)).arg("count"), &input);
                let expected = (65, format!("aggregate: {why}"));
                assert_eq!((one.status, one.stderr), expected, "{kind} {by:?}");
            }
        }
    }
    assert_eq!(fs::read_to_string(&kept).unwrap(), "", "a window took each record");
    for enough in ["--out-of-order 40s", "--allowed-lateness 25001ms"] {
        let ran = window(&format!("{hop} {enough}"), &input);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{enough}");
    }
    let ran = window(&format!("{hop} --allowed-lateness 25s"), &input);
    assert_eq!(ran.status, 65, "{}", ran.stderr);
    // A record that no window takes is kept, but what the others missed is lost all the same.
    let both = run(tool("window", &late).args(options(hop)), input + &at(10));
    let kept = fs::read_to_string(&kept).unwrap();
    assert_eq!((both.status, kept.as_str()), (65, at(10).as_str()), "{}", both.stderr);
    let why = "window: 1 record came too late for some of its windows, 40s late: stdin:2 (time \
               1970-01-01T00:02:40Z) came first and closed them; --out-of-order 40s would have waited for it";
    assert_eq!(both.stderr.lines().nth(1), Some(why));
}

#[test]
fn watermarks_come_at_the_multiples_that_are_asked_for() {
    let input = [at(1), at(2), at(3), at(4)].concat();
    let ran = window("--tumbling 1m --out-of-order 0 --every 2s", &input);
    let lines = short(&ran.stdout);
    assert_eq!(
        lines[0],
        r#"{"window":{"tumbling":{"size_ms":60000,"offset_ms":0},"every_ms":2000}}"#
    );
    let marks: Vec<&String> = lines.iter().filter(|line| line.contains("\"ms\"")).collect();
    assert_eq!(
        marks,
        [
            r#"{"watermark":{"ms":999}}"#,
            r#"{"watermark":{"ms":1999}}"#,
            r#"{"watermark":{"ms":3999}}"#
        ]
    );
}

#[test]
fn days_follow_the_clocks_of_a_zone() {
    let input = "{\"t\":\"2024-03-31T12:00:00Z\"}\n{\"t\":\"2024-10-27T12:00:00Z\"}\n";
    let ran = window("--tumbling 1d --tz europe/berlin", input);
    let expected = r#"{"@millstream":{"window":{"tumbling":{"size":"1d","tz":"Europe/Berlin"}}}}
{"t":"2024-03-31T12:00:00Z","window_start":"2024-03-30T23:00:00Z","window_end":"2024-03-31T22:00:00Z"}
{"@millstream":{"watermark":{"ms":1711886394999}}}
{"t":"2024-10-27T12:00:00Z","window_start":"2024-10-26T22:00:00Z","window_end":"2024-10-27T23:00:00Z"}
{"@millstream":{"watermark":{"ms":1730030394999}}}
{"@millstream":{"watermark":"end"}}
"#;
    assert_eq!(ran.stdout, expected);
    let ran = window("--cumulate 6h --size 1mo", input);
    let head = r#"{"@millstream":{"window":{"cumulate":{"step":"6h","size":"1mo","tz":"UTC"}}}}"#;
    assert!(ran.stdout.starts_with(head), "{}", ran.stdout);
    let ran = window("--hop 1d --size 7d --tz America/New_York", input);
    let head =
        r#"{"@millstream":{"window":{"hop":{"slide":"1d","size":"1w","tz":"America/New_York"}}}}"#;
    assert!(ran.stdout.starts_with(head), "{}", ran.stdout);
}

#[test]
fn times_are_read_as_the_format_says() {
    let read = |options: &[&str], time: &str| {
        let base = ["--time", ".t", "--tumbling", "1s", "--plain", "--time-format"];
        run(tool("window", &base).args(options), format!("{{\"t\":{time}}}\n"))
    };
    let start = |ran: &Ran| {
        let (_, behind) = ran.stdout.split_once("\"window_start\":\"").unwrap();
        behind.split_once('"').unwrap().0.to_owned()
    };
    let ran = read(&["%d/%b/%Y:%H:%M:%S %z"], "\"10/Oct/2000:13:55:36 -0700\"");
    assert_eq!(start(&ran), "2000-10-10T20:55:36Z");
    let ran = read(&["%Y-%m-%d %H:%M", "--tz", "Asia/Kolkata"], "\"2024-01-01 00:00\"");
    assert_eq!(start(&ran), "2023-12-31T18:30:00Z");
    assert_eq!(start(&read(&["%Y%m%d", "--tz", "UTC"], "20240229")), "2024-02-29T00:00:00Z");
    let ran = read(&["%Y-%m-%d", "--tz", "UTC"], "\"noon\"");
    assert_eq!(ran.status, 65);
    let why = "window: stdin:1: --time '.t': \"noon\" is not a time of the form '%Y-%m-%d': ";
    assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
    for (options, why) in [
        (
            ["%Y-%m-%d"].as_slice(),
            "window: --time-format: '%Y-%m-%d' has no offset from UTC: add %z",
        ),
        (&["%H:%M", "--tz", "UTC"], "window: --time-format: '%H:%M' has no date: "),
        (&["%!"], "window: --time-format: '%!': "),
        (
            &["%s", "--tz", "Berlin"],
            "window: invalid value 'Berlin' for '--tz <ZONE>': there is no time zone 'Berlin'; ",
        ),
    ] {
        // Before anything is read.
        let ran = read(options, "]");
        assert_eq!(ran.status, 2);
        assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
    }
}

#[test]
fn options_that_do_not_go_together_are_refused_with_a_remedy() {
    let late = "--late: whether a record of a session is late depends on its group, which only aggregate knows; give --late to aggregate instead";
    for (options, why) in [
        (
            "",
            "no windows are given; add --tumbling SIZE, --hop SLIDE --size SIZE, --cumulate STEP --size SIZE, --session GAP or --count N",
        ),
        ("--tumbling 1m --hop 1m", "--tumbling and --hop: windows are of one kind; choose one"),
        (
            "--tumbling 1m --size 1m",
            "--size has no effect with --tumbling, which sets the size itself; leave it out",
        ),
        ("--hop 1m", "--hop: the size of windows is missing; add --size SIZE"),
        (
            "--hop 2m --size 1m",
            "--hop: windows of 1m that begin every 2m would leave gaps between them, and lose the records there; choose a slide of at most the size",
        ),
        (
            "--hop 2h --size 1h --tz UTC",
            "--hop: windows of 1h that begin every 2h would leave gaps between them, and lose the records there; choose a slide of at most the size",
        ),
        (
            "--cumulate 2m --size 5m",
            "--cumulate: the size 5m is not a whole number of steps of 2m; change one of them",
        ),
        (
            "--session 1m --offset 1s",
            "--offset has no effect with --session, whose windows begin with a record; leave it out",
        ),
        (
            "--session 1m --expand",
            "--expand has no effect with --session, whose windows begin with a record; leave it out",
        ),
        ("--session 1m --late /nowhere/late", late),
        ("--session 0", "--session: a gap must be longer than 0"),
        (
            "--count 0 ",
            "--time has no effect with --count, whose windows do not depend on time; leave it out",
        ),
        (
            "--tumbling 7h --tz Asia/Tokyo",
            "--tumbling: a window of 7h does not fit into the calendar of Asia/Tokyo; choose a part of a day, like 15m or 6h, or days, weeks, months or years",
        ),
        ("--tumbling 1m --idle 0", "--idle: must be longer than 0"),
        (
            "--size 1m",
            "--size has no effect without windows; add --tumbling SIZE or another kind, give it to the window before this tool, or leave it out",
        ),
    ] {
        let ran = window(options, "]");
        assert_eq!((ran.status, ran.stderr), (2, format!("window: {why}\n")), "{options}");
    }
    let ran = run(&mut tool("window", &["--tumbling", "1m"]), "]");
    let why = "window: no event time is given; add --time EXPR, as in --time .ts, for a time in \
               the records; --time arrival for when they are read; or --time append for when they \
               were appended to a topic\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (2, why));
}

#[test]
fn the_least_watermark_of_all_partitions_holds() {
    let turn = |number: u32| format!("{{\"@millstream\":{{\"partition\":{number}}}}}\n");
    let end = |number: u32| format!("{{\"@millstream\":{{\"partition_end\":{number}}}}}\n");
    let records = [turn(0), at(100), turn(1), at(5), end(1), turn(0), at(101), end(0)].concat();
    let start =
        "{\"@millstream\":{\"start\":{\"trusted\":true,\"partitions\":[0,1,2]}}}\n".to_owned();
    let whole = "{\"@millstream\":{\"end\":{}}}\n";
    let input = start + &end(2) + &records + whole;
    let ran = window("--tumbling 10s --out-of-order 0", &input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let lines = short(&ran.stdout);
    // The partitions end here: what comes behind is one stream.
    assert_eq!(lines[0], r#"{"start":{"trusted":true}}"#);
    assert_eq!(
        lines[2..],
        [
            r#"{"t":100,"window_start":"01:40","window_end":"01:50"}"#,
            r#"{"t":5,"window_start":"00:00","window_end":"00:10"}"#,
            r#"{"watermark":{"ms":4999}}"#,
            r#"{"watermark":{"ms":99999}}"#,
            r#"{"t":101,"window_start":"01:40","window_end":"01:50"}"#,
            r#"{"watermark":"end"}"#,
            r#"{"end":{}}"#,
        ]
    );
    // Without being told of partitions, the record at 5 s is late.
    let told_nothing: String =
        records.lines().filter(|it| !it.contains('@')).map(|it| it.to_owned() + "\n").collect();
    assert_eq!(window("--tumbling 10s --out-of-order 0", &told_nothing).status, 65);
}

#[test]
fn a_quiet_stream_goes_on_as_the_clock_does() {
    let stage =
        ["window", "--tumbling", "1s", "--time", ".t", "--out-of-order", "0", "--idle", "50ms"];
    let mut pipeline = Pipeline::start(&[&stage]);
    pipeline.send(at(10));
    let head = pipeline.line();
    assert!(head.contains("tumbling"), "{head}");
    assert!(pipeline.line().starts_with("{\"t\":10,"));
    assert_eq!(short(&pipeline.line()), [r#"{"watermark":{"ms":9999}}"#]);
    // Nothing comes, and the window closes all the same.
    let mark = pipeline.line();
    let ms: i64 = short(&mark)[0]
        .strip_prefix(r#"{"watermark":{"ms":"#)
        .and_then(|rest| rest.strip_suffix("}}"))
        .and_then(|ms| ms.parse().ok())
        .unwrap_or_else(|| panic!("{mark}"));
    assert!(ms >= 10_999, "{ms}");
    // What comes for it now is late.
    pipeline.send(at(10));
    let ran = pipeline.finish().pop().unwrap();
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.starts_with("window: 1 late record dropped"), "{}", ran.stderr);
}

#[test]
fn a_quiet_partition_holds_nothing_up() {
    let stage =
        ["window", "--tumbling", "10s", "--time", ".t", "--out-of-order", "0", "--idle", "50ms"];
    let mut pipeline = Pipeline::start(&[&stage]);
    pipeline.send("{\"@millstream\":{\"start\":{\"trusted\":true,\"partitions\":[0,1]}}}\n");
    pipeline.send("{\"@millstream\":{\"partition\":0}}\n".to_owned() + &at(25));
    let lines: Vec<String> = (0..4).map(|_| pipeline.line()).collect();
    assert!(lines[2].starts_with("{\"t\":25,"), "{lines:?}");
    assert!(short(&lines[3])[0].starts_with(r#"{"watermark":{"ms":2"#), "{lines:?}");
    pipeline.send("{\"@millstream\":{\"end\":{}}}\n");
    assert_eq!(pipeline.finish()[0].status, 0);
}

#[test]
fn nothing_is_taken_after_a_wait_that_failed() {
    let condition = "if .pane == \"on_time\" then error(\"no\") else true end";
    let mut stage = vec!["aggregate", "--tumbling", "1s", "--time", ".t", "--out-of-order", "0"];
    stage.extend(["--idle", "2s", "--emit", "updates", "--having", condition, "count"]);
    let mut pipeline = Pipeline::start(&[&stage]);
    pipeline.send(at(10).replace("10", "10.998"));
    assert!(pipeline.line().contains("early"));
    let pid = pipeline.pids()[0];
    let send = |signal| kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    wait_for("the tool to wait for input", || is_asleep(pid).then_some(()));
    let asleep = Instant::now();
    send(Signal::SIGSTOP);
    wait_for("the tool to stop", || is_stopped(pid).then_some(()));
    // When it wakes, it has waited too long, and there is a record.
    pipeline.send(at(1000));
    let patience = Duration::from_millis(2_100);
    wait_for("its patience to end", || (asleep.elapsed() > patience).then_some(()));
    send(Signal::SIGCONT);
    let ran = pipeline.finish().pop().unwrap();
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("--having"), "{}", ran.stderr);
}

#[test]
fn a_stream_that_is_never_quiet_is_as_without_idle() {
    let input: String = (0..2_000).map(|number| at(number % 900)).collect();
    let options = "--tumbling 1m --out-of-order 20m";
    let idle = window(&format!("{options} --idle 1h"), &input);
    assert_eq!(idle.stdout, window(options, &input).stdout);
}

#[test]
fn any_pieces_of_the_input_give_the_same_bytes() {
    let input: String = (0..60).map(|number| at(number * 37 % 100)).collect();
    let dir = tempfile::tempdir().unwrap();
    let late = dir.path().join("late");
    for options in [
        "--hop 4s --size 10s --allowed-lateness 3s --every 7s",
        "--hop 4s --size 10s --expand --allowed-lateness 3s",
        "--cumulate 2s --size 20s --offset 1s",
        "--tumbling 15m --tz Australia/Lord_Howe",
    ] {
        let kept = late.display().to_string();
        let stage: Vec<&str> = ["window", "--time", ".t", "--out-of-order", "10s", "--late", &kept]
            .into_iter()
            .chain(options.split_whitespace())
            .collect();
        let whole = pipe(&[&stage], &input, input.len()).pop().unwrap();
        let late_whole = fs::read_to_string(&late).unwrap_or_default();
        let _ = fs::remove_file(&late);
        let single = pipe(&[&stage], &input, 1).pop().unwrap();
        assert_eq!((&whole.stdout, whole.status), (&single.stdout, single.status), "{options}");
        assert_eq!(whole.stderr, single.stderr);
        assert_eq!(late_whole, fs::read_to_string(&late).unwrap_or_default());
        let _ = fs::remove_file(&late);
    }
}

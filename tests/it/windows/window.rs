//! `window`, from the outside.

use std::fs;

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, tool};
use nix::sys::signal::Signal;

/// Runs `window` with `--time .t` and these options over the input.
fn window(options: &str, input: &str) -> Ran {
    let options: Vec<&str> = options.split_whitespace().collect();
    run(tool("window", &["--time", ".t"]).args(options), input)
}

/// The windows of the output's records: their starts and ends without the day's beginning.
fn windows(ran: &Ran) -> Vec<String> {
    let bound = |line: &str, field: &str| {
        let (_, behind) = line.split_once(&format!("\"{field}\":\"")).unwrap();
        behind.split_once('"').unwrap().0.to_owned()
    };
    let records = ran.stdout.lines().filter(|line| !line.starts_with("{\"@"));
    records
        .map(|line| format!("{} {}", bound(line, "window_start"), bound(line, "window_end")))
        .collect()
}

#[test]
fn records_gain_their_window_and_nothing_else_changes() {
    let input = "{\"t\" : 1.30e1, \"a\":\"\\u00e4\" }\n\n{\"t\":\"1970-01-01T01:00:19.999+01:00\"}\r\n{\"t\":20}";
    let ran = window("--tumbling 10s --plain", input);
    assert_eq!(
        ran.stdout,
        r#"{"t" : 1.30e1, "a":"\u00e4","window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z"}
{"t":"1970-01-01T01:00:19.999+01:00","window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z"}
{"t":20,"window_start":"1970-01-01T00:00:20Z","window_end":"1970-01-01T00:00:30Z"}
"#
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn control_records_stand_behind_what_causes_them() {
    let ran = window(
        "--tumbling 10s --out-of-order 2s --offset -7s",
        "{\"t\":3}\n{\"t\":14.999}\n{\"t\":14}\n{\"t\":15}\n",
    );
    assert_eq!(
        ran.stdout,
        r#"{"@millstream":{"window":{"tumbling":{"size_ms":10000,"offset_ms":3000}}}}
{"t":3,"window_start":"1970-01-01T00:00:03Z","window_end":"1970-01-01T00:00:13Z"}
{"@millstream":{"watermark":{"ms":999}}}
{"t":14.999,"window_start":"1970-01-01T00:00:13Z","window_end":"1970-01-01T00:00:23Z"}
{"@millstream":{"watermark":{"ms":12998}}}
{"t":14,"window_start":"1970-01-01T00:00:13Z","window_end":"1970-01-01T00:00:23Z"}
{"t":15,"window_start":"1970-01-01T00:00:13Z","window_end":"1970-01-01T00:00:23Z"}
{"@millstream":{"watermark":{"ms":12999}}}
{"@millstream":{"watermark":"end"}}
"#
    );
}

#[test]
fn an_empty_input_is_windowed_too() {
    let ran = window("--tumbling 1m", "");
    let head =
        "{\"@millstream\":{\"window\":{\"tumbling\":{\"size_ms\":60000,\"offset_ms\":0}}}}\n";
    assert_eq!(ran.stdout, format!("{head}{{\"@millstream\":{{\"watermark\":\"end\"}}}}\n"));
    assert_eq!(ran.status, 0);
}

#[test]
fn windows_before_1970_are_half_open_and_aligned() {
    // SEMANTICS: with size 10 s, −11 s is in the window from −20 s.
    let ran = window(
        "--tumbling 10s --out-of-order 1h --plain",
        "{\"t\":-11}{\"t\":-10}".replace("}{", "}\n{").as_str(),
    );
    assert_eq!(
        windows(&ran),
        ["1969-12-31T23:59:40Z 1969-12-31T23:59:50Z", "1969-12-31T23:59:50Z 1970-01-01T00:00:00Z"]
    );
}

/// What is said where records may be of several partitions.
const PARTITIONS: &str = "if they are of several partitions of a topic, subscribe --control gives \
                          each a watermark of its own; else ";

#[test]
fn a_record_is_late_once_the_watermark_has_its_windows_last_millisecond() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("late");
    fs::write(&kept, "before\n").unwrap();
    let input = "{\"t\":10}\n{\"t\":14.999}\n{\"t\":9}\n{\"t\":15}\n{\"t\" : 9.5 }\n{\"t\":10}\n{\"t\":1}\n";
    let options = format!("--tumbling 10s --late {}", kept.display());
    let ran = window(&options, input);
    assert_eq!(ran.stdout.matches("\"t\":9,").count(), 1);
    assert_eq!(windows(&ran).len(), 5);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "before\n{\"t\" : 9.5 }\n{\"t\":1}\n");
    let told = format!(
        "window: 2 late records stored in {}, up to 14s late: stdin:4 (time 1970-01-01T00:00:15Z) came \
         first and closed their windows; {PARTITIONS}--out-of-order 14s would have waited for them\n",
        kept.display()
    );
    assert_eq!((ran.status, ran.stderr), (0, told));

    let dropped = window("--tumbling 10s", input);
    assert_eq!(dropped.stdout, ran.stdout);
    assert_eq!(
        (dropped.status, dropped.stderr.as_str()),
        (
            65,
            &*format!(
                "window: 2 late records dropped, up to 14s late: stdin:4 (time 1970-01-01T00:00:15Z) \
                 came first and closed their windows; --late FILE stores them; {PARTITIONS}\
                 --out-of-order 14s would have waited for them\n"
            )
        )
    );
    let waited = window("--tumbling 10s --out-of-order 14s", input);
    assert_eq!((waited.status, windows(&waited).len()), (0, 7));
}

#[test]
fn a_unit_can_be_named() {
    for (options, start) in [
        ("", "1970-01-02T10:17:36Z"),
        ("--time-unit s", "1970-01-02T10:17:36Z"),
        ("--time-unit ms", "1970-01-01T00:02:03Z"),
        ("--time-unit us", "1970-01-01T00:00:00Z"),
        ("--time-unit ns", "1970-01-01T00:00:00Z"),
    ] {
        let ran = window(&format!("--tumbling 1s --plain {options}"), "{\"t\":123456}");
        assert!(windows(&ran)[0].starts_with(start), "{options}: {:?}", windows(&ran));
    }
}

#[test]
fn what_carries_no_time_is_bad_input() {
    for (record, why) in [
        ("{}", "--time '.t': the record has no event time: it is missing or null"),
        ("{\"t\":null}", "--time '.t': the record has no event time: it is missing or null"),
        (
            "{\"t\":true}",
            "--time '.t': an event time is an RFC 3339 string or a number, not a value of type boolean",
        ),
        (
            "{\"t\":\"noon\"}",
            "--time '.t': \"noon\" is not a time; write it like 2013-01-01T10:00:00Z; --time-format FORMAT reads other forms, as in '%d/%b/%Y:%H:%M:%S %z'",
        ),
        ("{\"t\":1e30}", "--time '.t': as a time, 1e30 is outside the years 0000 to 9999"),
        (
            "{\"t\":\"9999-12-31T23:59:59Z\"}",
            "the window of 9999-12-31T23:59:59Z reaches beyond the years 0000 to 9999",
        ),
        ("[1]", "not an object; only an object can carry a window"),
    ] {
        let ran = window("--tumbling 1m --plain", &format!("{{\"t\":1}}\n{record}\n{{\"t\":2}}\n"));
        let told =
            format!("window: stdin:2: {why}; --rejects FILE stores such lines and continues\n");
        assert_eq!((ran.status, &ran.stderr), (65, &told));
        assert_eq!(windows(&ran).len(), 1, "{record}");
    }
}

#[test]
fn rejects_leave_no_trace_in_the_windows() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let bad = "{\"t\":\"9999-12-31T23:59:59Z\"}\n{\"t\":[]}\n";
    let options = format!("--tumbling 1m --rejects {}", rejects.display());
    let ran = window(&options, &format!("{bad}{{\"t\":1}}\n"));
    assert_eq!(fs::read_to_string(&rejects).unwrap(), bad);
    assert_eq!(ran.stdout, window("--tumbling 1m", "{\"t\":1}\n").stdout);
    assert_eq!(ran.status, 65);
}

#[test]
fn windows_of_windows_have_one_window() {
    let first = window("--tumbling 10s", "{\"t\":15}\n").stdout;
    let ran = run(&mut tool("window", &["--tumbling", "1m", "--time", ".window_end"]), &first);
    assert_eq!(
        ran.stdout,
        r#"{"@millstream":{"window":{"tumbling":{"size_ms":60000,"offset_ms":0}}}}
{"t":15,"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z"}
{"@millstream":{"watermark":{"ms":14999}}}
{"@millstream":{"watermark":"end"}}
"#
    );
}

#[test]
fn a_field_is_replaced_however_its_name_is_written() {
    for other in ["{\"t\":1}", "{\"t\":1,\"a\":\"\\n\"}"] {
        let input = format!("{other}\n{{\"t\":2,\"window\\u005fstart\":0,\"b\":1}}\n{other}\n");
        let ran = window("--tumbling 1m --plain", &input);
        let windows =
            "\"window_start\":\"1970-01-01T00:00:00Z\",\"window_end\":\"1970-01-01T00:01:00Z\"}";
        let other = other.strip_suffix('}').unwrap();
        assert_eq!(
            ran.stdout,
            format!("{other},{windows}\n{{\"t\":2,\"b\":1,{windows}\n{other},{windows}\n")
        );
    }
}

#[test]
fn wrong_options_are_told_in_one_line() {
    for (options, why) in [
        ("--tumbling 0", "window: --tumbling: a window must be longer than 0\n"),
        (
            "--tumbling 5",
            "window: invalid value '5' for '--tumbling <SIZE>': '5' has no unit; write 5s or 5ms; see 'window --help'\n",
        ),
        (
            "--tumbling 1m --time-unit h",
            "window: invalid value 'h' for '--time-unit <s|ms|us|ns>': 'h' is not a unit of time; the units are s, ms, us and ns; see 'window --help'\n",
        ),
    ] {
        let ran = window(options, "");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", why));
    }
    let ran = run(&mut tool("window", &["--tumbling", "1m", "--time", ".t +"]), "");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.starts_with("window: --time: '.t +': "), "{}", ran.stderr);
    let ran = run(
        tool("window", &["--tumbling", "1m", "--time", ".t", "--late"]).arg("/nowhere/late"),
        "",
    );
    assert_eq!(ran.status, 73);
    assert!(
        ran.stderr.starts_with("window: /nowhere/late: cannot store late records there: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn records_leave_at_once_and_late_ones_are_told_after_a_signal() {
    let mut window =
        Pipeline::start(&[&["window", "--tumbling", "10s", "--time", ".t", "--plain"]]);
    window.send("{\"t\":100}\n");
    assert!(window.line().starts_with("{\"t\":100,"));
    window.send("{\"t\":5}\n{\"t\":101}\n");
    assert!(window.line().starts_with("{\"t\":101,"));
    window.signal(0, Signal::SIGTERM);
    let ran = &window.finish()[0];
    assert_eq!(ran.status, 128 + 15);
    assert!(
        ran.stderr.starts_with("window: 1 late record dropped, 1m35s late: stdin:1 (time "),
        "{}",
        ran.stderr
    );
}

#[test]
fn any_pieces_of_the_input_give_the_same_bytes() {
    let input = "{\"t\":10}\n{\"t\":25}\n{\"t\":3}\n{\"t\":21}\n{\"t\":90}";
    let stage: &[&str] = &["window", "--tumbling", "10s", "--time", ".t"];
    let whole = pipe(&[stage], input, input.len()).remove(0);
    assert_eq!(whole.stdout.lines().count(), 9);
    for bytes in [1, 9, 10] {
        let pieces = pipe(&[stage], input, bytes).remove(0);
        assert_eq!((pieces.stdout, pieces.stderr), (whole.stdout.clone(), whole.stderr.clone()));
    }
}

#[test]
fn that_a_stream_is_trusted_is_passed_on() {
    let start = "{\"@millstream\":{\"start\":{\"trusted\":true}}}\n";
    let mut command = tool("window", &["--tumbling", "1m", "--time", ".t"]);
    let end = "{\"@millstream\":{\"end\":{}}}\n";
    let ran = run(&mut command, format!("{start}{{\"t\":0}}\n{end}"));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.starts_with(start), "{ran:?}");
}

/// One record from the future closes all windows before it: it is named, with its file.
#[test]
fn the_record_that_made_others_late_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let [a, b] = ["a", "b"].map(path);
    fs::write(&a, "{\"t\":1}\n\n{\"t\":4102444800}\n{\"t\":4102444801}\n").unwrap();
    fs::write(&b, "{\"t\":2}\n{\"t\":3}\n").unwrap();
    let why = format!(
        "2 late records dropped, up to 130 years late: {a}:3 (time 2100-01-01T00:00:00Z) came first and closed their windows; --late FILE stores them; if a time in the future is wrong, --max-ahead 1d refuses such records; else a larger --out-of-order waits for them\n"
    );
    for tool_and in [&["window"][..], &["aggregate", "count"]] {
        let options = ["--tumbling", "10s", "--time", ".t", "--", &a, &b];
        let ran = run(&mut tool(tool_and[0], &[&tool_and[1..], &options].concat()), "");
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains(&why), "{}", ran.stderr);
    }
}

#[test]
fn late_records_that_cannot_be_kept_are_not_said_to_be() {
    let ran = window("--tumbling 10s --late /dev/full", "{\"t\":100}\n{\"t\":1}\n");
    assert_eq!(ran.status, 74, "{ran:?}");
    assert!(ran.stderr.contains("1 late record could not be stored in /dev/full"), "{ran:?}");
}

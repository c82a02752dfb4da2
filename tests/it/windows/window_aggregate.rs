//! `window` and `aggregate` together.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::Path;

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, shared_data, tool};
use nix::sys::signal::Signal;
use proptest::prelude::*;

const WINDOW: &[&str] = &["window", "--tumbling", "10s", "--time", ".t"];
const COUNT: &[&str] = &["aggregate", "--by", ".k", "count", "sum(.x)"];

/// Runs `aggregate count` over an input that a window might have written.
fn count(input: &str) -> Ran {
    run(&mut tool("aggregate", &["count"]), input)
}

const HEAD: &str =
    "{\"@millstream\":{\"window\":{\"tumbling\":{\"size_ms\":10000,\"offset_ms\":0}}}}\n";
const END: &str = "{\"@millstream\":{\"watermark\":\"end\"}}\n";

/// A record of the window of ten seconds that starts at this second of 1970.
fn record(start_s: u32) -> String {
    format!("{{{}}}\n", fields(start_s))
}

fn fields(start_s: u32) -> String {
    let time = |s: u32| format!("1970-01-01T00:{:02}:{:02}Z", s / 60, s % 60);
    format!("\"window_start\":\"{}\",\"window_end\":\"{}\"", time(start_s), time(start_s + 10))
}

fn counted(start_s: u32, count: u32) -> String {
    format!("{{{},\"count\":{count}}}\n", fields(start_s))
}

fn mark(ms: i64) -> String {
    format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{ms}}}}}}}\n")
}

#[test]
fn each_result_appears_as_soon_as_its_window_closes() {
    let mut pipeline = Pipeline::start(&[&["filter", "."], WINDOW, COUNT]);
    pipeline.send("{\"t\":1,\"k\":\"b\",\"x\":1}\n");
    pipeline.send("{\"t\":14.999,\"k\":\"a\"}\n");
    pipeline.send("{\"t\":2,\"k\":\"a\",\"x\":2}\n");
    pipeline.send("{\"t\":9,\"k\":\"b\",\"x\":3}\n");
    // The watermark reaches 9.999 s with this record, and no sooner.
    pipeline.send("{\"t\":15,\"k\":\"a\",\"x\":4}\n");
    assert_eq!(pipeline.line(), format!("{{{},\"k\":\"b\",\"count\":2,\"sum_x\":4}}", fields(0)));
    assert_eq!(pipeline.line(), format!("{{{},\"k\":\"a\",\"count\":1,\"sum_x\":2}}", fields(0)));
    // One record may close several windows.
    pipeline.send("{\"t\":28,\"k\":\"c\",\"x\":0.25}\n{\"t\":70,\"k\":\"c\"}\n");
    assert_eq!(pipeline.line(), format!("{{{},\"k\":\"a\",\"count\":2,\"sum_x\":4}}", fields(10)));
    assert_eq!(
        pipeline.line(),
        format!("{{{},\"k\":\"c\",\"count\":1,\"sum_x\":0.25}}", fields(20))
    );
    let left = pipeline.finish();
    let last = format!("{{{},\"k\":\"c\",\"count\":1,\"sum_x\":null}}\n", fields(70));
    assert_eq!((left[2].stdout.as_str(), left[2].status), (last.as_str(), 0));
    assert!(left.iter().all(|stage| stage.stderr.is_empty()), "{left:?}");
}

#[test]
fn records_without_windows_have_no_results_by_window() {
    let plain = run(tool("window", &WINDOW[1..]).arg("--plain"), "{\"t\":1}\n{\"t\":11}\n").stdout;
    assert_eq!(count(&plain).stdout, "{\"count\":2}\n");
    let empty = pipe(&[WINDOW, COUNT], "", 1);
    assert_eq!((empty[1].stdout.as_str(), empty[1].status), ("", 0));
}

#[test]
fn a_window_is_reported_once_and_later_records_are_late() {
    let stream =
        [HEAD, &record(0), &mark(9_999), &record(0), &record(10), &mark(9_999), END].concat();
    let ran = count(&stream);
    assert_eq!(ran.stdout, counted(0, 1) + &counted(10, 1));
    let why = "aggregate: 1 late record dropped: its window was closed already; --late FILE stores it; give \
               the window before this tool a larger --out-of-order, which waits for it\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (65, why));
}

#[test]
fn a_stream_that_was_cut_short_does_not_look_whole() {
    let ran = count(&[HEAD, &record(0), &mark(9_999), &record(10), &record(20)].concat());
    assert_eq!(ran.stdout, counted(0, 1));
    let why = "aggregate: stdin: the input was cut short: its final watermark is missing; 2 open windows are \
               not reported; see why the tools before this one ended\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (65, why));
}

#[test]
fn a_killed_window_is_noticed_behind_it() {
    let mut pipeline = Pipeline::start(&[WINDOW, COUNT]);
    pipeline.send("{\"t\":1,\"k\":1}\n{\"t\":15,\"k\":1}\n");
    pipeline.line();
    pipeline.signal(0, Signal::SIGKILL);
    let left = pipeline.finish();
    assert_eq!((left[0].status, left[1].status, left[1].stdout.as_str()), (128 + 9, 65, ""));
    assert!(left[1].stderr.contains("1 open window is not reported"), "{}", left[1].stderr);
}

#[test]
fn a_signal_reports_no_open_window() {
    let mut aggregate = Pipeline::start(&[&["aggregate", "count"]]);
    aggregate.send([HEAD, &record(0), &record(10), &mark(9_999)].concat());
    assert_eq!(aggregate.line() + "\n", counted(0, 1));
    aggregate.signal(0, Signal::SIGTERM);
    let ran = &aggregate.finish()[0];
    let why = "aggregate: stopped before the end of the input: 1 open window is not reported; \
             --on-interrupt report emits what there is\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (128 + 15, "", why));
}

#[test]
fn files_one_after_the_other_have_no_window_twice() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let first = file("first", [HEAD, &record(0), &record(10), END].concat());
    let second = file("second", [HEAD, &record(10), &record(20), &record(20), END].concat());
    let ran = run(tool("aggregate", &["count"]).args([first, second]), "");
    assert_eq!(ran.stdout, counted(0, 1) + &counted(10, 1) + &counted(20, 2));
    let why = "aggregate: 1 late record dropped: its window was reported for an earlier stream of the \
               input; --late FILE stores it; aggregate the streams separately, or sort their records by time\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (65, why));
}

#[test]
fn what_stands_between_must_keep_the_window() {
    for (line, why) in [
        (
            "{}",
            "the stream is windowed, but the record has no window_start; tools between window and aggregate must keep it",
        ),
        (
            "{\"window_start\":\"1970-01-01T00:00:00Z\"}",
            "the stream is windowed, but the record has no window_end; tools between window and aggregate must keep it",
        ),
        (
            "{\"window_start\":\"noon\"}",
            "window_start: \"noon\" is not a time; write it like 2013-01-01T10:00:00Z",
        ),
        (
            "{\"window_start\":\"1970-01-01T00:00:00Z\",\"window_end\":\"1970-01-01T00:00:00Z\"}",
            "the record's window is empty: window_end is not after window_start",
        ),
    ] {
        let ran = count(&format!("{HEAD}{line}\n"));
        let told =
            format!("aggregate: stdin:2: {why}; --rejects FILE stores such lines and continues\n");
        assert_eq!((ran.status, ran.stderr), (65, told));
    }
}

#[test]
fn windows_and_other_records_do_not_mix() {
    let ran = count(&format!("{{}}\n{HEAD}{END}"));
    let why = "aggregate: records without windows come before those with windows; aggregate them separately\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (65, "", why));
    let ran =
        run(&mut tool("aggregate", &["--by", ".window_start", "count"]), [HEAD, END].concat());
    let why = "aggregate: '.window_start': the results of a windowed stream have window_start already; give it another name, like NAME=.window_start\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (2, why));
}

#[test]
fn results_can_be_windowed_again() {
    let input: String = (0..200).map(|t| format!("{{\"t\":{t}}}\n")).collect();
    let left = pipe(
        &[
            WINDOW,
            &["aggregate", "count"],
            &["window", "--tumbling", "1m", "--time", ".window_start", "--out-of-order", "0"],
            &["aggregate", "sum(.count)", "windows=count"],
        ],
        &input,
        1_000,
    );
    let minutes: Vec<&str> = left[3].stdout.lines().collect();
    assert_eq!(minutes.len(), 4);
    assert!(
        minutes[0]
            .ends_with("\"window_end\":\"1970-01-01T00:01:00Z\",\"sum_count\":60,\"windows\":6}")
    );
    assert!(
        minutes[3]
            .ends_with("\"window_end\":\"1970-01-01T00:04:00Z\",\"sum_count\":20,\"windows\":2}")
    );
}

#[test]
fn any_pieces_of_the_input_give_the_same_bytes() {
    let input: String = (0..40_u32)
        .map(|n| format!("{{\"t\":{},\"k\":{},\"x\":{n}.5}}\n", n * 7 % 31 + n, n % 3))
        .collect();
    let whole = pipe(&[WINDOW, COUNT], &input, input.len());
    assert!(whole[0].stderr.contains("late records dropped"), "{}", whole[0].stderr);
    assert!(whole[1].stdout.lines().count() > 10, "{}", whole[1].stdout);
    let mut by_record = Pipeline::start(&[WINDOW, COUNT]);
    for line in input.split_inclusive('\n') {
        by_record.send(line);
    }
    for pieces in [pipe(&[WINDOW, COUNT], &input, 1), by_record.finish()] {
        for (stage, all) in pieces.iter().zip(&whole) {
            assert_eq!((&stage.stdout, &stage.stderr), (&all.stdout, &all.stderr));
        }
    }
}

/// The columns of a gzip CSV file without quoted cells: their numbers by name, and the rows.
fn table(path: &Path) -> (HashMap<String, usize>, Vec<Vec<String>>) {
    let mut csv = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut csv).unwrap();
    let mut rows = csv.lines().map(|line| line.split(',').map(str::to_owned).collect());
    let names: Vec<String> = rows.next().unwrap();
    (names.into_iter().zip(0..).collect(), rows.collect())
}

/// The example's delayed flights by hour and airport, as scripts/expected-delays.py counted them.
#[test]
fn a_month_of_flights_has_the_figures_that_python_counted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (columns, rows) = table(&root.join("examples/flights-2013-01.csv.gz"));
    let [delay, origin, hour] = ["dep_delay", "origin", "time_hour"].map(|name| columns[name]);
    let flight = |cells: &Vec<String>| {
        let delay = if cells[delay] == "NA" { "null" } else { &cells[delay] };
        let (origin, hour) = (&cells[origin], &cells[hour]);
        format!("{{\"dep_delay\":{delay},\"origin\":\"{origin}\",\"time_hour\":\"{hour}\"}}\n")
    };
    let flights: String = rows.iter().map(flight).collect();
    let left = pipe(
        &[
            &["filter", ".dep_delay != null and .dep_delay > 15"],
            &["window", "--tumbling", "1h", "--time", ".time_hour", "--out-of-order", "24h"],
            &["aggregate", "--by", ".origin", "count", "avg(.dep_delay)", "max(.dep_delay)"],
        ],
        &flights,
        10_000,
    );
    assert!(left.iter().all(|stage| (stage.status, stage.stderr.as_str()) == (0, "")));
    let expected = fs::read_to_string(root.join("tests/golden/flights-delays.ndjson")).unwrap();
    assert!(left[2].stdout == expected, "the results are not those of flights-delays.ndjson");
}

/// Against the figures of shared/data/README.md, which awk counted. The year is out of order by
/// months, so the windows wait for all of it.
#[test]
fn a_year_of_flights_has_the_figures_that_awk_counted() {
    let Some(data) = shared_data() else { return };
    let (columns, rows) = table(&data.join("csv/nyc-flights-2013.csv.gz"));
    let numbers = ["dep_delay", "arr_delay", "distance"].map(|name| (name, columns[name]));
    let [origin, hour] = ["origin", "time_hour"].map(|name| columns[name]);
    let mut input = String::new();
    for cells in &rows {
        input += &format!("{{\"origin\":\"{}\",\"time_hour\":\"{}\"", cells[origin], cells[hour]);
        for (name, at) in numbers {
            let cell = if cells[at] == "NA" { "null" } else { &cells[at] };
            input += &format!(",\"{name}\":{cell}");
        }
        input += "}\n";
    }
    let window = ["window", "--tumbling", "1h", "--time", ".time_hour", "--out-of-order", "366d"];
    let reduce = [
        "aggregate",
        "--by",
        ".origin",
        "count",
        "delay=sum(.dep_delay)",
        "delayed=count(.dep_delay)",
        "arrived=count(.arr_delay)",
        "sum(.distance)",
    ];
    let left = pipe(&[&window, &reduce], &input, 1 << 20);
    assert_eq!((left[0].status, left[0].stderr.as_str(), left[1].status), (0, "", 0));
    let groups = &left[1].stdout;
    assert_eq!(groups.lines().count(), 19_486);
    assert!(groups.lines().map(|line| line.split(',').next()).is_sorted());
    // The groups' results, reduced again, are those of the year.
    let again = |arguments: &[&str]| run(&mut tool("aggregate", arguments), groups).stdout;
    assert_eq!(
        again(&["--by", ".origin", "sum(.count)"]),
        r#"{"origin":"EWR","sum_count":120835}
{"origin":"LGA","sum_count":104662}
{"origin":"JFK","sum_count":111279}
"#
    );
    let year = ["sum(.count)", "sum(.delay)", "sum(.delayed)", "sum(.arrived)"];
    let ends = ["miles=sum(.sum_distance)", "min(.window_start)", "max(.window_start)"];
    assert_eq!(
        again(&[&year[..], &ends].concat()),
        "{\"sum_count\":336776,\"sum_delay\":4152200,\"sum_delayed\":328521,\
         \"sum_arrived\":327346,\"miles\":350217607,\
         \"min_window_start\":\"2013-01-01T10:00:00Z\",\
         \"max_window_start\":\"2014-01-01T04:00:00Z\"}\n"
    );
}

/// One record of a random stream: event time in seconds, key, value.
type Event = (i64, u8, i64);

/// A plain, slow model of the pair: the results, and how many records were late.
fn model(events: &[Event], size_s: i64, out_of_order_s: i64) -> (String, usize) {
    let mut late = 0;
    let mut greatest_ms = None::<i64>;
    // By end of the window; in a window, groups in first-seen order.
    let mut windows: BTreeMap<i64, Vec<(u8, u64, i64)>> = BTreeMap::new();
    for (time_s, key, value) in events {
        let end_ms = (time_s.div_euclid(size_s) + 1) * size_s * 1_000;
        if greatest_ms.is_some_and(|greatest_ms| end_ms - 1 < greatest_ms - out_of_order_s * 1_000)
        {
            late += 1;
            continue;
        }
        greatest_ms = greatest_ms.max(Some(time_s * 1_000));
        let groups = windows.entry(end_ms).or_default();
        match groups.iter_mut().find(|(other, ..)| other == key) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + value),
            None => groups.push((*key, 1, *value)),
        }
    }
    let mut results = String::new();
    for (end_ms, groups) in &windows {
        let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
        let (start, end) = (time(end_ms - size_s * 1_000), time(*end_ms));
        for (key, count, sum) in groups {
            results += &format!(
                "{{\"window_start\":\"{start}\",\"window_end\":\"{end}\",\"k\":\"k{key}\",\"count\":{count},\"sum_x\":{sum}}}\n"
            );
        }
    }
    (results, late)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Streams with disorder, gaps, ties, late records and times before 1970.
    #[test]
    fn the_pair_agrees_with_a_plain_model(
        steps in proptest::collection::vec((-25_i64..30, 0_u8..4, -100_i64..100, 0_u8..20), 0..120),
        first_s in -200_i64..200, size_s in 1_i64..30, out_of_order_s in 0_i64..40,
    ) {
        let mut at_s = first_s;
        let events: Vec<Event> = steps.iter().map(|(step, key, value, leap)| {
            at_s += step.signum() * if *leap == 0 { step.abs() * 20 } else { step.abs() };
            (at_s, *key, *value)
        }).collect();
        let input: String = events.iter()
            .map(|(time_s, key, value)| format!("{{\"t\":{time_s},\"k\":\"k{key}\",\"x\":{value}}}\n"))
            .collect();
        let (size, bound) = (format!("{size_s}s"), format!("{out_of_order_s}s"));
        let window = ["window", "--tumbling", &size, "--time", ".t", "--out-of-order", &bound];
        let left = pipe(&[&window, COUNT], &input, 64 << 10);
        let (results, late) = model(&events, size_s, out_of_order_s);
        prop_assert_eq!(&left[1].stdout, &results);
        let told = left[0].stderr.split(' ').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
        prop_assert_eq!(told, late, "{}", left[0].stderr);
        prop_assert_eq!((left[0].status, left[1].status), (if late == 0 { 0 } else { 65 }, 0));
    }
}

#[test]
fn a_late_record_of_a_session_is_told_with_the_option_that_is_there() {
    let input = "{\"t\":0}\n{\"t\":100}\n{\"t\":1}\n{\"t\":200}\n";
    let args = ["--session", "1s", "--time", ".t", "--by", ".k", "count"];
    let ran = run(&mut tool("aggregate", &args), input);
    assert_eq!(ran.status, 65);
    let why = "aggregate: 1 late record dropped: its window was closed already; --late FILE stores it; if ";
    assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("; else a larger --out-of-order waits for it\n"),
        "{}",
        ran.stderr
    );
}

//! Event times of every kind in `window` and `aggregate`: zones, hours that are shown twice, weeks,
//! times far ahead; and what results say of their own time.

use std::fs;

use crate::common::live::Pipeline;
use crate::common::{Ran, run, tool};

fn times(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{{\"t\":\"{text}\"}}\n")).collect()
}

fn window(arguments: &[&str], input: &str) -> Ran {
    let common = ["--time", ".t", "--plain"];
    run(&mut tool("window", &[arguments, &common].concat()), input)
}

/// When the windows of records begin, where nothing is wrong.
fn starts(arguments: &[&str], input: &str) -> Vec<String> {
    let ran = window(arguments, input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let start = |line: &str| line.split("\"window_start\":\"").nth(1).unwrap()[..16].to_owned();
    ran.stdout.lines().map(start).collect()
}

const LOCAL: [&str; 4] =
    ["2020-01-01T00:00:00", "2020-01-01 00:00:00.5", "2020-01-01", "2020-01-01T00:00"];

#[test]
fn times_without_an_offset_are_those_of_the_zone() {
    let berlin = ["--tumbling", "1d", "--tz", "Europe/Berlin"];
    assert_eq!(starts(&berlin, &times(&LOCAL)), ["2019-12-31T23:00"; 4]);
    assert_eq!(starts(&berlin, &times(&["2020-01-01T00:00Z"])), ["2019-12-31T23:00"]);
    assert_eq!(starts(&["--tumbling", "1d"], &times(&["2020-01-01T00:00Z"])), ["2020-01-01T00:00"]);
    for with in [["--tumbling", "1d"], ["--over", "1d"], ["--session", "1d"]] {
        let options = ["--time", ".t", "--tz", "Europe/Berlin", "n=count"];
        let ran = run(&mut tool("aggregate", &[&with[..], &options].concat()), times(&LOCAL));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{with:?}");
        assert!(ran.stdout.contains("\"n\":4"), "{with:?} {}", ran.stdout);
    }
}

#[test]
fn a_time_that_cannot_be_read_leads_to_the_option_that_reads_it() {
    for (text, hint) in [
        ("2020-01-01T00:00:00", "or name the time zone: --tz Europe/Berlin, or --tz UTC"),
        ("2020-01-01", "or name the time zone: --tz Europe/Berlin, or --tz UTC"),
        ("1577836800", "it is a number in quotes; --time '.t | tonumber' reads it"),
        ("01/Jan/2020", "--time-format FORMAT reads other forms, as in '%d/%b/%Y:%H:%M:%S %z'"),
    ] {
        for options in [&["--tumbling", "1d"][..], &["--session", "1d"]] {
            let ran = window(options, &times(&[text]));
            assert!(ran.status == 65 && ran.stderr.contains(hint), "{text}: {}", ran.stderr);
        }
        let over = ["--over", "1d", "--time", ".t", "count"];
        let ran = run(&mut tool("aggregate", &over), times(&[text]));
        assert!(ran.status == 65 && ran.stderr.contains(hint), "{text}: {}", ran.stderr);
    }
}

/// Each quarter of an hour from 1:30 on, through the hour that is shown twice, until 3:15.
fn autumn() -> String {
    let first = ["01:30", "01:45", "02:00", "02:15", "02:30", "02:45"];
    let second = ["02:00", "02:15", "02:30", "02:45", "03:00", "03:15"];
    let shown = first.iter().chain(&second).map(|time| format!("2024-10-27T{time}:00"));
    times(&shown.collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn an_hour_that_is_shown_twice_is_told_or_taken_as_one_says() {
    let count = |more: &[&str]| {
        let options = ["--tumbling", "1h", "--time", ".t", "--tz", "Europe/Berlin", "n=count"];
        let ran = run(&mut tool("aggregate", &[&options, more].concat()), autumn());
        let counts = ran.stdout.lines().map(|row| row.split("\"n\":").nth(1).unwrap().to_owned());
        (ran.status, counts.map(|n| n.replace('}', "")).collect::<Vec<_>>().join(" "), ran.stderr)
    };
    let told = "aggregate: 8 event times occur twice in Europe/Berlin, because clocks are set back: read as the earlier one; --ambiguous later, nearest or reject selects another reading\n";
    assert_eq!(count(&[]), (0, "2 8 2".to_owned(), told.to_owned()));
    assert_eq!(count(&["--ambiguous", "earlier"]), (0, "2 8 2".to_owned(), String::new()));
    assert_eq!(count(&["--ambiguous", "nearest"]), (0, "2 4 4 2".to_owned(), String::new()));
    assert_eq!(count(&["--ambiguous", "later"]), (0, "2 8 2".to_owned(), String::new()));
    let described = ["--time-format", "%Y-%m-%dT%H:%M:%S"];
    assert_eq!(count(&described), (0, "2 8 2".to_owned(), told.to_owned()));
    let nearest = [&described[..], &["--ambiguous", "nearest"]].concat();
    assert_eq!(count(&nearest), (0, "2 4 4 2".to_owned(), String::new()));
    let (status, _, why) = count(&["--ambiguous", "reject"]);
    let twice = "aggregate: stdin:3: --time '.t': \"2024-10-27T02:00:00\": it occurs twice in Europe/Berlin, because clocks are set back; --ambiguous earlier, later or nearest selects one";
    assert!(status == 65 && why.starts_with(twice), "{why}");
    // What clocks never show is told, too.
    let ran =
        window(&["--tumbling", "1h", "--tz", "Europe/Berlin"], &times(&["2024-03-31T02:30:00"]));
    let never = "window: 1 event time occurs at no instant in Europe/Berlin, because clocks are set past it: moved forward by the gap; --ambiguous reject refuses such times\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (0, never));
}

#[test]
fn a_leap_second_is_in_one_window_however_it_is_written() {
    let leap = ["2016-12-31T23:59:60Z"];
    let expected = ["2017-01-01T00:00"];
    assert_eq!(starts(&["--tumbling", "1m"], &times(&leap)), expected);
    let described = ["--tumbling", "1m", "--tz", "UTC", "--time-format", "%Y-%m-%dT%H:%M:%SZ"];
    assert_eq!(starts(&described, &times(&leap)), expected);
    let local = ["--tumbling", "1m", "--tz", "Europe/Berlin"];
    assert_eq!(starts(&local, &times(&["2017-01-01T00:59:60"])), expected);
}

#[test]
fn weeks_and_days_begin_when_one_says() {
    let wednesday = times(&["2024-07-03T12:00:00Z"]);
    for (options, start) in [
        (&["--tumbling", "1w"][..], "2024-07-01T00:00"),
        (&["--tumbling", "1w", "--tz", "UTC"], "2024-07-01T00:00"),
        (&["--tumbling", "1w", "--week-start", "sunday"], "2024-06-30T00:00"),
        (
            &["--tumbling", "1w", "--week-start", "sunday", "--tz", "America/New_York"],
            "2024-06-30T04:00",
        ),
        (&["--tumbling", "1d", "--offset", "6h", "--tz", "Europe/Berlin"], "2024-07-03T04:00"),
        (&["--tumbling", "1mo", "--offset", "6h"], "2024-07-01T06:00"),
    ] {
        assert_eq!(starts(options, &wednesday), [start], "{options:?}");
        // The control record tells aggregate the same.
        let head = run(&mut tool("window", &[options, &["--time", ".t"]].concat()), &wednesday);
        let piped = run(&mut tool("aggregate", &["count"]), &head.stdout);
        assert!(piped.status == 0 && piped.stdout.contains(start), "{options:?} {piped:?}");
    }
    for (options, why) in [
        (
            &["--tumbling", "1d", "--week-start", "sunday"][..],
            "--week-start: it has no effect on windows",
        ),
        (&["--session", "1w", "--week-start", "sunday"], "--week-start has no effect with"),
        (&["--tumbling", "1w", "--week-start", "so"], "'so' is not a day of the week"),
        (&["--tumbling", "1M"], "w, d, h, m, s and ms, and mo and y for months and years"),
        (&["--tumbling", "1mo15d"], "write it like 1mo, 3mo or 1y"),
        (&["--tumbling", "-1h"], "'-1h' is negative"),
        (&["--session", "--plain"], "a duration is missing before the option '--plain', like 30m"),
        (
            &["--tumbling", "1h", "--offset", "--plain"],
            "a duration is missing before the option '--plain', like 30m",
        ),
        (&["--tumbling", "1h", "--out-of-order", "-1s"], "'-1s' is negative"),
        (&["--tumbling", "1h", "--max-ahead", "0"], "--max-ahead: must be longer than 0"),
        (&["--tumbling", "1h", "--allowed-lateness", "1mo"], "not always equally long"),
    ] {
        let ran = window(options, &wednesday);
        assert!(ran.status == 2 && ran.stderr.contains(why), "{options:?} {}", ran.stderr);
    }
}

#[test]
fn a_record_far_ahead_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let input = "{\"t\":1}\n{\"t\":4000000000}\n{\"t\":2}\n{\"t\":86402}\n";
    for with in [["--tumbling", "1m"], ["--session", "1m"], ["--over", "1m"]] {
        let options = ["--time", ".t", "--max-ahead", "1d", "n=count"];
        let options = [&with[..], &options].concat();
        let ran = run(&mut tool("aggregate", &options), input);
        let why = "aggregate: stdin:2: the time 2096-10-02T07:06:40Z is 6613w5d7h6m39s ahead of the maximum so far, 1970-01-01T00:00:01Z; --max-ahead 1d allows no more; --rejects FILE";
        assert!(ran.status == 65 && ran.stderr.starts_with(why), "{}", ran.stderr);
        let kept = [&options[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        let ran = run(&mut tool("aggregate", &kept), input);
        assert!(ran.status == 65 && !ran.stderr.contains("late"), "{}", ran.stderr);
        assert!(ran.stdout.contains("\"n\":2"), "{with:?} {}", ran.stdout);
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "{\"t\":4000000000}\n");
        fs::remove_file(&rejects).unwrap();
    }
}

#[test]
fn a_chain_of_windows_by_window_time_lands_in_the_window_around() {
    let input: String = (0..120).map(|second| format!("{{\"t\":{second}}}\n")).collect();
    for first in [
        &["--tumbling", "10s"][..],
        &["--hop", "10s", "--size", "20s"],
        &["--cumulate", "10s", "--size", "1m", "--emit", "updates", "--every", "10s"],
        &["--session", "5s"],
    ] {
        let options = ["--time", ".t", "--window-time", "n=count"];
        let inner = run(&mut tool("aggregate", &[first, &options].concat()), &input);
        assert_eq!((inner.status, inner.stderr.as_str()), (0, ""), "{first:?}");
        let row: serde_json::Value =
            serde_json::from_str(inner.stdout.lines().next().unwrap()).unwrap();
        let (end, time) =
            (row["window_end"].as_str().unwrap(), row["window_time"].as_str().unwrap());
        assert!(time < end && time.ends_with(".999Z"), "{row}");
        let order: Vec<&String> = row.as_object().unwrap().keys().take(3).collect();
        assert_eq!(order.len(), 3);
        assert!(inner.stdout.contains("\",\"window_time\":\""), "{}", inner.stdout);
    }
    let inner = ["--tumbling", "10s", "--time", ".t", "--window-time", "n=count"];
    let inner = run(&mut tool("aggregate", &inner), &input);
    let outer = ["--tumbling", "1m", "--time", ".window_time", "sum(.n)"];
    let outer = run(&mut tool("aggregate", &outer), &inner.stdout);
    let sums: Vec<&str> = outer.stdout.lines().map(|row| row.rsplit(':').next().unwrap()).collect();
    assert_eq!(sums, ["60}", "60}"]);
    for (options, why) in [
        (&["--window-time", "count"][..], "--window-time adds the last time of a result's window"),
        (&["--count", "2", "--window-time", "count"], "--window-time adds the last time"),
        (
            &["--tumbling", "1m", "--time", ".t", "--window-time", "window_time=count"],
            "window_time already",
        ),
    ] {
        let ran = run(&mut tool("aggregate", options), "{\"t\":1}\n");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{options:?} {}", ran.stderr);
    }
}

#[test]
fn what_waits_for_a_quiet_stream_comes_out_with_idle() {
    let over = ["aggregate", "--over", "1m", "--time", ".t", "--idle", "100ms", "n=count"];
    let mut pipeline = Pipeline::start(&[&over]);
    pipeline.send("{\"t\":1}\n{\"t\":2}\n");
    assert_eq!(pipeline.line(), "{\"t\":1,\"n\":1}");
    assert_eq!(pipeline.line(), "{\"t\":2,\"n\":2}");
    // Event time has gone on as the clock did.
    pipeline.send("{\"t\":600}\n");
    assert_eq!(pipeline.line(), "{\"t\":600,\"n\":1}");
    assert_eq!(pipeline.finish()[0].status, 0);
    let none = ["--over", "3", "--idle", "1s", "count"];
    let ran = run(&mut tool("aggregate", &none), "");
    assert!(ran.status == 2 && ran.stderr.contains("--idle has no effect"), "{}", ran.stderr);
}

#[test]
fn partitions_have_their_own_time_with_over() {
    let start = "{\"@millstream\":{\"partitions\":[0,1]}}\n";
    let input = [
        "{\"@millstream\":{\"partition\":0}}\n{\"t\":1}\n{\"t\":9000}\n",
        "{\"@millstream\":{\"partition_end\":0}}\n",
        "{\"@millstream\":{\"partition\":1}}\n{\"t\":2}\n{\"t\":9001}\n",
        "{\"@millstream\":{\"partition_end\":1}}\n",
    ];
    let input = [&[start], &input[..]].concat().concat();
    let ran = run(&mut tool("aggregate", &["--over", "1m", "--time", ".t", "n=count"]), input);
    let rows = "{\"t\":1,\"n\":1}\n{\"t\":2,\"n\":2}\n{\"t\":9000,\"n\":1}\n{\"t\":9001,\"n\":2}\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, rows, ""));
}

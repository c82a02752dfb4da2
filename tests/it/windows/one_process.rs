//! `aggregate` with the options of `window` gives what the two give in a pipe, byte for byte.

use std::fs;

use crate::common::{Ran, run, tool};

/// Events with disorder, ties, late ones, gaps, and now and then fields that windows add.
fn events() -> String {
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut at_ms = 1_700_000_000_000_u64;
    let mut all = String::new();
    for number in 0..600 {
        at_ms += random(700) + if random(40) == 0 { 40_000 } else { 0 };
        let time_ms = at_ms - if random(5) == 0 { random(9_000) } else { 0 };
        let (host, quarters) = (random(4), random(400) as f64 / 4.0);
        let more = match random(30) {
            0 => ",\"window_end\":\"2000-01-01T00:00:00Z\"",
            1 => ",\"slice_start\":1",
            _ => "",
        };
        let line = format!(
            "{{\"ts\":{time_ms},\"host\":\"h{host}\",\"n\":{number},\"ms\":{quarters}{more}}}\n"
        );
        all.push_str(&line);
    }
    all
}

/// What the two give in a pipe.
fn piped(window: &[&str], aggregate: &[&str], input: &str) -> Ran {
    let windowed = run(&mut tool("window", window), input);
    run(&mut tool("aggregate", aggregate), &windowed.stdout)
}

const KINDS: &[&[&str]] = &[
    &["--tumbling", "10s"],
    &["--tumbling", "10s", "--offset", "3s", "--out-of-order", "0s", "--allowed-lateness", "4s"],
    &["--tumbling", "1d", "--tz", "Europe/Berlin"],
    &["--hop", "2s", "--size", "20s"],
    &["--hop", "4s", "--size", "10s", "--out-of-order", "1s", "--allowed-lateness", "6s"],
    &["--hop", "5s", "--size", "15s", "--expand"],
    &["--hop", "1d", "--size", "1w", "--tz", "Europe/Berlin"],
    &["--cumulate", "5s", "--size", "20s"],
    &["--cumulate", "5s", "--size", "20s", "--expand", "--out-of-order", "1s"],
    &["--session", "700ms", "--out-of-order", "1s"],
    &["--session", "2s", "--out-of-order", "0s", "--allowed-lateness", "9s"],
];

/// Aggregates that need no more than fields of their own; those behind look at what is added.
const AGGREGATES: &[&[&str]] = &[
    &["--by", ".host", "count", "avg(.ms)", "first(.n)", "collect(.n)"],
    &["count", "p99(.ms)", "rate", "most=max(.ms) where .host != \"h1\""],
    &["--by", ".host", "last(.)"],
    &["--by", "end=.window_end", "--by", "start=.slice_start", "count"],
    &["names=last(keys)"],
];

const EMISSIONS: &[&[&str]] = &[
    &[],
    &["--having", ".host != \"h2\""],
    &["--emit", "updates"],
    &["--emit", "all"],
    &["--format", "table"],
];

#[test]
fn it_is_the_pipe_byte_for_byte() {
    let events = events();
    let time = ["--time", ".ts"];
    let mut different = Vec::new();
    let mut compare = |window: &[&str], aggregate: &[&str]| {
        let apart = piped(window, aggregate, &events);
        let one = run(&mut tool("aggregate", &[window, aggregate].concat()), &events);
        assert!(!one.stdout.is_empty(), "{window:?} {aggregate:?}: {}", one.stderr);
        if apart.stdout != one.stdout {
            different.push(format!("{window:?} {aggregate:?}"));
        }
    };
    for kind in KINDS {
        let window = [kind, &time[..]].concat();
        for (at, aggregates) in AGGREGATES.iter().enumerate() {
            for emission in EMISSIONS.iter().take(if at == 0 { EMISSIONS.len() } else { 1 }) {
                compare(&window, &[*emission, *aggregates].concat());
            }
        }
    }
    for emission in EMISSIONS {
        compare(&["--count", "7"], &[*emission, &["--by", ".host", "collect(.n)"]].concat());
    }
    assert!(different.is_empty(), "these differ:\n{}", different.join("\n"));
}

#[test]
fn windows_without_records_are_those_of_the_pipe() {
    let events = events();
    let fill = ["--fill", "--fill-for", "30s", "--by", ".host", "count", "sum(.ms)", "last(.n)"];
    for kind in KINDS.iter().filter(|kind| kind[0] != "--session") {
        let window = [kind, &["--time", ".ts"][..]].concat();
        for emission in [&["--top", "2:count", "--window-time"][..], &[], &["--emit", "all"]] {
            let aggregate = [emission, &fill].concat();
            let apart = piped(&window, &aggregate, &events);
            let one = run(&mut tool("aggregate", &[&window[..], &aggregate].concat()), &events);
            assert!(one.stdout == apart.stdout, "{window:?} {aggregate:?}: {}", one.stderr);
        }
    }
}

/// What fails when a watermark or a record closes a window ends the tool then, not later or never.
#[test]
fn a_result_that_cannot_be_tested_ends_it_as_in_the_pipe() {
    result_that_cannot_be_tested(&["--tumbling", "10s", "--time", ".ts", "--time-unit", "s"], 1);
    result_that_cannot_be_tested(&["--count", "2"], 0);
}

fn result_that_cannot_be_tested(window: &[&str], first: u64) {
    let having = format!("if .first_n == {first} then error else true end");
    let aggregate = ["--having", &having, "first(.n)"];
    let records =
        [(0, 0), (10, 1), (30, 2), (60, 3)].map(|(s, n)| format!("{{\"ts\":{s},\"n\":{n}}}\n"));
    let apart = piped(window, &aggregate, &records.concat());
    let one = run(&mut tool("aggregate", &[window, &aggregate].concat()), records.concat());
    assert_eq!(apart.status, 65);
    assert_eq!((one.status, one.stdout, one.stderr), (65, apart.stdout, apart.stderr));
}

#[test]
fn windows_from_slices_are_those_of_records_that_come_once_for_each() {
    let events = events();
    let aggregates = ["--by", ".host", "count", "sum(.ms)", "collect(.n)", "first(.n)"];
    let overlap =
        |kind: &&&[&str]| ["--hop", "--cumulate"].contains(&kind[0]) && !kind.contains(&"--expand");
    for kind in KINDS.iter().filter(overlap) {
        let window = [kind, &["--time", ".ts"][..]].concat();
        let sliced = piped(&window, &aggregates, &events);
        let expanded = piped(&[&window[..], &["--expand"]].concat(), &aggregates, &events);
        assert_eq!((expanded.status, sliced.stdout.is_empty()), (sliced.status, false));
        assert!(sliced.stdout == expanded.stdout, "{kind:?}");
    }
}

#[test]
fn windows_can_be_windowed_again_by_their_ends() {
    let events = events();
    let first = piped(
        &["--hop", "5s", "--size", "10s", "--time", ".ts"],
        &["--by", ".host", "count"],
        &events,
    );
    let window = ["--tumbling", "1m", "--time", ".window_end", "--out-of-order", "10s"];
    let aggregate = ["--by", ".host", "windows=count", "sum(.count)"];
    let again = piped(&window, &aggregate, &first.stdout);
    let one = run(&mut tool("aggregate", &[&window[..], &aggregate].concat()), &first.stdout);
    assert_eq!((again.status, one.stdout), (0, again.stdout.clone()));
    // Whatever was counted first is there: nothing of it is late.
    let sum = |rows: &str, field: &str| -> u64 {
        let row = |row| serde_json::from_str::<serde_json::Value>(row).unwrap();
        rows.lines().map(|line| row(line)[field].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&again.stdout, "sum_count"), sum(&first.stdout, "count"));
}

#[test]
fn every_is_told_to_both_at_once() {
    let events = events();
    let aggregate = ["--emit", "updates", "--by", ".host", "count", "last(.n)"];
    for kind in
        [&["--tumbling", "10s"][..], &["--hop", "5s", "--size", "10s"], &["--session", "1s"]]
    {
        let window =
            [kind, &["--time", ".ts", "--every", "3s", "--allowed-lateness", "5s"]].concat();
        let apart = piped(&window, &[&["--every", "3s"], &aggregate[..]].concat(), &events);
        let one = run(&mut tool("aggregate", &[&window, &aggregate[..]].concat()), &events);
        assert_eq!(apart.stdout, one.stdout);
        assert!(one.stdout.contains("\"pane\":\"early\""));
    }
}

#[test]
fn late_records_are_kept_as_they_came_and_bad_ones_move_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let events = events();
    for kind in [&["--tumbling", "5s"][..], &["--session", "1s"]] {
        let window = [kind, &["--time", ".ts", "--out-of-order", "1s"]].concat();
        let kept = |name: &str| dir.path().join(format!("{name}{}", kind[0]));
        let (of_pipe, of_one) = (kept("pipe"), kept("one"));
        let late = ["--late", of_pipe.to_str().unwrap()];
        if kind[0] == "--session" {
            piped(&window, &[&late[..], &["--by", ".host", "count"]].concat(), &events);
        } else {
            piped(&[&window[..], &late].concat(), &["--by", ".host", "count"], &events);
        }
        let late = ["--late", of_one.to_str().unwrap()];
        let arguments = [&window[..], &late, &["--by", ".host", "count"]].concat();
        assert_eq!(run(&mut tool("aggregate", &arguments), &events).status, 0);
        let kept = fs::read_to_string(of_one).unwrap();
        assert!(kept.lines().count() > 5);
        // Where a record had such fields before, window has put others in their place.
        let kept_of_pipe = fs::read_to_string(of_pipe).unwrap();
        let same = |(one, other): (&str, &str)| one == other || one.contains("slice_start");
        assert_eq!(kept.lines().count(), kept_of_pipe.lines().count());
        assert!(kept.lines().zip(kept_of_pipe.lines()).all(same));
        assert!(kept.lines().all(|line| events.contains(line)));
    }
    // A record without a number is rejected, yet its time counts.
    let input = "{\"t\":1,\"x\":1}\n{\"t\":99,\"x\":\"?\"}\n{\"t\":2,\"x\":1}\n";
    let rejects = dir.path().join("rejects");
    let window = ["--tumbling", "10s", "--time", ".t"];
    let aggregate = ["--rejects", rejects.to_str().unwrap(), "sum(.x)"];
    let one = run(&mut tool("aggregate", &[&window[..], &aggregate].concat()), input);
    assert_eq!(one.stdout, piped(&window, &aggregate, input).stdout);
    assert!(one.stderr.contains("1 late record dropped"), "{}", one.stderr);
}

#[test]
fn options_that_do_not_go_together_are_told() {
    for (arguments, why) in [
        (vec!["--tumbling", "1m", "count"], "add --time EXPR"),
        (vec!["--tumbling", "1m", "--time", ".t", "--over", "3", "count"], "leave out the windows"),
        (vec!["--size", "1m", "count"], "--size"),
        (vec!["--time", ".t", "count"], "it needs windows, like --tumbling 1m"),
        (vec!["--session", "1m", "--time", ".t", "--top", "1:count", "count"], "each session"),
    ] {
        let ran = run(&mut tool("aggregate", &arguments), "");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{arguments:?}: {}", ran.stderr);
    }
}

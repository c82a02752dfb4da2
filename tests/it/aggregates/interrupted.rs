//! `aggregate --on-interrupt report`: what there is when a signal comes.

use nix::sys::signal::Signal;

use crate::common::live::Pipeline;
use crate::common::{run, tool};

const WINDOWED: [&str; 4] = ["--tumbling", "10s", "--time", ".t"];

fn window(start: u32, pane: &str, key: &str, count: u32) -> String {
    format!(
        "{{\"window_start\":\"1970-01-01T00:00:{start:02}Z\",\"window_end\":\
         \"1970-01-01T00:00:{:02}Z\",{pane}\"k\":\"{key}\",\"count\":{count}}}\n",
        start + 10
    )
}

#[test]
fn open_windows_are_reported_and_marked() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let stage =
            [&["aggregate", "--by", ".k", "count", "--on-interrupt", "report"], &WINDOWED[..]];
        let mut pipeline = Pipeline::start(&[&stage.concat()]);
        pipeline.send(
            "{\"t\":1,\"k\":\"a\"}\n{\"t\":15,\"k\":\"b\"}\n{\"t\":16,\"k\":\"a\"}\n{\"t\":17,\"k\":\"b\"}\n",
        );
        assert_eq!(pipeline.line() + "\n", window(0, "", "a", 1));
        pipeline.signal(0, signal);
        let ran = pipeline.finish().remove(0);
        let marked = "\"pane\":\"interrupted\",";
        let expected = window(10, marked, "b", 2) + &window(10, marked, "a", 1);
        assert_eq!((ran.status, ran.stdout, ran.stderr.as_str()), (status, expected, ""));
    }
}

#[test]
fn every_kind_of_window_is_reported() {
    for (windows, window) in [
        (
            &["--hop", "5s", "--size", "10s", "--time", ".t"] as &[&str],
            "\"window_start\":\"1970-01-01T00:00:10Z\"",
        ),
        (&["--session", "5s", "--time", ".t"], "\"window_start\":\"1970-01-01T00:00:15Z\""),
        (&["--count", "3"], "\"window\":1"),
        (&[], "\"count\""),
    ] {
        let stage = ["aggregate", "count", "--emit", "updates", "--on-interrupt", "report"];
        let mut pipeline = Pipeline::start(&[&[&stage, windows].concat()]);
        // The first of them fill a window that counts.
        pipeline.send("{\"t\":15}\n{\"t\":15}\n{\"t\":15}\n{\"t\":16}\n");
        while !pipeline.line().contains("\"early\"") {}
        pipeline.signal(0, Signal::SIGINT);
        let ran = pipeline.finish().remove(0);
        let last = ran.stdout.lines().find(|line| line.contains("\"pane\":\"interrupted\""));
        assert!(last.is_some_and(|line| line.contains(window)), "{windows:?} {ran:?}");
        assert_eq!(ran.status, 130);
    }
}

#[test]
fn nothing_is_reported_unless_it_is_asked_for() {
    let mut pipeline = Pipeline::start(&[&[&["aggregate", "count"], &WINDOWED[..]].concat()]);
    pipeline.send("{\"t\":1}\n{\"t\":15}\n");
    pipeline.line();
    pipeline.signal(0, Signal::SIGINT);
    let ran = pipeline.finish().remove(0);
    assert_eq!((ran.status, ran.stdout.as_str()), (130, ""));
    assert!(ran.stderr.contains("1 open window is not reported"), "{ran:?}");
}

#[test]
fn a_field_of_that_name_is_refused() {
    let args = ["--on-interrupt", "report", "--by", "pane=.x", "count"];
    let ran = run(&mut tool("aggregate", &args), "{}\n");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("give yours another name"), "{ran:?}");
}

//! Where a stream ends: one that was cut short is never taken for whole, by none of the tools.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::live::{Pipeline, follow};
use crate::common::{self, Guard, PATIENCE, Ran, run, tool};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

const START: &str = "{\"@millstream\":{\"start\":{\"trusted\":true}}}\n";
const END: &str = "{\"@millstream\":{\"end\":{}}}\n";
const WINDOW: &str =
    "{\"@millstream\":{\"window\":{\"tumbling\":{\"size_ms\":60000,\"offset_ms\":0}}}}\n";
const FINAL: &str = "{\"@millstream\":{\"watermark\":\"end\"}}\n";
const TUMBLING: [&str; 4] = ["--tumbling", "1m", "--time", ".t"];

fn on(dir: &Path, name: &str, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(tool(name, args).env("MILLSTREAM_DIR", dir).current_dir(dir), input)
}

/// Runs a tool that needs no log.
fn of(name: &str, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(&mut tool(name, args), input)
}

/// Records of these seconds.
fn records(seconds: &[u32]) -> String {
    seconds.iter().map(|second| format!("{{\"t\":{second}}}\n")).collect()
}

/// A record with its minute.
fn in_minute(second: u32) -> String {
    let (from, to) = (second / 60, second / 60 + 1);
    format!(
        "{{\"t\":{second},\"window_start\":\"1970-01-01T00:{from:02}:00Z\",\
         \"window_end\":\"1970-01-01T00:{to:02}:00Z\"}}\n"
    )
}

fn watermark(ms: i64) -> String {
    format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{ms}}}}}}}\n")
}

/// That a tool took its input to be cut short, at this place, and said so in one line.
fn assert_cut(ran: &Ran, tool: &str, place: &str, how: &str) {
    let why = format!("{tool}: {place}: the input was cut short: {how}");
    let remedy = "; see why the tools before this one ended\n";
    assert_eq!(ran.status, 65, "{ran:?}");
    assert!(ran.stderr.starts_with(&why) && ran.stderr.ends_with(remedy), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn subscribe_says_that_all_was_read() {
    both_ways(|dir| {
        assert_eq!(on(dir, "produce", &["t"], "1\n2\n3\n").status, 0);
        for asked in [
            &["t"][..],
            &["t", "-n", "1"],
            &["t", "--until", "2"],
            &["t", "-f", "--until", "2"],
            &["t", "--from", "end"],
            &["t", "--partition", "0", "--meta"],
        ] {
            let ran = on(dir, "subscribe", &[asked, &["--control"]].concat(), "");
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
            assert!(ran.stdout.ends_with(END), "{asked:?}: {ran:?}");
            assert_eq!(ran.stdout.matches(END).count(), 1, "{asked:?}: {ran:?}");
            assert!(!on(dir, "subscribe", asked, "").stdout.contains("@millstream"));
        }
    });
}

#[test]
fn subscribe_that_stops_before_its_end_says_nothing() {
    type Stop = fn(Daemon, i32);
    let stops: [Stop; 4] = [
        |daemon, pid| {
            kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
            drop(daemon);
        },
        |daemon, pid| {
            kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
            drop(daemon);
        },
        |daemon, _| drop(daemon.terminate()),
        |daemon, _| daemon.signal(Signal::SIGKILL),
    ];
    for (group, stop) in stops.into_iter().flat_map(|stop| [(false, stop), (true, stop)]) {
        let dir = TempDir::new().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        assert_eq!(on(dir.path(), "produce", &["t"], "1\n").status, 0);
        let args = ["t", "-f", "--control", "--reconnect", "0", "--group", "g"];
        let mut subscribe = tool("subscribe", if group { &args } else { &args[..5] });
        subscribe.env("MILLSTREAM_DIR", dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut subscribe = Guard(subscribe.spawn().unwrap());
        let lines = follow(subscribe.0.stdout.take().unwrap());
        while lines.recv_timeout(PATIENCE).unwrap() != "1\n" {}
        stop(daemon, i32::try_from(subscribe.0.id()).unwrap());
        let rest: Vec<String> = lines.iter().collect();
        assert_eq!(rest, [""; 0], "group: {group}");
    }
}

/// A stream of a group continues when the members share the partitions out anew: that is no cut.
#[test]
fn a_group_that_shares_its_partitions_anew_goes_on_with_the_stream() {
    let dir = TempDir::new().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    let create = ["create", "t", "--partitions", "2", "--key", ".t"];
    assert_eq!(on(dir.path(), "log-admin", &create, "").status, 0);
    let data = dir.path().to_str().unwrap();
    let member = ["subscribe", "t", "-f", "--group", "g", "--control", "--data", data];
    let first = Pipeline::start(&[&member, &["filter", "true"]]);
    let control = |inside: &str| format!("{{\"@millstream\":{inside}}}");
    assert_eq!(first.line(), control(r#"{"start":{"trusted":true,"partitions":[0,1]}}"#));
    let second = Pipeline::start(&[&member]);
    let line = first.line();
    assert!(line.starts_with(r#"{"@millstream":{"partitions":["#), "{line}");
    let left = second.line();
    assert!(
        left.starts_with(r#"{"@millstream":{"start":{"trusted":true,"partitions":["#),
        "{left}"
    );
    second.signal(0, Signal::SIGKILL);
    second.finish();
    // Whichever partition has the record, it is of the first member now.
    assert_eq!(on(dir.path(), "produce", &["t"], records(&[1])).status, 0);
    while first.line() != "{\"t\":1}" {}
    first.signal(0, Signal::SIGTERM);
    let ran = first.finish();
    assert_eq!((ran[0].status, ran[1].status), (0, 65), "{ran:?}");
    // What each has read to its end is whole.
    let ran = on(dir.path(), "subscribe", &["t", "--group", "h", "--control"], "");
    assert!(ran.status == 0 && ran.stdout.ends_with(END), "{ran:?}");
}

/// Ctrl-C, which all of the pipeline get: nobody takes the end of the others for that of the input.
#[test]
fn a_pipeline_that_is_stopped_from_the_keyboard_tells_nothing_false() {
    let dir = TempDir::new().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    let append = |seconds: &[u32]| {
        assert_eq!(on(dir.path(), "produce", &["in"], records(seconds)).status, 0);
    };
    append(&[1, 2, 100]);
    let mut shell = std::process::Command::new("bash");
    let path = format!("{}:/usr/bin:/bin", common::bin("produce").parent().unwrap().display());
    shell
        .args([
            "-c",
            "subscribe --control -f in | filter true | window --tumbling 1m --time .t \
               | aggregate count | produce out",
        ])
        .env("PATH", path)
        .env("MILLSTREAM_DIR", dir.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let shell = shell.spawn().unwrap();
    let group = Pid::from_raw(shell.id().try_into().unwrap());
    let out = || on(dir.path(), "subscribe", &["out"], "").stdout;
    let stored = common::wait_for("the first window", || Some(out()).filter(|it| !it.is_empty()));
    killpg(group, Signal::SIGINT).unwrap();
    let ran = Ran::from(shell.wait_with_output().unwrap());
    assert_eq!(ran.status, 128 + 2, "{ran:?}");
    assert_eq!((out(), stored.lines().count()), (stored, 1), "{ran:?}");
}

/// Each tool with options, what it makes of the record {"t":1} in a stream, and what it says it
/// leaves undone.
fn tools() -> Vec<(&'static str, Vec<&'static str>, String, &'static str)> {
    let passed = START.to_owned() + "{\"t\":1}\n";
    let untrusted = passed.replace("true", "false");
    let windowed = [START, WINDOW, in_minute(1).as_str(), watermark(-4_001).as_str()].concat();
    let window = [&TUMBLING[..], &["--time-unit", "s"]].concat();
    vec![
        ("filter", vec![".t > 0"], passed.clone(), ""),
        ("filter", vec!["-j", "2", ".t > 0"], passed.clone(), ""),
        ("filter", vec!["-c", ".t > 0"], String::new(), ""),
        ("filter", vec!["-m", "9", "true"], passed.clone(), ""),
        ("filter", vec!["--unique", ".t", "true"], passed.clone(), ""),
        (
            "filter",
            vec!["--unique", ".t", "--within", "1m", "--time", ".t", "--repeats", "n", "true"],
            passed.clone(),
            "",
        ),
        ("filter", vec!["--plain", "true"], "{\"t\":1}\n".to_owned(), ""),
        ("map", vec!["."], passed.clone(), ""),
        ("map", vec!["-j", "3", "."], passed, ""),
        ("map", vec!["--plain", ".t"], "1\n".to_owned(), ""),
        ("map", vec!["--through", "cat"], untrusted, ""),
        ("window", window.clone(), windowed, "; the final watermark is not written"),
        ("aggregate", vec!["count"], String::new(), "; no result is emitted"),
        (
            "aggregate",
            [&window[..], &["count"]].concat(),
            String::new(),
            "; 1 open window is not reported",
        ),
        (
            "aggregate",
            vec!["--over", "1m", "--time", ".t", "count"],
            String::new(),
            "; 1 record that waited is not printed",
        ),
        ("aggregate", vec!["--over", "2", "count"], "{\"t\":1,\"count\":1}\n".to_owned(), ""),
    ]
}

#[test]
fn no_tool_takes_a_stream_without_its_end_for_whole() {
    for (name, args, passed, undone) in tools() {
        let stream = START.to_owned() + "{\"t\":1}\n";
        let how = "its end is missing".to_owned() + undone;
        let ran = of(name, &args, &stream);
        assert_cut(&ran, name, "stdin", &how);
        assert_eq!(ran.stdout, passed, "{name} {args:?}");
        // What a killed writer left of a line is no record.
        for rest in ["{\"t\":2}", "12", "{\"t\":", &END[..END.len() - 1], &END[..9]] {
            let ran = of(name, &args, stream.clone() + rest);
            assert_cut(&ran, name, "stdin", &how);
            assert_eq!(ran.stdout, passed, "{name} {args:?} {rest}");
        }
        // Another stream begins; nothing is read of that.
        let how = "a stream begins here, but the one before it has no end".to_owned() + undone;
        let ran = of(name, &args, stream.clone() + &stream + END);
        assert_cut(&ran, name, "stdin:3", &how);
        assert_eq!(ran.stdout, passed, "{name} {args:?}");
        // With its end it is whole, and so are several.
        for whole in [stream.clone() + END, (stream.clone() + END).repeat(2)] {
            let ran = of(name, &args, &whole);
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{name} {args:?}");
        }
        // A file is whole as it is.
        assert_eq!(of(name, &args, "{\"t\":1}\n{\"t\":1}").status, 0, "{name} {args:?}");
    }
}

#[test]
fn each_file_has_its_own_ends() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let stream = START.to_owned() + "{\"t\":1}\n";
    fs::write(path("cut"), &stream).unwrap();
    fs::write(path("whole"), stream.clone() + END).unwrap();
    fs::write(path("plain"), "{\"t\":1}").unwrap();
    let [cut, whole, plain] = ["cut", "whole", "plain"].map(path);
    for (name, args, passed, undone) in tools() {
        let with = |files: &[&str]| of(name, &[&args[..], &["--"], files].concat(), "");
        let how = "its end is missing".to_owned() + undone;
        let ran = with(&[&cut, &whole]);
        assert_cut(&ran, name, &cut, &how);
        assert_eq!(ran.stdout, passed, "{name} {args:?}");
        assert_eq!(with(&[&whole, &plain, &whole]).status, 0, "{name} {args:?}");
        assert_eq!(with(&[&plain, &cut, &plain]).status, 65, "{name} {args:?}");
    }
}

#[test]
fn several_cores_notice_a_cut_wherever_it_is() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stream");
    let many: String = (0..60_000).map(|t| format!("{{\"t\":{t}}}\n")).collect();
    let streams = [START, &many, END, START, &many, START, &many, END].concat();
    fs::write(&path, &streams).unwrap();
    let passed = [START, &many, END, START, &many].concat();
    let cut = "the input was cut short: a stream begins here, but the one before it has no end";
    let file = path.to_str().unwrap();
    for name in ["filter", "map"] {
        for jobs in ["1", "2", "3"] {
            for (input, place) in [("", file), (&*streams, "stdin")] {
                let files = if input.is_empty() { &[file][..] } else { &[] };
                let ran = of(
                    name,
                    &[&["-j", jobs, if name == "map" { "." } else { "true" }], files].concat(),
                    input,
                );
                assert_eq!(ran.status, 65);
                assert_eq!(
                    ran.stderr,
                    format!(
                        "{name}: {place}:120004: {cut}; see why the tools before this one ended\n"
                    )
                );
                assert!(ran.stdout == passed, "{name} -j {jobs} of {place}");
            }
        }
    }
}

/// Streams of all kinds, whole, cut and mixed up: one core is the model.
#[test]
fn several_cores_take_any_streams_as_one_does() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stream");
    let file = path.to_str().unwrap();
    let mut random = 4711_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let mut cut = 0;
    for round in 0..12 {
        let mut text = String::new();
        let mut open = false;
        while text.len() < 400_000 {
            // Most often what fits; now and then what does not.
            let fits = draw(12) > 0;
            let frame = if fits == open { END } else { START };
            open = frame == START;
            text += [frame, WINDOW, FINAL, frame][draw(4) as usize];
            let count = draw(2_000);
            text.extend((0..count).map(|t| format!("{{\"t\":{t},\"r\":{round}}}\n")));
        }
        text += ["", "12", "{\"t\":1}", "{\"t\""][draw(4) as usize];
        fs::write(&path, &text).unwrap();
        let one = of("map", &["[.t]", file], "");
        cut += u32::from(one.stderr.contains("cut short"));
        for jobs in ["2", "3"] {
            let several = of("map", &["-j", jobs, "[.t]", file], "");
            assert_eq!((several.status, &several.stderr), (one.status, &one.stderr));
            assert!(several.stdout == one.stdout, "-j {jobs} of {round}");
            let piped = of("map", &["-j", jobs, "[.t]"], &text);
            assert_eq!(piped.stderr, one.stderr.replace(file, "stdin"));
            assert!(piped.stdout == one.stdout, "-j {jobs} of {round}, piped");
        }
    }
    assert!((3..=12).contains(&cut), "{cut}");
}

#[test]
fn produce_stores_what_came_of_a_stream_that_was_cut_short() {
    both_ways(|dir| {
        let stream = START.to_owned() + "1\n2\n";
        let ran = on(dir, "produce", &["t"], stream.clone() + "12");
        assert_eq!(ran.status, 65, "{ran:?}");
        let cut = "produce: stdin: the input was cut short: its end is missing; see why";
        assert!(ran.stderr.contains(cut), "{ran:?}");
        assert!(
            ran.stderr.ends_with("produce: 2 records appended to t\n")
                || ran.stderr.starts_with("produce: 2 records appended to t\n"),
            "{ran:?}"
        );
        assert_eq!(on(dir, "produce", &["t"], stream + END).status, 0);
        assert_eq!(on(dir, "subscribe", &["t"], "").stdout, "1\n2\n1\n2\n");
    });
}

/// A writer that comes by little by little lends the daemon its pipe.
#[test]
fn produce_that_has_lent_its_input_notices_a_cut() {
    let dir = TempDir::new().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    let mut produce = tool("produce", &["t"]);
    produce.env("MILLSTREAM_DIR", dir.path()).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = produce.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut there = String::new();
    for line in [START, "1\n", "2\n", "3\n"] {
        input.write_all(line.as_bytes()).unwrap();
        there += if line == START { "" } else { line };
        common::wait_for("the record", || {
            let ran = on(dir.path(), "subscribe", &["t"], "");
            (there.is_empty() || ran.stdout == there).then_some(())
        });
    }
    input.write_all(b"45").unwrap();
    drop(input);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 65, "{ran:?}");
    assert_eq!(on(dir.path(), "subscribe", &["t"], "").stdout, there);
}

#[test]
fn a_filter_that_has_all_it_was_asked_for_ends_the_stream() {
    let dir = TempDir::new().unwrap();
    let others = dir.path().join("others");
    let place = others.to_str().unwrap();
    let stream = START.to_owned() + "1\n2\n3\n";
    let ran = of("filter", &["-m", "1", ". > 1", "--else", place], &stream);
    assert_eq!((ran.status, ran.stdout), (0, [START, "2\n", END].concat()));
    assert_eq!(fs::read_to_string(&others).unwrap(), [START, "1\n", END].concat());
    // A windowed stream ends with its final watermark.
    let windowed = of("window", &TUMBLING, [START, &records(&[1, 2, 100]), END].concat());
    let ran = of("filter", &["-m", "2", "true"], windowed.stdout);
    assert!(ran.stdout.ends_with(&[FINAL, END].concat()), "{ran:?}");
    let ran = of("aggregate", &["count"], ran.stdout);
    assert!(ran.status == 0 && ran.stdout.ends_with("\"count\":2}\n"), "{ran:?}");
    // Of a file nothing is said.
    assert_eq!(of("filter", &["-m", "1", "true"], "1\n2\n").stdout, "1\n");
}

#[test]
fn a_windowed_stream_ends_with_the_streams_in_it() {
    let stream = |seconds: &[u32]| [START, &records(seconds), END].concat();
    let one = of("window", &TUMBLING, stream(&[1]));
    let begin = [START, WINDOW, &in_minute(1), &watermark(-4_001)].concat();
    assert_eq!(one.stdout, [begin.as_str(), FINAL, END].concat());
    let two = of("window", &TUMBLING, stream(&[1]) + &stream(&[61]));
    let more = [END, START, &in_minute(61), &watermark(55_999), FINAL, END].concat();
    assert_eq!(two.stdout, begin + &more);
    // They are whole for whoever reads them: windows of windows, and several in a row.
    let ran = of("aggregate", &["count"], one.stdout.clone() + &two.stdout.replace("00:0", "01:0"));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout.lines().count(), 3);
    for lost in [FINAL, END] {
        let ran = of("aggregate", &["count"], two.stdout.replace(lost, ""));
        assert_eq!(ran.status, 65, "{lost}: {ran:?}");
        let ran = of("window", &TUMBLING, two.stdout.replace(lost, ""));
        assert_eq!(ran.status, 65, "{lost}: {ran:?}");
        assert!(!ran.stdout.contains(FINAL), "{lost}: {ran:?}");
    }
}

/// A window that ended with an error is noticed also where another one follows in the same pipe.
#[test]
fn a_windowed_stream_that_was_cut_short_is_noticed_whatever_follows() {
    let dir = TempDir::new().unwrap();
    let first = of("window", &TUMBLING, records(&[1, 2, 3]) + "bad\n" + &records(&[4, 5, 70]));
    assert_eq!(first.status, 65);
    let second = of("window", &TUMBLING, records(&[130, 200]));
    assert_eq!(second.status, 0);
    let ran = of("aggregate", &["count"], first.stdout.clone() + &second.stdout);
    let how = "a windowed stream begins here, but the one before it has no final watermark; 1 open \
               window is not reported";
    assert_cut(&ran, "aggregate", "stdin:6", how);
    assert_eq!(ran.stdout, "");
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a"), first.stdout).unwrap();
    fs::write(path("b"), second.stdout).unwrap();
    let ran = of("aggregate", &["count", "--", &path("a"), &path("b")], "");
    let how = "its final watermark is missing; 1 open window is not reported";
    assert_cut(&ran, "aggregate", &path("a"), how);
    assert_eq!(ran.stdout, "");
}

/// Results are a stream of their own, where that is asked for: a chain notices a cut in its middle.
#[test]
fn the_results_of_aggregate_say_where_they_end() {
    let start = START.replace("true", "false");
    for args in [
        &["count", "--control"][..],
        &["count", "--control", "--tumbling", "1m", "--time", ".t"],
        &["count", "--control", "--over", "1"],
        &["count", "--control", "--over", "1m", "--time", ".t"],
    ] {
        let whole = of("aggregate", args, "{\"t\":1}\n");
        assert_eq!(whole.status, 0, "{whole:?}");
        assert!(whole.stdout.starts_with(&start) && whole.stdout.ends_with(END), "{whole:?}");
        assert_eq!(whole.stdout.lines().count(), 3, "{whole:?}");
        let cut = of("aggregate", args, START.to_owned() + "{\"t\":1}\n");
        assert!(cut.stdout.starts_with(&start) && !cut.stdout.contains(END), "{cut:?}");
        let bad = of("aggregate", args, "{\"t\":1}\nbad\n");
        assert!(bad.stdout.starts_with(&start) && !bad.stdout.contains(END), "{bad:?}");
    }
    let mut pipeline = Pipeline::start(&[
        &["window", "--tumbling", "1m", "--time", ".t", "--out-of-order", "0"],
        &["aggregate", "--control", "count"],
        &["aggregate", "--tumbling", "1h", "--time", ".window_start", "sum(.count)"],
    ]);
    pipeline.send(records(&[1, 2, 61, 3_700]));
    let pids = pipeline.pids();
    common::wait_for("results", || (common::proc::written_bytes(pids[1]) > 200).then_some(()));
    pipeline.signal(1, Signal::SIGKILL);
    let ran = pipeline.finish();
    assert_eq!((ran[1].status, ran[2].status, ran[2].stdout.as_str()), (137, 65, ""), "{ran:?}");
}

/// What a foreign command has not given back is missing: the stream is then not whole.
#[test]
fn a_foreign_command_that_dies_cuts_the_stream_short() {
    let stream = [START, "123\n45\n", END].concat();
    for command in ["head -n 1", "read -r x; printf 12; exit 1", "exit 3", "kill -9 $$"] {
        let ran = of("map", &["--through", command], &stream);
        assert_ne!(ran.status, 0, "{command}: {ran:?}");
        assert!(!ran.stdout.contains(END), "{command}: {ran:?}");
        assert!(!ran.stdout.contains("12\n"), "{command}: {ran:?}");
    }
    // A command may leave out the last line end.
    let ran = of("map", &["--through", "awk '{ printf \"%s%s\", s, $0; s = \"\\n\" }'"], &stream);
    assert_eq!((ran.status, ran.stdout), (0, stream.replace("true", "false")));
}

#[test]
fn control_records_can_be_left_out() {
    let stream = [START, "1\n2\n", END].concat();
    for (name, args) in [
        ("filter", &["--plain", "true"][..]),
        ("filter", &["--plain", "-j", "2", "true"]),
        ("filter", &["--plain", "-m", "2", "true"]),
        ("map", &["--plain", "."]),
        ("map", &["--plain", "-j", "2", "."]),
        ("map", &["--plain", "--through", "cat"]),
    ] {
        let ran = of(name, args, &stream);
        assert_eq!((ran.status, ran.stdout.as_str()), (0, "1\n2\n"), "{name} {args:?}");
    }
}

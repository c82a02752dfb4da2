//! When `produce` creates a topic: with the first record that it takes, and not before.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::live::Pipeline;
use crate::common::producing::{await_records, records};
use crate::common::terminal::OnATerminal;
use crate::common::{Ran, proc, run_on, wait_for};

fn produce(dir: &Path, args: &[&str], input: &str) -> Ran {
    run_on(dir, "produce", args, input)
}

fn is_topic(dir: &Path, topic: &str) -> bool {
    dir.join("topics").join(topic).exists()
}

#[test]
fn input_of_which_nothing_is_taken_creates_no_topic() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let rejects = rejects.to_str().unwrap();
        for (args, input, status) in [
            (&[][..], "", 0),
            (&[], "x\n{}\n", 65),
            (&["--rejects", rejects], "x\ny\n", 65),
            (&["--partitions", "4", "--key", ".a"], "", 0),
            (&["--key", ".a.b"], "{\"a\":1}\n", 65),
            (&["--unique", ".id"], "{}\n", 65),
            (&["--from", "csv"], "a,b\n", 0),
            (&["--from", "csv"], "a,b\n1\n", 65),
            (&["--filter", ".a"], "{}\n{}\n", 0),
            (&["--producer", "p"], "x\n", 65),
            (&["--producer", "p", "--rejects", rejects], "x\n", 65),
        ] {
            let ran = produce(dir, &[&["t"], args].concat(), input);
            assert_eq!(ran.status, status, "{args:?}: {ran:?}");
            assert!(!is_topic(dir, "t"), "{args:?}: {ran:?}");
        }
    });
}

#[test]
fn the_first_good_record_creates_the_topic_as_it_is_wanted() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        // More bad lines than a batch has.
        let bad = format!("\"{}\n", "x".repeat(1000)).repeat(1200);
        let input = format!("{bad}{{\"k\":1}}\nx\n{{\"k\":2}}\n");
        let args = ["t", "--partitions", "3", "--key", ".k", "--rejects"];
        let args = [&args[..], &[rejects.to_str().unwrap()]].concat();
        assert_eq!(produce(dir, &args, &input).status, 65);
        let mut got = records(dir, "t");
        got.sort();
        assert_eq!(got, ["{\"k\":1}", "{\"k\":2}"]);
        assert_eq!(fs::read_to_string(&rejects).unwrap(), format!("{bad}x\n"));
        let shown = run_on(dir, "log-admin", &["describe", "t"], "").stdout;
        assert_eq!(shown.lines().count(), 1 + 3, "{shown}");
        // It exists now, and has to agree, also before there is any input.
        for args in [&["--partitions", "2"][..], &["--key", ".x"]] {
            assert_eq!(produce(dir, &[&["t"], args].concat(), "").status, 73);
        }
    });
}

#[test]
fn what_no_topic_can_be_is_said_while_the_input_is_open() {
    both_ways(|dir| {
        let data = dir.to_str().unwrap();
        for args in [&["../t"][..], &["t", "--key", "{"], &["t", "--key", ""]] {
            let produce = Pipeline::start(&[&[&["produce", "--data", data], args].concat()]);
            let pid = produce.pids()[0];
            wait_for("its end", || {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                (stat.is_empty() || stat.contains(") Z ")).then_some(())
            });
            let ran = produce.finish().remove(0);
            assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
        }
        assert!(!is_topic(dir, "t"));
    });
}

#[test]
fn a_named_producer_begins_after_what_was_refused() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let args = ["t", "--producer", "p", "--rejects", rejects.to_str().unwrap()];
        assert_eq!(produce(dir, &args, "x\n").status, 65);
        assert_eq!(produce(dir, &args, "x\n1\ny\n2\n").status, 65);
        assert_eq!(records(dir, "t"), ["1", "2"]);
        let ran = produce(dir, &args, "x\n1\ny\n2\n3\n");
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(records(dir, "t"), ["1", "2", "3"]);
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "x\nx\ny\n");
    });
}

#[test]
fn where_a_file_was_left_is_known_from_the_first_run_on() {
    both_ways(|dir| {
        let (file, rejects) = (dir.join("app.log"), dir.join("rejects"));
        let args =
            ["t", "--resume", file.to_str().unwrap(), "--rejects", rejects.to_str().unwrap()];
        fs::write(&file, "x\n").unwrap();
        // Only a topic keeps what was read: it is there also without a record.
        assert_eq!(produce(dir, &args, "").status, 65);
        assert!(is_topic(dir, "t"));
        assert_eq!(produce(dir, &args, "").status, 0);
        fs::write(&file, "x\n1\n").unwrap();
        assert_eq!(produce(dir, &args, "").status, 0);
        assert_eq!(records(dir, "t"), ["1"]);
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "x\n");
        // Of several files, all of what was refused is known then.
        let files = ["a.log", "b.log"].map(|name| dir.join(name));
        fs::write(&files[0], "y\n").unwrap();
        fs::write(&files[1], "2\n").unwrap();
        let paths = files.each_ref().map(|path| path.to_str().unwrap());
        let args = ["u", "--resume", paths[0], paths[1], "--rejects", rejects.to_str().unwrap()];
        assert_eq!(produce(dir, &args, "").status, 65);
        assert_eq!(produce(dir, &args, "").status, 0);
        assert_eq!(records(dir, "u"), ["2"]);
    });
}

#[test]
fn a_file_whose_lines_are_good_and_left_out_is_not_read_again() {
    both_ways(|dir| {
        let file = dir.join("app.log");
        fs::write(&file, "{}\n{}\n").unwrap();
        let args = ["t", "--resume", file.to_str().unwrap(), "--filter", ".a", "--stats"];
        let first: serde_json::Value =
            serde_json::from_str(&produce(dir, &args, "").good()).unwrap();
        assert_eq!(first["bytes"], 6);
        let again: serde_json::Value =
            serde_json::from_str(&produce(dir, &args, "").good()).unwrap();
        assert_eq!((again["bytes"].as_u64(), again["records"].as_u64()), (Some(0), Some(0)));
    });
}

#[test]
fn a_pipe_is_lent_once_the_topic_exists() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let rejects = dir.path().join("rejects");
    let (data, rejects_path) = (dir.path().to_str().unwrap(), rejects.to_str().unwrap());
    let mut produce =
        Pipeline::start(&[&["produce", "t", "--data", data, "--rejects", rejects_path]]);
    produce.send("x\n");
    wait_for("the bad line", || {
        (fs::read_to_string(&rejects).unwrap_or_default() == "x\n").then_some(())
    });
    assert!(!is_topic(dir.path(), "t"));
    for number in 1..4 {
        produce.send(format!("{number}\n"));
        await_records(dir.path(), "t", number);
    }
    let input = fs::read_link(format!("/proc/{}/fd/0", produce.pids()[0])).unwrap();
    let input = input.to_string_lossy().into_owned();
    wait_for("the pipe to be lent", || {
        proc::open_files(daemon.child.0.id()).contains(&input).then_some(())
    });
    assert_eq!(produce.finish()[0].status, 65);
    assert_eq!(records(dir.path(), "t"), ["1", "2", "3"]);
}

#[test]
fn a_daemon_that_is_replaced_before_the_first_record_gets_all_that_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(dir.path(), &[]);
    let (rejects, file) = (dir.path().join("rejects"), dir.path().join("input"));
    // Several batches, which are sent before the first one is waited for.
    let pad = "x".repeat(1000);
    let lines = |number: u32| format!("{{\"n\":{number},\"pad\":\"{pad}\"}}\n");
    let input: String = (0..3000).map(lines).collect();
    fs::write(&file, &input).unwrap();
    let [data, rejects_path, path] =
        [dir.path(), &rejects, &file].map(|path| path.to_str().unwrap());
    let args = ["produce", "t", "--data", data, "--rejects", rejects_path, "--", "-", path];
    let mut produce = Pipeline::start(&[&args]);
    produce.send("x\n");
    wait_for("the bad line", || {
        (fs::read_to_string(&rejects).unwrap_or_default() == "x\n").then_some(())
    });
    daemon.signal(Signal::SIGKILL);
    drop(daemon.end());
    daemon = Daemon::start(dir.path(), &[]);
    let ran = produce.finish().remove(0);
    assert_eq!(ran.status, 65, "{ran:?}");
    let stored = run_on(dir.path(), "subscribe", &["t"], "").stdout;
    assert!(stored == input, "{} of {} bytes: {ran:?}", stored.len(), input.len());
    daemon.terminate();
}

#[test]
fn a_new_topic_is_reported_on_a_terminal_only() {
    both_ways(|dir| {
        let file = dir.join("records");
        fs::write(&file, "\"a\"\n\"b\"\n").unwrap();
        let path = file.to_str().unwrap();
        assert_eq!(produce(dir, &["quiet", path], "").good(), "");
        for (args, wanted) in [
            (&["one", path][..], "produce: created topic \"one\" (1 partition)\r\n"),
            (&["one", path], ""),
            (
                &["two", path, "--partitions", "2"],
                "produce: created topic \"two\" (2 partitions)\r\n",
            ),
            (
                &["--topic-by", ".", path],
                "produce: created topic \"a\" (1 partition)\r\n\
                 produce: created topic \"b\" (1 partition)\r\n",
            ),
        ] {
            let Some(ran) = OnATerminal::start(dir, args, Stdio::null()) else { return };
            let (status, shown) = ran.end();
            let mut lines: Vec<&str> = shown.split_inclusive('\n').collect();
            lines.sort_unstable();
            assert_eq!((status, lines.concat().as_str()), (0, wanted), "{args:?}");
        }
    });
}

//! `produce --topic-by` with files that are resumed: one topic keeps where each file was left, and each
//! other one what it has of it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::proc::read_bytes;
use crate::common::producing::{Producing, await_records, records};
use crate::common::{Ran, gzip, run_on, wait_for};

const ROUTE: [&str; 4] = ["--topic-by", ".t", "--topic-default", "home"];

fn produce(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "produce", &[&ROUTE[..], args].concat(), "")
}

fn line(topic: &str, n: u64) -> String {
    format!("{{\"t\":\"{topic}\",\"n\":{n}}}\n")
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The numbers of the records of a topic.
fn numbers(dir: &Path, topic: &str) -> Vec<u64> {
    let number = |record: &String| {
        let value: serde_json::Value = serde_json::from_str(record).unwrap();
        value["n"].as_u64().unwrap()
    };
    records(dir, topic).iter().map(number).collect()
}

#[test]
fn files_are_resumed_into_all_topics() {
    both_ways(|dir| {
        let path = dir.join("app.log");
        let args = ["--resume", path.to_str().unwrap()];
        append(&path, &(line("a", 1) + "{\"n\":2}\n" + &line("b", 3) + "{\"t\":\"a\","));
        assert_eq!(produce(dir, &args).good(), "");
        assert_eq!(produce(dir, &args).good(), "");
        assert_eq!((numbers(dir, "a"), numbers(dir, "home")), (vec![1], vec![2]));
        append(&path, "\"n\":4}\n");
        // Rotated before the rest was read.
        fs::rename(&path, dir.join("app.log.1")).unwrap();
        append(&path, &(line("b", 5) + &line("c", 6)));
        let ran = produce(dir, &[&args[..], &["-v", "--stats"]].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.stderr, "produce: 3 records appended to 3 topics\n");
        assert!(ran.stdout.starts_with("{\"bytes\":"), "{ran:?}");
        assert!(ran.stdout.contains("\"files\":2,") && ran.stdout.contains("\"topics\":3"));
        // What a record is now is not what it was; what was read before stays where it is.
        append(&path, &line("a", 7));
        let other = ["--topic-by", "\"x\"", "--topic-default", "home", args[0], args[1]];
        assert_eq!(run_on(dir, "produce", &other, "").good(), "");
        let has = ["a", "b", "c", "home", "x"].map(|topic| numbers(dir, topic));
        assert_eq!(has, [vec![1, 4], vec![3, 5], vec![6], vec![2], vec![7]]);
    });
}

#[test]
fn a_directory_is_taken_once_into_all_topics() {
    both_ways(|dir| {
        let spool = dir.join("spool");
        fs::create_dir(&spool).unwrap();
        for (name, text) in [("1", line("a", 1) + &line("b", 2)), ("2", line("a", 3))] {
            let path = spool.join(name);
            append(&path, text.trim_end());
            let old = std::time::SystemTime::now() - Duration::from_secs(60);
            fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        }
        let args = ["--spool", spool.to_str().unwrap()];
        assert_eq!(produce(dir, &args).good(), "");
        assert_eq!((numbers(dir, "a"), numbers(dir, "b")), (vec![1, 3], vec![2]));
        assert!(spool.join("1.done").exists() && spool.join("2.done").exists());
        assert_eq!(produce(dir, &args).good(), "");
        assert_eq!(numbers(dir, "a"), [1, 3]);
    });
}

#[test]
fn a_topic_that_is_ahead_of_a_bad_record_gets_nothing_twice() {
    // What is bad is so only for the topic a, whose key it does not have.
    let rows = [("b", 1, "{}"), ("a", 2, "{}"), ("a", 3, "7"), ("b", 4, "{}"), ("", 5, "{}")];
    let more = [("b", 6, "{}"), ("a", 7, "{}"), ("", 8, "{}")];
    let json = |rows: &[(&str, u64, &str)], join: &str| {
        let one = |(t, n, k): &(&str, u64, &str)| format!("{{\"t\":\"{t}\",\"n\":{n},\"k\":{k}}}");
        rows.iter().map(one).collect::<Vec<_>>().join(join)
    };
    let csv = |rows: &[(&str, u64, &str)]| {
        let one = |(t, n, k): &(&str, u64, &str)| format!("{t},{n},{}\n", k.len());
        rows.iter().map(one).collect::<String>()
    };
    let pretty = |rows| json(rows, "\n").replace(',', ",\n") + "\n";
    let forms: [(&[&str], String, String); 6] = [
        (&[], json(&rows, "\n") + "\n", json(&more, "\n") + "\n"),
        (&["--from", "json"], pretty(&rows), pretty(&more)),
        (&["--from", "json"], json(&rows, "\n"), json(&more, " ")),
        (
            &["--from", "json"],
            format!("[{}", json(&rows, ", ")),
            format!(", {}]\n", json(&more, ",\n")),
        ),
        (
            &["--from", "lines", "--multiline", "^\\{", "--map", ".line | fromjson"],
            pretty(&rows) + "{\n",
            "\"t\":\"b\",\"n\":6}\n".to_owned() + &pretty(&more[1..]) + "{\n",
        ),
        (
            &["--from", "csv", "--add", "k=if .k == 2 then {} else 7 end"],
            "t,n,k\n".to_owned() + &csv(&rows),
            csv(&more),
        ),
    ];
    for (args, text, more) in forms {
        both_ways(|dir| {
            let key = ["create", "a", "--key", ".k.x"];
            run_on(dir, "log-admin", &key, "").good();
            let path = dir.join("in");
            fs::write(&path, &text).unwrap();
            let args = [args, &["--resume", path.to_str().unwrap()]].concat();
            for _ in 0..2 {
                let ran = produce(dir, &args);
                assert_eq!(ran.status, 65, "{args:?}: {ran:?}");
                assert_eq!(numbers(dir, "b"), [1, 4], "{args:?}");
                // What begins on the same line comes again with it.
                let before = if text.starts_with('[') { vec![] } else { vec![2] };
                assert_eq!(numbers(dir, "a"), before, "{args:?}");
                assert_eq!(run_on(dir, "subscribe", &["home"], "").stdout, "", "{args:?}");
            }
            // What b has ends in the middle of what is read now.
            append(&path, &more);
            let rejects = dir.join("rejects");
            let taking = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
            assert_eq!(produce(dir, &taking).status, 65);
            let has = ["a", "b", "home"].map(|topic| numbers(dir, topic));
            assert_eq!(has, [vec![2, 7], vec![1, 4, 6], vec![5, 8]], "{args:?}");
            assert_eq!(produce(dir, &args).status, 0);
            assert_eq!(numbers(dir, "b"), [1, 4, 6]);
            let _ = fs::remove_file(&rejects);
        });
    }
}

#[test]
fn another_file_that_begins_alike_is_read_whole() {
    both_ways(|dir| {
        run_on(dir, "log-admin", &["create", "a", "--key", ".k.x"], "").good();
        let path = dir.join("in");
        let args = ["--resume", path.to_str().unwrap()];
        // The first record is bad: the home topic has nothing of the file, and b is ahead.
        let bad = "{\"t\":\"a\",\"k\":7}\n";
        append(&path, &(bad.to_owned() + &line("b", 1) + &line("b", 2)));
        assert_eq!(produce(dir, &args).status, 65);
        assert_eq!(numbers(dir, "b"), [1, 2]);
        fs::write(&path, bad.to_owned() + &line("b", 3) + &line("b", 4) + &line("c", 5)).unwrap();
        let rejects = dir.join("rejects");
        let args = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        produce(dir, &args);
        assert_eq!((numbers(dir, "b"), numbers(dir, "c")), (vec![1, 2, 3, 4], vec![5]));
        append(&path, &line("b", 6));
        assert_eq!(produce(dir, &args).status, 0);
        assert_eq!(numbers(dir, "b"), [1, 2, 3, 4, 6]);
        let _ = fs::remove_file(&rejects);
    });
}

#[test]
fn more_topics_in_a_file_than_are_open_at_a_time() {
    both_ways(|dir| {
        let path = dir.join("in");
        let text: String = (0..420).map(|n| line(&format!("t{}", n % 140), n)).collect();
        append(&path, &text);
        let args = ["--resume", path.to_str().unwrap(), "--max-topics", "140", "-v"];
        let ran = produce(dir, &args);
        assert_eq!(ran.stderr, "produce: 420 records appended to 140 topics\n");
        assert_eq!(numbers(dir, "t7"), [7, 147, 287]);
        append(&path, &line("t140", 1));
        let ran = produce(dir, &["--resume", args[1], "--max-topics", "0"]);
        assert!(
            ran.status == 65 && ran.stderr.contains("the topic t140 does not exist"),
            "{ran:?}"
        );
    });
}

#[test]
fn what_many_topics_refuse_keeps_nothing_from_others() {
    both_ways(|dir| {
        let path = dir.join("in");
        let line = |n: u64| {
            let key = if n < 280 { "{\"x\":1}" } else { "7" };
            format!("{{\"t\":\"t{}\",\"n\":{n},\"k\":{key}}}\n", n % 140)
        };
        append(&path, &(0..420).map(line).collect::<String>());
        let args = ["--resume", path.to_str().unwrap(), "--key", ".k.x", "--max-topics", "140"];
        let ran = produce(dir, &[&args[..], &["--stats"]].concat());
        assert!(ran.status == 65 && ran.stdout.contains("\"records\":280,"), "{ran:?}");
        let rejects = dir.join("rejects");
        let taking = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        assert_eq!(produce(dir, &taking).status, 65);
        for n in 0..140 {
            assert_eq!(numbers(dir, &format!("t{n}")), [n, n + 140]);
        }
        let _ = fs::remove_file(&rejects);
    });
}

#[test]
fn files_are_followed_into_all_topics() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let daemon = Daemon::start(dir, &[]);
    let path = dir.join("app.log");
    append(&path, &line("a", 1));
    let pattern = dir.join("*.log");
    let args = [&ROUTE[..], &["-F", pattern.to_str().unwrap()]].concat();
    let producing = Producing::start(dir, &args);
    await_records(dir, "a", 1);
    append(&path, &line("b", 2));
    await_records(dir, "b", 1);
    let second = produce(dir, &["--resume", pattern.to_str().unwrap()]);
    assert_eq!(second.status, 75, "{second:?}");
    append(&dir.join("other.log"), &(line("b", 3) + "{\"n\":4}\n"));
    await_records(dir, "home", 1);
    assert_eq!(numbers(dir, "b"), [2, 3]);
    producing.terminate();
    daemon.terminate();
}

/// Lines that somebody writes, whose topics are mixed.
struct Writer {
    path: PathBuf,
    written: u64,
}

impl Writer {
    fn topic(n: u64) -> String {
        match n * n % 7 {
            0 => "home".to_owned(),
            other => format!("t{other}"),
        }
    }

    fn write(&mut self, lines: u64) {
        let pad = "x".repeat(60);
        let line =
            |n: u64| format!("{{\"t\":\"{}\",\"n\":{n},\"pad\":\"{pad}\"}}\n", Self::topic(n));
        let text: String = (self.written..self.written + lines).map(line).collect();
        append(&self.path, &text);
        self.written += lines;
    }
}

/// Runs that are killed, while the file grows and is rotated between them; and the daemon, too, if
/// there is one.
fn killed_again_and_again(dir: &Path, mut daemon: Option<Daemon>) {
    let path = dir.join("app.log");
    let mut writer = Writer { path: path.clone(), written: 0 };
    let args = [&ROUTE[..], &["--resume", path.to_str().unwrap(), "--wait", "10s"]].concat();
    writer.write(10);
    assert_eq!(run_on(dir, "produce", &args, "").good(), "");
    for round in 0..14_u64 {
        writer.write(9_000);
        if round % 4 == 1 {
            for number in (1..4).rev() {
                let _ = fs::rename(
                    dir.join(format!("app.log.{number}")),
                    dir.join(format!("app.log.{}", number + 1)),
                );
            }
            fs::rename(&path, dir.join("app.log.1")).unwrap();
            writer.write(500);
        }
        let producing = Producing::start(dir, &args);
        std::thread::sleep(Duration::from_millis(30 + 37 * (round % 6)));
        if round % 3 == 0
            && let Some(running) = daemon.take()
        {
            running.signal(Signal::SIGKILL);
            drop(running.end());
            daemon = Some(Daemon::start(dir, &[]));
        }
        producing.signal(Signal::SIGKILL);
        producing.end();
    }
    assert_eq!(run_on(dir, "produce", &args, "").good(), "");
    for topic in ["home", "t1", "t2", "t4"] {
        let wanted: Vec<u64> = (0..writer.written).filter(|n| Writer::topic(*n) == topic).collect();
        let has = numbers(dir, topic);
        assert!(has == wanted, "{topic}: {} of {}", has.len(), wanted.len());
    }
    if let Some(daemon) = daemon {
        daemon.terminate();
    }
}

#[test]
fn runs_that_are_killed_lose_nothing_and_repeat_nothing() {
    let dir = tempfile::tempdir().unwrap();
    killed_again_and_again(dir.path(), None);
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    killed_again_and_again(dir.path(), Some(daemon));
}

#[test]
fn a_topic_whose_first_record_is_bad_counts_once_it_is_created() {
    both_ways(|dir| {
        let path = dir.join("app.log");
        let bad = |topic: &str| format!("{{\"t\":\"{topic}\",\"k\":1}}\n");
        let good = |topic: &str| format!("{{\"t\":\"{topic}\",\"k\":{{}}}}\n");
        append(&path, &[bad("a"), good("b"), good("a"), good("b")].concat());
        let (path, rejects) = (path.to_str().unwrap(), dir.join("rejects"));
        for (resume, rest) in [(&["--resume"][..], ""), (&[], "")] {
            let _ = fs::remove_file(&rejects);
            let log = dir.join(format!("log{}", resume.len()));
            let args =
                ["--key", ".k.x", "--max-topics", "1", "--rejects", rejects.to_str().unwrap()];
            let args = [&args[..], resume, &[path, "--data", log.to_str().unwrap()]].concat();
            let ran = produce(dir, &args);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(
                ran.stderr.contains("the topic a does not exist, and 1 topics were"),
                "{ran:?}"
            );
            let rejected = fs::read_to_string(&rejects).unwrap();
            assert_eq!(rejected, bad("a") + &good("a") + rest, "{ran:?}");
            assert_eq!(records(&log, "b").len(), 2);
        }
    });
}

/// Appends lines to a file and reads it into all topics, as a run does that is killed before the
/// home topic has heard of these lines.
fn crashed_before_home(dir: &Path, path: &Path, lines: &str, args: &[&str]) {
    let (home, before) = (dir.join("topics/home"), dir.join("before"));
    let copied = Command::new("cp").arg("-a").args([&home, &before]).status();
    assert!(copied.unwrap().success());
    append(path, lines);
    assert_eq!(produce(dir, args).status, 0);
    fs::remove_dir_all(&home).unwrap();
    fs::rename(&before, &home).unwrap();
}

#[test]
fn counting_anew_ends_with_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, path) = (dir.path(), dir.path().join("app.log"));
    let args = ["--resume", path.to_str().unwrap(), "--filter", ".t != \"no\""];
    append(&path, &line("home", 0));
    assert_eq!(produce(dir, &args).status, 0);
    // What t has is far behind in the file.
    let filler = format!("{{\"t\":\"no\",\"x\":\"{}\"}}\n", "x".repeat(20_000)).repeat(800);
    crashed_before_home(dir, &path, &[line("t", 1), filler, line("t", 2)].concat(), &args);

    let producing = Producing::start(dir, &[&ROUTE[..], &args].concat());
    let pid = producing.pid();
    // It reads the first block twice: to find that t is ahead, and from there to where t has it.
    wait_for("counting", || (read_bytes(pid) > 3 << 20).then_some(()));
    producing.signal(Signal::SIGINT);
    let ended = producing.end();
    assert_eq!(ended.status, 130, "{ended:?}");
    assert!(ended.stderr.contains("0 records appended"), "{ended:?}");
    assert_eq!(produce(dir, &args).status, 0);
    assert_eq!(numbers(dir, "t"), [1, 2]);
    assert_eq!(numbers(dir, "home"), [0]);
}

/// The names of sources in the home topic, and where they stand.
fn sources(daemon: &Daemon) -> Vec<(String, u64)> {
    let answer = daemon.talk().ask(r#"{"producers":{"topic":"home","prefix":"file:"}}"#);
    let all = answer["producers"]["producers"].as_array().unwrap();
    let one = |source: &serde_json::Value| {
        (source["name"].as_str().unwrap().to_owned(), source["sequence"].as_u64().unwrap())
    };
    all.iter().map(one).collect()
}

#[test]
fn a_line_that_was_cut_is_cut_there_again_after_a_crash() {
    for crashes in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (dir, path) = (dir.path(), dir.path().join("app.log"));
        let args =
            ["--from", "lines", "--topic-by", "\"t\" + .line[0:1]", "--topic-default", "home"];
        let args =
            [&args[..], &["--resume", path.to_str().unwrap(), "--partial-after", "0"]].concat();
        let resume = || run_on(dir, "produce", &args, "").good();
        let daemon = Daemon::start(dir, &[]);
        append(&path, "a1\n");
        resume();
        daemon.terminate();
        let (home, before) = (dir.join("topics/home"), dir.join("before"));
        assert!(Command::new("cp").arg("-a").args([&home, &before]).status().unwrap().success());

        let daemon = Daemon::start(dir, &[]);
        append(&path, "a2\nb");
        resume();
        let cut = sources(&daemon).into_iter().find(|(name, _)| name.ends_with("@cut")).unwrap();
        daemon.terminate();
        if crashes {
            // The home topic knows where the line was cut, and no more.
            fs::remove_dir_all(&home).unwrap();
            fs::rename(&before, &home).unwrap();
        }
        let daemon = Daemon::start(dir, &[]);
        if crashes {
            let (name, sequence) = cut;
            daemon.talk().ask(&format!(
                r#"{{"append":{{"topic":"home","bytes":0,"producer":"{name}","sequence":{sequence}}}}}"#
            ));
        }
        // It is compressed meanwhile, too.
        append(&path, "2\na3\n");
        if crashes {
            fs::write(dir.join("app.log.1.gz"), gzip(fs::read(&path).unwrap())).unwrap();
            fs::remove_file(&path).unwrap();
            append(&path, "a4\n");
        } else {
            append(&path, "a4\n");
        }
        resume();
        let text = |topic: &str| records(dir, topic).join(" ");
        let line = |text: &str| format!("{{\"line\":\"{text}\"}}");
        assert_eq!(text("ta"), ["a1", "a2", "a3", "a4"].map(line).join(" "), "{crashes}");
        assert_eq!(text("tb"), line("b"), "{crashes}");
        assert_eq!(text("t2"), line("2"), "{crashes}");
        daemon.terminate();
    }
}

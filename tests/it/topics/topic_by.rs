//! `produce --topic-by`: each record goes to the topic that its value names.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::producing::{Producing, await_records, records, send};
use crate::common::{Ran, run_on};

fn produce(dir: &Path, args: &[&str], input: &str) -> Ran {
    run_on(dir, "produce", args, input)
}

fn topics(dir: &Path) -> Vec<String> {
    let all = fs::read_dir(dir.join("topics")).into_iter().flatten();
    let mut names: Vec<_> =
        all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn records_go_to_the_topics_that_they_name_in_order() {
    both_ways(|dir| {
        let input = "{\"app\":\"a\",\"n\":1}\n{\"app\":\"b\",\"n\":2}\n{\"n\":3,\"app\":\"a\"}\n\
                     {\"app\":\"\\u0061\",\"n\":4}\n";
        let ran = produce(dir, &["--topic-by", ".app", "-v"], input);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.stderr, "produce: 4 records appended to 2 topics\n");
        assert_eq!(
            records(dir, "a"),
            ["{\"app\":\"a\",\"n\":1}", "{\"n\":3,\"app\":\"a\"}", "{\"app\":\"\\u0061\",\"n\":4}"]
        );
        assert_eq!(records(dir, "b"), ["{\"app\":\"b\",\"n\":2}"]);
    });
}

#[test]
fn all_operands_are_files() {
    both_ways(|dir| {
        let paths = ["1", "2"].map(|name| dir.join(name));
        fs::write(&paths[0], "a 1\nb 2\n").unwrap();
        fs::write(&paths[1], "a 3\n").unwrap();
        let paths = paths.each_ref().map(|path| path.to_str().unwrap());
        let args = [
            &["--from", "pattern", "* *", "app,n", "--topic-by", "\"x-\" + .app", "--map"][..],
            &["{app, n, more: true}", "--"],
            &paths,
        ]
        .concat();
        let ran = produce(dir, &args, "");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        assert_eq!(
            records(dir, "x-a"),
            ["{\"app\":\"a\",\"n\":1,\"more\":true}", "{\"app\":\"a\",\"n\":3,\"more\":true}"]
        );
        assert_eq!(records(dir, "x-b").len(), 1);
    });
}

#[test]
fn a_name_that_is_none_is_bad_or_goes_to_the_default() {
    both_ways(|dir| {
        let good = "{\"app\":\"a\"}\n";
        for bad in ["{}", "{\"app\":\"../etc\"}", "{\"app\":7}", "{\"app\":\"\"}", "[]", "x"] {
            let ran = produce(dir, &["--topic-by", ".app"], &format!("{good}{bad}\n{good}"));
            assert_eq!(ran.status, 65, "{bad}: {ran:?}");
            assert!(ran.stderr.contains("stdin:2: "), "{ran:?}");
        }
        // What came before the bad line is there.
        assert_eq!(records(dir, "a").len(), 6);
        let input = "{}\n{\"app\":\"../etc\"}\n{\"app\":7}\n{\"app\":\"a\"}\n";
        let ran = produce(dir, &["--topic-by", ".app", "--topic-default", "rest"], input);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        assert_eq!(records(dir, "rest"), ["{}", "{\"app\":\"../etc\"}", "{\"app\":7}"]);
        assert_eq!(records(dir, "a").len(), 7);
    });
}

#[test]
fn a_run_whose_input_is_all_bad_creates_no_topic() {
    both_ways(|dir| {
        let args = ["--topic-by", ".app", "--topic-default", "rest"];
        assert_eq!(produce(dir, &args, "x\n").status, 65);
        assert_eq!(produce(dir, &args, "{\"app\":\"a\"\n").status, 65);
        assert_eq!(produce(dir, &args, "").status, 0);
        assert_eq!(topics(dir), [""; 0]);
    });
}

#[test]
fn each_topic_gets_a_key_once() {
    both_ways(|dir| {
        let args = ["--topic-by", ".t", "--unique", ".id", "-v"];
        let input = "{\"t\":\"a\",\"id\":1}\n{\"t\":\"b\",\"id\":1}\n{\"t\":\"a\",\"id\":1}\n";
        let ran = produce(dir, &args, input);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(ran.stderr.starts_with("produce: 2 records appended to 2 topics\n"), "{ran:?}");
        assert!(ran.stderr.contains("1 record skipped, because their topics have"), "{ran:?}");
        let stats = [&args[..4], &["--stats"]].concat();
        let ran = produce(dir, &stats, &format!("{input}{{\"t\":\"a\",\"id\":2}}\n"));
        assert!(
            ran.stdout.contains("\"records\":1") && ran.stdout.contains("\"skipped\":3"),
            "{ran:?}"
        );
        assert_eq!(records(dir, "a").len(), 2);
        assert_eq!(records(dir, "b").len(), 1);
        // Records without a key create no topic.
        let ran = produce(dir, &["--topic-by", ".t", "--unique", ".id"], "{\"t\":\"c\"}\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert_eq!(topics(dir), ["a", "b"]);
    });
}

#[test]
fn a_named_producer_appends_to_each_topic_what_it_lacks() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let args = ["--topic-by", ".t", "--producer", "p", "--rejects", rejects.to_str().unwrap()];
        let line = |topic: &str, n: u32| format!("{{\"t\":\"{topic}\",\"n\":{n}}}\n");
        let first = [line("a", 1), "{}\n".to_owned(), line("b", 2), line("a", 3)].concat();
        assert_eq!(produce(dir, &args, &first).status, 65);
        let ran = produce(dir, &args, &first);
        assert!(ran.stderr.contains("3 records of the input were already appended"), "{ran:?}");
        // One of the topics has lost what it had, as if it had never got it.
        assert_eq!(run_on(dir, "log-admin", &["delete", "b"], "").status, 0);
        let more = [first.clone(), line("c", 4), line("b", 5), line("a", 6)].concat();
        assert_eq!(produce(dir, &args, &more).status, 65);
        let stored = ["a", "b", "c"].map(|topic| records(dir, topic).concat());
        let wanted = [
            [line("a", 1), line("a", 3), line("a", 6)].concat(),
            [line("b", 2), line("b", 5)].concat(),
            line("c", 4),
        ];
        assert_eq!(stored, wanted.map(|text| text.replace('\n', "")));
        // Another input is noticed: one that is shorter, and one that is different.
        let other = more.replace(":3}", ":7}");
        for (input, said) in [(&first, "the input has 4 records"), (&other, "not the one of which")]
        {
            let ran = produce(dir, &args, input);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains(said), "{ran:?}");
        }
        let torn = more.trim_end().to_owned() + "\n" + line("a", 8).trim_end();
        let ran = produce(dir, &args, &torn);
        assert!(ran.stderr.contains("the last line has no line end"), "{ran:?}");
        assert_eq!(records(dir, "a").len(), 3);
    });
}

#[test]
fn a_named_producer_that_is_killed_leaves_each_topic_a_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("input");
    let topic = |n: u64| n * n % 7;
    let line =
        |n: u64| format!("{{\"t\":\"t{}\",\"n\":{n},\"pad\":\"{}\"}}\n", topic(n), "x".repeat(90));
    let count = 60_000;
    fs::write(&file, (0..count).map(line).collect::<String>()).unwrap();
    let args = ["--topic-by", ".t", "--producer", "p", file.to_str().unwrap()];
    let mut daemon = Daemon::start(dir.path(), &[]);
    for round in 0..12_u64 {
        let producing = Producing::start(dir.path(), &args);
        std::thread::sleep(Duration::from_millis(20 + 15 * round));
        if round % 3 == 0 {
            daemon.signal(Signal::SIGKILL);
            drop(daemon.end());
            daemon = Daemon::start(dir.path(), &[]);
        }
        producing.signal(Signal::SIGKILL);
        producing.end();
    }
    assert_eq!(produce(dir.path(), &args, "").status, 0);
    let mut all = 0;
    for number in 0..7 {
        let wanted: Vec<String> = (0..count)
            .filter(|n| topic(*n) == number)
            .map(|n| line(n).trim_end().to_owned())
            .collect();
        let stored = records(dir.path(), &format!("t{number}"));
        assert!(stored == wanted, "t{number}: {} of {}", stored.len(), wanted.len());
        all += stored.len();
    }
    assert_eq!(all as u64, count);
    daemon.terminate();
}

#[test]
fn new_topics_are_limited() {
    both_ways(|dir| {
        assert_eq!(produce(dir, &["old"], "1\n").status, 0);
        let rejects = dir.join("bad");
        let args = ["--topic-by", ".", "--max-topics", "2", "--rejects", rejects.to_str().unwrap()];
        let ran = produce(dir, &args, "\"a\"\n\"b\"\n\"c\"\n\"a\"\n\"old\"\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("the topic c does not exist, and 2 topics were"), "{ran:?}");
        assert_eq!(topics(dir), ["a", "b", "old"]);
        assert_eq!(records(dir, "a").len(), 2);
        assert_eq!(records(dir, "old"), ["1", "\"old\""]);
    });
}

#[test]
fn topics_that_are_not_created_do_not_count() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let args = ["--topic-by", ".t", "--key", ".k.x", "--max-topics", "2", "--stats", "-v"];
        let args = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        let bad = |topic: &str| format!("{{\"t\":\"{topic}\",\"k\":1}}\n");
        let good = |topic: &str| format!("{{\"t\":\"{topic}\",\"k\":{{}}}}\n");
        // One of them is opened again and again.
        let many: String = (0..20).map(|n| bad("again") + &bad(&format!("bad{n}"))).collect();
        let input = [bad("a"), bad("b"), many, good("c"), good("d"), good("again")].concat();
        let ran = produce(dir, &args, &input);
        assert_eq!(ran.status, 65, "{ran:?}");
        assert_eq!(topics(dir), ["c", "d"]);
        assert!(ran.stdout.contains("\"topics\":2"), "{ran:?}");
        assert!(ran.stderr.contains("2 records appended to 2 topics"), "{ran:?}");
        // The last one is good, but for the limit.
        assert!(fs::read_to_string(&rejects).unwrap().ends_with(&good("again")), "{ran:?}");
        fs::remove_file(&rejects).unwrap();
    });
}

#[test]
fn records_of_very_many_topics_that_cannot_be_cost_little() {
    let (dir, daemon) = Daemon::alone(&[]);
    let rejects = dir.path().join("rejects");
    let args = ["--topic-by", ".t", "--key", ".k.x", "--max-topics", "3", "--rejects"];
    let args = [&args[..], &[rejects.to_str().unwrap()]].concat();
    // Bad for the log, and then too many of them.
    let bad = (0..3_000).map(|n| format!("{{\"t\":\"bad{n}\",\"k\":1}}\n"));
    let good = (0..3_000).map(|n| format!("{{\"t\":\"good{n}\",\"k\":{{}}}}\n"));
    let ran = produce(dir.path(), &args, &bad.chain(good).collect::<String>());
    assert_eq!(ran.status, 65, "{ran:?}");
    assert_eq!(topics(dir.path()), ["good0", "good1", "good2"]);
    assert_eq!(fs::read_to_string(&rejects).unwrap().lines().count(), 5_997);
    // A connection for each would be 6,000.
    let stats = run_on(dir.path(), "log-admin", &["stats", "--json"], "").good();
    let stats: serde_json::Value = serde_json::from_str(stats.lines().next().unwrap()).unwrap();
    assert!(stats["connections"]["taken"].as_u64().unwrap() < 300, "{stats}");
    daemon.terminate();
}

#[test]
fn more_topics_than_are_open_at_a_time() {
    both_ways(|dir| {
        let input: String = (0..600)
            .map(|number| format!("{{\"t\":\"t{}\",\"n\":{number}}}\n", number % 200))
            .collect();
        let ran = produce(dir, &["--topic-by", ".t", "--max-topics", "1000", "-v"], &input);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.stderr, "produce: 600 records appended to 200 topics\n");
        assert_eq!(records(dir, "t7").len(), 3);
        assert!(records(dir, "t7")[2].contains("407"));
    });
}

#[test]
fn what_is_sent_is_routed() {
    both_ways(|dir| {
        let (producing, port) = Producing::listen(dir, "tcp", &["--topic-by", ".t"]);
        send(port, "{\"t\":\"a\"}\n{\"t\":\"b\"}\n{\"t\":1}\n");
        await_records(dir, "b", 1);
        await_records(dir, "a", 1);
        let ran = producing.terminate();
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("2 records appended to 2 topics"), "{ran:?}");
    });
}

#[test]
fn operands_and_other_inputs_do_not_go_together() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["t", "--topic-by", ".a", "--exec", "true"][..],
        &["--topic-by", ".a", "--resume", "f"],
        &["--topic-by", ".a", "-F", "f"],
        &["--topic-by", ".a", "--spool", "."],
        &["f", "--topic-by", ".a", "--topic-default", "d", "--spool", "."],
        &["--topic-by", "syntax error"],
        &["--topic-by", ".a", "--topic-default", "../x"],
        &["--topic-default", "x", "t"],
        &[],
    ] {
        let ran = produce(dir.path(), args, "");
        assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
    }
}

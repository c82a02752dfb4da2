//! Producers, over restarts of the daemon: nothing is lost, and nothing is there twice.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::daemon::Daemon;
use crate::common::live::Pipeline;
use crate::common::{self, Ran, run, tool, wait_for};
use nix::sys::signal::Signal;

const TERM: Signal = Signal::SIGTERM;
const KILL: Signal = Signal::SIGKILL;

fn produce(dir: &Path, args: &[&str]) -> Pipeline {
    Pipeline::start(&[&[&["produce", "t", "--data", dir.to_str().unwrap()], args].concat()])
}

fn records(dir: &Path) -> String {
    run(&mut tool("subscribe", &["t", "--data", dir.to_str().unwrap()]), "").stdout
}

/// Waits until these are all records.
fn stored(dir: &Path, wanted: &str) {
    wait_for(&format!("the records {wanted:?}"), || (records(dir) == wanted).then_some(()));
}

fn stop(daemon: Daemon, signal: Signal) {
    daemon.signal(signal);
    drop(daemon.end());
}

#[test]
fn a_producer_goes_on_when_the_daemon_is_back() {
    let cases = [
        (&[][..], TERM),
        (&["--reconnect", "30s"], TERM),
        (&["--reconnect", "30s"], KILL),
        (&["--producer", "p"], TERM),
        (&["--producer", "p"], KILL),
    ];
    for (args, signal) in cases {
        let dir = tempfile::tempdir().unwrap();
        let mut daemon = Daemon::start(dir.path(), &[]);
        let mut producer = produce(dir.path(), &[args, &["-v"]].concat());
        let mut wanted = String::new();
        for round in 1..4 {
            for number in 0..3 {
                let record = format!("{round}{number}\n");
                producer.send(&record);
                wanted += &record;
                stored(dir.path(), &wanted);
            }
            stop(daemon, signal);
            if round == 2 {
                // It notices only now, and waits.
                producer.send("1\n2\n");
                wanted += "1\n2\n";
            }
            daemon = Daemon::start(dir.path(), &[]);
            stored(dir.path(), &wanted);
        }
        let ended = producer.finish();
        assert_eq!(ended[0].status, 0, "{args:?} {signal}: {ended:?}");
        let count = wanted.lines().count();
        assert!(ended[0].stderr.contains(&format!("{count} records appended")), "{ended:?}");
        assert!(ended[0].stderr.contains("waiting up to 30s"), "{ended:?}");
        assert_eq!(records(dir.path()), wanted);
    }
}

/// Has a producer append numbers, every tenth of them behind a bad line, while the daemon ends
/// again and again by these signals.
fn flood(args: &[&str], signals: &[Signal]) -> (Ran, String, String, u64) {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let data = dir.path().join("log");
    let mut daemon = Daemon::start(&make(&data), &[]);
    let args = [args, &["--rejects", rejects.to_str().unwrap()]].concat();
    let mut producer = produce(&data, &args);
    let end = Instant::now() + Duration::from_secs(2);
    let writer = std::thread::spawn(move || {
        let mut number = 0;
        while Instant::now() < end {
            // A burst, and then one by one.
            let burst = if number % 1000 < 900 { 300 } else { 1 };
            let mut lines = String::new();
            for number in number..number + burst {
                lines += &if number % 10 == 0 { format!("x{number}\n") } else { String::new() };
                lines += &format!("{number}\n");
            }
            if !producer.try_send(lines) {
                // It has ended; its status and its message tell why.
                break;
            }
            number += burst;
            std::thread::sleep(Duration::from_micros(300));
        }
        (producer.finish().remove(0), number)
    });
    // Going on is for those who have begun.
    wait_for("the producer to begin", || rejects.exists().then_some(()));
    let mut signals = signals.iter().cycle();
    while !writer.is_finished() {
        std::thread::sleep(Duration::from_millis(60));
        stop(daemon, *signals.next().unwrap());
        daemon = Daemon::start(&data, &[]);
    }
    let (ran, numbers) = writer.join().unwrap();
    (ran, records(&data), std::fs::read_to_string(rejects).unwrap(), numbers)
}

fn make(dir: &Path) -> std::path::PathBuf {
    std::fs::create_dir(dir).unwrap();
    dir.to_owned()
}

#[test]
fn nothing_is_lost_or_doubled_while_daemons_come_and_go() {
    let cases = [
        (&["--producer", "p"][..], &[KILL, TERM, KILL][..]),
        (&[], &[TERM]),
        (&["--reconnect", "30s", "-v"], &[KILL, TERM, KILL]),
    ];
    for (args, signals) in cases {
        let (ran, records, rejects, numbers) = flood(args, signals);
        assert_eq!(ran.status, 65, "{args:?}: {ran:?}");
        let wanted: String = (0..numbers).map(|number| format!("{number}\n")).collect();
        assert!(records == wanted, "{args:?}: {} of {numbers}", records.lines().count());
        let bad = (0..numbers).step_by(10).map(|number| format!("x{number}\n"));
        assert!(rejects == bad.collect::<String>(), "{args:?}: rejects");
        assert!(ran.stderr.contains("waiting up to 30s"), "{args:?}: {ran:?}");
        if args.contains(&"-v") {
            assert_eq!(told_offsets(&ran.stderr), numbers, "{ran:?}");
        }
    }
}

/// Of how many records a producer says which offsets they have, or that it does not know them.
fn told_offsets(stderr: &str) -> u64 {
    let of_line = |line: &str| {
        let line = line.strip_prefix("produce: ")?;
        if let Some((count, _)) = line.split_once(" record").filter(|(_, rest)| {
            rest.contains("before it told the offsets") || rest.contains("at other offsets")
        }) {
            return count.parse::<u64>().ok();
        }
        let (from, to) = line.strip_prefix("t/0: ")?.split_once("..")?;
        Some(to.parse::<u64>().ok()? - from.parse::<u64>().ok()?)
    };
    stderr.lines().filter_map(of_line).sum()
}

#[test]
fn what_was_not_answered_by_a_killed_daemon_ends_a_producer_without_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let mut producer = produce(dir.path(), &["--no-lend"]);
    producer.send("1\n");
    stored(dir.path(), "1\n");
    daemon.signal(Signal::SIGSTOP);
    let pid = producer.pids()[0];
    let sleeps = || common::proc::sleeps(pid);
    let before = sleeps();
    producer.send("2\n");
    // It is sent, and not taken, when the producer sleeps again.
    wait_for("the producer to wait for the answer", || (sleeps() > before).then_some(()));
    stop(daemon, KILL);
    let ended = producer.finish();
    assert_eq!(ended[0].status, 69, "{ended:?}");
    assert!(ended[0].stderr.contains("whether unanswered requests were carried out"), "{ended:?}");
    assert!(ended[0].stderr.contains("1 record appended"), "{ended:?}");
}

#[test]
fn a_producer_that_waits_in_vain_ends_with_an_error() {
    for (patience, part) in
        [("0", "shutting down"), ("100ms", "was not started again within 100ms")]
    {
        let (dir, daemon, _talk) = Daemon::with_topic(&[]);
        let mut producer = produce(dir.path(), &["--reconnect", patience, "--producer", "p"]);
        producer.send("1\n");
        stored(dir.path(), "1\n");
        stop(daemon, TERM);
        producer.send("2\n");
        let ended = producer.finish();
        assert!([69, 75].contains(&ended[0].status), "{ended:?}");
        assert!(ended[0].stderr.contains(part), "{ended:?}");
        assert!(ended[0].stderr.contains("1 record appended"), "{ended:?}");
    }
}

#[test]
fn a_signal_ends_the_waiting_and_what_is_in_hand_is_told() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    let mut producer = produce(dir.path(), &["--reconnect", "1h"]);
    producer.send("1\n");
    stored(dir.path(), "1\n");
    stop(daemon, TERM);
    producer.send("2\n");
    producer.signal(0, TERM);
    let ended = producer.finish();
    // Before it has read the line, that is left to others, and nothing is amiss.
    assert!([69, 143].contains(&ended[0].status), "{ended:?}");
    assert!(ended[0].stderr.contains("1 record appended"), "{ended:?}");
    assert_eq!(
        ended[0].status == 69,
        ended[0].stderr.contains("a signal ended the wait"),
        "{ended:?}"
    );
}

#[test]
fn a_daemon_that_read_the_input_and_is_killed_is_an_error_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let mut producer = produce(dir.path(), &[]);
    producer.send("1\n");
    stored(dir.path(), "1\n");
    let input = std::fs::read_link(format!("/proc/{}/fd/0", producer.pids()[0])).unwrap();
    let input = input.to_string_lossy().into_owned();
    wait_for("the pipe to be lent", || {
        common::proc::open_files(daemon.child.0.id()).contains(&input).then_some(())
    });
    stop(daemon, KILL);
    let ended = producer.finish();
    assert_eq!(ended[0].status, 69, "{ended:?}");
    assert!(ended[0].stderr.contains("with --reconnect D log-serve does not read"), "{ended:?}");
}

#[test]
fn one_signal_ends_a_producer_whose_daemon_is_stopped() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    let mut producer = produce(dir.path(), &["--reconnect", "1h"]);
    producer.send("1\n");
    stored(dir.path(), "1\n");
    daemon.freeze();
    let pid = producer.pids()[0];
    let before = common::proc::read_bytes(pid);
    producer.send("22\n");
    // What it has read it sends at once.
    wait_for("the producer to read", || (common::proc::read_bytes(pid) > before + 2).then_some(()));
    producer.signal(0, TERM);
    let ended = producer.finish();
    assert_eq!(ended[0].status, 69, "{ended:?}");
    let unanswered = "1 record is not acknowledged, and may be appended or not";
    assert!(ended[0].stderr.contains(unanswered), "{ended:?}");
    assert!(ended[0].stderr.contains("1 record appended"), "{ended:?}");
}

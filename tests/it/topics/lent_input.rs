//! `produce` from a pipe, which it lends the daemon: whoever reads there, everything is appended,
//! once and in order, and produce says the same.

use std::fs::File;
use std::io::{PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::process::Stdio;

use crate::common::daemon::{Daemon, Talk};
use crate::common::proc::open_files;
use crate::common::{self, Guard, Ran, tool, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A daemon with a topic `t` that is not forced to the disk, and a connection.
fn record(number: usize) -> String {
    format!("{{\"number\":{number},\"text\":\"{}\"}}\n", "x".repeat(100))
}

fn records(numbers: std::ops::Range<usize>) -> String {
    numbers.map(record).collect()
}

/// `produce`, and who writes its input and follows the topic.
struct Producer {
    child: Option<Guard>,
    input: Option<PipeWriter>,
    /// The name of the pipe among a process's descriptors.
    pipe: String,
    topic: Talk,
    /// What came of the topic and was not asked for yet.
    left: String,
}

impl Producer {
    fn new(daemon: &Daemon, args: &[&str]) -> Producer {
        let (reader, writer) = std::io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let pipe = std::fs::read_link(path).unwrap().to_string_lossy().into_owned();
        let child = Some(produce(daemon, args, reader));
        let mut topic = daemon.talk();
        topic.say(r#"{"fetch":{"topic":"t","follow":true}}"#);
        Producer { child, input: Some(writer), pipe, topic, left: String::new() }
    }

    fn write(&mut self, text: impl AsRef<[u8]>) {
        self.input.as_mut().unwrap().write_all(text.as_ref()).unwrap();
    }

    /// Has records written, from the first of these on, for as long as anybody reads; does `then`
    /// once these are stored.
    fn flood(&mut self, first: std::ops::Range<usize>, then: impl FnOnce(&Producer)) {
        let (mut input, from) = (self.input.take().unwrap(), first.start);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                (from..).find(|number| input.write_all(record(*number).as_bytes()).is_err())
            });
            self.stored(&records(first));
            then(self);
        });
    }

    /// The next records of the topic must be these.
    fn stored(&mut self, wanted: &str) {
        while self.left.len() < wanted.len() {
            let run = self.topic.answer();
            let bytes = run["records"]["bytes"].as_u64().unwrap_or_else(|| panic!("{run}"));
            self.left += std::str::from_utf8(&self.topic.bytes(bytes as usize)).unwrap();
        }
        let later = self.left.split_off(wanted.len());
        assert!(self.left == wanted, "{:.500}\nin place of\n{wanted:.500}", self.left);
        self.left = later;
    }

    fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().0.id()
    }

    /// Writes a record, and waits until produce, which reads that, lends the pipe.
    fn lend(&mut self, daemon: &Daemon, number: usize) {
        self.write(record(number));
        self.stored(&record(number));
        wait_for("the pipe to be lent", || self.is_lent(daemon).then_some(()));
    }

    fn is_lent(&self, daemon: &Daemon) -> bool {
        open_files(daemon.child.0.id()).contains(&self.pipe)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Ends the input, if it has not, and waits for produce to end.
    fn end(&mut self) -> Ran {
        self.input = None;
        self.ended()
    }

    fn ended(&mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        let status = wait_for("produce to end", || child.0.try_wait().unwrap());
        let mut stderr = Vec::new();
        std::io::Read::read_to_end(&mut child.0.stderr.take().unwrap(), &mut stderr).unwrap();
        std::process::Output { status, stdout: Vec::new(), stderr }.into()
    }
}

fn produce(daemon: &Daemon, args: &[&str], input: impl Into<Stdio>) -> Guard {
    let mut command = tool("produce", &["--data", daemon.dir.to_str().unwrap(), "t"]);
    command.args(args).stdin(input).stdout(Stdio::null()).stderr(Stdio::piped());
    Guard(command.spawn().unwrap())
}

#[test]
fn small_records_pass_produce_by() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &["-v"]);
    producer.lend(&daemon, 0);
    producer.signal(Signal::SIGSTOP);
    for number in 1..100 {
        producer.write(record(number));
        producer.stored(&record(number));
    }
    // What is large waits for it, and all that comes behind.
    producer.write(records(100..400));
    producer.write(record(400));
    producer.signal(Signal::SIGCONT);
    producer.stored(&records(100..401));
    producer.lend(&daemon, 401);
    let ran = producer.end();
    assert_eq!(
        (ran.status, &*ran.stderr),
        (0, "produce: 402 records appended to t\nproduce: t/0: 0..402\n")
    );
}

#[test]
fn however_the_lines_come_they_are_appended_in_order() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &["-v"]);
    let many = 20_000;
    let text = records(0..many);
    let mut input = producer.input.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let sizes = [119, 1, 3_000, 7, 119, 40_000, 118, 1, 1, 300_000, 15_000];
            let (mut rest, mut sizes) = (text.as_bytes(), sizes.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                input.write_all(now).unwrap();
                rest = later;
            }
            for line in text.lines().take(3_000) {
                writeln!(input, "{line}").unwrap();
            }
            drop(input);
        });
        producer.stored(&text);
        producer.stored(&records(0..3_000));
    });
    let ran = producer.end();
    assert_eq!(
        (ran.status, &*ran.stderr),
        (0, "produce: 23000 records appended to t\nproduce: t/0: 0..23000\n")
    );
}

/// What produce says about an input that it reads by itself.
fn unlent(args: &[&str], input: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let mut command = tool("produce", &["--data", dir.path().to_str().unwrap(), "t"]);
    common::run(command.args(args), input)
}

#[test]
fn what_is_odd_is_told_as_ever() {
    let first = record(0);
    for odd in [
        "{\"a\":}\n",
        "1\n2\n{\"a\":}\n3\n",
        "\n1\n\n  \nx\n",
        "1\r\n2\r\nx\r\n",
        "{\"@millstream\":{\"partition\":1}}\n1\nx\n",
        "{\"@millstream\":1}\n",
        "1\n2\n{\"a\":",
        "1\n2",
        "\u{feff}1\n",
        "1\n\0\n",
    ] {
        let (_dir, daemon, _talk) = Daemon::without_fsync();
        let mut producer = Producer::new(&daemon, &["-v"]);
        producer.lend(&daemon, 0);
        // Counted lines, which others have taken, before it.
        producer.write(records(1..4));
        producer.stored(&records(1..4));
        producer.write(odd);
        let ran = producer.end();
        let wanted = unlent(&["-v"], &format!("{first}{}{odd}", records(1..4)));
        assert_eq!((ran.status, ran.stderr), (wanted.status, wanted.stderr), "{odd:?}");
    }
}

#[test]
fn lines_that_are_no_records_are_counted() {
    for (odd, good) in [
        ("\n1\n\n  \n", "1\n"),
        ("1\r\n2\r\n", "1\n2\n"),
        ("{\"@millstream\":{\"partition\":1}}\n1\n", "1\n"),
    ] {
        let (_dir, daemon, _talk) = Daemon::without_fsync();
        let mut producer = Producer::new(&daemon, &["-v"]);
        producer.lend(&daemon, 0);
        producer.write(odd);
        producer.stored(good);
        producer.lend(&daemon, 1);
        producer.write("x\n");
        let ran = producer.end();
        let wanted = unlent(&["-v"], &format!("{}{odd}{}x\n", record(0), record(1)));
        assert_eq!((ran.status, ran.stderr), (wanted.status, wanted.stderr), "{odd:?}");
    }
}

#[test]
fn rejects_are_kept() {
    let (dir, daemon, _talk) = Daemon::without_fsync();
    let path = dir.path().join("rejects");
    let mut producer = Producer::new(&daemon, &["-v", "--rejects", path.to_str().unwrap()]);
    producer.lend(&daemon, 0);
    for bad in ["x\n", "1\ny\n2\n", "z\n"] {
        producer.write(bad);
        producer.write(record(1));
        let good: String = bad.split_inclusive('\n').filter(|line| *line < "x").collect();
        producer.stored(&(good + &record(1)));
    }
    let ran = producer.end();
    assert!(ran.stderr.contains("6 records appended to t"), "{ran:?}");
    let rejects = std::fs::read_to_string(path).unwrap();
    assert_eq!(rejects, "x\ny\nz\n");
}

#[test]
fn a_signal_ends_it_and_it_says_how_much_is_appended() {
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let (_dir, daemon, _talk) = Daemon::without_fsync();
        let mut producer = Producer::new(&daemon, &[]);
        producer.lend(&daemon, 0);
        producer.write(records(1..4));
        producer.stored(&records(1..4));
        producer.signal(signal);
        let ran = producer.ended();
        assert_eq!((ran.status, &*ran.stderr), (status, "produce: 4 records appended to t\n"));
        wait_for("the pipe to be let go", || (!producer.is_lent(&daemon)).then_some(()));
        // Nobody reads it any more.
        let written = producer.input.as_mut().unwrap().write(b"1\n");
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
        assert_eq!(daemon.records(), records(0..4));
    }
}

#[test]
fn a_signal_ends_it_also_while_the_daemon_is_stopped() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &[]);
    producer.lend(&daemon, 0);
    daemon.freeze();
    producer.write(record(1));
    producer.signal(Signal::SIGTERM);
    let ran = producer.ended();
    assert_eq!(ran.status, 69, "{ran:?}");
    assert!(ran.stderr.contains("a signal ended the wait"), "{ran:?}");
    assert!(ran.stderr.contains("log-serve was reading the input itself"), "{ran:?}");
    assert!(ran.stderr.contains("1 record appended to t"), "{ran:?}");
}

#[test]
fn when_the_daemon_stops_it_is_told_as_ever() {
    let ended = |args: &[&str]| {
        let (_dir, daemon, talk) = Daemon::without_fsync();
        let mut producer = Producer::new(&daemon, &[args, &["--reconnect", "0"]].concat());
        producer.write(record(0));
        producer.stored(&record(0));
        if args.is_empty() {
            producer.lend(&daemon, 1);
        } else {
            producer.write(record(1));
            producer.stored(&record(1));
        }
        drop(talk);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(producer.topic.error(), "shutting_down");
        assert_eq!(daemon.end().status, 0);
        producer.write("1\n");
        let ran = producer.ended();
        // Nothing is in doubt.
        assert!(ran.stderr.contains("log-serve is shutting down; try again"), "{ran:?}");
        (ran.status, ran.stderr)
    };
    assert_eq!(ended(&[]), ended(&["--producer", "p"]));
}

#[test]
fn a_daemon_that_is_killed_loses_nothing_of_what_it_acknowledged() {
    let (dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &["--reconnect", "0"]);
    producer.lend(&daemon, 0);
    producer.flood(1..500, |_| daemon.signal(Signal::SIGKILL));
    let ran = producer.ended();
    assert_eq!(ran.status, 69, "{ran:?}");
    let said: Vec<_> =
        ran.stderr.lines().filter_map(|line| line.strip_prefix("produce: ")).collect();
    // A busy machine may have acknowledged one alone.
    let appended = said.iter().find_map(|line| {
        line.strip_suffix(" records appended to t").or(line.strip_suffix(" record appended to t"))
    });
    let appended: usize = appended.unwrap_or_else(|| panic!("{ran:?}")).parse().unwrap();
    drop(daemon);
    let stored = Daemon::start(dir.path(), &[]).records();
    let count = stored.lines().count();
    assert!(count >= appended && appended > 0, "{count} {appended}");
    assert!(stored == records(0..count));
}

#[test]
fn a_produce_that_is_killed_loses_and_doubles_nothing() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &[]);
    producer.lend(&daemon, 0);
    producer.flood(1..500, |producer| producer.signal(Signal::SIGKILL));
    wait_for("the pipe to be let go", || (!producer.is_lent(&daemon)).then_some(()));
    let stored = daemon.records();
    assert!(stored == records(0..stored.lines().count()));
}

#[test]
fn a_topic_that_is_gone_is_an_error() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &[]);
    producer.lend(&daemon, 0);
    assert!(talk.ask(r#"{"delete":{"topic":"t"}}"#).get("deleted").is_some());
    producer.write("1\n");
    let ran = producer.ended();
    let wanted = "produce: 1 record appended to t\nproduce: t: no such topic\n";
    assert_eq!((ran.status, &*ran.stderr), (69, wanted));
}

#[test]
fn what_the_daemon_could_not_do_as_well_or_may_not_do_is_not_lent() {
    let args = [&["--producer", "p"][..], &["--max-record", "1000"], &["--from", "csv"]];
    for args in args.into_iter().chain([&["--no-lend"][..]]) {
        let (_dir, daemon, _talk) = Daemon::without_fsync();
        let mut producer = Producer::new(&daemon, args);
        producer.write("1\n2\n");
        producer.topic.answer();
        // It waits for more now, as it does once it is idle.
        wait_for("produce to sleep", || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", producer.pid())).unwrap();
            stat.contains(" S ").then_some(())
        });
        assert!(!producer.is_lent(&daemon), "{args:?}");
    }
}

#[test]
fn lines_that_always_come_in_pieces_are_not_lent_for_ever() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut producer = Producer::new(&daemon, &[]);
    for number in 0..8 {
        producer.lend(&daemon, number);
        producer.write("[");
        wait_for("the pipe to be returned", || (!producer.is_lent(&daemon)).then_some(()));
        producer.write("1]\n");
        producer.stored("[1]\n");
    }
}

const LENDING: &str = r#"{"lend":{"topic":"t"}}"#;

#[test]
fn whatever_the_client_says_ends_it() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let mut talk = daemon.talk();
    let (reader, mut writer) = std::io::pipe().unwrap();
    for end in ["\n", "{\"hello\":{\"version\":1}}\n"] {
        talk.pass(LENDING, &reader);
        writer.write_all(b"1\n2\n").unwrap();
        assert_eq!(talk.answer()["appended"]["records"], 2);
        writer.write_all(b"3\nx\n").unwrap();
        assert_eq!(talk.answer()["returned"]["bytes"], 4);
        assert_eq!(talk.bytes(4), b"3\nx\n");
        talk.pass(LENDING, &reader);
        talk.send(end);
        assert_eq!(talk.answer()["returned"]["bytes"], 0);
    }
    assert!(talk.answer().get("hello").is_some());
    assert_eq!(daemon.records(), "1\n2\n1\n2\n");
}

#[test]
fn a_pipe_that_is_lent_twice_is_read_once() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let many = 5_000;
    let lend = |mut talk: Talk| {
        let mut records = 0;
        loop {
            talk.pass(LENDING, &reader);
            let mut answer = talk.answer();
            while let Some(appended) = answer["appended"]["records"].as_u64() {
                records += appended;
                answer = talk.answer();
            }
            let left = answer["returned"]["bytes"].as_u64().unwrap() as usize;
            if left == 0 {
                return records;
            }
            let left = String::from_utf8(talk.bytes(left)).unwrap();
            talk.append("t", &left);
            records += talk.answer()["appended"]["records"].as_u64().unwrap();
        }
    };
    let appended: u64 = std::thread::scope(|scope| {
        let both = [daemon.talk(), daemon.talk()].map(|talk| scope.spawn(move || lend(talk)));
        for number in 0..many {
            writer.write_all(record(number).as_bytes()).unwrap();
        }
        drop(writer);
        both.map(|one| one.join().unwrap()).iter().sum()
    });
    let mut stored: Vec<String> = daemon.records().lines().map(str::to_owned).collect();
    assert_eq!((appended, stored.len()), (many as u64, many));
    stored.sort_by_key(|line| line.split([':', ',']).nth(1).unwrap().parse::<usize>().unwrap());
    assert!(stored.iter().enumerate().all(|(number, line)| *line == record(number).trim_end()));
}

#[test]
fn what_is_no_pipe_is_returned() {
    let (dir, daemon, _talk) = Daemon::without_fsync();
    let path = dir.path().join("file");
    std::fs::write(&path, "1\n").unwrap();
    let mut talk = daemon.talk();
    talk.pass(LENDING, File::open(&path).unwrap());
    assert_eq!(talk.answer()["returned"]["bytes"], 0);
    assert_eq!(daemon.records(), "");
}

//! `--merge`: inputs as one, in the order of their records' times, however they come.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::common::daemon::both_ways;
use crate::common::{self, Guard, Ran, gzip, next_line, run, run_on, wait_for};

const START: &str = "{\"@millstream\":{\"start\":{\"trusted\":false}}}\n";
const END: &str = "{\"@millstream\":{\"end\":{}}}\n";
const BY_TIME: [&str; 3] = ["--merge", "--time", ".t"];

fn tool(dir: &Path, name: &str, args: &[&str]) -> Command {
    let mut command = common::tool(name, args);
    command.current_dir(dir).args(BY_TIME);
    command
}

fn filter(dir: &Path, args: &[&str]) -> Ran {
    run(&mut tool(dir, "filter", &[&["true"], args].concat()), "")
}

/// Records of an input with these times, in milliseconds.
fn records(name: &str, times: &[i64]) -> String {
    let line = |(number, time): (usize, &i64)| {
        format!("{{\"t\":{},\"from\":\"{name}\",\"n\":{number}}}\n", 1_700_000_000_000 + time)
    };
    times.iter().enumerate().map(line).collect()
}

/// What has to come of inputs: all records, sorted by effective time, input and position.
fn expected(inputs: &[(&str, Vec<i64>)], out_of_order_ms: i64) -> String {
    let mut all = Vec::new();
    for (number, (name, times)) in inputs.iter().enumerate() {
        let mut greatest = i64::MIN / 2;
        let text = records(name, times);
        for (position, (time, line)) in times.iter().zip(text.lines()).enumerate() {
            let effective = *time.max(&(greatest - out_of_order_ms));
            greatest = greatest.max(*time);
            all.push((effective, number, position, format!("{line}\n")));
        }
    }
    all.sort();
    all.into_iter().map(|(.., line)| line).collect()
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 33) % most).unwrap()
    }

    /// Times that go on, with some disorder, more than is allowed now and then.
    fn times(&mut self, count: usize) -> Vec<i64> {
        let mut now = 0;
        let mut time = || {
            now += i64::try_from(self.below(40)).unwrap();
            match self.below(12) {
                0 => now - 4_000,
                1 => now - 9_000,
                2 => now - 10,
                _ => now,
            }
        };
        (0..count).map(|_| time()).collect()
    }
}

/// Three inputs, and what comes of them.
fn three() -> ([(&'static str, Vec<i64>); 3], String) {
    let mut random = Random(7);
    let inputs = [("a", random.times(700)), ("b", random.times(900)), ("c", random.times(20))];
    let expected = expected(&inputs, 5_000);
    (inputs, expected)
}

fn fifo(dir: &Path, name: &str) {
    mkfifo(&dir.join(name), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
}

#[test]
fn files_of_every_kind_are_one_in_the_order_of_time() {
    let dir = TempDir::new().unwrap();
    let (inputs, expected) = three();
    let text = |at: usize| records(inputs[at].0, &inputs[at].1);
    fs::write(dir.path().join("a"), text(0)).unwrap();
    fs::write(dir.path().join("b.gz"), gzip(text(1))).unwrap();
    for jobs in ["1", "3"] {
        let mut command = tool(dir.path(), "filter", &["true", "-j", jobs, "a", "b.gz", "-"]);
        let ran = run(&mut command, text(2));
        assert_eq!((&*ran.stdout, ran.status), (&*expected, 0), "{jobs}");
        let later = ran.stderr.split(' ').nth(1).unwrap().parse::<usize>().unwrap();
        assert!(later > 10 && ran.stderr.contains("came later than --out-of-order 5s allows"));
    }
    // The order of the operands counts only where times are equal.
    fs::write(dir.path().join("c"), text(2)).unwrap();
    let lines = |args: &[&str]| {
        let ran = filter(dir.path(), args).stdout;
        let mut lines: Vec<String> = ran.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&["a", "b.gz", "c"]), lines(&["c", "b.gz", "a"]));
}

#[test]
fn how_writers_take_turns_makes_no_difference() {
    let dir = TempDir::new().unwrap();
    let (inputs, expected) = three();
    let names = ["a", "b", "c"];
    names.iter().for_each(|name| fifo(dir.path(), name));
    for seed in 1..9 {
        let mut random = Random(seed * 1_000_003);
        let mut command = tool(dir.path(), "filter", &[&["true"], &names[..]].concat());
        let mut child =
            Guard(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut stdout = child.0.stdout.take().unwrap();
        let reader = std::thread::spawn(move || std::io::read_to_string(&mut stdout).unwrap());
        let texts = [0, 1, 2].map(|at| records(inputs[at].0, &inputs[at].1));
        let mut left: Vec<(usize, &[u8], Option<File>)> =
            texts.iter().enumerate().map(|(at, text)| (at, text.as_bytes(), None)).collect();
        // Also opening them takes turns.
        while !left.is_empty() {
            let place = random.below(left.len() as u64);
            let (at, text, file) = &mut left[place];
            let path = dir.path().join(names[*at]);
            let file =
                file.get_or_insert_with(|| OpenOptions::new().write(true).open(path).unwrap());
            let count = random.below(4_000).min(text.len());
            file.write_all(&text[..count]).unwrap();
            *text = &text[count..];
            if text.is_empty() {
                left.remove(place);
            }
        }
        assert_eq!(reader.join().unwrap(), expected, "{seed}");
        assert!(child.0.wait().unwrap().success());
    }
}

#[test]
fn all_tools_merge() {
    let dir = TempDir::new().unwrap();
    let inputs = [("a", vec![0, 2_000, 61_000]), ("b", vec![1_000, 3_000, 62_000])];
    let expected = expected(&inputs, 5_000);
    for (name, times) in &inputs {
        fs::write(dir.path().join(name), records(name, times)).unwrap();
    }
    let on = |name: &str, args: &[&str]| run(&mut tool(dir.path(), name, args), "").good();
    assert_eq!(on("map", &[".", "a", "b"]), expected);
    assert_eq!(on("map", &["--through", "cat", "a", "b"]), expected);
    let froms = |text: &str| -> Vec<String> {
        let from = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(|line| from(line)["from"].as_str().unwrap().to_owned()).collect()
    };
    let windowed = on("window", &["--tumbling", "1m", "--plain", "a", "b"]);
    assert_eq!(froms(&windowed), ["a", "b", "a", "b", "a", "b"]);
    let counted = on("aggregate", &["--tumbling", "1m", "count", "first(.from)", "a", "b"]);
    assert_eq!(counted.matches("\"count\":4").count(), 1, "{counted}");
    assert_eq!(counted.matches("\"first_from\":\"a\"").count(), 2, "{counted}");
    both_ways(|log| {
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (a, b) = (path("a"), path("b"));
        let args = ["t", "--merge", "--time", ".t", "--add", "at=[$file, $line]", &a, &b];
        run_on(log, "produce", &args, "").good();
        let ran = run_on(log, "subscribe", &["t"], "");
        assert_eq!(froms(&ran.stdout), ["a", "b", "a", "b", "a", "b"]);
        let last = ran.stdout.lines().last().unwrap();
        assert!(last.ends_with(&format!("\"at\":[\"{b}\",3]}}")), "{last}");
    });
}

#[test]
fn a_format_is_that_of_each_input() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.csv"), "t,x\n1,a\n3,b\n").unwrap();
    fs::write(dir.path().join("b.csv"), "x,t\nc,2\nd,4\n").unwrap();
    let out = filter(dir.path(), &["--from", "csv", "a.csv", "b.csv"]).good();
    let expected = "{\"t\":1,\"x\":\"a\"}\n{\"x\":\"c\",\"t\":2}\n{\"t\":3,\"x\":\"b\"}\n{\"x\":\"d\",\"t\":4}\n";
    assert_eq!(out, expected);
    // The time of syslog is known.
    fs::write(dir.path().join("a.log"), "2024-05-01T12:00:01Z h a: 1\n").unwrap();
    fs::write(dir.path().join("b.log"), "2024-05-01T12:00:00Z h b: 2\n").unwrap();
    let args = ["true", "--merge", "--from", "syslog", "a.log", "b.log"];
    let out = run(common::tool("filter", &args).current_dir(dir.path()), "").good();
    let messages: Vec<&str> =
        out.lines().filter_map(|line| line.split("\"msg\":").nth(1)).collect();
    assert_eq!(messages, ["\"2\"}", "\"1\"}"]);
}

#[test]
fn what_is_bad_stays_in_its_place() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("a", "{\"t\":1}\n\n{\"t\":5}\n{\"t\":9}\n");
    write("b", "{\"t\":2}\n{\"x\":1}\nnot json\n{\"t\":8}\n");
    let ran = filter(dir.path(), &["a", "b"]);
    assert_eq!((&*ran.stdout, ran.status), ("{\"t\":1}\n{\"t\":2}\n", 65), "{ran:?}");
    assert!(ran.stderr.starts_with("filter: b:2: "), "{ran:?}");
    let ran = filter(dir.path(), &["a", "b", "--rejects", "bad"]);
    let all = [1, 2, 5, 8, 9].map(|time| format!("{{\"t\":{time}}}\n")).concat();
    assert_eq!((&*ran.stdout, ran.status), (&*all, 65), "{ran:?}");
    assert_eq!(fs::read_to_string(dir.path().join("bad")).unwrap(), "{\"x\":1}\nnot json\n");
    assert!(ran.stderr.contains("filter: b:3: rejected: "), "{ran:?}");
    // What the tool itself refuses has the place in its own file.
    write("c", "{\"t\":3}\n{\"t\":7,\"x\":\"a\"}\n");
    let ran = run(&mut tool(dir.path(), "map", &[".x + 1", "a", "c"]), "");
    assert!(ran.stderr.starts_with("map: c:2: "), "{ran:?}");
    assert_eq!(ran.stdout, "1\n1\n1\n");
    // A line that is too long, and one without its end.
    write("long", &format!("{{\"t\":6,\"x\":\"{}\"}}\n{{\"t\":7}}", "y".repeat(600_000)));
    let ran = filter(dir.path(), &["--max-record", "1k", "--rejects", "bad", "a", "long"]);
    assert_eq!(ran.stdout, "{\"t\":1}\n{\"t\":5}\n{\"t\":7}\n{\"t\":9}\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("long:1: rejected: the line is longer"), "{ran:?}");
    assert!(fs::metadata(dir.path().join("bad")).unwrap().len() > 600_000);
    let whole = filter(dir.path(), &["long", "a"]);
    assert_eq!((whole.stdout.len(), whole.status), (600_000 + 47, 0), "{}", whole.stderr);
}

#[test]
fn streams_become_one_and_a_cut_one_is_cut() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("a", &format!("{START}{{\"t\":1}}\n{{\"t\":4}}\n{END}"));
    write("b", "{\"t\":2}\n{\"t\":9}\n");
    write("cut", &format!("{START}{{\"t\":3}}\n{{\"t\":5}}\n{{\"t"));
    write(
        "windowed",
        "{\"@millstream\":{\"window\":{\"session\":{\"gap_ms\":30000}}}}\n{\"t\":1}\n",
    );
    let lines = |times: &[u32]| -> String {
        times.iter().map(|time| format!("{{\"t\":{time}}}\n")).collect()
    };
    let whole = filter(dir.path(), &["b", "a"]).good();
    assert_eq!(whole, format!("{START}{}{END}", lines(&[1, 2, 4, 9])));
    let cut = filter(dir.path(), &["a", "b", "cut"]);
    assert_eq!(cut.stdout, format!("{START}{}", lines(&[1, 2, 3, 4, 5])), "{cut:?}");
    assert_eq!(cut.status, 65);
    assert!(cut.stderr.starts_with("filter: cut: the input was cut short: its end is missing"));
    let refused = filter(dir.path(), &["b", "windowed"]);
    assert_eq!((refused.status, &*refused.stdout), (2, ""), "{refused:?}");
    assert!(
        refused.stderr.contains("windowed:1: ") && refused.stderr.contains("merge before window")
    );
    // Nothing at all is a stream, too.
    write("none", &format!("{START}{END}"));
    assert_eq!(filter(dir.path(), &["none"]).good(), format!("{START}{END}"));
    assert_eq!(filter(dir.path(), &["/dev/null"]).good(), "");
}

#[test]
fn what_came_later_is_a_fault_if_one_says_so() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), records("a", &[0, 10_000, 3_000, 20_000])).unwrap();
    fs::write(dir.path().join("b"), records("b", &[4_000, 6_000])).unwrap();
    let inputs = [("a", vec![0, 10_000, 3_000, 20_000]), ("b", vec![4_000, 6_000])];
    let told = "filter: 1 record came later than --out-of-order 5s allows, by at most 2s, and is where \
                that was\n";
    for (strict, status) in [(&[][..], 0), (&["--strict"][..], 65)] {
        let ran = filter(dir.path(), &[strict, &["a", "b"]].concat());
        assert_eq!((ran.status, &*ran.stdout), (status, &*expected(&inputs, 5_000)), "{ran:?}");
        assert_eq!(ran.stderr, told);
    }
    let ran = filter(dir.path(), &["--strict", "--out-of-order", "7s", "a", "b"]);
    assert_eq!((ran.good(), String::new()), (expected(&inputs, 7_000), String::new()));
}

/// A tool that reads FIFOs, and what it has written so far.
struct Live {
    child: Guard,
    out: BufReader<std::process::ChildStdout>,
    err: BufReader<std::process::ChildStderr>,
    files: Vec<File>,
}

impl Live {
    fn start(dir: &Path, args: &[&str], names: &[&str]) -> Live {
        names.iter().for_each(|name| fifo(dir, name));
        let mut command = tool(dir, "filter", &[&["true"], args, names].concat());
        let mut child =
            Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let out = BufReader::new(child.0.stdout.take().unwrap());
        let err = BufReader::new(child.0.stderr.take().unwrap());
        let open = |name: &&str| OpenOptions::new().write(true).open(dir.join(name)).unwrap();
        let files = names.iter().map(open).collect();
        Live { child, out, err, files }
    }

    fn send(&mut self, file: usize, text: &str) {
        self.files[file].write_all(text.as_bytes()).unwrap();
    }

    fn end(mut self) -> (String, String, Option<i32>) {
        self.files.clear();
        let (mut out, mut err) = (String::new(), String::new());
        std::io::Read::read_to_string(&mut self.out, &mut out).unwrap();
        std::io::Read::read_to_string(&mut self.err, &mut err).unwrap();
        (out, err, self.child.0.wait().unwrap().code())
    }
}

#[test]
fn a_record_goes_out_as_soon_as_its_place_is_certain() {
    let dir = TempDir::new().unwrap();
    let mut live = Live::start(dir.path(), &["--out-of-order", "1s"], &["a", "b"]);
    live.send(0, &records("a", &[0, 5_000]));
    live.send(1, &records("b", &[1_000, 3_000]));
    assert_eq!(next_line(&mut live.out), records("a", &[0]));
    assert_eq!(next_line(&mut live.out), records("b", &[1_000]));
    let (rest, ..) = live.end();
    assert_eq!(rest.lines().count(), 2);
}

#[test]
fn a_quiet_pipe_is_not_waited_for_for_ever() {
    let dir = TempDir::new().unwrap();
    let mut live =
        Live::start(dir.path(), &["--idle", "50ms", "--out-of-order", "0s"], &["a", "b"]);
    live.send(0, &records("a", &[0, 5_000]));
    // Nothing comes of b.
    let both = [next_line(&mut live.out), next_line(&mut live.out)].concat();
    assert_eq!(both, records("a", &[0, 5_000]));
    live.send(1, &records("b", &[1_000]));
    assert_eq!(next_line(&mut live.out), records("b", &[1_000]));
    let (rest, err, status) = live.end();
    assert!(
        err.contains("1 record came later than --out-of-order 0s allows, by at most 4s"),
        "{err}"
    );
    assert_eq!((&*rest, status), ("", Some(0)));
}

#[test]
fn a_pipe_that_was_quiet_is_heard_while_a_file_gives_records() {
    let dir = TempDir::new().unwrap();
    let times: Vec<i64> = (0..300_000).collect();
    fs::write(dir.path().join("file"), records("file", &times)).unwrap();
    fifo(dir.path(), "pipe");
    let mut command = tool(
        dir.path(),
        "filter",
        &["true", "--idle", "50ms", "--out-of-order", "0s", "file", "pipe"],
    );
    let mut child = Guard(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut out = BufReader::new(child.0.stdout.take().unwrap());
    let mut pipe = OpenOptions::new().write(true).open(dir.path().join("pipe")).unwrap();
    // It is not waited for any more, and the file is far from its end: this reads no further.
    assert_eq!(next_line(&mut out), records("file", &[0]));
    pipe.write_all(records("pipe", &[0]).as_bytes()).unwrap();
    let of_pipe = |line: std::io::Result<String>| line.unwrap().contains("pipe");
    let at = out.by_ref().lines().position(of_pipe).unwrap();
    assert!(at < times.len() - 1, "{at}");
}

#[test]
fn an_input_that_leads_is_not_read_on_for_ever() {
    let dir = TempDir::new().unwrap();
    let mut live =
        Live::start(dir.path(), &["--max-pending", "2000", "--out-of-order", "9ms"], &["a", "b"]);
    let times: Vec<i64> = (0..40_000).collect();
    let text = records("a", &times);
    let mut file = live.files.remove(0);
    let writer = std::thread::spawn(move || file.write_all(text.as_bytes()).unwrap());
    let mut told = String::new();
    live.err.read_line(&mut told).unwrap();
    assert!(told.starts_with("filter: b: waiting for this input, which has given nothing yet; "));
    // The writer waits, since no more is read.
    assert!(!writer.is_finished());
    live.send(0, &records("b", &[100, 90_000]));
    let (rest, err, status) = {
        let reader = std::thread::spawn(move || live.end());
        reader.join().unwrap()
    };
    writer.join().unwrap();
    assert_eq!((rest.lines().count(), &*err, status), (40_002, "", Some(0)));
}

#[test]
fn disorder_that_holds_too_much_is_refused() {
    let dir = TempDir::new().unwrap();
    let times: Vec<i64> = (0..50_000).collect();
    fs::write(dir.path().join("a"), records("a", &times)).unwrap();
    let ran = filter(dir.path(), &["--out-of-order", "1h", "--max-pending", "10000", "a"]);
    assert_eq!((ran.status, &*ran.stdout), (65, ""), "{ran:?}");
    assert!(ran.stderr.contains("which all lie within --out-of-order 1h"), "{ran:?}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), "{\"t\":1}\n").unwrap();
    for (name, args, why) in [
        ("filter", &["true", "--merge", "a"][..], "no event time is given; add --time EXPR"),
        ("map", &[".", "--time", ".t", "a"], "--time: it has no effect here; add --merge"),
        ("map", &[".", "--merge", "--time", ".t", "-", "-"], "standard input (-) is named twice"),
        ("filter", &["true", "--merge", "--time", ".t", "--idle", "0s"], "must be longer than 0"),
        (
            "produce",
            &["t", "--merge", "--time", ".t", "--producer", "p"],
            "does not go with --producer",
        ),
        (
            "produce",
            &["t", "--merge", "--time", ".t", "--resume", "a"],
            "does not go with --resume",
        ),
    ] {
        let ran = run(common::tool(name, args).current_dir(dir.path()), "");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
    let missing = filter(dir.path(), &["a", "missing"]);
    assert!(missing.status != 0 && missing.stderr.contains("missing"), "{missing:?}");
}

#[test]
fn a_signal_ends_it_while_it_waits() {
    let dir = TempDir::new().unwrap();
    let mut live = Live::start(dir.path(), &[], &["a", "b"]);
    live.send(0, &records("a", &[0]));
    let pid = nix::unistd::Pid::from_raw(live.child.0.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let status = wait_for("the end", || live.child.0.try_wait().unwrap());
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
}

#[test]
fn a_start_has_its_place_whenever_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let start = START.replace("\"trusted\":false", "");
    // Cut short, and whole; both with a plain input whose records come first.
    for (last, status) in [("", 65), ("{\"@millstream\":{\"end\":{}}}\n", 0)] {
        let late = format!("{{\"t\":1}}\n{start}{{\"t\":9}}\n{last}");
        std::fs::write(dir.path().join("a"), &late).unwrap();
        std::fs::write(dir.path().join("b"), "{\"t\":0}\n{\"t\":5}\n").unwrap();
        let args = |name| ["true", "--out-of-order", "0s", name, "b"];
        let at_once = run(&mut tool(dir.path(), "filter", &args("a")), "");
        let expected = format!("{{\"t\":0}}\n{{\"t\":1}}\n{{\"t\":5}}\n{START}{{\"t\":9}}\n{last}");
        assert_eq!((at_once.status, at_once.stdout.as_str()), (status, expected.as_str()));
        // The same where the start is read after the first records went out.
        let mut command = tool(dir.path(), "filter", &args("-"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Guard(command.stderr(Stdio::piped()).spawn().unwrap());
        let mut input = child.0.stdin.take().unwrap();
        let mut output = BufReader::new(child.0.stdout.take().unwrap());
        input.write_all(b"{\"t\":1}\n").unwrap();
        let mut printed = next_line(&mut output);
        input.write_all(&late.as_bytes()[b"{\"t\":1}\n".len()..]).unwrap();
        drop(input);
        output.read_to_string(&mut printed).unwrap();
        assert_eq!((child.0.wait().unwrap().code(), printed), (Some(status), expected));
    }
}

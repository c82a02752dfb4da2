//! `inspect`: what its first screen shows, and on a terminal, which tmux is here.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::daemon::Daemon;
use crate::common::live::Pipeline;
use crate::common::proc::is_stopped;
use crate::common::tmux::Terminal;
use crate::common::{bin, run, run_on, tool, wait_for};

fn plain(args: &[&str], size: (u16, u16), input: &str) -> String {
    let args: Vec<&str> = ["--plain"].iter().chain(args).copied().collect();
    let mut command = tool("inspect", &args);
    command.env("COLUMNS", size.0.to_string()).env("LINES", size.1.to_string());
    run(&mut command, input).good()
}

#[test]
fn the_first_screen_is_printed() {
    let input = "{\"a\":1}\n\n{\"a\":\"\u{9b}2J\"}\nnot json\n";
    let shown = plain(&["-"], (40, 10), input);
    assert_eq!(
        shown,
        " standard input      3 records  1/3 33%\n{\"a\":1}\n{\"a\":\"\\u009b2J\"}\n! not json\n"
    );
    let many: String = (0..1000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let shown = plain(&[], (30, 5), &many);
    assert_eq!(shown.lines().skip(1).collect::<Vec<_>>(), ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]);
    // One that could not show a record shows one, and no size takes all memory.
    for size in [(80, 0), (80, 1), (80, 2), (20, 3)] {
        assert_eq!(plain(&[], size, &many).lines().count(), 2, "{size:?}");
    }
    assert_eq!(plain(&[], (65_535, 65_535), &many).lines().count(), 999);
}

#[test]
fn an_input_that_was_cut_short_is_told() {
    let ran = run(&mut tool("inspect", &["--plain", "-"]), "{\"@millstream\":{\"start\":{}}}\n1\n");
    assert!(ran.stdout.ends_with("\n1\n"), "{ran:?}");
    assert_eq!(ran.stderr, "inspect: stdin: the input was cut short: its end is missing\n");
}

#[test]
fn every_format_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv.gz");
    let mut gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), Default::default());
    gzip.write_all(b"a,b\n1,x\n2,y\n").unwrap();
    gzip.finish().unwrap();
    let shown = plain(&[path.to_str().unwrap(), "--from", "csv"], (60, 10), "");
    assert!(shown.ends_with("\n{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"), "{shown}");
    let two = dir.path().join("b.ndjson");
    std::fs::write(&two, "{\"c\":3}\n{\"c\":4}").unwrap();
    let two = two.to_str().unwrap();
    let shown = plain(&[two, two], (60, 10), "");
    assert!(shown.ends_with("\n{\"c\":3}\n{\"c\":4}\n{\"c\":3}\n{\"c\":4}\n"), "{shown}");
}

#[test]
fn it_needs_a_terminal_and_something_to_look_at() {
    let ran = run(&mut tool("inspect", &["-"]), "1\n");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("standard output is not a terminal; --plain"), "{ran:?}");
    let ran = run(&mut tool("inspect", &["--plain", "/nonexistent/f"]), "");
    assert_eq!((ran.status, ran.stderr.contains("/nonexistent/f: ")), (74, true), "{ran:?}");
    // Also after a file that is read to its end first.
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("a.gz");
    std::fs::write(&first, [0x1f, 0x8b]).unwrap();
    let args = ["--plain", first.to_str().unwrap(), "/nonexistent/f"];
    let ran = run(&mut tool("inspect", &args), "");
    assert_eq!((ran.status, ran.stdout.as_str()), (74, ""), "{ran:?}");
    assert!(ran.stderr.contains("/nonexistent/f: "), "{ran:?}");
}

#[test]
fn a_first_screen_that_cannot_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // A daemon that runs does not look at all records again.
    let _daemon = Daemon::start(dir, &[]);
    for n in 1..4 {
        run_on(dir, "produce", &["clicks"], format!("{{\"n\":{n}}}\n")).good();
    }
    let segment = dir.join("topics/clicks/0/00000000000000000000.ndjson");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(3).position(|three| three == b"n\":").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let ran = run_on(dir, "inspect", &["--plain", "clicks"], "");
    assert_eq!((ran.status, ran.stdout.as_str()), (74, ""), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

/// What there is is printed, and the status says that it is not all.
#[test]
fn a_signal_ends_the_wait_for_a_first_screen() {
    let mut pipeline = Pipeline::start(&[&["inspect", "--plain", "-"]]);
    pipeline.send("{\"n\":1}\n");
    pipeline.signal(0, Signal::SIGINT);
    let ran = pipeline.finish().remove(0);
    assert_eq!(ran.status, 130, "{ran:?}");
}

#[test]
fn a_file_is_followed_searched_and_filtered() {
    let begin = |dir: &Path| {
        let records: String = (0..500).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        std::fs::write(dir.join("f"), records).unwrap();
        format!("{} {}", bin("inspect").display(), dir.join("f").display())
    };
    let Some(terminal) = Terminal::start((80, 24), begin) else { return };
    terminal.awaits("500 records  1/500");
    terminal.press(&["/", "n\":4.1", "Enter"]);
    terminal.awaits("402/500");
    terminal.press(&["&", ".n % 100 == 1", "Enter"]);
    terminal.awaits("5 of 500 records  5/5");
    let mut file = File::options().append(true).open(terminal.dir.path().join("f")).unwrap();
    file.write_all(b"{\"n\":601}\n").unwrap();
    terminal.awaits("6 of 501 records  5/6");
    terminal.press(&["F"]);
    file.write_all(b"{\"n\":701}\n{\"n\":702}\n").unwrap();
    terminal.awaits("7 of 503 records  7/7");
    terminal.press(&["Enter"]);
    terminal.awaits("\"n\": 701");
    terminal.press(&["q", "q"]);
    terminal.awaits("status 0");
}

/// In any format, and by its name when it is rotated.
#[test]
fn an_access_log_is_followed() {
    let line = |n: u32| {
        format!(
            "10.0.0.{n} - - [10/Oct/2000:13:55:36 -0700] \"GET /{n} HTTP/1.0\" 200 5 \"-\" \"-\"\n"
        )
    };
    let begin = |dir: &Path| {
        std::fs::write(dir.join("log"), line(1) + &line(2)).unwrap();
        format!("{} --from combined {}", bin("inspect").display(), dir.join("log").display())
    };
    let Some(terminal) = Terminal::start((100, 24), begin) else { return };
    let path = terminal.dir.path().join("log");
    terminal.awaits("2 records  1/2");
    terminal.press(&["F"]);
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(line(3).as_bytes()).unwrap();
    terminal.awaits("3 records  3/3");
    std::fs::rename(&path, terminal.dir.path().join("log.1")).unwrap();
    std::fs::write(&path, line(4)).unwrap();
    terminal.awaits("4 records  4/4");
    terminal.awaits("was rotated: the new file follows");
    std::fs::write(&path, "").unwrap();
    terminal.awaits("3 records  3/3");
    terminal.press(&["i"]);
    terminal.awaits("fields of 3 records");
    terminal.press(&["q", "q"]);
    terminal.awaits("status 0");
}

#[test]
fn keys_come_from_the_terminal_while_records_come_from_a_pipe() {
    let begin = |_: &Path| {
        format!(
            "(for n in 1 2 3; do echo \"$n\"; done; sleep 1000) | {} -",
            bin("inspect").display()
        )
    };
    let Some(terminal) = Terminal::start((60, 10), begin) else { return };
    terminal.awaits("3 records  1/3");
    terminal.press(&["G"]);
    terminal.awaits("3/3 100%");
    terminal.press(&["q"]);
    // The shell waits for the other process of the pipeline.
    terminal.press(&["C-c"]);
    wait_for("the screen to be given back", || {
        (!terminal.lines().contains("records")).then_some(())
    });
}

#[test]
fn the_terminal_is_given_back_to_whoever_ends_or_suspends_it() {
    for (signal, status) in [("TERM", "status 143"), ("INT", "status 130")] {
        let begin = |dir: &Path| {
            std::fs::write(dir.join("f"), "{\"n\":1}\n").unwrap();
            let (program, file) = (bin("inspect"), dir.join("f"));
            let pid = dir.join("pid");
            format!(
                "(echo $BASHPID >{}; exec {} {})",
                pid.display(),
                program.display(),
                file.display()
            )
        };
        let Some(terminal) = Terminal::start((60, 10), begin) else { return };
        terminal.awaits("1 record  1/1");
        let pid = std::fs::read_to_string(terminal.dir.path().join("pid")).unwrap();
        assert!(Command::new("kill").args(["-s", signal, pid.trim()]).status().unwrap().success());
        let lines = terminal.awaits(status);
        assert!(!lines.contains("1 record"), "{lines}");
        terminal.press(&["x"]);
        terminal.awaits("x");
    }
}

/// Ctrl-Z gives the terminal to the shell, and fg takes it again, in a pipeline, too.
#[test]
fn it_is_suspended_and_resumed() {
    let begin = |dir: &Path| {
        let script = format!("(seq 3; sleep 1000) | {} -; exit", bin("inspect").display());
        std::fs::write(dir.join("line"), script).unwrap();
        "true".to_owned()
    };
    let Some(terminal) = Terminal::start((60, 10), begin) else { return };
    let line = std::fs::read_to_string(terminal.dir.path().join("line")).unwrap();
    terminal.awaits("status 0");
    terminal.respawn_shell();
    terminal.press(&[&line, "Enter"]);
    for _ in 0..2 {
        terminal.awaits("3 records  1/3");
        terminal.press(&["C-l"]);
        terminal.awaits("3 records  1/3");
        terminal.press(&["C-z"]);
        terminal.awaits("Stopped");
        terminal.press(&["fg", "Enter"]);
    }
    terminal.awaits("3 records  1/3");
    terminal.press(&["G"]);
    terminal.awaits("3/3 100%");
}

/// Who is stopped by SIGSTOP gives nothing back, and finds the terminal as others left it.
#[test]
fn it_takes_the_terminal_again_after_it_was_stopped() {
    let begin = |dir: &Path| {
        std::fs::write(dir.join("f"), "1\n2\n3\n").unwrap();
        let (program, dir) = (bin("inspect"), dir.display());
        format!("(echo $BASHPID >{dir}/pid; exec {} {dir}/f)", program.display())
    };
    let Some(terminal) = Terminal::start((60, 10), begin) else { return };
    terminal.awaits("3 records  1/3");
    let pid = std::fs::read_to_string(terminal.dir.path().join("pid")).unwrap();
    let pid: u32 = pid.trim().parse().unwrap();
    let process = Pid::from_raw(pid.try_into().unwrap());
    kill(process, Signal::SIGSTOP).unwrap();
    wait_for("it to stop", || is_stopped(pid).then_some(()));
    let tty = terminal.tmux().args(["display-message", "-p", "#{pane_tty}"]).output().unwrap();
    let tty = String::from_utf8_lossy(&tty.stdout).trim().to_owned();
    let stty = |mode: &str| {
        let ran = Command::new("stty").args(["-F", &tty, mode]).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    stty("sane");
    kill(process, Signal::SIGCONT).unwrap();
    wait_for("keys to be read at once", || stty("-a").contains("-icanon").then_some(()));
    terminal.press(&["G"]);
    terminal.awaits("3/3 100%");
    terminal.press(&["q"]);
    terminal.awaits("status 0");
}

/// All records of a topic with several partitions, in the order in which they were appended.
#[test]
fn a_topic_is_read_in_order_and_saved() {
    let begin = |dir: &Path| {
        let create = ["create", "clicks", "--partitions", "3", "--key", ".user"];
        run_on(dir, "log-admin", &create, "").good();
        for batch in 0..20 {
            let records: String = (0..700)
                .map(|n| format!("{{\"n\":{},\"user\":{}}}\n", batch * 700 + n, n * 7 % 13))
                .collect();
            assert_eq!(run_on(dir, "produce", &["clicks"], records).status, 0);
        }
        format!("export MILLSTREAM_DIR={}; {}", dir.display(), bin("inspect").display())
    };
    let Some(terminal) = Terminal::start((100, 24), begin) else { return };
    let dir = terminal.dir.path();
    let all = run_on(dir, "subscribe", &["clicks"], "").good();
    terminal.awaits("1 topic, 0 groups");
    terminal.press(&["Enter"]);
    terminal.awaits("14,000 records  1/14,000");
    terminal.press(&["9", "0", "0", "1", "G"]);
    let wanted = all.lines().nth(9000).unwrap();
    terminal.awaits(wanted);
    for number in ["13999", "4700", "8193", "12345"] {
        let keys: Vec<&str> = number.split("").filter(|digit| !digit.is_empty()).collect();
        terminal.press(&keys);
        terminal.press(&["G"]);
        terminal.awaits(all.lines().nth(number.parse::<usize>().unwrap() - 1).unwrap());
    }
    terminal.press(&["s", dir.join("saved").to_str().unwrap(), "Enter"]);
    terminal.awaits("saved 14,000 records");
    assert_eq!(std::fs::read_to_string(dir.join("saved")).unwrap(), all);
    // A place of a partition, and one in time.
    let offset = run_on(
        dir,
        "subscribe",
        &["clicks", "--partition", "2", "--from", "1234", "--until", "1235"],
        "",
    );
    terminal.press(&[":2@1234", "Enter"]);
    terminal.awaits(offset.good().trim_end());
    terminal.press(&[":", "start", "Enter"]);
    terminal.awaits("1/14,000");
    terminal.press(&["&", ".n % 7000 == 0", "Enter"]);
    terminal.awaits("2 of 14,000 records");
    run_on(dir, "produce", &["clicks"], "{\"n\":14000,\"user\":1}\n").good();
    terminal.awaits("3 of 14,001 records");
    terminal.press(&["q", "q"]);
    terminal.awaits("status 0");
}

#[test]
fn a_topic_that_is_created_again_begins_again() {
    let begin = |dir: &Path| {
        run_on(dir, "produce", &["t"], "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n").good();
        format!("MILLSTREAM_DIR={} {} t", dir.display(), bin("inspect").display())
    };
    let Some(terminal) = Terminal::start((90, 10), begin) else { return };
    terminal.awaits("3 records  1/3");
    terminal.press(&["&", ".n > 1", "Enter"]);
    terminal.awaits("2 of 3 records");
    let dir = terminal.dir.path();
    run_on(dir, "log-admin", &["delete", "t"], "").good();
    run_on(dir, "produce", &["t"], "{\"n\":7}\n{\"n\":0}\n{\"n\":8}\n{\"n\":9}\n").good();
    terminal.awaits("3 of 4 records");
    let lines = terminal.awaits("was deleted and created again");
    assert!(lines.contains("{\"n\":7}") && !lines.contains("{\"n\":2}"), "{lines}");
    terminal.press(&[":", "x@5", "Enter"]);
    terminal.awaits("x@5 is no place: write a record's number");
}

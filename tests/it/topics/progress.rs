//! The progress bar of `produce`, on a terminal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::common::daemon::Daemon;
use crate::common::proc::{read_bytes, runs};
use crate::common::terminal::OnATerminal;
use crate::common::{Guard, gzip, wait_for};

/// What takes away what a line of a terminal shows.
const ERASE: &str = "\r\x1b[2K";

/// How much `produce` has read when it is known to read its input: more than a program that only
/// begins, and much less than the input.
const BEGUN_BYTES: u64 = 1 << 20;

/// Some 4 MB of records, and how many there are.
fn records(dir: &Path) -> (PathBuf, usize) {
    let path = dir.join("f");
    let line = format!("\"{}\"\n", "x".repeat(4000));
    fs::write(&path, line.repeat(1000)).unwrap();
    (path, 1000)
}

/// Waits until it reads its input.
fn wait_until_it_reads(ran: &OnATerminal) {
    wait_for("produce to read", || (read_bytes(ran.pid) > BEGUN_BYTES).then_some(()));
}

fn on_a_terminal(daemon: &Daemon, args: &[&str], stdin: Stdio) -> Option<OnATerminal> {
    OnATerminal::start(&daemon.dir, &[&["t"], args].concat(), stdin)
}

/// So many times the same file: more than a log that stands still lets `produce` send ahead.
const FILES: usize = 3;

#[test]
fn a_bar_is_shown_while_files_are_read_and_gone_before_a_message() {
    let (dir, daemon, _) = Daemon::without_fsync();
    let (path, count) = records(dir.path());
    let bad = dir.path().join("bad");
    fs::write(&bad, "{}\nx\n").unwrap();
    let mut args = vec![path.to_str().unwrap(); FILES];
    args.push(bad.to_str().unwrap());
    let Some(ran) = on_a_terminal(&daemon, &args, Stdio::null()) else { return };
    wait_until_it_reads(&ran);
    daemon.freeze();
    // It is shown also while nothing moves.
    wait_for("the bar", || ran.shows(" % [").then_some(()));
    daemon.signal(Signal::SIGCONT);
    let (status, shown) = ran.end();
    assert_eq!(status, 65, "{shown}");
    assert!(shown.contains(" of 11.45 MiB"), "{shown}");
    // What the terminal echoes behind it, as ^C, begins no other line.
    let widths = shown.split(ERASE).filter(|it| it.contains(" % [")).map(|it| it.chars().count());
    assert!(widths.max().is_some_and(|width| width <= 80 - 8), "{shown}");
    let (_, last) = shown.rsplit_once(ERASE).unwrap();
    let appended = format!("produce: {} records appended to t\r\n", FILES * count + 1);
    assert!(last.starts_with(&appended) && last.contains("bad:2: "), "{shown}");
    assert_eq!(last.lines().count(), 2, "{shown}");
}

#[test]
fn the_bar_counts_compressed_bytes_and_goes_away_when_produce_is_stopped() {
    let (dir, daemon, _) = Daemon::without_fsync();
    let (path, _) = records(dir.path());
    let compressed = gzip(fs::read(&path).unwrap());
    let packed = dir.path().join("f.gz");
    fs::write(&packed, &compressed).unwrap();
    let mut args = vec![packed.to_str().unwrap(); FILES];
    args.insert(0, path.to_str().unwrap());
    let Some(ran) = on_a_terminal(&daemon, &args, Stdio::null()) else { return };
    wait_until_it_reads(&ran);
    daemon.freeze();
    wait_for("the bar", || ran.shows(" % [").then_some(()));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(ran.pid as i32), Signal::SIGINT).unwrap();
    daemon.signal(Signal::SIGCONT);
    let (_, shown) = ran.end();
    let total = fs::metadata(&path).unwrap().len() + (FILES * compressed.len()) as u64;
    let total = format!(" of {}.", total >> 20);
    assert!(shown.contains(&total) && shown.contains(" MiB"), "{total}: {shown}");
    let (_, last) = shown.rsplit_once(ERASE).unwrap();
    assert!(last.starts_with("produce: ") && !last.contains(" % ["), "{shown}");
}

#[test]
fn no_bar_is_drawn_of_pipes_or_where_none_is_wanted() {
    let (dir, daemon, _) = Daemon::without_fsync();
    let (path, _) = records(dir.path());
    let cat = || Command::new("cat").args(vec![&path; FILES]).stdout(Stdio::piped()).spawn();
    let files = vec![path.to_str().unwrap(); FILES];
    for (more, piped, draws) in
        [(&[][..], false, true), (&["--no-progress"], false, false), (&["--no-lend"], true, false)]
    {
        let mut cat = piped.then(|| Guard(cat().unwrap()));
        let stdin = cat.as_mut().map_or(Stdio::null(), |cat| cat.0.stdout.take().unwrap().into());
        let files = if piped { &[][..] } else { &files };
        let args = [more, files].concat();
        let Some(ran) = on_a_terminal(&daemon, &args, stdin) else { return };
        wait_until_it_reads(&ran);
        daemon.freeze();
        assert_eq!(!runs(ran.pid, "progress").is_empty(), draws, "{more:?}");
        daemon.signal(Signal::SIGCONT);
        let (status, shown) = ran.end();
        assert_eq!(status, 0, "{shown}");
        assert!(draws || shown.is_empty(), "{shown}");
    }
}

#[test]
fn a_follower_shows_the_bar_until_it_has_read_what_there_was() {
    let (dir, daemon, _) = Daemon::without_fsync();
    let (path, count) = records(dir.path());
    let copies: Vec<PathBuf> = (0..FILES).map(|n| dir.path().join(format!("{n}.log"))).collect();
    for copy in &copies {
        fs::copy(&path, copy).unwrap();
    }
    let files = copies.iter().map(|copy| copy.to_str().unwrap());
    let args: Vec<&str> = std::iter::once("-F").chain(files).collect();
    let Some(ran) = on_a_terminal(&daemon, &args, Stdio::null()) else { return };
    wait_until_it_reads(&ran);
    daemon.freeze();
    wait_for("the bar", || ran.shows(" % [").then_some(()));
    daemon.signal(Signal::SIGCONT);
    wait_for("the bar to go", || runs(ran.pid, "progress").is_empty().then_some(()));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(ran.pid as i32), Signal::SIGINT).unwrap();
    let (_, shown) = ran.end();
    let (_, last) = shown.rsplit_once(ERASE).unwrap();
    assert_eq!(last, format!("produce: {} records appended to t\r\n", FILES * count), "{shown}");
}

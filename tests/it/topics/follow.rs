//! `produce --follow`: files that grow, appear and are rotated while it runs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::daemon::Daemon;
use crate::common::proc::{is_asleep, runs};
use crate::common::producing::{Producing, await_records, records};
use crate::common::{Guard, next_line, run_on, tool_on, wait_for};

struct Followed {
    _dir: tempfile::TempDir,
    logs: PathBuf,
    daemon: Daemon,
    child: Guard,
    pattern: String,
}

fn start(dir: &Path, pattern: &str, more: &[&str]) -> Child {
    let args: Vec<&str> = ["t", "-F", pattern].iter().chain(more).copied().collect();
    let mut command = tool_on(dir, "produce", &args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Followed {
    fn new(more: &[&str]) -> Followed {
        let (dir, daemon, _) = Daemon::with_topic(&[]);
        let logs = dir.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let pattern = logs.join("*.log").to_str().unwrap().to_owned();
        let child = Guard(start(dir.path(), &pattern, more));
        Followed { _dir: dir, logs, daemon, child, pattern }
    }

    fn append(&self, name: &str, text: &str) {
        let path = self.logs.join(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.logs.join(from), self.logs.join(to)).unwrap();
    }

    /// Waits until the topic has these records, in this order.
    #[track_caller]
    fn has(&self, records: &str) {
        let mut last = String::new();
        wait_for(&format!("{records:?}"), || {
            let all = self.daemon.records();
            if all != last {
                last.clone_from(&all);
            }
            (all.lines().collect::<Vec<_>>().join(" ") == records).then_some(())
        });
    }
}

#[test]
fn files_that_grow_appear_and_are_rotated_are_followed() {
    for more in [&[][..], &["--poll", "20ms"]] {
        let mut followed = Followed::new(more);
        followed.append("a.log", "1\n");
        followed.has("1");
        followed.append("a.log", "2");
        followed.append("b.log", "3\n");
        followed.has("1 3");
        followed.append("a.log", "\n");
        followed.has("1 3 2");
        // What is written to it after it was renamed counts.
        followed.append("a.log", "4\n5");
        followed.has("1 3 2 4");
        followed.rename("a.log", "a.log.1");
        followed.append("a.log.1", "5\n6");
        followed.has("1 3 2 4 55");
        followed.append("a.log", "7\n");
        followed.has("1 3 2 4 55 6 7");
        // Killed, and rotated twice meanwhile.
        followed.child.0.kill().unwrap();
        followed.child.0.wait().unwrap();
        followed.append("a.log", "8\n");
        followed.rename("a.log.1", "a.log.3");
        followed.rename("a.log", "a.log.2");
        followed.append("a.log.1", "9\n");
        followed.append("a.log", "10\n");
        followed.child = Guard(start(&followed.daemon.dir, &followed.pattern, more));
        followed.has("1 3 2 4 55 6 7 8 9 10");
    }
}

#[test]
fn a_truncated_file_is_read_again_from_its_beginning() {
    let followed = Followed::new(&[]);
    followed.append("a.log", "10\n20\n");
    followed.has("10 20");
    fs::copy(followed.logs.join("a.log"), followed.logs.join("a.log.1")).unwrap();
    OpenOptions::new().write(true).truncate(true).open(followed.logs.join("a.log")).unwrap();
    followed.append("a.log", "30\n40\n50\n");
    followed.has("10 20 30 40 50");
}

#[test]
fn a_last_line_without_an_end_is_taken_after_a_while_if_that_is_wanted() {
    let followed = Followed::new(&["--partial-after", "50ms"]);
    followed.append("a.log", "1\n2");
    followed.has("1 2");
    followed.append("a.log", "\n3\n");
    followed.has("1 2 3");
}

#[test]
fn a_second_run_ends_at_once_and_the_first_one_by_a_signal() {
    let mut followed = Followed::new(&[]);
    followed.append("a.log", "1\n");
    followed.has("1");
    let second = run_on(&followed.daemon.dir, "produce", &["t", "--resume", &followed.pattern], "");
    assert_eq!(second.status, 75, "{second:?}");
    assert!(second.stderr.contains("collects the same files"), "{second:?}");
    // One that follows says what it waits for; a cron job waits in silence.
    let waiting = ["t", "-F", &followed.pattern, "--wait", "20s"];
    let mut waiting = Producing::start(&followed.daemon.dir, &waiting);
    let said = waiting.said("the same files; waiting up to 20s for it to end");
    assert!(said.starts_with("produce: t: another process"), "{said}");
    drop(waiting);
    let pid = Pid::from_raw(followed.child.0.id().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let wanted = ["t", "--resume", &followed.pattern, "--wait", "30s"];
    assert_eq!(run_on(&followed.daemon.dir, "produce", &wanted, "").good(), "");
    let status = wait_for("the end", || followed.child.0.try_wait().unwrap());
    assert!(!status.success());
}

#[test]
fn it_waits_for_a_daemon_that_is_killed_and_goes_on() {
    let mut followed = Followed::new(&[]);
    followed.append("a.log", "1\n");
    followed.has("1");
    followed.daemon.child.0.kill().unwrap();
    followed.daemon.child.0.wait().unwrap();
    followed.append("a.log", "2\n");
    followed.rename("a.log", "a.log.1");
    followed.append("a.log", "3\n");
    followed.daemon = Daemon::start(&followed.daemon.dir.clone(), &[]);
    followed.has("1 2 3");
}

#[test]
fn a_full_disk_is_waited_for() {
    let mut followed = Followed::new(&[]);
    followed.append("a.log", "1\n");
    followed.has("1");
    let dir = followed.daemon.dir.clone();
    followed.daemon.child.0.kill().unwrap();
    followed.daemon.child.0.wait().unwrap();
    // It keeps more free than there is.
    followed.daemon = Daemon::start(&dir, &["--min-free", "1000000G"]);
    let mut stderr = std::io::BufReader::new(followed.child.0.stderr.take().unwrap());
    followed.append("a.log", "2\n");
    while !next_line(&mut stderr).contains("trying again") {}
    followed.append("a.log", "3\n");
    followed.daemon.child.0.kill().unwrap();
    followed.daemon.child.0.wait().unwrap();
    followed.daemon = Daemon::start(&dir, &[]);
    followed.has("1 2 3");
}

#[test]
fn more_files_than_a_connection_has_names_are_taken() {
    let (dir, daemon) = Daemon::alone(&["--max-names", "70"]);
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    for number in 0..150 {
        fs::write(logs.join(format!("{number}.log")), format!("{number}\n")).unwrap();
    }
    let pattern = logs.join("*.log");
    let args = ["t", "--resume", pattern.to_str().unwrap()];
    assert_eq!(run_on(&daemon.dir, "produce", &args, "").good(), "");
    assert_eq!(daemon.records().lines().count(), 150);
}

/// How often a process was put on a processor.
fn switches(pid: u32) -> u64 {
    runs(pid, "").values().map(|(switches, _)| switches).sum()
}

#[test]
fn idle_files_cost_nothing() {
    let followed = Followed::new(&[]);
    for number in 0..50 {
        followed.append(&format!("{number}.log"), "1\n");
    }
    wait_for("all files to be read", || (followed.daemon.records().len() == 100).then_some(()));
    let pid = followed.child.0.id();
    let before = wait_for("it to sleep", || is_asleep(pid).then(|| switches(pid)));
    followed.append("7.log", "2\n");
    wait_for("the line", || (followed.daemon.records().len() == 102).then_some(()));
    // It woke for the one file that has changed.
    assert!(switches(pid) - before < 30, "{before}, then {}", switches(pid));
}

#[test]
fn more_files_than_a_connection_has_names_are_refused_with_a_remedy() {
    let (dir, daemon) = Daemon::alone(&[]);
    let paths: Vec<String> =
        (0..901).map(|n| dir.path().join(format!("{n}.log")).display().to_string()).collect();
    fs::write(&paths[7], "7\n").unwrap();
    let args: Vec<&str> =
        ["t", "--resume"].into_iter().chain(paths.iter().map(|it| &**it)).collect();
    let ran = run_on(dir.path(), "produce", &args, "");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("901 FILEs: through log-serve, at most 900"), "{ran:?}");
    let pattern = dir.path().join("*.log").display().to_string();
    run_on(dir.path(), "produce", &["t", "--resume", &pattern], "").good();
    assert_eq!(records(dir.path(), "t"), ["7"]);
    daemon.terminate();
}

#[test]
fn what_was_done_is_printed_also_where_another_process_does_the_same() {
    let (dir, daemon) = Daemon::alone(&[]);
    let path = dir.path().join("f");
    fs::write(&path, "1\n").unwrap();
    let path = path.to_str().unwrap();
    let follows = Producing::start(dir.path(), &["t", "-F", path]);
    await_records(dir.path(), "t", 1);
    let ran = run_on(dir.path(), "produce", &["t", "--resume", path, "--stats"], "");
    assert_eq!(ran.status, 75, "{ran:?}");
    let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = [("topic", "\"t\""), ("files", "0"), ("records", "0"), ("bytes", "0")];
    for (name, value) in expected {
        assert_eq!(stats[name].to_string(), value, "{ran:?}");
    }
    follows.terminate();
    daemon.terminate();
}

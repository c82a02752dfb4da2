//! Each process of the pipeline of the README killed or stopped, in every moment that matters:
//! nothing false is stored, somebody tells, and a second run stores nothing that differs from the
//! first.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use crate::common::daemon::Daemon;
use crate::common::live::Pipeline;
use crate::common::{proc, run_on, wait_for};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const FILTER: &[&str] = &["filter", ".t != null"];
const WINDOW: &[&str] = &["window", "--tumbling", "1m", "--time", ".t", "--out-of-order", "0"];
const AGGREGATE: &[&str] = &["aggregate", "count"];

/// The places of processes in the pipeline; the daemon comes last.
const SUBSCRIBE: usize = 0;
const PRODUCE: usize = 4;
const DAEMON: usize = 5;

/// How long a record is: longer than all that is said between them.
const RECORD_BYTES: usize = 4_000;

/// More than fits into the pipes between two processes.
const MANY: usize = 2 << 20;

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The stream has begun, and nothing has come.
    Idle,
    /// A window has records.
    Open,
    /// A window closes at the same time.
    Closing,
    /// A record is half written, because whoever reads it has stopped.
    WithinRecord,
}

/// What happens to a process.
const BLOWS: [&[Signal]; 3] =
    [&[Signal::SIGKILL], &[Signal::SIGTERM], &[Signal::SIGSTOP, Signal::SIGKILL]];

fn records(seconds: &[u32]) -> String {
    let padding = "x".repeat(RECORD_BYTES);
    seconds.iter().map(|t| format!("{{\"t\":{t},\"x\":\"{padding}\"}}\n")).collect()
}

fn append(dir: &Path, records: &str) {
    let ran = run_on(dir, "produce", &["in"], records);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

/// Runs the pipeline over all that is there, and gives the results.
fn whole(dir: &Path) -> Vec<String> {
    let data = dir.to_str().unwrap();
    let from = ["subscribe", "--control", "in", "--data", data];
    let ran = Pipeline::start(&[&from, FILTER, WINDOW, AGGREGATE]).finish();
    assert_eq!(ran[3].status, 0, "{ran:?}");
    ran[3].stdout.lines().map(str::to_owned).collect()
}

fn stored(dir: &Path) -> Vec<String> {
    let ran = run_on(dir, "subscribe", &["out"], "");
    ran.stdout.lines().map(str::to_owned).collect()
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).expect("the process runs");
}

/// Whether one of the process's standard streams is ready for this.
fn is_ready(pid: u32, descriptor: u32, flags: PollFlags) -> bool {
    let path = format!("/proc/{pid}/fd/{descriptor}");
    let write = flags == PollFlags::POLLOUT;
    let pipe = File::options().read(!write).write(write).open(path).expect("a pipe");
    let mut fds = [PollFd::new(pipe.as_fd(), flags)];
    poll(&mut fds, PollTimeout::ZERO).unwrap();
    fds[0].revents().unwrap().intersects(flags)
}

/// Waits until each process has passed on so many bytes, and the last two have taken all.
fn wait_passed(pids: &[u32], bytes: usize) {
    for &pid in &pids[..3] {
        wait_for("records to pass", || (proc::written_bytes(pid) > bytes as u64).then_some(()));
    }
    wait_for("aggregate to take them", || {
        let empty = pids[3..].iter().all(|&pid| !is_ready(pid, 0, PollFlags::POLLIN));
        (empty && pids.iter().all(|&pid| proc::is_asleep(pid))).then_some(())
    });
}

/// One process, one blow, one moment.
fn strike(victim: usize, blow: &[Signal], moment: Moment) {
    let case = format!("{victim} {blow:?} {moment:?}");
    let place = tempfile::tempdir().unwrap();
    let dir = place.path();
    let data = dir.to_str().unwrap();
    let daemon = Daemon::start(dir, &[]);
    for topic in ["in", "out"] {
        let ran = run_on(dir, "log-admin", &["create", topic], "");
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    let from = ["subscribe", "--control", "-f", "--reconnect", "0", "in", "--data", data];
    let to = ["produce", "--reconnect", "0", "out", "--data", data];
    let pipeline = Pipeline::start(&[&from, FILTER, WINDOW, AGGREGATE, &to]);
    let mut pids = pipeline.pids();
    wait_passed(&pids, 0);
    pids.push(daemon.child.0.id());
    let next = if victim == DAEMON { SUBSCRIBE } else { victim + 1 };
    match moment {
        Moment::Idle => {}
        Moment::Open => {
            append(dir, &records(&[10, 20]));
            wait_passed(&pids[..5], 2 * RECORD_BYTES);
        }
        Moment::Closing => {
            append(dir, &records(&[10, 20]));
            wait_passed(&pids[..5], 2 * RECORD_BYTES);
            append(dir, &records(&[70]));
        }
        Moment::WithinRecord => {
            send(pids[next], Signal::SIGSTOP);
            append(dir, &records(&vec![10; MANY / RECORD_BYTES]));
            if victim != DAEMON {
                wait_for("the pipe to be full", || {
                    (!is_ready(pids[victim], 1, PollFlags::POLLOUT)).then_some(())
                });
            }
        }
    }
    if blow == [Signal::SIGTERM] && victim != DAEMON {
        pipeline.signal(victim, Signal::SIGTERM);
    } else {
        blow.iter().for_each(|&signal| send(pids[victim], signal));
    }
    if moment == Moment::WithinRecord {
        send(pids[next], Signal::SIGCONT);
    }
    let mut statuses: Vec<i32> = pipeline.finish().iter().map(|ran| ran.status).collect();
    let daemon = if victim == DAEMON {
        statuses.push(daemon.end().status);
        Daemon::start(dir, &[])
    } else {
        daemon
    };
    // Somebody tells, other than the daemon, whose status no pipe has.
    assert!(statuses[..5].iter().any(|&status| status != 0), "{case}: {statuses:?}");
    // The windows that were open go on.
    let more: &[u32] = if moment == Moment::Closing { &[75, 130] } else { &[30, 70, 75, 130] };
    append(dir, &records(more));
    let expected = whole(dir);
    let first = stored(dir);
    assert!(first.iter().all(|one| expected.contains(one)), "{case}: {first:?} {expected:?}");
    assert!(expected.len() == 3 && first.len() <= 1, "{case}: {first:?} {expected:?}");
    let from = ["subscribe", "--control", "in", "--data", data];
    let again =
        Pipeline::start(&[&from, FILTER, WINDOW, AGGREGATE, &["produce", "out", "--data", data]]);
    for ran in again.finish() {
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{case}");
    }
    assert_eq!(stored(dir), [first, expected].concat(), "{case}");
    drop(daemon);
}

fn strike_all(moment: Moment, victims: impl Iterator<Item = usize> + Clone) {
    for blow in BLOWS {
        for victim in victims.clone() {
            strike(victim, blow, moment);
        }
    }
}

#[test]
fn at_idle() {
    strike_all(Moment::Idle, SUBSCRIBE..=DAEMON);
}

#[test]
fn with_a_window_open() {
    strike_all(Moment::Open, SUBSCRIBE..=DAEMON);
}

#[test]
fn while_a_window_closes() {
    strike_all(Moment::Closing, SUBSCRIBE..=DAEMON);
}

/// Results are so short that nothing is ever half written before `produce`.
#[test]
fn within_a_record() {
    strike_all(Moment::WithinRecord, (SUBSCRIBE..PRODUCE - 1).chain([DAEMON]));
}

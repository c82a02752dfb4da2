//! Followers and small appends: they are sent by whoever appended, as long as the follower's socket
//! takes them.

use crate::common::daemon::{Daemon, Talk};
use crate::common::proc::runs;
use crate::common::wait_for;
use nix::sys::signal::Signal;

/// A daemon with a topic `t` that is not forced to the disk, and a connection.
fn follow(daemon: &Daemon) -> Talk {
    let mut talk = daemon.talk();
    talk.say(r#"{"fetch":{"topic":"t","follow":true}}"#);
    talk
}

/// The next run of records; `None` if the daemon says that it stops.
fn run(follower: &mut Talk) -> Option<String> {
    let answer = follower.answer();
    let Some(bytes) = answer["records"]["bytes"].as_u64() else {
        assert_eq!(answer["error"]["code"], "shutting_down", "{answer}");
        return None;
    };
    Some(String::from_utf8(follower.bytes(bytes as usize)).unwrap())
}

/// Reads so many records; they must be those that [`record`] gives, in order.
fn read(follower: &mut Talk, numbers: std::ops::Range<usize>) {
    let mut next = numbers.start;
    while next < numbers.end {
        for line in run(follower).expect("it goes on").lines() {
            assert_eq!(line, record(next).trim_end());
            next += 1;
        }
    }
    assert_eq!(next, numbers.end);
}

/// A record of about 200 bytes.
fn record(number: usize) -> String {
    format!("{{\"number\":{number},\"text\":\"{}\"}}\n", "x".repeat(180))
}

#[test]
fn a_follower_that_sleeps_is_sent_a_small_append_without_being_woken() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = follow(&daemon);
    talk.store("t", &record(0));
    read(&mut follower, 0..1);
    let woken = || {
        let threads = runs(daemon.child.0.id(), "session ");
        // The second connection.
        threads.get("session 2").expect("the follower's thread").0
    };
    let mut next = 1;
    wait_for("appends that do not wake it", || {
        let before = woken();
        for number in next..next + 20 {
            talk.store("t", &record(number));
            read(&mut follower, number..number + 1);
        }
        next += 20;
        (woken() == before).then_some(())
    });
    // What is large is its own to send.
    let before = woken();
    talk.store("t", &(next..next + 200).map(record).collect::<String>());
    read(&mut follower, next..next + 200);
    assert!(woken() > before);
}

/// More than a socket holds.
const MANY: usize = 5_000;

#[test]
fn a_follower_that_stops_reading_holds_no_append_up_and_loses_nothing() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let (mut stopped, mut other) = (follow(&daemon), follow(&daemon));
    for number in 0..MANY {
        talk.store("t", &record(number));
        read(&mut other, number..number + 1);
    }
    read(&mut stopped, 0..MANY);
    talk.store("t", &record(MANY));
    read(&mut stopped, MANY..MANY + 1);
}

#[test]
fn when_the_daemon_stops_a_follower_gets_whole_runs_and_is_told() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let (mut stopped, mut idle) = (follow(&daemon), follow(&daemon));
    for number in 0..MANY {
        talk.store("t", &record(number));
        read(&mut idle, number..number + 1);
    }
    daemon.signal(Signal::SIGTERM);
    assert_eq!(run(&mut idle), None);
    let mut next = 0;
    while let Some(run) = run(&mut stopped) {
        for line in run.lines() {
            assert_eq!(line, record(next).trim_end());
            next += 1;
        }
    }
    assert!(next > 0);
    assert_eq!(daemon.end().status, 0);
}

#[test]
fn many_followers_all_get_all_of_several_producers_in_one_order() {
    const FOLLOWERS: usize = 20;
    const EACH: usize = 200;
    let (_dir, daemon, talk) = Daemon::without_fsync();
    let mut followers: Vec<Talk> = (0..FOLLOWERS).map(|_| follow(&daemon)).collect();
    let producers = [talk, daemon.talk(), daemon.talk()];
    let records = EACH * producers.len();
    let seen: Vec<String> = std::thread::scope(|scope| {
        for (name, mut talk) in producers.into_iter().enumerate() {
            scope.spawn(move || {
                for number in 0..EACH {
                    talk.store("t", &format!("[{name},{number}]\n"));
                }
            });
        }
        let read = |follower: &mut Talk| {
            let mut seen = String::new();
            while seen.lines().count() < records {
                seen += &run(follower).expect("it goes on");
            }
            seen
        };
        let reading: Vec<_> =
            followers.iter_mut().map(|follower| scope.spawn(move || read(follower))).collect();
        reading.into_iter().map(|reading| reading.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|other| *other == seen[0]));
    assert_eq!(seen[0], daemon.records());
}

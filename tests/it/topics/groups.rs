//! Consumer groups, through real processes and through the raw protocol.

use std::fs;
use std::path::Path;

use crate::common::daemon::Daemon;
use crate::common::live::Pipeline;
use crate::common::{run_on, wait_for};
use nix::sys::signal::Signal;

/// A daemon with a topic `t` of so many partitions, which records are spread over by themselves.
fn with_topic(partitions: &str) -> (tempfile::TempDir, Daemon) {
    let (dir, daemon) = Daemon::alone(&[]);
    let made = run_on(
        dir.path(),
        "log-admin",
        &["create", "t", "--key", ".", "--partitions", partitions],
        "",
    );
    assert_eq!(made.status, 0, "{made:?}");
    (dir, daemon)
}

fn numbers(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("{number}\n")).collect()
}

fn produce(dir: &Path, records: &str) {
    assert_eq!(run_on(dir, "produce", &["t"], records).status, 0);
}

/// What `log-admin groups` tells, a value for each partition or idle member.
fn groups(dir: &Path) -> Vec<serde_json::Value> {
    let listed = run_on(dir, "log-admin", &["groups", "--json"], "");
    assert_eq!(listed.status, 0, "{listed:?}");
    listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until nothing is left to commit.
fn wait_for_no_lag(dir: &Path) {
    wait_for("the group to have committed all", || {
        let listed = groups(dir);
        let done = !listed.is_empty() && listed.iter().all(|row| row["committed"] == row["end"]);
        done.then_some(())
    });
}

fn subscribe<'a>(dir: &'a str, args: &[&'a str]) -> Pipeline {
    let mut all = vec!["subscribe", "t", "--data", dir, "--group", "g"];
    all.extend(args);
    Pipeline::start(&[&all])
}

fn sorted(lines: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = lines.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_group_goes_on_where_it_committed_and_ends_at_the_end() {
    let (dir, daemon) = with_topic("3");
    let read = |args: &[&str]| {
        let mut all = vec!["t", "--group", "g"];
        all.extend(args);
        let ran = run_on(dir.path(), "subscribe", &all, "");
        assert_eq!(ran.status, 0, "{ran:?}");
        sorted(&ran.stdout)
    };
    produce(dir.path(), &numbers(0..20));
    assert_eq!(read(&[]), (0..20).collect::<Vec<_>>());
    assert!(read(&[]).is_empty());
    // Where something is committed, --from is not asked.
    assert!(read(&["--from", "start"]).is_empty());
    produce(dir.path(), &numbers(20..30));
    // A daemon that is killed keeps what it acknowledged.
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    let _daemon = Daemon::start(dir.path(), &[]);
    assert_eq!(read(&[]), (20..30).collect::<Vec<_>>());
    assert!(groups(dir.path()).iter().all(|row| row["lag"] == 0));
    let other = run_on(dir.path(), "subscribe", &["t", "-g", "h", "--from", "end"], "");
    assert_eq!((other.status, other.stdout.as_str()), (0, ""));
    produce(dir.path(), &numbers(30..33));
    let other = run_on(dir.path(), "subscribe", &["t", "-g", "h", "--from", "start"], "");
    assert_eq!(sorted(&other.stdout), [30, 31, 32]);
}

#[test]
fn a_member_that_is_killed_leaves_its_partitions_to_the_other_at_once() {
    let (dir, _daemon) = with_topic("4");
    let path = dir.path().to_str().unwrap();
    let first = subscribe(path, &["-f"]);
    wait_for("the first member", || (groups(dir.path()).len() == 4).then_some(()));
    let second = subscribe(path, &["-f"]);
    let members = || {
        let mut members: Vec<u64> =
            groups(dir.path()).iter().filter_map(|row| row["member"].as_u64()).collect();
        members.sort_unstable();
        members
    };
    let both = wait_for("two members", || {
        let members = members();
        (members.first() != members.last()).then_some(members)
    });
    assert_eq!(both[..2], [both[0]; 2]);
    assert_eq!(both[2..], [both[2]; 2]);
    produce(dir.path(), &numbers(0..200));
    wait_for_no_lag(dir.path());
    first.signal(0, Signal::SIGKILL);
    produce(dir.path(), &numbers(200..400));
    wait_for_no_lag(dir.path());
    assert!(members().iter().all(|member| *member == both[2]), "{:?}", members());
    second.signal(0, Signal::SIGTERM);
    let (first, second) = (first.finish(), second.finish());
    assert_eq!(second[0].status, 0, "{second:?}");
    // All was committed before the one was killed: each record is there, and once.
    let (first, second) = (sorted(&first[0].stdout), sorted(&second[0].stdout));
    let mut all: Vec<u32> = first.iter().chain(&second).copied().collect();
    all.sort_unstable();
    assert_eq!(all, (0..400).collect::<Vec<_>>());
    assert!(!first.is_empty() && second.iter().filter(|number| **number < 200).count() > 0);
    assert_eq!(second.iter().filter(|number| **number >= 200).count(), 200);
}

#[test]
fn a_member_that_is_told_to_stop_repeats_nothing() {
    let (dir, _daemon) = with_topic("2");
    // Many runs of records, so that it is stopped between two commits.
    let records: String = (0..60_000).map(|n| format!("[{n},\"{n:0100}\"]\n")).collect();
    produce(dir.path(), &records);
    let path = dir.path().to_str().unwrap();
    let first = subscribe(path, &[]);
    let line = first.line();
    first.signal(0, Signal::SIGTERM);
    let first = first.finish();
    // Unless it was done before the signal came.
    assert!([143, 0].contains(&first[0].status), "{}", first[0].stderr);
    let rest = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert_eq!(rest.status, 0, "{}", rest.stderr);
    let all = format!("{line}\n{}{}", first[0].stdout, rest.stdout);
    let mut lines: Vec<&str> = all.lines().collect();
    let mut expected: Vec<&str> = records.lines().collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert!(lines == expected, "{} lines of {}", lines.len(), expected.len());
}

#[test]
fn what_a_killed_member_had_not_committed_is_delivered_again() {
    let (dir, _daemon) = with_topic("2");
    produce(dir.path(), &numbers(0..50));
    let path = dir.path().to_str().unwrap();
    let seen = dir.path().join("seen");
    // The command has its batch, and does not end before the test does.
    let command =
        format!("exec > {0} 2>&1; cat; while [ -e {0} ]; do sleep 0.1; done", seen.display());
    let stuck = subscribe(path, &["--exec", &command]);
    let first = wait_for("a batch to arrive", || {
        fs::read_to_string(&seen).ok().filter(|text| text.ends_with('\n'))
    });
    assert!(!first.is_empty());
    stuck.signal(0, Signal::SIGKILL);
    assert_eq!(stuck.finish()[0].status, 137);
    let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert_eq!(sorted(&ran.stdout), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_command_that_fails_commits_nothing_and_one_that_succeeds_does() {
    let (dir, _daemon) = with_topic("1");
    produce(dir.path(), "1\n2\n3\n");
    let exec = |command: &str, more: &[&str]| {
        let mut args = vec!["t", "--group", "g", "--exec", command];
        args.extend(more);
        run_on(dir.path(), "subscribe", &args, "")
    };
    let failed = exec("cat; exit 3", &[]);
    assert_eq!((failed.status, failed.stdout.as_str()), (1, "1\n2\n3\n"), "{failed:?}");
    assert!(failed.stderr.contains("t/0@0: the command of --exec ended with status 3"));
    assert_eq!(failed.stderr.lines().count(), 1, "{failed:?}");
    let killed = exec("kill -9 $$", &[]);
    assert!(killed.status == 1 && killed.stderr.contains("signal 9"), "{killed:?}");
    assert!(groups(dir.path()).is_empty(), "nothing is committed");
    // A command that does not read its batch succeeds all the same.
    let unread = exec("exit 0", &[]);
    assert_eq!((unread.status, unread.stderr.as_str()), (0, ""), "{unread:?}");
    assert_eq!(groups(dir.path())[0]["committed"], 3);
    produce(dir.path(), "4\n");
    let meta = exec("cat", &["--meta"]);
    assert!(meta.stdout.contains("\"offset\":3,") && meta.stdout.lines().count() == 1, "{meta:?}");
    let path = dir.path().to_str().unwrap();
    let following = subscribe(path, &["-f", "--exec", "cat"]);
    for number in 5..8 {
        produce(dir.path(), &format!("{number}\n"));
        assert_eq!(following.line(), number.to_string());
    }
    wait_for_no_lag(dir.path());
    following.signal(0, Signal::SIGTERM);
    assert_eq!(following.finish()[0].status, 0);
}

#[test]
fn generations_fence_and_a_dead_connection_gives_its_partitions_away() {
    let (_dir, daemon) = with_topic("4");
    let join = r#"{"join":{"group":"g","topic":"t","follow":true}}"#;
    let mut first = daemon.talk();
    assert_eq!(first.ask(join)["assigned"]["generation"], 1);
    first.append("t", "1\n2\n3\n4\n5\n6\n7\n8\n");
    assert_eq!(first.answer()["appended"]["records"], 8);
    let mut second = daemon.talk();
    let assigned = second.ask(join);
    assert_eq!(assigned["assigned"]["generation"], 2);
    let keys: Vec<&String> = assigned["assigned"]["offsets"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["2", "3"]);
    // It has lost these, and does not know it yet.
    first.say(r#"{"commit":{"generation":1,"offsets":{"2":0}}}"#);
    assert_eq!(first.error(), "stale_generation");
    first.say(r#"{"commit":{"generation":1,"offsets":{"0":0}}}"#);
    assert_eq!(first.error(), "stale_generation");
    first.say(r#"{"commit":{"generation":2,"offsets":{"2":0}}}"#);
    assert_eq!(first.error(), "not_assigned");
    // Who polls is told before it gets another record.
    assert_eq!(first.ask(r#"{"poll":{}}"#)["assigned"]["generation"], 2);
    second.say(r#"{"commit":{"generation":2,"offsets":{"9":0}}}"#);
    assert_eq!(second.error(), "unknown_partition");
    let mut stranger = daemon.talk();
    stranger.say(r#"{"commit":{"generation":2,"offsets":{"0":0}}}"#);
    assert_eq!(stranger.error(), "not_a_member");
    drop(second);
    let assigned = wait_for("the partitions to move", || {
        let entry = stranger.ask(r#"{"groups":{"group":"g"}}"#);
        (entry["groups"][0]["generation"] == 3).then(|| first.ask(r#"{"poll":{}}"#))
    });
    assert_eq!(assigned["assigned"]["offsets"].as_object().unwrap().len(), 4);
}

#[test]
fn a_member_that_keeps_a_partition_goes_on_where_it_is() {
    let (_dir, daemon) = with_topic("1");
    let mut first = daemon.talk();
    first.ask(r#"{"join":{"group":"g","topic":"t","follow":true}}"#);
    first.append("t", "1\n2\n");
    first.answer();
    assert_eq!(first.ask(r#"{"poll":{}}"#)["records"]["records"], 2);
    assert_eq!(first.bytes(4), b"1\n2\n");
    // Another joins, and has nothing to read: the one has all partitions.
    let mut second = daemon.talk();
    let idle = second.ask(r#"{"join":{"group":"g","topic":"t"}}"#);
    assert_eq!(idle["assigned"]["offsets"], serde_json::json!({}));
    assert!(second.ask(r#"{"poll":{}}"#).get("fetched").is_some());
    let assigned = first.ask(r#"{"poll":{}}"#);
    assert_eq!(assigned["assigned"]["offsets"], serde_json::json!({"0": 2}));
    let commit = first.ask(r#"{"commit":{"generation":2,"offsets":{"0":2}}}"#);
    assert_eq!(commit["committed"]["generation"], 2);
    // The first dies while it waits for records; the second has to know nothing of that.
    first.say(r#"{"poll":{}}"#);
    drop(first);
    let assigned = wait_for("the partition to move", || {
        let answer = second.ask(r#"{"poll":{}}"#);
        answer.get("assigned").is_some().then_some(answer)
    });
    assert_eq!(assigned["assigned"]["offsets"], serde_json::json!({"0": 2}));
}

#[test]
fn where_a_group_begins_is_kept_for_whoever_reads_next() {
    let (_dir, daemon) = with_topic("1");
    let mut talk = daemon.talk();
    talk.append("t", "1\n");
    talk.answer();
    let join = r#"{"join":{"group":"g","topic":"t","offsets":{"0":"end"}}}"#;
    assert_eq!(talk.ask(join)["assigned"]["offsets"]["0"], 1);
    talk.append("t", "2\n");
    talk.answer();
    // Dies without a commit of its own: what came meanwhile is not skipped.
    drop(talk);
    let mut next = daemon.talk();
    let begins = wait_for("the partition to be free", || {
        next.ask(join)["assigned"]["offsets"]["0"].as_u64()
    });
    assert_eq!(begins, 1);
    let mut bad = daemon.talk();
    bad.say(r#"{"join":{"group":"h","topic":"t","offsets":{"0":3}}}"#);
    assert_eq!(bad.error(), "offset_out_of_range");
    let reset = r#"{"join":{"group":"h","topic":"t","offsets":{"0":3},"reset":"start"}}"#;
    assert_eq!(bad.ask(reset)["assigned"]["offsets"]["0"], 0);
    for (join, code) in [
        (r#"{"join":{"group":"../h","topic":"t"}}"#, "bad_group_name"),
        (r#"{"join":{"group":"h","topic":"u"}}"#, "unknown_topic"),
        (r#"{"join":{"group":"h","topic":"t","offsets":{"7":"end"}}}"#, "unknown_partition"),
        (r#"{"poll":{}}"#, "not_a_member"),
    ] {
        bad.say(join);
        assert_eq!(bad.error(), code, "{join}");
    }
}

/// Runs a test without a daemon and with one.
fn both_ways(test: impl Fn(&Path)) {
    let (dir, daemon) = with_topic("1");
    test(dir.path());
    drop(daemon);
    fs::remove_dir_all(dir.path().join("groups")).unwrap();
    test(dir.path());
}

#[test]
fn a_group_is_reset_and_its_lag_told() {
    both_ways(|dir| {
        let end = run_on(dir, "log-admin", &["describe", "t", "--json"], "");
        if end.stdout.contains("\"end\":0") {
            produce(dir, &numbers(0..10));
        }
        let reset = |args: &[&str]| {
            let mut all = vec!["reset", "g", "t", "--to"];
            all.extend(args);
            run_on(dir, "log-admin", &all, "")
        };
        let dry = reset(&["end", "--dry-run", "--json"]);
        assert_eq!(
            (dry.status, dry.stdout.as_str()),
            (
                0,
                "{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"from\":null,\"to\":10,\
                 \"done\":\"no: dry run\"}\n"
            )
        );
        let none = run_on(dir, "log-admin", &["groups"], "");
        assert_eq!((none.status, none.stdout.as_str()), (0, ""));
        let done = reset(&["4"]);
        assert_eq!(
            (done.status, done.stdout.as_str()),
            (
                0,
                "GROUP  TOPIC  PARTITION  FROM  TO  DONE\ng      t              0  -      4  yes\n"
            )
        );
        let listed = run_on(dir, "log-admin", &["groups", "g"], "");
        assert_eq!(
            listed.stdout,
            "GROUP  TOPIC  PARTITION  MEMBER  PID  COMMITTED  END  LAG\n\
             g      t              0  -       -            4   10    6\n"
        );
        for (to, offset) in [("start", 0), ("end", 10), ("-1h", 0), ("2100-01-01T00:00:00Z", 10)] {
            let moved = reset(&[to, "--json"]);
            let row: serde_json::Value = serde_json::from_str(&moved.stdout).expect(to);
            assert_eq!(row["to"], offset, "{to}");
            assert_eq!(groups(dir)[0]["committed"], offset, "{to}");
        }
        let beyond = reset(&["11"]);
        assert_eq!(beyond.status, 69, "{beyond:?}");
        assert_eq!(run_on(dir, "log-admin", &["groups", "h"], "").status, 69);
        let bad = run_on(dir, "log-admin", &["reset", "a/b", "t", "--to", "end"], "");
        assert_eq!(bad.status, 2, "{bad:?}");
    });
}

#[test]
fn a_group_with_members_is_not_reset() {
    let (dir, daemon) = with_topic("2");
    let mut member = daemon.talk();
    member.ask(r#"{"join":{"group":"g","topic":"t"}}"#);
    let mut idle: Vec<_> = (0..2).map(|_| daemon.talk()).collect();
    idle.iter_mut().for_each(|talk| drop(talk.ask(r#"{"join":{"group":"g","topic":"t"}}"#)));
    let refused = run_on(dir.path(), "log-admin", &["reset", "g", "t", "--to", "end"], "");
    assert_eq!(refused.status, 75, "{refused:?}");
    assert!(refused.stderr.contains("g/t: the group has 3 members"), "{refused:?}");
    let listed = groups(dir.path());
    assert_eq!(listed.len(), 3, "{listed:?}");
    let pid = i64::from(std::process::id());
    assert!(listed.iter().all(|row| row["pid"] == pid && row["lag"].is_null()), "{listed:?}");
    assert!(listed[2]["partition"].is_null());
}

#[test]
fn without_a_daemon_a_group_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    run_on(dir.path(), "log-admin", &["create", "t"], "");
    let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert_eq!(ran.status, 69, "{ran:?}");
    assert!(ran.stderr.contains("--group needs log-serve"), "{ran:?}");
    for args in [
        &["t", "--exec", "cat"][..],
        &["t", "--commit", "after-write"],
        &["t", "-g", "g", "-n", "1"],
    ] {
        assert_eq!(run_on(dir.path(), "subscribe", args, "").status, 2, "{args:?}");
    }
}

#[test]
fn a_waiting_member_wakes_for_each_record_and_ends_when_told() {
    let (dir, _daemon) = with_topic("2");
    let path = dir.path().to_str().unwrap();
    let member = subscribe(path, &["-f"]);
    for number in 0..20 {
        produce(dir.path(), &numbers(number..number + 1));
        assert_eq!(member.line(), number.to_string());
    }
    member.signal(0, Signal::SIGINT);
    let ended = member.finish();
    assert_eq!((ended[0].status, ended[0].stderr.as_str()), (0, ""));
}

#[test]
fn another_topic_of_the_name_is_read_from_its_beginning() {
    let (dir, daemon) = with_topic("2");
    let path = dir.path();
    produce(path, &numbers(0..10));
    // A member that is still there must not bring anything back either.
    let member = subscribe(path.to_str().unwrap(), &["-f"]);
    (0..10).for_each(|_| drop(member.line()));
    wait_for_no_lag(path);
    assert_eq!(run_on(path, "log-admin", &["delete", "t"], "").status, 0);
    assert_eq!(groups(path), Vec::<serde_json::Value>::new());
    let made = run_on(path, "log-admin", &["create", "t", "--key", ".", "--partitions", "2"], "");
    assert_eq!(made.status, 0, "{made:?}");
    produce(path, &numbers(20..23));
    let read = run_on(path, "subscribe", &["t", "--group", "g"], "");
    assert_eq!((read.status, sorted(&read.stdout)), (0, vec![20, 21, 22]), "{read:?}");
    drop(member.finish());
    assert_eq!(daemon.terminate().status, 0);
    // And without a daemon.
    assert_eq!(run_on(path, "log-admin", &["delete", "t"], "").status, 0);
    assert_eq!(groups(path), Vec::<serde_json::Value>::new());
}

#[test]
fn added_partitions_reach_a_running_group_at_once() {
    let (dir, daemon) = Daemon::alone(&[]);
    let admin = |args: &[&str]| {
        let ran = run_on(dir.path(), "log-admin", args, "");
        assert_eq!(ran.status, 0, "{ran:?}");
    };
    admin(&["create", "t"]);
    let join = r#"{"join":{"group":"g","topic":"t","follow":true,"offsets":{"0":"end"}}}"#;
    let (mut first, mut second) = (daemon.talk(), daemon.talk());
    assert_eq!(first.ask(join)["assigned"]["offsets"], serde_json::json!({"0": 0}));
    assert_eq!(second.ask(join)["assigned"]["offsets"], serde_json::json!({}));
    assert_eq!(first.ask(r#"{"poll":{}}"#)["assigned"]["generation"], 2);
    // Both wait: one for records, the other for a partition.
    first.say(r#"{"poll":{}}"#);
    second.say(r#"{"poll":{}}"#);
    admin(&["alter", "t", "--partitions", "3"]);
    let told = first.answer();
    assert_eq!(told["assigned"]["generation"], 3, "{told}");
    assert_eq!(told["assigned"]["offsets"], serde_json::json!({"0": 0, "1": 0}));
    assert_eq!(second.answer()["assigned"]["offsets"], serde_json::json!({"2": 0}));
    let path = dir.path().to_str().unwrap();
    drop((first, second));
    let follower = subscribe(path, &["-f"]);
    admin(&["alter", "t", "--partitions", "5"]);
    for number in 0..10 {
        produce(dir.path(), &format!("{number}\n"));
    }
    let mut lines: Vec<u32> = (0..10).map(|_| follower.line().parse().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..10).collect::<Vec<_>>());
    wait_for_no_lag(dir.path());
    follower.signal(0, Signal::SIGTERM);
    assert_eq!(follower.finish()[0].status, 0);
}

#[test]
fn a_member_that_does_not_follow_ends_also_when_partitions_are_added() {
    let (_dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    talk.append("t", "1\n");
    talk.answer();
    talk.ask(r#"{"join":{"group":"g","topic":"t"}}"#);
    daemon.talk().ask(r#"{"alter":{"topic":"t","settings":{"partitions":2}}}"#);
    let told = talk.ask(r#"{"poll":{}}"#);
    assert_eq!(told["assigned"]["offsets"], serde_json::json!({"0": 0, "1": 0}));
    assert_eq!(talk.ask(r#"{"poll":{}}"#)["records"]["records"], 1);
    talk.bytes(2);
    assert!(talk.ask(r#"{"poll":{}}"#).get("fetched").is_some());
}

#[test]
fn a_damaged_groups_file_hides_no_other_group() {
    both_ways(|dir| {
        let reset = |group: &str| {
            let reset = run_on(dir, "log-admin", &["reset", group, "t", "--to", "start"], "");
            assert_eq!(reset.status, 0, "{reset:?}");
        };
        reset("a");
        reset("c");
        fs::write(dir.join("groups/b.json"), "{\"version\":").unwrap();
        let listed = run_on(dir, "log-admin", &["groups", "--json"], "");
        assert_eq!(listed.status, 74, "{listed:?}");
        assert!(listed.stderr.contains("log-admin: b: ") && listed.stderr.contains("b.json"));
        assert_eq!(listed.stderr.lines().count(), 1, "{listed:?}");
        let names: Vec<&str> =
            listed.stdout.lines().filter_map(|line| line.split('"').nth(3)).collect();
        assert_eq!(names, ["a", "c"]);
        let one = run_on(dir, "log-admin", &["groups", "c"], "");
        assert_eq!((one.status, one.stderr.as_str()), (0, ""), "{one:?}");
    });
}

#[test]
fn an_offset_is_no_place_for_a_group_in_several_partitions() {
    let (dir, _daemon) = with_topic("2");
    let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g", "--from", "3"], "");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("this topic has 2; with --group name a time"), "{ran:?}");
    assert!(!ran.stderr.contains("--partition"), "which a group does not take: {ran:?}");
    let (dir, _daemon) = with_topic("1");
    produce(dir.path(), &numbers(0..5));
    let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g", "--from", "3"], "");
    assert_eq!((ran.status, &*ran.stdout), (0, "3\n4\n"), "{ran:?}");
}

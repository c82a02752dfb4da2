//! Readers and writers of topics: real processes of several users before one daemon.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;

use crate::common::daemon::Daemon;
use crate::common::someone::{NOBODY, STRANGER, can_be_others, tool_as};
use crate::common::{Guard, Ran, run, wait_for};

const ROOT: (u32, u32) = (0, 0);

/// A log whose files are its owner's, and whose daemon anybody may talk to.
fn served(owner: (u32, u32)) -> Option<(tempfile::TempDir, Daemon)> {
    if !can_be_others() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::create_dir(&log).unwrap();
    chown(&log, Some(owner.0), Some(owner.1)).unwrap();
    let mut command = tool_as(owner, dir.path(), "log-serve", &["--socket-mode", "0666"]);
    let daemon = Daemon::spawn(&mut command, &log);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(log.join("topics"), fs::Permissions::from_mode(0o700)).unwrap();
    Some((dir, daemon))
}

fn as_user(who: (u32, u32), dir: &Path, name: &str, args: &[&str]) -> Ran {
    run(&mut tool_as(who, dir, name, args), "1\n")
}

fn admin(who: (u32, u32), dir: &Path, args: &[&str]) -> Ran {
    as_user(who, dir, "log-admin", args)
}

/// What `who` may do with the topic `t`: read, append.
fn may(who: (u32, u32), dir: &Path) -> (bool, bool) {
    let allowed = |name: &str, list: &str| {
        let ran = as_user(who, dir, name, &["t"]);
        assert!([0, 77].contains(&ran.status), "{ran:?}");
        if ran.status == 77 {
            let said = format!("{name}: t: not permitted: you are not among the topic's {list}\n");
            let neither = "t: not permitted: you are neither among the topic's readers nor its";
            assert!(ran.stderr.ends_with(&said) || ran.stderr.contains(neither), "{ran:?}");
            assert_eq!(ran.stdout, "");
        }
        ran.status == 0
    };
    (allowed("subscribe", "readers"), allowed("produce", "writers"))
}

#[test]
fn only_those_who_are_named_read_and_append() {
    let Some((dir, _daemon)) = served(ROOT) else { return };
    let dir = dir.path();
    assert_eq!(admin(ROOT, dir, &["create", "t"]).status, 0);
    let alter = |args: &[&str]| {
        let altered = admin(ROOT, dir, &[&["alter", "t"], args].concat());
        assert_eq!(altered.status, 0, "{altered:?}");
    };
    for (lists, nobody, stranger) in [
        (&[][..], (true, true), (true, true)),
        (&["--readers", "nobody"], (true, true), (false, true)),
        (&["--readers", "54321,nobody", "--writers", "54321"], (true, false), (true, true)),
        (&["--readers", "default", "--writers", ":nogroup"], (true, true), (true, false)),
        (&["--readers", ":54321", "--writers", "root"], (false, false), (true, false)),
        (&["--readers", "root", "--writers", ":54321,no-such-user"], (false, false), (false, true)),
        (&["--readers", "default", "--writers", "default"], (true, true), (true, true)),
    ] {
        if !lists.is_empty() {
            alter(lists);
        }
        assert_eq!(may(NOBODY, dir), nobody, "nobody, {lists:?}");
        assert_eq!(may(STRANGER, dir), stranger, "a stranger, {lists:?}");
        assert_eq!(may(ROOT, dir), (true, true), "{lists:?}");
    }
    alter(&["--readers", "nobody,:54321"]);
    let shown = admin(STRANGER, dir, &["describe", "t"]);
    assert!(shown.stdout.contains("readers nobody,:54321"), "{shown:?}");
}

#[test]
fn a_users_other_groups_count() {
    // Somebody who is a member of a group beside the primary one, if there is such a user here.
    let groups = fs::read_to_string("/etc/group").unwrap();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let member = groups.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let user = fields.get(3)?.split(',').find(|user| !user.is_empty())?;
        let entry = passwd.lines().find(|line| line.starts_with(&format!("{user}:")))?;
        let id = |at: usize| entry.split(':').nth(at)?.parse::<u32>().ok();
        (id(2)? != 0).then(|| Some((fields[0].to_owned(), (id(2)?, id(3)?))))?
    });
    let Some((group, who)) = member else {
        eprintln!("no user of this machine has a second group; nothing was tested");
        return;
    };
    let Some((dir, _daemon)) = served(ROOT) else { return };
    let list = format!(":{group}");
    let made = admin(ROOT, dir.path(), &["create", "t", "--readers", &list, "--writers", &list]);
    assert_eq!(made.status, 0, "{made:?}");
    assert_eq!(may(who, dir.path()), (true, true), "{who:?}");
    assert_eq!(may(NOBODY, dir.path()), (false, false));
}

#[test]
fn a_topic_with_lists_is_managed_by_root_and_the_daemons_user() {
    let Some((dir, daemon)) = served(NOBODY) else { return };
    let dir = dir.path();
    // Anybody may make a topic and manage one that is everybody's.
    assert_eq!(admin(STRANGER, dir, &["create", "open"]).status, 0);
    assert_eq!(admin(STRANGER, dir, &["alter", "open", "--retention", "1d"]).status, 0);
    assert_eq!(admin(STRANGER, dir, &["trim", "open", "--before", "end"]).status, 0);
    for (args, said) in [
        (
            &["create", "mine", "--readers", "54321"][..],
            "only root and the user who runs log-serve may set readers and writers",
        ),
        (
            &["alter", "open", "--writers", "54321"],
            "only root and the user who runs log-serve may set readers and writers",
        ),
        (
            &["alter", "open", "--writers", "default"],
            "only root and the user who runs log-serve may set readers and writers",
        ),
    ] {
        let ran = admin(STRANGER, dir, args);
        assert_eq!(ran.status, 77, "{ran:?}");
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    assert_eq!(admin(STRANGER, dir, &["delete", "open"]).status, 0);
    assert_eq!(admin(NOBODY, dir, &["create", "t", "--writers", "54321"]).status, 0);
    assert_eq!(may(STRANGER, dir), (true, true));
    for args in [
        &["alter", "t", "--retention", "1d"][..],
        &["alter", "t", "--writers", "default"],
        &["trim", "t", "--before", "end"],
        &["delete", "t"],
    ] {
        let ran = admin(STRANGER, dir, args);
        assert_eq!(ran.status, 77, "{args:?}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    for master in [NOBODY, ROOT] {
        assert_eq!(may(master, dir), (true, true));
        assert_eq!(admin(master, dir, &["alter", "t", "--retention", "1d"]).status, 0);
    }
    assert_eq!(admin(NOBODY, dir, &["delete", "t"]).status, 0);
    assert_eq!(daemon.terminate().status, 0);
}

/// A `subscribe` that follows `t`, and has read a record.
fn follower(who: (u32, u32), dir: &Path, more: &[&str]) -> Guard {
    use std::io::Read;
    let mut command = tool_as(who, dir, "subscribe", &[&["t", "-f"], more].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut record = [0; 2];
    child.stdout.as_mut().unwrap().read_exact(&mut record).unwrap();
    assert_eq!(&record, b"1\n");
    Guard(child)
}

fn ended(mut child: Guard) -> Ran {
    use std::io::Read;
    let status = wait_for("the follower to end", || child.0.try_wait().unwrap());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    child.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    std::process::Output { status, stdout, stderr }.into()
}

#[test]
fn who_is_taken_off_the_list_is_told_at_once_and_reads_nothing_more() {
    let Some((dir, daemon)) = served(ROOT) else { return };
    let dir = dir.path();
    assert_eq!(admin(ROOT, dir, &["create", "t", "--readers", "nobody,54321"]).status, 0);
    assert!(may(ROOT, dir).1);
    let plain = follower(NOBODY, dir, &[]);
    let member = follower(NOBODY, dir, &["--group", "g"]);
    let stays = follower(STRANGER, dir, &[]);
    assert_eq!(admin(ROOT, dir, &["alter", "t", "--readers", "54321"]).status, 0);
    for follower in [plain, member] {
        let ran = ended(follower);
        assert_eq!((ran.status, ran.stdout.as_str()), (77, ""), "{ran:?}");
        assert!(ran.stderr.contains("you are not among the topic's readers"), "{ran:?}");
    }
    // It is no member any more either, and its group is not told of to strangers to the topic.
    let mut talk = daemon.talk();
    wait_for("the member to be gone", || {
        let groups = talk.ask(r#"{"groups":{"group":"g"}}"#);
        (groups["groups"][0]["members"] == serde_json::json!([])).then_some(())
    });
    assert_eq!(as_user(ROOT, dir, "produce", &["t"]).status, 0);
    drop(stays);
    let reset = ["reset", "g", "t", "--to", "end"];
    assert_eq!(admin(NOBODY, dir, &["alter", "t", "--fsync", "never"]).status, 77);
    assert_eq!(admin(ROOT, dir, &["alter", "t", "--writers", "54321"]).status, 0);
    let stats = admin(NOBODY, dir, &["stats", "--json"]);
    assert_eq!(stats.status, 0, "{stats:?}");
    let rows: Vec<&str> = stats.stdout.lines().collect();
    assert!(rows[1].starts_with("{\"of\":\"topic\"") && rows[1].contains("not_permitted"));
    assert!(rows[1].contains("\"partitions\":{}") && !rows[1].contains("\"end\""), "{stats:?}");
    assert!(rows[2].contains("\"partitions\":{}") && rows[2].contains("not_permitted"));
    assert!(rows[0].contains("\"not_permitted\":"), "{stats:?}");
    assert_eq!(admin(NOBODY, dir, &reset).status, 77);
    assert_eq!(admin(STRANGER, dir, &reset).status, 0);
    let named = as_user(NOBODY, dir, "produce", &["t", "--producer", "p"]);
    assert_eq!(named.status, 77, "{named:?}");
}

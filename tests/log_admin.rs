//! `log-admin`, through the daemon and without one.

mod common;

use std::path::Path;

use common::daemon::Daemon;
use common::{Ran, run, tool};

fn admin(dir: &Path, args: &[&str]) -> Ran {
    run(tool("log-admin", args).env("MILLSTREAM_DIR", dir), "")
}

/// Runs a test once without a daemon and once with one.
fn both_ways(test: impl Fn(&Path)) {
    let embedded = tempfile::tempdir().unwrap();
    test(embedded.path());
    let served = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(served.path(), &[]);
    test(served.path());
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn topics_are_made_listed_and_described() {
    both_ways(|dir| {
        let made = admin(dir, &["create", "clicks", "--partitions", "2", "--key", ".user"]);
        assert_eq!((made.status, made.stdout.as_str()), (0, ""), "{made:?}");
        assert_eq!(admin(dir, &["create", "a"]).status, 0);
        let again = admin(dir, &["create", "clicks", "--partitions", "2", "--key", ".user"]);
        assert_eq!(again.status, 0, "{again:?}");
        assert_eq!(
            admin(dir, &["list"]).stdout,
            "TOPIC   PARTITIONS  KEY\na       1           -\nclicks  2           .user\n"
        );
        assert_eq!(
            admin(dir, &["--json", "list"]).stdout,
            "{\"topic\":\"a\",\"partitions\":1,\"key\":null}\n\
             {\"topic\":\"clicks\",\"partitions\":2,\"key\":\".user\"}\n"
        );
        run(tool("produce", &["a"]).env("MILLSTREAM_DIR", dir), "1\n2\n");
        assert_eq!(
            admin(dir, &["describe", "a", "--json"]).stdout,
            "{\"topic\":\"a\",\"partition\":0,\"start\":0,\"end\":2,\"key\":null}\n"
        );
    });
}

#[test]
fn what_cannot_be_made_is_refused() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "t"]).status, 0);
        let cases: [(&[&str], i32, &str); 5] = [
            (&["create", "t", "--partitions", "2"], 73, "the topic exists already"),
            (&["create", "u", "--key", ".a +"], 2, "no jq"),
            (&["create", ".."], 2, "is not a topic name"),
            (&["describe", "u"], 69, "u: no such topic"),
            (&[], 2, "subcommand"),
        ];
        for (args, status, message) in cases {
            let ran = admin(dir, args);
            assert_eq!(ran.status, status, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(message), "{args:?}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        }
    });
}

#[test]
fn a_log_that_is_served_is_not_verified_from_the_side() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    assert_eq!(admin(dir.path(), &["create", "t"]).status, 0);
    assert_eq!(admin(dir.path(), &["verify"]).status, 75);
    drop(daemon);
    let ran = admin(dir.path(), &["verify"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("ok"), "{ran:?}");
}

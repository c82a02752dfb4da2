//! `scripts/install`: what it installs runs from there, and goes away again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Ran, bin, run, run_on};

/// Runs the script with the programs of the tests.
fn install(temporary: &Path, args: &[&str]) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = bin("millstream").parent().expect("a directory").to_owned();
    let mut command = Command::new(root.join("scripts/install"));
    command.args(args).env("MILLSTREAM_BIN", programs).env("TMPDIR", temporary);
    run(&mut command, "")
}

#[track_caller]
fn installed(temporary: &Path, args: &[&str]) {
    let ran = install(temporary, args);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

/// Everything below a directory that is no directory, as paths from there.
fn files(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(below) = dirs.pop() {
        for entry in fs::read_dir(dir.join(&below)).into_iter().flatten() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => dirs.push(path),
                false => drop(found.insert(path.to_string_lossy().into_owned())),
            }
        }
    }
    found
}

#[track_caller]
fn has(files: &BTreeSet<String>, wanted: &[&str]) {
    for path in wanted {
        assert!(files.contains(*path), "{path} is not among {files:#?}");
    }
}

/// What a program prints, with nothing on its PATH.
fn said(program: &Path, args: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    let ran = run(command.args(args).env("PATH", ""), input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran.stdout
}

/// The units that collect a file: of the system, and of a user.
const COLLECTING: [&str; 2] =
    ["lib/systemd/system/produce@.service", "share/systemd/user/produce@.service"];
const CRONTAB: &str = "share/doc/millstream/examples/crontab";

/// Runs what the installed timers and the crontab run, with a file of our own.
#[track_caller]
fn collects(prefix: &Path, temporary: &Path) {
    let log = tempfile::tempdir_in(temporary).unwrap();
    let file = log.path().join("app.log");
    let line = |path: &str, begin: &str| {
        let text = fs::read_to_string(prefix.join(path)).unwrap();
        let command = text.lines().find_map(|line| line.strip_prefix(begin)).unwrap();
        let command = command.replace("%i", "app");
        let place = ["/var/log/app.log", "%h/.local/state/app.log"]
            .into_iter()
            .find(|place| command.contains(&format!(" app {place} ")));
        command.replace(place.expect("a file"), file.to_str().unwrap())
    };
    let [of_timer, of_user] = COLLECTING.map(|unit| line(unit, "ExecStart="));
    let of_cron = line(CRONTAB, "* * * * *  ");
    for (records, command) in [("1\n", of_timer), ("1\n2\n", of_user), ("1\n2\n3\n", of_cron)] {
        fs::write(&file, records).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &command]).env("PATH", "").env("MILLSTREAM_DIR", log.path());
        run(&mut shell, "").good();
        assert_eq!(run_on(log.path(), "subscribe", &["app"], "").good(), records, "{command}");
    }
}

/// Has systemd look at the installed units, where it is there.
#[track_caller]
fn hold(prefix: &Path) {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return println!("left out: there is no systemd-analyze");
    }
    let runtime = tempfile::tempdir().unwrap();
    for (whose, dir) in [("--system", "lib/systemd/system"), ("--user", "share/systemd/user")] {
        let units = ["service", "timer"].map(|kind| format!("{dir}/produce@app.{kind}"));
        let mut command = Command::new("systemd-analyze");
        // Their pages are not where man looks for them.
        command.args([whose, "verify", "--man=no"]).args(units.map(|unit| prefix.join(unit)));
        // A user's manager has its sockets there.
        command.env("XDG_RUNTIME_DIR", runtime.path());
        run(&mut command, "").good();
    }
}

fn names(prefix: &Path) -> Vec<String> {
    let bin = files(&prefix.join("bin"));
    bin.into_iter().collect()
}

#[test]
fn all_that_is_installed_runs_and_is_removed_again() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("prefix");
    let at = prefix.to_str().unwrap();
    // The second time over the first, as an upgrade.
    installed(dir.path(), &["--prefix", at]);
    fs::write(prefix.join("bin/another"), "").unwrap();
    installed(dir.path(), &["--prefix", at]);
    let mut found = files(&prefix);
    has(
        &found,
        &[
            "bin/millstream",
            "bin/log-admin",
            "lib/systemd/system/log-serve.socket",
            "lib/systemd/system/produce@.service",
            "lib/systemd/system/produce@.timer",
            "share/doc/millstream/examples/crontab",
            "lib/sysusers.d/millstream.conf",
            "share/systemd/user/log-serve.service",
            "share/systemd/user/produce@.service",
            "share/systemd/user/produce@.timer",
            "share/man/man1/filter.1",
            "share/man/man1/millstream.1",
            "share/man/man1/log-admin-create.1",
            "share/man/man5/millstream-format.5",
            "share/man/man7/millstream.7",
            "share/bash-completion/completions/filter",
            "share/zsh/site-functions/_filter",
            "share/fish/vendor_completions.d/millstream.fish",
        ],
    );
    let named = |tool: &&millstream::cli::Tool| tool.is_named();
    for name in millstream::cmd::tools().iter().filter(named).map(millstream::cli::Tool::name) {
        let version = said(&prefix.join("bin").join(name), &["--version"], "");
        assert!(version.starts_with(&format!("{name} ")), "{version}");
    }
    let below = said(&prefix.join("bin/millstream"), &["filter", ".a"], "{\"a\":1}\n");
    assert_eq!(below, "{\"a\":1}\n");
    let unit = fs::read_to_string(prefix.join("lib/systemd/system/log-serve.service")).unwrap();
    let start = format!("\nExecStart={at}/bin/log-serve --data /var/lib/millstream\n");
    assert!(unit.contains(&start), "{unit}");
    collects(&prefix, dir.path());
    hold(&prefix);
    // The list is that of all files, and what is not in it stays.
    let list = fs::read_to_string(prefix.join("share/millstream/installed")).unwrap();
    assert!(found.remove("bin/another"));
    assert_eq!(BTreeSet::from_iter(list.lines().map(str::to_owned)), found);
    installed(dir.path(), &["--prefix", at, "--uninstall"]);
    assert_eq!(Vec::from_iter(files(&prefix)), ["bin/another"]);
    assert_eq!(fs::read_dir(&prefix).unwrap().count(), 1, "directories were left");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the script left something");
    let again = install(dir.path(), &["--prefix", at, "--uninstall"]);
    assert_eq!(again.status, 1, "{again:?}");
    assert!(again.stderr.contains("nothing is installed"), "{again:?}");
}

#[test]
fn millstream_alone_leaves_the_names_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("prefix");
    let at = prefix.to_str().unwrap();
    // What an earlier version had, and this one has not, goes away.
    installed(dir.path(), &["--prefix", at]);
    installed(dir.path(), &["--prefix", at, "--only", "millstream"]);
    assert_eq!(names(&prefix), ["millstream"]);
    let found = files(&prefix);
    let pages = ["share/man/man1/millstream.1", "share/man/man1/millstream-log-admin-create.1"];
    has(&found, &pages);
    for path in ["share/man/man1/filter.1", "share/bash-completion/completions/filter"] {
        assert!(!found.contains(path), "{path}");
    }
    for unit in ["lib/systemd/system/log-serve.service", "share/systemd/user/log-serve.service"] {
        let unit = fs::read_to_string(prefix.join(unit)).unwrap();
        assert!(unit.contains(&format!("\nExecStart={at}/bin/millstream log-serve --data ")));
    }
    collects(&prefix, dir.path());
}

#[test]
fn names_may_have_a_prefix_and_packages_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("dest");
    let options = ["--destdir", dest.to_str().unwrap(), "--prefix", "/usr"];
    installed(dir.path(), &[&options[..], &["--program-prefix", "ms-"]].concat());
    let prefix = dest.join("usr");
    assert!(names(&prefix).contains(&"ms-log-admin".to_owned()));
    assert!(!names(&prefix).contains(&"log-admin".to_owned()));
    let ran = said(&prefix.join("bin/ms-filter"), &[".a"], "{\"a\":1}\n");
    assert_eq!(ran, "{\"a\":1}\n");
    has(&files(&prefix), &["share/man/man1/ms-filter.1", "share/man/man1/millstream.1"]);
    let unit = fs::read_to_string(prefix.join("lib/systemd/system/log-serve.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/ms-log-serve --data "), "{unit}");
    for unit in COLLECTING {
        let unit = fs::read_to_string(prefix.join(unit)).unwrap();
        assert!(unit.contains("\nExecStart=/usr/bin/ms-produce %i "), "{unit}");
    }
    let crontab = fs::read_to_string(prefix.join(CRONTAB)).unwrap();
    assert!(crontab.contains("\n* * * * *  /usr/bin/ms-produce app "), "{crontab}");
    // The completions are for these names.
    let share = |path: &str| fs::read_to_string(prefix.join("share").join(path)).unwrap();
    let zsh = share("zsh/site-functions/_ms-log-admin");
    assert!(zsh.starts_with("#compdef ms-log-admin\n"), "{zsh}");
    assert!(zsh.ends_with(
        "if [[ $funcstack[1] == _ms-log-admin ]]; then\n    _log-admin \"$@\"\nelse\n    \
         compdef _log-admin ms-log-admin\nfi\n"
    ));
    let fish = share("fish/vendor_completions.d/ms-log-admin.fish");
    assert!(
        fish.contains("\ncomplete -c ms-log-admin ") && !fish.contains("complete -c log-admin")
    );
    let bash = prefix.join("share/bash-completion/completions/ms-log-admin");
    let script = ". \"$0\"; complete -p ms-log-admin && ! complete -p log-admin 2> /dev/null";
    let ran = run(Command::new("bash").args(["--norc", "-c", script]).arg(bash), "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn programs_of_others_are_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("prefix");
    fs::create_dir_all(prefix.join("bin")).unwrap();
    fs::write(prefix.join("bin/filter"), "another").unwrap();
    let ran = install(dir.path(), &["--prefix", prefix.to_str().unwrap()]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("bin/filter is not from an earlier installation"), "{ran:?}");
    assert!(ran.stderr.contains("--program-prefix ms-"), "{ran:?}");
    assert_eq!(Vec::from_iter(files(&prefix)), ["bin/filter"]);
    assert_eq!(fs::read_to_string(prefix.join("bin/filter")).unwrap(), "another");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (args, part) in [
        (&["--prefix"][..], "wants a value"),
        (&["--only", "filter"], "millstream alone"),
        (&["--program-prefix", "a/b-"], "--program-prefix"),
        (&["--program-prefix", "ms-", "--only", "millstream"], "no names"),
        (&["--nope"], "--nope is no option"),
    ] {
        let ran = install(dir.path(), args);
        assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(part), "{args:?}: {ran:?}");
    }
}

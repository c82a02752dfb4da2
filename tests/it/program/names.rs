//! One program, many names: `millstream TOOL`, the names on the PATH, and links of any name.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{Guard, Ran, bin, run, tool, wait_for};
use millstream::cmd;

/// A directory with the program, and a link to it of each of these names.
fn links(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        symlink(bin("millstream"), dir.path().join(name)).unwrap();
    }
    dir
}

fn linked(path: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(args).env_remove("MILLSTREAM_DIR").env_remove("RUST_BACKTRACE");
    command
}

fn millstream(args: &[&str]) -> Ran {
    run(&mut tool("millstream", args), "")
}

/// A copy of one of our programs, made by another process: no child of this one holds it open.
fn copy_of(name: &str, dir: &Path) -> PathBuf {
    let copy = dir.join(name);
    let copied = Command::new("cp").arg(bin(name)).arg(&copy).status().unwrap();
    assert!(copied.success());
    copy
}

#[test]
fn every_tool_runs_by_each_of_its_names() {
    for name in cmd::tools().iter().filter(|tool| tool.is_named()).map(millstream::cli::Tool::name)
    {
        let expected = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        let prefixed = format!("ms-{name}");
        let dir = links(&[name, &prefixed]);
        for mut command in [
            tool(name, &["--version"]),
            tool("millstream", &[name, "--version"]),
            linked(&dir.path().join(name), &["--version"]),
            linked(&dir.path().join(&prefixed), &["--version"]),
        ] {
            let ran = run(&mut command, "");
            assert_eq!((ran.status, ran.stdout.as_str()), (0, expected.as_str()), "{command:?}");
        }
    }
}

#[test]
fn a_subcommand_does_what_the_tool_does() {
    let input = "{\"a\":1}\n{\"a\":2}\n";
    let alone = run(&mut tool("filter", &[".a == 2"]), input);
    let below = run(&mut tool("millstream", &["filter", ".a == 2"]), input);
    assert_eq!((below.status, &below.stdout), (0, &"{\"a\":2}\n".to_owned()));
    assert_eq!((alone.status, alone.stdout), (below.status, below.stdout));
    // An argument that reads like another tool is an argument.
    let ran = run(&mut tool("filter", &["map"]), input);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.starts_with("filter: "), "{ran:?}");
}

#[test]
fn messages_name_the_tool_and_usage_what_was_typed() {
    let dir = links(&["ms-filter", "ms-log-admin"]);
    let at = |name: &str| dir.path().join(name);
    for (mut command, tool, typed) in [
        (tool("filter", &["--nope"]), "filter", "filter"),
        (tool("millstream", &["filter", "--nope"]), "filter", "millstream filter"),
        (linked(&at("ms-filter"), &["--nope"]), "filter", "ms-filter"),
        (tool("millstream", &["log-admin", "create"]), "log-admin", "millstream log-admin create"),
        (linked(&at("ms-log-admin"), &["create"]), "log-admin", "ms-log-admin create"),
    ] {
        let ran = run(&mut command, "");
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("{tool}: ")), "{ran:?}");
        assert!(ran.stderr.ends_with(&format!("; see '{typed} --help'\n")), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        let words: Vec<&str> = typed.split(' ').skip(1).chain(["--help"]).collect();
        let mut command = Command::new(command.get_program());
        let help = run(command.args(words), "");
        assert!(help.stdout.contains(&format!("\nUsage: {typed} ")), "{help:?}");
    }
    let bad = run(&mut tool("millstream", &["filter", ".a"]), "x\n");
    assert_eq!(bad.status, 65);
    assert!(bad.stderr.starts_with("filter: stdin:1: "), "{bad:?}");
}

#[test]
fn help_lists_the_tools_and_shows_theirs() {
    for args in [&["--help"][..], &["-h"], &["help"]] {
        let ran = millstream(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
        for tool in cmd::tools() {
            let about = tool.command().get_about().unwrap().to_string();
            // Wherever lines end.
            let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(&format!(" {} {about} ", tool.name())), "{}", ran.stdout);
        }
    }
    for words in [&["filter"][..], &["log-admin"], &["log-admin", "stats"]] {
        let by_help = millstream(&[&["help"], words].concat());
        let by_option = millstream(&[words, &["--help"]].concat());
        assert_eq!(by_help.status, 0, "{by_help:?}");
        assert!(by_help.stdout.contains("Exit status:"), "{by_help:?}");
        assert_eq!(by_help.stdout, by_option.stdout);
    }
    let version = format!("millstream {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(millstream(&["--version"]).stdout, version);
}

#[test]
fn a_tool_that_does_not_exist_is_refused_with_a_suggestion() {
    for args in [&["filtre", ".a"][..], &["help", "filtre"]] {
        let ran = millstream(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("millstream: "), "{ran:?}");
        assert!(ran.stderr.contains("'filtre'"), "{ran:?}");
        assert!(ran.stderr.contains("'filter'"), "{ran:?}");
        assert!(ran.stderr.contains("--help'"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    let none = millstream(&[]);
    assert_eq!((none.status, none.stdout.as_str()), (2, ""), "{none:?}");
    assert!(none.stderr.contains("log-admin"), "{none:?}");
}

#[test]
fn a_process_has_the_name_of_its_tool() {
    let dir = links(&["ms-filter"]);
    for mut command in [
        tool("filter", &["."]),
        tool("millstream", &["filter", "."]),
        linked(&dir.path().join("ms-filter"), &["."]),
    ] {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let child = Guard(child);
        let comm = format!("/proc/{}/comm", child.0.id());
        wait_for("the name", || (fs::read_to_string(&comm).unwrap() == "filter\n").then_some(()));
    }
}

#[test]
fn a_name_without_the_program_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let filter = copy_of("filter", dir.path());
    let alone = |path: &Path| {
        let mut command = Command::new(&filter);
        run(command.arg(".a").env("PATH", path), "{\"a\":1}\n")
    };
    let ran = alone(dir.path());
    assert_eq!((ran.status, ran.stdout.as_str()), (74, ""), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "filter: millstream: No such file or directory (os error 2); it does the work of filter: \
         install it in the same directory, or in one of the PATH\n"
    );
    // That of the PATH will do.
    let ran = alone(links(&["millstream"]).path());
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "{\"a\":1}\n"), "{ran:?}");
    // The one beside it comes first; it is told if it cannot be run.
    let program = dir.path().join("millstream");
    fs::write(&program, "").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = alone(links(&["millstream"]).path());
    assert_eq!(ran.status, 77, "{ran:?}");
    assert!(ran.stderr.contains("millstream: Permission denied (os error 13); "), "{ran:?}");
}

#[test]
fn a_link_to_a_name_finds_the_program_beside_what_it_leads_to() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("anything");
    symlink(bin("filter"), &link).unwrap();
    let ran = run(Command::new(link).arg(".a").env("PATH", ""), "{\"a\":1}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "{\"a\":1}\n"), "{ran:?}");
}

/// Rust's runtime opens /dev/null for what is closed; then the tool could not tell.
#[test]
fn closed_descriptors_stay_closed_on_the_way_to_the_program() {
    for (close, what) in [("<&-", "stdin: "), (">&-", "standard output: ")] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$0\" .a {close}")]).arg(bin("filter"));
        let ran = run(&mut command, "{\"a\":1}\n");
        assert_eq!(ran.status, 74, "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("filter: {what}it is closed")), "{ran:?}");
    }
}

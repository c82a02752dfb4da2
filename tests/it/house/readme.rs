//! README and pages are true: every `console` block of a page is run, in one bash session from top
//! to bottom, and must print what the page shows. `…` in a page stands for any string in a line.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{bin, wait_for};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A command of a page, and the output that the page shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    line: usize,
    pub command: String,
    pub output: Vec<String>,
}

/// The commands in the `console` blocks of a text: lines that begin with `$ `, with the lines that
/// continue them behind a backslash.
pub fn shown(markdown: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(markdown.lines()) {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if !inside {
            continue;
        } else if let Some(command) = text.strip_prefix("$ ") {
            shown.push(Shown { line, command: command.to_owned(), output: Vec::new() });
        } else {
            let last = shown.last_mut().expect("a console block begins with a command");
            if last.command.ends_with('\\') && last.output.is_empty() {
                last.command = format!("{}\n{text}", last.command);
            } else {
                last.output.push(text.to_owned());
            }
        }
    }
    shown
}

/// One bash script that runs the commands in order, marking in its output where each ends. The
/// status of a command is what the next one sees.
fn script(shown: &[Shown]) -> String {
    let commands: Vec<String> = shown
        .iter()
        .map(|shown| format!("{}\nstatus=$?; printf '\\036'; (exit $status)\n", shown.command))
        .collect();
    format!("exec 2>&1\ntrap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n{}", commands.concat())
}

/// A running session; should it hang, all of its processes end with the test.
struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        if let (Ok(None), Ok(group)) = (self.0.try_wait(), i32::try_from(self.0.id())) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

/// Runs commands in `dir` and gives their output, with a mark after each.
pub fn run(shown: &[Shown], dir: &Path) -> String {
    let output = dir.join("output");
    let programs = bin("produce").parent().expect("a directory").to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let child = Command::new("bash")
        .args(["--norc", "-c", &script(shown)])
        .current_dir(dir)
        .env("PATH", path)
        .env("HOME", dir)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("MILLSTREAM_DIR")
        .env_remove("XDG_DATA_HOME")
        .stdin(Stdio::null())
        .stdout(File::create(&output).unwrap())
        .process_group(0)
        .spawn()
        .expect("bash runs");
    let mut session = Session(child);
    // A page has many commands, and a busy machine needs its time for each of them.
    for (number, command) in (1..).zip(shown) {
        wait_for(&command.command, || {
            let marks = fs::read(&output).unwrap().iter().filter(|byte| **byte == 0x1e).count();
            (marks >= number || session.0.try_wait().unwrap().is_some()).then_some(())
        });
    }
    wait_for("the end of the session", || session.0.try_wait().unwrap());
    fs::read_to_string(output).unwrap()
}

/// Whether a line is as a page shows it.
pub fn agrees(line: &str, shown: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// Runs the commands of a page, which has `count_min` of them or more, and compares the output.
#[track_caller]
fn replay(page: &str, count_min: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shown = shown(&fs::read_to_string(root.join(page)).unwrap());
    assert!(shown.len() >= count_min, "{page} has only {} commands", shown.len());
    let dir = tempfile::tempdir().unwrap();
    symlink(root.join("examples"), dir.path().join("examples")).unwrap();
    let output = run(&shown, dir.path());
    let parts: Vec<&str> = output.split('\x1e').collect();
    assert_eq!(parts.len(), shown.len() + 1, "the session of {page} broke off:\n{output}");
    let mut wrong = String::new();
    for (shown, part) in shown.iter().zip(parts) {
        if shown.command.contains("| nc ") && part.contains("nc: command not found") {
            eprintln!("{page}:{}: left out, nc is not installed", shown.line);
            continue;
        }
        let lines: Vec<&str> = part.lines().collect();
        let same = lines.len() == shown.output.len()
            && lines.iter().zip(&shown.output).all(|(line, shown)| agrees(line, shown));
        if !same {
            wrong += &format!("{page}:{}: $ {}\n{part}\n", shown.line, shown.command);
        }
    }
    assert!(wrong.is_empty(), "these commands now print something else:\n{wrong}");
}

#[test]
fn the_readme_shows_what_comes_out() {
    replay("README.md", 11);
}

#[test]
fn the_pages_show_what_comes_out() {
    replay("docs/PIPE.md", 10);
    replay("docs/EXPRESSIONS.md", 7);
    replay("docs/FORMAT.md", 7);
    replay("docs/INGEST.md", 6);
    replay("docs/WINDOWS.md", 5);
}

#[test]
fn commands_and_their_output_are_told_apart() {
    let text = "```console\n$ a \\\n  | b\nout\n\n$ c\n```\n```sh\n$ d\n```\n";
    let expected = [
        Shown { line: 2, command: "a \\\n  | b".into(), output: vec!["out".into(), "".into()] },
        Shown { line: 6, command: "c".into(), output: vec![] },
    ];
    assert_eq!(shown(text), expected);
}

#[test]
fn dots_stand_for_any_text() {
    for (line, shown) in [("abc", "abc"), ("abc", "a…"), ("abc", "…c"), ("abcbd", "a…b…d")]
    {
        assert!(agrees(line, shown), "{line} {shown}");
    }
    for (line, shown) in [("abc", "ab"), ("abc", "b…"), ("abc", "a…d"), ("abc", "…b"), ("", "a")]
    {
        assert!(!agrees(line, shown), "{line} {shown}");
    }
}

#[test]
fn a_session_keeps_its_state_and_shows_errors() {
    let session = "```console\n$ x=1; false\n$ echo $? $x\n1 1\n$ nosuch\n…not found\n```\n";
    let dir = tempfile::tempdir().unwrap();
    let output = run(&shown(session), dir.path());
    let parts: Vec<&str> = output.split('\x1e').collect();
    assert_eq!((parts[0], parts[1]), ("", "1 1\n"));
    assert!(parts[2].ends_with("not found\n"), "{}", parts[2]);
}

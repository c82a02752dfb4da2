//! The house rules, held by a test: which room may know which, what pure rooms do without, and what
//! never stands in our code. A broken rule is reported with its place and what to do about it.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use std::fs;

use source::{Source, root, sources, tracked};

/// Which rooms each room may know (ARCHITECTURE.md). A room that is not listed
/// here does not exist.
const ARROWS: [(&str, &[&str]); 23] = [
    ("lib.rs", &[]),
    ("bin", &["cmd", "cli"]),
    (
        "cmd",
        &[
            "cli",
            "tui",
            "serve",
            "broker",
            "ingest",
            "store",
            "wire",
            "log",
            "api",
            "operator",
            "merge",
            "fields",
            "layout",
            "window",
            "aggregate",
            "expr",
            "time",
            "record",
            "sys",
        ],
    ),
    (
        "cli",
        &[
            "ingest",
            "wire",
            "log",
            "api",
            "operator",
            "merge",
            "layout",
            "window",
            "aggregate",
            "expr",
            "time",
            "record",
            "sys",
        ],
    ),
    ("tui", &["fields", "layout", "record"]),
    ("serve", &["broker", "wire", "log", "api", "record", "sys"]),
    ("store", &["broker", "wire", "log", "api", "time", "sys"]),
    ("broker", &["log", "api", "record", "sys"]),
    ("ingest", &["expr", "time", "record"]),
    ("wire", &["api", "time", "record", "sys"]),
    ("log", &["api", "expr", "time", "record", "state", "sys"]),
    ("api", &[]),
    ("layout", &["expr", "time", "record", "state"]),
    ("operator", &["layout", "aggregate", "window", "expr", "time", "record", "state"]),
    ("window", &["expr", "time", "record", "state"]),
    ("merge", &["time"]),
    ("fields", &["aggregate", "expr", "record"]),
    ("aggregate", &["layout", "window", "expr", "time", "record", "state"]),
    ("expr", &["record", "state"]),
    ("time", &["record", "state"]),
    ("record", &[]),
    ("state", &[]),
    ("sys", &[]),
];

/// The one file that may know every room: the table from errors to exit statuses.
const KNOWS_ALL_ERRORS: &str = "src/cli/status.rs";

/// The one file of `bin` that is not a main: what all names of tools do. It does not link the
/// library, and so has no `cli` to write to stderr for it.
const STUB: &str = "src/bin/stub/mod.rs";

/// What is pure: it works on bytes and numbers only, so that tests and replays can trust it.
const PURE: [&str; 15] = [
    "src/api/",
    "src/record/",
    "src/state/",
    "src/time/",
    "src/expr/",
    "src/window/",
    "src/merge/",
    "src/aggregate/",
    "src/operator/",
    "src/layout/",
    "src/fields/",
    "src/ingest/",
    "src/tui/",
    "src/wire/frame.rs",
    "src/log/segment/format.rs",
];

/// What pure code does without: files, sockets, processes, environment, clocks, the kernel.
const WORLDLY: [&str; 5] = ["std::fs", "std::net", "std::os", "std::env", "std::process"];

/// What speaks to the kernel beside the standard library: named in `src/sys/`, so that one room has
/// all that needs a look when the system or one of these crates changes.
const OF_THE_KERNEL: [&str; 5] = ["nix", "rustix", "libc", "listenfd", "signal_hook"];

/// Files outside of `src/sys/` that may name one of these, each with its reason.
const NAMES_THE_KERNEL: [(&str, &str); 5] = [
    (STUB, "it does not link the library"),
    ("src/cli/signals.rs", "signals are part of how a tool ends, which is all that cli decides"),
    ("src/cli/status.rs", "the same: a tool that a signal ended says so to its parent"),
    ("src/cli/inherited.rs", "one call of a crate for one purpose, which gives a plain socket"),
    ("src/expr/meter.rs", "the one reading of a clock in a pure room, which knows no other room"),
];

/// Pure files that ask the kernel for something all the same, each with the reason why their
/// results do not depend on it.
const ASKS_THE_KERNEL: [(&str, &str); 1] = [(
    "src/expr/meter.rs",
    "the thread's CPU time ends an evaluation that takes too long; no value depends on it",
)];

/// Files that may be longer than [`LINES_MAX`], each with its reason.
const LONG: [(&str, &str); 0] = [];

/// Files that may say `unsafe`, each with its reason.
const UNSAFE: [(&str, &str); 5] = [
    (
        STUB,
        "a main without the runtime, which would hide closed descriptors, and execv with its arguments",
    ),
    (
        "src/cli/closed.rs",
        "an attribute: what the runtime hides before main is looked at before the runtime",
    ),
    (
        "src/record/scan/avx2.rs",
        "intrinsics: loads of whole registers, and a call behind a check of the processor",
    ),
    ("src/record/scan/avx512.rs", "the same, and stores of whole registers"),
    ("src/record/scan/neon.rs", "a call of what is compiled for registers that are always there"),
];

/// The one file that asks what time it is, so that one place says what a time is that is set.
const READS_THE_CLOCK: &str = "src/sys/clock.rs";

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;
const MAIN_LINES_MAX: usize = 12;

/// The rules that were broken, one a line.
#[derive(Default)]
struct Broken(Vec<String>);

impl Broken {
    fn say(&mut self, path: &str, line: usize, what: &str, remedy: &str) {
        self.0.push(format!("{path}:{line}: {what}; {remedy}"));
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "house rules broken:\n{}\n", self.0.join("\n"));
    }
}

/// Holds all of src/ against one rule.
#[track_caller]
fn hold(rule: fn(&Source, &mut Broken)) {
    let mut broken = Broken::default();
    let sources = sources();
    assert!(sources.len() > 10, "src/ was not found");
    for source in &sources {
        rule(source, &mut broken);
    }
    broken.none();
}

fn knows_only_rooms_below(source: &Source, broken: &mut Broken) {
    let room = source.room();
    let Some((_, below)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        let remedy = "give the room its place in ARCHITECTURE.md and in ARROWS of tests/tidy.rs";
        return broken.say(&source.path, 1, &format!("'{room}' is no room"), remedy);
    };
    for (line, path) in source.paths() {
        let mut parts = path.split("::").peekable();
        let supers = parts.clone().take_while(|part| *part == "super").count();
        let named = match parts.next() {
            Some("crate" | "millstream") => parts.next(),
            Some("super") if supers >= source.depth() => parts.nth(supers - 1),
            _ => None,
        };
        let Some(named) = named.filter(|named| ARROWS.iter().any(|(name, _)| name == named)) else {
            continue;
        };
        if named != room && !below.contains(&named) && source.path != KNOWS_ALL_ERRORS {
            let what = format!("{room} may not know {named} ({path})");
            let remedy = "dependencies run one way (ARCHITECTURE.md): move the code to the room \
                          that needs it, or let cmd or serve join the two";
            broken.say(&source.path, line, &what, remedy);
        }
    }
}

fn pure_rooms_are_pure(source: &Source, broken: &mut Broken) {
    if !PURE.iter().any(|pure| source.path.starts_with(pure))
        || ASKS_THE_KERNEL.iter().any(|(path, _)| *path == source.path)
    {
        return;
    }
    for (line, path) in source.paths() {
        if is_of(&path, &WORLDLY) || is_of(&path, &OF_THE_KERNEL) || path.ends_with("::now") {
            let remedy = "this room is pure: let the caller pass in what it needs";
            broken.say(&source.path, line, &format!("'{path}' in a pure room"), remedy);
        }
    }
}

/// Whether a path begins with one of these.
fn is_of(path: &str, roots: &[&str]) -> bool {
    roots.iter().any(|root| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

fn only_sys_speaks_to_the_kernel(source: &Source, broken: &mut Broken) {
    let may = NAMES_THE_KERNEL.iter().any(|(path, _)| *path == source.path);
    if source.room() == "sys" || may {
        return;
    }
    for (line, path) in source.paths() {
        if path.contains("::") && is_of(&path, &OF_THE_KERNEL) {
            let remedy = "call a function of src/sys, or put one there: small, with plain types";
            broken.say(&source.path, line, &format!("'{path}' outside sys"), remedy);
        }
    }
}

fn one_file_reads_the_clock(source: &Source, broken: &mut Broken) {
    for line in source.lines_with("SystemTime::now") {
        if source.path != READS_THE_CLOCK {
            let remedy = "call sys::clock, or let the caller pass in the time";
            broken.say(&source.path, line, "'SystemTime::now'", remedy);
        }
    }
}

fn only_cli_speaks_to_the_user(source: &Source, broken: &mut Broken) {
    if source.room() == "cli" || source.path == STUB {
        return;
    }
    for word in ["println!", "print!", "eprintln!", "eprint!"] {
        for line in source.lines_with(word) {
            // `print!` stands in `println!` and `eprint!` too: report the word that is there.
            if !is_whole(&source.code, line, word) {
                continue;
            }
            let remedy = "write through cli::output or cli::message, which know about closed pipes";
            broken.say(&source.path, line, &format!("'{word}' outside cli"), remedy);
        }
    }
    let mains = source.room() == "bin";
    for (line, path) in source.paths() {
        let ends = ["stderr", "process::exit", "process::abort"];
        let of_cli = ends.iter().any(|end| path.ends_with(&format!("::{end}")))
            || ["signal_hook", "nix::sys::signal"].iter().any(|root| path.starts_with(root))
            || (path.ends_with("::ExitCode") && !mains);
        if of_cli {
            let remedy = "stderr, signals and exit statuses belong to cli: return an error or a \
                          Status, or take what you need as an argument";
            broken.say(&source.path, line, &format!("'{path}' outside cli"), remedy);
        }
    }
}

/// Whether `word` stands on that line with no letter before it.
fn is_whole(code: &str, line: usize, word: &str) -> bool {
    let text = code.lines().nth(line - 1).unwrap_or_default();
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphabetic))
}

fn nothing_panics(source: &Source, broken: &mut Broken) {
    let words = [".unwrap()", "panic!", "todo!", "unimplemented!", "unreachable!", "dbg!"];
    let mut found: Vec<(usize, &str)> = words
        .iter()
        .flat_map(|word| source.lines_with(word).into_iter().map(move |line| (line, *word)))
        .collect();
    for line in source.lines_with(".expect(") {
        // A parser's own `self.expect(…)` is another method.
        if !source.code.lines().nth(line - 1).is_some_and(|text| text.contains("self.expect(")) {
            found.push((line, ".expect("));
        }
    }
    for (line, word) in found {
        let remedy = "return an error with its cause: no input, failed call or peer may end us";
        broken.say(&source.path, line, &format!("'{word}' outside tests"), remedy);
    }
    for line in source.lines_with("unsafe") {
        if !UNSAFE.iter().any(|(path, _)| *path == source.path) {
            let remedy = "find a safe way, or list the file with its reason in tests/tidy.rs";
            broken.say(&source.path, line, "'unsafe'", remedy);
        }
    }
}

fn files_are_in_form(source: &Source, broken: &mut Broken) {
    let path = &source.path;
    let lines = source.lines().count();
    if lines > LINES_MAX && !LONG.iter().any(|(long, _)| long == path) {
        let what = format!("{lines} lines without tests, more than {LINES_MAX}");
        let remedy = "see whether it holds two ideas; if not, list it in tests/tidy.rs with why";
        broken.say(path, LINES_MAX, &what, remedy);
    }
    if source.room() == "bin" && source.path != STUB && lines > MAIN_LINES_MAX {
        let remedy = "a main only enters: options and logic go to src/cmd";
        broken.say(path, lines, &format!("a main of {lines} lines"), remedy);
    }
    if !source.text.starts_with("//! ") {
        broken.say(path, 1, "no '//!' at its head", "say in one sentence what the file is for");
    }
    let help = source.code.contains("#[arg(") || source.code.contains("#[command(");
    for ((line, text), code) in source.lines().zip(source.code.lines()) {
        if text.chars().count() > COLUMNS_MAX && !is_message(text.trim(), code.trim(), help) {
            broken.say(path, line, &format!("more than {COLUMNS_MAX} columns"), "wrap the line");
        }
    }
}

/// Whether a line is a text for the user, which stays in one piece: an error's message, a line of
/// a text that runs over several, and an option's help, which clap takes from the doc comment as it
/// is. `code` is the line without comments and texts.
fn is_message(line: &str, code: &str, help: bool) -> bool {
    let only_text = code.chars().all(|c| "\",;) ".contains(c)) && !line.starts_with("//");
    only_text || line.starts_with("#[error(") || help && line.starts_with("/// ")
}

fn nothing_is_left_for_later(source: &Source, broken: &mut Broken) {
    for (line, text) in source.lines() {
        let comment = text.split_once("//").map_or("", |(_, comment)| comment);
        for word in ["TODO", "FIXME", "XXX", "for now", "For now"] {
            let whole = |(at, _): (usize, &str)| {
                let letter = |c: char| c.is_alphanumeric();
                !comment[..at].ends_with(letter) && !comment[at + word.len()..].starts_with(letter)
            };
            if comment.match_indices(word).any(whole) {
                let remedy = "do it now, or file an issue and say what is, not what will be";
                broken.say(&source.path, line, &format!("'{word}' in a comment"), remedy);
            }
        }
    }
}

/// Scripts say what they are for; no file speaks of one machine.
fn project_file(path: &str, text: &str, broken: &mut Broken) {
    let head: Vec<&str> = text.lines().take(2).collect();
    if let [first, second] = head[..]
        && first.starts_with("#!")
        && !path.ends_with(".rs")
    {
        if !(second.starts_with("# ") || second.starts_with("\"\"\"")) {
            broken.say(path, 2, "no comment", "say below the first line what the script is for");
        }
        if first.ends_with("sh") && !text.contains("\nset -euo pipefail\n") {
            broken.say(path, 1, "no 'set -euo pipefail'", "a failed step must end the script");
        }
    }
    // In pieces, so that this file keeps its own rule.
    let machine = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/Use", "rs/"]];
    let registry = [["index-", "url"], ["replace-", "with"], ["find-", "links"]];
    for (line, text) in (1..).zip(text.lines()) {
        for word in machine.iter().chain(&registry).map(|parts| parts.concat()) {
            let at_word = text.match_indices(&word).any(|(at, _)| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$".contains(c))
            });
            if at_word {
                let remedy = "name places from the package's root, and no registry at all";
                broken.say(path, line, &format!("'{word}' is a place of one machine"), remedy);
            }
        }
        if path == "Cargo.lock"
            && text.starts_with("source = ")
            && !text.contains("registry+https://github.com/rust-lang/crates.io-index")
        {
            broken.say(path, line, "not from crates.io", "depend on published crates");
        }
    }
}

/// Pages point only at files that are there: in links, and where they name a path in code.
fn page_points_at_files(path: &str, text: &str, broken: &mut Broken) {
    let dir = root().join(path);
    let dir = dir.parent().unwrap_or(root());
    for (line, text) in (1..).zip(text.lines()) {
        let links = text.match_indices("](").filter_map(|(at, _)| {
            let target = text[at + 2..].split([')', '#']).next()?;
            let here = !target.is_empty() && !target.contains("://");
            here.then(|| (target, dir.join(target)))
        });
        let named = text.split('`').skip(1).step_by(2).filter_map(|code| {
            let ours = ["src/", "tests/", "scripts/", "docs/", "examples/"];
            let fixed = ours.iter().any(|dir| code.starts_with(dir))
                && !code.contains([' ', '*'])
                && !code.contains(|c: char| c.is_ascii_uppercase() && !path_of_page(code));
            fixed.then(|| (code, root().join(code)))
        });
        for (target, file) in links.chain(named) {
            if !file.exists() {
                let what = format!("'{target}' is not there");
                broken.say(path, line, &what, "keep the page true to the tree");
            }
        }
    }
}

/// Whether capitals in a path are part of a page's name, and not words to be filled in.
fn path_of_page(path: &str) -> bool {
    path.ends_with(".md")
}

/// Every path that a list of this test names must exist: a rule about a file that moved would
/// guard nothing.
#[test]
fn lists_name_files_that_exist() {
    let rooms = ARROWS.iter().map(|(room, _)| format!("src/{room}"));
    let with_reasons = LONG.iter().chain(&UNSAFE).chain(&ASKS_THE_KERNEL).chain(&NAMES_THE_KERNEL);
    let circles = circles::CIRCLES.iter().flat_map(|(files, _)| *files);
    let single = [KNOWS_ALL_ERRORS, STUB, READS_THE_CLOCK];
    let named = PURE
        .iter()
        .chain(&single)
        .copied()
        .chain(with_reasons.map(|(path, _)| *path))
        .chain(circles.copied());
    let missing: Vec<String> =
        rooms.chain(named.map(str::to_owned)).filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "tests/tidy.rs lists what does not exist: {missing:?}");
}

#[test]
fn files_form_no_new_circles() {
    let imports = circles::imports(&sources());
    let found = circles::circles(&imports);
    let listed = circles::CIRCLES.map(|(files, _)| files.to_vec());
    let mut broken = Broken::default();
    for circle in found.iter().filter(|circle| !listed.contains(circle)) {
        for file in circle {
            let others = imports[*file].iter().filter(|other| circle.contains(&other.as_str()));
            let what = format!(
                "part of a circle: imports {}",
                others.cloned().collect::<Vec<_>>().join(", ")
            );
            let remedy = "move what both sides need into a file that imports neither";
            broken.say(file, 1, &what, remedy);
        }
    }
    for circle in listed.iter().filter(|circle| !found.contains(*circle)) {
        let what = format!("the circle {} is open now, or has changed", circle.join(", "));
        broken.say("tests/tidy/circles.rs", 1, &what, "bring the list of circles up to date");
    }
    broken.none();
}

#[test]
fn pages_point_at_files_that_are_there() {
    let mut broken = Broken::default();
    for path in tracked().iter().filter(|path| path.ends_with(".md")) {
        page_points_at_files(path, &fs::read_to_string(root().join(path)).unwrap(), &mut broken);
    }
    broken.none();
}

fn users_read_plain_words(source: &Source, broken: &mut Broken) {
    for (line, word, instead) in words::in_strings(source) {
        broken.say(&source.path, line, &format!("'{word}' in a string"), &use_instead(instead));
    }
}

fn use_instead(words: &str) -> String {
    format!("write {words} (docs/GLOSSARY.md; the list is in tests/tidy/words.rs)")
}

#[test]
fn messages_have_plain_words() {
    hold(users_read_plain_words);
}

#[test]
fn help_and_pages_have_plain_words() {
    let mut broken = Broken::default();
    for path in tracked().iter().filter(|path| words::is_page(path)) {
        let text = fs::read_to_string(root().join(path)).unwrap();
        for (line, word, instead) in words::found(&text, 1) {
            broken.say(path, line, &format!("'{word}'"), &use_instead(instead));
        }
    }
    broken.none();
}

#[test]
fn dependencies_run_one_way() {
    hold(knows_only_rooms_below);
}

#[test]
fn pure_rooms_know_nothing_of_the_world() {
    hold(pure_rooms_are_pure);
}

#[test]
fn only_sys_names_the_crates_that_speak_to_the_kernel() {
    hold(only_sys_speaks_to_the_kernel);
}

#[test]
fn only_one_file_asks_what_time_it_is() {
    hold(one_file_reads_the_clock);
}

#[test]
fn only_cli_touches_stderr_signals_and_exit_statuses() {
    hold(only_cli_speaks_to_the_user);
}

#[test]
fn no_code_panics_by_itself_or_is_unsafe() {
    hold(nothing_panics);
}

#[test]
fn files_keep_to_the_form() {
    hold(files_are_in_form);
}

#[test]
fn comments_promise_nothing() {
    hold(nothing_is_left_for_later);
}

#[test]
fn the_project_is_not_tied_to_a_machine_and_scripts_say_what_they_are_for() {
    let mut broken = Broken::default();
    let files = tracked();
    assert!(files.iter().any(|path| path == "Cargo.lock"));
    for path in files {
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            project_file(&path, &text, &mut broken);
        }
    }
    broken.none();
}

/// Each rule finds what it is there to find, in its place, and nothing in decent code.
mod rules {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&Source, &mut Broken), path: &str, text: &str, expected: &[(usize, &str)]) {
        let mut broken = Broken::default();
        rule(&Source::new(path, text), &mut broken);
        assert_eq!(broken.0.len(), expected.len(), "{:?}", broken.0);
        for (found, (line, what)) in broken.0.iter().zip(expected) {
            assert!(found.starts_with(&format!("{path}:{line}: {what}")), "{found}");
        }
    }

    #[test]
    fn arrows_are_found_however_they_are_written() {
        let rule = knows_only_rooms_below;
        check(rule, "src/log/mod.rs", "use crate::record::lines;\nuse crate::expr;\n", &[]);
        check(rule, "src/log/a.rs", "use crate::wire::frame;\n", &[(1, "log may not know wire")]);
        check(rule, "src/log/a.rs", "//! See [`crate::wire`].\n// crate::wire\n", &[]);
        check(
            rule,
            "src/log/a.rs",
            "\nfn f() { crate::cli::enter(x) }\n",
            &[(2, "log may not know cli")],
        );
        let grouped = "use crate::{\n    record::{self, text},\n    serve::{a, b},\n};\n";
        let twice = [(3, "log may not know serve"), (3, "log may not know serve")];
        check(rule, "src/log/a.rs", grouped, &twice);
        check(rule, "src/log/a.rs", "use super::super::wire;\n", &[(1, "log may not know wire")]);
        check(rule, "src/log/a.rs", "use super::wire;\n", &[]);
        check(rule, "src/log/mod.rs", "use super::wire;\n", &[(1, "log may not know wire")]);
        check(rule, "src/log/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::cmd;\n}\n", &[]);
        check(rule, "src/bin/a.rs", "use millstream::log;\n", &[(1, "bin may not know log")]);
        check(rule, "src/cli/status.rs", "use crate::serve::ServeError;\n", &[]);
        check(rule, "src/attic/a.rs", "\n", &[(1, "'attic' is no room")]);
    }

    #[test]
    fn the_world_is_kept_out_of_pure_rooms() {
        let rule = pure_rooms_are_pure;
        check(rule, "src/time/a.rs", "use std::{fmt, fs::File};\n", &[(1, "'std::fs::File'")]);
        check(rule, "src/time/a.rs", "\nlet t = Instant::now();\n", &[(2, "'Instant::now'")]);
        check(rule, "src/wire/frame.rs", "use nix::poll;\n", &[(1, "'nix::poll'")]);
        check(rule, "src/wire/client.rs", "use nix::poll;\n", &[]);
        check(rule, "src/expr/a.rs", "use rustix::time;\n", &[(1, "'rustix::time'")]);
        check(rule, "src/expr/meter.rs", "use rustix::time;\n", &[]);
        check(rule, "src/record/a.rs", "use std::fsx;\nlet s = \"std::fs\"; // std::net\n", &[]);
    }

    #[test]
    fn speaking_to_the_kernel_is_found() {
        let rule = only_sys_speaks_to_the_kernel;
        check(rule, "src/log/a.rs", "use nix::poll;\n", &[(1, "'nix::poll' outside sys")]);
        check(rule, "src/log/a.rs", "\nrustix::io::read(x)\n", &[(2, "'rustix::io::read'")]);
        check(rule, "src/sys/a.rs", "use nix::poll;\n", &[]);
        check(rule, "src/cli/signals.rs", "use signal_hook::flag;\n", &[]);
        check(rule, "src/log/a.rs", "let nix = 1; // nix::poll\n", &[]);
    }

    #[test]
    fn speaking_to_the_user_is_found() {
        let rule = only_cli_speaks_to_the_user;
        check(rule, "src/cmd/a.rs", "fn f() {\n    println!(\"x\");\n}\n", &[(2, "'println!'")]);
        check(rule, "src/log/a.rs", "eprint!(\"\")\n", &[(1, "'eprint!'")]);
        check(rule, "src/log/a.rs", "std::process::exit(1)\n", &[(1, "'std::process::exit'")]);
        check(rule, "src/log/a.rs", "use std::io::stderr;\n", &[(1, "'std::io::stderr'")]);
        check(rule, "src/bin/a.rs", "fn main() -> std::process::ExitCode {}\n", &[]);
        check(
            rule,
            "src/cmd/a.rs",
            "fn f() -> std::process::ExitCode {}\n",
            &[(1, "'std::process")],
        );
        check(rule, "src/cli/a.rs", "eprintln!(\"x\")\n", &[]);
    }

    #[test]
    fn panics_are_found_in_code_only() {
        let rule = nothing_panics;
        check(rule, "src/a/b.rs", "x\n    .unwrap()\n", &[(2, "'.unwrap()'")]);
        check(rule, "src/a/b.rs", "x.expect(\"y\")\n", &[(1, "'.expect('")]);
        check(rule, "src/a/b.rs", "self.expect(b'x')?;\nx.unwrap_or(1)\n", &[]);
        check(rule, "src/a/b.rs", "/// May `panic!`.\nlet a = \"dbg!\"; // todo!\n", &[]);
        check(
            rule,
            "src/a/b.rs",
            "let a = r#\"\" panic! \"#;\n/* todo! */ '\"'; dbg!(1)\n",
            &[(2, "'dbg!'")],
        );
        check(rule, "src/a/b.rs", "let a = b\"\\\"\"; unreachable!()\n", &[(1, "'unreachable!'")]);
        check(rule, "src/a/b.rs", "fn f<'a>(x: &'a str) { '\\''; panic!() }\n", &[(1, "'panic!'")]);
        check(rule, "src/a/b.rs", "#[cfg(test)]\nmod tests {\n    x.unwrap();\n}\n", &[]);
        check(rule, "src/a/b.rs", "unsafe { x }\n", &[(1, "'unsafe'")]);
    }

    #[test]
    fn form_is_checked() {
        let rule = files_are_in_form;
        check(rule, "src/a/b.rs", "use a;\n", &[(1, "no '//!'")]);
        let long = format!("//! Long.\n{}", "\n".repeat(500));
        check(rule, "src/a/b.rs", &long, &[(500, "501 lines")]);
        check(rule, "src/bin/b.rs", &long[..22], &[(13, "a main of 13 lines")]);
        let tests =
            format!("//! Tested.\n#[cfg(test)]\npub(crate) mod tests {{{}}}", "\n".repeat(600));
        check(rule, "src/a/b.rs", &tests, &[]);
        let wide = format!("//! Wide.\n    /// {}\n", "x".repeat(100));
        check(rule, "src/a/b.rs", &wide, &[(2, "more than 100 columns")]);
        check(rule, "src/a/b.rs", &format!("{wide}    #[arg(long)]\n"), &[]);
        let message = format!("//! Wide.\n    #[error(\"{}\")]\n", "x".repeat(100));
        check(rule, "src/a/b.rs", &message, &[]);
        let text = format!("//! Wide.\nconst A: &str = \"\\\n{0}\n  {0}\";\n", "x".repeat(101));
        check(rule, "src/a/b.rs", &text, &[]);
        let code = format!("//! Wide.\nlet a = {};\n", "x".repeat(101));
        check(rule, "src/a/b.rs", &code, &[(2, "more than 100 columns")]);
    }

    #[test]
    fn code_behind_a_test_module_in_a_file_of_its_own_is_checked() {
        let text = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod crash;\nx.unwrap()\n";
        check(nothing_panics, "src/log/mod.rs", text, &[(5, "'.unwrap()'")]);
        let modules = |path: &str| source::test_modules(&Source::new(path, text));
        assert_eq!(modules("src/log/mod.rs"), ["src/log/tests", "src/log/crash"]);
        assert_eq!(modules("src/log/a.rs"), ["src/log/a/tests", "src/log/a/crash"]);
    }

    #[test]
    fn promises_are_found() {
        let rule = nothing_is_left_for_later;
        let later = ["// TO", "DO: more\nlet a = 1; // for", " now\n"].concat();
        check(rule, "src/a/b.rs", "// The letter of uXXXX.\n", &[]);
        check(rule, "src/a/b.rs", &later, &[(1, "'TODO'"), (2, "'for now'")]);
    }

    #[test]
    fn what_is_not_there_is_found_in_pages() {
        let found = |text: &str| {
            let mut broken = Broken::default();
            page_points_at_files("docs/A.md", text, &mut broken);
            broken.0.len()
        };
        assert_eq!(found("[a](../README.md#tour) [b](https://example.org/x) [c](#here)\n"), 0);
        assert_eq!(found("[a](README.md) and [b](NONE.md)\n"), 2);
        assert_eq!(found("`src/lib.rs`, `src/cmd/TOOL.rs`, `src/*.rs`, `cargo x`\n"), 0);
        assert_eq!(found("`src/nothing.rs` and `docs/NONE.md`\n"), 2);
    }

    #[test]
    fn places_of_one_machine_and_silent_scripts_are_found() {
        let found = |path: &str, text: &str| {
            let mut broken = Broken::default();
            project_file(path, text, &mut broken);
            broken.0.len()
        };
        let home = ["/ho", "me/me/x"].concat();
        assert_eq!(found("docs/A.md", &format!("see {home}\n")), 1);
        assert_eq!(found("docs/A.md", &format!("see $dir{home} and sub{home}\n")), 0);
        assert_eq!(found("scripts/a", "#!/usr/bin/env bash\n# What for.\nset -euo pipefail\n"), 0);
        assert_eq!(found("scripts/a", "#!/usr/bin/env bash\nset -euo pipefail\n"), 1);
        assert_eq!(found("scripts/a", "#!/usr/bin/env bash\n# What for.\n"), 1);
        assert_eq!(found("Cargo.lock", "source = \"git+https://example.org/x\"\n"), 1);
    }
}

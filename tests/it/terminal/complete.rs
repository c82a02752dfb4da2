//! Tab in real shells: what `completions/` lets them offer, from the options and from the log.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::common::tmux::Terminal;
use crate::common::{bin, run, run_on, tool, tool_on};

/// How a shell is started so that it reads nothing of its user, and knows our completions.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "exec bash --noprofile --rcfile <(echo 'for f in {}/*.bash; do . $f; done')"),
    ("zsh", "exec zsh -f"),
    ("fish", "exec fish --no-config -C 'for f in {}/*.fish; source $f; end'"),
];

/// What is typed once the shell runs.
const SET_UP: [(&str, &str); 3] = [
    ("bash", "PS1='# '"),
    ("zsh", "PS1='# '; fpath=({} $fpath); autoload -U compinit; compinit -D -u"),
    ("fish", "function fish_prompt; echo -n '# '; end"),
];

fn of(shell: &str, table: [(&str, &str); 3]) -> String {
    let completions = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let (_, text) = table.into_iter().find(|(name, _)| *name == shell).unwrap();
    text.replace("{}", completions.to_str().unwrap())
}

/// A shell in a terminal, over a log with topics; none where it is not installed.
fn start(shell: &str) -> Option<Terminal> {
    if Command::new(shell).arg("--version").output().is_err() {
        println!("left out: there is no {shell}");
        return None;
    }
    let terminal = Terminal::start((100, 40), |dir| {
        let log = dir.join("log");
        for topic in ["clicks", "web.access", "web.errors"] {
            run_on(&log, "produce", &[topic], "1\n").good();
        }
        std::fs::create_dir(dir.join("files")).unwrap();
        std::fs::write(dir.join("files/some file"), "").unwrap();
        let record = r#"{"status":200,"host":"a","bytes":5}"#;
        std::fs::write(dir.join("files/hits.log"), format!("{record}\n")).unwrap();
        run_on(&log, "produce", &["orders"], format!("{record}\n")).good();
        let (log, programs) = (log.display(), bin("millstream"));
        let programs = programs.parent().unwrap().display();
        let files = dir.join("files");
        format!(
            "cd '{}'; export MILLSTREAM_DIR='{log}' HOME='{}' PATH='{programs}':\"$PATH\"; \
             unset XDG_DATA_HOME XDG_CONFIG_HOME; {}",
            files.display(),
            dir.display(),
            of(shell, SHELLS)
        )
    })?;
    terminal.press(&[&of(shell, SET_UP), "Enter"]);
    terminal.awaits("# ");
    Some(terminal)
}

/// Types a line, in which ^ is where the cursor is then, presses Tab, and waits until the line reads
/// so; then empties it. Nothing else may be on the screen than the line and what is offered.
#[track_caller]
fn completes(terminal: &Terminal, typed: &str, expected: &str) {
    // The shell is ready when the screen is empty.
    terminal.press(&["C-e"]);
    terminal.press(&["C-u"]);
    terminal.press(&["C-l"]);
    crate::common::wait_for("an empty line", || {
        let lines = terminal.lines();
        (lines.trim_end() == "#").then_some(())
    });
    let (before, after) = typed.split_once('^').unwrap_or((typed, ""));
    terminal.press(&["-l", &format!("{before}{after}")]);
    after.chars().for_each(|_| terminal.press(&["Left"]));
    terminal.press(&["Tab"]);
    // A letter at the end shows that what Tab has done is done.
    terminal.press(&["-l", "X"]);
    let shown = terminal.awaits(&format!("{expected}X"));
    for word in ["rror", "not found", "nknown"] {
        let named = expected.contains(word) || typed.contains(word);
        assert!(named || !shown.contains(word), "{typed}: {shown}");
    }
}

#[track_caller]
fn check(shell: &str) {
    let Some(terminal) = start(shell) else { return };
    for (typed, expected) in [
        // Options of tools, and of subcommands.
        ("filter --rej", "# filter --rejects "),
        ("log-admin alter --retention-b", "# log-admin alter --retention-bytes "),
        ("log-admin --js", "# log-admin --json "),
        ("millstream aggr", "# millstream aggregate "),
        ("millstream window --tumb", "# millstream window --tumbling "),
        ("millstream help wind", "# millstream help window "),
        ("millstream help once", "# millstream help once-a-minute "),
        ("log-admin help al", "# log-admin help alter "),
        // Topics, also after options and with a prefix in common.
        ("subscribe cl", "# subscribe clicks "),
        ("subscribe -n 5 web.a", "# subscribe -n 5 web.access "),
        ("subscribe we", "# subscribe web."),
        ("millstream log-admin delete cl", "# millstream log-admin delete clicks "),
        // Values of options.
        ("filter --from=log", "# filter --from=logfmt "),
        ("filter --from log", "# filter --from logfmt "),
        ("window --tz Europe/Berl", "# window --tz Europe/Berlin "),
        ("subscribe clicks --from yes", "# subscribe clicks --from yesterday "),
        ("subscribe clicks --partition ", "# subscribe clicks --partition 0 "),
        ("aggregate 'count' medi", "# aggregate 'count' median"),
        // Files come after an expression, and instead of it with -f.
        ("filter .a so", "# filter .a some\\ file "),
        ("filter -f so", "# filter -f some\\ file "),
        ("filter --rejects=so", "# filter --rejects=some\\ file "),
        // Fields of a topic.
        ("subscribe orders --fields .bytes,.ho", "# subscribe orders --fields .bytes,.host "),
        // An expression is not a program, nor a file.
        ("filter so", "# filter so"),
        ("map subscrib", "# map subscrib"),
        // What is not known offers nothing.
        ("filter --nope=", "# filter --nope="),
    ] {
        completes(&terminal, typed, expected);
    }
    // Fields of a file after the cursor, of which fish does not tell, and of what comes from a pipe,
    // of which bash does not.
    let after: &[(&str, &str)] = match shell {
        "bash" => &[
            ("filter '.sta^' hits.log", "# filter '.status"),
            ("filter '.bytes > 1 and .sta^ hits.log", "# filter '.bytes > 1 and .status"),
            ("aggregate 'avg(.by^' hits.log", "# aggregate 'avg(.bytes"),
        ],
        "zsh" => &[
            ("filter '.sta^' hits.log", "# filter '.status'"),
            ("filter '.bytes > 1 and .sta^ hits.log", "# filter '.bytes > 1 and .status"),
            ("subscribe orders | filter .sta", "# subscribe orders | filter .status "),
            ("cat hits.log | sort | filter '.a > 1 or .by", "| sort | filter '.a > 1 or .bytes"),
        ],
        _ => &[
            ("subscribe orders | filter .sta", "# subscribe orders | filter .status "),
            ("cat hits.log | sort | filter '.by", "| sort | filter '.bytes' "),
            ("cat hits.log | map .status | filter .by", "| filter .by"),
        ],
    };
    after.iter().for_each(|(typed, expected)| completes(&terminal, typed, expected));
}

#[test]
fn bash_completes() {
    check("bash");
}

#[test]
fn zsh_completes() {
    check("zsh");
}

#[test]
fn fish_completes() {
    check("fish");
}

/// What the scripts get, for these words.
fn asked(log: &Path, words: &[&str]) -> String {
    let args: Vec<&str> = ["complete", "fish"].iter().chain(words).copied().collect();
    run(&mut tool_on(log, "millstream", &args), "").good()
}

#[test]
fn a_log_that_does_not_answer_offers_nothing_and_none_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    assert_eq!(asked(&log, &["subscribe", ""]), "none\n");
    assert!(!log.exists());
    std::fs::create_dir(&log).unwrap();
    let _listener = UnixListener::bind(log.join("socket")).unwrap();
    assert_eq!(asked(&log, &["subscribe", ""]), "none\n");
    assert_eq!(asked(&log, &["log-admin", "groups", ""]), "none\n");
    assert_eq!(log.read_dir().unwrap().count(), 1);
}

#[test]
fn fields_come_of_what_is_read_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (log, path) = (dir.path().join("log"), dir.path().join("f"));
    let offered = |rest: &str| {
        let words = ["complete", "fish", "filter", "'.n"];
        let mut command = tool_on(&log, "millstream", &words);
        run(command.env("MILLSTREAM_REST", format!("' {rest}")), "").good()
    };
    let path = path.to_str().unwrap();
    assert_eq!(offered(path), "none\n");
    std::fs::write(path, "name,n\na,1\n").unwrap();
    assert_eq!(offered(path), "none\n");
    assert_eq!(offered(&format!("--from csv {path}")), "none nospace\n.name\t\n.n\t\n");
    std::fs::remove_file(path).unwrap();
    // Nobody writes to it.
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    assert_eq!(offered(path), "none\n");
    assert_eq!(offered(""), "none\n");
    assert!(!log.exists());
}

#[test]
fn a_user_who_has_not_installed_the_scripts_evaluates_them() {
    for shell in ["bash", "zsh", "fish"] {
        let text = run(&mut tool("millstream", &["complete", shell]), "").good();
        for name in ["millstream", "filter", "log-admin"] {
            let path = match shell {
                "zsh" => format!("completions/_{name}"),
                shell => format!("completions/{name}.{shell}"),
            };
            let script =
                std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
            assert!(text.contains(&script), "{shell}: {name}");
        }
    }
    let ran = run(&mut tool("millstream", &["complete", "csh"]), "");
    assert_eq!(ran.status, 2);
    assert_eq!(ran.stderr, "millstream: complete: name a shell: bash, zsh or fish\n");
}

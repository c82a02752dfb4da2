//! `aggregate --live`, on a terminal, which tmux is here. `MILLSTREAM_UPDATE=1` writes the screens of
//! `tests/golden/live/`.

use std::path::Path;
use std::process::Command;

use crate::common::tmux::Terminal;
use crate::common::{bin, run, tool, wait_for};

/// Records of an hour: a time in ms, a host, a text that must not be obeyed, a number.
fn records() -> String {
    let record = |n: u64| {
        let host = format!("web{:02}", n * n % 71);
        let text = if n.is_multiple_of(3) { "/index" } else { "東京\\u001b[2J" };
        format!(
            "{{\"at\":{},\"host\":\"{host}\",\"text\":\"{text}\",\"ms\":{}.5}}\n",
            n * 360,
            n % 97
        )
    };
    (0..10_000).map(record).collect()
}

/// The screen without what differs from one run to the next.
fn steady(screen: &str) -> String {
    let line = |line: &str| match line.split_once("/s") {
        Some((before, behind)) if before.contains(" records, ") => {
            let (records, rate) = before.rsplit_once(", ").unwrap();
            let digits = |c: char| !c.is_ascii_digit() && c != ',';
            format!("{records}, …{}/s{behind}\n", rate.trim_start_matches(|c| !digits(c)))
        }
        _ => format!("{}\n", line.trim_end()),
    };
    screen.trim_end().lines().map(line).collect()
}

#[test]
fn the_last_frame_stays() {
    for (columns, lines) in [(80, 24), (120, 40), (200, 60)] {
        for color in [false, true] {
            let begin = |dir: &Path| {
                std::fs::write(dir.join("f"), records()).unwrap();
                format!(
                    "{} {} --live --tumbling 2m --time .at --time-unit ms --by .host --by .text count \
                     'avg(.ms)' 'p99(.ms)' {}/f",
                    if color { "env -u NO_COLOR" } else { "NO_COLOR=1" },
                    bin("aggregate").display(),
                    dir.display()
                )
            };
            let Some(terminal) = Terminal::start((columns, lines), begin) else { return };
            terminal.awaits("status 0");
            assert_eq!(terminal.colored().contains("\u{1b}["), color);
            let file = format!("screen-{columns}x{lines}.txt");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/live").join(&file);
            let screen = steady(&terminal.lines());
            if std::env::var_os("MILLSTREAM_UPDATE").is_some() {
                std::fs::write(&path, &screen).unwrap();
            }
            let wanted = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(screen, wanted, "{file} differs; MILLSTREAM_UPDATE=1 writes it");
        }
    }
}

/// A pipe that brings some records and then stays open.
fn open_pipe(dir: &Path, arguments: &str) -> String {
    std::fs::write(dir.join("f"), "{\"k\":\"a\"}\n{\"k\":\"b\"}\n{\"k\":\"a\"}\n").unwrap();
    let aggregate = bin("aggregate");
    format!("(cat {}/f; exec sleep 1000) | {} {arguments}", dir.display(), aggregate.display())
}

/// A shell that runs such a pipe.
fn in_a_shell(arguments: &str) -> Option<Terminal> {
    let terminal = Terminal::start((60, 20), |_| "true".to_owned())?;
    terminal.awaits("status 0");
    terminal.respawn_shell();
    let line = open_pipe(terminal.dir.path(), arguments);
    terminal.press(&[&format!("clear; {line}"), "Enter"]);
    Some(terminal)
}

#[test]
fn a_frame_shows_what_there_is_and_ctrl_c_ends_it() {
    // --emit updates shows the same.
    for option in ["--live", "--emit updates"] {
        let Some(terminal) = in_a_shell(&format!("{option} --by .k count")) else { return };
        terminal.awaits("3 records, 0/s");
        terminal.press(&["C-c"]);
        let screen = terminal.awaits("interrupted after 3 records");
        let shown = steady(&screen);
        let frame = "interrupted after 3 records\nk  count\na      2\nb      1\n3 records, …/s\n";
        assert!(shown.contains(frame), "{shown}");
        terminal.press(&["echo status $?", "Enter"]);
        terminal.awaits("\nstatus 130\n");
    }
}

/// Of windows of every kind, those that are open.
#[test]
fn a_frame_shows_the_newest_window() {
    let times = [(1, "a"), (2, "b"), (14, "a"), (16, "b"), (17, "b"), (18, "a"), (19, "b")];
    let records: String =
        times.iter().map(|(t, k)| format!("{{\"t\":{t},\"k\":\"{k}\"}}\n")).collect();
    let start = "1970-01-01T00:00:";
    for (windows, title, frame) in [
        ("--tumbling 15s", format!("{start}15Z … {start}30Z\n"), "b      3  █\na      1  █"),
        // The one that ends next has most of the last records.
        (
            "--hop 5s --size 10s",
            format!("{start}10Z … {start}20Z\n"),
            "b      3  ██\na      2  ███",
        ),
        (
            "--cumulate 5s --size 20s",
            format!("{start}00Z … {start}20Z\n"),
            "b      4  ███\na      3  ▅▅█",
        ),
        ("--session 4s", String::new(), "Z  b      3"),
        ("--count 2", String::new(), "1  a      1  █"),
    ] {
        let begin = |dir: &Path| {
            std::fs::write(dir.join("records"), &records).unwrap();
            let options = format!("{windows} --by .k count --live");
            let time = if windows == "--count 2" { "" } else { "--time .t --out-of-order 1s" };
            open_pipe(dir, &format!("{options} {time}")).replace("/f;", "/records;")
        };
        let Some(terminal) = Terminal::start((80, 20), begin) else { return };
        let screen = terminal.awaits("7 records, 0/s");
        assert!(screen.contains(&title) && screen.contains(frame), "{windows}\n{screen}");
    }
}

#[test]
fn it_is_suspended_resumed_and_resized() {
    let Some(terminal) = in_a_shell("--live --by .k count") else { return };
    terminal.awaits("3 records, 0/s");
    terminal.press(&["C-z"]);
    terminal.awaits("Stopped");
    terminal.press(&["fg", "Enter"]);
    wait_for("another frame", || {
        (terminal.lines().matches("3 records").count() == 2).then_some(())
    });
    terminal.resize((40, 10));
    terminal.press(&["C-c"]);
    let screen = terminal.awaits("interrupted after 3 records");
    assert!(
        steady(&screen).contains("\nk  count\na      2\nb      1\n3 records, …/s\n"),
        "{screen}"
    );
    // The shell has its terminal: what is typed is seen.
    terminal.press(&["echo here", "Enter"]);
    terminal.awaits("\nhere\n");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let begin = |dir: &Path| {
        let pipe = open_pipe(dir, "--live --by .k count");
        // What reads the pipe says who it is, and the other end goes with it.
        pipe.replace("| ", &format!("| (echo $BASHPID >{}/pid; exec ", dir.display())) + ")"
    };
    let Some(terminal) = Terminal::start((60, 12), begin) else { return };
    terminal.awaits("3 records, 0/s");
    let pid = std::fs::read_to_string(terminal.dir.path().join("pid")).unwrap();
    assert!(Command::new("kill").arg(pid.trim()).status().unwrap().success());
    terminal.awaits("interrupted after 3 records");
    terminal.press(&["x"]);
    terminal.awaits("x");
}

#[test]
fn messages_stand_above_the_table() {
    let begin = |dir: &Path| {
        std::fs::write(dir.join("f"), "{\"k\":\"a\"}\nnot json\n{\"k\":\"a\"}\n").unwrap();
        let (aggregate, dir) = (bin("aggregate"), dir.display());
        format!("{} --live --by .k count --rejects {dir}/r {dir}/f", aggregate.display())
    };
    let Some(terminal) = Terminal::start((100, 12), begin) else { return };
    let screen = terminal.awaits("status 65");
    assert!(steady(&screen).contains("k  count\na      2\n2 records, …/s\n"), "{screen}");
}

/// A message that takes several lines, and a table that takes the whole screen.
#[test]
fn a_message_scrolls_no_frame_away() {
    let begin = |dir: &Path| {
        let record = |n: u32| format!("{{\"k\":\"key{n}\"}}\n");
        std::fs::write(dir.join("f"), (0..40).map(record).collect::<String>()).unwrap();
        std::fs::write(dir.join("g"), "not json\n{\"k\":\"key0\"}\n").unwrap();
        let (aggregate, dir) = (bin("aggregate"), dir.display());
        format!(
            "(cat {dir}/f; until [ -e {dir}/go ]; do sleep 0.1; done; cat {dir}/g; exec sleep 1000) \
             | {} --live --by .k count --rejects {dir}/r",
            aggregate.display()
        )
    };
    let Some(terminal) = Terminal::start((30, 10), begin) else { return };
    terminal.awaits("40 records, 0/s");
    std::fs::write(terminal.dir.path().join("go"), "").unwrap();
    terminal.awaits("41 records, 0/s");
    let history = terminal.history();
    assert!(history.starts_with("aggregate: stdin:41: rejected"), "{history}");
    assert_eq!(history.matches("records, ").count(), 1, "{history}");
}

/// What cannot be shown whole on a narrow screen.
#[test]
fn keys_make_room_for_numbers() {
    let begin = |dir: &Path| {
        let record = "{\"host\":\"web-frontend-01\",\"path\":\"/index.html\",\"ms\":12.25}\n";
        std::fs::write(dir.join("f"), record).unwrap();
        let aggregate = bin("aggregate");
        let by = "--live --by .host --by .path count 'avg(.ms)' 'max(.ms)'";
        format!("{} {by} {}/f", aggregate.display(), dir.display())
    };
    let Some(terminal) = Terminal::start((30, 10), begin) else { return };
    let screen = terminal.awaits("status 0");
    assert!(screen.contains("\nweb…  /in…    1  12.25  12.25"), "{screen}");
}

#[test]
fn an_input_that_cannot_be_opened_leaves_no_table() {
    let begin = |_: &Path| format!("{} --live count /nonexistent/f", bin("aggregate").display());
    let Some(terminal) = Terminal::start((100, 12), begin) else { return };
    let screen = terminal.awaits("status 74");
    assert!(screen.starts_with("aggregate: /nonexistent/f: "), "{screen}");
    assert!(!screen.contains("records"), "{screen}");
}

#[test]
fn it_needs_a_terminal() {
    let ran = run(&mut tool("aggregate", &["--live", "count"]), "{}\n");
    let why = "aggregate: --live: standard output is not a terminal; use --emit updates\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", why));
    // Updates are records elsewhere.
    let ran = run(&mut tool("aggregate", &["--emit", "updates", "count"]), "{}\n");
    assert_eq!(ran.good().lines().count(), 2);
}

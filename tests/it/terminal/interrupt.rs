//! ^C on a terminal, which tmux is: what shells show after it.

use crate::common::tmux::Terminal;
use crate::common::{bin, run_on, wait_for};

/// The prompt stands on a line of its own, also where a tool ends as it should.
#[test]
fn the_prompt_comes_on_its_own_line() {
    let mut dir = None;
    let Some(terminal) = Terminal::start((80, 20), |at| {
        run_on(&at.join("log"), "produce", &["t"], "1\n").good();
        dir = Some(at.join("log"));
        "true".to_owned()
    }) else {
        return;
    };
    terminal.awaits("status 0");
    terminal.respawn_shell();
    let subscribe = bin("subscribe");
    let log = dir.unwrap();
    let (log, subscribe) = (log.display(), subscribe.display());
    for (after, shown) in [
        ("", "1\n^C\nready"),
        // The last tool of a pipe ends the line, and no other does.
        (" | cat", "1\n^C\nready"),
        (" > /dev/stderr", "1\n^C\nready"),
    ] {
        let line = format!("clear; {subscribe} t -f --data {log}{after}");
        terminal.press(&[&line, "Enter"]);
        // And nothing of the round before.
        wait_for("the record", || (terminal.lines().trim_end() == "1").then_some(()));
        terminal.press(&["C-c"]);
        wait_for("the prompt", || terminal.lines().trim_end().ends_with("ready").then_some(()));
        let screen = terminal.lines();
        assert_eq!(screen.trim_end(), shown, "{after}");
    }
}

//! Help: a screen of it with `-h`, all of it through a pager with `--help`.

use crate::common::tmux::Terminal;
use crate::common::{bin, run, tool};
use millstream::cli::Tool;
use millstream::cmd::tools;

/// How many lines `-h` may have, and for which tools more.
const LINES_MAX: usize = 36;
const LINES_MAX_OF: [(&str, usize); 3] = [("aggregate", 40), ("produce", 38), ("window", 37)];

fn printed(name: &str, args: &[&str]) -> String {
    run(&mut tool(name, args), "").good()
}

#[test]
fn short_help_fits_a_screen_and_says_where_the_rest_is() {
    for tool in tools().iter().filter(|tool| tool.is_named()) {
        let name = tool.name();
        let help = printed(name, &["-h"]);
        let of = LINES_MAX_OF.iter().find(|(tool, _)| *tool == name);
        let lines_max = of.map_or(LINES_MAX, |(_, lines)| *lines);
        assert!(help.lines().count() <= lines_max, "{name}: {help}");
        assert!(help.ends_with(&format!("\n'{name} --help' has all options and more examples.\n")));
        assert!(help.contains("\nExamples:\n"), "{name}: {help}");
        let examples = help.find("\nExamples:\n").unwrap();
        for line in help[..examples].lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        // Options are below a heading that says what they are for.
        assert!(name == "log-serve" || !help.contains("\nOptions:\n"), "{name}: {help}");
    }
    for (args, name) in [
        (&["log-admin", "create", "-h"][..], "log-admin create"),
        (&["filter", "-h"], "filter"),
        (&["status", "-h"], "status"),
        (&["top", "-h"], "top"),
    ] {
        let help = printed("millstream", args);
        assert!(help.contains(&format!("\n'millstream {name} --help' has ")), "{help}");
    }
}

#[test]
fn long_help_has_what_the_short_one_leaves_out() {
    for tool in tools().iter().filter(|tool| tool.is_named()).map(Tool::name) {
        let (short, long) = (printed(tool, &["-h"]), printed(tool, &["--help"]));
        assert!(long.lines().count() > short.lines().count(), "{tool}");
        assert!(long.contains("\nExit status:"), "{tool}");
    }
    assert!(printed("filter", &["--help"]).contains("--explain"));
    assert!(!printed("filter", &["-h"]).contains("--explain"));
}

#[test]
fn long_help_is_paged_on_a_terminal() {
    let filter = bin("filter");
    let filter = filter.display();
    let pager = "sed s/^/paged:/";
    for (line, shown) in [
        // Arguments of $PAGER are heeded, and so is its being empty.
        (format!("PAGER='{pager}' {filter} --help | head -n 1"), "Keep the records"),
        (format!("PAGER='{pager}' {filter} --help"), "paged:Exit status:"),
        (format!("PAGER= {filter} --help"), "Exit status:"),
        (format!("PAGER='{pager}' {filter} -h"), "'filter --help' has all options"),
        // Without a pager the help is printed.
        (format!("PAGER=/nonexistent/pager {filter} --help"), "Exit status:"),
    ] {
        let Some(terminal) = Terminal::start((100, 400), |_| format!("clear; {line}")) else {
            return;
        };
        let screen = terminal.awaits("status 0");
        assert!(screen.contains(shown), "{line}: {screen}");
        let paged = shown.starts_with("paged:");
        assert_eq!(screen.contains("paged:Keep"), paged, "{line}: {screen}");
    }
}

//! What cannot be undone is asked for on a terminal.

use crate::common::tmux::Terminal;
use crate::common::{bin, run_on};

#[test]
fn removing_records_asks_first() {
    let begin = |dir: &std::path::Path| {
        let log = dir.join("log");
        run_on(&log, "produce", &["clicks"], "1\n2\n").good();
        let admin = format!("{} --data {}", bin("log-admin").display(), log.display());
        format!(
            "{admin} trim clicks --before end; echo trim $?; {admin} delete clicks; echo no $?; \
             {admin} rm clicks; echo yes $?; {admin} rm -y clicks"
        )
    };
    let Some(terminal) = Terminal::start((80, 24), begin) else { return };
    terminal.awaits("log-admin: remove 2 records of clicks? [y/N]");
    terminal.press(&["n", "Enter"]);
    terminal.awaits("log-admin: nothing was removed");
    terminal.awaits("trim 1");
    terminal.awaits("log-admin: delete clicks with 2 records? [y/N]");
    terminal.press(&["Enter"]);
    terminal.awaits("no 1");
    terminal.press(&["yes", "Enter"]);
    terminal.awaits("yes 0");
    // With --yes nothing is asked.
    let shown = terminal.awaits("clicks: no such topic");
    assert_eq!(shown.matches("[y/N]").count(), 3, "{shown}");
    assert!(shown.contains("RECORDS"), "{shown}");
}

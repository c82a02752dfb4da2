//! A terminal for tests, which tmux is: keys in, the screen out.

use std::path::Path;
use std::process::{Command, Stdio};

use super::wait_for;

/// A terminal of its own, in which a shell runs a command.
pub struct Terminal {
    pub dir: tempfile::TempDir,
}

impl Terminal {
    /// Starts one; none where there is no tmux.
    pub fn start(size: (u16, u16), line: impl FnOnce(&Path) -> String) -> Option<Terminal> {
        let dir = tempfile::tempdir().unwrap();
        let line = line(dir.path());
        let terminal = Terminal { dir };
        let (columns, lines) = (size.0.to_string(), size.1.to_string());
        let begin = ["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &lines];
        let script = format!("PS1='$ '; {line}; echo \"status $?\"; exec sleep 1000");
        let mut command = terminal.tmux();
        let started = command.args(begin).args(["bash", "--norc", "-c", &script]).status();
        match started {
            Ok(status) if status.success() => Some(terminal),
            _ => {
                eprintln!("skipped: there is no tmux");
                None
            }
        }
    }

    /// A command of its tmux.
    pub fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.dir.path().join("tmux")).env_remove("TMUX");
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Presses keys, named as tmux does; what is no name is typed.
    pub fn press(&self, keys: &[&str]) {
        assert!(self.tmux().arg("send-keys").args(keys).status().unwrap().success());
    }

    /// What the screen shows.
    pub fn lines(&self) -> String {
        let shown = self.tmux().args(["capture-pane", "-p"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// The same, and what has been scrolled out of it.
    pub fn history(&self) -> String {
        let shown = self.tmux().args(["capture-pane", "-p", "-S", "-"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// The screen with the escape sequences of colours.
    pub fn colored(&self) -> String {
        let shown = self.tmux().args(["capture-pane", "-p", "-e"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// Makes it so large.
    pub fn resize(&self, (columns, lines): (u16, u16)) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let size = ["resize-window", "-x", &columns, "-y", &lines];
        assert!(self.tmux().args(size).status().unwrap().success());
    }

    /// Gives it to an interactive shell, whose prompt is `ready `.
    pub fn respawn_shell(&self) {
        let shell = ["respawn-pane", "-k", "env", "PS1=ready ", "bash", "--norc", "-i"];
        assert!(self.tmux().args(shell).status().unwrap().success());
        self.awaits("ready");
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub fn awaits(&self, what: &str) -> String {
        wait_for(what, || Some(self.lines()).filter(|lines| lines.contains(what)))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}

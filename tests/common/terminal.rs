//! A tool whose standard error is a terminal.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::{Guard, bin, next_line, wait_for};

/// Runs its arguments with a terminal as standard error: prints their process id, and then passes
/// on, as it comes, what they print there.
const ON_A_TERMINAL: &str = "\
import os, subprocess, sys
ours, theirs = os.openpty()
ran = subprocess.Popen(sys.argv[1:], stderr=theirs, stdout=subprocess.DEVNULL)
os.close(theirs)
print(ran.pid, flush=True)
try:
    while piece := os.read(ours, 4096):
        os.write(2, piece)
except OSError:
    pass
sys.exit(ran.wait())
";

/// A tool on a terminal.
pub struct OnATerminal {
    child: Guard,
    pub pid: u32,
    shown: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl OnATerminal {
    /// Starts `produce`; none if there is no python3 to make the terminal.
    pub fn start(dir: &Path, args: &[&str], stdin: Stdio) -> Option<OnATerminal> {
        OnATerminal::start_tool(dir, "produce", args, stdin)
    }

    /// Starts a tool; none if there is no python3 to make the terminal.
    pub fn start_tool(dir: &Path, tool: &str, args: &[&str], stdin: Stdio) -> Option<OnATerminal> {
        if Command::new("python3").arg("--version").output().is_err() {
            println!("left out: there is no python3");
            return None;
        }
        let mut command = Command::new("python3");
        command.args(["-c", ON_A_TERMINAL]).arg(bin(tool)).args(args);
        command.env("MILLSTREAM_DIR", dir).env("TERM", "xterm");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guard(command.spawn().unwrap());
        let pid = next_line(&mut BufReader::new(child.0.stdout.take().unwrap()));
        let (shown, mut stderr) = (Arc::new(Mutex::new(String::new())), child.0.stderr.take());
        let pieces = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Some(count @ 1..) = stderr.as_mut().and_then(|it| it.read(&mut piece).ok()) {
                *pieces.lock().unwrap() += &String::from_utf8_lossy(&piece[..count]);
            }
        });
        Some(OnATerminal { child, pid: pid.trim().parse().unwrap(), shown, reader })
    }

    /// Whether it was sent this.
    pub fn shows(&self, part: &str) -> bool {
        self.shown.lock().unwrap().contains(part)
    }

    /// Its exit status, and all that the terminal was sent.
    pub fn end(mut self) -> (i32, String) {
        let status = wait_for("the tool to end", || self.child.0.try_wait().unwrap());
        self.reader.join().unwrap();
        (status.code().unwrap(), self.shown.lock().unwrap().clone())
    }
}

//! What the tests of the tools share: running a real process in a directory of its own.

#![allow(dead_code)] // Each test file uses its own part of this.

pub mod daemon;
pub mod live;
pub mod proc;
pub mod producing;
pub mod small_disk;
pub mod someone;
pub mod terminal;
pub mod tmux;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The path of one of our programs.
pub fn bin(tool: &str) -> PathBuf {
    assert_cmd::cargo::cargo_bin(tool)
}

/// A command for one of our programs, with no log directory from the environment.
pub fn tool(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(bin(name));
    command.args(args);
    for name in ["MILLSTREAM_DIR", "XDG_DATA_HOME", "RUST_BACKTRACE", "RUST_LOG", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    command
}

/// A command for one of our programs, on the log in `dir`.
pub fn tool_on(dir: &Path, name: &str, args: &[&str]) -> Command {
    let mut command = tool(name, args);
    command.env("MILLSTREAM_DIR", dir);
    command
}

/// What a finished process left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// What it printed, if nothing was wrong and it said nothing else.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map_or(-1, |signal| 128 + signal);
        Ran {
            status: output.status.code().unwrap_or(signal),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end with `input` on its standard input.
pub fn run(command: &mut Command, input: impl AsRef<[u8]>) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.as_ref().to_vec();
    // The tool may stop reading before the end; that is not the test's concern here.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("the feeder ends");
    output.into()
}

/// Runs one of our programs on the log in `dir` to its end.
pub fn run_on(dir: &Path, name: &str, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(&mut tool_on(dir, name, args), input)
}

/// Waits until `condition` gives something; fails the test after [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A child that is killed when the test ends, however it ends.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The next line of what a process prints, with its end; empty at the end of the output.
pub fn next_line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line
}

/// A gzip file's bytes.
pub fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// The shared real data, where it is there.
pub fn shared_data() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    dir.is_dir().then_some(dir)
}

//! What is asked while a user waits who has pressed Tab.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::cli::complete::place::Line;
use crate::cli::options::DataOptions;
use crate::cli::shell::without_tilde;

/// How long a log or a file may take: who presses Tab does not wait for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is found in time; nothing of what takes longer.
pub fn in_time<T: Send + 'static>(find: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    let (sender, answer) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(find());
    });
    answer.recv_timeout(PATIENCE).ok().flatten()
}

/// The directory of the log that the line means.
pub fn data_dir(line: &Line<'_>) -> Option<PathBuf> {
    DataOptions { data: line.value("data").map(without_tilde) }.dir().ok()
}

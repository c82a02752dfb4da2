//! The processes of a user, as proc(5) shows them: what they are called, and which pipes they read
//! and write.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The process that started it.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its name.
    pub name: String,
    /// Its arguments, the first of which is what it was called by.
    pub arguments: Vec<String>,
    /// The program that it runs, if that can be seen.
    pub program: Option<PathBuf>,
    /// Whether it is stopped, as by Ctrl-Z.
    pub is_stopped: bool,
    /// The pipe that is its standard input, if it is one.
    pub stdin: Option<Pipe>,
    /// The pipe that is its standard output, if it is one.
    pub stdout: Option<Pipe>,
}

/// A pipe: its device and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pipe(pub u64, pub u64);

/// The processes of a user, sorted by their numbers. Those that end meanwhile may be left out.
///
/// # Errors
/// When there is no /proc.
pub fn of_user(uid: u32) -> io::Result<Vec<Process>> {
    let mut processes: Vec<Process> = fs::read_dir("/proc")?
        .flatten()
        .filter(|entry| entry.metadata().is_ok_and(|is| is.uid() == uid))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect();
    processes.sort_by_key(|process| process.pid);
    Ok(processes)
}

/// What is known of a process; nothing, if it has ended.
fn read(pid: u32) -> Option<Process> {
    let dir = PathBuf::from(format!("/proc/{pid}"));
    let mut process = parse_stat(&fs::read_to_string(dir.join("stat")).ok()?)?;
    let arguments = fs::read(dir.join("cmdline")).unwrap_or_default();
    let arguments = arguments.split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
    process.arguments = arguments.map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    process.program = fs::read_link(dir.join("exe")).ok();
    process.stdin = pipe(&dir.join("fd/0"));
    process.stdout = pipe(&dir.join("fd/1"));
    Some(process)
}

/// The pipe that a descriptor stands for, if it is one, with a name or without.
fn pipe(descriptor: &Path) -> Option<Pipe> {
    let metadata = fs::metadata(descriptor).ok()?;
    metadata.file_type().is_fifo().then(|| Pipe(metadata.dev(), metadata.ino()))
}

/// A line of /proc/PID/stat. The name is in parentheses, and may contain any character.
fn parse_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let (state, parent, group) = (fields.next()?, fields.next()?, fields.next()?);
    if state == "Z" || state == "X" {
        return None;
    }
    Some(Process {
        pid: pid.parse().ok()?,
        parent: parent.parse().ok()?,
        group: group.parse().ok()?,
        name: name.to_owned(),
        is_stopped: matches!(state, "T" | "t"),
        ..Process::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_anything() {
        let process = parse_stat("12 (a) (b) T 3 4 5 0 -1").unwrap();
        assert_eq!((process.pid, process.parent, process.group), (12, 3, 4));
        assert_eq!((process.name.as_str(), process.is_stopped), ("a) (b", true));
        assert_eq!(parse_stat("12 (a) Z 3 4 5"), None);
        assert_eq!(parse_stat("12 (a"), None);
    }

    #[test]
    fn we_are_one_of_ours() {
        let all = of_user(crate::sys::user::effective()).unwrap();
        let own = all.iter().find(|one| one.pid == std::process::id()).unwrap();
        assert!(own.program.is_some() && !own.is_stopped && !own.arguments.is_empty());
    }
}

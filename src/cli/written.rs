//! Which files the tool writes, so that it reads none of them: what it writes would be its input
//! again, without end.

use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Failure;

/// What the process writes; a tool opens a handful of files at most.
static WRITTEN: Mutex<Vec<Written>> = Mutex::new(Vec::new());

/// A plain file that is written.
#[derive(Debug)]
struct Written {
    device: u64,
    inode: u64,
    /// What is written there, for messages.
    what: &'static str,
    /// Whether each write goes to its end, wherever that is by then.
    appends: bool,
}

impl Written {
    fn is(&self, file: &Metadata) -> bool {
        file.is_file() && (self.device, self.inode) == (file.dev(), file.ino())
    }
}

/// Notes a file that the tool is about to write. What is no plain file cannot be read back.
///
/// # Errors
/// When something else is written to the same file, and one of the two would write over the other.
pub(super) fn note(file: &File, what: &'static str, appends: bool) -> Result<(), Failure> {
    let Some(file) = file.metadata().ok().filter(Metadata::is_file) else { return Ok(()) };
    let mut all = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let other = |one: &&Written| one.is(&file) && one.what != what && !(appends && one.appends);
    if let Some(other) = all.iter().find(other) {
        let why = format!(
            "{what} and {} go to the same file, and would overwrite each other; name another \
             file, or append with >>",
            other.what
        );
        return Err(Failure::usage(why));
    }
    all.push(Written { device: file.dev(), inode: file.ino(), what, appends });
    Ok(())
}

/// Checks that none of the files that are to be read is one that the tool writes. `-`, or no file
/// at all, is standard input.
///
/// # Errors
/// When one is.
pub(super) fn check_inputs(files: &[PathBuf]) -> Result<(), Failure> {
    let all = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let standard = [PathBuf::from("-")];
    for path in if files.is_empty() { &standard } else { files } {
        // What cannot be looked at cannot be opened either, which is told in its turn.
        let (name, Some(file)) = look(path) else { continue };
        if let Some(written) = all.iter().find(|one| one.is(&file)) {
            let why = format!(
                "{name}: is the input, and {} would be written there; name another file",
                written.what
            );
            return Err(Failure::usage(why));
        }
    }
    Ok(())
}

fn look(path: &Path) -> (String, Option<Metadata>) {
    if path != Path::new("-") {
        return (path.display().to_string(), path.metadata().ok());
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    ("stdin".to_owned(), stdin.ok().and_then(|stdin| File::from(stdin).metadata().ok()))
}

//! Files in which a tool keeps lines that it does not pass on.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Failure, Status, progress, written};

/// A file at whose end lines are kept, behind what is there already.
#[derive(Debug)]
pub struct Keep {
    file: File,
    path: PathBuf,
    what: &'static str,
    /// Whether it is a terminal, as /dev/stderr may be.
    is_terminal: bool,
}

impl Keep {
    /// Opens or creates the file at `path`; `what` names what is kept there, for messages.
    ///
    /// # Errors
    /// When the file cannot be created or written.
    pub fn open(path: &Path, what: &'static str) -> anyhow::Result<Keep> {
        let file = File::options().create(true).append(true).open(path).map_err(|error| {
            let status = match Status::of_io(&error) {
                Status::NotPermitted => Status::NotPermitted,
                _ => Status::CantCreate,
            };
            Failure::new(status, format!("{}: cannot store {what} there: {error}", path.display()))
        })?;
        written::note(&file, what, true)?;
        Ok(Keep { is_terminal: file.is_terminal(), file, path: path.to_owned(), what })
    }

    /// Where the lines are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes; the caller gives whole lines, or the pieces of one in order.
    ///
    /// # Errors
    /// When the write fails.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let place = || format!("{}: {}", self.path.display(), self.what);
        let written = match self.is_terminal {
            true => progress::aside(|| self.file.write_all(bytes)),
            false => self.file.write_all(bytes),
        };
        written.with_context(place)
    }
}

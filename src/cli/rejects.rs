//! `--rejects FILE`: bad lines are kept there, as they stood, and the tool goes on.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Failure, Status, message};

/// How many rejected lines are reported one by one; the rest only in the count at the end.
const REPORTED_MAX: u64 = 10;

/// What becomes of bad input.
#[derive(Debug, Default)]
pub struct Rejects {
    file: Option<(File, PathBuf)>,
    count: u64,
}

impl Rejects {
    /// Keeps bad lines in `path`, behind what is there already; without a path, the first bad line
    /// is an error.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Rejects> {
        let Some(path) = path else { return Ok(Rejects::default()) };
        let file = File::options().create(true).append(true).open(path).map_err(|error| {
            let status = match Status::of_io(&error) {
                Status::NotPermitted => Status::NotPermitted,
                _ => Status::CantCreate,
            };
            Failure::new(status, format!("{}: cannot keep rejects there: {error}", path.display()))
        })?;
        Ok(Rejects { file: Some((file, path.to_owned())), count: 0 })
    }

    /// Whether bad lines are kept, so that a tool can go on.
    pub fn kept(&self) -> bool {
        self.file.is_some()
    }

    /// Takes a bad line: keeps it, or fails with what was wrong.
    ///
    /// # Errors
    /// When rejects are not kept, or when keeping this one failed.
    pub fn take(&mut self, place: &str, bytes: &[u8], why: &str) -> anyhow::Result<()> {
        if self.file.is_none() {
            let remedy = "--rejects FILE keeps such lines and goes on";
            return Err(Failure::new(Status::Data, format!("{place}: {why}; {remedy}")).into());
        }
        self.count += 1;
        if self.count <= REPORTED_MAX {
            message::note(&format!("{place}: rejected: {why}"));
        }
        self.write(bytes)?;
        self.write(b"\n")
    }

    /// Takes a piece of a bad line that is too long to be held; `more` pieces may follow, and those
    /// that are `continued` belong to a line already counted.
    ///
    /// # Errors
    /// As [`Rejects::take`].
    pub fn take_piece(
        &mut self,
        place: &str,
        bytes: &[u8],
        why: &str,
        more: bool,
        continued: bool,
    ) -> anyhow::Result<()> {
        if !continued {
            if !more {
                return self.take(place, bytes, why);
            }
            if self.file.is_none() {
                return self.take(place, bytes, why);
            }
            self.count += 1;
            if self.count <= REPORTED_MAX {
                message::note(&format!("{place}: rejected: {why}"));
            }
        }
        self.write(bytes)?;
        if more { Ok(()) } else { self.write(b"\n") }
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.file {
            Some((file, path)) => {
                file.write_all(bytes).with_context(|| format!("{}: rejects", path.display()))
            }
            None => Ok(()),
        }
    }

    /// Reports how many lines were rejected; a tool that lost input does not end with 0.
    pub fn conclude(&self) -> Status {
        let Some((_, path)) = &self.file else { return Status::Done };
        if self.count == 0 {
            return Status::Done;
        }
        let lines = if self.count == 1 { "line" } else { "lines" };
        message::note(&format!("{} {lines} rejected, kept in {}", self.count, path.display()));
        Status::Data
    }
}

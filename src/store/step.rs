//! What reading a topic gives next, whichever way it is read.

use std::os::fd::OwnedFd;

use crate::api::reading::{Chunk, FileRun};

/// What reading gives next; `S` is why it was stopped.
#[derive(Debug)]
pub enum Step<S> {
    /// A run of records, whose lines were read.
    Records(Chunk),
    /// A run of records in a file; the file, if it is another than before.
    File(FileRun, Option<OwnedFd>),
    /// All that was asked for has been read.
    Done,
    /// There is no need to read further.
    Stopped(S),
}

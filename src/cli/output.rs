//! Standard output: written in whole batches, and a reader who leaves is no error.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::counters::{Place, counters};
use super::{Failure, Status, closed, progress, written};
use crate::record::outlet::{Outlet, Refused};
use crate::sys::{self, wait::has_hung_up};

/// What we ask of the kernel for each pipe: measured, the default of 64 KiB is a third as fast.
const PIPE_BYTES: i32 = 1 << 20;

/// What a pipe holds at least, unless a user has very many.
const PIPE_BYTES_LEAST: u64 = 64 << 10;

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read our output is gone: the tool ends quietly.
    #[error("the output is closed")]
    Closed,
    /// The write failed.
    #[error("standard output: {0}")]
    Io(#[from] io::Error),
}

/// The process's standard output, without a buffer of its own.
#[derive(Debug)]
pub struct Output {
    file: File,
    /// Whether a poll can tell that the reader is gone: a pipe or a socket.
    pub(super) hangs_up: bool,
    is_terminal: bool,
    /// Whether it is a pipe, whose reader takes what was written when it likes.
    is_pipe: bool,
    /// Whether the kernel copies to it from files; as far as we know.
    takes_files: bool,
}

impl Output {
    /// Takes standard output.
    ///
    /// # Errors
    /// When it is not open.
    pub fn stdout() -> anyhow::Result<Output> {
        let copy = io::stdout().as_fd().try_clone_to_owned();
        let file = File::from(copy.map_err(|error| {
            Failure::new(Status::of_io(&error), format!("standard output: {error}"))
        })?);
        let kind = file.metadata()?.file_type();
        // What is not known is taken for the worse.
        let appends = sys::file::manner(&file).unwrap_or_default().appends;
        written::note(&file, "standard output", appends)?;
        widen_pipe(file.as_fd());
        let hangs_up = kind.is_fifo() || kind.is_socket();
        let (is_terminal, is_pipe) = (file.is_terminal(), kind.is_fifo());
        Ok(Output { hangs_up, is_terminal, is_pipe, takes_files: true, file })
    }

    /// Whether a person is reading.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether only this process shows it to a person: the reader of a pipe may do so at any time.
    pub(super) fn is_of_ours_alone(&self) -> bool {
        !self.hangs_up
    }

    /// The same output as a file of its own.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub(super) fn to_file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// How many columns and lines it has, if a person is reading.
    pub fn size(&self) -> Option<(usize, usize)> {
        sys::terminal::size(&self.file)
    }

    /// How many bytes are in the pipe that its reader has not taken yet, whoever wrote them; 0 if
    /// the output is no pipe.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn unread(&self) -> Result<u64, OutputError> {
        if !self.is_pipe {
            return Ok(0);
        }
        Ok(sys::pipe::unread(&self.file)?)
    }

    /// Whether its reader is gone, as far as the kernel can tell.
    pub fn is_abandoned(&self) -> bool {
        self.hangs_up && has_hung_up(&self.file)
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// [`OutputError::Closed`] when the reader is gone, or the failed write.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        if bytes.is_empty() {
            return Ok(());
        }
        closed::check_stdout()?;
        may_wait(bytes.len());
        let written = counters().at(Place::Stdout, || match self.is_terminal {
            true => progress::aside(|| self.file.write_all(bytes)),
            false => self.file.write_all(bytes),
        });
        written.map_err(failed)?;
        counters().wrote(bytes.len() as u64);
        Ok(())
    }

    /// Writes `bytes` bytes of a file from `position` on, which the kernel copies, or only refers
    /// to. Tells how many; fewer if it does not do that with this output, or the file is shorter.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn write_file(
        &mut self,
        file: &File,
        position: u64,
        bytes: u64,
    ) -> Result<u64, OutputError> {
        closed::check_stdout()?;
        let (mut at, end) = (position, position.saturating_add(bytes));
        while self.takes_files && at < end {
            let (from, left) = (at, usize::try_from(end - at).unwrap_or(usize::MAX));
            may_wait(left);
            let copy = || sys::file::copy(&self.file, file, &mut at, left);
            match counters().at(Place::Stdout, copy).map_err(failed)? {
                Some(0) => break,
                Some(_) => counters().wrote(at - from),
                None => self.takes_files = false,
            }
        }
        Ok(at - position)
    }
}

/// Standard output for what comes at the end of a run, after all that the run itself has written.
#[derive(Debug)]
pub struct LastOutput {
    output: Output,
    pending: Vec<u8>,
    refused: Option<OutputError>,
}

impl LastOutput {
    /// Takes standard output.
    ///
    /// # Errors
    /// As [`Output::stdout`].
    pub fn new() -> anyhow::Result<LastOutput> {
        Ok(LastOutput { output: Output::stdout()?, pending: Vec::new(), refused: None })
    }

    /// Writes what is pending.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn end(mut self) -> Result<(), OutputError> {
        let _ = self.pass_on();
        self.refused.map_or(Ok(()), Err)
    }
}

impl Outlet for LastOutput {
    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    fn pass_on(&mut self) -> Result<(), Refused> {
        if self.refused.is_none() {
            self.refused = self.output.write(&self.pending).err();
        }
        self.pending.clear();
        if self.refused.is_some() { Err(Refused) } else { Ok(()) }
    }

    fn screen(&self) -> Option<(usize, usize)> {
        self.output.size()
    }
}

/// So many bytes are written next: if a pipe may not hold all since the beginning, that may mean to
/// wait.
fn may_wait(bytes: usize) {
    if !counters().is_answering() && counters().bytes_out() + bytes as u64 > PIPE_BYTES_LEAST {
        counters().answer();
    }
}

fn failed(error: io::Error) -> OutputError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => OutputError::Closed,
        _ => OutputError::Io(error),
    }
}

/// Replaces a file as a whole: whoever reads it sees the old contents or the new ones.
///
/// # Errors
/// When it cannot be written; the old contents are then still there.
pub fn replace_file(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // In the same directory, so that renaming it is possible; hidden, and with another ending, so
    // that nobody who takes all files of a kind takes it.
    // Where others may write, they must neither guess the name nor have a link there.
    let unguessable = RandomState::new().build_hasher().finish();
    let temporary = path.with_file_name(format!(".{name}.{unguessable:016x}.tmp"));
    let replaced = File::create_new(&temporary)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| std::fs::rename(&temporary, path));
    replaced.map_err(|error| {
        // It may not be there at all; the first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        let status = match Status::of_io(&error) {
            Status::NotPermitted => Status::NotPermitted,
            _ => Status::CantCreate,
        };
        Failure::new(status, format!("{}: cannot write it: {error}", path.display())).into()
    })
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Asks for a wider pipe; anything else, or a refusal, is left as it is.
pub(super) fn widen_pipe(fd: BorrowedFd<'_>) {
    sys::pipe::widen(fd, PIPE_BYTES);
}

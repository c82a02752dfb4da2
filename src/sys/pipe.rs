//! Pipes, read and written without waiting, whoever else has them open.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, fcntl};
use rustix::io::{Errno, ReadWriteFlags, preadv2, pwritev2};

/// What the kernel writes at once or not at all, and not between what others write (`PIPE_BUF`).
pub const WHOLE_BYTES_MAX: usize = 4096;

/// The file system of pipes. FIFOs that have a name are in others, and can only be waited for.
const PIPEFS_MAGIC: i64 = 0x5049_5045;

/// The position in what has no positions.
const NO_POSITION: u64 = u64::MAX;

/// Whether this is a pipe without a name.
pub fn is_pipe(fd: impl AsFd) -> bool {
    rustix::fs::fstatfs(fd).is_ok_and(|stat| stat.f_type == PIPEFS_MAGIC)
}

/// Whether the kernel can read a pipe without waiting; Linux does since 6.4.
pub fn kernel_reads_without_waiting() -> bool {
    io::pipe().is_ok_and(|(reader, _writer)| matches!(read_now(reader, &mut [0]), Ok(None)))
}

/// Reads what is there, 0 bytes at the end; `None` if that would mean to wait.
///
/// # Errors
/// When it is not open for reading, or cannot be read without waiting.
pub fn read_now(pipe: impl AsFd, into: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        let mut slices = [IoSliceMut::new(into)];
        match preadv2(&pipe, &mut slices, NO_POSITION, ReadWriteFlags::NOWAIT) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes all of it, at most [`WHOLE_BYTES_MAX`], if that needs no waiting; else nothing. A pipe
/// that fails takes nothing: whoever lent it finds out why.
pub fn write_now(pipe: BorrowedFd<'_>, bytes: &[u8]) -> bool {
    let slices = [IoSlice::new(bytes)];
    bytes.len() <= WHOLE_BYTES_MAX
        && pwritev2(pipe, &slices, NO_POSITION, ReadWriteFlags::NOWAIT).is_ok()
}

/// How many bytes are in the pipe that its reader has not taken yet, whoever wrote them.
///
/// # Errors
/// When the kernel does not tell.
pub fn unread(pipe: impl AsFd) -> io::Result<u64> {
    Ok(rustix::io::ioctl_fionread(pipe)?)
}

/// Asks for a pipe that holds `bytes`; anything else, or a refusal, is left as it is.
pub fn widen(fd: BorrowedFd<'_>, bytes: i32) {
    let _ = fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes));
}

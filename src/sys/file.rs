//! Files and directories, opened, written and copied with care.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{AccessFlags, UnlinkatFlags, eaccess, unlinkat};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, sendfile};

/// What Linux takes in one call (IOV_MAX).
const SLICES_MAX: usize = 1024;

/// Opens a plain file; what is none, such as a pipe, is not waited for, and no link is followed.
///
/// # Errors
/// As `open(2)`, or when it is something else.
pub fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = options.custom_flags(flags).open(path).map_err(|error| {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ELOOP) => io::Error::other("it is a link, which is not followed"),
            // A socket, or a pipe that nobody has open.
            Some(Errno::ENXIO) => io::Error::other("it is not a plain file"),
            _ => error,
        }
    })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a plain file")),
    }
}

/// Opens a plain file to read it; what is none, such as a pipe, is not waited for. Links are
/// followed.
///
/// # Errors
/// As `open(2)`, or when it is something else.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a plain file")),
    }
}

/// Opens a file to read it. A FIFO that nobody has open for writing is not waited for here, but
/// when it is read.
///
/// # Errors
/// As `open(2)`.
pub fn open_unwaited(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Forces a directory's names to the disk.
///
/// # Errors
/// As `open(2)` and `fsync(2)`.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(dir)?.sync_all()
}

/// Opens a directory as a place to reach names in, and for nothing else.
///
/// # Errors
/// As `open(2)`.
pub fn open_place(dir: &Path) -> io::Result<OwnedFd> {
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    Ok(OpenOptions::new().read(true).custom_flags(flags).open(dir)?.into())
}

/// Removes a name in a directory; one that is gone already is fine.
///
/// # Errors
/// As `unlinkat(2)`.
pub fn remove_at(dir: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether we may make and remove names in a directory.
///
/// # Errors
/// Why not.
pub fn check_writable(dir: &Path) -> io::Result<()> {
    Ok(eaccess(dir, AccessFlags::W_OK | AccessFlags::X_OK)?)
}

/// How many bytes others than root may still write to the file system of a directory.
///
/// # Errors
/// As `statvfs(3)`.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = nix::sys::statvfs::statvfs(dir)?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// Writes at a position, with one call; tells how many bytes. The file's own position plays no
/// part.
///
/// # Errors
/// As `pwritev(2)`.
pub fn write_at(file: &File, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
    let slices = &slices[..slices.len().min(SLICES_MAX)];
    let position = libc::off_t::try_from(position).map_err(io::Error::other)?;
    Ok(nix::sys::uio::pwritev(file, slices, position)?)
}

/// Has the kernel copy up to `bytes` bytes of `file` from `position` on to `output`, and moves the
/// position; tells how many it copied, 0 at the file's end. `None` if it does not do that with this
/// output: a terminal, or a file that is appended to.
///
/// # Errors
/// As `sendfile(2)`.
pub fn copy(
    output: &File,
    file: &File,
    position: &mut u64,
    bytes: usize,
) -> io::Result<Option<usize>> {
    use rustix::io::Errno;
    loop {
        match sendfile(output, file, Some(position), bytes) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// How a file was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether it can be read and not written.
    pub reads_only: bool,
    /// Whether all writes go to its end.
    pub appends: bool,
}

/// How a file was opened.
///
/// # Errors
/// As `fcntl(2)`.
pub fn manner(file: impl AsFd) -> io::Result<Manner> {
    let flags = fcntl_getfl(file)?;
    Ok(Manner {
        reads_only: flags & OFlags::RWMODE == OFlags::RDONLY,
        appends: flags.contains(OFlags::APPEND),
    })
}

/// Whether our process, or the system, has as many files open as it may.
pub fn is_shortage_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EMFILE | Errno::ENFILE))
}

/// Whether the kernel is out of something that it may have again later.
pub fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    is_shortage_of_files(error) || matches!(errno, Some(Errno::ENOBUFS | Errno::ENOMEM))
}

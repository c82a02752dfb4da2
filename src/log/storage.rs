//! The few file operations that the log stands on, behind a trait, so that a test can put a disk
//! that crashes in their place.
//!
//! Data is written with write calls, never through a writable mapping: a full disk is then an error
//! and not a SIGBUS.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, to read and write; one that is there already is emptied.
    Create,
}

/// A file system, as far as the log needs one.
pub trait Storage: Debug + Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>>;
    /// The names in a directory, in no order. Names that are not UTF-8 are left out: none is ours.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a directory; one that is there already is fine.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Gives a file or directory another name, replacing a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, or a directory with all that is in it.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Forces a directory's names to the disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock on a file, which is made if it is not there; `None` if somebody holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
    /// Whether somebody holds the lock on a file.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;
}

/// An open file.
pub trait StorageFile: Debug + Send + Sync {
    /// Reads at a position; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all slices, one behind the other, at a position.
    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()>;
    /// Forces the contents to the disk (fdatasync).
    fn sync(&self) -> io::Result<()>;
    /// The file's length, in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file to a length.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// The kernel's descriptor of it, to be passed to other processes, if it has one.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub struct Lock {
    /// The lock belongs to this open file, and ends with it.
    _file: Option<File>,
}

impl Lock {
    /// A lock that stands for itself, for storage that no other process can see.
    pub fn unshared() -> Lock {
        Lock { _file: None }
    }
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// The description of a write lock on a file's first byte.
fn first_byte() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 1,
        l_pid: 0,
    }
}

impl Storage for Disk {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>> {
        let file = match open {
            Open::Read => File::open(path)?,
            Open::Write => File::options().read(true).write(true).open(path)?,
            Open::Create => {
                File::options().read(true).write(true).create(true).truncate(true).open(path)?
            }
        };
        Ok(Box::new(file))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o777).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            made => made,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&first_byte())) {
            Ok(_) => Ok(Some(Lock { _file: Some(file) })),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut lock = first_byte();
        fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut lock))?;
        Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
    }
}

impl StorageFile for File {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = position.saturating_add(filled as u64);
            match FileExt::read_at(self, &mut buffer[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let mut writer = WriterAt { file: self, position };
        let mut slices = slices.to_vec();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match writer.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

/// A position in a file, to write at: pwritev, so that the file's own position plays no part.
struct WriterAt<'a> {
    file: &'a File,
    position: u64,
}

impl Write for WriterAt<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        /// What Linux takes in one call (IOV_MAX).
        const SLICES_MAX: usize = 1024;
        let slices = &slices[..slices.len().min(SLICES_MAX)];
        let position = libc::off_t::try_from(self.position).map_err(io::Error::other)?;
        let count = nix::sys::uio::pwritev(self.file, slices, position)?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces a small file as a whole: after a crash it is the old one or the new one
/// (`docs/FORMAT.md`, "Small files").
///
/// # Errors
/// When any of its steps fails; the old file is then still there, or the new one already is.
pub fn replace(storage: &dyn Storage, path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let file = storage.open(&temporary, Open::Create)?;
    file.write_at(0, &[IoSlice::new(contents)])?;
    file.sync()?;
    storage.rename(&temporary, path)?;
    storage.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Reads a small file as a whole.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read_whole(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let file = storage.open(path, Open::Read)?;
    let mut contents = vec![0; usize::try_from(file.size()?).unwrap_or_default()];
    let count = file.read_at(0, &mut contents)?;
    contents.truncate(count);
    Ok(contents)
}

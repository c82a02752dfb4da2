//! The few file operations that the log stands on, behind a trait, so that a test can put a disk
//! that crashes in their place.
//!
//! Data is written with write calls, never through a writable mapping: a full disk is then an error
//! and not a SIGBUS.
//!
//! - [`metered`]: how long the operations take.
//! - `small`: small files, with a checksum; `writing`: a file written from its beginning to its
//!   end.

pub mod metered;
pub(in crate::log) mod small;
pub(in crate::log) mod writing;

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::sys;

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
    /// Checks that a directory can be removed with all that is in it; an error has its place.
    fn check_removable(&self, path: &Path) -> Result<(), (PathBuf, io::Error)>;
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

/// The file system of the machine. Links are not followed in the place of a file, and what is no
/// plain file is refused, also where others may write in the directory.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// The permissions of the files that are made, whatever the umask; directories have those that
    /// fit.
    mode: u32,
}

/// What the owner may do with every file.
const OWNER: u32 = 0o600;

impl Default for Disk {
    fn default() -> Disk {
        Disk { mode: OWNER }
    }
}

impl Disk {
    /// A disk whose new files may be read, never written, by those whom `mode` lets read.
    pub fn readable(mode: u32) -> Disk {
        Disk { mode: OWNER | mode & 0o044 }
    }

    /// Makes a data directory, and those above it, unless they are there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn make_data_dir(self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(self.dir_mode()).create(dir)
    }

    /// The permissions of directories: who may read a file may list its directory and pass it.
    pub fn dir_mode(self) -> u32 {
        0o700 | self.mode & 0o044 | (self.mode & 0o044) >> 2
    }
}

impl Storage for Disk {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(open != Open::Read).mode(self.mode);
        if open == Open::Create {
            options.create(true).truncate(true);
        }
        Ok(Box::new(sys::file::open_plain(&mut options, path)?))
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
        match DirBuilder::new().mode(self.dir_mode()).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            made => made,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if is_dir(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn check_removable(&self, path: &Path) -> Result<(), (PathBuf, io::Error)> {
        let parent = path.parent().unwrap_or(Path::new("."));
        check_writable(parent)?;
        check_tree(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        sys::file::sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(OWNER);
        let file = sys::file::open_plain(&mut options, path)?;
        close_to_others(&file)?;
        Ok(sys::lock::try_lock(&file)?.then_some(Lock { _file: Some(file) }))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        match sys::file::open_plain(OpenOptions::new().read(true), path) {
            Ok(file) => sys::lock::is_locked(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Takes a lock file from all but its owner: whoever can open it can hold the lock.
fn close_to_others(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    let is_ours = found.uid() == sys::user::effective();
    if is_ours && found.mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(OWNER))?;
    }
    Ok(())
}

/// Whether it is a directory, and not a link to one.
fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether names in a directory can be removed.
fn check_writable(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    sys::file::check_writable(dir).map_err(|error| (dir.to_owned(), error))
}

/// Whether a directory can be emptied.
fn check_tree(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    check_writable(dir)?;
    for entry in fs::read_dir(dir).map_err(|error| (dir.to_owned(), error))? {
        let path = entry.map_err(|error| (dir.to_owned(), error))?.path();
        if is_dir(&path) {
            check_tree(&path)?;
        }
    }
    Ok(())
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
        let mut position = position;
        let mut slices = slices.to_vec();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match sys::file::write_at(self, rest, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    position += count as u64;
                    IoSlice::advance_slices(&mut rest, count);
                }
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

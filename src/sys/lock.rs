//! Locks on files, held by the open file: they end with it, also when its process is killed.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

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

/// Takes the lock on a file, which must be open for writing; false if another open file has it.
///
/// # Errors
/// As `fcntl(2)`.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&first_byte())) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether another open file has the lock.
///
/// # Errors
/// As `fcntl(2)`.
pub fn is_locked(file: &File) -> io::Result<bool> {
    let mut lock = first_byte();
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::options().read(true).write(true).open(file.path()).unwrap();
        let (first, second) = (open(), open());
        assert!(try_lock(&first).unwrap() && try_lock(&first).unwrap());
        assert!(is_locked(&second).unwrap() && !try_lock(&second).unwrap());
        drop(first);
        assert!(!is_locked(&second).unwrap() && try_lock(&second).unwrap());
    }
}

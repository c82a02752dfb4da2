//! Where the socket is: the file `socket` in the log's directory.
//!
//! A socket's address holds 108 bytes at most, and a directory's path may be longer. So a long
//! path is reached through a descriptor of the directory, as `/proc/self/fd/N/socket`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::sys::{file, socket};

/// The socket's name in the directory.
pub const SOCKET: &str = "socket";
/// The longest path that a socket's address holds, by the kernel's `sockaddr_un`, with its NUL.
const ADDRESS_BYTES: usize = 108;

/// Why the socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there already.
    #[error("{}: another log-serve listens there; stop it first", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has the socket's name.
    #[error("{}: is not a socket; move it away", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// A socket that was passed to us is not where clients look for one.
    #[error("{}: the socket that was passed listens elsewhere; clients look for it here", path.display())]
    Elsewhere {
        /// Where it should be.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Connects to whoever listens in the directory; `None` if nobody does.
///
/// # Errors
/// When that cannot be told, or the socket's mode does not let us.
pub fn connect(dir: &Path) -> io::Result<Option<UnixStream>> {
    match Directory::open(dir).and_then(|dir| UnixStream::connect(dir.socket())) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error),
        },
    }
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    dir: Directory,
    /// Somebody else opened the socket, and listens on when we are gone.
    adopted: bool,
}

impl Listener {
    /// Listens in the directory, which the caller has locked, with `mode` as the socket's
    /// permissions from its first moment. A socket that a killed daemon left is replaced.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind(dir: &Path, mode: u32) -> Result<Listener, BindError> {
        let path = dir.join(SOCKET);
        let failed = |error| BindError::Io { path: path.clone(), error };
        let directory = Directory::open(dir).map_err(failed)?;
        match std::fs::symlink_metadata(directory.socket()) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(BindError::NotASocket { path });
            }
            Ok(_) => {
                if connect(dir).map_err(failed)?.is_some() {
                    return Err(BindError::InUse { path });
                }
                directory.unlink().map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = directory.listen(mode).map_err(failed)?;
        Ok(Listener { listener, dir: directory, adopted: false })
    }

    /// Listens on a socket that somebody else opened, in the directory.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn adopt(dir: &Path, listener: UnixListener) -> Result<Listener, BindError> {
        let path = dir.join(SOCKET);
        let failed = |error| BindError::Io { path: path.clone(), error };
        let directory = Directory::open(dir).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let there = address.as_pathname().and_then(|path| std::fs::canonicalize(path).ok());
        if there.is_none() || there != std::fs::canonicalize(&path).ok() {
            return Err(BindError::Elsewhere { path });
        }
        Ok(Listener { listener, dir: directory, adopted: true })
    }

    /// Whether somebody else opened the socket: who comes when we stop is the next daemon's.
    pub fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// Takes the next connection, waiting for it unless [`Listener::set_nonblocking`].
    ///
    /// # Errors
    /// As `accept(2)`.
    pub fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(stream, _)| stream)
    }

    /// Whether [`Listener::accept`] gives up at once when nobody waits.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.listener.set_nonblocking(nonblocking)
    }

    /// Removes the socket's file: nobody new finds the way. Who had found it still waits.
    ///
    /// # Errors
    /// As `unlink(2)`.
    pub fn hide(&self) -> io::Result<()> {
        self.dir.unlink()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// A directory and a path by which its socket can be reached.
#[derive(Debug)]
struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    fn open(dir: &Path) -> io::Result<Directory> {
        Ok(Directory { fd: file::open_place(dir)?, path: dir.to_owned() })
    }

    /// The path itself where it fits, so that tools which list sockets show it.
    fn socket(&self) -> PathBuf {
        let plain = self.path.join(SOCKET);
        if plain.as_os_str().len() < ADDRESS_BYTES {
            return plain;
        }
        PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd())).join(SOCKET)
    }

    /// Nobody connects before the mode is set.
    fn listen(&self, mode: u32) -> io::Result<UnixListener> {
        socket::listen(&self.socket(), self.fd.as_fd(), SOCKET, mode)
    }

    fn unlink(&self) -> io::Result<()> {
        file::remove_at(self.fd.as_fd(), SOCKET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn deep(base: &Path) -> PathBuf {
        let mut dir = base.to_owned();
        while dir.as_os_str().len() < 3 * ADDRESS_BYTES {
            dir.push("a-directory-with-a-rather-long-name");
        }
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn short_and_long_paths_are_reached() {
        let base = tempfile::tempdir().unwrap();
        for dir in [base.path().to_owned(), deep(base.path())] {
            assert!(connect(&dir).unwrap().is_none());
            let listener = Listener::bind(&dir, 0o640).unwrap();
            let metadata = std::fs::symlink_metadata(dir.join(SOCKET)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
            assert!(connect(&dir).unwrap().is_some());
            listener.accept().unwrap();
            assert!(matches!(Listener::bind(&dir, 0o600), Err(BindError::InUse { .. })));
            // As a killed daemon leaves it: the file without the listener.
            drop(listener);
            assert!(dir.join(SOCKET).exists());
            assert!(connect(&dir).unwrap().is_none());
            let again = Listener::bind(&dir, 0o600).unwrap();
            assert!(connect(&dir).unwrap().is_some());
            again.hide().unwrap();
            assert!(!dir.join(SOCKET).exists());
            again.hide().unwrap();
        }
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(SOCKET), "mine").unwrap();
        assert!(matches!(Listener::bind(dir.path(), 0o600), Err(BindError::NotASocket { .. })));
        assert_eq!(std::fs::read(dir.path().join(SOCKET)).unwrap(), b"mine");
    }

    #[test]
    fn no_directory_is_nobody_listening() {
        let dir = tempfile::tempdir().unwrap();
        assert!(connect(&dir.path().join("none")).unwrap().is_none());
    }
}

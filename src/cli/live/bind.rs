//! Making the sockets that we listen on.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::address::{Address, Host};
use crate::cli::{Failure, Status};
use crate::sys::socket;

/// A socket that others send to.
#[derive(Debug)]
pub(super) enum Bound {
    /// TCP connections come here.
    Tcp(TcpListener),
    /// Connections on a Unix socket come here.
    Unix(UnixListener),
    /// Datagrams come here.
    Udp(UdpSocket),
    /// Datagrams on a Unix socket come here.
    Unixgram(UnixDatagram),
}

/// The file of a Unix socket, which goes when we go.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Bound {
    /// Makes the socket; `mode` is that of a Unix socket. Tells its address, with the port that it
    /// has got, and the file that goes with it.
    ///
    /// # Errors
    /// When somebody else listens there, or may not be replaced, or the kernel refuses.
    pub fn new(
        address: &Address,
        mode: u32,
    ) -> Result<(Bound, Address, Option<SocketFile>), Failure> {
        let failed = |error: io::Error| {
            let status = match error.kind() {
                ErrorKind::AddrInUse => Status::TryAgain,
                ErrorKind::PermissionDenied => Status::NotPermitted,
                _ => Status::CantCreate,
            };
            Failure::new(status, format!("{address}: cannot listen there: {error}"))
        };
        let with_port = |host: &Host, at: io::Result<std::net::SocketAddr>| {
            let port = at.map_or(host.port, |at| at.port());
            Host { name: host.name.clone(), port }
        };
        Ok(match address {
            Address::Tcp(host) => {
                let listener = TcpListener::bind((host.name.as_str(), host.port));
                let listener = listener.map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                let at = Address::Tcp(with_port(host, listener.local_addr()));
                (Bound::Tcp(listener), at, None)
            }
            Address::Udp(host) => {
                let socket = UdpSocket::bind((host.name.as_str(), host.port)).map_err(failed)?;
                let at = Address::Udp(with_port(host, socket.local_addr()));
                (Bound::Udp(socket), at, None)
            }
            Address::Unix(path) => {
                make_way(address, path)?;
                let (dir, name) = parts(path).map_err(failed)?;
                let listener = socket::listen(path, dir.as_fd(), name, mode).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                let file = SocketFile::of(path).map_err(failed)?;
                (Bound::Unix(listener), address.clone(), Some(file))
            }
            Address::Unixgram(path) => {
                make_way(address, path)?;
                let (dir, name) = parts(path).map_err(failed)?;
                let socket = socket::receive_at(path, dir.as_fd(), name, mode).map_err(failed)?;
                let file = SocketFile::of(path).map_err(failed)?;
                (Bound::Unixgram(socket), address.clone(), Some(file))
            }
        })
    }
}

/// The directory of a file, and its name there.
fn parts(path: &Path) -> io::Result<(fs::File, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "is not a file name"))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    Ok((fs::File::open(dir.unwrap_or(Path::new(".")))?, name))
}

/// Removes the socket of a process that is gone.
fn make_way(address: &Address, path: &Path) -> Result<(), Failure> {
    let refused = |status, why: &str| Err(Failure::new(status, format!("{address}: {why}")));
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(Status::of_io(&error), &error.to_string()),
        Ok(found) => found,
    };
    if !found.file_type().is_socket() {
        return refused(Status::CantCreate, "a file that is not a socket has this name; move it");
    }
    let stream = UnixStream::connect(path).map(drop);
    let datagram = || UnixDatagram::unbound()?.connect(path);
    let connected = match stream {
        Err(error) if socket::is_other_kind(&error) => datagram(),
        connected => connected,
    };
    match connected {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Ok(()) => Ok(()),
            Err(error) => refused(Status::of_io(&error), &format!("cannot replace it: {error}")),
        },
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            refused(Status::NotPermitted, "another process may listen there; stop it first")
        }
        _ => refused(Status::TryAgain, "another process listens there; stop it first"),
    }
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let found = fs::symlink_metadata(path)?;
        // Wherever we are when it goes.
        let path = std::path::absolute(path)?;
        Ok(SocketFile { path, device: found.dev(), inode: found.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if is_ours {
            // If it stays, the next one replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

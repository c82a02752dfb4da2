//! Unix sockets: who is at the other end, sending without waiting, passing descriptors
//! (`SCM_RIGHTS` in unix(7)), and listening with a mode.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, getsockopt};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// How many descriptors are taken with one read, and held; what comes beyond is closed.
const DESCRIPTORS_MAX: usize = 4;

/// The process at the other end of a connection, when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
}

/// Who is at the other end; `None` if the kernel does not tell.
pub fn peer(stream: &UnixStream) -> Option<Peer> {
    let peer = getsockopt(stream, PeerCredentials).ok()?;
    Some(Peer { pid: peer.pid(), uid: peer.uid(), gid: peer.gid() })
}

/// Sends what the socket takes without waiting; tells how many bytes, 0 if none.
///
/// # Errors
/// As `sendmsg(2)`.
pub fn send_now(stream: &UnixStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), flags) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends bytes, and a descriptor with the first of them; tells how many. `None`, and nothing is
/// sent, if the kernel has as many descriptors under way as it lets us.
///
/// # Errors
/// As `sendmsg(2)`.
pub fn send_passing(
    stream: &UnixStream,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<Option<usize>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    loop {
        match sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::INTR) => {}
            Err(Errno::TOOMANYREFS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads once, and puts what descriptors come along after the others; what is more than a few is
/// closed.
///
/// # Errors
/// As `recvmsg(2)`.
pub fn receive_passed(
    stream: &UnixStream,
    room: &mut [u8],
    descriptors: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(room)];
    let got = recvmsg(stream, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            // What comes beyond is closed.
            let room = DESCRIPTORS_MAX.saturating_sub(descriptors.len());
            descriptors.extend(passed.take(room));
        }
    }
    Ok(got.bytes)
}

/// Listens at `path`, which is the file `name` of the directory `dir`. The mode is set between
/// `bind` and `listen`: nobody connects before.
///
/// # Errors
/// As the calls for it.
pub fn listen(path: &Path, dir: BorrowedFd<'_>, name: &str, mode: u32) -> io::Result<UnixListener> {
    let kind = SockType::Stream;
    let fd = socket::socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    socket::bind(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    fchmodat(dir, name, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)?;
    socket::listen(&fd, Backlog::MAXCONN)?;
    Ok(UnixListener::from(fd))
}

/// Listens at a name that is no file, and does not wait to accept. It is there as long as the
/// listener.
///
/// # Errors
/// As the calls for it.
pub fn listen_abstract(name: &str) -> io::Result<UnixListener> {
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Connects to who listens at such a name.
///
/// # Errors
/// As the calls for it.
pub fn connect_abstract(name: &str) -> io::Result<UnixStream> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
}

/// Receives datagrams at `path`, which is the file `name` of the directory `dir`.
///
/// # Errors
/// As the calls for it.
pub fn receive_at(
    path: &Path,
    dir: BorrowedFd<'_>,
    name: &str,
    mode: u32,
) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::bind(path)?;
    fchmodat(dir, name, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Whether connecting failed since the socket there is for datagrams, or for connections.
pub fn is_other_kind(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EPROTOTYPE as i32)
}

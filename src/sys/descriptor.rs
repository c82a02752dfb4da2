//! File descriptors by their numbers.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use rustix::io::fcntl_getfd;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::stdio::{stdin, stdout};

/// Whether standard input and output are open. One system call each, and nothing of the standard
/// library: this may be called before main.
pub fn standard_ones_are_open() -> (bool, bool) {
    (fcntl_getfd(stdin()).is_ok(), fcntl_getfd(stdout()).is_ok())
}

/// A copy of a descriptor of which only the number is known; `None` if it is not open. The kernel
/// hands it over by a socket of our own: to open the file once more, by /proc, would need a
/// permission that may be gone.
///
/// # Errors
/// As the calls for it.
pub fn copy_of(number: i32) -> io::Result<Option<OwnedFd>> {
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC)?;
    let (rights, byte) = ([number], [IoSlice::new(b"\n")]);
    let rights = [ControlMessage::ScmRights(&rights)];
    match sendmsg::<()>(theirs.as_raw_fd(), &byte, &rights, MsgFlags::empty(), None) {
        Err(Errno::EBADF) => return Ok(None),
        sent => sent?,
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut room = [IoSliceMut::new(&mut byte)];
    recvmsg(&ours, &mut room, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let copy = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut passed) => passed.next(),
        _ => None,
    });
    copy.map(Some).ok_or_else(|| Errno::EMFILE.into())
}

/// Closes a descriptor by its number, which nobody must use any more.
///
/// # Errors
/// As `close(2)`.
pub fn close(number: i32) -> io::Result<()> {
    Ok(nix::unistd::close(number)?)
}

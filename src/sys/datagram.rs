//! Datagrams, and how many of them the kernel had no room for.

use std::fs;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recv, recvmsg, setsockopt, sockopt,
};
use nix::sys::stat::fstat;

/// What was received.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Its length, as far as there was room.
    pub bytes: usize,
    /// Whether there was not room for all of it.
    pub is_cut: bool,
    /// Who sent it; none on a Unix socket.
    pub from: Option<SocketAddr>,
    /// How many datagrams the kernel had dropped when this one came, since the socket is open, as
    /// far as it tells (SO_RXQ_OVFL in socket(7)); it wraps around.
    pub dropped: Option<u32>,
}

/// Has the kernel tell of what it drops, and keep `room_bytes` of what is not read yet, or as much
/// as it lets us: without the right to administer the network, not more than `net.core.rmem_max`.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn prepare(socket: impl AsFd, room_bytes: usize) -> io::Result<()> {
    if setsockopt(&socket, sockopt::RcvBufForce, &room_bytes).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &room_bytes)?;
    }
    // Unix sockets do not have it: there senders wait.
    let _ = setsockopt(&socket, sockopt::RxqOvfl, &1);
    Ok(())
}

/// Has the kernel find out when the peer of a quiet connection is gone.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn keep_alive(socket: impl AsFd) -> io::Result<()> {
    Ok(setsockopt(&socket, sockopt::KeepAlive, &true)?)
}

/// Receives a datagram without waiting; `None` if there is none.
///
/// # Errors
/// As `recvmsg(2)`.
pub fn receive(socket: impl AsFd, room: &mut [u8]) -> io::Result<Option<Datagram>> {
    let mut space = cmsg_space!(u32);
    let mut slices = [IoSliceMut::new(room)];
    let (fd, flags) = (socket.as_fd().as_raw_fd(), MsgFlags::MSG_DONTWAIT);
    let got = match recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut space), flags) {
        Ok(got) => got,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let dropped = got.cmsgs().ok().and_then(|mut all| {
        all.find_map(|message| match message {
            ControlMessageOwned::RxqOvfl(dropped) => Some(dropped),
            _ => None,
        })
    });
    let is_cut = got.flags.contains(MsgFlags::MSG_TRUNC);
    let from = got.address.as_ref().and_then(address);
    Ok(Some(Datagram { bytes: got.bytes, is_cut, from, dropped }))
}

/// Throws away what has come and was not received, up to `most` datagrams; how many that are.
pub fn discard(socket: impl AsFd, most: u64) -> u64 {
    let fd = socket.as_fd().as_raw_fd();
    let mut count = 0;
    while count < most {
        match recv(fd, &mut [0], MsgFlags::MSG_DONTWAIT) {
            Ok(_) => count += 1,
            Err(Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    count
}

/// How many datagrams of a UDP socket the kernel has dropped until now, as
/// [`Datagram::dropped`] counts them; `None` if it does not tell. No datagram needs to come for
/// that, but a file is read that lists all sockets.
pub fn dropped(socket: impl AsFd) -> Option<u32> {
    let inode = fstat(socket).ok()?.st_ino.to_string();
    ["/proc/net/udp", "/proc/net/udp6"].iter().find_map(|list| {
        let list = fs::read_to_string(list).ok()?;
        list.lines().skip(1).find_map(|line| {
            // sl, addresses, state, queues, timers, retransmits, uid, timeout, inode, …, drops
            let mut columns = line.split_ascii_whitespace();
            (columns.nth(9)? == inode).then(|| columns.next_back()?.parse().ok())?
        })
    })
}

fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::new(IpAddr::V4(v4.ip()), v4.port()));
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddr::new(IpAddr::V6(v6.ip()), v6.port()))
}

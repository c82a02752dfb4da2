//! Many descriptors that are waited for as one (epoll(7)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// How many descriptors are learned of with one call.
const EVENTS_MAX: usize = 64;

/// Descriptors, each with a number of its own. It is readable itself while one of them is.
#[derive(Debug)]
pub struct Poller(Epoll);

impl Poller {
    /// One without descriptors.
    ///
    /// # Errors
    /// When the kernel has no descriptor left.
    pub fn new() -> io::Result<Poller> {
        Ok(Poller(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Takes a descriptor, which is to be told by `number`.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub fn add(&self, fd: impl AsFd, number: u64) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number))?)
    }

    /// Forgets a descriptor.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(self.0.delete(fd)?)
    }

    /// Gives the numbers of those that have something to read, or have ended or failed, to `take`;
    /// does not wait.
    ///
    /// # Errors
    /// As `epoll_wait(2)`.
    pub fn ready(&self, take: impl FnMut(u64)) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        let count = match self.0.wait(&mut events, EpollTimeout::ZERO) {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        events.iter().take(count).map(EpollEvent::data).for_each(take);
        Ok(())
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

//! A descriptor that becomes readable when somebody says so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Something that happens, as often as it is rung; readable since it was rung.
#[derive(Debug)]
pub struct Event(EventFd);

impl Event {
    /// One that has not been rung.
    ///
    /// # Errors
    /// When the kernel has no descriptor left.
    pub fn new() -> io::Result<Event> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Event(EventFd::from_value_and_flags(0, flags)?))
    }

    /// Makes it readable.
    pub fn ring(&self) {
        // It can only fail if 2^64 rings are outstanding.
        let _ = self.0.write(1);
    }

    /// Makes it unreadable again.
    pub fn clear(&self) {
        // Nothing to read is as good as something read.
        let _ = self.0.read();
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

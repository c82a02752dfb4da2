//! Waking those who follow a topic, and nobody else; where little has become visible, sending it to
//! some of them instead.
//!
//! A follower that has read everything arms its waiter, looks once more, and only then sleeps. A
//! writer first makes its records visible, then rings. Whatever the order of these steps, one of
//! the two sees the other. A follower that is busy reading is not armed and costs the writer no
//! system call.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::direct::Outlet;
use super::limits::DIRECT_MAX;
use super::lock;

/// What a topic's followers listen to.
#[derive(Debug, Default)]
pub struct Bell {
    listeners: Mutex<Vec<Arc<Waiter>>>,
}

/// One who may sleep.
#[derive(Debug)]
pub struct Waiter {
    armed: AtomicBool,
    event: EventFd,
    /// While it sleeps: what it takes to send it what it waits for.
    lent: Mutex<Option<Outlet>>,
}

/// Listening to a bell, until dropped.
#[derive(Debug)]
pub struct Listening<'a> {
    bell: &'a Bell,
    waiter: Arc<Waiter>,
}

impl Bell {
    /// Begins to listen.
    pub fn listen(&self, waiter: &Arc<Waiter>) -> Listening<'_> {
        lock(&self.listeners).push(Arc::clone(waiter));
        Listening { bell: self, waiter: Arc::clone(waiter) }
    }

    /// Wakes all who are armed. What they wait for must be visible already.
    pub fn ring(&self) {
        self.ring_or_deliver(0);
    }

    /// The same where little has become visible: some who have lent out what it takes are sent it,
    /// and sleep on.
    pub fn deliver(&self) {
        self.ring_or_deliver(DIRECT_MAX);
    }

    fn ring_or_deliver(&self, mut directly: usize) {
        // Between making visible, above, and looking who is armed: the counterpart of `arm`.
        fence(Ordering::SeqCst);
        // Others who ring wait meanwhile, and then see who is armed again.
        for waiter in lock(&self.listeners).iter() {
            if !waiter.armed.swap(false, Ordering::SeqCst) {
                continue;
            }
            if directly > 0 && waiter.deliver() {
                directly -= 1;
                waiter.arm();
            } else {
                // It can only fail if 2^64 rings are outstanding.
                let _ = waiter.event.write(1);
            }
        }
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.waiter.disarm();
        lock(&self.bell.listeners).retain(|waiter| !Arc::ptr_eq(waiter, &self.waiter));
    }
}

impl Waiter {
    /// A waiter, not armed.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn new() -> io::Result<Waiter> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let event = EventFd::from_value_and_flags(0, flags)?;
        Ok(Waiter { armed: AtomicBool::new(false), event, lent: Mutex::default() })
    }

    /// From now on a ring makes the descriptor readable. Look once more before sleeping.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// There is no need to be woken.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Lends out what it takes to send, for the time of a sleep.
    pub fn lend(&self, outlet: Outlet) {
        *lock(&self.lent) = Some(outlet);
    }

    /// Takes it back: from here on nobody else sends.
    pub fn take_back(&self) -> Option<Outlet> {
        lock(&self.lent).take()
    }

    fn deliver(&self) -> bool {
        lock(&self.lent).as_mut().is_some_and(Outlet::deliver)
    }

    /// Makes the descriptor unreadable again.
    pub fn clear(&self) {
        // Nothing to read is as good as something read.
        let _ = self.event.read();
    }
}

impl AsFd for Waiter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::sync::atomic::AtomicU64;

    fn readable(waiter: &Waiter, timeout: PollTimeout) -> bool {
        poll(&mut [PollFd::new(waiter.as_fd(), PollFlags::POLLIN)], timeout).unwrap() > 0
    }

    #[test]
    fn only_the_armed_are_woken_and_only_once() {
        let bell = Bell::default();
        let waiter = Arc::new(Waiter::new().unwrap());
        let listening = bell.listen(&waiter);
        bell.ring();
        assert!(!readable(&waiter, PollTimeout::ZERO));
        waiter.arm();
        bell.ring();
        bell.ring();
        assert!(readable(&waiter, PollTimeout::ZERO));
        waiter.clear();
        assert!(!readable(&waiter, PollTimeout::ZERO));
        waiter.arm();
        drop(listening);
        bell.ring();
        assert!(!readable(&waiter, PollTimeout::ZERO));
    }

    /// A writer that publishes and rings as fast as it can, and a follower that sleeps whenever it
    /// has seen everything: it never sleeps past the last number.
    #[test]
    fn no_wake_up_is_lost() {
        const LAST: u64 = 20_000;
        let (bell, visible) = (Bell::default(), AtomicU64::new(0));
        let waiter = Arc::new(Waiter::new().unwrap());
        let _listening = bell.listen(&waiter);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=LAST {
                    visible.store(number, Ordering::Release);
                    bell.ring();
                }
            });
            let (mut seen, mut armed) = (0, false);
            while seen < LAST {
                let now = visible.load(Ordering::Acquire);
                if now > seen {
                    (seen, armed) = (now, false);
                    waiter.disarm();
                } else if !armed {
                    waiter.arm();
                    armed = true;
                } else {
                    assert!(readable(&waiter, PollTimeout::from(30_000_u16)), "stuck at {seen}");
                    waiter.clear();
                    armed = false;
                }
            }
        });
    }
}

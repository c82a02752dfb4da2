//! Wakes the followers of a topic that sleep; or, where few records became visible, sends these to
//! some of them.
//!
//! A follower that has read everything arms its subscriber, looks once more, and only then sleeps.
//! A writer first makes its records visible, then notifies. Whatever the order of these steps, one
//! of the two sees the other. A follower that is busy reading is not armed and costs the writer no
//! system call.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex};

use super::direct_delivery::DirectDelivery;
use super::limits::DIRECT_MAX;
use super::lock;
use crate::sys::event::Event;

/// What a topic's followers subscribe to.
#[derive(Debug, Default)]
pub struct Notifier {
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
}

/// One who may sleep.
#[derive(Debug)]
pub struct Subscriber {
    armed: AtomicBool,
    event: Event,
    /// While it sleeps: what it takes to send it what it waits for.
    lent: Mutex<Option<DirectDelivery>>,
}

/// Subscription to a notifier, until dropped.
#[derive(Debug)]
pub struct Subscription<'a> {
    notifier: &'a Notifier,
    subscriber: Arc<Subscriber>,
}

impl Notifier {
    /// Begins to subscribe.
    pub fn subscribe(&self, subscriber: &Arc<Subscriber>) -> Subscription<'_> {
        lock(&self.subscribers).push(Arc::clone(subscriber));
        Subscription { notifier: self, subscriber: Arc::clone(subscriber) }
    }

    /// Wakes all who are armed. What they wait for must be visible already.
    pub fn notify(&self) {
        self.notify_or_deliver(0);
    }

    /// The same where little has become visible: some who have lent out what it takes are sent it,
    /// and sleep on.
    pub fn deliver(&self) {
        self.notify_or_deliver(DIRECT_MAX);
    }

    fn notify_or_deliver(&self, mut directly: usize) {
        // Between making visible, above, and looking who is armed: the counterpart of `arm`.
        fence(Ordering::SeqCst);
        // Others who notify wait meanwhile, and then see who is armed again.
        for subscriber in lock(&self.subscribers).iter() {
            if !subscriber.armed.swap(false, Ordering::SeqCst) {
                continue;
            }
            if directly > 0 && subscriber.deliver() {
                directly -= 1;
                subscriber.arm();
            } else {
                subscriber.event.ring();
            }
        }
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.subscriber.disarm();
        lock(&self.notifier.subscribers)
            .retain(|subscriber| !Arc::ptr_eq(subscriber, &self.subscriber));
    }
}

impl Subscriber {
    /// A subscriber, not armed.
    ///
    /// When the kernel has no file descriptor left.
    pub fn new() -> io::Result<Subscriber> {
        Ok(Subscriber {
            armed: AtomicBool::new(false),
            event: Event::new()?,
            lent: Mutex::default(),
        })
    }

    /// From now on a notify makes the descriptor readable. Look once more before sleeping.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// There is no need to be woken.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Lends out what it takes to send, for the time of a sleep.
    pub fn lend(&self, outlet: DirectDelivery) {
        *lock(&self.lent) = Some(outlet);
    }

    /// Takes it back: from here on nobody else sends.
    pub fn take_back(&self) -> Option<DirectDelivery> {
        lock(&self.lent).take()
    }

    fn deliver(&self) -> bool {
        lock(&self.lent).as_mut().is_some_and(DirectDelivery::deliver)
    }

    /// Makes the descriptor unreadable again.
    pub fn clear(&self) {
        self.event.clear();
    }
}

impl AsFd for Subscriber {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait::{Wanted, wait};
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    fn readable(subscriber: &Subscriber, timeout: Duration) -> bool {
        wait(&[(subscriber.as_fd(), Wanted::Input)], Some(timeout)).unwrap() == [true]
    }

    #[test]
    fn only_the_armed_are_woken_and_only_once() {
        let notifier = Notifier::default();
        let subscriber = Arc::new(Subscriber::new().unwrap());
        let listening = notifier.subscribe(&subscriber);
        notifier.notify();
        assert!(!readable(&subscriber, Duration::ZERO));
        subscriber.arm();
        notifier.notify();
        notifier.notify();
        assert!(readable(&subscriber, Duration::ZERO));
        subscriber.clear();
        assert!(!readable(&subscriber, Duration::ZERO));
        subscriber.arm();
        drop(listening);
        notifier.notify();
        assert!(!readable(&subscriber, Duration::ZERO));
    }

    /// A writer that publishes and rings as fast as it can, and a follower that sleeps whenever it
    /// has seen everything: it never sleeps past the last number.
    #[test]
    fn no_wake_up_is_lost() {
        const LAST: u64 = 20_000;
        let (notifier, visible) = (Notifier::default(), AtomicU64::new(0));
        let subscriber = Arc::new(Subscriber::new().unwrap());
        let _listening = notifier.subscribe(&subscriber);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=LAST {
                    visible.store(number, Ordering::Release);
                    notifier.notify();
                }
            });
            let (mut seen, mut armed) = (0, false);
            while seen < LAST {
                let now = visible.load(Ordering::Acquire);
                if now > seen {
                    (seen, armed) = (now, false);
                    subscriber.disarm();
                } else if !armed {
                    subscriber.arm();
                    armed = true;
                } else {
                    assert!(readable(&subscriber, Duration::from_secs(30)), "stuck at {seen}");
                    subscriber.clear();
                    armed = false;
                }
            }
        });
    }
}

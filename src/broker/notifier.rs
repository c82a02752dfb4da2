//! Wakes the followers of a topic that sleep; or, where few records became visible, delivers these
//! to some of them.
//!
//! A follower that has read everything arms its subscriber, looks once more, and only then sleeps.
//! A writer first makes its records visible, then notifies. Whatever the order of these steps, one
//! of the two sees the other. A follower that is busy reading is not armed and costs the writer no
//! system call.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use super::limits::DIRECT_MAX;
use super::lock;
use crate::sys::event::Event;

/// What a topic's followers subscribe to.
#[derive(Debug, Default)]
pub struct Notifier {
    subscribers: Mutex<Vec<Arc<Subscriber<dyn Deliver>>>>,
}

/// What a sleeping follower lends to whoever appends: the way to deliver to it what it waits for.
pub trait Deliver: Send {
    /// Delivers what has become visible, without waiting. False if the follower is to be woken.
    fn deliver(&mut self) -> bool;
}

/// Nothing: who lends this is always woken.
impl Deliver for () {
    fn deliver(&mut self) -> bool {
        false
    }
}

/// The same where it is lent only for the time of a sleep.
impl<D: Deliver> Deliver for Option<D> {
    fn deliver(&mut self) -> bool {
        self.as_mut().is_some_and(D::deliver)
    }
}

/// One who may sleep.
pub struct Subscriber<D: ?Sized = ()> {
    armed: AtomicBool,
    event: Event,
    /// While it sleeps: what it takes to deliver to it what it waits for.
    lent: Mutex<D>,
}

/// Subscription to a notifier, until dropped.
#[derive(Debug)]
pub struct Subscription<'a> {
    notifier: &'a Notifier,
    subscriber: Arc<Subscriber<dyn Deliver>>,
}

impl Notifier {
    /// Begins to subscribe.
    pub fn subscribe<D>(&self, subscriber: &Arc<Subscriber<D>>) -> Subscription<'_>
    where
        D: Deliver + 'static,
    {
        let subscriber: Arc<Subscriber<dyn Deliver>> = Arc::<Subscriber<D>>::clone(subscriber);
        lock(&self.subscribers).push(Arc::clone(&subscriber));
        Subscription { notifier: self, subscriber }
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
            if directly > 0 && lock(&subscriber.lent).deliver() {
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

impl<D: Deliver + Default> Subscriber<D> {
    /// A subscriber, not armed.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn new() -> io::Result<Subscriber<D>> {
        Ok(Subscriber {
            armed: AtomicBool::new(false),
            event: Event::new()?,
            lent: Mutex::default(),
        })
    }
}

impl<D> Subscriber<Option<D>> {
    /// Lends out what it takes to deliver, for the time of a sleep.
    pub fn lend(&self, delivery: D) {
        *lock(&self.lent) = Some(delivery);
    }

    /// Takes it back: from here on nobody else delivers.
    pub fn take_back(&self) -> Option<D> {
        lock(&self.lent).take()
    }
}

impl<D: ?Sized> Subscriber<D> {
    /// From now on a notify makes the descriptor readable. Look once more before sleeping.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// There is no need to be woken.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Makes the descriptor unreadable again.
    pub fn clear(&self) {
        self.event.clear();
    }
}

impl<D: ?Sized> fmt::Debug for Subscriber<D> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.debug_struct("Subscriber").field("armed", &self.armed).finish_non_exhaustive()
    }
}

impl<D: ?Sized> AsFd for Subscriber<D> {
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
        let subscriber = Arc::new(Subscriber::<()>::new().unwrap());
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
        let subscriber = Arc::new(Subscriber::<()>::new().unwrap());
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

    /// A follower that takes so many deliveries.
    impl Deliver for u32 {
        fn deliver(&mut self) -> bool {
            *self = self.saturating_sub(1);
            *self > 0
        }
    }

    #[test]
    fn who_lends_a_way_is_delivered_to_and_sleeps_on() {
        let notifier = Notifier::default();
        let subscriber = Arc::new(Subscriber::<Option<u32>>::new().unwrap());
        let readable = || {
            wait(&[(subscriber.as_fd(), Wanted::Input)], Some(Duration::ZERO)).unwrap() == [true]
        };
        let _listening = notifier.subscribe(&subscriber);
        subscriber.lend(2);
        subscriber.arm();
        notifier.deliver();
        assert!(!readable(), "it was delivered to");
        notifier.deliver();
        assert!(readable(), "it does not take more");
        assert_eq!(subscriber.take_back(), Some(0));
        subscriber.clear();
        subscriber.arm();
        notifier.deliver();
        assert!(readable(), "it lends nothing");
    }
}

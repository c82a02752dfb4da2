//! The memory that appends in hand may hold together: shares of a fixed sum, taken in the order of
//! arrival, so that a large append is not overtaken for ever by small ones.

use std::sync::{Condvar, Mutex};

use super::lock;

/// The sum, and who waits for a share of it.
#[derive(Debug)]
pub struct Budget {
    bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: u64,
    /// The number that the next one to wait will draw.
    next: u64,
    /// The number whose turn it is.
    turn: u64,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: u64) -> Budget {
        Budget {
            bytes,
            state: Mutex::new(State { free: bytes, next: 0, turn: 0 }),
            changed: Condvar::new(),
        }
    }

    /// Takes a share, unless that means to wait.
    pub fn try_take(&self, bytes: u64) -> Option<Share<'_>> {
        let mut state = lock(&self.state);
        if state.next != state.turn || state.free < bytes {
            return None;
        }
        state.free -= bytes;
        Some(Share { budget: self, bytes })
    }

    /// Takes a share, which must not be larger than the whole budget, waiting for its turn.
    pub fn take(&self, bytes: u64) -> Share<'_> {
        let mut state = lock(&self.state);
        let number = state.next;
        state.next += 1;
        while state.turn != number || state.free < bytes {
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.free -= bytes;
        state.turn += 1;
        // The next in line may find enough, too.
        self.changed.notify_all();
        Share { budget: self, bytes }
    }

    /// The whole sum, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes are taken, and how many wait for a share.
    pub fn used(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (self.bytes - state.free, state.next - state.turn)
    }

    /// Whether anybody waits for a share.
    pub fn is_short(&self) -> bool {
        let state = lock(&self.state);
        state.next != state.turn
    }
}

impl Share<'_> {
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.budget.state);
        state.free += self.bytes;
        if state.next != state.turn {
            self.budget.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn shares_are_given_back() {
        let budget = Budget::new(10);
        let share = budget.try_take(6);
        assert_eq!((budget.used(), budget.bytes()), ((6, 0), 10));
        assert!(share.is_some());
        assert!(budget.try_take(5).is_none());
        drop(share);
        assert!(budget.try_take(10).is_some());
        assert!(!budget.is_short());
    }

    #[test]
    fn nobody_is_overtaken() {
        let budget = Budget::new(10);
        let (sent, order) = mpsc::channel();
        std::thread::scope(|scope| {
            let first = budget.take(6);
            for (place, bytes) in [8, 3].into_iter().enumerate() {
                let (sent, budget) = (sent.clone(), &budget);
                scope.spawn(move || {
                    let _share = budget.take(bytes);
                    sent.send(bytes).unwrap();
                });
                let all_wait = place as u64 + 1;
                while waiting(budget) != all_wait {
                    std::thread::yield_now();
                }
            }
            assert!(budget.is_short());
            // There is room for one byte, but it is not its turn.
            assert!(budget.try_take(1).is_none());
            drop(first);
            assert_eq!((order.recv(), order.recv()), (Ok(8), Ok(3)));
        });
        assert!(!budget.is_short());
    }

    fn waiting(budget: &Budget) -> u64 {
        let state = lock(&budget.state);
        state.next - state.turn
    }
}

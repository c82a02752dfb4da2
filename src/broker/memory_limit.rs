//! The memory that appends in hand may hold together: shares of a fixed sum, taken in the order of
//! arrival, so that a large append is not overtaken for ever by small ones.
//!
//! One user never holds all of it. Who waits because of what the same user holds already is
//! overtaken by others, since it does not wait for them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};

use super::lock;

/// The user who is charged; `None` is charged to nobody and may take all.
pub type Account = Option<u32>;

/// The sum, and who waits for a share of it.
#[derive(Debug)]
pub struct MemoryLimit {
    bytes: u64,
    /// The most that one user may hold.
    user_bytes_max: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    free: u64,
    /// What each user holds.
    held: HashMap<u32, u64>,
    /// The number that the next one to wait will draw.
    next: u64,
    waiting: VecDeque<Claim>,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug)]
struct Claim {
    number: u64,
    account: Account,
    bytes: u64,
}

/// A part of the limit, given back when dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    memory_limit: &'a MemoryLimit,
    account: Account,
    bytes: u64,
}

impl MemoryLimit {
    /// A limit of so many bytes, of which one user may hold so many.
    pub fn new(bytes: u64, user_bytes_max: u64) -> MemoryLimit {
        let state = Mutex::new(State { free: bytes, ..State::default() });
        MemoryLimit { bytes, user_bytes_max, state, changed: Condvar::new() }
    }

    /// Takes a share, unless that means to wait.
    pub fn try_take(&self, account: Account, bytes: u64) -> Option<Permit<'_>> {
        let mut state = lock(&self.state);
        let number = state.claim(account, bytes);
        state.grant(self.user_bytes_max);
        state.withdraw(number).then(|| Permit { memory_limit: self, account, bytes })
    }

    /// Takes a share, which must not be larger than a user's part, waiting for its turn.
    pub fn take(&self, account: Account, bytes: u64) -> Permit<'_> {
        let mut state = lock(&self.state);
        let number = state.claim(account, bytes);
        state.grant(self.user_bytes_max);
        while state.waits(number) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Permit { memory_limit: self, account, bytes }
    }

    /// The whole sum, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes are taken, and how many wait for a share.
    pub fn used(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (self.bytes - state.free, state.waiting.len() as u64)
    }
}

impl State {
    /// Gets in line; tells the number that was drawn.
    fn claim(&mut self, account: Account, bytes: u64) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(Claim { number, account, bytes });
        number
    }

    fn waits(&self, number: u64) -> bool {
        self.waiting.iter().any(|claim| claim.number == number)
    }

    /// Leaves the line; whether the claim was met already.
    fn withdraw(&mut self, number: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|claim| claim.number != number);
        self.waiting.len() == before
    }

    /// Whether the claim waits for what its own user holds.
    fn is_over(&self, claim: &Claim, user_bytes_max: u64) -> bool {
        let held = claim.account.and_then(|user| self.held.get(&user));
        claim.account.is_some() && held.unwrap_or(&0) + claim.bytes > user_bytes_max
    }

    /// Meets the claims that can be met, in the order of arrival. Whether there were any.
    fn grant(&mut self, user_bytes_max: u64) -> bool {
        // Nobody overtakes another claim of the same user.
        let mut behind = HashSet::new();
        let (mut at, before) = (0, self.waiting.len());
        while let Some(&claim) = self.waiting.get(at) {
            let passed_over = claim.account.is_some_and(|user| behind.contains(&user));
            if passed_over || self.is_over(&claim, user_bytes_max) {
                behind.extend(claim.account);
                at += 1;
                continue;
            }
            if self.free < claim.bytes {
                break;
            }
            self.free -= claim.bytes;
            if let Some(user) = claim.account {
                *self.held.entry(user).or_default() += claim.bytes;
            }
            self.waiting.remove(at);
        }
        self.waiting.len() < before
    }

    fn give_back(&mut self, account: Account, bytes: u64) {
        self.free += bytes;
        let Some(user) = account else { return };
        if let Some(held) = self.held.get_mut(&user) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                self.held.remove(&user);
            }
        }
    }
}

impl Permit<'_> {
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether anybody waits who might be helped by it.
    pub fn is_wanted(&self) -> bool {
        let state = lock(&self.memory_limit.state);
        let helps = |claim: &Claim| {
            claim.account == self.account || !state.is_over(claim, self.memory_limit.user_bytes_max)
        };
        state.waiting.iter().any(helps)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.memory_limit.state);
        state.give_back(self.account, self.bytes);
        if state.grant(self.memory_limit.user_bytes_max) {
            self.memory_limit.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const ALICE: Account = Some(1);
    const BOB: Account = Some(2);

    #[test]
    fn shares_are_given_back() {
        let memory_limit = MemoryLimit::new(10, 10);
        let share = memory_limit.try_take(None, 6);
        assert_eq!((memory_limit.used(), memory_limit.bytes()), ((6, 0), 10));
        assert!(share.is_some());
        assert!(memory_limit.try_take(None, 5).is_none());
        drop(share);
        assert!(memory_limit.try_take(ALICE, 10).is_some());
        assert_eq!(memory_limit.used(), (0, 0));
        assert!(lock(&memory_limit.state).held.is_empty());
    }

    #[test]
    fn nobody_is_overtaken() {
        let memory_limit = MemoryLimit::new(10, 10);
        let (sent, order) = mpsc::channel();
        std::thread::scope(|scope| {
            let first = memory_limit.take(None, 6);
            for (place, bytes) in [8, 3].into_iter().enumerate() {
                let (sent, memory_limit) = (sent.clone(), &memory_limit);
                scope.spawn(move || {
                    let _share = memory_limit.take(None, bytes);
                    sent.send(bytes).unwrap();
                });
                wait_until_waiting(memory_limit, place as u64 + 1);
            }
            assert!(first.is_wanted());
            // There is room for one byte, but it is not its turn.
            assert!(memory_limit.try_take(None, 1).is_none());
            drop(first);
            assert_eq!((order.recv(), order.recv()), (Ok(8), Ok(3)));
        });
        assert_eq!(memory_limit.used(), (0, 0));
    }

    #[test]
    fn one_user_holds_no_more_than_its_part_and_holds_up_only_itself() {
        let memory_limit = MemoryLimit::new(10, 5);
        let alices = memory_limit.take(ALICE, 4);
        let bobs = memory_limit.take(BOB, 1);
        let (sent, order) = mpsc::channel();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let share = memory_limit.take(ALICE, 3);
                sent.send(()).unwrap();
                drop(share);
            });
            wait_until_waiting(&memory_limit, 1);
            // It would fit, but comes after the other one of the same user.
            assert!(memory_limit.try_take(ALICE, 1).is_none());
            assert!(alices.is_wanted() && !bobs.is_wanted());
            assert!(memory_limit.try_take(BOB, 4).is_some());
            assert!(memory_limit.try_take(None, 5).is_some());
            assert!(order.try_recv().is_err());
            drop(alices);
            assert_eq!(order.recv(), Ok(()));
            waiting.join().unwrap();
        });
    }

    fn wait_until_waiting(memory_limit: &MemoryLimit, count: u64) {
        while memory_limit.used().1 != count {
            std::thread::yield_now();
        }
    }
}

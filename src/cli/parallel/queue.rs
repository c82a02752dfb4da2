//! A queue that several threads take from.
//!
//! Unlike a channel it can be asked for what is there while others wait for what comes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Things for whoever takes them first, the oldest first.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    /// Whether nothing more will come.
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Queue<T> {
        let state = State { items: VecDeque::new(), closed: false };
        Queue { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts one more behind the others.
    pub fn put(&self, item: T) {
        self.state().items.push_back(item);
        self.changed.notify_one();
    }

    /// Says that nothing more will come; what is there is not wanted any more.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.items.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Takes the first one, if there is one.
    pub fn try_take(&self) -> Option<T> {
        self.state().items.pop_front()
    }

    /// Takes the first one, waiting for it; none when nothing more will come.
    pub fn take(&self) -> Option<T> {
        let waits = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let waited = self.changed.wait_while(self.state(), waits);
        waited.unwrap_or_else(PoisonError::into_inner).items.pop_front()
    }

    /// What one thread left is whole, even if it panicked.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn each_is_taken_once_also_while_others_wait() {
        let queue = Queue::new();
        thread::scope(|scope| {
            let taker = || std::iter::from_fn(|| queue.take()).sum::<u32>();
            let threads = [scope.spawn(taker), scope.spawn(taker)];
            let mut own = 0;
            for item in 1..=1000 {
                queue.put(item);
                own += queue.try_take().unwrap_or_default();
            }
            // Whoever still has something to take has taken it when there is nothing left.
            while let Some(item) = queue.try_take() {
                own += item;
            }
            queue.close();
            let others: u32 = threads.map(|thread| thread.join().unwrap()).iter().sum();
            assert_eq!(own + others, 500_500);
        });
        assert!(queue.take().is_none());
    }
}

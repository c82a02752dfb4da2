//! Records on their way from the thread that reads them to the one that appends them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use crate::cli::rejects::Rejected;

/// How much memory records take that wait; beside them there are those that are being appended.
const QUEUED_BYTES_MAX: usize = 8 << 20;

/// A queue of records, and what is said of them in the other direction.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    came: Condvar,
    /// All records are appended, or nobody takes them any more.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Batch,
    /// Whether no more records come.
    is_closed: bool,
    /// Whether some are being appended.
    is_busy: bool,
    /// Whether nobody takes them any more.
    is_abandoned: bool,
    rejected: Vec<Rejected>,
}

impl Queue {
    /// Takes all records of a batch, or none if there is no room for them or nobody takes them.
    pub fn put(&self, batch: &mut Batch) -> bool {
        if batch.is_empty() {
            return true;
        }
        let mut state = self.state();
        if state.is_closed || state.is_abandoned {
            return false;
        }
        // A batch that is too large by itself would never have room.
        let held = state.waiting.memory_bytes();
        if held > 0 && held + batch.memory_bytes() > QUEUED_BYTES_MAX {
            return false;
        }
        state.waiting.append(batch);
        drop(state);
        self.came.notify_one();
        true
    }

    /// Waits for records, and gives all that wait; false if no more come after these.
    pub fn take(&self, batch: &mut Batch) -> bool {
        batch.clear();
        let mut state = self.state();
        state.is_busy = false;
        if state.waiting.is_empty() {
            self.settled.notify_all();
        }
        while state.waiting.is_empty() && !state.is_closed {
            state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.waiting, batch);
        state.is_busy = true;
        !state.is_closed
    }

    /// Whether records wait.
    pub fn has_more(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Whether records wait or are being appended, or there is something to be heard of them.
    pub fn is_busy(&self) -> bool {
        let state = self.state();
        state.is_busy
            || state.is_abandoned
            || !state.waiting.is_empty()
            || !state.rejected.is_empty()
    }

    /// Waits until all records are appended, or nobody takes them any more.
    pub fn settle(&self) {
        let goes_on =
            |state: &mut State| !state.is_abandoned && (state.is_busy || !state.waiting.is_empty());
        drop(self.settled.wait_while(self.state(), goes_on));
    }

    /// No more records come.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.came.notify_one();
    }

    /// Nobody takes records any more.
    pub fn abandon(&self) {
        self.state().is_abandoned = true;
        self.settled.notify_all();
    }

    /// Whether that is so.
    pub fn is_abandoned(&self) -> bool {
        self.state().is_abandoned
    }

    /// Tells that records were bad.
    pub fn reject(&self, mut rejected: Vec<Rejected>) {
        if !rejected.is_empty() {
            self.state().rejected.append(&mut rejected);
        }
    }

    /// Which ones were.
    pub fn take_rejected(&self) -> Vec<Rejected> {
        std::mem::take(&mut self.state().rejected)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::decode::Raw;

    fn batch(record: &[u8]) -> Batch {
        let mut batch = Batch::default();
        batch.begin_origin("a");
        batch.push(Raw { bytes: record, line: 1, unterminated: false });
        batch
    }

    #[test]
    fn records_are_taken_together_and_in_order() {
        let queue = Queue::default();
        assert!(queue.put(&mut batch(b"1")) && queue.put(&mut batch(b"2")));
        let mut taken = Batch::default();
        assert!(queue.take(&mut taken));
        assert_eq!((taken.bytes(), taken.origin(1)), (&b"1\n2\n"[..], Some("a")));
        assert!(queue.is_busy() && !queue.has_more());
        queue.close();
        assert!(!queue.take(&mut taken) && taken.is_empty());
    }

    #[test]
    fn what_has_no_room_is_left_where_it_is() {
        let queue = Queue::default();
        let large = vec![b'1'; QUEUED_BYTES_MAX];
        assert!(queue.put(&mut batch(&large)));
        let mut more = batch(b"2");
        assert!(!queue.put(&mut more) && more.len() == 1);
        queue.take(&mut Batch::default());
        assert!(queue.put(&mut more) && more.is_empty());
    }

    #[test]
    fn nothing_is_put_where_nobody_takes_it() {
        for end in [Queue::close, Queue::abandon] {
            let queue = Queue::default();
            assert!(queue.put(&mut batch(b"1")));
            end(&queue);
            let mut more = batch(b"2");
            assert!(!queue.put(&mut more) && more.len() == 1);
        }
    }

    #[test]
    fn it_is_settled_when_all_is_appended_or_nobody_takes_it() {
        let queue = Queue::default();
        queue.settle();
        assert!(queue.put(&mut batch(b"1")));
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let mut taken = Batch::default();
                (queue.take(&mut taken), queue.take(&mut taken))
            });
            queue.settle();
            assert!(!queue.has_more());
            queue.close();
            assert_eq!(taker.join().unwrap(), (true, false));
        });
        queue.abandon();
        queue.settle();
    }
}

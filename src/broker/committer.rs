//! Writing while reading: a thread that hands a client's batches in while the next ones are taken
//! from it.
//!
//! One disk write is under way at a time, as without it; but the session meanwhile receives and
//! checks what comes next, which is most of the work. A client that waits for each answer never
//! gets such a thread: for it the session writes by itself, and no time goes into passing batches
//! between threads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use super::appends::Outcomes;
use super::commit_queue::CommitQueue;
use crate::log::Batch;
use crate::sys::event::Event;

/// Writes batches for one client. Dropped, it first finishes what it was given.
pub struct Committer {
    work: Option<Sender<Work>>,
    done: Receiver<Outcomes>,
    event: Arc<Event>,
    thread: Option<JoinHandle<()>>,
}

type Work = (Arc<CommitQueue>, Vec<Batch>);

impl Committer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread or descriptor left.
    pub fn start() -> io::Result<Committer> {
        let event = Arc::new(Event::new()?);
        let (work, taken) = channel::<Work>();
        let (tell, done) = channel();
        let rung = Arc::clone(&event);
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || {
            for (queue, batches) in taken {
                if tell.send(queue.append(batches)).is_err() {
                    return;
                }
                rung.ring();
            }
        })?;
        Ok(Committer { work: Some(work), done, event, thread: Some(thread) })
    }

    /// Hands batches over. What was handed over before must have been taken back.
    pub fn hand(&self, queue: Arc<CommitQueue>, batches: Vec<Batch>) {
        if let Some(work) = &self.work {
            // A thread that is gone shows when its outcomes are asked for.
            let _ = work.send((queue, batches));
        }
    }

    /// Readable once the outcomes are there.
    pub fn done(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// What became of the batches, waiting for it; empty if the thread is gone.
    pub fn take(&self) -> Outcomes {
        let outcomes = self.done.recv().unwrap_or_default();
        self.event.clear();
        outcomes
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

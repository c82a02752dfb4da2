//! Whatever the screen is told of: there is one channel for all of it.

use std::io;
use std::sync::mpsc::Sender;

use crate::cli::signals::Wish;
use crate::cli::{Failure, Status};
use crate::tui::Event;

/// What happens.
#[derive(Debug)]
pub enum Happening {
    /// To the screen.
    Event(Event),
    /// A signal came.
    Wish(Wish),
    /// The terminal cannot be read any more.
    Lost(io::Error),
    /// The thread of this name has panicked, and has given the terminal back.
    Broken(&'static str),
}

/// What the program ends with when a thread has panicked, which has told why.
pub fn broken(thread: &str) -> anyhow::Error {
    Failure::new(Status::Internal, format!("the thread '{thread}' has panicked")).into()
}

/// Held by a thread while it runs, so that the program ends if it panics.
pub struct Alarm {
    thread: &'static str,
    tell: Sender<Happening>,
}

impl Alarm {
    /// For the thread of this name.
    pub fn new(thread: &'static str, tell: &Sender<Happening>) -> Alarm {
        Alarm { thread, tell: tell.clone() }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.tell.send(Happening::Broken(self.thread));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_thread_is_told_and_its_end_is_not() {
        for panics in [false, true] {
            let (tell, told) = std::sync::mpsc::channel();
            let run = move || {
                let _alarm = Alarm::new("reader", &tell);
                assert!(!panics, "as it is wanted");
            };
            assert_eq!(std::thread::spawn(run).join().is_err(), panics);
            let is_told = matches!(told.recv(), Ok(Happening::Broken("reader")));
            assert_eq!(is_told, panics);
        }
    }
}

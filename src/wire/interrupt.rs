//! What ends a wait for a peer that does not answer, as when it is stopped.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::sys::wait::{Wanted, wait};

/// Ends waits for the peer once we are told to stop, unless the peer answers soon.
#[derive(Debug)]
pub struct Interrupt {
    /// Readable once we are told to stop, and from then on.
    wake: OwnedFd,
    /// How long the peer may take from then on.
    grace: Duration,
}

impl Interrupt {
    /// Ends waits `grace` after `wake` becomes readable; it must stay readable.
    pub fn new(wake: OwnedFd, grace: Duration) -> Interrupt {
        Interrupt { wake, grace }
    }

    /// Waits as `sys::wait::wait` does, until one of the descriptors has what is wanted; tells
    /// which.
    ///
    /// # Errors
    /// Of the kind `Interrupted` when we are told to stop and none has it within the grace; when
    /// the kernel refuses to poll.
    pub fn wait(&self, fds: &[(BorrowedFd<'_>, Wanted)]) -> io::Result<Vec<bool>> {
        let with_wake = [fds, &[(self.wake.as_fd(), Wanted::Input)]].concat();
        let mut ready = wait(&with_wake, None)?;
        ready.truncate(fds.len());
        if !ready.contains(&true) {
            // It stays readable, and would end each further wait at once.
            ready = wait(fds, Some(self.grace))?;
        }
        match ready.contains(&true) {
            true => Ok(ready),
            false => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_a_peer_that_says_nothing_is_given_up() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (wake, mut ring) = UnixStream::pair().unwrap();
        let interrupt = Interrupt::new(wake.into(), Duration::from_millis(1));
        let wait = || interrupt.wait(&[(ours.as_fd(), Wanted::Input)]);
        theirs.write_all(b"1").unwrap();
        assert_eq!(wait().unwrap(), [true]);
        ring.write_all(b"!").unwrap();
        // What is there already is taken.
        assert_eq!(wait().unwrap(), [true]);
        io::Read::read_exact(&mut &ours, &mut [0]).unwrap();
        let error = wait().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(theirs);
        assert!(wait().is_ok(), "the end of the peer is an answer");
    }
}

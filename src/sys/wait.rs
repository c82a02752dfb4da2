//! Waiting until descriptors can be read or written.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// What to wait for. Hang-ups and errors end every wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Something to read, or its end.
    Input,
    /// Room to write.
    Output,
    /// A hang-up, and nothing else.
    HangUp,
}

/// Waits until one of the descriptors has what is wanted of it, or has failed; tells which. All are
/// false if the time was over first.
///
/// # Errors
/// As `ppoll(2)`; a signal only interrupts.
pub fn wait(fds: &[(BorrowedFd<'_>, Wanted)], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let flags = |wanted| match wanted {
        Wanted::Input => PollFlags::POLLIN,
        Wanted::Output => PollFlags::POLLOUT,
        Wanted::HangUp => PollFlags::empty(),
    };
    let mut fds: Vec<_> = fds.iter().map(|&(fd, wanted)| PollFd::new(fd, flags(wanted))).collect();
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut left = end.and(timeout);
    loop {
        match ppoll(&mut fds, left.map(TimeSpec::from_duration), None) {
            Ok(_) => return Ok(fds.iter().map(|fd| fd.any().unwrap_or(true)).collect()),
            Err(nix::Error::EINTR) => {
                left = end.map(|end| end.saturating_duration_since(Instant::now()));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether nobody is at the other end of a pipe or socket any more, or it has failed.
pub fn has_hung_up(fd: impl AsFd) -> bool {
    wait(&[(fd.as_fd(), Wanted::HangUp)], Some(Duration::ZERO))
        .is_ok_and(|seen| seen.first() == Some(&true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_wanted_is_told_apart() {
        let (reader, mut writer) = io::pipe().unwrap();
        let both = |timeout| {
            wait(&[(reader.as_fd(), Wanted::Input), (reader.as_fd(), Wanted::HangUp)], timeout)
                .unwrap()
        };
        assert_eq!(both(Some(Duration::ZERO)), [false, false]);
        assert_eq!(both(Some(Duration::from_millis(1))), [false, false]);
        writer.write_all(b"x").unwrap();
        assert_eq!(both(None), [true, false]);
        assert_eq!(wait(&[(writer.as_fd(), Wanted::Output)], Some(Duration::MAX)).unwrap(), [true]);
        assert!(!has_hung_up(&writer));
        drop(reader);
        assert!(has_hung_up(&writer));
    }
}

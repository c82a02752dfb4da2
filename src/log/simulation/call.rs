//! The calls of a storage, as far as a test makes them fail.

use std::io;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No room (ENOSPC), also found out only by a sync. A write leaves half of it behind.
    Full,
    /// The same, but found out at once.
    NoRoom,
    /// The device fails (EIO). A write leaves half of it behind; what a failed sync had to force
    /// to the disk can still be read but never gets there (Rebello et al., ATC 2020).
    Io,
    /// The process has no descriptor left (EMFILE): only calls that need one fail.
    NoDescriptor,
    /// A signal came in between (EINTR), and nothing was done.
    Interrupted,
    /// A write that takes less than it was given, and then nothing more.
    Short,
}

impl Fault {
    pub(in crate::log) fn error(self) -> io::Error {
        match self {
            Fault::Full | Fault::NoRoom => io::Error::from_raw_os_error(nix::libc::ENOSPC),
            Fault::Io => io::Error::from_raw_os_error(nix::libc::EIO),
            Fault::NoDescriptor => io::Error::from_raw_os_error(nix::libc::EMFILE),
            Fault::Interrupted => io::Error::from_raw_os_error(nix::libc::EINTR),
            Fault::Short => io::ErrorKind::WriteZero.into(),
        }
    }

    /// Whether a call of this kind can fail in this way.
    pub(in crate::log) fn befalls(self, call: Call) -> bool {
        match self {
            Fault::Full => {
                matches!(call, Call::Write | Call::Overwrite | Call::Name | Call::Sync)
            }
            Fault::NoRoom => matches!(call, Call::Write | Call::Name),
            Fault::Io | Fault::Interrupted => true,
            Fault::NoDescriptor => matches!(call, Call::Open | Call::Name),
            Fault::Short => matches!(call, Call::Write | Call::Overwrite),
        }
    }
}

/// What kind of thing a call of the storage does, as far as that decides on how it can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) enum Call {
    /// Needs a descriptor, and changes nothing.
    Open,
    /// Changes names; making a file needs a descriptor.
    Name,
    Read,
    /// Makes a file longer.
    Write,
    /// Writes in the place of what is there.
    Overwrite,
    Sync,
    /// Takes no room: lengths, removals.
    Other,
}

/// Whether a write that failed so has written something.
pub(in crate::log) fn leaves_a_part(error: &io::Error) -> bool {
    use io::ErrorKind::{StorageFull, WriteZero};
    matches!(error.kind(), StorageFull | WriteZero) || error.raw_os_error() == Some(nix::libc::EIO)
}

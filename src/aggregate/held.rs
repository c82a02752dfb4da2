//! How much memory states take, for `--stats`.
//!
//! Each state counts what it allocates and frees, so that its size is known at any time without a
//! visit of its groups. What counts is resident memory: with what the allocator adds, and without
//! the part of a large vector that was never written to.

use super::fault::StreamError;

/// What is held, and was at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What windows are made of, which is what is counted below: the word for one, and for many.
    pub of: [&'static str; 2],
    /// Groups now, those of all open windows.
    pub groups: usize,
    /// Groups at most.
    pub groups_most: usize,
    /// Open windows now.
    pub windows: usize,
    /// Open windows at most, where windows closed.
    pub windows_most: usize,
    /// About how many bytes their states take now.
    pub bytes: usize,
    /// And at most, with what results were made in.
    pub bytes_most: usize,
}

impl Held {
    /// Nothing is held yet.
    pub(super) fn new(of: [&'static str; 2]) -> Held {
        let (groups, groups_most, windows, windows_most) = (0, 0, 0, 0);
        Held { of, groups, groups_most, windows, windows_most, bytes: 0, bytes_most: 0 }
    }

    /// So much is held now. To be called before anything is given back.
    pub(super) fn see(&mut self, groups: usize, windows: usize, bytes: usize) {
        self.see_counts(groups, windows);
        self.bytes = bytes;
        self.see_bytes(bytes);
    }

    /// The same, where what they take is about what was seen last.
    pub(super) fn see_counts(&mut self, groups: usize, windows: usize) {
        (self.groups, self.windows) = (groups, windows);
        self.groups_most = self.groups_most.max(groups);
        self.windows_most = self.windows_most.max(windows);
    }

    /// So many bytes were held in between.
    pub(super) fn see_bytes(&mut self, bytes: usize) {
        self.bytes_most = self.bytes_most.max(bytes);
    }
}

/// After how much input, in bytes, memory is looked at, so that a limit holds: what one record adds
/// grows with its length.
const LOOK_BYTES: usize = 256 * 1024;

/// Input of less than this part of what was held brings it little: a record is held in a few
/// windows, and takes about as much in each as it is long.
const LITTLE: usize = 256;

/// How much memory may be taken, and when it is to be looked at next.
pub(super) struct Allowance {
    bytes_max: usize,
    /// How much was held at the last look.
    seen: usize,
    /// How much input came since.
    unseen: usize,
}

impl Allowance {
    /// At most so many bytes.
    pub(super) fn new(bytes_max: usize) -> Allowance {
        Allowance { bytes_max, seen: 0, unseen: 0 }
    }

    /// A record of so many bytes comes; says whether memory is to be checked before it is taken.
    pub(super) fn is_due(&mut self, record_bytes: usize) -> bool {
        self.unseen += record_bytes;
        self.unseen >= LOOK_BYTES
    }

    /// Whether what is held may be noticeably more than at the last look.
    pub(super) fn is_out_of_date(&self) -> bool {
        self.unseen >= self.seen / LITTLE
    }

    /// Memory was looked at: so many bytes are held. If that is too much, it stays due: a record
    /// that is refused comes again, for its message.
    pub(super) fn see(&mut self, bytes: usize) {
        if bytes <= self.bytes_max {
            (self.seen, self.unseen) = (bytes, 0);
        }
    }

    /// Much was given back: what was seen is not so any more.
    pub(super) fn forget(&mut self) {
        self.seen = 0;
    }

    /// Checks that so many bytes may be taken.
    pub(super) fn check(&self, bytes: usize) -> Result<(), StreamError> {
        if bytes > self.bytes_max {
            return Err(StreamError::TooMuchMemory(self.bytes_max));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_input_beside_much_that_is_held_is_no_reason_to_look() {
        let mut allowance = Allowance::new(usize::MAX);
        assert!(allowance.is_out_of_date());
        allowance.see(100 * LITTLE);
        assert!(!allowance.is_due(99) && !allowance.is_out_of_date());
        assert!(!allowance.is_due(1) && allowance.is_out_of_date());
        allowance.see(100 * LITTLE);
        assert!(!allowance.is_out_of_date());
        allowance.forget();
        assert!(allowance.is_out_of_date());
    }

    #[test]
    fn what_is_too_much_is_so_when_the_record_comes_again() {
        let mut allowance = Allowance::new(100);
        for bytes in [101, 101, 100] {
            assert!(allowance.is_due(LOOK_BYTES));
            allowance.see(bytes);
            assert_eq!(allowance.check(bytes).is_ok(), bytes == 100);
        }
        assert!(!allowance.is_due(1));
    }

    #[test]
    fn the_greatest_stays() {
        let mut held = Held::new(["window", "windows"]);
        held.see(3, 2, 300);
        held.see_bytes(500);
        held.see(1, 1, 100);
        assert_eq!((held.groups, held.windows, held.bytes), (1, 1, 100));
        assert_eq!((held.groups_most, held.windows_most, held.bytes_most), (3, 2, 500));
    }
}

//! How far a file was read, as the log keeps it: in the one number that a sequence is
//! (`docs/PROTOCOL.md`, *append*).

use super::identity::HEAD_BYTES_MAX;

/// How many bytes before the position are part of the check, at most.
pub const TAIL_BYTES_MAX: usize = 1024;

/// The lower bits are the check, then comes one that says that the file was finished.
const CHECK_BITS: u32 = 19;
const CHECK_MASK: u64 = (1 << CHECK_BITS) - 1;
const ENDED: u64 = 1 << CHECK_BITS;
const POSITION_SHIFT: u32 = CHECK_BITS + 1;

/// The longest content that can be read: 16 TiB, as the largest file of ext4.
pub const POSITION_MAX: u64 = u64::MAX >> POSITION_SHIFT;

/// How far a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// How many bytes of its decompressed content the log has.
    pub position: u64,
    /// Whether nothing was to follow, so that a last line without a line end was taken.
    pub ended: bool,
    /// What tells the content from another of which only the beginning is the same.
    check: u64,
}

impl Mark {
    /// Of a file of which nothing was read, and which the log is to know: 0 is no sequence that a
    /// batch can have.
    pub const BEGUN: Mark = Mark { position: 0, ended: false, check: 1 };

    /// At a position of a content that begins with `head` and has `tail` before the position;
    /// [`Mark::BEGUN`] at its beginning.
    pub fn new(position: u64, ended: bool, head: &[u8], tail: &[u8]) -> Mark {
        if position == 0 && !ended {
            return Mark::BEGUN;
        }
        let length = |most: usize| usize::try_from(position).unwrap_or(most).min(most);
        let head = head.get(..length(HEAD_BYTES_MAX)).unwrap_or(head);
        let from = tail.len().saturating_sub(length(TAIL_BYTES_MAX));
        let tail = tail.get(from..).unwrap_or_default();
        let crc = crc32c::crc32c_append(crc32c::crc32c(head), tail);
        Mark { position, ended, check: u64::from(crc) & CHECK_MASK }
    }

    /// The mark that a sequence is; 0 is the beginning.
    pub fn of(sequence: u64) -> Mark {
        Mark {
            position: sequence >> POSITION_SHIFT,
            ended: sequence & ENDED != 0,
            check: sequence & CHECK_MASK,
        }
    }

    /// The sequence that says so.
    pub fn sequence(self) -> u64 {
        let ended = if self.ended { ENDED } else { 0 };
        self.position.min(POSITION_MAX) << POSITION_SHIFT | ended | self.check
    }

    /// Whether it is a mark of a content that begins with `head` and has `tail` before the
    /// position.
    pub fn agrees(self, head: &[u8], tail: &[u8]) -> bool {
        self == Mark::BEGUN || self == Mark::new(self.position, self.ended, head, tail)
    }
}

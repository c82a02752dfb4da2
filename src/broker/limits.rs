//! How much the service takes on, whoever asks it.

use std::time::Duration;

use crate::record::RECORD_BYTES_MAX;

/// How many bytes of records are read at once, unless a single record is larger.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Runs of at least so many bytes are passed as a file, to clients that take files.
pub const FILE_RUN_BYTES_MIN: u64 = 1 << 20;
/// Batches that are smaller than this together may be delivered by whoever appended them.
pub const SMALL_GROUP_BYTES_MAX: usize = 16 << 10;
/// How many sleeping followers are sent a small append by whoever appended; the others are woken.
pub const DIRECT_MAX: usize = 8;
/// How many bytes of appends one client gathers while those before them are written: what a disk
/// takes in a few milliseconds, so that waiting for it is worth its while.
pub const AHEAD_BYTES_MAX: u64 = 4 << 20;
/// Of memory, one user may have one part in so many; root and the service's own user may have all.
pub const USER_PARTS: u64 = 2;
/// How often a warning of one kind is printed; the next one tells how many there were meanwhile.
pub(super) const WARNING_EVERY: Duration = Duration::from_secs(10);
/// Of how many topics with readers or writers a client keeps what it may do.
pub(super) const GRANTS_KEPT_MAX: usize = 1024;
/// How many bad records one error lists.
pub(super) const BAD_RECORDS_LISTED_MAX: usize = 65_536;

/// The limits that may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of records in one append.
    pub append_bytes_max: u64,
    /// The most bytes of records that all appends in progress may have together.
    pub memory_bytes_max: u64,
    /// How many bytes of the disk are left free: an append that would take them is refused.
    pub free_bytes_min: u64,
    /// How many files topics may keep open, those of readers not counted: then those that nobody
    /// uses are closed.
    pub files_max: usize,
    /// Under how many producers' names one client may append.
    pub names_max: usize,
}

impl Limits {
    /// The memory for appends: enough for one at least.
    pub(super) fn append_memory(&self) -> u64 {
        self.memory_bytes_max.max(self.append_bytes_max)
    }

    /// The most of it that one user's appends may hold: enough for one at least.
    pub(super) fn user_append_memory(&self) -> u64 {
        (self.memory_bytes_max / USER_PARTS).max(self.append_bytes_max)
    }

    /// The memory for long records that are delivered: as much again as that for appends, and
    /// enough for one at least.
    pub(super) fn delivery_memory(&self) -> u64 {
        self.memory_bytes_max.max(RECORD_BYTES_MAX as u64)
    }

    /// The most of it that one user's readers may hold.
    pub(super) fn user_delivery_memory(&self) -> u64 {
        (self.memory_bytes_max / USER_PARTS).max(RECORD_BYTES_MAX as u64)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            append_bytes_max: 32 << 20,
            memory_bytes_max: 256 << 20,
            free_bytes_min: 0,
            files_max: 512,
            names_max: 1024,
        }
    }
}

/// A size for people: with a unit and one digit after the point.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 30_u32), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((name, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_to_a_tenth() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}

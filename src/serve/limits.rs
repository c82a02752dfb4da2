//! How much the daemon takes on. Every queue, line and buffer of it is bounded here.

use std::time::Duration;

use crate::record::RECORD_BYTES_MAX;

/// How many bytes of records go out behind one header, unless a single record is larger.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// Runs of at least so many bytes are passed as a file, to clients that take files.
pub(super) const FILE_RUN_BYTES_MIN: u64 = 1 << 20;
/// Runs of records smaller than this are gathered into one write.
pub(super) const GATHER_BYTES: usize = 16 << 10;
/// How much is read at once from a pipe that is lent: what a pipe holds that nobody made wider.
pub(super) const LENT_READ_BYTES: usize = IDLE_BUFFER_BYTES;
/// How many sleeping followers are sent a small append by whoever appended; the others are woken.
pub(super) const DIRECT_MAX: usize = 8;
/// How many bytes of appends one connection gathers while those before them are written: what a
/// disk takes in a few milliseconds, so that waiting for it is worth its while.
pub(super) const AHEAD_BYTES_MAX: u64 = 4 << 20;
/// How many bytes a second of an append must come, and of a long record be taken, while others wait
/// for the memory that it holds.
pub(super) const RATE_MIN: u64 = 1 << 20;
/// Runs of more bytes, which are single records, take a share of the memory for deliveries.
pub(super) const SMALL_RUN_BYTES_MAX: usize = 2 * CHUNK_BYTES;
/// Of connections and of memory, one user may have one part in so many; root and the daemon's own
/// user may have all.
pub(super) const USER_PARTS: u64 = 2;
/// Of connections, so many are kept for root and the daemon's own user, but at most one in
/// [`KEPT_PARTS`]: several users must not shut out who would look into it.
const KEPT_CONNECTIONS: usize = 8;
const KEPT_PARTS: usize = 16;
/// How often a warning of one kind is printed; the next one tells how many there were meanwhile.
pub(super) const WARNING_EVERY: Duration = Duration::from_secs(10);
/// How much buffer a session may keep while it waits.
pub(super) const IDLE_BUFFER_BYTES: usize = 64 << 10;
/// A session's stack: what jq counts on. It takes more by itself where it needs it.
pub(super) const STACK_BYTES: usize = 2 << 20;
/// Of how many topics with readers or writers a connection keeps what it may do.
pub(super) const GRANTS_KEPT_MAX: usize = 1024;
/// How many bad records one error lists.
pub(super) const BAD_RECORDS_LISTED_MAX: usize = 65_536;
/// How long to leave the kernel alone when it has no descriptor or memory for a connection.
pub(super) const RESPITE: Duration = Duration::from_millis(100);

/// The limits that may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at a time.
    pub connections_max: usize,
    /// The longest request line, in bytes, its line end counted.
    pub request_bytes_max: usize,
    /// The most bytes of records in one append.
    pub append_bytes_max: u64,
    /// The most bytes of records that all appends in hand may have together.
    pub memory_bytes_max: u64,
    /// How many bytes of the disk are left free: an append that would take them is refused.
    pub free_bytes_min: u64,
    /// How many files topics may keep open, those of readers not counted: then those that nobody
    /// uses are closed.
    pub files_max: usize,
    /// Under how many producers' names one connection may append.
    pub names_max: usize,
    /// How long an append's bytes may stay away, or come too slowly, while others wait for its
    /// memory.
    pub stall: Duration,
    /// How long sessions may take to finish when the daemon stops.
    pub drain: Duration,
}

impl Limits {
    /// Why there is no place for another connection beside so many. `own` is how many of them its
    /// user has; none for root and the daemon's own, who may have all.
    pub(super) fn refusal(&self, taken: usize, own: Option<usize>) -> Option<&'static str> {
        let kept = (self.connections_max / KEPT_PARTS).min(KEPT_CONNECTIONS);
        let all = self.connections_max - if own.is_some() { kept } else { 0 };
        if taken >= all {
            return Some("log-serve has all the connections that --max-connections allows");
        }
        let parts = usize::try_from(USER_PARTS).unwrap_or(1);
        let most = self.connections_max.div_ceil(parts);
        own.is_some_and(|own| own >= most)
            .then_some("this user has half of the connections that --max-connections allows")
    }

    /// The memory for long records that are delivered: as much again as that for appends, and
    /// enough for one at least.
    pub(super) fn delivery_bytes_max(&self) -> u64 {
        self.memory_bytes_max.max(RECORD_BYTES_MAX as u64)
    }

    /// The most of it that one user's readers may hold.
    pub(super) fn user_delivery_bytes_max(&self) -> u64 {
        (self.memory_bytes_max / USER_PARTS).max(RECORD_BYTES_MAX as u64)
    }

    /// The most memory that one user's appends may hold: enough for one at least.
    pub(super) fn user_bytes_max(&self) -> u64 {
        (self.memory_bytes_max / USER_PARTS).max(self.append_bytes_max)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 1024,
            request_bytes_max: 64 << 10,
            append_bytes_max: 32 << 20,
            memory_bytes_max: 256 << 20,
            free_bytes_min: 0,
            files_max: 512,
            names_max: 1024,
            stall: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}

/// A size for people: with a unit and one digit behind the point.
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
    fn users_together_leave_some_connections_for_root() {
        let limits = Limits::default();
        assert_eq!(limits.refusal(511, Some(511)), None);
        assert!(limits.refusal(512, Some(512)).is_some_and(|why| why.starts_with("this user")));
        assert_eq!(limits.refusal(1_015, Some(3)), None);
        assert!(limits.refusal(1_016, Some(3)).is_some());
        assert_eq!(limits.refusal(1_016, None), None);
        assert_eq!(limits.refusal(1_023, None), None);
        assert!(limits.refusal(1_024, None).is_some());
        let few = Limits { connections_max: 4, ..limits };
        assert_eq!(few.refusal(3, Some(1)), None);
    }

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

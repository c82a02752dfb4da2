//! How much the daemon takes on. Every queue, line and buffer of it is bounded here.

use std::time::Duration;

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
    /// How long an append's bytes may stay away while others wait for its memory.
    pub stall: Duration,
    /// How long sessions may take to finish when the daemon stops.
    pub drain: Duration,
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

//! How much the daemon takes on of connections and for them. Every queue, line and buffer of it is
//! bounded here, or in the service's own limits.

use std::time::Duration;

use crate::broker;
use crate::broker::limits::{CHUNK_BYTES, USER_PARTS};

/// Runs of records smaller than this are gathered into one write.
pub(super) const GATHER_BYTES: usize = 16 << 10;
/// How much is read at once from a pipe that is lent: what a pipe holds that nobody made wider.
pub(super) const LENT_READ_BYTES: usize = IDLE_BUFFER_BYTES;
/// How many bytes a second of an append must come, and of a long record be taken, while others wait
/// for the memory that it holds.
pub(super) const RATE_MIN: u64 = 1 << 20;
/// Runs of more bytes, which are single records, take a share of the memory for deliveries.
pub(super) const SMALL_RUN_BYTES_MAX: usize = 2 * CHUNK_BYTES;
/// Of connections, so many are kept for root and the daemon's own user, but at most one in
/// [`KEPT_PARTS`]: several users must not shut out who would look into it.
const KEPT_CONNECTIONS: usize = 8;
const KEPT_PARTS: usize = 16;
/// How much buffer a session may keep while it waits.
pub(super) const IDLE_BUFFER_BYTES: usize = 64 << 10;
/// A session's stack: what jq counts on. It takes more by itself where it needs it.
pub(super) const STACK_BYTES: usize = 2 << 20;
/// How long to leave the kernel alone when it has no descriptor or memory for a connection.
pub(super) const RESPITE: Duration = Duration::from_millis(100);

/// The limits that may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Those of the service, whatever its clients' protocol.
    pub service: broker::Limits,
    /// The most connections at a time.
    pub connections_max: usize,
    /// The longest request line, in bytes, its line end counted.
    pub request_bytes_max: usize,
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
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            service: broker::Limits::default(),
            connections_max: 1024,
            request_bytes_max: 64 << 10,
            stall: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
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
}

//! The answer to `stats`: what the service, the counters and the system say.

use std::sync::atomic::{AtomicU64, Ordering};

use super::shared::Shared;
use crate::api::stats::{Connections, DaemonFigures, Process};
use crate::sys;

impl Shared {
    /// What the daemon did since it began, and what it is at.
    pub fn figures(&self) -> DaemonFigures {
        let (broker, counters) = (&self.broker, &self.counters);
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DaemonFigures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_us: counters.started_us,
            uptime_us: u64::try_from(counters.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            connections: Connections {
                now: self.connection_count() as u64,
                most: load(&counters.connections_most),
                limit: self.limits.connections_max as u64,
                taken: load(&counters.connections_taken),
            },
            memory: broker.memory(),
            appended: broker.counters.appended.figures(),
            delivered: broker.counters.delivered.figures(),
            fdatasync: broker.syncs(),
            refused: counters.refused().collect(),
            process: process(),
        }
    }
}

/// What the system says of our process (proc(5), getrusage(2)).
fn process() -> Process {
    Process {
        resident_bytes: sys::process::resident_bytes(),
        cpu_us: sys::process::cpu_us(),
        open_files: sys::process::open_files(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_our_process() {
        let process = process();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1 << 16), "{process:?}");
        assert!(process.cpu_us.is_some() && process.open_files > Some(0), "{process:?}");
    }
}

//! The daemon: it joins the log and the protocol (DESIGN section 5, `docs/PROTOCOL.md`).
//!
//! Each connection has a thread, which blocks only on its own socket, on the disk while it writes
//! for a group, and on its turn for memory. A client that sends ahead gets a second one, which
//! waits for the disk.
//!
//! - `daemon`: taking connections, and ending them when the daemon stops.
//! - `session`: one connection: its requests in order.
//! - `access`: who is at the other end, and what it may do.
//! - `append`: the session's appends, gathered as far as they arrived together. `lent_input`:
//!   reading them where the client would.
//! - `fetch`: the session's reading: delivering, following, telling offsets.
//!   `fd_transfer`: large runs of records passed as files.
//! - `member`: the session's part in a consumer group; `groups`: all groups that have members;
//!   `assign`: who reads which partition.
//! - `committer`: the thread that waits for the disk while the session reads on.
//! - `commit_queue`: group commit.
//! - `idle`: closing topics that nobody uses; `maintenance`: periodic work on topics.
//! - `notifier`: wakes followers; `direct_delivery`: sends them a few records without waking them;
//!   `lent_output`: writes these where the follower would.
//! - `memory_limit`: the memory that appends may hold.
//! - `names`: producers' names, one connection's at a time.
//! - `alarm`: what the operator is told of damage.
//! - `counters`: what is counted since the start; `figures`: the answer to `stats`.
//! - `limits`: how much the daemon takes on.
//! - `refusal`: the log's errors as the protocol tells them.

mod access;
mod alarm;
mod append;
mod assign;
mod commit_queue;
mod committer;
mod counters;
mod daemon;
mod direct_delivery;
mod fd_transfer;
mod fetch;
mod figures;
mod groups;
mod idle;
mod large;
mod lent_input;
mod lent_output;
mod limits;
mod maintenance;
mod member;
mod memory_limit;
mod names;
mod notifier;
mod pace;
#[cfg(test)]
mod promise;
mod refusal;
mod session;
mod topics;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use daemon::{ServeError, run};
pub use figures::topic_figures;
pub use limits::Limits;
pub use refusal::body as error_body;

/// Locks. A session that panicked while it held the lock left nothing half done: every critical
/// section of this room is a few assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

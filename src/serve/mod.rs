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
//!   `passing`: large runs of records passed as files.
//! - `member`: the session's part in a consumer group; `groups`: all groups that have members;
//!   `assign`: who reads which partition.
//! - `committer`: the thread that waits for the disk while the session reads on.
//! - `commit`: group commit.
//! - `idle`: closing topics that nobody uses; `keeper`: what topics need by and by.
//! - `bell`: waking followers; `direct`: sending them a few records without that; `lent_output`:
//!   writing these where the follower would.
//! - `budget`: the memory that appends may hold.
//! - `names`: producers' names, one connection's at a time.
//! - `counters`: what is counted since the start; `figures`: the answer to `stats`.
//! - `limits`: how much the daemon takes on.
//! - `refusal`: the log's errors as the protocol tells them.

mod access;
mod append;
mod assign;
mod bell;
mod budget;
mod commit;
mod committer;
mod counters;
mod daemon;
mod direct;
mod fetch;
mod figures;
mod groups;
mod idle;
mod keeper;
mod lent_input;
mod lent_output;
mod limits;
mod member;
mod names;
mod passing;
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

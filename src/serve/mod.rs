//! The daemon: it puts the protocol (`wire`, `docs/PROTOCOL.md`) before the service (`broker`), and
//! takes connections.
//!
//! Each connection has a thread, which blocks only on its own socket, on the disk while it writes
//! for a group, and on its turn for memory. A client that sends ahead gets a second one, which
//! waits for the disk.
//!
//! - `daemon`: taking connections, and ending them when the daemon stops. `shared`: what all
//!   sessions share.
//! - `session`: one connection: its requests in order, each an operation of the service.
//! - `peer`: who is at the other end.
//! - `append`: the session's appends, gathered in `batches` as far as they arrived together.
//!   `lent_input`: reading them where the client would. `pace`: who sends too slowly.
//! - `fetch`: the session's reading: delivering and following, with a `header` before each run.
//!   `fd_transfer`: large runs of records passed as files. `large`: long records.
//! - `member`: the session's part in a consumer group; `membership`: what it keeps for it.
//! - `direct_delivery`: sends sleeping followers a few records without waking them;
//!   `lent_output`: writes these where the follower would.
//! - `counters`: what is counted of connections; `figures`: the daemon's own in the answer to
//!   `stats`.
//! - `limits`: how much the daemon takes on.

mod append;
mod batches;
mod counters;
mod daemon;
mod direct_delivery;
mod fd_transfer;
mod fetch;
mod figures;
mod header;
mod large;
mod lent_input;
mod lent_output;
mod limits;
mod member;
mod membership;
mod pace;
mod peer;
#[cfg(test)]
mod promise;
mod session;
mod shared;

pub use daemon::{ServeError, run};
pub use limits::Limits;

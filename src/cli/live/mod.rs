//! Inputs that others write while we read: sockets, on which we listen, and commands, which we
//! run.
//!
//! - [`address`]: where to listen. `bind`: making the sockets there.
//! - [`listener`]: all sockets and connections as one source. `framing`, `message_lines`:
//!   lines of what they carry.
//! - [`command`]: a command as one source after the other.

pub mod address;
mod bind;
pub mod command;
mod connection;
mod framing;
pub mod listener;
mod message_lines;

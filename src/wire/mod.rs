//! The protocol on the socket, both ends of it (`docs/PROTOCOL.md`). It knows no storage.
//!
//! - [`request`]: what a client may ask; reading it, and what still stands when that fails.
//! - [`answer`]: what the daemon says. What both are made of is in [`crate::api`].
//! - [`frame`]: lines and record bytes, pure; [`connection`]: the same over a socket;
//!   [`interrupt`]: what ends a wait for them.
//! - [`address`]: where the socket is. `sane`: what a client believes of an answer.
//! - [`client`]: the requests as calls; `client_error`: why one did not succeed. [`lending`]:
//!   those that lend a pipe.

pub mod address;
pub mod answer;
pub mod client;
mod client_error;
pub mod connection;
pub mod frame;
pub mod interrupt;
pub mod lending;
pub mod request;
mod sane;
#[cfg(test)]
mod written_forms;

pub use client::{Client, ClientError};

/// The version of the protocol that this code speaks.
pub const VERSION: u32 = 1;

//! The protocol on the socket, both ends of it (DESIGN section 5, `docs/PROTOCOL.md`). It knows no
//! storage.
//!
//! - [`request`]: what a client may ask; reading it, and what still stands when that fails.
//! - [`topics`], [`appending`], [`reading`]: its requests by what they are about.
//! - [`answer`]: what the daemon says.
//! - [`groups`]: what is asked and said about consumer groups.
//! - [`stats`]: figures for operators.
//! - [`connection`]: lines and record bytes over a socket.
//! - [`address`]: where the socket is.
//! - [`client`]: the requests as calls. [`lending`]: those that lend a pipe; [`pipe`]: reading and
//!   writing it.

pub mod address;
pub mod answer;
pub mod appending;
pub mod client;
pub mod connection;
pub mod groups;
pub mod lending;
pub mod pipe;
pub mod reading;
pub mod request;
pub mod stats;
pub mod topics;

pub use client::{Client, ClientError};

/// The version of the protocol that this code speaks.
pub const VERSION: u32 = 1;

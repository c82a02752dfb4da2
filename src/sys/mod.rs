//! What the kernel is asked for beside what the standard library offers, as small functions with
//! plain types. The crates nix and rustix are named here, and nearly nowhere else
//! (`tests/tidy.rs`). Nothing here knows records, topics, the protocol or a tool.
//!
//! - [`clock`]: the time by the system's clock.
//! - [`descriptor`]: file descriptors by their numbers; which are open.
//! - [`wait`]: waiting for descriptors; [`event`]: waking somebody who waits.
//! - [`file`]: files and directories; [`lock`]: locks on them; [`changes`]: what happens to them;
//!   [`tree`]: the same with names.
//! - [`pipe`]: pipes, read and written without waiting; [`aligned`]: buffers to read into.
//! - [`socket`]: Unix sockets: peers, descriptors that are passed. [`datagram`]: receiving those.
//! - [`poller`]: waiting for many descriptors as for one.
//! - [`user`]: users and groups; [`process`]: our own process; [`processes`]: those of a user;
//!   [`terminal`]: terminals.

pub mod aligned;
pub mod changes;
pub mod clock;
pub mod datagram;
pub mod descriptor;
pub mod event;
pub mod file;
pub mod lock;
pub mod pipe;
pub mod poller;
pub mod process;
pub mod processes;
pub mod socket;
pub mod terminal;
pub mod tree;
pub mod user;
pub mod wait;

//! The log: topics, their partitions, and the files behind them (DESIGN section 4,
//! `docs/FORMAT.md`). It knows no socket; the daemon and the embedded tools use it alike.
//!
//! - [`directory`]: a data directory opened by its one writer, and the lock that makes it the one.
//! - [`topic`]: a topic open for appending: placement, producers, the group that is written at once.
//! - [`batch`]: records checked and placed, ready to be appended.
//! - [`partition`]: one partition open for appending: its active segment.
//! - [`producers`]: who appended up to which sequence.
//! - [`recovery`]: what a crash left, and what of it holds.
//! - [`reader`]: reading topics, whoever writes them.
//! - [`cursor`]: several partitions read as one stream.
//! - [`segment`]: one segment's two files.
//! - [`format`]: the bytes of the index.
//! - [`settings`]: what a topic is told when it is made.
//! - [`storage`]: the few file operations all this stands on.
//! - [`error`]: what can go wrong.

pub mod batch;
pub mod error;
pub mod settings;

pub use error::LogError;

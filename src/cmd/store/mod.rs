//! The log as the tools see it: through the daemon where one listens, else by its files (DESIGN
//! section 4, "Embedded or served").
//!
//! - [`appender`]: writing to one topic.
//! - [`catalog`]: which topics there are.
//! - [`groups`]: how far consumer groups are.
//! - [`lock_wait`]: waiting for another process that writes the files.
//! - [`reader`]: reading one topic; `unserved`: from the files; `served`: through the daemon, and
//!   `lent_output`: where that prints what is read by itself.
//! - [`patience`]: waiting for a daemon that is being restarted.
//! - [`stats`]: figures for operators.

pub mod appender;
pub mod catalog;
pub mod groups;
mod lent_output;
pub mod lock_wait;
pub mod patience;
pub mod reader;
mod served;
pub mod stats;
mod unserved;

pub use appender::{AppendError, Appender, Wanted};
pub use reader::{Manner, Reader, Reading, Step};

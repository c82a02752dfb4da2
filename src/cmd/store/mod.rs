//! The log as the tools see it: through the daemon where one listens, else by its files (DESIGN
//! section 4, "Embedded or served").
//!
//! - [`appender`]: writing to one topic.
//! - [`catalog`]: which topics there are.
//! - [`groups`]: how far consumer groups are.
//! - [`reader`]: reading one topic; `lent_output`: where the log prints what is read.
//! - [`stats`]: figures for operators.

pub mod appender;
pub mod catalog;
pub mod groups;
mod lent_output;
pub mod reader;
pub mod stats;

pub use appender::{AppendError, Appender, Wanted};
pub use reader::{Manner, Reader, Step};

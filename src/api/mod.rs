//! What a log service is asked and answers: plain structs, the same for the files, the service, the
//! protocol and the tools. It knows no file, no socket and no line of the protocol.
//!
//! - [`topics`]: topics as a whole.
//! - [`appending`]: batches, and where producers stand.
//! - [`reading`]: runs of records, and places in a topic.
//! - [`groups`]: consumer groups.
//! - [`stats`]: figures for operators.
//! - [`error`]: why a request failed.

pub mod appending;
pub mod error;
pub mod groups;
pub mod reading;
pub mod stats;
pub mod topics;

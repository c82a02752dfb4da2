//! Reading topics, whoever writes them.
//!
//! - [`reader`]: a topic's partitions, opened to read.
//! - [`cursor`]: several partitions read as one stream; `batch_chunks`: a batch whole or in chunks.
//! - [`passed`]: records in a file that is passed to its reader.
//! - [`partition_stats`]: figures of partitions.
//! - [`read_only`]: opens a data directory without taking the writer lock.

pub(in crate::log) mod batch_chunks;
pub mod cursor;
pub mod partition_stats;
pub mod passed;
pub mod read_only;
pub mod reader;

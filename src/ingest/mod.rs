//! Where records come from that are not NDJSON yet.
//!
//! Each format is a [`Decoder`](crate::record::decode::Decoder): it takes the blocks of an input
//! as they come and hands over records that are NDJSON already, so no tool knows what its input
//! looked like. [`files`] decides which files are read, from where.

pub mod files;
pub mod formats;

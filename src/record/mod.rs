//! What a record is, and the pure work on its bytes.
//!
//! A record is one line of valid UTF-8 JSON. Everything here works on byte slices: no files, no
//! clock, no printing, and no knowledge of any other room.

pub mod check;
pub mod civil;
pub mod control;
pub mod decode;
pub mod framing;
pub mod json;
pub mod lines;
pub mod members;
pub mod near;
pub mod number;
pub mod outlet;
pub mod pick;
pub mod reserved;
pub mod scan;
pub mod splice;
pub mod text;
pub mod tokens;

/// The longest record accepted by default: 16 MiB, without its line end.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

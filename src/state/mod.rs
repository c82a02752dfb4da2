//! Saved states: what is held at one moment of a stream, as bytes from which it can be restored.
//!
//! Whatever holds something can `save` it, and `load` or `restore` it; this room gives it what to
//! write to and what to read from. A restored state continues as the saved one would have: the
//! rest of the stream gives the same bytes. `docs/FORMAT.md` has every state byte by byte.
//!
//! - [`writer`], [`reader`]: the parts of a state. Reading never takes more memory than in
//!   proportion to the bytes that are read, whatever they are.
//! - [`sealed`]: a whole state, with its version, what it is of, and a checksum.
//! - [`error`]: why bytes are not the state that was asked for.

pub mod error;
pub mod reader;
pub mod sealed;
pub mod writer;

pub use error::StateError;
pub use reader::{RECORDS_MAX, Reader};
pub use sealed::{open, seal};
pub use writer::Writer;

/// The version of the format that this code writes and reads.
pub const VERSION: u32 = 1;

//! Files that are read bit by bit: which file is which, and where each continues.
//!
//! Nothing here opens a file: it is given what is on the disk and what the log remembers.
//!
//! - [`identity`]: which file it is, whatever its name: the name of its producer in the log.
//! - [`mark`]: how far it was read: that producer's sequence.
//! - [`rotation`]: what rotation makes of a file's name.
//! - [`memory`]: all that is known of that.
//! - [`plan`]: which files are to be read, from where.

pub mod identity;
pub mod mark;
pub mod memory;
pub mod plan;
pub mod rotation;
#[cfg(test)]
mod tests;

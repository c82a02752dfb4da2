//! Input formats: bytes in, records or bad lines out.
//!
//! Each format has a file. What they share: `by_line` for those whose records are lines,
//! `joining` for lines that belong together, `made` for handing records over in blocks,
//! `object` for writing them, `types` for what texts become, and `times`.
//!
//! [`Settings`] knows them all, and [`Choice`] is what the user asks for.

mod access;
mod auto;
mod by_line;
mod choice;
pub mod csv;
mod escapes;
mod joining;
mod journal;
mod json;
mod keep_bad;
mod logfmt;
mod made;
mod ndjson;
mod object;
mod one_line;
pub mod pattern;
pub mod regex;
mod repeated;
mod settings;
mod syslog;
mod text;
pub mod times;
pub mod types;

pub use auto::looks_like;
pub use choice::{Choice, FIRST_BYTES_MAX};
pub use settings::{Form, Settings};

#[cfg(test)]
mod tests;

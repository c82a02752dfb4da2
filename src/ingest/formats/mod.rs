//! Input formats: bytes in, records or bad lines out.
//!
//! Each format has a file. What they share: `by_line` for those whose records are lines,
//! `joining` for lines that belong together, `made` for handing records over in blocks,
//! `object` for writing them, `types` for what texts become, and `times`.
//!
//! [`Settings`] is the one place that knows them all.

mod access;
mod by_line;
pub mod csv;
mod joining;
mod journal;
mod json;
mod keep_bad;
mod logfmt;
mod made;
mod ndjson;
mod object;
pub mod pattern;
pub mod regex;
mod settings;
mod syslog;
mod text;
pub mod times;
pub mod types;

pub use settings::{Form, Settings};

#[cfg(test)]
mod tests;

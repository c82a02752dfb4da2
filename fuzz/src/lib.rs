//! What each fuzz target does with its input. Kept apart from libFuzzer, so that `tests/fuzz.rs` can
//! replay the inputs of `fuzz/seeds/` through the same code.

pub mod csv;
pub mod formats;
pub mod pure;
pub mod recovery;
pub mod session;
pub mod state;

/// A target: its name, and what it does with an input. It panics where something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 18] = [
    ("access", formats::access),
    ("check", pure::check),
    ("control", pure::control),
    ("csv", csv::csv),
    ("expression", pure::expression),
    ("journal", formats::journal),
    ("json", pure::json),
    ("json_values", formats::values),
    ("lines", formats::lines),
    ("logfmt", formats::logfmt),
    ("pattern", formats::pattern),
    ("recovery", recovery::recovery),
    ("regex", formats::regex),
    ("request", pure::request),
    ("separated", formats::separated),
    ("session", session::session),
    ("state", state::state),
    ("syslog", formats::syslog),
];

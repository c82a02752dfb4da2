//! What each fuzz target does with its input. Kept apart from libFuzzer, so that `tests/fuzz.rs` can
//! replay the inputs of `fuzz/seeds/` through the same code.

pub mod csv;
pub mod pure;
pub mod recovery;
pub mod session;
pub mod state;

/// A target: its name, and what it does with an input. It panics where something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("check", pure::check),
    ("control", pure::control),
    ("csv", csv::csv),
    ("expression", pure::expression),
    ("json", pure::json),
    ("recovery", recovery::recovery),
    ("request", pure::request),
    ("session", session::session),
    ("state", state::state),
];

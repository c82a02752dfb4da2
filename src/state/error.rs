//! Why bytes are not the state that was asked for.

use super::VERSION;

/// Bytes that are not the state that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// They do not begin as states do.
    #[error("this is not a saved state")]
    NotAState,
    /// Another version of the program wrote them.
    #[error("state of format version {found}; this program supports only version {VERSION}")]
    Version {
        /// The version of the format that they have.
        found: u32,
    },
    /// They changed since they were written, or some of them are missing.
    #[error("the checksum of the state does not match")]
    Checksum,
    /// They are the state of something else.
    #[error("this is the state of '{found}', not of '{wanted}'")]
    Other {
        /// What they are the state of.
        found: String,
        /// What was to be restored.
        wanted: String,
    },
    /// What they are the state of was set up in another way.
    #[error("the state was saved with other {0}")]
    Changed(&'static str),
    /// They end within a value.
    #[error("the state ends too early")]
    Short,
    /// They hold what no state holds.
    #[error("the state is invalid: {0}")]
    Invalid(&'static str),
}

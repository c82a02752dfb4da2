//! Room on the stack: jaq evaluates by recursion, and a stack that runs out ends the process.
//!
//! How deep it recurses depends on how deep the record nests, how deep the expression nests, on the
//! recursion of the expression's own functions, and on the values that it builds. The first two are
//! known beforehand; the others are metered ([`super::meter`]). An evaluation that needs more than
//! a common thread has is run on a [`roomy`] stack; one that needs more than that is an error.

use std::io;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

use crate::expr::meter::Room;

/// The room on the caller's stack. The smallest stack that a thread of ours has is 2 MiB. So many
/// steps take about a millisecond, beside which a thread of its own costs little.
pub(super) const CALLER: Room = Room { stack_bytes: 512 << 10, steps_max: 8192 };

/// The room on a roomy stack: thousands of levels. The rest of the stack is for what lies between
/// two looks at it: an expression of the greatest length takes up to 350 MiB in a debug build.
pub(super) const ROOMY: Room = Room { stack_bytes: 128 << 20, steps_max: u64::MAX };

/// The stack of [`roomy`]. It is reserved, not used: the kernel gives pages as they are touched.
const ROOMY_STACK_BYTES: usize = 512 << 20;

/// Runs `work` on a stack that is large enough for anything that the limits of this module let
/// through.
///
/// # Errors
/// When there is no memory for the stack, or no thread to be had.
pub(super) fn roomy<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    scope(|scope| {
        let thread = Builder::new().stack_size(ROOMY_STACK_BYTES).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

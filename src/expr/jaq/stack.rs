//! Room on the stack: jaq evaluates by recursion, and a stack that runs out ends the process.
//!
//! How deep it recurses depends on how deep the record nests, how deep the expression nests, and on
//! the recursion of the expression's own functions. The first two are known beforehand; the third
//! is watched by a [`Gauge`]. An evaluation that needs more than a common thread has is run on a
//! [`roomy`] stack; an evaluation that needs more than that is an error.

use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// How much of the caller's stack an evaluation may use before the gauge says that it is low. The
/// least stack that a thread of ours has is 2 MiB.
pub(super) const CALLER_BYTES: usize = 512 << 10;

/// The stack of [`roomy`]. It is reserved, not used: the kernel gives pages as they are touched.
const ROOMY_STACK_BYTES: usize = 512 << 20;

/// How much of a roomy stack the recursion of an expression may use: thousands of levels. The
/// rest is for what lies between two looks at the gauge: an expression of the greatest length takes
/// up to 350 MiB in a debug build.
pub(super) const ROOMY_BYTES: usize = 128 << 20;

/// Tells whether the stack below the place where it was started is nearly used up.
#[derive(Default)]
pub(super) struct Gauge {
    /// The lowest address that an evaluation may reach. Stacks grow downwards on every machine that
    /// we build for.
    floor: Cell<usize>,
    ran_low: Cell<bool>,
}

impl Gauge {
    /// Begins to watch: from here on, `bytes` of the stack may be used.
    pub(super) fn start(&self, bytes: usize) {
        self.floor.set(here().saturating_sub(bytes));
        self.ran_low.set(false);
    }

    /// Whether the stack is low now.
    pub(super) fn is_low(&self) -> bool {
        let low = here() < self.floor.get();
        if low {
            self.ran_low.set(true);
        }
        low
    }

    /// Whether the stack was found low since the start.
    pub(super) fn ran_low(&self) -> bool {
        self.ran_low.get()
    }
}

/// The address of something on the stack, now.
#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(black_box(&mark)).addr()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(gauge: &Gauge, levels: &mut usize) {
        let ballast = [*levels; 64];
        if !gauge.is_low() {
            *levels += 1;
            descend(gauge, levels);
        }
        black_box(ballast);
    }

    #[test]
    fn the_gauge_stops_a_recursion_before_the_stack_ends() {
        let gauge = Gauge::default();
        let mut levels = 0;
        gauge.start(64 << 10);
        descend(&gauge, &mut levels);
        assert!((10..1000).contains(&levels), "{levels}");
        assert!(gauge.ran_low());
        gauge.start(64 << 10);
        assert!(!gauge.is_low() && !gauge.ran_low());
    }

    #[test]
    fn a_roomy_stack_has_the_room_that_the_gauge_allows() {
        let levels = roomy(|| {
            let gauge = Gauge::default();
            let mut levels = 0;
            gauge.start(ROOMY_BYTES);
            descend(&gauge, &mut levels);
            levels
        });
        assert!(levels.is_ok_and(|levels| levels > 50_000));
    }
}

//! What one evaluation of an expression may take.
//!
//! The fast evaluator has no loops, so what it takes is bounded by the record and the expression.
//! The bounds are for the rest of the language, which can run without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How many bytes the values of one evaluation may take in a tool: far more than any record of
/// 16 MiB needs, and less than what takes a machine down.
pub const TOOL_BYTES_MAX: usize = 1 << 30;
/// The same in a daemon, in which many evaluate at once.
pub const SERVED_BYTES_MAX: usize = 128 << 20;
/// How many steps one evaluation may take in a daemon: about half a second.
pub const SERVED_STEPS_MAX: u64 = 4_000_000;
/// How much processor time one evaluation may take in a daemon, should its steps take far longer
/// than they are meant to.
pub const SERVED_TIME_MAX: Duration = Duration::from_secs(5);
/// How many bytes the values of all evaluations in a daemon may take together. What an evaluation
/// takes below [`UNSHARED_BYTES`] is not counted.
pub const SERVED_SUM_BYTES_MAX: usize = 256 << 20;
/// Up to here an evaluation takes nothing from a [`Budget`].
pub const UNSHARED_BYTES: usize = 256 << 10;

static SERVED: Budget = Budget::new(SERVED_SUM_BYTES_MAX);

/// Memory that evaluations share.
#[derive(Debug)]
pub struct Budget {
    /// How many bytes there are in all.
    pub bytes_max: usize,
    taken: AtomicUsize,
}

impl Budget {
    /// So many bytes.
    pub const fn new(bytes_max: usize) -> Budget {
        Budget { bytes_max, taken: AtomicUsize::new(0) }
    }

    /// Takes so many bytes, if there are that many.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let taken = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives bytes back that were taken.
    pub(super) fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The bounds of each evaluation of a program.
///
/// A step is a part of an expression that begins to work on a value, or as much work as that:
/// about 100 ns. Steps stand for time here, since the same input must always give the same output.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How many steps it may take.
    pub steps_max: u64,
    /// How many bytes its values may take at a time.
    pub bytes_max: usize,
    /// How much processor time it may take.
    pub time_max: Option<Duration>,
    /// What all evaluations that have this one take their memory from.
    pub budget: Option<&'static Budget>,
    /// Ends evaluations once it is set, in a few thousand steps.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Default for Bounds {
    /// Those of a tool: any number of steps, since the user who waits can end it.
    fn default() -> Bounds {
        Bounds {
            steps_max: u64::MAX,
            bytes_max: TOOL_BYTES_MAX,
            time_max: None,
            budget: None,
            stop: None,
        }
    }
}

impl Bounds {
    /// Those of a daemon, where one evaluation must not hold up others, until `stop` is set.
    pub fn served(stop: Arc<AtomicBool>) -> Bounds {
        Bounds {
            steps_max: SERVED_STEPS_MAX,
            bytes_max: SERVED_BYTES_MAX,
            time_max: Some(SERVED_TIME_MAX),
            budget: Some(&SERVED),
            stop: Some(stop),
        }
    }
}

/// Which bound an evaluation has run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Too many steps.
    #[error("the expression takes more than {0} steps")]
    Steps(u64),
    /// Too much memory.
    #[error("the values of the expression take more than {0} bytes of memory")]
    Bytes(usize),
    /// Too much processor time.
    #[error("the expression takes more than {} seconds of processor time", .0.as_secs())]
    Time(Duration),
    /// Too deep a recursion of its functions, or over a value.
    #[error("the expression recurses too deeply")]
    Depth,
    /// It was stopped.
    #[error("the evaluation was stopped before its end")]
    Stopped,
    /// Other evaluations take the memory that it needs.
    #[error(
        "no memory to evaluate it: the values of all expressions take up to {0} bytes together; \
         try again"
    )]
    Busy(usize),
    /// There is no memory for a stack that it needs, or no thread.
    #[error("no memory for a stack to evaluate it; try again")]
    NoStack,
}

impl Exceeded {
    /// Whether it says nothing about the record: another time, the evaluation may succeed.
    pub fn is_passing(self) -> bool {
        matches!(self, Exceeded::Stopped | Exceeded::Busy(_) | Exceeded::NoStack)
    }
}

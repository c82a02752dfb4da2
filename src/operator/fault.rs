//! Why an operator does not take a record, or cannot go on.

use crate::aggregate::fault::{Fault as AggregateFault, StreamError};
use crate::expr::RecordError;
use crate::record::outlet::Refused;

/// Why an operator does not take something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The record is at fault, for this reason.
    #[error("{0}")]
    Bad(String),
    /// An expression could not be evaluated, which says nothing about the record: there was no
    /// memory, or it was stopped.
    #[error(transparent)]
    Passing(RecordError),
    /// The stream cannot be aggregated: leaving out a record would not mend it.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The input is windowed where that does not fit.
    #[error(
        "--over: the input is windowed, and --over defines which records an aggregate covers; \
         leave out the window before it"
    )]
    Windowed,
    /// The times that count are not in the stream.
    #[error(
        "--time append: the input does not say when its records were appended; read it with \
         subscribe --control --append-times"
    )]
    NoAppendTimes,
    /// The input is windowed where records are held back.
    #[error(
        "--repeats: the input is windowed, and records that are held back would come too late for \
         their windows; run filter before window"
    )]
    HeldBack,
    /// More keys than are allowed.
    #[error("more than {0} keys are held at the same time; lower --within, or raise --max-keys")]
    TooManyKeys(usize),
    /// The output takes no more.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Fault {
    /// A bad record, for the reason that `why` gives.
    pub fn bad(why: impl ToString) -> Fault {
        Fault::Bad(why.to_string())
    }

    /// The same, where a record of this time has moved the watermark.
    #[must_use]
    pub fn caused_by(mut self, record_ms: i64) -> Fault {
        if let Fault::Stream(StreamError::TooMuchToFill { time_ms, .. }) = &mut self {
            *time_ms = record_ms;
        }
        self
    }

    /// What an expression says about a record: a bad record, unless that passes.
    pub fn said(error: RecordError) -> Fault {
        if error.is_passing() { Fault::Passing(error) } else { Fault::bad(error) }
    }

    /// The same, where the expression is that of an option.
    pub fn said_of(option: &str, error: RecordError) -> Fault {
        match Fault::said(error) {
            Fault::Bad(why) => Fault::bad(format!("{option}: {why}")),
            fault => fault,
        }
    }
}

/// Tells what is wrong with a record from what is wrong with the stream.
impl From<AggregateFault> for Fault {
    fn from(fault: AggregateFault) -> Fault {
        match fault {
            AggregateFault::Stream(error) => Fault::Stream(error),
            AggregateFault::Record(error) | AggregateFault::Expression { error, .. }
                if error.is_passing() =>
            {
                Fault::Passing(error)
            }
            fault => Fault::bad(fault),
        }
    }
}

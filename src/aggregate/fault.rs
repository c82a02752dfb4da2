//! What can be wrong with a record, and with a stream.

use super::function::Misfit;
use crate::expr::RecordError;
use crate::time::Duration;
use crate::time::timestamp::{OutOfRange, TimestampError};
use crate::window::WindowsError;

/// Why a record was not taken; it has then changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The record is not valid.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Only objects have fields to group and reduce.
    #[error("not an object; only objects can be aggregated")]
    NotAnObject,
    /// An expression failed.
    #[error("'{text}': {error}")]
    Expression {
        /// The specification that it is in.
        text: String,
        /// What the expression said.
        error: RecordError,
    },
    /// A function does not take the value.
    #[error("'{text}': {misfit}")]
    Misfit {
        /// The aggregate.
        text: String,
        /// Why it does not take it.
        misfit: Misfit,
    },
    /// The stream is windowed, and the record is not.
    #[error(
        "the stream is windowed, but the record has no {0}; what stands behind window must keep it"
    )]
    NoWindow(&'static str),
    /// An end of the record's window is not a time.
    #[error("{field}: {error}")]
    Bound {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        error: TimestampError,
    },
    /// The window ends before it starts.
    #[error("the record's window is empty: {end} is not behind {start}")]
    EmptyWindow {
        /// The field for its start.
        start: &'static str,
        /// The field for its end.
        end: &'static str,
    },
    /// The window has no written form.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// It is not this record that is at fault.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Why a stream cannot be aggregated: leaving out a record would not mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// More groups than are allowed.
    #[error(
        "more than {0} groups at the same time; group by less, use windows, or raise --max-groups"
    )]
    TooManyGroups(usize),
    /// An aggregate is by the second of a window, and there is none.
    #[error("'{0}' is by the second of a window, and the input has none; let window run before")]
    NoWindows(String),
    /// An aggregate is by the second, and there is no time that it could be of.
    #[error("'{0}' is by the second; give --over a duration, like 1m, and no number of records")]
    NoTime(String),
    /// There are no such windows.
    #[error("the windows of the stream: {0}")]
    Windows(#[from] WindowsError),
    /// Other windows, while some of those before are open.
    #[error(
        "the stream changes its windows before those of the windows before have ended; aggregate them apart"
    )]
    Changed,
    /// The stream does not say when its watermark passes what results are to come at.
    #[error(
        "--every {0} needs watermarks that come so often; give it to window, too: window --every {0}"
    )]
    NotTold(Duration),
    /// There is no event time.
    #[error(
        "--every is by event time, and the input has none; let window run before, or leave it out"
    )]
    NoEventTime,
    /// A window has one result.
    #[error("--top is of no use here: each {0} has one group, and so one result")]
    Ranked(&'static str),
    /// The condition on results failed.
    #[error("the condition on results: {0}")]
    Having(RecordError),
    /// Some of its records are not.
    #[error("records without windows came before those with windows; aggregate them apart")]
    Mixed,
    /// A window cannot be written.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A result has the name of a field that tells the window.
    #[error("'{text}': the results of a windowed stream have {name} already; name it: NAME={text}")]
    Clash {
        /// The specification of the result.
        text: String,
        /// The field.
        name: &'static str,
    },
}

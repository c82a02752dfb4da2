//! What can be wrong with a record, and with a stream.

use super::functions::function::TypeError;
use crate::expr::RecordError;
use crate::record::outlet::Refused;
use crate::record::reserved::Reserved;
use crate::time::Duration;
use crate::time::timestamp::{OutOfRange, TimestampError, show_ms};
use crate::time::watermark::TooFarAhead;
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
    #[error("'{text}': {type_error}")]
    TypeError {
        /// The aggregate.
        text: String,
        /// Why it does not take it.
        type_error: TypeError,
    },
    /// The stream is windowed, and the record is not.
    #[error(
        "the stream is windowed, but the record has no {0}; tools between window and aggregate must keep it"
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
    #[error("the record's window is empty: {end} is not after {start}")]
    EmptyWindow {
        /// The field for its start.
        start: &'static str,
        /// The field for its end.
        end: &'static str,
    },
    /// The stream's control record tells of other windows.
    #[error(
        "from {start} to {end} is not one of the windows or slices that the stream's control record \
         describes; tools between window and aggregate must keep these fields"
    )]
    OtherWindow {
        /// The field for its start.
        start: &'static str,
        /// The field for its end.
        end: &'static str,
    },
    /// The window has no written form.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// Its time is not to be believed.
    #[error(transparent)]
    Ahead(#[from] TooFarAhead),
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
    /// More records than are allowed, for running aggregates.
    #[error(
        "more than {0} records are held at the same time; lower --over or --out-of-order, or raise --max-records"
    )]
    TooManyRecords(usize),
    /// More memory than is allowed.
    #[error(
        "what is held takes more than {0} bytes of memory; group by less, use shorter windows, lower --over, or raise --max-memory"
    )]
    TooMuchMemory(usize),
    /// An aggregate is by the second of a window, and there is none.
    #[error(
        "'{0}' is a rate per second of a window, and the input is not windowed; run window before"
    )]
    NoWindows(String),
    /// An aggregate is by the second, and there is no time that it could be of.
    #[error(
        "'{0}' is a rate per second; give --over a duration, like 1m, instead of a number of records"
    )]
    NoTime(String),
    /// There are no such windows.
    #[error("the windows of the stream: {0}")]
    Windows(#[from] WindowsError),
    /// Other windows, while some of those before are open.
    #[error(
        "the stream changes its windows before the earlier windows have ended; aggregate the parts separately"
    )]
    Changed,
    /// The stream does not say when its watermark passes what results are to come at.
    #[error("--every {0} needs watermarks as often; give it to window, too: window --every {0}")]
    NotTold(Duration),
    /// There is no event time.
    #[error(
        "--every is a period of event time, and the input has no watermarks; run window before, or leave it out"
    )]
    NoEventTime,
    /// There are no windows that could have a time.
    #[error(
        "--window-time adds the last time of a result's window, and the input is not windowed; run window before, or leave it out"
    )]
    NoWindowTime,
    /// A window has one result.
    #[error(
        "--top has no effect: each {0} has one group, and so one result; rank the results after it, as in \
         | aggregate --by .user 'most=max(.count)' --top 5:most"
    )]
    Ranked(&'static str),
    /// Windows that begin and end with records cannot be without them.
    #[error(
        "--fill: a {0} is never without records; leave it out, or use windows like --tumbling 1m"
    )]
    NeverEmpty(&'static str),
    /// There are no windows that could be without records.
    #[error(
        "--fill reports windows without records, and the input is not windowed; run window before, or \
         leave it out"
    )]
    NoFilledWindows,
    /// More windows without records than are allowed.
    #[error(
        "more than {rows_max} results are to be added at once, for windows from {} on: the event time \
         has advanced to {}; if that is wrong, --max-ahead refuses such records; otherwise raise \
         --max-fill",
        show_ms(*.since_ms),
        show_ms(*.time_ms)
    )]
    TooMuchToFill {
        /// How many may be added.
        rows_max: usize,
        /// The end of the last window that had results before, in milliseconds.
        since_ms: i64,
        /// The time that caused it, as far as is known.
        time_ms: i64,
    },
    /// The condition on results failed.
    #[error(transparent)]
    Having(#[from] HavingError),
    /// The output takes no more.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Some of its records are not.
    #[error("records without windows come before those with windows; aggregate them separately")]
    Mixed,
    /// Nothing but a field that a result replaces kept a record from beginning like a control
    /// record.
    #[error(transparent)]
    Reserved(#[from] Reserved),
    /// A window cannot be written.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A result has the name of a field that tells the window.
    #[error(
        "'{text}': the results of a windowed stream have {name} already; give it another name, like \
         NAME={unnamed}"
    )]
    Clash {
        /// The specification of the result.
        text: String,
        /// The same without the name.
        unnamed: String,
        /// The field.
        name: &'static str,
    },
}

/// The condition on results failed for one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--having '{condition}' fails for the result {result}: {error}{}", self.remedy())]
pub struct HavingError {
    /// The condition.
    pub(super) condition: String,
    /// The result, at least its beginning, which tells the window and the group.
    pub(super) result: String,
    /// Why it failed.
    pub(super) error: RecordError,
}

impl HavingError {
    /// Whether it says nothing about the result: another time, the condition may not fail.
    pub fn is_passing(&self) -> bool {
        self.error.is_passing()
    }

    fn remedy(&self) -> String {
        match self.is_passing() {
            true => String::new(),
            false => format!("; --having '({})?' leaves such results out", self.condition),
        }
    }
}

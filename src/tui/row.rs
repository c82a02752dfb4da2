//! What the screen is given: records, and how many there are.

use std::ops::Range;
use std::sync::Arc;

use super::chart::Chart;
use super::fields::Survey;
use super::overview::Figures;
use super::prompt::Purpose;

/// How much of a record a list holds; of a longer one, the rest is only counted.
pub const ROW_BYTES_MAX: usize = 64 << 10;

/// How much of a record a tree holds.
pub const TREE_BYTES_MAX: usize = 4 << 20;

/// A record for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number among all records of the input, from 0.
    pub number: u64,
    /// Where it is: `access.log:17`, `clicks/0@123`.
    pub place: String,
    /// When it was appended to a topic, for people.
    pub time: Option<String>,
    /// Its bytes, or the first of them.
    pub text: Arc<[u8]>,
    /// How many bytes it has.
    pub bytes: u64,
    /// Why it is not a record, if it is not.
    pub fault: Option<String>,
}

impl Row {
    /// Whether the screen holds all of it.
    pub fn is_whole(&self) -> bool {
        self.bytes == self.text.len() as u64
    }
}

/// How often records that were there have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The last one, whose line had no end.
    pub last: u64,
    /// All of them: of a file that was written from its beginning again.
    pub all: u64,
}

/// What there is to be shown. Positions count the records of the view: all, or those that a filter
/// keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The view that this is about; see [`Ask::Filter`].
    pub epoch: u64,
    /// The positions of the view.
    pub span: Range<u64>,
    /// The numbers of the records that can be read.
    pub records: Range<u64>,
    /// Up to which record the input was read, or the filter has come.
    pub scanned: u64,
    /// How much of the input was read or filtered so far, in thousandths; none if it is all.
    pub progress: Option<u16>,
    /// Whether all has been read that there is; a file may grow later.
    pub ended: bool,
    /// How often records have changed.
    pub changes: Changes,
    /// How many records the filter failed for; they are left out.
    pub failed: u64,
    /// What is to be known about the input as a whole.
    pub note: Option<String>,
}

/// What the screen asks of those who read.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Rows of a view, by their positions.
    Rows {
        /// The view.
        epoch: u64,
        /// Which.
        span: Range<u64>,
    },
    /// All of a record, at this position: as much as a tree holds.
    Whole {
        /// The view.
        epoch: u64,
        /// The position.
        at: u64,
    },
    /// Another view: the records for which the expression is true; all, if there is none. The
    /// number of the view comes back with all that belongs to it.
    Filter {
        /// The number of the new view.
        epoch: u64,
        /// The jq expression.
        expression: Option<String>,
        /// The number of the record that the cursor is on.
        near: u64,
    },
    /// The next record with an expression in its text.
    Search {
        /// The view.
        epoch: u64,
        /// The regular expression.
        text: String,
        /// The position to begin at.
        from: u64,
        /// Whether to search toward the end.
        forward: bool,
    },
    /// The position of a place.
    Seek {
        /// The view.
        epoch: u64,
        /// The place.
        target: Target,
    },
    /// A command that prints the records of the view: of these positions, or all.
    Command {
        /// The view.
        epoch: u64,
        /// The positions.
        span: Option<Range<u64>>,
    },
    /// Records of the view are written to a new file.
    Save {
        /// The view.
        epoch: u64,
        /// The positions; all, if there are none.
        span: Option<Range<u64>>,
        /// The file.
        path: String,
    },
    /// A chart of the records of the view, which grows with it.
    Chart {
        /// The view.
        epoch: u64,
        /// What the user wrote.
        text: String,
    },
    /// Which fields the records of the view have.
    Fields {
        /// The view.
        epoch: u64,
    },
    /// Ends a search that is under way, and a chart.
    Stop,
}

/// A place to go to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The record of this number, or the first of the view after it.
    Record(u64),
    /// So much of the view, in percent.
    Percent(f64),
    /// What the user wrote: an offset, or a time.
    Written(String),
}

/// What those who read give the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// How much there is.
    Extent(Extent),
    /// Rows that were asked for; fewer, if there are no more.
    Rows {
        /// Of which view.
        epoch: u64,
        /// The position of the first.
        first: u64,
        /// The rows.
        rows: Vec<Row>,
    },
    /// All of a record; see [`Ask::Whole`].
    Whole(Row),
    /// Where something is that was searched for; none if it was not found.
    Found {
        /// In which view.
        epoch: u64,
        /// The position.
        at: Option<u64>,
    },
    /// The answer to [`Ask::Filter`] that begins another view: the cursor goes to this position
    /// once the filter has come so far.
    Near {
        /// The view.
        epoch: u64,
        /// The position.
        at: u64,
    },
    /// The answer to [`Ask::Filter`] whose expression is wrong: the view is what it was.
    NotFiltered {
        /// The view that there is not.
        epoch: u64,
        /// What is wrong.
        why: String,
    },
    /// All topics and groups.
    Figures(Figures),
    /// A chart that was asked for, as far as it is known.
    Chart(Box<Chart>),
    /// The fields of the records, as far as they are known.
    Fields(Box<Survey>),
    /// A command that was asked for.
    Command {
        /// The command.
        line: String,
        /// What it does not do as it was asked for, if there is something.
        but: Option<&'static str>,
    },
    /// What [`Ask::Save`] came to: what was saved, or why that is not all.
    Saved(Result<String, String>),
    /// What was typed for a chart, or as a place, is wrong.
    Wrong {
        /// What it was typed for.
        purpose: Purpose,
        /// What was typed.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was asked for is done.
    Done(String),
    /// What was asked for cannot be done, and why.
    Refused(String),
    /// Reading failed, and why.
    Failed(String),
}

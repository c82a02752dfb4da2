//! What an operator says of its work to those who watch it while it runs.

use crate::aggregate::Holding;
use crate::record::control::Mark;

/// How far an operator has come, and what it holds. What it does not know, or has no use for, is
/// left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How many records or results it has emitted.
    pub emitted: Option<u64>,
    /// How many records were late, and dropped or stored elsewhere.
    pub late: u64,
    /// The watermark, in milliseconds since the epoch.
    pub watermark_ms: Option<i64>,
    /// The greatest event time so far, in milliseconds since the epoch.
    pub time_ms: Option<i64>,
    /// How many windows are open, or the slices that they are made of.
    pub windows: Option<usize>,
    /// How many groups are held, those of all open windows together.
    pub groups: Option<usize>,
    /// About how many bytes they take.
    pub state_bytes: Option<usize>,
    /// The time that the watermark must pass until the next window closes, in milliseconds since
    /// the epoch.
    pub closes_ms: Option<i64>,
}

impl Work {
    /// That of an operator that holds this.
    pub(super) fn of(holding: &Holding) -> Work {
        Work {
            emitted: Some(holding.results),
            watermark_ms: match holding.mark {
                Some(Mark::Ms(ms)) => Some(ms),
                Some(Mark::End) | None => None,
            },
            windows: holding.windows,
            groups: Some(holding.groups),
            state_bytes: Some(holding.bytes),
            closes_ms: holding.closes_ms,
            ..Work::default()
        }
    }
}

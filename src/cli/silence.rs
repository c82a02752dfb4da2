//! Why nothing is printed: said once, to people, after some seconds without a result.

use std::sync::OnceLock;
use std::time::Duration;

use super::counters::counters;
use super::figures::Figures;
use super::message;

/// After how long it is said.
const AFTER: Duration = Duration::from_secs(10);

/// How often it is looked at: on a terminal only, and only until it is said or a result comes.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// Says why; nothing, if that is not to be said yet.
type Reason = Box<dyn Fn(&Figures) -> Option<String> + Send + Sync>;

static EXPECTED: OnceLock<(When, Reason)> = OnceLock::new();

/// When the reason is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Records have come for a while, and no result; never after a result.
    NoResult,
    /// Nothing has come for a while.
    NoRecord,
}

/// Has `reason` said, if a person is likely to read it. The first call counts.
pub fn explain(when: When, reason: impl Fn(&Figures) -> Option<String> + Send + Sync + 'static) {
    if message::is_terminal() {
        let _ = EXPECTED.set((when, Box::new(reason)));
    }
}

/// What has come of the tool so far, as far as that is to be explained.
pub(super) struct Silence {
    /// What is expected, until it has come or its absence is explained.
    expected: Option<&'static (When, Reason)>,
    /// Since when the reason holds, in the run's time.
    since: Option<Duration>,
    /// How many records had come when it was last looked at.
    records: u64,
}

impl Silence {
    /// The tool begins.
    pub fn begin() -> Silence {
        Silence { expected: EXPECTED.get(), since: None, records: 0 }
    }

    /// Says why nothing is printed, if it is time; gives how long it takes until that has to be
    /// looked at again.
    pub fn look(&mut self) -> Option<Duration> {
        let (when, reason) = self.expected?;
        let (now, records) = (counters().elapsed(), counters().records_in());
        let had = std::mem::replace(&mut self.records, records);
        match when {
            When::NoResult if counters().records_out() > 0 => self.expected = None,
            When::NoResult if records == 0 => self.since = None,
            When::NoRecord if records != had => self.since = None,
            _ if now.saturating_sub(*self.since.get_or_insert(now)) >= AFTER => {
                self.since = None;
                if let Some(reason) = reason(&counters().all(LOOKED_EVERY)) {
                    message::note(&reason);
                    self.expected = None;
                }
            }
            _ => {}
        }
        self.expected.map(|_| LOOKED_EVERY)
    }
}

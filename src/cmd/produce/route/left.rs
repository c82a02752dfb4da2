//! What a run that appends to several topics leaves.

use crate::cli::message;
use crate::cmd::produce::records;
use crate::cmd::produce::shedding::Settled;
use crate::store;

/// What a run leaves.
#[derive(Default)]
pub(in crate::cmd::produce) struct Left {
    /// To how many topics records were appended, and how many records.
    pub topics: usize,
    pub appended: u64,
    /// How many were skipped, since their topics have their keys.
    pub skipped: u64,
    /// How many a named producer had appended in earlier runs.
    pub passed: u64,
    /// A topic for which it had read more records of its input than this input has; how many, and
    /// how many this has.
    pub missing: Option<(String, u64, u64)>,
    /// Where the input ends with what is not appended, since it may be incomplete.
    pub torn: Option<String>,
    /// Why the log could not be left as the next one likes to find it, if so.
    pub failed: Option<store::Error>,
}

impl Settled for Left {
    fn settled(&self) -> u64 {
        self.appended.saturating_add(self.skipped).saturating_add(self.passed)
    }
}

impl Left {
    /// Says how much is in the log now.
    pub fn tell(&self) {
        let (count, appended) = (self.topics, records(self.appended));
        let topics = if count == 1 { "topic" } else { "topics" };
        message::note(&format!("{appended} appended to {count} {topics}"));
        if self.skipped > 0 {
            let what = records(self.skipped);
            message::note(&format!("{what} skipped, because their topics have the same keys"));
        }
    }
}

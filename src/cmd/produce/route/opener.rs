//! Opening topics for records, and creating no more than the user allows.

use std::time::Duration;

use crate::api::appending::Unique;
use crate::cli::input::Watch;
use crate::cli::pump::StageError;
use crate::store::{self, Appender, Appenders, Wanted};

/// How topics are opened.
pub(in crate::cmd::produce) struct Opener {
    pub appenders: Appenders,
    pub wanted: Wanted,
    /// What is appended, if not all.
    pub unique: Option<Unique>,
    /// How long to try again while the log cannot take records.
    pub retry: Duration,
    /// How many topics may be created.
    pub topics_max: usize,
    /// How many were created, or will be with the records that were taken for them.
    pub created: usize,
}

impl Opener {
    /// Whether a topic may be created that is opened for a record. Topics that cannot be are not
    /// opened: nothing is asked of the log for each of their records.
    ///
    /// # Errors
    /// When it does not exist, and is not created for the record; or that cannot be told.
    pub fn may_create(&mut self, topic: &str, record: &[u8]) -> Result<bool, StageError> {
        let has_room = self.created < self.topics_max;
        if !self.appenders.is_missing(topic)? {
            return Ok(has_room);
        }
        match self.refusal(topic, record)? {
            Some(why) => Err(StageError::Bad(why)),
            None if has_room => Ok(true),
            None => Err(self.over_limit(topic)),
        }
    }

    /// Opens a topic, under a producer's name if there is one; tells where that stands there. None
    /// if it does not exist, unless it `may_create` it.
    ///
    /// # Errors
    /// As [`Appenders::open`].
    pub fn open(
        &self,
        topic: &str,
        producer: Option<&str>,
        may_create: bool,
        watch: &Watch,
    ) -> Result<Option<(Appender, u64)>, store::Error> {
        let opened = self.appenders.open(topic, &self.wanted, producer, may_create, watch)?;
        Ok(opened.map(|(mut appender, stands)| {
            appender.append_only(self.unique.clone());
            (appender, stands)
        }))
    }

    /// Whether a topic that does not exist will be created for a record, which then counts.
    ///
    /// # Errors
    /// When it would be one too many; or that cannot be told.
    pub fn will_create(&mut self, topic: &str, record: &[u8]) -> Result<bool, StageError> {
        if self.refusal(topic, record)?.is_some() {
            // The log says so, with its place.
            return Ok(false);
        }
        if self.created >= self.topics_max && self.appenders.is_missing(topic)? {
            return Err(self.over_limit(topic));
        }
        self.created += 1;
        Ok(true)
    }

    /// Takes note of what became of a topic that was expected to be created, or not.
    pub fn settle(&mut self, was_expected: bool, is_created: bool) {
        self.created -= usize::from(was_expected);
        self.created += usize::from(is_created);
    }

    /// Why a record is bad whose topic does not exist.
    pub fn over_limit(&self, topic: &str) -> StageError {
        StageError::Bad(format!(
            "the topic {topic} does not exist, and {} topics were created; allow more with \
             --max-topics",
            self.topics_max
        ))
    }

    /// Why the topic would refuse a record if it is created for it, as far as can be told.
    fn refusal(&mut self, topic: &str, record: &[u8]) -> Result<Option<String>, store::Error> {
        self.appenders.refusal(topic, &self.wanted, self.unique.as_ref(), record)
    }
}

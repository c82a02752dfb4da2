//! Having the log read the input itself.

use std::os::fd::BorrowedFd;

use super::Sender;
use crate::cli::counters::counters;
use crate::cli::input::Watch;
use crate::cli::lending::{Back, Lender};
use crate::cli::{Failure, Status};
use crate::store::Appender;

/// How many times in a row the input is lent in vain, as when its lines come in pieces.
const FRUITLESS_MAX: u32 = 8;

impl Sender {
    /// Whether there is any use in lending the input: the topic exists, and counts no producer's
    /// records.
    pub fn lends(&self) -> bool {
        self.producer.is_none()
            && self.fruitless < FRUITLESS_MAX
            && self.lost.is_none()
            && !self.appender.is_new()
    }
}

/// All that was sent must be finished before.
impl Lender for Sender {
    fn lend(&mut self, pipe: BorrowedFd<'_>, watch: &Watch) -> anyhow::Result<Back> {
        let read = |appended: u64, appender: &Appender| appended + appender.placed().skipped;
        let before = read(self.appended, &self.appender);
        let appended = |records| {
            counters().appended(records);
            self.appended = self.appended.saturating_add(records);
        };
        let bytes = match self.appender.lend(pipe, watch, appended) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.fruitless = FRUITLESS_MAX;
                return Ok(Back::default());
            }
            // The next batch waits for the log to come back.
            Err(error) if self.can_tell(&error) => {
                self.lost = Some(error);
                Vec::new()
            }
            Err(error) if self.appender.may_go_on(&error) || error.is_interrupted() => {
                return Err(read_by_the_log(&error.into()));
            }
            Err(error) => return Err(error.into()),
        };
        let lines = read(self.appended, &self.appender) - before;
        self.fruitless = if lines > 0 { 0 } else { self.fruitless + 1 };
        Ok(Back { lines, bytes })
    }
}

/// Why a daemon that read our input, and was killed, ends us.
fn read_by_the_log(error: &anyhow::Error) -> anyhow::Error {
    let why = format!(
        "{error}; log-serve was reading the input itself, and this run has lost what it read but did \
         not append; --producer NAME makes it safe to run again, and with --reconnect D log-serve \
         does not read the input"
    );
    Failure::new(Status::of(error), why).into()
}

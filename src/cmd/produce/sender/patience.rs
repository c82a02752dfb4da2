//! What a sender does while the log is gone, or refuses what is no fault of the records.

use std::time::Instant;

use anyhow::anyhow;

use super::{PAUSES, Sender};
use crate::cli::message;
use crate::cli::pump::Context;
use crate::store::{self, AppendError, Appender};

impl Sender {
    /// Waits for another daemon, and hands over to it what the one that is gone did not append.
    pub(super) fn go_on(&mut self, lost: store::Error, cx: &Context) -> anyhow::Result<()> {
        let Some(watch) = cx.watch() else { return Err(lost.into()) };
        let stands = self.appender.reconnect(self.producer.as_deref(), &self.claims, &*watch)?;
        (self.lost, self.unsent) = (None, 0);
        if self.producer.is_some() {
            self.pass_appended(stands)?;
        }
        self.sent_bytes = 0;
        let again = std::mem::take(&mut self.sent);
        again.into_iter().try_for_each(|sent| self.dispatch(sent))
    }

    /// Whether to try again after this error: it says that the log cannot, not that it will not.
    pub(super) fn may_retry(&self, error: &store::Error) -> bool {
        let left = self.refused_since.is_none_or(|since| since.elapsed() < self.retry);
        !self.retry.is_zero() && left && error.may_pass()
    }

    /// Waits a while, and hands over again what the log did not take.
    pub(super) fn try_again(&mut self, error: store::Error, cx: &Context) -> anyhow::Result<()> {
        // What was sent after it is refused for that.
        let answers = self.sent.len().saturating_sub(1 + std::mem::take(&mut self.unsent));
        for _ in 0..answers {
            match self.appender.finish() {
                Err(AppendError::Other(lost)) if self.appender.may_go_on(&lost) => {
                    self.lost = Some(lost);
                    break;
                }
                _ => {}
            }
        }
        self.rest(error, cx)?;
        self.sent_bytes = 0;
        let again = std::mem::take(&mut self.sent);
        again.into_iter().try_for_each(|sent| self.dispatch(sent))
    }

    /// Waits until it may be tried again; tells once why.
    fn rest(&mut self, error: store::Error, cx: &Context) -> anyhow::Result<()> {
        let Some(watch) = cx.watch() else { return Err(error.into()) };
        if self.refused_since.is_none() {
            message::note(&format!("{error}; trying again"));
            self.refused_since = Some(Instant::now());
        }
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(PAUSES.1);
        match watch.pause(pause)? {
            None => Ok(()),
            Some(_) => Err(error.into()),
        }
    }

    /// Asks something of the log, over as many daemons and for as long as it takes. All that was
    /// sent must be finished.
    pub(super) fn persist<T>(
        &mut self,
        cx: &Context,
        mut ask: impl FnMut(&mut Appender) -> Result<T, store::Error>,
    ) -> anyhow::Result<T> {
        loop {
            match ask(&mut self.appender) {
                Ok(answer) => {
                    (self.pause, self.refused_since) = (PAUSES.0, None);
                    return Ok(answer);
                }
                Err(error) if self.appender.may_go_on(&error) => self.go_on(error, cx)?,
                Err(error) if self.may_retry(&error) => self.rest(error, cx)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes note of the batches that are appended, by where the log has the producer.
    fn pass_appended(&mut self, stands: u64) -> anyhow::Result<()> {
        let is_unknown = self.is_run && stands == 0;
        if is_unknown || self.sent.front().is_none_or(|first| first.after == stands) {
            return Ok(());
        }
        let Some(last) = self.sent.iter().position(|sent| sent.sequence == stands) else {
            let name = self.producer.as_deref().unwrap_or_default();
            return Err(anyhow!(
                "another process appended as {name} while log-serve was gone; run produce again to \
                 resume after the records of {name}"
            ));
        };
        for _ in 0..=last {
            if let Some(sent) = self.take_first() {
                let records = sent.batch.len() as u64;
                self.appender.note_untold(records);
                self.note(sent, records);
            }
        }
        Ok(())
    }
}

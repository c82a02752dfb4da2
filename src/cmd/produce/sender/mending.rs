//! What a sender does with a batch that has bad records, and with those sent after it.

use anyhow::anyhow;

use super::{Batch, Sender, Sent, out_of_turn};
use crate::api::error::BadRecord;
use crate::cli::blame::explained;
use crate::cli::pump::Context;
use crate::record::decode::Raw;
use crate::store::AppendError;

impl Sender {
    /// Deals with a batch that has bad records; then those behind it, which were refused for
    /// that, are appended one by one.
    pub(super) fn mend(
        &mut self,
        sent: Sent,
        bad: &[BadRecord],
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        let behind = std::mem::take(&mut self.sent);
        let answers = behind.len() - std::mem::take(&mut self.unsent);
        self.sent_bytes = 0;
        for _ in 0..answers {
            match self.appender.finish() {
                Err(AppendError::Behind) => {}
                // None of them is appended, in any case.
                Err(AppendError::Other(error)) if self.appender.may_go_on(&error) => {
                    self.lost = Some(error);
                    break;
                }
                Err(AppendError::Other(error)) => return Err(self.unanswered(error)),
                _ => return Err(out_of_turn()),
            }
        }
        // A batch without one good record is not appended, and the next begins where it did.
        self.stands = self.append_good(sent, bad, cx)?;
        for mut sent in behind {
            sent.after = self.stands;
            self.stands = self.append(sent, cx)?;
        }
        Ok(())
    }

    /// Appends a batch while nothing else is under way; tells where the producer stands then.
    fn append(&mut self, sent: Sent, cx: &mut Context) -> anyhow::Result<u64> {
        let stands = sent.sequence;
        self.dispatch(sent)?;
        match self.outcome(cx)? {
            None => Ok(stands),
            Some((sent, Ok(records))) => {
                self.note(sent, records);
                Ok(stands)
            }
            Some((sent, Err(bad))) => self.append_good(sent, &bad, cx),
        }
    }

    /// Rejects the bad records and appends the others; if rejects are not kept, only those before
    /// the first bad one. Tells where the producer stands then.
    fn append_good(
        &mut self,
        mut sent: Sent,
        bad: &[BadRecord],
        cx: &mut Context,
    ) -> anyhow::Result<u64> {
        let in_order = bad.is_sorted_by(|one, next| one.record < next.record);
        let there = bad.last().is_some_and(|last| last.record < sent.batch.len() as u64);
        let Some(first) = bad.first().filter(|_| in_order && there) else {
            return Err(anyhow!(
                "log-serve refused records, but did not report which; use log-serve of the same version"
            ));
        };
        if let Some(origin) = &self.origin {
            cx.begin_behind(origin.lines_before());
        }
        let mut why = Ok(());
        if cx.keeps_rejects() {
            bad.iter().try_for_each(|bad| reject(&sent.batch, bad, cx))?;
            sent.batch.remove(bad);
        } else {
            why = reject(&sent.batch, first, cx);
            self.cut(&mut sent, first.record)?;
        }
        let stands = sent.after;
        let moves = sent.sequence != sent.after && self.origin.is_some();
        let is_void = sent.batch.is_empty() && !moves;
        let stands = if is_void { stands } else { self.append(sent, cx)? };
        why.map(|()| stands)
    }

    /// Leaves the records before a bad one in a batch.
    fn cut(&self, sent: &mut Sent, record: u64) -> anyhow::Result<()> {
        let Some(origin) = &self.origin else {
            sent.batch.keep_before(record);
            sent.sequence = self.behind(sent.after, sent.begin, &sent.batch).0;
            return Ok(());
        };
        let (_, line, _) = sent.batch.record(record);
        // Others of the same line come again with it.
        sent.batch.keep_before_line(line);
        sent.sequence = origin.sequence_before(line)?;
        Ok(())
    }
}

fn reject(batch: &Batch, bad: &BadRecord, cx: &mut Context) -> anyhow::Result<()> {
    let (bytes, line, unterminated) = batch.record(bad.record);
    let why = explained(&bad.why, &Raw { bytes, line, unterminated });
    let place = match batch.origin(bad.record) {
        Some(name) => format!("{name}:{line}"),
        None => cx.place(line),
    };
    cx.reject(&place, bytes, &why)
}

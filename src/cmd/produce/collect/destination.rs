//! Where records of files go, with the position to which that brings a file.

use crate::cli::follow::{Following, Visited};
use crate::cli::pump::{Context, StageError};
use crate::cmd::produce::BATCH_BYTES;
use crate::cmd::produce::batch::Batch;
use crate::cmd::produce::sender::{Origin, Sender};
use crate::ingest::files::mark::Mark;
use crate::record::decode::Raw;

/// Takes what is read in visits to files, and keeps where that leaves them.
pub(super) trait Destination {
    /// A visit begins. All that was sent is finished.
    ///
    /// # Errors
    /// When the log is gone.
    fn begin(
        &mut self,
        visited: &Visited,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()>;

    /// Takes a record. `number` says which one of the visit it comes of, from 1.
    ///
    /// # Errors
    /// When no topic takes it.
    fn take(&mut self, raw: Raw<'_>, number: u64, cx: &mut Context) -> Result<(), StageError>;

    /// Whether so much was taken that it is to be sent.
    fn is_full(&self) -> bool;

    /// Forgets what was taken and not sent.
    fn clear(&mut self);

    /// Leaves of what was taken only the records that begin before a line.
    fn keep_before_line(&mut self, line: u64);

    /// The sequence that the file has in the log after all that was sent.
    fn stands(&self) -> u64;

    /// Sends all that was taken; the file then has this sequence. `is_open`: more may be written to
    /// the last record, which is taken as it is.
    ///
    /// # Errors
    /// When a record is refused, or the log cannot append.
    fn send(&mut self, sequence: u64, is_open: bool, cx: &mut Context) -> anyhow::Result<()>;

    /// Waits until all that was sent is appended.
    ///
    /// # Errors
    /// As [`Destination::send`].
    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()>;

    /// Has the log remember a finished file under another name, too.
    ///
    /// # Errors
    /// When the log cannot append.
    fn also(
        &mut self,
        name: &str,
        mark: Mark,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()>;

    /// Tells the log that files are still there.
    ///
    /// # Errors
    /// When the log cannot note it.
    fn keep(&mut self, names: &[String], cx: &mut Context) -> anyhow::Result<()>;
}

/// One topic.
pub(super) struct One {
    pub sender: Sender,
    pub batch: Batch,
}

impl One {
    /// A topic that is open.
    pub fn new(sender: Sender) -> One {
        One { sender, batch: Batch::default() }
    }
}

impl Origin for Following {
    fn lines_before(&self) -> u64 {
        Following::lines_before(self)
    }

    fn sequence_before(&self, line: u64) -> anyhow::Result<u64> {
        Ok(self.mark_before_line(line)?.sequence())
    }
}

impl Destination for One {
    fn begin(
        &mut self,
        visited: &Visited,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        let origin = Box::new(following.clone());
        // Also if the file has no record yet: what it is rotated to is to be read, too.
        self.sender.keep_positions();
        self.sender.begin_source(&visited.name, visited.from.sequence(), origin, cx)
    }

    fn take(&mut self, raw: Raw<'_>, _: u64, _: &mut Context) -> Result<(), StageError> {
        self.batch.push(raw);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.batch.bytes().len() >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.batch.clear();
    }

    fn keep_before_line(&mut self, line: u64) {
        self.batch.keep_before_line(line);
    }

    fn stands(&self) -> u64 {
        self.sender.stands()
    }

    fn send(&mut self, sequence: u64, _: bool, cx: &mut Context) -> anyhow::Result<()> {
        self.sender.send_to(&mut self.batch, sequence, cx)
    }

    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.sender.finish(cx)
    }

    fn also(
        &mut self,
        name: &str,
        mark: Mark,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.sender.begin_source(name, 0, Box::new(following.clone()), cx)?;
        self.sender.send_to(&mut self.batch, mark.sequence(), cx)?;
        self.sender.finish(cx)
    }

    fn keep(&mut self, names: &[String], cx: &mut Context) -> anyhow::Result<()> {
        self.sender.keep(names, cx)
    }
}

//! `--on-full drop`: what the log does not take in time is dropped, and counted, so that those who
//! send to us need not wait.
//!
//! A thread of its own appends, with all the waiting and repeating that takes. What was read waits
//! for it in a queue; once that is full, records are dropped.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::batch::Batch;
use super::enrich::Enrich;
use super::queue::Queue;
use super::records;
use crate::cli::message;
use crate::cli::pump::{Context, Stage, StageError};
use crate::cli::seldom::Seldom;
use crate::record::control::Control;
use crate::record::decode::Raw;

/// How often it is looked how the thread does, while it has something to do.
const LOOK: Duration = Duration::from_millis(100);

/// What a stage leaves of records that were handed over to it.
pub(super) trait Settled {
    /// How many it has appended, or skipped since the log has them.
    fn settled(&self) -> u64;
}

/// How the thread ended, and what its stage left.
type Ended<T> = (anyhow::Result<()>, T);
type Work<T> = Box<dyn FnOnce(&Queue, Context) -> Ended<T> + Send>;

/// Hands records over to a stage in another thread, as far as that takes them; that stage leaves a
/// `T` in the end.
pub(super) struct Shedding<T> {
    enrich: Option<Box<Enrich>>,
    /// What was read last.
    batch: Batch,
    queue: Arc<Queue>,
    /// What the thread does, until it has begun.
    work: Option<Work<T>>,
    thread: Option<JoinHandle<Ended<T>>>,
    left: Option<T>,
    /// How many records were handed over to the thread, and how many it has rejected.
    handed: u64,
    rejected: u64,
    dropped: u64,
    seldom: Seldom,
}

impl<T: Settled + Send + 'static> Shedding<T> {
    /// Records are enriched here; the thread then makes a stage to take them, and tells what that
    /// leaves.
    pub fn new<S: Stage>(
        enrich: Option<Box<Enrich>>,
        make: impl FnOnce() -> S + Send + 'static,
        leave: impl FnOnce(S) -> T + Send + 'static,
    ) -> Shedding<T> {
        let work = |queue: &Queue, cx: Context| {
            let abandons = Abandons(queue);
            let mut stage = make();
            let outcome = work(queue, &mut stage, cx);
            drop(abandons);
            (outcome, leave(stage))
        };
        Shedding {
            enrich,
            batch: Batch::default(),
            queue: Arc::default(),
            work: Some(Box::new(work)),
            thread: None,
            left: None,
            handed: 0,
            rejected: 0,
            dropped: 0,
            seldom: Seldom::default(),
        }
    }

    /// What the stage left, if there ever was one, and how many records were dropped.
    pub fn left(mut self) -> (Option<T>, u64) {
        if let Some(thread) = self.thread.take() {
            self.queue.close();
            self.left = thread.join().ok().map(|(_, left)| left);
            self.rejected += self.queue.take_rejected().len() as u64;
        }
        let settled = self.left.as_ref().map_or(0, Settled::settled);
        let lost = self.handed.saturating_sub(self.rejected.saturating_add(settled));
        if lost > 0 {
            let (what, are) = (records(lost), if lost == 1 { "is" } else { "are" });
            message::note(&format!("{what} of those read {are} not known to be appended"));
        }
        if self.dropped > 0 {
            let what = records(self.dropped);
            message::note(&format!("{what} dropped, since the log did not take them in time"));
        }
        (self.left, self.dropped)
    }

    fn begin(&mut self, cx: &Context) -> anyhow::Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let (queue, beside) = (Arc::clone(&self.queue), cx.beside());
        let thread = std::thread::Builder::new().name("append".to_owned());
        let thread = thread.spawn(move || work(&queue, beside));
        self.thread = Some(thread.context("cannot begin to append")?);
        Ok(())
    }

    /// Hears what the thread has to say.
    fn attend(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.reject(cx)?;
        if self.queue.is_abandoned() { self.finish(cx) } else { Ok(()) }
    }

    /// Waits until the thread has appended what it was given.
    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.queue.close();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let (outcome, left) = thread.join().map_err(|_| anyhow!("appending has failed"))?;
        self.left = Some(left);
        self.reject(cx)?;
        outcome
    }

    /// Rejects what the thread found bad.
    fn reject(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        for one in self.queue.take_rejected() {
            self.rejected += 1;
            cx.reject(&one.place, &one.bytes, &one.why)?;
        }
        Ok(())
    }
}

/// Says at its end, also by a panic, that nobody takes records any more.
struct Abandons<'a>(&'a Queue);

impl Drop for Abandons<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Gives a stage what comes, until nothing more does.
fn work<S: Stage>(queue: &Queue, stage: &mut S, mut cx: Context) -> anyhow::Result<()> {
    let mut batch = Batch::default();
    loop {
        let goes_on = queue.take(&mut batch);
        let taken = take(&batch, stage, &mut cx);
        cx.more_at_hand = taken.is_ok() && queue.has_more();
        let flushed = stage.flush(&mut cx);
        queue.reject(cx.take_rejected());
        taken.and(flushed)?;
        if !goes_on {
            return Ok(());
        }
    }
}

fn take<S: Stage>(batch: &Batch, stage: &mut S, cx: &mut Context) -> anyhow::Result<()> {
    for record in 0..batch.len() as u64 {
        let origin = batch.origin(record).unwrap_or_default();
        if cx.source() != origin {
            cx.begin_source(origin);
        }
        let (bytes, line, unterminated) = batch.record(record);
        match stage.record(Raw { bytes, line, unterminated }, cx) {
            Ok(_) => {}
            Err(StageError::Fatal(error)) => return Err(error),
            Err(StageError::Bad(why)) => {
                let place = cx.place(line);
                cx.reject(&place, bytes, &why)?;
            }
        }
    }
    Ok(())
}

impl<T: Settled + Send + 'static> Stage for Shedding<T> {
    const ENDS_WITH_OUTPUT: bool = false;

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Shedding { enrich, batch, .. } = self;
        let mut take = |raw: Raw<'_>, cx: &mut Context| {
            batch.begin_origin(cx.source());
            batch.push(raw);
            Ok(ControlFlow::Continue(()))
        };
        match enrich {
            Some(enrich) => enrich.apply(raw, cx, take),
            None => take(raw, cx),
        }
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.begin(cx)?;
        let records_read = self.batch.len() as u64;
        if self.queue.put(&mut self.batch) {
            self.handed += records_read;
        } else {
            self.dropped += records_read;
            self.batch.clear();
            let dropped = self.dropped;
            self.seldom.note_total(|| {
                let so_far = records(dropped);
                format!("the log does not take records in time; {so_far} dropped so far")
            });
        }
        let is_stopped = cx.watch().is_some_and(|watch| watch.stopped().is_some());
        if is_stopped && !cx.more_at_hand {
            // This may be the end. It need not be: a command may still write when it is to end.
            self.queue.settle();
        }
        self.attend(cx)
    }

    fn idle_timeout(&self) -> Option<Duration> {
        self.queue.is_busy().then_some(LOOK)
    }

    fn on_idle(&mut self, _: Duration, cx: &mut Context) -> anyhow::Result<()> {
        self.attend(cx)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.finish(cx)
    }
}

//! What a partition gives: what is there, read here; or what comes, read by a thread for each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use crate::api::reading::{Chunk, Span};
use crate::cli::counters::{Place, counters};
use crate::cli::input::{StopReason, Watch};
use crate::cmd::subscribe::Options;
use crate::cmd::subscribe::several::{manner, spawn, try_to_begin};
use crate::store::{Manner, Reading, Step};

/// A partition that is read.
pub(super) enum Feed {
    /// What is there.
    Past(Box<Reading<'static>>),
    /// What comes.
    Followed(Receiver<Run>),
}

/// Records, and their lines.
pub(super) type Run = (Chunk, Vec<u8>);

/// What a feed gives.
pub(super) enum Fed {
    /// Records.
    Records(Chunk, Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// Nothing more.
    End,
    /// There is no need to read further.
    Halted(StopReason),
}

/// What a thread has to say beside its records.
enum News {
    /// There are records.
    Records,
    Halted(StopReason),
    Failed(anyhow::Error),
}

/// The threads that follow partitions. They end with the process.
pub(super) struct Followed {
    sender: Sender<News>,
    news: Receiver<News>,
}

impl Feed {
    /// Begins to read what is there of a part of a partition.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begin(
        options: &Options,
        watch: &Watch,
        topic: &str,
        span: Span,
    ) -> anyhow::Result<Result<Feed, StopReason>> {
        let reading = try_to_begin(options, watch, topic, Some(&[span]), manner(options, false))?;
        Ok(reading.map(|reading| Feed::Past(Box::new(reading))))
    }

    /// The next records.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn next(&mut self, watch: &Watch) -> anyhow::Result<Fed> {
        match self {
            Feed::Past(reading) => {
                let mut bytes = Vec::new();
                Ok(match reading.next(watch, &mut bytes)? {
                    Step::Records(chunk) => Fed::Records(chunk, bytes),
                    Step::Stopped(halt) => Fed::Halted(halt),
                    Step::Done | Step::File(..) => Fed::End,
                })
            }
            // Why a thread has ended, it says elsewhere.
            Feed::Followed(runs) => Ok(runs
                .try_recv()
                .map_or(Fed::Nothing, |(chunk, bytes)| Fed::Records(chunk, bytes))),
        }
    }
}

impl Followed {
    /// No threads yet.
    pub fn new() -> Followed {
        let (sender, news) = channel();
        Followed { sender, news }
    }

    /// Begins to follow a partition.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn begin(
        &self,
        options: &Options,
        watch: &Arc<Watch>,
        topic: &str,
        span: Span,
    ) -> anyhow::Result<Feed> {
        // One run waits, and no more is read: the merge says which partition goes on.
        let (runs, taken) = sync_channel(1);
        let (options, watch, sender) = (options.clone(), Arc::clone(watch), self.sender.clone());
        let topic = topic.to_owned();
        spawn(move || {
            let last = match follow(&options, &watch, &topic, span, &runs, &sender) {
                Ok(None) => return,
                Ok(Some(halt)) => News::Halted(halt),
                Err(error) => News::Failed(error),
            };
            // If nobody hears it, it is over.
            let _ = sender.send(last);
        })?;
        Ok(Feed::Followed(taken))
    }

    /// Waits until something has come, but no longer than there is `patience`; tells why there is
    /// no need to go on, if so.
    ///
    /// # Errors
    /// When a partition cannot be read any more.
    pub fn wait(&self, patience: Option<Duration>) -> anyhow::Result<Option<StopReason>> {
        let news = counters().at(Place::Input, || match patience {
            Some(patience) => self.news.recv_timeout(patience),
            None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
        });
        match news {
            Ok(News::Halted(halt)) => Ok(Some(halt)),
            Ok(News::Failed(error)) => Err(error),
            Ok(News::Records) | Err(_) => Ok(None),
        }
    }
}

/// Follows a partition, and hands on what comes.
fn follow(
    options: &Options,
    watch: &Watch,
    topic: &str,
    span: Span,
    runs: &SyncSender<Run>,
    news: &Sender<News>,
) -> anyhow::Result<Option<StopReason>> {
    let manner = Manner { added: false, ..manner(options, true) };
    let mut reading = match try_to_begin(options, watch, topic, Some(&[span]), manner)? {
        Ok(reading) => reading,
        Err(halt) => return Ok(Some(halt)),
    };
    loop {
        let mut bytes = Vec::new();
        let chunk = match reading.next(watch, &mut bytes)? {
            Step::Records(chunk) => chunk,
            Step::Stopped(halt) => return Ok(Some(halt)),
            Step::Done | Step::File(..) => return Ok(None),
        };
        if runs.send((chunk, bytes)).is_err() || news.send(News::Records).is_err() {
            return Ok(None);
        }
    }
}

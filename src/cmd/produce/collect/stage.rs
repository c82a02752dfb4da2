//! What is done with what is read of files: visit by visit, each from where the file was left.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration as StdDuration;

use super::destination::Destination;
use crate::cli::follow::Following;
use crate::cli::pump::{Context, Stage, StageError};
use crate::cmd::produce::enrich::Enrich;
use crate::ingest::files::identity::hash;
use crate::record::control::Control;
use crate::record::decode::Raw;

/// How much of a file is read without telling the log, also if there is no record in it.
const UNTOLD_BYTES_MAX: u64 = 8 << 20;
/// How long to wait for changes before all files are looked at, whatever the kernel tells.
const IDLE: StdDuration = StdDuration::from_secs(3600);

/// Gathers what was read of a file, and appends it with where that leaves the file.
pub(super) struct Collect<D> {
    following: Following,
    pub to: D,
    /// What is done with records before they are appended.
    enrich: Option<Box<Enrich>>,
    /// Where the log has the file that is being visited, or will have it.
    visit: Option<u64>,
    /// How many records the visit has brought.
    records: u64,
    /// Whether the visit is over.
    is_end: bool,
    /// Whether the last record was ended only by the end of the visit.
    is_open: bool,
    /// The files of which something was taken, and how many bytes of them.
    taken: HashSet<u64>,
    bytes: u64,
    /// For how long nothing came, with --follow.
    idle: Option<StdDuration>,
}

impl<D: Destination> Collect<D> {
    /// Of the files that are followed, to a destination; `waits` if more may come later.
    pub fn new(following: Following, to: D, enrich: Option<Box<Enrich>>, waits: bool) -> Self {
        Collect {
            following,
            to,
            enrich,
            visit: None,
            records: 0,
            is_end: false,
            is_open: false,
            taken: HashSet::new(),
            bytes: 0,
            idle: waits.then_some(StdDuration::ZERO),
        }
    }

    /// Of how many files something was taken, and how many bytes.
    pub fn amount(&self) -> (usize, u64) {
        (self.taken.len(), self.bytes)
    }

    /// Where the log has the file, after the visit began.
    fn begin(&mut self, cx: &mut Context) -> anyhow::Result<Option<u64>> {
        if let Some(position) = self.visit {
            return Ok(Some(position));
        }
        let Some(visited) = self.following.visited() else { return Ok(None) };
        self.to.keep(&self.following.take_kept(), cx)?;
        self.to.begin(&visited, &self.following, cx)?;
        self.visit = Some(visited.from.position);
        (self.records, self.is_open) = (0, false);
        Ok(self.visit)
    }

    /// The visit is over, and all that it gave is in the log.
    fn end(&mut self, position: u64, cx: &mut Context) -> anyhow::Result<()> {
        (self.is_end, self.visit) = (false, None);
        let mark = self.following.mark(position, true)?;
        let Some(also) = self.following.end_visit(mark)? else { return Ok(()) };
        self.to.also(&also, mark, &self.following, cx)
    }
}

impl<D: Destination> Stage for Collect<D> {
    const ENDS_WITH_OUTPUT: bool = false;

    fn shows_progress(&self) -> bool {
        true
    }

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn wants_lines(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_line())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.begin(cx)?;
        self.records += 1;
        self.is_open = raw.unterminated;
        let (number, to) = (self.records, &mut self.to);
        let Some(enrich) = &mut self.enrich else {
            to.take(raw, number, cx)?;
            return Ok(ControlFlow::Continue(()));
        };
        enrich.apply(raw, cx, |raw, cx| {
            to.take(raw, number, cx)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn source_end(&mut self) {
        self.is_end = true;
    }

    fn gives_up_source(&mut self) -> bool {
        (self.is_end, self.visit) = (false, None);
        self.to.clear();
        self.following.give_up()
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let Some(told) = self.begin(cx)? else { return Ok(()) };
        let mark = match cx.broken() {
            Some(None) => return Ok(()),
            Some(Some(line)) => {
                // What begins on the same line comes again with it.
                self.to.keep_before_line(line);
                self.following.mark_before_line(line)?
            }
            None => {
                let position = cx.position();
                let much = self.to.is_full() || position.saturating_sub(told) >= UNTOLD_BYTES_MAX;
                if cx.more_at_hand && !much {
                    return Ok(());
                }
                self.following.mark(position, self.is_end)?
            }
        };
        if mark.sequence() != self.to.stands() {
            let is_open = self.is_end && self.following.may_go_on(mark.position, self.is_open);
            self.to.send(mark.sequence(), is_open, cx)?;
        }
        if mark.position > told
            && let Some(visited) = self.following.visited()
        {
            self.taken.insert(hash(visited.name.as_bytes()));
            self.bytes += mark.position - told;
        }
        self.visit = Some(mark.position);
        if cx.more_at_hand {
            return Ok(());
        }
        self.to.finish(cx)?;
        if self.is_end && cx.broken().is_none() {
            return self.end(mark.position, cx);
        }
        Ok(())
    }

    fn idle_timeout(&self) -> Option<StdDuration> {
        self.idle.map(|_| IDLE)
    }

    fn on_idle(&mut self, time: StdDuration, cx: &mut Context) -> anyhow::Result<()> {
        let Some(idle) = &mut self.idle else { return Ok(()) };
        *idle = idle.saturating_add(time);
        if *idle >= IDLE {
            *idle = StdDuration::ZERO;
            self.following.look_everywhere();
            self.to.keep(&self.following.take_kept(), cx)?;
        }
        Ok(())
    }
}

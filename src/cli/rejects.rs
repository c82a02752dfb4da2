//! `--rejects FILE`: bad lines are kept there, as they stood, and the tool goes on. A tool that
//! others send to goes on without it, too: it counts them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::keep::Keep;
use super::seldom::Seldom;
use super::{Failure, Status, message};
use crate::record::decode::Bad;

/// How many rejected lines are reported one by one; the rest only in the count at the end.
const REPORTED_MAX: u64 = 10;

/// What becomes of bad input.
#[derive(Debug, Default)]
pub struct Rejects {
    kept: Option<Keep>,
    /// What tells of bad lines that are dropped, if they are.
    dropping: Option<Seldom>,
    /// Bad lines that another thread deals with, if one does.
    gathered: Option<Vec<Rejected>>,
    /// Whether a bad line was refused, which ends the tool or what is read of the source.
    refused: bool,
    /// How many lines were found bad.
    told: u64,
    tally: Tally,
    /// How many lines of the input were kept; a row in quotes may have several.
    count: u64,
}

/// How many bad lines were stored, or dropped, as all know who have a copy of it.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// How many there are so far.
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A bad line, for the thread that deals with it.
#[derive(Debug)]
pub struct Rejected {
    /// Its place in the input.
    pub place: String,
    /// How it stood there.
    pub bytes: Vec<u8>,
    /// What is wrong with it.
    pub why: String,
}

impl Rejects {
    /// Gathers bad lines for another thread.
    pub(super) fn gathering() -> Rejects {
        Rejects { gathered: Some(Vec::new()), ..Rejects::default() }
    }

    /// What was gathered.
    pub(super) fn take_gathered(&mut self) -> Vec<Rejected> {
        self.gathered.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps bad lines in `path`, behind what is there already; without a path, the first bad line
    /// is an error.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Rejects> {
        let kept = path.map(|path| Keep::open(path, "rejects")).transpose()?;
        Ok(Rejects { kept, ..Rejects::default() })
    }

    /// Counts bad lines in `tally`, too.
    pub fn counting(self, tally: &Tally) -> Rejects {
        Rejects { tally: tally.clone(), ..self }
    }

    /// Drops bad lines, unless they are kept: one who sends to us cannot stop us.
    pub fn or_drop(self) -> Rejects {
        let dropping = self.kept.is_none().then(Seldom::default);
        Rejects { dropping, ..self }
    }

    /// Whether a tool can go on after bad lines.
    pub fn kept(&self) -> bool {
        self.kept.is_some() || self.dropping.is_some() || self.gathered.is_some()
    }

    /// How many lines were found bad, and did not end the tool.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// Whether bad lines were dropped.
    pub fn has_dropped(&self) -> bool {
        self.dropping.is_some() && self.told > 0
    }

    /// Takes a bad line: keeps it, or fails with what was wrong.
    ///
    /// # Errors
    /// When rejects are not kept, or when keeping this one failed.
    pub fn take(&mut self, place: &str, bytes: &[u8], why: &str) -> anyhow::Result<()> {
        if let Some(gathered) = &mut self.gathered {
            let (place, bytes, why) = (place.to_owned(), bytes.to_owned(), why.to_owned());
            gathered.push(Rejected { place, bytes, why });
            return Ok(());
        }
        if let Some(seldom) = &mut self.dropping {
            self.told += 1;
            self.tally.0.fetch_add(1, Relaxed);
            seldom.note(|| format!("{place}: dropped: {why}"));
            return Ok(());
        }
        if self.kept.is_none() {
            return self.refuse(place, why, "; --rejects FILE stores such lines and continues");
        }
        self.tell(place, why);
        self.write(bytes)?;
        self.end_line()
    }

    /// Takes what a decoder found bad, perhaps a piece of a line that is too long to be held; later
    /// pieces belong to a line already counted.
    ///
    /// # Errors
    /// As [`Rejects::take`].
    pub fn take_bad(&mut self, place: &str, bad: &Bad<'_>) -> anyhow::Result<()> {
        if !bad.continued {
            if !self.kept() && bad.spoils_rest {
                // Storing all of the input would be no remedy.
                return self.refuse(place, &bad.why, "");
            }
            if !bad.more || self.kept.is_none() {
                return self.take(place, bad.bytes, &bad.why);
            }
            self.tell(place, &bad.why);
        }
        self.write(bad.bytes)?;
        if bad.more { Ok(()) } else { self.end_line() }
    }

    /// A bad line that nobody keeps.
    fn refuse(&mut self, place: &str, why: &str, remedy: &str) -> anyhow::Result<()> {
        self.refused = true;
        Err(Failure::new(Status::Data, format!("{place}: {why}{remedy}")).into())
    }

    /// Whether a bad line was refused since this was last asked.
    pub fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// Takes an input that ended too early. There is nothing of it to keep, so it shows in the exit
    /// status alone.
    ///
    /// # Errors
    /// When rejects are not kept.
    pub fn take_cut(&mut self, place: &str, why: &str) -> anyhow::Result<()> {
        let why = format!("{place}: {why}");
        if self.kept.is_none() {
            return Err(Failure::new(Status::Data, why).into());
        }
        message::note(&why);
        self.told += 1;
        Ok(())
    }

    /// Says what is wrong with a line, of the first ones.
    fn tell(&mut self, place: &str, why: &str) {
        self.told += 1;
        self.tally.0.fetch_add(1, Relaxed);
        if self.told <= REPORTED_MAX {
            message::note(&format!("{place}: rejected: {why}"));
        }
    }

    fn end_line(&mut self) -> anyhow::Result<()> {
        self.write(b"\n")
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.kept {
            Some(kept) => {
                kept.write(bytes)?;
                self.count += memchr::memchr_iter(b'\n', bytes).count() as u64;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Reports how many lines were rejected; a tool that lost input does not end with 0.
    pub fn conclude(&self) -> Status {
        if self.has_dropped() {
            let (count, lines) = (self.told, if self.told == 1 { "line" } else { "lines" });
            message::note(&format!("{count} bad {lines} dropped; --rejects FILE stores them"));
            return Status::Data;
        }
        let Some(kept) = &self.kept else { return Status::Done };
        if self.told == 0 {
            return Status::Done;
        }
        if self.count == 0 {
            return Status::Data;
        }
        let lines = if self.count == 1 { "line" } else { "lines" };
        message::note(&format!(
            "{} {lines} rejected, stored in {}",
            self.count,
            kept.path().display()
        ));
        Status::Data
    }
}

//! Files that are resumed into several topics.
//!
//! One of them, the *home* topic, keeps where each file was left. That moves only after all others
//! have acknowledged what comes before it. Each of the others keeps, with its records, up to where
//! it has a file itself. So after a crash all is read again from where the home topic has the
//! file, and each topic is given what comes after its own position.

mod topics;

use std::cell::Cell;
use std::rc::Rc;

use self::topics::Topics;
use super::destination::{Destination, One};
use crate::cli::Status;
use crate::cli::follow::{CUT, Following, Visited};
use crate::cli::pump::{Context, StageError};
use crate::cmd::produce::batch::Batch;
use crate::cmd::produce::route::{Left, Naming, Opener};
use crate::cmd::produce::sender::{Origin, Sender};
use crate::ingest::files::mark::Mark;
use crate::ingest::formats::Choice;
use crate::record::decode::Raw;

/// How much is gathered for all topics together before it is sent.
const GATHERED_BYTES: usize = 2 << 20;

/// The home topic, and the others.
pub(super) struct Several {
    naming: Naming,
    home: One,
    home_name: String,
    topics: Topics,
    /// What is being visited, from where.
    visit: Option<Visit>,
    /// The first line of the visit that a topic has refused, if one has since that was last asked.
    refused: Refused,
    gathered_bytes: usize,
}

/// A visit, as topics see it.
#[derive(Clone)]
pub(super) struct Visit {
    /// The file's name as a source.
    pub source: String,
    /// Where the home topic has it.
    pub from: Mark,
    pub following: Following,
}

/// The first line that was refused.
type Refused = Rc<Cell<Option<u64>>>;

/// A file, for a topic that may refuse its records.
struct Noting {
    following: Following,
    refused: Refused,
}

impl Origin for Noting {
    fn lines_before(&self) -> u64 {
        self.following.lines_before()
    }

    fn sequence_before(&self, line: u64) -> anyhow::Result<u64> {
        let first = self.refused.get().map_or(line, |first| first.min(line));
        self.refused.set(Some(first));
        Ok(self.following.mark_before_line(line)?.sequence())
    }
}

impl Several {
    /// To topics that `opener` opens; the home topic is open. The files have this format.
    pub fn new(naming: Naming, home: (String, Sender), opener: Opener, format: Choice) -> Several {
        let (home_name, sender) = home;
        Several {
            naming,
            topics: Topics::new(opener, format, &home_name),
            home: One::new(sender),
            home_name,
            visit: None,
            refused: Refused::default(),
            gathered_bytes: 0,
        }
    }

    /// Closes all topics, and the log.
    pub fn leave(self) -> Left {
        let home = self.home.sender;
        let appended = home.appended();
        let appender = home.into_appender();
        let skipped = appender.placed().skipped;
        let closed = appender.close();
        let mut left = self.topics.leave(closed);
        left.topics += usize::from(appended > 0);
        left.appended += appended;
        left.skipped += skipped;
        left
    }

    /// Has the home topic remember where the file ends before others are given its last line, which
    /// has no line end: after a crash, the line is cut there again, also if it is longer by then.
    fn note_cut(&mut self, sequence: u64, cx: &mut Context) -> anyhow::Result<()> {
        let Some(Visit { source, following, .. }) = &self.visit else { return Ok(()) };
        let home = &mut self.home.sender;
        let (name, stands) = (format!("{source}{CUT}"), home.stands());
        let held = home.stands_as(&name, cx)?;
        if held != sequence {
            home.begin_source(&name, held, Box::new(following.clone()), cx)?;
            home.send_to(&mut Batch::default(), sequence, cx)?;
            home.finish(cx)?;
            home.begin_source(source, stands, Box::new(following.clone()), cx)?;
        }
        Ok(())
    }

    /// Sends to all topics but the home topic what they are to get, and waits until they have it.
    /// Tells the first line that one of them has refused, and why.
    fn send_others(
        &mut self,
        sequence: u64,
        cx: &mut Context,
    ) -> anyhow::Result<Option<(u64, anyhow::Error)>> {
        let Some(visit) = &self.visit else { return Ok(None) };
        let noting =
            || Noting { following: visit.following.clone(), refused: Rc::clone(&self.refused) };
        let (mut first, mut fatal) = (None::<(u64, anyhow::Error)>, None);
        let mut failed = |error: anyhow::Error| match self.refused.take() {
            Some(line) if Status::of(&error) == Status::Data => {
                if first.as_ref().is_none_or(|(other, _)| line < *other) {
                    first = Some((line, error));
                }
            }
            _ => fatal = fatal.take().or(Some(error)),
        };
        self.topics.send(sequence, &noting, cx, &mut failed);
        match fatal {
            Some(error) => Err(error),
            None => Ok(first),
        }
    }
}

impl Destination for Several {
    fn begin(
        &mut self,
        visited: &Visited,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.home.begin(visited, following, cx)?;
        let (source, from) = (visited.name.clone(), visited.from);
        self.visit = Some(Visit { source, from, following: following.clone() });
        self.topics.begin_visit();
        Ok(())
    }

    fn take(&mut self, raw: Raw<'_>, number: u64, cx: &mut Context) -> Result<(), StageError> {
        self.naming.find(raw.bytes)?;
        let name = self.naming.name();
        if name == self.home_name {
            self.home.batch.push(raw);
        } else {
            let Some(visit) = &self.visit else { return Ok(()) };
            let noting =
                || Noting { following: visit.following.clone(), refused: Rc::clone(&self.refused) };
            if !self.topics.take(name, raw, number, visit, &noting, cx)? {
                return Ok(());
            }
        }
        self.gathered_bytes += raw.bytes.len();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.gathered_bytes >= GATHERED_BYTES
    }

    fn clear(&mut self) {
        self.home.clear();
        self.topics.clear();
        self.gathered_bytes = 0;
    }

    fn keep_before_line(&mut self, line: u64) {
        self.home.keep_before_line(line);
        self.topics.keep_before_line(line);
    }

    fn stands(&self) -> u64 {
        self.home.stands()
    }

    fn send(&mut self, sequence: u64, is_open: bool, cx: &mut Context) -> anyhow::Result<()> {
        self.gathered_bytes = 0;
        let mut refused = None;
        let mut sequence = sequence;
        let have_some = self.topics.have_some();
        if have_some {
            // A file that it does not know would be another one to the next run, and the positions
            // in other topics those of a file that nobody asks for.
            if self.home.stands() == 0 {
                let begun = Mark::BEGUN.sequence();
                self.home.sender.send_to(&mut Batch::default(), begun, cx)?;
                self.home.finish(cx)?;
            }
            if is_open {
                self.note_cut(sequence, cx)?;
            }
            if let Some((line, error)) = self.send_others(sequence, cx)? {
                self.home.keep_before_line(line);
                sequence = match &self.visit {
                    Some(visit) => visit.following.mark_before_line(line)?.sequence(),
                    None => self.home.stands(),
                };
                refused = Some(error);
            }
        }
        if sequence > self.home.stands() {
            self.home.send(sequence, is_open, cx)?;
            if have_some {
                // However little it gets itself, what others have is not to be read again.
                self.home.finish(cx)?;
            }
        }
        match refused {
            None => Ok(()),
            Some(error) => {
                self.home.finish(cx)?;
                Err(error)
            }
        }
    }

    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.home.finish(cx)
    }

    fn also(
        &mut self,
        name: &str,
        mark: Mark,
        following: &Following,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.home.also(name, mark, following, cx)
    }

    fn keep(&mut self, names: &[String], cx: &mut Context) -> anyhow::Result<()> {
        self.home.keep(names, cx)
    }
}

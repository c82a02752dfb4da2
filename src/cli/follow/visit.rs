//! A visit to a file: its content from where it was left to where it ends now, as a source.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;

use super::content::{Content, Reader, Status};
use super::recount::{Stopped, records_between};
use crate::cli::source::{Polled, Source};
use crate::cli::watch::Waiting;
use crate::ingest::files::identity::{Identity, Inode};
use crate::ingest::files::mark::Mark;
use crate::record::decode::Decoder;

/// How a file is visited.
pub(super) struct Plan {
    /// The file of its family that has the plain name.
    pub live: PathBuf,
    pub path: PathBuf,
    /// The file that had that path when this was decided.
    pub inode: Inode,
    pub identity: Identity,
    /// How many bytes it had then, as they are stored.
    pub stored: u64,
    /// Where it was left.
    pub from: Mark,
    /// Where a last line ended that was taken without a line end, though maybe not by all topics.
    pub cut: Option<Mark>,
    /// Whether a last line without a line end is a whole one.
    pub takes_rest: bool,
    /// Whether nothing follows in this file.
    pub finishes: bool,
    /// Another identity of the file, for the log to remember.
    pub also: Option<Identity>,
}

impl Plan {
    /// How many bytes there are to read, as they are stored; of a compressed file, of which it is
    /// not known where it was left in these, all.
    pub fn bytes(&self) -> u64 {
        match self.stored.checked_sub(self.from.position) {
            Some(left) if left > 0 => left,
            _ => self.stored,
        }
    }
}

/// A file that is being visited.
#[derive(Clone, Debug)]
pub struct Visited {
    /// Its source's name in the log.
    pub name: String,
    /// Where it was left.
    pub from: Mark,
}

/// A visit that is going on.
pub(super) struct State {
    pub plan: Plan,
    pub content: Content,
    reader: Reader,
    head: Vec<u8>,
    /// What it was when the visit began.
    pub began: Status,
    /// Where it ends now; a compressed file is read to its end.
    limit: Option<u64>,
    /// Whether it ends where a last line was taken without a line end: there, a record ends, and
    /// what follows is read in another visit.
    pub ends_at_cut: bool,
    /// Whether the file was changed meanwhile other than by appending.
    pub is_cut: bool,
    /// How many lines at the file's beginning were given before.
    pub head_lines: u64,
    head_at: u64,
    lines_before: Option<u64>,
    /// How many records lie before marks that were asked for.
    counted: BTreeMap<Mark, Option<u64>>,
}

/// The source.
pub(super) struct Visit {
    name: Arc<str>,
    state: Rc<RefCell<State>>,
    position: u64,
}

impl State {
    /// Begins a visit to a file that is open; none if it is not the one that was to be visited.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(plan: Plan, content: Content) -> io::Result<Option<State>> {
        // The head is not shorter than what is read, also if the file grows meanwhile.
        let began = content.status()?;
        let limit = content.is_plain().then_some(began.bytes);
        let head = content.head()?;
        let reader = match content.reader(plan.from.position) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            reader => reader?,
        };
        // It may have been truncated, and written again, since it was decided to visit it.
        let is_begun = plan.from != Mark::default();
        let agrees = !is_begun || plan.from.agrees(&head, reader.tail(plan.from.position));
        if !agrees || !plan.identity.fingerprint.is_of(&head) {
            return Ok(None);
        }
        let mut cut = plan.cut.filter(|cut| cut.position > plan.from.position);
        if let Some(mark) = cut
            && !content.agrees(mark, &head)?
        {
            cut = None;
        }
        Ok(Some(State {
            plan,
            content,
            reader,
            head,
            began,
            limit: cut.map(|cut| cut.position).or(limit),
            ends_at_cut: cut.is_some(),
            is_cut: false,
            head_lines: 0,
            head_at: 0,
            lines_before: None,
            counted: BTreeMap::new(),
        }))
    }

    /// The mark at a position, which is not before one that was asked for earlier.
    pub fn mark(&mut self, position: u64, ended: bool) -> Mark {
        let mark = Mark::new(position, ended, &self.head, self.reader.tail(position));
        self.reader.forget_before(position);
        mark
    }

    /// The same at any position.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn mark_anywhere(&self, position: u64) -> io::Result<Mark> {
        let reader = self.content.reader(position)?;
        Ok(Mark::new(position, false, &self.head, reader.tail(position)))
    }

    /// How many records lie between where the visit began and a mark; none if the file does not
    /// have that mark. Topics that were ahead together ask for the same one.
    ///
    /// # Errors
    /// When the file cannot be read, or `stopped` says that there is no need to.
    pub fn records_before(
        &mut self,
        mark: Mark,
        decoder: &mut dyn Decoder,
        stopped: &Stopped<'_>,
    ) -> anyhow::Result<Option<u64>> {
        if let Some(&counted) = self.counted.get(&mark) {
            return Ok(counted);
        }
        let (content, head, from) = (&self.content, &self.head, self.plan.from.position);
        let counted = records_between(content, head, from, mark, decoder, stopped)?;
        self.counted.insert(mark, counted);
        Ok(counted)
    }

    /// How many lines lie before those that are given in this visit.
    pub fn lines_before(&mut self) -> u64 {
        let from = self.plan.from.position;
        let lines = match self.lines_before {
            Some(lines) => lines,
            // It is for messages.
            None => self.content.lines_before(from).unwrap_or(0).saturating_sub(self.head_lines),
        };
        self.lines_before = Some(lines);
        lines
    }

    /// Whether the file has more now than it had when the visit began, or had more then than when
    /// it was decided about, which may be long before.
    pub fn has_grown(&self) -> bool {
        let now = self.content.status().map_or(0, |status| status.bytes);
        self.limit.is_some_and(|limit| now > limit || limit != self.plan.stored)
    }

    /// Whether all was read that there was.
    pub fn is_over(&self, position: u64) -> bool {
        let is_end = self.limit.is_none_or(|limit| position >= limit);
        is_end && !self.is_cut && !self.ends_at_cut
    }

    /// Whether more may be written to what the visit ends with at a position, where a line end is
    /// missing or `is_open` says so, and nothing tells yet where it was cut.
    pub fn may_go_on(&self, position: u64, is_open: bool) -> bool {
        let last = self.reader.tail(position).last();
        let is_open = is_open || last.is_some_and(|&byte| byte != b'\n');
        is_open && !self.plan.finishes && !self.ends_at_cut
    }

    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let at = self.reader.at();
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(at));
        let most = usize::try_from(left).unwrap_or(block.len()).min(block.len());
        if self.is_cut || most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(block.get_mut(..most).unwrap_or_default())?;
        // Where it was truncated and written again, what was read may be another file's.
        if self.content.is_plain() && !self.is_as_it_was(at + count as u64)? {
            self.is_cut = true;
            return Ok(0);
        }
        Ok(count)
    }

    fn is_as_it_was(&self, position: u64) -> io::Result<bool> {
        if self.content.status()?.bytes < position {
            return Ok(false);
        }
        let mut head = self.content.head()?;
        head.truncate(self.head.len());
        Ok(head == self.head)
    }

    /// The next line at the file's beginning.
    fn head_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.head_at >= self.plan.from.position {
            return Ok(None);
        }
        let end = self.content.position_of_line(self.head_at, 1)?;
        let mut line = vec![0; usize::try_from(end - self.head_at).unwrap_or_default()];
        let mut reader = self.content.reader(self.head_at)?;
        let mut filled = 0;
        while let Some(rest) = line.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        self.head_at = end;
        self.head_lines += 1;
        Ok(Some(line))
    }
}

impl Visit {
    /// The source of a visit.
    pub fn new(name: Arc<str>, state: Rc<RefCell<State>>) -> Visit {
        let position = state.borrow().plan.from.position;
        Visit { name, state, position }
    }
}

impl Source for Visit {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn stored_position(&self) -> u64 {
        let plan = &self.state.borrow().plan;
        // Of a compressed file more may be given than is stored.
        self.position.saturating_sub(plan.from.position).min(plan.bytes())
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled> {
        if let Some(reason) = waiting.stopped() {
            return Ok(Polled::Stopped(reason));
        }
        let count = self.state.borrow_mut().read(block).with_context(|| self.name.to_string())?;
        self.position += count as u64;
        Ok(if count == 0 { Polled::End } else { Polled::Bytes(count) })
    }

    fn takes_rest(&self) -> bool {
        let state = self.state.borrow();
        let takes_rest = state.ends_at_cut || state.plan.takes_rest && !state.has_grown();
        takes_rest && !state.is_cut
    }

    fn head_line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        self.state.borrow_mut().head_line().with_context(|| self.name.to_string())
    }

    fn lines_before(&mut self) -> u64 {
        self.state.borrow_mut().lines_before()
    }
}

//! Sessions: for each group, records that are no further apart than the gap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::fault::{Fault, StreamError};
use super::function::{Column, Scope};
use super::panes::{Pane, Policy, Progress, write_head};
use super::report::{Results, Row};
use super::table::{Incoming, Stager, hash};
use crate::time::Interval;

/// The open sessions of all groups.
///
/// A record comes as a session of its own, from its time to the gap behind it. It is merged with
/// those of its group that it overlaps or touches: one that came late may bridge two of them, also
/// where these have had results. Whether a record is late is asked of the merged session
/// (SEMANTICS: Flink's `WindowOperator` with merging windows).
///
/// Sessions have places in the columns, which are used again; they close in the order of a heap of
/// the times at which something is due. An entry of the heap may be out of date: then the session
/// has another, or gets one when the entry's time comes.
pub(super) struct Sessions {
    hasher: RandomState,
    index: HashTable<usize>,
    groups: Vec<Group>,
    groups_free: Vec<usize>,
    sessions: Vec<Session>,
    sessions_free: Vec<usize>,
    columns: Vec<Box<dyn Column>>,
    /// One group, for a state on its way from one place to another.
    between: Vec<Box<dyn Column>>,
    /// What is due when: a time, and a session by its place and its serial number.
    due: BinaryHeap<Reverse<(i64, u64, usize)>>,
    /// Those that changed since their results came last.
    changed: Vec<usize>,
    serial: u64,
}

struct Group {
    key: Box<[u8]>,
    /// The places of its sessions, by time; they neither overlap nor touch.
    sessions: Vec<usize>,
}

struct Session {
    interval: Interval,
    group: usize,
    /// When its first record came.
    first: u64,
    /// Tells it from others that have had its place; zero if the place is free.
    serial: u64,
    /// The time of its entry in the heap.
    due_ms: i64,
    /// Whether its results at its end are out, or its end had passed before it began.
    ended: bool,
    changed: bool,
}

impl Sessions {
    /// No sessions; `columns` makes columns without groups, which can be merged.
    pub(super) fn new(columns: impl Fn() -> Vec<Box<dyn Column>>) -> Sessions {
        let mut between = columns();
        between.iter_mut().for_each(|column| column.add_group());
        Sessions {
            hasher: RandomState::default(),
            index: HashTable::new(),
            groups: Vec::new(),
            groups_free: Vec::new(),
            sessions: Vec::new(),
            sessions_free: Vec::new(),
            columns: columns(),
            between,
            due: BinaryHeap::new(),
            changed: Vec::new(),
            serial: 0,
        }
    }

    /// Takes a record; says whether it was not late. Its results, if they come at once, are
    /// appended.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(super) fn take<S: Stager>(
        &mut self,
        alone: Interval,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<bool, Fault> {
        let hash = hash(&self.hasher, record.key);
        let known = self.index.find(hash, |group| *self.groups[*group].key == *record.key).copied();
        let met = known.map_or(0..0, |group| self.met(group, alone));
        if met.is_empty() && progress.is_closed(alone.end_ms) {
            return Ok(false);
        }
        let first = known.and_then(|group| self.groups[group].sessions.get(met.clone())?.first());
        let first = first.copied();
        (record.stage)(first, &mut self.columns)?;
        let place = match first {
            Some(place) => place,
            None => {
                record.room.take(1)?;
                let group = known.unwrap_or_else(|| self.add_group(hash, record.key));
                self.add(group, alone, record.arrival)
            }
        };
        self.columns.iter_mut().for_each(|column| column.apply(place, record.arrival));
        let group = self.sessions[place].group;
        let others: Vec<usize> = self.groups[group].sessions.splice(met, [place]).skip(1).collect();
        record.room.free(others.len());
        others.iter().for_each(|other| self.take_in(place, *other));
        self.change(place, alone, progress, results.policy);
        if results.policy.at_once() {
            self.write(&[place], true, progress, results)?;
        }
        Ok(true)
    }

    /// Which sessions of a group an interval overlaps or touches.
    fn met(&self, group: usize, alone: Interval) -> Range<usize> {
        let sessions = &self.groups[group].sessions;
        let interval = |place: &usize| self.sessions[*place].interval;
        let first = sessions.partition_point(|place| interval(place).end_ms < alone.start_ms);
        let behind = sessions.partition_point(|place| interval(place).start_ms <= alone.end_ms);
        first..behind
    }

    fn add_group(&mut self, hash: u64, key: &[u8]) -> usize {
        let added = Group { key: key.into(), sessions: Vec::new() };
        let group = self.groups_free.pop().unwrap_or(self.groups.len());
        match self.groups.get_mut(group) {
            Some(free) => *free = added,
            None => self.groups.push(added),
        }
        let (groups, hasher) = (&self.groups, &self.hasher);
        let rehash = |group: &usize| super::table::hash(hasher, &groups[*group].key);
        self.index.insert_unique(hash, group, rehash);
        group
    }

    /// Adds a session of one record; gives its place.
    fn add(&mut self, group: usize, interval: Interval, first: u64) -> usize {
        self.serial += 1;
        let added = Session {
            interval,
            group,
            first,
            serial: self.serial,
            due_ms: i64::MAX,
            ended: false,
            changed: false,
        };
        let place = self.sessions_free.pop().unwrap_or(self.sessions.len());
        match self.sessions.get_mut(place) {
            Some(free) => *free = added,
            None => {
                self.sessions.push(added);
                self.columns.iter_mut().for_each(|column| column.add_group());
            }
        }
        place
    }

    /// Has a session take in another of its group.
    fn take_in(&mut self, place: usize, other: usize) {
        for (column, between) in self.columns.iter_mut().zip(&mut self.between) {
            between.merge(0, &**column, other);
            column.merge(place, &**between, 0);
            between.clear(0);
        }
        let Session { interval, first, .. } = self.sessions[other];
        self.drop_state(other);
        let session = &mut self.sessions[place];
        session.interval = session.interval.hull(interval);
        session.first = session.first.min(first);
    }

    /// A session has taken the record that was `alone`.
    fn change(&mut self, place: usize, alone: Interval, progress: &Progress, policy: Policy) {
        let session = &mut self.sessions[place];
        session.interval = session.interval.hull(alone);
        session.ended = policy.refines() && progress.ends(session.interval.end_ms);
        if policy.refines() && !std::mem::replace(&mut session.changed, true) && !policy.at_once() {
            self.changed.push(place);
        }
        self.expect(place, progress, policy);
    }

    /// Sees to it that the heap has a session no later than something is due.
    fn expect(&mut self, place: usize, progress: &Progress, policy: Policy) {
        let session = &mut self.sessions[place];
        let end_ms = session.interval.end_ms;
        let has_results_at_end = policy.refines() && !session.ended;
        let due_ms = if has_results_at_end { end_ms } else { progress.closing_ms(end_ms) };
        if due_ms < session.due_ms {
            session.due_ms = due_ms;
            self.due.push(Reverse((due_ms, session.serial, place)));
        }
    }

    /// The watermark has moved: appends the results that come because of it, by end, then start,
    /// then when the session was first seen. At a `tick` these are also those of sessions that have
    /// changed. Gives the number of sessions that are no longer held.
    pub(super) fn advance(
        &mut self,
        tick: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
    ) -> Result<usize, StreamError> {
        let mut due = Vec::new();
        while let Some(Reverse((due_ms, serial, place))) = self.due.peek().copied() {
            if !progress.ends(due_ms) {
                break;
            }
            self.due.pop();
            let session = &mut self.sessions[place];
            if (session.serial, session.due_ms) == (serial, due_ms) {
                session.due_ms = i64::MAX;
                due.push(place);
            }
        }
        if tick {
            due.append(&mut self.changed);
        }
        if due.is_empty() {
            return Ok(0);
        }
        let order = |place: &usize| {
            let session = &self.sessions[*place];
            (session.interval, session.first)
        };
        due.retain(|place| self.sessions[*place].serial != 0);
        due.sort_unstable_by_key(order);
        due.dedup();
        self.write(&due, tick, progress, results)?;
        let mut closed = 0;
        for place in due {
            let Session { interval, group, .. } = self.sessions[place];
            if !progress.is_closed(interval.end_ms) {
                self.expect(place, progress, results.policy);
                continue;
            }
            progress.report(interval.end_ms);
            closed += 1;
            self.drop_state(place);
            self.groups[group].sessions.retain(|other| *other != place);
            if self.groups[group].sessions.is_empty() {
                self.drop_group(group);
            }
        }
        Ok(closed)
    }

    /// Appends the results that these sessions have now: at a `tick` also for their changes alone.
    fn write(
        &mut self,
        places: &[usize],
        tick: bool,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let policy = results.policy;
        let mut rows = Vec::new();
        for place in places {
            let session = &mut self.sessions[*place];
            let end_ms = session.interval.end_ms;
            let (ends, closed) = (progress.ends(end_ms), progress.is_closed(end_ms));
            let pane = match () {
                () if policy.refines() && ends && !session.ended => Pane::OnTime,
                () if session.changed && (tick || closed) && ends => Pane::Late,
                () if session.changed && tick => Pane::Early,
                () if closed && !policy.refines() => Pane::OnTime,
                () => continue,
            };
            session.ended = ends;
            session.changed = false;
            let mut head = Vec::new();
            write_head(Some(session.interval), policy.marked(pane), &mut head)?;
            rows.push((head, *place));
        }
        let rows = rows.iter().map(|(head, place)| {
            let session = &self.sessions[*place];
            Row {
                head,
                key: &self.groups[session.group].key,
                group: *place,
                scope: Scope::of(session.interval),
            }
        });
        results.write(&self.columns, rows)
    }

    /// Frees the place of a session.
    fn drop_state(&mut self, place: usize) {
        self.columns.iter_mut().for_each(|column| column.clear(place));
        self.sessions[place].serial = 0;
        self.sessions_free.push(place);
    }

    fn drop_group(&mut self, group: usize) {
        let key = std::mem::take(&mut self.groups[group].key);
        let hash = hash(&self.hasher, &key);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == group) {
            entry.remove();
        }
        self.groups_free.push(group);
    }

    /// How many sessions are open.
    pub(super) fn open_count(&self) -> usize {
        self.sessions.len() - self.sessions_free.len()
    }

    /// About how many bytes of memory they take.
    pub(super) fn bytes(&self) -> usize {
        let held = |group: &Group| group.key.len() + group.sessions.capacity() * size_of::<usize>();
        self.groups.iter().map(held).sum::<usize>()
            + self.groups.capacity() * size_of::<Group>()
            + self.sessions.capacity() * size_of::<Session>()
            + self.due.capacity() * size_of::<Reverse<(i64, u64, usize)>>()
            + self.index.allocation_size()
            + self.columns.iter().map(|column| column.bytes()).sum::<usize>()
    }
}

//! Sessions: for each group, records that are no further apart than the gap.

mod saved;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::panes::{Pane, Policy, Progress, write_pane, write_window};
use super::timeline::Timeline;
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::functions::function::{Column, Scope};
use crate::aggregate::memory::{allocated, vector, written};
use crate::aggregate::output::emit::Row;
use crate::aggregate::output::report::Results;
use crate::aggregate::table::{Incoming, Stager, columns_bytes};
use crate::time::Interval;

/// Lists of so many sessions that close together are not counted as memory.
const FEW: usize = 64;

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
pub(in crate::aggregate) struct Sessions {
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
    /// The sessions that the record in hand meets, by time.
    met: Vec<usize>,
    /// How much memory keys and timelines take.
    groups_bytes: usize,
    /// How much memory was taken at most while results were made.
    bytes_most: usize,
}

/// How many results are made ready at the same time: they have little in common, and there may be
/// as many as there are sessions.
const ROWS_MAX: usize = 100;

/// For how many bytes of the first fields of a result there is room at once.
const HEAD_BYTES: usize = 128;

struct Group {
    key: Box<[u8]>,
    sessions: Timeline,
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
    pub(in crate::aggregate) fn new(columns: impl Fn() -> Vec<Box<dyn Column>>) -> Sessions {
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
            met: Vec::new(),
            groups_bytes: 0,
            bytes_most: 0,
        }
    }

    /// Takes a record; says whether it was not late. Its results, if they come at once, are
    /// appended.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(in crate::aggregate) fn take<S: Stager>(
        &mut self,
        alone: Interval,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<bool, Fault> {
        let hash = key_hash(&self.hasher, record.key);
        let known = self.index.find(hash, |group| *self.groups[*group].key == *record.key).copied();
        self.meet(known, alone);
        let first = self.met.first().copied();
        if first.is_none() && progress.is_closed(alone.end_ms) {
            return Ok(false);
        }
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
        for at in 1..self.met.len() {
            self.take_in(place, self.met[at]);
            record.room.free(1);
        }
        self.change(place, alone, progress, results.policy);
        if results.policy.at_once() {
            self.write(&[place], true, progress, results)?;
        }
        Ok(true)
    }

    /// Finds the sessions of a group that an interval overlaps or touches.
    fn meet(&mut self, group: Option<usize>, alone: Interval) {
        let Sessions { groups, sessions, met, .. } = self;
        match group {
            Some(group) => groups[group].sessions.meet(alone, |at| sessions[at].interval, met),
            None => met.clear(),
        }
    }

    fn add_group(&mut self, hash: u64, key: &[u8]) -> usize {
        let added = Group { key: key.into(), sessions: Timeline::default() };
        self.groups_bytes += allocated(key.len());
        let group = self.groups_free.pop().unwrap_or(self.groups.len());
        match self.groups.get_mut(group) {
            Some(free) => *free = added,
            None => self.groups.push(added),
        }
        let (groups, hasher) = (&self.groups, &self.hasher);
        let rehash = |group: &usize| key_hash(hasher, &groups[*group].key);
        self.index.insert_unique(hash, group, rehash);
        group
    }

    /// Adds a session of one record; gives its place.
    fn add(&mut self, group: usize, interval: Interval, first: u64) -> usize {
        let place = self.sessions_free.pop().unwrap_or(self.sessions.len());
        if place == self.sessions.len() {
            self.columns.iter_mut().for_each(|column| column.add_group());
        }
        self.set(place, group, interval, first);
        place
    }

    /// Puts a session of one record at a place: a free one, or the next.
    fn set(&mut self, place: usize, group: usize, interval: Interval, first: u64) {
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
        match self.sessions.get_mut(place) {
            Some(free) => *free = added,
            None => self.sessions.push(added),
        }
        let Sessions { groups, sessions, groups_bytes, .. } = self;
        let timeline = &mut groups[group].sessions;
        *groups_bytes -= timeline.bytes();
        timeline.insert(interval.start_ms, place, |at| sessions[at].interval);
        *groups_bytes += timeline.bytes();
    }

    /// Takes a session out of the timeline of its group.
    fn take_out(&mut self, group: usize, start_ms: i64) {
        let timeline = &mut self.groups[group].sessions;
        self.groups_bytes -= timeline.bytes();
        timeline.remove(start_ms);
        self.groups_bytes += timeline.bytes();
    }

    /// Has a session take in another of its group.
    fn take_in(&mut self, place: usize, other: usize) {
        for (column, between) in self.columns.iter_mut().zip(&mut self.between) {
            between.merge(0, &**column, other);
            column.merge(place, &**between, 0);
            between.clear(0);
        }
        let Session { interval, first, group, .. } = self.sessions[other];
        self.take_out(group, interval.start_ms);
        self.drop_state(other);
        let session = &mut self.sessions[place];
        session.interval = session.interval.hull(interval);
        session.first = session.first.min(first);
    }

    /// A session has taken the record that was `alone`.
    fn change(&mut self, place: usize, alone: Interval, progress: &Progress, policy: Policy) {
        let session = &mut self.sessions[place];
        let start_ms = session.interval.start_ms;
        session.interval = session.interval.hull(alone);
        if alone.start_ms < start_ms {
            self.groups[session.group].sessions.set_start(start_ms, alone.start_ms);
        }
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
    pub(in crate::aggregate) fn advance(
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
        // Of few sessions the list is too small to be counted beside them.
        if due.len() > FEW {
            self.bytes_most = self.bytes_most.max(self.bytes() + vector(&due));
        }
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
            self.take_out(group, interval.start_ms);
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
        let rows_max = results.rows_max(ROWS_MAX);
        let mut pieces = places.chunks(rows_max);
        pieces.try_for_each(|places| self.write_piece(places, tick, progress, results))
    }

    fn write_piece(
        &mut self,
        places: &[usize],
        tick: bool,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let policy = results.policy;
        let mut rows = Vec::with_capacity(places.len());
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
            let mut head = Vec::with_capacity(HEAD_BYTES);
            write_window(session.interval, policy, &mut head)?;
            write_pane(policy.marked(pane), &mut head);
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
        results.write(&mut self.columns, rows)
    }

    /// Appends what the results of all open sessions are at this moment.
    pub(in crate::aggregate) fn write_open(
        &mut self,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let Sessions { sessions, groups, columns, .. } = self;
        let mut heads = vec![Vec::new(); sessions.len()];
        for (session, head) in sessions.iter().zip(&mut heads).filter(|(it, _)| it.serial != 0) {
            write_window(session.interval, results.policy, head)?;
        }
        let open = sessions.iter().zip(&heads).enumerate().filter(|(_, (it, _))| it.serial != 0);
        let rows = open.map(|(place, (session, head))| {
            let scope = Scope::of(session.interval);
            Row { head, key: &groups[session.group].key, group: place, scope }
        });
        results.write(columns, rows)
    }

    /// Frees the place of a session.
    fn drop_state(&mut self, place: usize) {
        self.columns.iter_mut().for_each(|column| column.clear(place));
        self.sessions[place].serial = 0;
        self.sessions_free.push(place);
    }

    fn drop_group(&mut self, group: usize) {
        let key = std::mem::take(&mut self.groups[group].key);
        self.groups_bytes -= allocated(key.len());
        let hash = key_hash(&self.hasher, &key);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == group) {
            entry.remove();
        }
        self.groups_free.push(group);
    }

    /// How many sessions are open.
    pub(in crate::aggregate) fn open_count(&self) -> usize {
        self.sessions.len() - self.sessions_free.len()
    }

    /// About how many bytes of memory they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.groups_bytes
            + vector(&self.groups)
            + vector(&self.groups_free)
            + vector(&self.sessions)
            + vector(&self.sessions_free)
            + written::<Reverse<(i64, u64, usize)>>(self.due.len(), self.due.capacity())
            + vector(&self.changed)
            + allocated(self.index.allocation_size())
            + columns_bytes(&self.columns)
            + columns_bytes(&self.between)
    }

    /// The same, at most while results were made.
    pub(in crate::aggregate) fn bytes_most(&self) -> usize {
        self.bytes_most
    }
}

/// Keys are hashed alone: their length need not distinguish them from what follows.
fn key_hash(hasher: &RandomState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

//! Saving and restoring open sessions.

use super::{Sessions, key_hash};
use crate::aggregate::table::{load_columns, save_columns};
use crate::aggregate::windowed::panes::{Policy, Progress};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;

impl Sessions {
    /// Saves all groups that have open sessions, and these. What is due when follows from them.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        let open = |place: &usize| self.sessions[*place].serial != 0;
        let places = (0..self.sessions.len()).filter(open);
        let mut numbers = vec![0; self.groups.len()];
        let groups =
            (0..self.groups.len()).filter(|group| !self.groups[*group].sessions.is_empty());
        to.put_len(groups.clone().count());
        for (number, group) in groups.enumerate() {
            numbers[group] = number;
            to.put_bytes(&self.groups[group].key);
        }
        to.put_len(self.open_count());
        for place in places.clone() {
            let session = &self.sessions[place];
            to.put_len(numbers[session.group]);
            session.interval.save(to);
            to.put_u64(session.first);
            to.put_bool(session.ended);
            to.put_bool(session.changed);
        }
        save_columns(&self.columns, places, to);
    }

    /// Restores what [`Sessions::save`] saved; `self` is without sessions.
    pub(in crate::aggregate) fn load(
        mut self,
        progress: &Progress,
        policy: Policy,
        from: &mut Reader<'_>,
    ) -> Result<Sessions, StateError> {
        for _ in 0..from.take_count(1)? {
            let key = from.take_bytes()?;
            let hash = key_hash(&self.hasher, key);
            if self.index.find(hash, |group| *self.groups[*group].key == *key).is_some() {
                return Err(StateError::Invalid("a group occurs twice"));
            }
            self.add_group(hash, key);
        }
        let count = from.take_count(1)?;
        for place in 0..count {
            let group = from.take_place(self.groups.len())?;
            let interval = Interval::load(from)?;
            self.meet(Some(group), interval);
            if !self.met.is_empty() {
                return Err(StateError::Invalid("sessions that overlap"));
            }
            self.set(place, group, interval, from.take_u64()?);
            let session = &mut self.sessions[place];
            (session.ended, session.changed) = (from.take_bool()?, from.take_bool()?);
            if session.changed {
                self.changed.push(place);
            }
            self.expect(place, progress, policy);
        }
        if self.groups.iter().any(|group| group.sessions.is_empty()) {
            return Err(StateError::Invalid("a group without sessions"));
        }
        load_columns(&mut self.columns, count, from)?;
        Ok(self)
    }
}

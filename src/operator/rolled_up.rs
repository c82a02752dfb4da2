//! What `filter --repeats` makes of records that repeat another one: the last of them, with a field
//! that says how many there were.

use std::mem::take;
use std::ops::ControlFlow;
use std::time::Duration;

use memchr::memmem;

use super::repeats::{Repeated, Repeats};
use crate::record::control::{Control, Start};
use crate::record::reserved::{self, Reserved};
use crate::record::splice::{add_fields, has_field, replace_fields};
use crate::record::text::write_string;
use crate::state::{Reader, StateError, Writer};

/// Records that are held back until they stand for others.
pub struct RolledUp {
    /// Which records are held back.
    pub repeats: Repeats,
    /// For how long input was waited for, as far as `repeats` has not counted it.
    pub waited: Duration,
    /// The field that says how many a record stands for, and its name as it stands in records.
    name: String,
    label: Vec<u8>,
    /// The line that ended the stream: what is held back comes before it.
    end: Vec<u8>,
    line: Vec<u8>,
}

/// Why a record cannot stand for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It takes no field.
    #[error("not an object; --repeats can only add its field to objects")]
    NotAnObject,
    /// Without its own field of that name it would begin like a control record.
    #[error(transparent)]
    Reserved(#[from] Reserved),
}

impl RolledUp {
    /// Has records say by a field of this name how many they stand for.
    pub fn new(repeats: Repeats, name: &str) -> RolledUp {
        let mut label = Vec::new();
        write_string(name, &mut label);
        let (name, waited) = (name.to_owned(), Duration::ZERO);
        RolledUp { repeats, waited, name, label, end: Vec::new(), line: Vec::new() }
    }

    /// Checks that a record can stand for others.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&mut self, record: &[u8], is_object: bool) -> Result<(), Unfit> {
        if !is_object {
            return Err(Unfit::NotAnObject);
        }
        if self.is_named(record) {
            self.write(record, 1);
            reserved::check(&self.line)?;
        }
        Ok(())
    }

    /// Gives `put` the records whose time is over, or `all` that are held back, until it breaks.
    pub fn put_due(
        &mut self,
        all: bool,
        mut put: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        loop {
            let next = if all { self.repeats.next_at_end() } else { self.repeats.next_due() };
            let Some(Repeated { count, last }) = next else { return ControlFlow::Continue(()) };
            self.write(&last, count);
            put(&self.line)?;
        }
    }

    /// Hears a control record, which is `line`; what is passed on. Records leave their partitions
    /// and append times, since they come at other moments; the end of a stream comes after all that
    /// is held back.
    pub fn hear(&mut self, control: &Control, line: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        let whole = [line, b"\n"].concat();
        match control {
            Control::Partitions(_)
            | Control::Partition(_)
            | Control::PartitionEnd(_)
            | Control::Appended(_) => {}
            Control::End(_) => self.end = whole,
            Control::Start(start) => {
                said = take(&mut self.end);
                match start.partitions.is_empty() {
                    true => said.extend(whole),
                    false => {
                        let start = Start { partitions: Vec::new(), ..*start };
                        Control::Start(start).write(&mut said);
                    }
                }
            }
            Control::Window(_) | Control::Watermark(_) => said = whole,
        }
        said
    }

    /// The end of the stream, if it was not passed on.
    pub fn take_end(&mut self) -> Vec<u8> {
        take(&mut self.end)
    }

    /// Saves what is held back.
    pub fn save(&self, to: &mut Writer) {
        self.repeats.save(to);
        to.put_bytes(&self.end);
    }

    /// Restores what [`RolledUp::save`] saved.
    ///
    /// # Errors
    /// As [`Repeats::restore`].
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.repeats.restore(from)?;
        self.end = from.take_bytes()?.to_vec();
        Ok(())
    }

    /// Whether a record has a field of that name already.
    fn is_named(&self, record: &[u8]) -> bool {
        let plain = memmem::find(record, self.name.as_bytes()).is_some();
        has_field(record, &[&self.name], plain)
    }

    /// Makes the line of a record that stands for so many.
    fn write(&mut self, record: &[u8], count: u64) {
        let field = [&self.label, &b":"[..], count.to_string().as_bytes()].concat();
        let is_named = self.is_named(record);
        self.line.clear();
        match is_named {
            true => replace_fields(record, &[&self.name], &field, &mut self.line),
            false => add_fields(record, &field, &mut self.line),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_for_how_many_it_stands() {
        let mut rolled_up = RolledUp::new(Repeats::new(1, 1), "n\"m");
        let mut line = |record: &str| {
            rolled_up.write(record.as_bytes(), 12);
            String::from_utf8(rolled_up.line.clone()).unwrap()
        };
        assert_eq!(line("{\"a\": 1.0 }"), "{\"a\": 1.0,\"n\\\"m\":12}");
        assert_eq!(line("{}"), "{\"n\\\"m\":12}");
        assert_eq!(line("{\"n\\u0022m\":1,\"a\":2}"), "{\"a\":2,\"n\\\"m\":12}");
    }

    #[test]
    fn records_that_cannot_stand_for_others_are_refused() {
        let mut rolled_up = RolledUp::new(Repeats::new(1, 1), "n");
        let mut check = |record: &str| rolled_up.check(record.as_bytes(), record.starts_with('{'));
        assert_eq!(check("[1]"), Err(Unfit::NotAnObject));
        assert_eq!(check("{\"a\":1,\"n\":2}"), Ok(()));
        assert_eq!(check("{\"n\":1,\"@millstream\":2}"), Err(Unfit::Reserved(Reserved)));
    }
}

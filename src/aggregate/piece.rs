//! The window or the slice that a record carries.

use super::fault::Fault;
use crate::expr::{Loaded, Value};
use crate::time::Interval;
use crate::time::timestamp::parse_ms;

/// Reads the window or the slice of each record.
pub(super) struct Pieces {
    bounds: [Bound; 2],
    expressions: [usize; 2],
}

impl Pieces {
    /// Reads them from these fields, which these expressions stand for.
    pub(super) fn new(fields: [&'static str; 2], expressions: [usize; 2]) -> Pieces {
        Pieces { bounds: fields.map(Bound::of), expressions }
    }

    /// That of a record.
    pub(super) fn read(&mut self, record: &mut Loaded<'_, '_>) -> Result<Interval, Fault> {
        let mut ends_ms = [0; 2];
        let bounds = self.bounds.iter_mut().zip(self.expressions);
        for ((bound, expression), ms) in bounds.zip(&mut ends_ms) {
            *ms = bound.read(record, expression)?;
        }
        let [start_ms, end_ms] = ends_ms;
        if start_ms < end_ms {
            return Ok(Interval { start_ms, end_ms });
        }
        let [start, end] = self.bounds.each_ref().map(|bound| bound.field);
        Err(Fault::EmptyWindow { start, end })
    }
}

/// One end of the window of the last record: neighbours often share it.
struct Bound {
    field: &'static str,
    /// As it stands in the record, quotes and all; empty as long as none is known.
    json: Vec<u8>,
    ms: i64,
}

impl Bound {
    fn of(field: &'static str) -> Bound {
        Bound { field, json: Vec::new(), ms: 0 }
    }

    fn read(&mut self, record: &mut Loaded<'_, '_>, expression: usize) -> Result<i64, Fault> {
        let plain = record.plain_string(expression);
        if plain.is_some_and(|json| json == self.json) {
            return Ok(self.ms);
        }
        let field = self.field;
        let Value::Text(text) = record.value(expression)? else {
            return Err(Fault::NoWindow(field));
        };
        if text.is_empty() {
            return Err(Fault::NoWindow(field));
        }
        self.json.clear();
        self.ms = parse_ms(text).map_err(|error| Fault::Bound { field, error })?;
        self.json.extend_from_slice(plain.unwrap_or_default());
        Ok(self.ms)
    }
}

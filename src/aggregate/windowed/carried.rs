//! The window or the slice that a record carries.

use crate::aggregate::fault::Fault;
use crate::expr::{ParsedRecord, Value};
use crate::time::Interval;
use crate::time::timestamp::parse_ms;
use crate::window::{Carried, Windows};

/// Reads the window or the slice of each record.
pub(in crate::aggregate) struct CarriedReader {
    bounds: [Bound; 2],
    expressions: [usize; 2],
    windows: Windows,
    carried: Carried,
    /// The last one that the stream's windows have: neighbours often share it.
    known: Option<Interval>,
}

impl CarriedReader {
    /// Reads them from these fields, which these expressions stand for. They are of these windows.
    pub(in crate::aggregate) fn new(
        fields: [&'static str; 2],
        expressions: [usize; 2],
        windows: Windows,
        carried: Carried,
    ) -> CarriedReader {
        CarriedReader { bounds: fields.map(Bound::of), expressions, windows, carried, known: None }
    }

    /// That of a record.
    pub(in crate::aggregate) fn read(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
    ) -> Result<Interval, Fault> {
        let mut ends_ms = [0; 2];
        let bounds = self.bounds.iter_mut().zip(self.expressions);
        for ((bound, expression), ms) in bounds.zip(&mut ends_ms) {
            *ms = bound.read(record, expression)?;
        }
        let [start_ms, end_ms] = ends_ms;
        let piece = Interval { start_ms, end_ms };
        if self.known == Some(piece) {
            return Ok(piece);
        }
        let [start, end] = self.bounds.each_ref().map(|bound| bound.field);
        if start_ms >= end_ms {
            return Err(Fault::EmptyWindow { start, end });
        }
        // Windows are made of whole slices: of others, some would never close.
        if !self.windows.have(piece, self.carried) {
            return Err(Fault::OtherWindow { start, end });
        }
        self.known = Some(piece);
        Ok(piece)
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

    fn read(&mut self, record: &mut ParsedRecord<'_, '_>, expression: usize) -> Result<i64, Fault> {
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

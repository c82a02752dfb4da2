//! A half-open stretch of event time: what a window is, and how records carry it.

use super::timestamp::{OutOfRange, load_ms, write_ms};
use crate::state::{Reader, StateError, Writer};

/// The field in which a record carries the start of its window.
pub const START_FIELD: &str = "window_start";

/// The field in which a record carries the end of its window.
pub const END_FIELD: &str = "window_end";

/// The fields in which a record carries its window.
pub const WINDOW_FIELDS: [&str; 2] = [START_FIELD, END_FIELD];

/// The fields in which a record carries its slice: the piece that windows are made of.
pub const SLICE_FIELDS: [&str; 2] = ["slice_start", "slice_end"];

/// The event times from `start_ms` on that are before `end_ms`, in milliseconds since the epoch.
/// Intervals are ordered as their results are: by end, then by start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// The first millisecond behind it.
    pub end_ms: i64,
    /// Its first millisecond.
    pub start_ms: i64,
}

impl Interval {
    /// From the earlier start to the later end.
    #[must_use]
    pub fn hull(self, other: Interval) -> Interval {
        Interval {
            start_ms: self.start_ms.min(other.start_ms),
            end_ms: self.end_ms.max(other.end_ms),
        }
    }

    /// Saves the interval.
    pub fn save(self, to: &mut Writer) {
        to.put_i64(self.start_ms);
        to.put_i64(self.end_ms);
    }

    /// Restores an interval that [`Interval::save`] saved, which must not be empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn load(from: &mut Reader<'_>) -> Result<Interval, StateError> {
        let interval = Interval { start_ms: load_ms(from)?, end_ms: load_ms(from)? };
        let is_empty = interval.start_ms >= interval.end_ms;
        if is_empty { Err(StateError::Invalid("an interval that is empty")) } else { Ok(interval) }
    }

    /// Appends the interval as fields of an object, without braces:
    /// `"window_start":"…","window_end":"…"`.
    ///
    /// # Errors
    /// When an end of it is outside the years that RFC 3339 can write; then nothing is appended.
    pub fn write_fields(&self, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
        self.write_fields_as(WINDOW_FIELDS, out)
    }

    /// As [`Interval::write_fields`], with other names for start and end.
    ///
    /// # Errors
    /// As [`Interval::write_fields`].
    pub fn write_fields_as(&self, names: [&str; 2], out: &mut Vec<u8>) -> Result<(), OutOfRange> {
        let before = out.len();
        let written = self.write_both(names, out);
        if written.is_err() {
            out.truncate(before);
        }
        written
    }

    fn write_both(&self, [start, end]: [&str; 2], out: &mut Vec<u8>) -> Result<(), OutOfRange> {
        for (separator, field, ms) in [("\"", start, self.start_ms), (",\"", end, self.end_ms)] {
            out.extend_from_slice(separator.as_bytes());
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(b"\":\"");
            write_ms(ms, out)?;
            out.push(b'"');
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::MAX_MS;

    #[test]
    fn fields_are_rfc_3339_or_nothing() {
        let mut out = b"{".to_vec();
        let interval = Interval { start_ms: -3_600_000, end_ms: 500 };
        assert_eq!(interval.write_fields(&mut out), Ok(()));
        let expected =
            r#"{"window_start":"1969-12-31T23:00:00Z","window_end":"1970-01-01T00:00:00.500Z""#;
        assert_eq!(String::from_utf8_lossy(&out), expected);
        let (mut slice, second) = (Vec::new(), Interval { start_ms: 0, end_ms: 1_000 });
        assert_eq!(second.write_fields_as(SLICE_FIELDS, &mut slice), Ok(()));
        let expected_slice =
            r#""slice_start":"1970-01-01T00:00:00Z","slice_end":"1970-01-01T00:00:01Z""#;
        assert_eq!(String::from_utf8_lossy(&slice), expected_slice);
        let beyond = Interval { start_ms: 0, end_ms: MAX_MS + 1 };
        assert_eq!((beyond.write_fields(&mut out), out.len()), (Err(OutOfRange), expected.len()));
    }

    #[test]
    fn the_end_comes_first_in_the_order() {
        let interval = |start_ms, end_ms| Interval { start_ms, end_ms };
        assert!(interval(5, 6) < interval(0, 7));
        assert!(interval(0, 7) < interval(1, 7));
    }
}

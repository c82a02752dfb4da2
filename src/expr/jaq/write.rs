//! Results as JSON text.

use super::super::{RecordError, Value};
use super::val::Val;
use super::val::text::TEXT_BYTES_MAX;
use crate::expr::meter;
use crate::record::json::DEPTH_MAX;
use crate::record::number::{write_float, write_whole};
use crate::record::text::write_string;

/// From this length on, the room for a string is measured before it is written.
const LONG_BYTES: usize = 1 << 20;

/// Why a result cannot be written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("the result nests deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the results would be longer than {0} bytes")]
    TooLong(usize),
}

/// Writes the text of a result that does not hold it itself, for [`value`].
pub(super) fn text(result: &Val, text: &mut Vec<u8>) -> Result<(), RecordError> {
    text.clear();
    match result {
        Val::Int(_) | Val::Float(_) | Val::Arr(_) | Val::Obj(_) => {
            json(result, 0, text).map_err(RecordError::eval)
        }
        Val::Null | Val::Bool(_) | Val::Literal(_) | Val::Text(_) => Ok(()),
    }
}

/// A result as a value; `text` is what [`text`] has written.
pub(super) fn value<'a>(result: &'a Val, text: &'a [u8]) -> Value<'a> {
    match result {
        Val::Null => Value::Null,
        Val::Bool(bool) => Value::Bool(*bool),
        Val::Float(float) if float.is_nan() => Value::Null,
        Val::Literal(spelled) => Value::Number(spelled),
        Val::Text(decoded) => Value::Text(decoded),
        Val::Int(_) | Val::Float(_) => Value::Number(as_text(text)),
        Val::Arr(_) | Val::Obj(_) => Value::Json(as_text(text)),
    }
}

/// Appends a result as compact JSON to the others, of which the first begins at `start`. A value
/// that shares its parts may be far longer as text than it is in memory.
pub(super) fn json(result: &Val, start: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let bytes_max = TEXT_BYTES_MAX.min(meter::bytes_max());
    write(result, DEPTH_MAX, start.saturating_add(bytes_max), out)?;
    if out.len() - start > bytes_max {
        return Err(Unwritable::TooLong(bytes_max));
    }
    Ok(())
}

/// The beginning of a value's JSON, for a message: all of it, if it is no longer than `bytes_max`.
pub(super) fn beginning(value: &Val, bytes_max: usize) -> String {
    let mut out = Vec::new();
    let whole = write(value, DEPTH_MAX, bytes_max, &mut out).is_ok() && out.len() <= bytes_max;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if !whole {
        let end = text.floor_char_boundary(bytes_max);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Writes down to `levels` levels; what comes behind `bytes_max` bytes need not be written.
fn write(
    value: &Val,
    levels: usize,
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), Unwritable> {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Int(int) => write_whole((*int).into(), out),
        Val::Float(float) => write_float(*float, out),
        Val::Literal(spelled) => out.extend_from_slice(spelled.as_bytes()),
        Val::Text(text) => {
            let text = beginning_of(text, bytes_max.saturating_sub(out.len()).saturating_add(4));
            if text.len() >= LONG_BYTES {
                make_room(text, out);
            }
            write_string(text, out);
        }
        Val::Arr(items) => {
            let levels = levels.checked_sub(1).ok_or(Unwritable::TooDeep)?;
            meter::step();
            meter::items(items.len());
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if out.len() > bytes_max {
                    break;
                }
                if at > 0 {
                    out.push(b',');
                }
                write(item, levels, bytes_max, out)?;
            }
            out.push(b']');
        }
        Val::Obj(fields) => {
            let levels = levels.checked_sub(1).ok_or(Unwritable::TooDeep)?;
            meter::step();
            meter::items(fields.len());
            out.push(b'{');
            for (at, (key, field)) in fields.iter().enumerate() {
                if out.len() > bytes_max {
                    break;
                }
                if at > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write(field, levels, bytes_max, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// The beginning of a text, of no more than so many bytes.
#[inline]
fn beginning_of(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

/// Makes room for exactly what a long string becomes, which may be six times as long.
fn make_room(text: &str, out: &mut Vec<u8>) {
    let added = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    };
    let bytes = text.len() + 2 + text.bytes().map(added).sum::<usize>();
    meter::room(bytes);
    meter::work(bytes);
    out.reserve_exact(bytes);
}

/// What was just written; we write nothing but UTF-8.
fn as_text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

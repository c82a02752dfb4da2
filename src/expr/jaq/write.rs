//! Results as JSON text.

use std::io::Write;

use super::super::number::write_float;
use super::super::{RecordError, Value};
use super::val::Val;
use crate::record::json::DEPTH_MAX;
use crate::record::text::write_string;

/// Why a result cannot be written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the result nests deeper than {DEPTH_MAX} levels")]
pub(super) struct TooDeep;

/// A result as a value; `text` is where text that the result does not hold itself is put.
pub(super) fn value<'a>(result: &'a Val, text: &'a mut Vec<u8>) -> Result<Value<'a>, RecordError> {
    Ok(match result {
        Val::Null => Value::Null,
        Val::Bool(bool) => Value::Bool(*bool),
        Val::Float(float) if float.is_nan() => Value::Null,
        Val::Spelled(spelled) => Value::Number(spelled),
        Val::Text(decoded) => Value::Text(decoded),
        Val::Int(_) | Val::Float(_) => {
            json(result, text).map_err(RecordError::eval)?;
            Value::Number(as_text(text))
        }
        Val::Arr(_) | Val::Obj(_) => {
            json(result, text).map_err(RecordError::eval)?;
            Value::Json(as_text(text))
        }
    })
}

/// Appends a result as compact JSON.
pub(super) fn json(result: &Val, out: &mut Vec<u8>) -> Result<(), TooDeep> {
    write(result, DEPTH_MAX, usize::MAX, out)
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
fn write(value: &Val, levels: usize, bytes_max: usize, out: &mut Vec<u8>) -> Result<(), TooDeep> {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        // Writing to memory has no way to fail.
        Val::Int(int) => drop(write!(out, "{int}")),
        Val::Float(float) => write_float(*float, out),
        Val::Spelled(spelled) => out.extend_from_slice(spelled.as_bytes()),
        Val::Text(text) => {
            let end = text.floor_char_boundary(bytes_max);
            write_string(text.get(..end).unwrap_or_default(), out);
        }
        Val::Arr(items) => {
            let levels = levels.checked_sub(1).ok_or(TooDeep)?;
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
            let levels = levels.checked_sub(1).ok_or(TooDeep)?;
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

/// What was just written; we write nothing but UTF-8.
fn as_text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

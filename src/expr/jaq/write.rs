//! Results as JSON text.

use std::io::Write;

use jaq_json::{Num, Val};

use super::super::{RecordError, Value};
use crate::record::text::{is_number, write_string};

/// The greatest finite double: what jq writes for infinity, which JSON does not have.
const INFINITE: &str = "1.7976931348623157e+308";

/// A result as a value; `text` is where text that the result does not hold itself is put.
pub(super) fn value<'a>(result: &'a Val, text: &'a mut Vec<u8>) -> Result<Value<'a>, RecordError> {
    match result {
        Val::Null => Ok(Value::Null),
        Val::Bool(bool) => Ok(Value::Bool(*bool)),
        Val::Num(Num::Float(float)) if float.is_nan() => Ok(Value::Null),
        Val::Num(_) => {
            json(result, text)?;
            Ok(Value::Number(as_text(text)))
        }
        Val::TStr(bytes) => Ok(match str::from_utf8(bytes) {
            Ok(valid) => Value::Text(valid),
            Err(_) => {
                text.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
                Value::Text(as_text(text))
            }
        }),
        Val::BStr(_) | Val::Arr(_) | Val::Obj(_) => {
            json(result, text)?;
            Ok(Value::Json(as_text(text)))
        }
    }
}

/// Appends a result as compact JSON.
pub(super) fn json(result: &Val, out: &mut Vec<u8>) -> Result<(), RecordError> {
    match result {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(number) => write_number(number, out),
        Val::TStr(bytes) => write_text(bytes, out),
        Val::BStr(_) => {
            return Err(RecordError::eval("a result is a byte string, which JSON does not have"));
        }
        Val::Arr(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json(item, out)?;
            }
            out.push(b']');
        }
        Val::Obj(fields) => {
            out.push(b'{');
            for (at, (key, field)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let Val::TStr(key) = key else {
                    return Err(RecordError::eval(format_args!(
                        "a result has the key {key}, not a string"
                    )));
                };
                write_text(key, out);
                out.push(b':');
                json(field, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn as_text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

fn write_text(bytes: &[u8], out: &mut Vec<u8>) {
    match str::from_utf8(bytes) {
        Ok(text) => write_string(text, out),
        Err(_) => write_string(&String::from_utf8_lossy(bytes), out),
    }
}

fn write_number(number: &Num, out: &mut Vec<u8>) {
    let start = out.len();
    match number {
        Num::Float(float) if float.is_nan() => out.extend_from_slice(b"null"),
        Num::Float(float) if float.is_infinite() => {
            if *float < 0.0 {
                out.push(b'-');
            }
            out.extend_from_slice(INFINITE.as_bytes());
        }
        // Writing to memory has no way to fail.
        _ => drop(write!(out, "{number}")),
    }
    debug_assert!(is_number(&out[start..]) || &out[start..] == b"null");
}

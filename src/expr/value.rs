//! What an expression gives for a record.

use crate::record::number::write_canonical;
use crate::record::text::write_string;

/// A JSON value, borrowed from the program that gave it.
///
/// Numbers are text: a number that the expression did not compute is spelled as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Value<'a> {
    /// null, or no result at all.
    #[default]
    Null,
    /// true or false.
    Bool(bool),
    /// A number, as JSON text.
    Number(&'a str),
    /// A string, decoded: no quotes, no escapes.
    Text(&'a str),
    /// An array or an object, as compact JSON text.
    Json(&'a str),
}

impl Value<'_> {
    /// Appends the value as compact JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(text) | Value::Json(text) => out.extend_from_slice(text.as_bytes()),
            Value::Text(text) => write_string(text, out),
        }
    }

    /// Appends what all values have in common that count as the same: JSON, with equal numbers
    /// spelled the same.
    pub fn write_identity(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(spelling) => write_canonical(spelling, out),
            value => value.write_json(out),
        }
    }

    /// What jq calls the value's type, for messages: `null`, `boolean`, `number`, `string`,
    /// `array` or `object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::Json(text) if text.starts_with('[') => "array",
            Value::Json(_) => "object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_and_written() {
        let cases = [
            (Value::Null, "null", "null"),
            (Value::Bool(true), "boolean", "true"),
            (Value::Bool(false), "boolean", "false"),
            (Value::Number("1.50e3"), "number", "1.50e3"),
            (Value::Text("a\"\n\u{e4}"), "string", "\"a\\\"\\n\u{e4}\""),
            (Value::Json("[1]"), "array", "[1]"),
            (Value::Json("{\"a\":1}"), "object", "{\"a\":1}"),
        ];
        for (value, kind, json) in cases {
            let mut out = Vec::new();
            value.write_json(&mut out);
            assert_eq!((value.kind(), String::from_utf8_lossy(&out).as_ref()), (kind, json));
        }
    }
}

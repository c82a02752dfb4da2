//! The values that fast expressions work on: slices of the record, as far as possible.

use std::cmp::Ordering;

use super::Stop;
use super::text::Scratch;
use crate::record::number::jq::{self, Numeral};
use crate::record::pick::{Kind, Slot};

/// A value; copying it copies no text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'r> {
    Null,
    Bool(bool),
    Number(Numeral<'r>),
    /// A string, decoded: UTF-8.
    Text(&'r [u8]),
    /// An array as it stands in the record.
    Array(&'r [u8]),
    /// An object as it stands in the record.
    Object(&'r [u8]),
}

impl<'r> Value<'r> {
    /// What stands in a slot.
    #[inline(always)]
    pub(super) fn of(
        slot: &Slot,
        text: &'r [u8],
        scratch: &mut Scratch<'r>,
    ) -> Result<Value<'r>, Stop> {
        let json = slot.of(text);
        Ok(match slot.kind {
            Kind::Missing | Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => Value::Number(numeral(json)?),
            Kind::Plain => Value::Text(inside(json)),
            Kind::Escaped => Value::Text(scratch.decode(inside(json))?),
            Kind::Array => Value::Array(json),
            Kind::Object => Value::Object(json),
        })
    }

    /// A value of the record, from its JSON without white space around.
    pub(super) fn read(json: &'r [u8], scratch: &mut Scratch<'r>) -> Result<Value<'r>, Stop> {
        Ok(match json.first() {
            Some(b'n') => Value::Null,
            Some(b'f') => Value::Bool(false),
            Some(b't') => Value::Bool(true),
            Some(b'"') => match memchr::memchr(b'\\', json) {
                None => Value::Text(inside(json)),
                Some(_) => Value::Text(scratch.decode(inside(json))?),
            },
            Some(b'[') => Value::Array(json),
            Some(b'{') => Value::Object(json),
            _ => Value::Number(numeral(json)?),
        })
    }

    /// Whether it counts as true.
    #[inline(always)]
    pub(super) fn truth(self) -> bool {
        !matches!(self, Value::Null | Value::Bool(false))
    }

    /// The string that it is.
    pub(super) fn text(self) -> Result<&'r [u8], Stop> {
        match self {
            Value::Text(text) => Ok(text),
            _ => Err(Stop::Fallback),
        }
    }

    /// What jq calls its type.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// The place of its type in jq's order.
    fn rank(self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Number(_) => 3,
            Value::Text(_) => 4,
            Value::Array(_) => 5,
            Value::Object(_) => 6,
        }
    }
}

/// jq's order; arrays and objects are compared by others, unless the order is plain to see.
pub(super) fn compare(left: Value<'_>, right: Value<'_>) -> Result<Ordering, Stop> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(jq::compare(left, right)),
        // In UTF-8, the order of bytes is that of code points.
        (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
        (Value::Array(left), Value::Array(right)) | (Value::Object(left), Value::Object(right)) => {
            match (left == right, is_empty(left), is_empty(right)) {
                (true, ..) | (_, true, true) => Ok(Ordering::Equal),
                (_, true, false) => Ok(Ordering::Less),
                (_, false, true) => Ok(Ordering::Greater),
                _ => Err(Stop::Fallback),
            }
        }
        (left, right) => Ok(left.rank().cmp(&right.rank())),
    }
}

/// Whether nothing stands between the brackets.
fn is_empty(json: &[u8]) -> bool {
    inside(json).trim_ascii().is_empty()
}

/// What stands between the first byte and the last.
#[inline(always)]
pub(super) fn inside(json: &[u8]) -> &[u8] {
    match json {
        [_, inside @ .., _] => inside,
        _ => &[],
    }
}

/// A number from its JSON.
#[inline(always)]
fn numeral(json: &[u8]) -> Result<Numeral<'_>, Stop> {
    match Numeral::short(json) {
        Some(short) => Ok(short),
        None => str::from_utf8(json).map(Numeral::read).map_err(|_| Stop::Fallback),
    }
}

//! Arrays and objects as they stand in the record: their items, and their compact form.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::text::decode;
use super::value::inside;
use super::{Stop, Value};
use crate::record::json::DEPTH_MAX;
use crate::record::members::{string_end, string_extent};
use crate::record::text::write_utf8;

/// How many keys of one object are compared with each other to see whether one comes twice.
const KEYS_MAX: usize = 512;

/// The items of an array, or the members of an object with their keys.
pub(super) fn items<'r>(container: &'r [u8]) -> Items<'r> {
    Items { rest: inside(container).trim_ascii_start(), object: container.first() == Some(&b'{') }
}

/// See [`items`].
pub(super) struct Items<'r> {
    rest: &'r [u8],
    object: bool,
}

impl<'r> Iterator for Items<'r> {
    /// The inside of the key as it is spelled, and the value's JSON.
    type Item = (&'r [u8], &'r [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest;
        let mut key: &[u8] = &[];
        if self.object {
            let end = string_end(rest)?;
            key = inside(rest.get(..end)?);
            rest = rest.get(end..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        }
        let end = value_end(rest)?;
        let value = rest.get(..end)?.trim_ascii_end();
        let behind = rest.get(end + 1..).unwrap_or_default();
        self.rest = behind.trim_ascii_start();
        (!value.is_empty()).then_some((key, value))
    }
}

/// Where the value at the front ends: at the comma behind it, or at the end.
fn value_end(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string_end(text.get(at..)?)?;
                continue;
            }
            b',' if depth == 0 => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}

/// A field of an object, the last of that name.
pub(super) fn field<'r>(object: &'r [u8], name: &str) -> Result<Option<&'r [u8]>, Stop> {
    let mut found = None;
    for (key, value) in items(object) {
        if memchr::memchr(b'\\', key).is_some() {
            return Err(Stop::Fallback);
        }
        if key == name.as_bytes() {
            found = Some(value);
        }
    }
    Ok(found)
}

/// How many items or fields there are.
pub(super) fn count(container: Value<'_>, writer: &mut Compact) -> Result<usize, Stop> {
    match container {
        Value::Array(json) => Ok(items(json).count()),
        Value::Object(json) => {
            writer.open.clear();
            writer.seen.clear();
            writer.open.push(Open { object: true, seen: 0 });
            let mut count = 0;
            for (key, _) in items(json) {
                writer.key(key, memchr::memchr(b'\\', key).is_some())?;
                count += 1;
            }
            Ok(count)
        }
        _ => Err(Stop::Fallback),
    }
}

/// Writes JSON of the record in its compact form; keeps its space between values.
#[derive(Default)]
pub(super) struct Compact {
    open: Vec<Open>,
    /// Hashes of the keys of the objects that are open.
    seen: Vec<u64>,
    hasher: FixedState,
    decoded: Vec<u8>,
}

struct Open {
    object: bool,
    /// Where its keys begin.
    seen: usize,
}

impl Compact {
    /// Appends an array or object `depth` levels below the result's top. One with a key that comes
    /// twice is left to others.
    pub(super) fn write(
        &mut self,
        json: &[u8],
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        self.open.clear();
        self.seen.clear();
        // What lies between these is not written yet, and is as we write it.
        let (mut from, mut at) = (0, 0);
        let mut key_next = false;
        while let Some(byte) = json.get(at) {
            match byte {
                b'"' => {
                    let rest = json.get(at..).unwrap_or_default();
                    let (length, escaped) = string_extent(rest).ok_or(Stop::Fallback)?;
                    let string = rest.get(..length).unwrap_or_default();
                    if std::mem::take(&mut key_next) {
                        self.key(inside(string), escaped)?;
                    }
                    if escaped {
                        out.extend_from_slice(json.get(from..at).unwrap_or_default());
                        self.decode(inside(string))?;
                        write_utf8(&self.decoded, out);
                        from = at + length;
                    }
                    at += length;
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    out.extend_from_slice(json.get(from..at).unwrap_or_default());
                    from = at + 1;
                }
                b'{' | b'[' => {
                    if depth + self.open.len() >= DEPTH_MAX {
                        return Err(Stop::Fallback);
                    }
                    key_next = *byte == b'{';
                    self.open.push(Open { object: key_next, seen: self.seen.len() });
                }
                b'}' | b']' => {
                    key_next = false;
                    let closed = self.open.pop().ok_or(Stop::Fallback)?;
                    self.seen.truncate(closed.seen);
                }
                b',' => key_next = self.open.last().is_some_and(|open| open.object),
                _ => {}
            }
            at += 1;
        }
        out.extend_from_slice(json.get(from..).unwrap_or_default());
        Ok(())
    }

    /// Appends a string, given with its quotes, as we spell it.
    pub(super) fn string(&mut self, string: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
        if memchr::memchr(b'\\', string).is_none() {
            out.extend_from_slice(string);
            return Ok(());
        }
        self.decode(inside(string))?;
        write_utf8(&self.decoded, out);
        Ok(())
    }

    fn decode(&mut self, inside: &[u8]) -> Result<(), Stop> {
        self.decoded.resize(inside.len(), 0);
        let length = decode(inside, &mut self.decoded).ok_or(Stop::Fallback)?;
        self.decoded.truncate(length);
        Ok(())
    }

    /// Takes note of a key of the innermost object. Two keys of the same hash are taken for the
    /// same, which costs time and nothing else.
    fn key(&mut self, key: &[u8], escaped: bool) -> Result<(), Stop> {
        let hash = match escaped {
            false => self.hasher.hash_one(key),
            true => {
                self.decode(key)?;
                self.hasher.hash_one(self.decoded.as_slice())
            }
        };
        let from = self.open.last().map_or(0, |open| open.seen);
        let seen = self.seen.get(from..).unwrap_or_default();
        if seen.len() == KEYS_MAX || seen.contains(&hash) {
            return Err(Stop::Fallback);
        }
        self.seen.push(hash);
        Ok(())
    }
}

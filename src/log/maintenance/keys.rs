//! Which record of each key is the last one, in a bounded amount of memory.
//!
//! A key is known by a hash of 128 bits: two results of SipHash-1-3 (`std::hash::RandomState`) over
//! the key's compact JSON text, under a random secret of this process, with one byte before the
//! text that differs. Two keys of the same hash would be taken for one, and the record of one of
//! them be lost. Among the [`KEYS_MAX`] keys of a pass the chance of any such pair is 2^41 / 2^128,
//! far below that of a disk's wrong bit that no checksum finds; and without the secret nobody can
//! make keys that collide.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use crate::expr::{Bounds, Exceeded, ParsedRecord, Program, RecordError};
use crate::log::LogError;
use crate::log::settings::Settings;

/// The most keys that one pass of compaction knows. They take 52 MiB, and half of that again while
/// the table grows.
pub(in crate::log) const KEYS_MAX: usize = (1 << 21) / 8 * 7;

/// What a key is known by.
pub(in crate::log) type KeyHash = (u64, u64);

/// The topic's key and tombstone, evaluated over its records.
pub(in crate::log) struct Keys {
    program: Program,
    has_tombstone: bool,
    secret: RandomState,
    text: Vec<u8>,
}

impl Keys {
    /// The key and the tombstone of these settings, evaluated within bounds.
    ///
    /// # Errors
    /// When there is no key, or one of the two is no jq expression.
    pub fn of(settings: &Settings, bounds: Bounds) -> Result<Keys, LogError> {
        let bad = |why: String| LogError::BadSettings { why };
        let key = settings.key.as_deref().ok_or_else(|| bad("the topic has no key".to_owned()))?;
        let tombstone = settings.tombstone.as_deref();
        let sources: Vec<&str> = [key].into_iter().chain(tombstone).collect();
        let mut program = Program::compile(&sources).map_err(|error| {
            bad(format!("the key or the tombstone is not a jq expression: {error}"))
        })?;
        program.bound(bounds);
        let has_tombstone = tombstone.is_some();
        Ok(Keys { program, has_tombstone, secret: RandomState::new(), text: Vec::new() })
    }

    /// A record by its key. A record whose key is null has none, and so does one for which the
    /// expression fails.
    ///
    /// # Errors
    /// When the evaluation runs into a bound: what the key is then is not known.
    pub fn read<'t>(&mut self, record: &'t [u8]) -> Result<Option<Keyed<'_, 't>>, Exceeded> {
        let Ok(mut loaded) = self.program.load(record) else { return Ok(None) };
        self.text.clear();
        match loaded.value(0) {
            Ok(value) => value.write_json(&mut self.text),
            Err(RecordError::Exceeded(exceeded)) => return Err(exceeded),
            Err(_) => return Ok(None),
        }
        if self.text == b"null" {
            return Ok(None);
        }
        let half = |side: u8| self.secret.hash_one((side, self.text.as_slice()));
        let has_tombstone = self.has_tombstone;
        Ok(Some(Keyed { hash: (half(0), half(1)), loaded, has_tombstone }))
    }
}

/// A record with a key.
pub(in crate::log) struct Keyed<'k, 't> {
    /// What its key is known by.
    pub hash: KeyHash,
    loaded: ParsedRecord<'k, 't>,
    has_tombstone: bool,
}

impl Keyed<'_, '_> {
    /// Whether the record says that its key is gone.
    ///
    /// # Errors
    /// When the evaluation runs into a bound.
    pub fn is_tombstone(&mut self) -> Result<bool, Exceeded> {
        match self.has_tombstone.then(|| self.loaded.truth(1)) {
            Some(Ok(gone)) => Ok(gone),
            Some(Err(RecordError::Exceeded(exceeded))) => Err(exceeded),
            Some(Err(_)) | None => Ok(false),
        }
    }
}

/// The offset of each key's last record.
pub(in crate::log) struct Latest {
    offsets: HashMap<KeyHash, u64, BuildHasherDefault<AsItIs>>,
    keys_max: usize,
}

impl Latest {
    /// No keys, and room for so many.
    pub fn new(keys_max: usize) -> Latest {
        Latest { offsets: HashMap::default(), keys_max }
    }

    /// Notes a record behind all those before. False if there is no room for its key.
    pub fn note(&mut self, key: KeyHash, offset: u64) -> bool {
        if self.offsets.len() >= self.keys_max && !self.offsets.contains_key(&key) {
            return false;
        }
        self.offsets.insert(key, offset);
        true
    }

    /// Whether the key has a later record than that at `offset`.
    pub fn supersedes(&self, key: KeyHash, offset: u64) -> bool {
        self.offsets.get(&key).is_some_and(|&latest| latest > offset)
    }
}

/// The hasher of what is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(key: &str, tombstone: Option<&str>) -> Keys {
        let tombstone = tombstone.map(str::to_owned);
        let settings = Settings { tombstone, ..Settings::new(1, Some(key.to_owned())) };
        Keys::of(&settings, Bounds::default()).unwrap()
    }

    fn hash(keys: &mut Keys, record: &str) -> Option<KeyHash> {
        keys.read(record.as_bytes()).unwrap().map(|keyed| keyed.hash)
    }

    #[test]
    fn a_key_is_what_its_value_is_spelled_as() {
        let mut keys = keys(".k", None);
        let a = hash(&mut keys, r#"{"k":"a","n":1}"#);
        assert!(a.is_some());
        assert_eq!(hash(&mut keys, r#"{"n":2, "k" : "\u0061"}"#), a);
        for other in [r#"{"k":"b"}"#, r#"{"k":["a"]}"#, r#"{"k":1}"#, r#"{"k":1.0}"#] {
            assert_ne!(hash(&mut keys, other), a, "{other}");
        }
        assert_ne!(hash(&mut keys, r#"{"k":1}"#), hash(&mut keys, r#"{"k":1.0}"#));
        assert!(!keys.read(br#"{"k":1}"#).unwrap().unwrap().is_tombstone().unwrap());
    }

    #[test]
    fn without_a_value_there_is_no_key() {
        let mut keys = keys(".k", None);
        for record in ["{}", r#"{"k":null}"#, "null", "[1]", "7", "no json"] {
            assert_eq!(hash(&mut keys, record), None, "{record}");
        }
    }

    #[test]
    fn a_tombstone_is_told_by_its_expression() {
        let mut keys = keys(".k", Some(".gone"));
        for (record, is_tombstone) in [
            (r#"{"k":1,"gone":true}"#, true),
            (r#"{"k":1,"gone":0}"#, true),
            (r#"{"k":1,"gone":false}"#, false),
            (r#"{"k":1}"#, false),
        ] {
            let mut keyed = keys.read(record.as_bytes()).unwrap().unwrap();
            assert_eq!(keyed.is_tombstone(), Ok(is_tombstone), "{record}");
        }
    }

    #[test]
    fn only_a_new_key_needs_room() {
        let mut latest = Latest::new(2);
        let keys = [(1, 1), (2, 2), (1, 2)];
        assert!(latest.note(keys[0], 5) && latest.note(keys[1], 6) && latest.note(keys[0], 7));
        assert!(!latest.note(keys[2], 8));
        assert!(latest.note(keys[1], 9));
        assert!(latest.supersedes(keys[0], 6) && !latest.supersedes(keys[0], 7));
        assert!(!latest.supersedes(keys[2], 0));
    }
}

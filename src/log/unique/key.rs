//! What a record's key is known by: a hash of 128 bits.
//!
//! It is SipHash-2-4 under a secret, over the key's JSON text, in which equal numbers are spelled
//! the same, and equal strings, too. Two keys of the same hash would be taken for one, and the
//! record of one of them not be appended: with 2^30 keys the chance of any such pair is
//! 2^59 / 2^128. Without the secret nobody can make keys that collide.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use siphasher::sip128::SipHasher24;

use crate::expr::{Bounds, Exceeded, Program, RecordError, Value};
use crate::log::LogError;
use crate::record::members::string_end;
use crate::record::number::write_canonical;
use crate::record::text::write_string;

/// What a key is known by; [`NO_KEY`] for a record that has none.
pub(in crate::log) type KeyHash = u128;

/// That of a record without a key.
pub(in crate::log) const NO_KEY: KeyHash = 0;

/// What makes the hashes of one set differ from those of others.
pub(in crate::log) type Secret = [u8; 16];

/// A secret that nobody knows.
pub(in crate::log) fn new_secret() -> Secret {
    let state = RandomState::new();
    let half = |side: u8| u128::from(state.hash_one(side));
    (half(0) << 64 | half(1)).to_le_bytes()
}

/// Evaluates the key of records.
pub(in crate::log) struct Keyer {
    program: Program,
    hasher: SipHasher24,
    text: Vec<u8>,
}

/// Why a record has no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::log) enum NoKey {
    /// It is null, or an array of nothing but null.
    Null,
    /// The expression fails.
    Failed(String),
    /// The evaluation ran into a bound.
    Exceeded(Exceeded),
}

impl NoKey {
    /// Says why; `exceeded` is set if that is for a bound.
    pub fn why(self, exceeded: &mut Option<Exceeded>) -> String {
        match self {
            NoKey::Null => "its unique key is null".to_owned(),
            NoKey::Failed(why) => format!("its unique key: {why}"),
            NoKey::Exceeded(bound) => {
                *exceeded = Some(bound);
                format!("its unique key: {bound}")
            }
        }
    }
}

impl Keyer {
    /// Evaluates a jq expression within bounds.
    ///
    /// # Errors
    /// When it is no jq expression.
    pub fn new(key: &str, secret: &Secret, bounds: Bounds) -> Result<Keyer, LogError> {
        let mut program = Program::compile(&[key]).map_err(|error| LogError::BadSettings {
            why: format!("the unique key is not a jq expression: {error}"),
        })?;
        // Records are validated before they are appended.
        program.trust(true);
        program.bound(bounds);
        let hasher = SipHasher24::new_with_key(secret);
        Ok(Keyer { program, hasher, text: Vec::new() })
    }

    /// What the key of a record is known by.
    ///
    /// # Errors
    /// When it has none, or it cannot be told.
    pub fn hash(&mut self, record: &[u8]) -> Result<KeyHash, NoKey> {
        let failed = |error: RecordError| match error {
            RecordError::Exceeded(exceeded) => NoKey::Exceeded(exceeded),
            error => NoKey::Failed(error.to_string()),
        };
        let mut loaded = self.program.load(record).map_err(failed)?;
        if let Some(string) = loaded.plain_string(0) {
            return Ok(hash(&self.hasher, string));
        }
        self.text.clear();
        match loaded.value(0).map_err(failed)? {
            Value::Null => return Err(NoKey::Null),
            Value::Json(json) => write_alike(json, &mut self.text),
            value => value.write_identity(&mut self.text),
        }
        if is_all_null(&self.text) {
            return Err(NoKey::Null);
        }
        Ok(hash(&self.hasher, &self.text))
    }

    /// Gives back memory that a large record needed.
    pub fn rest(&mut self) {
        self.program.rest();
    }
}

fn hash(hasher: &SipHasher24, text: &[u8]) -> KeyHash {
    hasher.hash(text).as_u128().max(NO_KEY + 1)
}

/// Whether it is an array of nothing but null.
fn is_all_null(json: &[u8]) -> bool {
    let inner = json.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inner.is_some_and(|inner| inner.split(|&byte| byte == b',').all(|one| one == b"null"))
}

/// Appends compact JSON with equal numbers spelled the same, and equal strings.
fn write_alike(json: &str, out: &mut Vec<u8>) {
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let end = match first {
            b'"' => string_end(rest.as_bytes()).unwrap_or(rest.len()),
            b'-' | b'0'..=b'9' => rest
                .bytes()
                .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
                .unwrap_or(rest.len()),
            _ => rest
                .bytes()
                .position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'))
                .unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        match first {
            b'"' if token.contains('\\') => match serde_json::from_str::<String>(token) {
                Ok(text) => write_string(&text, out),
                Err(_) => out.extend_from_slice(token.as_bytes()),
            },
            b'-' | b'0'..=b'9' => write_canonical(token, out),
            _ => out.extend_from_slice(token.as_bytes()),
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyer(key: &str) -> Keyer {
        Keyer::new(key, &[7; 16], Bounds::default()).unwrap()
    }

    fn same(key: &str, one: &str, other: &str) -> bool {
        let mut keyer = keyer(key);
        keyer.hash(one.as_bytes()).unwrap() == keyer.hash(other.as_bytes()).unwrap()
    }

    #[test]
    fn keys_are_the_same_whatever_their_spelling() {
        for (key, one, other) in [
            (".k", r#"{"k":1}"#, r#"{"n":2, "k" : 1.0}"#),
            (".k", r#"{"k":100}"#, r#"{"k":1e2}"#),
            (".k", r#"{"k":0}"#, r#"{"k":-0.0}"#),
            (".k", r#"{"k":"a"}"#, r#"{"k":"\u0061"}"#),
            (".k", r#"{"k":["a/",1,{"b":"\u00e4"}]}"#, r#"{"k":["a\/", 1.0,{"b":"ä"}]}"#),
            ("[.k,.l]", r#"{"k":"\"-1","l":1}"#, r#"{"l":1.00,"k":"\u0022-1"}"#),
            (".k|tostring", r#"{"k":1}"#, r#"{"k":"1"}"#),
        ] {
            assert!(same(key, one, other), "{key}: {one} {other}");
        }
    }

    #[test]
    fn other_keys_are_others() {
        for (key, one, other) in [
            (".k", r#"{"k":1}"#, r#"{"k":"1"}"#),
            (".k", r#"{"k":12345678901234567890}"#, r#"{"k":12345678901234567891}"#),
            (".k", r#"{"k":"a"}"#, r#"{"k":["a"]}"#),
            (".k", r#"{"k":"a"}"#, r#"{"k":"A"}"#),
            ("[.k,.l]", r#"{"k":"a","l":null}"#, r#"{"k":null,"l":"a"}"#),
            (".k", r#"{"k":false}"#, r#"{"k":"false"}"#),
            (".k", r#"{"k":[]}"#, r#"{"k":{}}"#),
        ] {
            assert!(!same(key, one, other), "{key}: {one} {other}");
        }
    }

    #[test]
    fn null_is_no_key() {
        for (key, record) in [
            (".k", "{}"),
            (".k", r#"{"k":null}"#),
            ("[.k,.l]", "{}"),
            (".k", "null"),
            ("empty", "1"),
        ] {
            assert_eq!(keyer(key).hash(record.as_bytes()), Err(NoKey::Null), "{key} {record}");
        }
        assert!(matches!(keyer(".k").hash(b"[1]"), Err(NoKey::Failed(_))));
        assert!(matches!(keyer(".k,.l").hash(b"{}"), Err(NoKey::Failed(_))));
    }

    #[test]
    fn another_secret_gives_other_hashes() {
        let mut other = Keyer::new(".", &new_secret(), Bounds::default()).unwrap();
        assert_ne!(other.hash(b"1"), keyer(".").hash(b"1"));
        assert_ne!(new_secret(), new_secret());
    }
}

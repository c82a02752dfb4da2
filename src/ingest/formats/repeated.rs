//! Keys that an input gives more than one value: an object has the key once, with an array of the
//! values.

use std::collections::HashMap;

use super::object::Object;
use crate::record::members::members;

/// How many keys are compared one by one; more are looked up.
const COMPARED_MAX: usize = 32;

/// The keys of one object, as parts of the text that they are read from.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Where each begins and ends.
    spans: Vec<(usize, usize)>,
    /// A bit for each length and end of a key: what is not set here was not seen.
    seen: u64,
    is_repeated: bool,
}

impl Keys {
    /// Another object begins.
    pub fn begin(&mut self) {
        self.spans.clear();
        (self.seen, self.is_repeated) = (0, false);
    }

    /// Takes note of the key that is at this place of the text.
    #[inline]
    pub fn see(&mut self, text: &str, at: usize, key: &str) {
        let last = key.bytes().last().unwrap_or_default();
        let bit = 1_u64 << ((usize::from(last) ^ (key.len() << 2)) & 63);
        if self.seen & bit != 0 && !self.is_repeated && self.spans.len() < COMPARED_MAX {
            let same = |(from, to): &(usize, usize)| text.get(*from..*to) == Some(key);
            self.is_repeated = self.spans.iter().any(same);
        }
        self.seen |= bit;
        self.spans.push((at, at + key.len()));
    }

    /// Puts the values of each key together, if the object that is written from `begin` on may have
    /// one twice.
    pub fn gather(&self, out: &mut Vec<u8>, begin: usize) {
        if self.is_repeated || self.spans.len() > COMPARED_MAX {
            gather(out, begin);
        }
    }
}

/// Puts the values of each key together in the object that begins there.
pub(super) fn gather(out: &mut Vec<u8>, begin: usize) {
    let object = out.split_off(begin);
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut all: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    for member in members(&object) {
        let value = member.bytes.get(member.key.len() + 3..).unwrap_or_default();
        let place = *places.entry(member.key).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => all.push((member.key, vec![value])),
        }
    }
    let mut gathered = Object::new(out);
    for (key, values) in all {
        let out = gathered.spelled(key);
        if let [value] = values[..] {
            out.extend_from_slice(value);
            continue;
        }
        for (at, value) in values.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            out.extend_from_slice(value);
        }
        out.push(b']');
    }
    gathered.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(object: &str) -> String {
        let mut out = b"x".to_vec();
        out.extend_from_slice(object.as_bytes());
        gather(&mut out, 1);
        String::from_utf8(out).unwrap().split_off(1)
    }

    #[test]
    fn values_of_a_key_become_an_array() {
        assert_eq!(
            gathered(r#"{"a":1,"b":{"c":"}"},"a":"x,\"y","\n":[],"a":null}"#),
            r#"{"a":[1,"x,\"y",null],"b":{"c":"}"},"\n":[]}"#
        );
        assert_eq!(gathered("{}"), "{}");
    }

    #[test]
    fn a_key_is_seen_to_be_repeated() {
        let many: Vec<String> = (0..COMPARED_MAX).map(|number| format!("k{number}")).collect();
        let text = many.concat();
        let mut keys = Keys::default();
        for again in ["k31", "k7", "k8x"] {
            keys.begin();
            let text = format!("{text}{again}");
            let mut at = 0;
            for key in
                many.iter().map(String::as_str).chain([again]).skip(usize::from(again != "k31"))
            {
                keys.see(&text, text.find(key).unwrap_or(at), key);
                at += key.len();
            }
            let is_certain = keys.is_repeated || keys.spans.len() > COMPARED_MAX;
            assert_eq!(is_certain, again != "k8x", "{again}");
        }
    }
}

//! A field of a record: what it is, and where it stands.

use std::ops::Range;

/// What a field is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Not there.
    #[default]
    Missing,
    /// null.
    Null,
    /// false.
    False,
    /// true.
    True,
    /// A number.
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A field as it stands in the text: strings with their quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// What it is.
    pub kind: Kind,
    start: u32,
    end: u32,
}

impl Kind {
    /// What a value is that is spelled so, without white space around it.
    pub fn of(json: &[u8]) -> Kind {
        match json.first() {
            None => Kind::Missing,
            Some(b'n') => Kind::Null,
            Some(b'f') => Kind::False,
            Some(b't') => Kind::True,
            Some(b'"') if memchr::memchr(b'\\', json).is_some() => Kind::Escaped,
            Some(b'"') => Kind::Plain,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(_) => Kind::Number,
        }
    }
}

impl Slot {
    /// A field that stands at these bytes of a text.
    #[inline(always)]
    pub fn at(kind: Kind, bytes: Range<usize>) -> Slot {
        Slot { kind, start: bytes.start as u32, end: bytes.end as u32 }
    }

    /// Its bytes in the text.
    #[inline(always)]
    pub fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same field, for a text that lacks the first `bytes` bytes of this one, which lie before
    /// the record.
    #[inline]
    pub fn without(self, bytes: u32) -> Slot {
        let (start, end) = (self.start.saturating_sub(bytes), self.end.saturating_sub(bytes));
        Slot { kind: self.kind, start, end }
    }
}

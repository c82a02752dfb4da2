//! Writing a record field by field.

use crate::record::text::write_string;

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// What comes before the next key.
    before: u8,
}

impl<'a> Object<'a> {
    /// Begins one.
    pub fn new(out: &'a mut Vec<u8>) -> Object<'a> {
        Object { out, before: b'{' }
    }

    /// Begins a field whose key needs no escapes, and gives where its value goes.
    #[inline]
    pub fn field(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(self.before);
        self.before = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Begins a field with any key.
    #[inline]
    pub fn named(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(self.before);
        self.before = b',';
        write_string(key, self.out);
        self.out.push(b':');
        self.out
    }

    /// Begins a field with a key that is spelled as JSON spells it.
    pub fn spelled(&mut self, key: &[u8]) -> &mut Vec<u8> {
        self.out.push(self.before);
        self.before = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A field that is a string.
    #[inline]
    pub fn text(&mut self, key: &str, value: &str) {
        write_string(value, self.field(key));
    }

    /// A field that is a string, or null where the format writes `-`.
    #[inline]
    pub fn text_or_nil(&mut self, key: &str, value: &str) {
        match value {
            "-" => self.null(key),
            value => self.text(key, value),
        }
    }

    /// What is written so far, with the value that was written last.
    pub fn value(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// A field that is null.
    pub fn null(&mut self, key: &str) {
        self.field(key).extend_from_slice(b"null");
    }

    /// Ends it.
    pub fn end(self) {
        if self.before == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

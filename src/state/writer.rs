//! What states are written to.

/// Takes the values of a state, one after the other; [`Reader`](super::Reader) gives them back.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Nothing yet.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// All bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// All bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends bytes as they are; only their reader knows how many they are.
    pub fn put_plain(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a byte.
    pub fn put_u8(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Appends a truth value: a byte, 1 or 0.
    pub fn put_bool(&mut self, value: bool) {
        self.put_u8(value.into());
    }

    /// Appends a number, low bits first: seven in each byte, whose highest bit says that more
    /// follow (LEB128). Most numbers of a state are small.
    pub fn put_u64(&mut self, mut number: u64) {
        while number > 0x7f {
            self.put_u8(number as u8 | 0x80);
            number >>= 7;
        }
        self.put_u8(number as u8);
    }

    /// Appends a length or a place, as [`Writer::put_u64`] does.
    pub fn put_len(&mut self, length: usize) {
        self.put_u64(length as u64);
    }

    /// Appends a number, which may be below zero: 8 bytes.
    pub fn put_i64(&mut self, number: i64) {
        self.put_plain(&number.to_le_bytes());
    }

    /// Appends a large number, which may be below zero: 16 bytes.
    pub fn put_i128(&mut self, number: i128) {
        self.put_plain(&number.to_le_bytes());
    }

    /// Appends a float, to the bit: 8 bytes.
    pub fn put_f64(&mut self, float: f64) {
        self.put_plain(&float.to_bits().to_le_bytes());
    }

    /// Appends a byte string, after its length.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_len(bytes.len());
        self.put_plain(bytes);
    }

    /// Appends whether there is a value, and if so, the value, by `put`.
    pub fn put_option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Writer, T)) {
        self.put_bool(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }
}

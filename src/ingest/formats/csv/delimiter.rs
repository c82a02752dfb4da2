//! Which bytes separate cells, and which ones are around them.

/// Whether this byte can separate cells: ASCII, and nothing that CSV or a number is made of.
pub fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
        && !byte.is_ascii_alphanumeric()
        && !b"\"+-.".contains(&byte)
}

/// The delimiter that a first line names, if it does no more than that.
pub(in crate::ingest::formats) fn named_delimiter(row: &[u8]) -> Option<u8> {
    let [b's', b'e', b'p', b'=', delimiter] = row else { return None };
    is_delimiter(*delimiter).then_some(*delimiter)
}

/// Whether cells can be put in this byte, as in quotes.
pub fn is_quote(byte: u8) -> bool {
    byte == b'"' || is_delimiter(byte)
}

//! JSON over several lines, as one.

use crate::record::members::string_end;

/// Writes a value without the white space between its parts, and so without line ends.
pub(super) fn write_on_one_line(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"'));
        let (plain, behind) = rest.split_at(end.unwrap_or(rest.len()));
        out.extend_from_slice(plain);
        let length = match behind.first() {
            Some(b'"') => {
                let length = string_end(behind).unwrap_or(behind.len());
                out.extend_from_slice(behind.get(..length).unwrap_or_default());
                length
            }
            Some(_) => 1,
            None => 0,
        };
        rest = behind.get(length..).unwrap_or_default();
    }
}

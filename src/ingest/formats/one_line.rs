//! JSON over several lines, as one.

/// Writes a value without the white space between its parts, and so without line ends.
pub(super) fn write_on_one_line(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"'));
        let (plain, behind) = rest.split_at(end.unwrap_or(rest.len()));
        out.extend_from_slice(plain);
        let length = match behind.first() {
            Some(b'"') => {
                let length = string_length(behind);
                out.extend_from_slice(behind.get(..length).unwrap_or_default());
                length
            }
            Some(_) => 1,
            None => 0,
        };
        rest = behind.get(length..).unwrap_or_default();
    }
}

/// How long the string at the front is, together with its quotes; all that is there if it does not
/// end.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
            Some(found) => at = (at + found + 2).min(text.len()),
            None => return text.len(),
        }
    }
}

//! What is said of a bad record beside what is wrong with it: what may have led to it.

use crate::record::decode::Raw;
use crate::record::json::{JsonFault, validate};

/// What is wrong with a record, with what may have led to it.
///
/// An input that ends within a record may have been cut short; a line that ends within a value may
/// belong to one that spans several; and where an array of objects is bad, these may have been
/// meant.
pub fn explained(why: &str, raw: &Raw<'_>) -> String {
    let hint = match validate(raw.bytes) {
        Err(_) if raw.unterminated => {
            " (the input ends here, without a line end: it may be cut short)"
        }
        Err(error) if error.why == JsonFault::Incomplete => match raw.bytes.trim_ascii() {
            b"[" => "; a record is one line: jq -c '.[]' emits a record for each item of an array",
            _ => "; a record is one line: jq -c . emits a record for each value",
        },
        Ok(()) if is_array_of_objects(raw.bytes) => {
            "; an array is one record: map '.[]' emits a record for each of its items"
        }
        _ => "",
    };
    format!("{why}{hint}")
}

fn is_array_of_objects(record: &[u8]) -> bool {
    let items = record.trim_ascii_start().strip_prefix(b"[");
    items.is_some_and(|items| items.trim_ascii_start().starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_fits_the_record() {
        let hint = |bytes: &str, unterminated| {
            explained("", &Raw { bytes: bytes.as_bytes(), line: 1, unterminated })
        };
        assert!(hint("{\"a\":", true).contains("cut short"));
        assert_eq!(hint("[55296]", true), "");
        assert!(hint(" [ {}]", false).contains("map '.[]'"));
        assert!(hint("[", false).contains("jq -c '.[]'"));
        assert!(hint("{", false).contains("jq -c . "));
        assert_eq!(hint("{x", false), "");
        assert_eq!(hint("{}", true), "");
    }
}

//! What is said of a bad record beside what is wrong with it: what may have led to it.

use crate::ingest::formats::looks_like;
use crate::record::decode::Raw;
use crate::record::json::{JsonFault, validate};

/// What is wrong with a record, with what may have led to it.
///
/// An input that ends within a record may have been cut short; a line that ends within a value may
/// belong to one that spans several; and where an array of objects is bad, these may have been
/// meant. A first line that is of another format names it.
pub fn explained(why: &str, raw: &Raw<'_>) -> String {
    let valid = validate(raw.bytes);
    if let (true, Err(_), Some((what, form))) = (raw.line == 1, &valid, looks_like(raw.bytes)) {
        return format!("{why}; it looks like {what}: add --from {form}");
    }
    let hint = match valid {
        Err(_) if raw.unterminated => {
            " (the input ends here, without a line end: it may be cut short)"
        }
        Err(error) if error.why == JsonFault::Incomplete => {
            "; it looks like JSON over several lines: add --from json"
        }
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
        let access = "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 5";
        assert_eq!(hint(access, true), "; it looks like an access log: add --from common");
        for (line, form) in [
            ("Mar  5 10:00:00 h sshd[1]: x", "syslog: add --from syslog"),
            ("ts=1 level=info msg=\"x y\"", "logfmt: add --from logfmt"),
            ("id,first name,\"x\"", "CSV: add --from csv"),
            ("id\tname", "tab-separated values: add --from tsv"),
        ] {
            assert_eq!(hint(line, false), format!("; it looks like {form}"));
        }
        for line in ["hello, world: 1", "1,2,3", "a", "x=1 plain text", "{'a':1}"] {
            assert_eq!(hint(line, false), "", "{line}");
        }
        assert!(hint("{\"a\":", true).contains("cut short"));
        assert_eq!(hint("[55296]", true), "");
        assert!(hint(" [ {}]", false).contains("map '.[]'"));
        for begin in ["[", "{"] {
            assert!(hint(begin, false).contains("several lines: add --from json"));
        }
        assert_eq!(hint("{x", false), "");
        assert_eq!(hint("{}", true), "");
    }
}

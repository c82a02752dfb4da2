//! The journal of systemd, as `journalctl -o json` prints it: objects, with all values as strings.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::by_line::Parse;
use super::one_line::write_on_one_line;
use crate::record::check::Checker;
use crate::time::timestamp::write_us;

/// The time at which the journal got an entry, in microseconds since 1970.
const TIME: &str = "\"__REALTIME_TIMESTAMP\"";

static FIND_TIME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TIME));

/// Puts a field `time` before those of an entry, which stay as they are.
#[derive(Default)]
pub(super) struct Journal(Checker);

impl Parse for Journal {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        self.0.check(line.as_bytes()).map_err(|error| error.to_string())?;
        let fields = line.trim_start().strip_prefix('{').ok_or("not an object")?;
        let time_us = realtime_us(line).ok_or("no __REALTIME_TIMESTAMP in microseconds")?;
        record.extend_from_slice(b"{\"time\":\"");
        write_us(time_us, record).map_err(|error| error.to_string())?;
        record.extend_from_slice(b"\",");
        let fields = fields.trim_start().as_bytes();
        match memchr::memchr(b'\n', fields) {
            None => record.extend_from_slice(fields),
            // Lines that belong together.
            Some(_) => write_on_one_line(fields, record),
        }
        Ok(())
    }
}

/// The time of an entry. The name in quotes is no part of another string, where quotes are escaped.
fn realtime_us(line: &str) -> Option<i64> {
    let behind = |at: usize| line.get(at + TIME.len()..)?.trim_start().strip_prefix(':');
    let value = FIND_TIME.find_iter(line.as_bytes()).find_map(behind)?.trim_start();
    let (digits, _) = value.strip_prefix('"')?.split_once('"')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<String, String> {
        let mut record = Vec::new();
        Journal::default().parse(line, &mut record)?;
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn an_entry_gets_its_time() {
        let rest = r#""x":"__REALTIME_TIMESTAMP","MESSAGE":[27,1],"__REALTIME_TIMESTAMP" : "1714564803123456"}"#;
        let time = "{\"time\":\"2024-05-01T12:00:03.123456Z\",";
        assert_eq!(parse(&format!("{{ {rest}")).unwrap(), format!("{time}{rest}"));
        let escaped = r#"{"M":"\"__REALTIME_TIMESTAMP\":\"1\"","__REALTIME_TIMESTAMP":"0"}"#;
        assert!(parse(escaped).unwrap().starts_with("{\"time\":\"1970-01-01T00:00:00.000000Z\","));
    }

    #[test]
    fn what_is_none_is_told() {
        assert!(parse("x").unwrap_err().contains("not valid JSON"), "{:?}", parse("x"));
        assert_eq!(parse("[1]").unwrap_err(), "not an object");
        for line in ["{}", "{\"__REALTIME_TIMESTAMP\":1}", "{\"__REALTIME_TIMESTAMP\":\"x\"}"] {
            assert_eq!(parse(line).unwrap_err(), "no __REALTIME_TIMESTAMP in microseconds");
        }
    }
}

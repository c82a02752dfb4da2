//! NDJSON whose lines are checked here, where what is no JSON is not left to the tool.

use super::by_line::Parse;
use super::one_line::write_on_one_line;
use crate::record::check::Checker;
use crate::record::control::is_control;
use crate::record::reserved;

/// Passes lines that are JSON, and control records.
#[derive(Default)]
pub(super) struct Ndjson(Checker);

impl Parse for Ndjson {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        let bytes = line.as_bytes();
        self.0.check(bytes).map_err(|error| error.to_string())?;
        if !is_control(bytes) {
            reserved::check(bytes).map_err(|error| error.to_string())?;
        }
        match memchr::memchr(b'\n', bytes) {
            None => record.extend_from_slice(bytes),
            // Lines that belong together.
            Some(_) => write_on_one_line(bytes, record),
        }
        Ok(())
    }
}

//! Plain text: each line is a record with one field.

use super::by_line::Parse;
use crate::record::text::write_string;

/// Makes `{"line":…}` of every line, also of blank ones.
pub(super) struct Text;

impl Parse for Text {
    const TAKES_BLANK: bool = true;
    const COMPACT: bool = true;

    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        record.extend_from_slice(b"{\"line\":");
        write_string(line, record);
        record.push(b'}');
        Ok(())
    }
}

//! Comma-separated values (RFC 4180) and tab-separated values (as jq's `@tsv` escapes them).

use super::Origin;
use super::cells::Cells;
use super::json::text_of;
use crate::record::members::{elements, members};
use crate::record::text::excerpt;

/// Writes records as lines of values.
pub struct Delimited {
    delimiter: u8,
    /// Which fields; none for those that the first record has.
    cells: Option<Cells>,
    /// The names in the header, if it has been written and the records are objects.
    header: Option<Vec<String>>,
    begun: bool,
}

/// A record that has no place in the columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is neither an object nor an array, or not what the first one was.
    #[error("expected {0} for a line of values")]
    Kind(&'static str),
    /// It has a field that the header has not.
    #[error("the first record, whose fields are the columns, had no field {}", excerpt(.0))]
    Field(String),
}

impl Delimited {
    /// Writes these cells of each record, or all of its fields.
    pub fn new(delimiter: u8, cells: Option<Cells>) -> Delimited {
        Delimited { delimiter, cells, header: None, begun: false }
    }

    /// Appends a line for a record, and before the first one a header, if the columns have names.
    ///
    /// # Errors
    /// When it does not have the columns of the first record.
    pub fn record(
        &mut self,
        record: &[u8],
        origin: Option<&Origin<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        let delimiter = self.delimiter;
        let Some(cells) = &mut self.cells else { return self.all_fields(record, out) };
        if !std::mem::replace(&mut self.begun, true) {
            line(delimiter, cells.names().iter().map(|name| Some(name.as_str())), out);
        }
        let cells = cells.of(record, origin);
        line(delimiter, cells.iter().map(|cell| cell.text.as_deref()), out);
        Ok(())
    }

    /// A line of all fields of an object, or all elements of an array.
    fn all_fields(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let record = record.trim_ascii();
        match (record.first(), self.begun, &self.header) {
            (Some(b'['), true, Some(_)) => return Err(Unfit::Kind("an object")),
            (Some(b'{'), true, None) => return Err(Unfit::Kind("an array")),
            (Some(b'['), ..) => {
                let values: Vec<Option<String>> = elements(record).map(shown).collect();
                self.begun = true;
                line(self.delimiter, values.iter().map(Option::as_deref), out);
                return Ok(());
            }
            (Some(b'{'), ..) => {}
            _ => return Err(Unfit::Kind("an object or an array")),
        }
        let fields: Vec<(String, Option<String>)> = members(record)
            .map(|member| {
                let key = member.bytes.get(..member.key.len() + 2).and_then(text_of);
                let value = member.bytes.get(member.key.len() + 2..).unwrap_or_default();
                let value = value.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
                (key.unwrap_or_default(), shown(value.trim_ascii()))
            })
            .collect();
        let begins = self.header.is_none();
        let header = self.header.get_or_insert_with(|| {
            let mut names: Vec<String> = Vec::new();
            for (name, _) in &fields {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            names
        });
        let mut values: Vec<Option<&str>> = vec![None; header.len()];
        for (name, value) in &fields {
            let Some(at) = header.iter().position(|known| known == name) else {
                return Err(Unfit::Field(name.clone()));
            };
            values[at] = value.as_deref();
        }
        self.begun = true;
        if begins {
            line(self.delimiter, header.iter().map(|name| Some(name.as_str())), out);
        }
        line(self.delimiter, values.into_iter(), out);
        Ok(())
    }
}

/// A value as a spreadsheet has it: strings decoded, nothing for null.
fn shown(json: &[u8]) -> Option<String> {
    match json {
        b"null" => None,
        json => text_of(json).or_else(|| Some(String::from_utf8_lossy(json).into_owned())),
    }
}

/// Appends a line. No value is nothing, and an empty one is `""` in CSV, as databases distinguish
/// NULL from an empty string.
fn line<'a>(delimiter: u8, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        match value {
            None => {}
            Some(text) if delimiter == b'\t' => escaped(text, out),
            Some(text) => quoted(text, delimiter, out),
        }
    }
    out.push(b'\n');
}

fn quoted(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let special = |byte: &u8| [delimiter, b'"', b'\n', b'\r'].contains(byte);
    if !text.is_empty() && !text.as_bytes().iter().any(special) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn escaped(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte => out.push(byte),
        }
    }
}

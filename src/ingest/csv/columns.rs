//! The header, and making a record of a row under it.

use std::collections::HashMap;

use super::cells::{Cells, Spelling, Spellings};
use super::{COLUMNS_MAX, CsvOptions};
use crate::record::reserved::{Reserved, is_reserved_key};
use crate::record::text::{excerpt, is_number, write_string};

/// The columns that a header names.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

#[derive(Debug)]
struct Column {
    name: String,
    /// What stands before the column's value in a record: `{"name":` or `,"name":`.
    key: Vec<u8>,
}

impl Columns {
    /// Reads the header. The error says what is wrong with it.
    pub fn read(cells: &Cells, raw: &[u8], delimiter: u8) -> Result<Columns, String> {
        if cells.fields() > COLUMNS_MAX {
            return Err(format!("the header has more columns than the limit of {COLUMNS_MAX}"));
        }
        let not_utf8 = |index| format!("invalid UTF-8 in the header's column {}", index + 1);
        let mut columns = Vec::with_capacity(cells.fields());
        let mut seen = HashMap::with_capacity(cells.fields());
        let mut spellings = Spellings::new(raw, delimiter);
        for (name, number) in cells.texts().map_err(not_utf8)?.zip(1..) {
            if spellings.next() == Spelling::QuotedAndMore {
                return Err(format!("characters after the quotes in the header's column {number}"));
            }
            if name.contains('\0') {
                return Err(format!(
                    "NUL byte in the header's column {number}; UTF-16 has such: convert it, as with \
                     iconv -f UTF-16LE -t UTF-8"
                ));
            }
            if name.is_empty() {
                return Err(format!("the header's column {number} has no name"));
            }
            if let Some(first) = seen.insert(name, number) {
                return Err(format!("the header names columns {first} and {number} \"{name}\""));
            }
            let mut key = vec![if number == 1 { b'{' } else { b',' }];
            write_string(name, &mut key);
            key.push(b':');
            if number == 1 && is_reserved_key(name) {
                return Err(format!("the header's first column: {Reserved}"));
            }
            columns.push(Column { name: name.to_owned(), key });
        }
        Ok(Columns(columns))
    }

    /// What of the header is hardly meant so.
    pub fn warning(&self, delimiter: u8) -> Option<String> {
        let quoted = |column: &&Column| {
            column.name.starts_with(' ') && column.name.trim_start().starts_with('"')
        };
        if let Some(Column { name, .. }) = self.0.iter().find(quoted) {
            return Some(format!(
                "the column {} is named with its quotes: quotes count only with no space \
                 before them; remove the spaces",
                excerpt(name)
            ));
        }
        let [Column { name, .. }] = self.0.as_slice() else { return None };
        let others = [b';', b'\t', b'|', b','];
        let other = others.into_iter().find(|&other| name.as_bytes().contains(&other))?;
        let option = match other {
            _ if other == delimiter => return None,
            b'\t' => "--from tsv".to_owned(),
            other => format!("--delimiter '{}'", char::from(other)),
        };
        Some(format!(
            "the header has one column, {}; if it is several, give {option}",
            excerpt(name)
        ))
    }

    /// How many columns there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Makes `record` the record of a row. The error says what is wrong with the row.
    pub fn write_record(
        &self,
        cells: &Cells,
        raw: &[u8],
        delimiter: u8,
        options: &CsvOptions,
        record: &mut Vec<u8>,
    ) -> Result<(), String> {
        record.clear();
        if cells.fields() != self.count() {
            let fields = cells.fields();
            let s = if fields == 1 { "" } else { "s" };
            return Err(format!("the row has {fields} field{s}, the header {}", self.count()));
        }
        let texts = cells.texts().map_err(|index| self.fault("invalid UTF-8", index))?;
        let mut spellings = Spellings::new(raw, delimiter);
        for (index, (column, text)) in self.0.iter().zip(texts).enumerate() {
            record.extend_from_slice(&column.key);
            match spellings.next() {
                Spelling::Bare if options.infer => write_value(text, &options.nulls, record),
                Spelling::Bare | Spelling::Quoted => write_string(text, record),
                Spelling::QuotedAndMore => {
                    return Err(self.fault("characters after the quotes", index));
                }
            }
            if record.len() >= options.record_bytes_max {
                let max = options.record_bytes_max;
                return Err(format!("the row makes a record longer than the limit of {max} bytes"));
            }
        }
        record.push(b'}');
        Ok(())
    }

    /// Says that something is wrong in one column of a row.
    fn fault(&self, what: &str, index: usize) -> String {
        let name = self.0.get(index).map_or("", |column| &column.name);
        format!("{what} in column \"{name}\"")
    }
}

/// Writes an unquoted cell as the value it spells.
fn write_value(text: &str, nulls: &[String], out: &mut Vec<u8>) {
    if nulls.iter().any(|null| null == text) {
        out.extend_from_slice(b"null");
    } else if text == "true" || text == "false" || is_number(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_string(text, out);
    }
}

//! The header, and making a record of a row under it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cells::{Cells, Spelling, Spellings};
use super::{COLUMNS_MAX, CsvOptions};
use crate::ingest::formats::escapes::undone;
use crate::ingest::formats::types::{Type, Types};
use crate::record::reserved::{Reserved, is_reserved_key};
use crate::record::text::{excerpt, write_string};

/// What helps where text is not UTF-8: mostly it is of Windows.
const CONVERT: &str = "convert it, as with iconv -f CP1252 -t UTF-8";

/// The columns that a header names.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    /// What stands before the column's value in a record: `{"name":` or `,"name":`.
    pub key: Vec<u8>,
    /// What its cells become.
    pub of: Type,
}

impl Column {
    fn new(name: &str, number: usize, types: &Types) -> Column {
        let mut key = vec![if number == 1 { b'{' } else { b',' }];
        write_string(name, &mut key);
        key.push(b':');
        Column { name: name.to_owned(), key, of: types.of(name) }
    }
}

impl Columns {
    /// Reads the header. The error says what is wrong with it.
    pub fn read(
        cells: &Cells,
        raw: &[u8],
        delimiter: u8,
        options: &CsvOptions,
    ) -> Result<Columns, String> {
        not_too_many(cells.fields())?;
        let not_utf8 =
            |index| format!("invalid UTF-8 in the header's column {}; {CONVERT}", index + 1);
        let mut spellings = Spellings::new(raw, delimiter, options.quote);
        let mut names = Vec::with_capacity(cells.fields());
        for (name, number) in cells.texts().map_err(not_utf8)?.zip(1..) {
            let spelling = spellings.next();
            if spelling == Spelling::QuotedAndMore {
                return Err(format!("characters after the quotes in the header's column {number}"));
            }
            if name.contains('\0') {
                return Err(format!(
                    "NUL byte in the header's column {number}; UTF-16 has such: convert it, as with \
                     iconv -f UTF-16LE -t UTF-8"
                ));
            }
            names.push(match options.values.escapes && spelling == Spelling::Bare {
                true => undone(name),
                false => Cow::Borrowed(name),
            });
        }
        let mut seen = HashMap::with_capacity(names.len());
        for (name, number) in names.iter().zip(1..).filter(|(name, _)| !name.is_empty()) {
            if let Some(first) = seen.insert(name.as_ref(), number) {
                return Err(format!("the header names columns {first} and {number} \"{name}\""));
            }
        }
        let mut columns = Vec::with_capacity(names.len());
        for (name, number) in names.iter().zip(1..) {
            // Programs for tables begin with a column of row numbers, which has no name, and may
            // end with columns that were once in use.
            let name = match name.as_ref() {
                "" if seen.is_empty() => {
                    return Err(format!("the header's column {number} has no name"));
                }
                "" => free_name(number, |name| seen.contains_key(name)),
                name => name.to_owned(),
            };
            if number == 1 && is_reserved_key(&name) {
                return Err(format!("the header's first column: {Reserved}"));
            }
            columns.push(Column::new(&name, number, &options.values.types));
        }
        Ok(Columns(columns))
    }

    /// So many columns `c1`, `c2`, and so on. The error says that there are too many.
    pub fn numbered(count: usize, types: &Types) -> Result<Columns, String> {
        not_too_many(count)?;
        let column = |number| Column::new(&format!("c{number}"), number, types);
        Ok(Columns((1..=count).map(column).collect()))
    }

    /// Columns of these names. The error says that there are too many.
    pub fn named(names: &[String], types: &Types) -> Result<Columns, String> {
        not_too_many(names.len())?;
        let column = |(name, number): (&String, usize)| Column::new(name, number, types);
        Ok(Columns(names.iter().zip(1..).map(column).collect()))
    }

    /// The columns, in order.
    pub fn all(&self) -> &[Column] {
        &self.0
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.name.as_str())
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

    /// Appends the record of a row. The error says what is wrong with the row.
    pub fn write_record(
        &self,
        cells: &Cells,
        raw: &[u8],
        delimiter: u8,
        options: &CsvOptions,
        record: &mut Vec<u8>,
    ) -> Result<(), String> {
        let begin = record.len();
        if cells.fields() != self.count() {
            let fields = cells.fields();
            let s = if fields == 1 { "" } else { "s" };
            return Err(format!("the row has {fields} field{s}, the header {}", self.count()));
        }
        let not_utf8 = |index| format!("{}; {CONVERT}", self.fault("invalid UTF-8", index));
        let texts = cells.texts().map_err(not_utf8)?;
        let mut spellings = Spellings::new(raw, delimiter, options.quote);
        for (index, (column, text)) in self.0.iter().zip(texts).enumerate() {
            record.extend_from_slice(&column.key);
            let spelling = spellings.next();
            if spelling == Spelling::QuotedAndMore {
                return Err(self.fault("characters after the quotes", index));
            }
            let quoted = spelling == Spelling::Quoted;
            let written = options.values.write(column.of, text, quoted, record);
            written.map_err(|error| self.fault(&format!("{error}, as it should be"), index))?;
            if record.len() - begin >= options.record_bytes_max {
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

fn not_too_many(columns: usize) -> Result<(), String> {
    match columns {
        0..=COLUMNS_MAX => Ok(()),
        _ => Err(format!("the header has more columns than the limit of {COLUMNS_MAX}")),
    }
}

/// The name of a column without one: `c` and its number, and as many underscores as tell it from
/// the others.
fn free_name(number: usize, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = format!("c{number}");
    while is_taken(&name) {
        name.push('_');
    }
    name
}

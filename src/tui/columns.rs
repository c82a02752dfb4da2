//! The columns of a table of records: the fields of those that were on the screen, as they came.

use super::row::Row;
use crate::layout::text;
use crate::record::members::members;

/// The most columns.
const COLUMNS_MAX: usize = 64;
/// The widest column, unless there is room left beside all others.
const WIDTH_MAX: usize = 32;
/// The widest column in any case.
const WIDE_MAX: usize = 1000;

/// The columns of a table.
#[derive(Clone, Debug, Default)]
pub struct Columns(Vec<Column>);

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The key as it stands in the records.
    key: Vec<u8>,
    /// The same for people.
    pub title: String,
    /// How wide its widest value is.
    wide: usize,
    /// Whether all values so far were numbers, which stand at the right.
    pub numbers: bool,
}

impl Columns {
    /// The columns.
    pub fn all(&self) -> &[Column] {
        &self.0
    }

    /// How wide the columns are, on so many columns of the screen, with gaps so wide between them.
    pub fn widths(&self, room: usize, gap: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.0.iter().map(|it| it.wide.min(WIDTH_MAX)).collect();
        let taken = widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * gap;
        let mut left = room.saturating_sub(taken);
        for (width, column) in widths.iter_mut().zip(&self.0) {
            let more = column.wide.saturating_sub(*width).min(left);
            (*width, left) = (*width + more, left - more);
        }
        widths
    }

    /// Makes room for a record.
    pub fn take(&mut self, row: &Row) {
        let mut any = false;
        for (key, value) in fields(&row.text) {
            any = true;
            self.make_room(key, value);
        }
        if !any {
            self.make_room(b"", row.text.trim_ascii());
        }
    }

    fn make_room(&mut self, key: &[u8], value: &[u8]) {
        let shown = shown(value);
        let wide = text::width(&shown).min(WIDE_MAX);
        let is_number = value.first().is_some_and(|byte| b"-0123456789".contains(byte));
        let is_null = value == b"null";
        if let Some(column) = self.0.iter_mut().find(|column| column.key == key) {
            column.wide = column.wide.max(wide);
            column.numbers &= is_number || is_null;
        } else if self.0.len() < COLUMNS_MAX {
            let title = if key.is_empty() { "value".into() } else { text::safe(key).into_owned() };
            let wide = wide.max(text::width(&title).min(WIDTH_MAX));
            let numbers = is_number || is_null;
            self.0.push(Column { key: key.to_vec(), title, wide, numbers });
        }
    }

    /// What a record has in each of the columns; none where it has no such field.
    pub fn cells(&self, row: &Row) -> Vec<Option<String>> {
        let mut cells = vec![None; self.0.len()];
        let mut any = false;
        for (key, value) in fields(&row.text) {
            any = true;
            self.fill(&mut cells, key, value);
        }
        if !any {
            self.fill(&mut cells, b"", row.text.trim_ascii());
        }
        cells
    }

    fn fill(&self, cells: &mut [Option<String>], key: &[u8], value: &[u8]) {
        let at = self.0.iter().position(|column| column.key == key);
        if let Some(cell) = at.and_then(|at| cells.get_mut(at)) {
            *cell = Some(shown(value));
        }
    }
}

/// The fields of an object, and their values.
fn fields(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    members(object).map(|member| {
        let behind = member.bytes.get(member.key.len() + 2..).unwrap_or_default();
        let value = behind.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
        (member.key, value.trim_ascii())
    })
}

/// A value in a cell: a string without its quotes, anything else as it is written.
fn shown(value: &[u8]) -> String {
    // Of a long one, no more is read than there may be room for.
    const READ_MAX: usize = 4 * WIDE_MAX;
    if value.len() > READ_MAX {
        let front = value.get(..READ_MAX).unwrap_or_default();
        return text::safe(front.strip_prefix(b"\"").unwrap_or(front)).into_owned();
    }
    let decoded = serde_json::from_slice::<String>(value);
    decoded.map_or_else(
        |_| text::safe(value).into_owned(),
        |text| text::safe(text.as_bytes()).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        let (number, bytes) = (0, text.len() as u64);
        let text = text.as_bytes().into();
        Row { number, place: "f:1".into(), time: None, text, bytes, fault: None }
    }

    #[test]
    fn columns_come_as_the_fields_do() {
        let (one, two) = (row(r#"{"a": 12,"b":"x\ty"}"#), row(r#"{"c":[1],"a":null}"#));
        let mut columns = Columns::default();
        columns.take(&one);
        columns.take(&two);
        let titles: Vec<(&str, usize, bool)> =
            columns.all().iter().map(|c| (&*c.title, c.wide, c.numbers)).collect();
        assert_eq!(titles, [("a", 4, true), ("b", 4, false), ("c", 3, false)]);
        assert_eq!(columns.cells(&one), [Some("12".into()), Some("x\\ty".into()), None]);
        assert_eq!(columns.cells(&two), [Some("null".into()), None, Some("[1]".into())]);
    }

    #[test]
    fn a_long_value_has_the_room_that_is_left() {
        let long = row(&format!(r#"{{"a":1,"b":"{}","c":2}}"#, "x".repeat(100)));
        let mut columns = Columns::default();
        columns.take(&long);
        assert_eq!(columns.widths(20, 2), [1, 32, 1]);
        assert_eq!(columns.widths(80, 2), [1, 74, 1]);
        assert_eq!(columns.widths(200, 2), [1, 100, 1]);
        assert_eq!(Columns::default().widths(80, 2), [0; 0]);
    }

    #[test]
    fn what_is_not_an_object_is_a_value() {
        let mut columns = Columns::default();
        columns.take(&row(" 17 "));
        assert_eq!(columns.all()[0].title, "value");
        assert_eq!(columns.cells(&row("true")), [Some("true".into())]);
    }
}

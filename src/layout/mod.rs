//! What records look like: on a screen, in a spreadsheet, in a script's line of text.
//!
//! - [`screen`]: text for a terminal: colours, lines that are cut to its width, no control
//!   characters.
//! - `json`: a record on one line in colour, or over several lines.
//! - [`cells`]: the values of a record's fields, a cell each.
//! - [`table`]: rows of cells in columns below their names; [`grid`]: how wide these are.
//! - [`live`]: a table that is drawn again and again in the same place.
//! - `delimited`: cells as CSV and TSV.
//! - [`text`]: texts, numbers and sizes as people read them, and how wide they are.
//! - `template`: text with values in it.
//!
//! Nothing here knows where records come from or where the text goes.

pub mod cells;
mod delimited;
pub mod grid;
mod json;
pub mod live;
pub mod screen;
pub mod table;
mod template;
pub mod text;

use self::cells::Cells;
use self::delimited::Delimited;
pub use self::delimited::Unfit;
use self::grid::Widest;
use self::screen::Screen;
use self::table::Table;
use self::template::Template;
pub use self::template::TemplateError;
use crate::expr::{ExprError, RecordError};
use crate::time::timestamp::{show_ms, show_us};

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One record a line, as JSON.
    Json,
    /// JSON with indented lines.
    Pretty,
    /// Strings without quotes and escapes; other values as JSON.
    Raw,
    /// Columns below their names.
    Table,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// Tab-separated values, escaped as jq's `@tsv` does it.
    Tsv,
}

/// What the output is to look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether to use colours.
    pub color: bool,
    /// How wide a line may be; the rest of it is cut.
    pub columns: Option<usize>,
    /// How many lines the screen has: the names of columns come again once in so many.
    pub lines: Option<usize>,
    /// Whether a person's terminal shows it, which must not obey what records contain.
    pub terminal: bool,
}

/// Where a record stands in a topic.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// When it was appended, in microseconds of Unix time.
    pub time_us: i64,
}

/// Why a layout cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// One of the fields is no expression.
    #[error(transparent)]
    Field(#[from] ExprError),
    /// The template is malformed.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Lays records out, one after the other.
pub struct Layout {
    shape: Shape,
    look: Look,
    /// Whether the places of records are shown, where the shape has no other way to ask for them.
    origins: bool,
}

enum Shape {
    Json,
    Pretty,
    Raw,
    Table(Cells, Table),
    Delimited(Delimited),
    Template(Template),
}

impl Layout {
    /// A layout of whole records, or of these fields of theirs: jq expressions with commas between
    /// them. With `origins`, also of where each record stands.
    ///
    /// # Errors
    /// When a field is no expression.
    pub fn new(
        format: Format,
        fields: Option<&str>,
        look: Look,
        origins: bool,
    ) -> Result<Layout, LayoutError> {
        let cells = || fields.map(|fields| Cells::new(fields, origins)).transpose();
        let shape = match format {
            Format::Json => Shape::Json,
            Format::Pretty => Shape::Pretty,
            Format::Raw => Shape::Raw,
            Format::Table => {
                let cells = cells()?.unwrap_or_default();
                let names = cells.names().iter().map(String::as_str);
                let table = Table::new(names, WIDEST);
                Shape::Table(cells, table)
            }
            Format::Csv => Shape::Delimited(Delimited::new(b',', cells()?, look.terminal)),
            Format::Tsv => Shape::Delimited(Delimited::new(b'\t', cells()?, look.terminal)),
        };
        Ok(Layout { shape, look, origins })
    }

    /// A layout of a line for each record: `text`, with values in the places that it has for them.
    ///
    /// # Errors
    /// When it is malformed, or one of its expressions is.
    pub fn template(text: &str, look: Look) -> Result<Layout, LayoutError> {
        Ok(Layout { shape: Shape::Template(Template::new(text)?), look, origins: false })
    }

    /// The terminal has another size now.
    pub fn resize(&mut self, columns: usize, lines: usize) {
        self.look.columns = self.look.columns.map(|_| columns);
        self.look.lines = self.look.lines.map(|_| lines);
    }

    /// Whether it says by itself where a record stands, if that is wanted: not JSON in a pipe,
    /// which is to stay JSON.
    pub fn shows_origins(&self) -> bool {
        match &self.shape {
            Shape::Json | Shape::Pretty | Shape::Raw => self.look.terminal,
            // The columns are then those of an object that has the record in it.
            Shape::Delimited(delimited) => delimited.has_cells(),
            Shape::Table(..) | Shape::Template(_) => true,
        }
    }

    /// Whether records are given as they are.
    pub fn is_plain(&self) -> bool {
        matches!(self.shape, Shape::Json) && self.look == Look::default()
    }

    /// Appends what comes before the first record, if `record` is that.
    pub fn begin(&mut self, record: &[u8], out: &mut Vec<u8>) {
        if let Shape::Delimited(delimited) = &mut self.shape {
            delimited.begin(record, out);
        }
    }

    /// Appends what is shown of a record, which is one line of JSON without its LF. A table shows
    /// it with the others that came until [`Layout::flush`].
    ///
    /// # Errors
    /// When it does not fit into this layout; nothing of it is then appended.
    pub fn record(
        &mut self,
        record: &[u8],
        origin: Option<&Origin<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        let shown = self.origins && self.shows_origins();
        let origin = origin.filter(|_| shown || matches!(self.shape, Shape::Template(_)));
        let look = self.look;
        match &mut self.shape {
            Shape::Json => {
                let mut screen = Screen::new(out, look);
                origin.iter().for_each(|origin| origin.show(&mut screen));
                json::on_one_line(record, &mut screen);
                screen.end_line();
            }
            Shape::Pretty => {
                let mut screen = Screen::new(out, Look { columns: None, ..look });
                if let Some(origin) = origin {
                    origin.show(&mut screen);
                    screen.end_line();
                }
                json::pretty(record, &mut screen);
                screen.end_line();
            }
            Shape::Raw => {
                let mut screen = Screen::new(out, look);
                origin.iter().for_each(|origin| origin.show(&mut screen));
                json::raw(record, &mut screen);
                screen.end_line();
            }
            Shape::Table(cells, table) => table.push(cells.of(record, origin).to_vec()),
            Shape::Delimited(delimited) => delimited.record(record, origin, out)?,
            Shape::Template(template) => {
                let mut screen = Screen::new(out, Look { color: false, columns: None, ..look });
                template.record(record, origin, &mut screen);
                screen.end_line();
            }
        }
        Ok(())
    }

    /// Appends what is left to show of the records so far: to be called when no more have come yet.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if let Shape::Table(_, table) = &mut self.shape {
            table.show(self.look, out);
        }
    }
}

/// How wide columns of fields become.
const WIDEST: Widest = Widest { inner: 40, last: usize::MAX };

impl Origin<'_> {
    /// `clicks/0@17 2026-11-28T10:00:00.123Z `, before a record.
    fn show(&self, screen: &mut Screen<'_>) {
        let Origin { topic, partition, offset, time_us } = self;
        let time = show_ms(time_us.div_euclid(1_000));
        screen.put(screen::Role::name(topic), topic);
        screen.put(screen::Role::Aside, &format!("/{partition}@{offset} {time} "));
    }

    /// When it was appended, as RFC 3339 has it.
    fn time(&self) -> String {
        show_us(self.time_us)
    }
}

/// What a value of an expression that failed shows: nothing, as where there is no such field.
fn or_null<T: Default>(value: Result<T, RecordError>) -> T {
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests;

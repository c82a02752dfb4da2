//! The values of a record's fields, a cell each.

use super::json::text_of;
use super::{Origin, or_null};
use crate::expr::{ExprError, Program, Value, outermost};
use crate::layout::screen::Role;
use crate::record::members::members;

/// Which fields are shown, under which names.
#[derive(Default)]
pub struct Cells {
    names: Vec<String>,
    program: Option<Program>,
    /// Whether the first cells say where the record stands.
    origins: bool,
    cells: Vec<Cell>,
}

/// A value in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The value: strings decoded, others as JSON; none for null.
    pub text: Option<String>,
    /// What it is.
    pub role: Role,
}

impl Cells {
    /// The cells of these fields: jq expressions with commas between them.
    ///
    /// # Errors
    /// When one of them is no expression.
    pub fn new(fields: &str, origins: bool) -> Result<Cells, ExprError> {
        let fields = outermost::list(fields);
        let program = Some(Program::compile(&fields)?);
        let place = ["topic", "partition", "offset", "time"].into_iter().filter(|_| origins);
        let name = |field: &&str| field.strip_prefix('.').unwrap_or(field).to_owned();
        let names = place.map(str::to_owned).chain(fields.iter().map(name)).collect();
        Ok(Cells { names, program, origins, cells: Vec::new() })
    }

    /// The names of the cells.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of a record.
    pub fn of(&mut self, record: &[u8], origin: Option<&Origin<'_>>) -> &[Cell] {
        self.cells.clear();
        if let (Some(origin), true) = (origin, self.origins) {
            let place = [origin.partition.to_string(), origin.offset.to_string(), origin.time()];
            self.cells.push(Cell::new(Role::name(origin.topic), origin.topic));
            self.cells.extend(place.iter().map(|text| Cell::new(Role::Aside, text)));
        }
        let count = self.names.len() - self.cells.len();
        let loaded = self.program.as_mut().map(|program| program.load(record));
        let Some(Ok(mut loaded)) = loaded else {
            self.cells.resize(self.names.len(), Cell::default());
            return &self.cells;
        };
        self.cells.extend((0..count).map(|at| Cell::of(&or_null(loaded.value(at)))));
        &self.cells
    }
}

impl Default for Cell {
    fn default() -> Cell {
        Cell { text: None, role: Role::Aside }
    }
}

impl Cell {
    /// A JSON value as people read it: a text without its quotes, anything else as it is spelled.
    pub fn of_json(value: &[u8]) -> Cell {
        let as_it_is = || String::from_utf8_lossy(value).into_owned();
        let role = match value.first() {
            None | Some(b'n') => return Cell::default(),
            Some(b'-' | b'0'..=b'9') => Role::Number,
            Some(b't' | b'f') => Role::Bool,
            Some(b'"') => {
                let text = text_of(value).unwrap_or_else(as_it_is);
                return Cell { text: Some(text), role: Role::Text };
            }
            Some(_) => Role::Plain,
        };
        Cell { text: Some(as_it_is()), role }
    }

    /// The same, with no more decimals of a number than people look at.
    #[must_use]
    pub fn rounded(mut self) -> Cell {
        if let (Role::Number, Some(text)) = (self.role, &self.text) {
            self.text = Some(rounded(text));
        }
        self
    }

    /// What is shown of it.
    pub fn shown(&self) -> &str {
        self.text.as_deref().unwrap_or("-")
    }

    /// A text in this role.
    pub fn new(role: Role, text: &str) -> Cell {
        Cell { text: Some(text.to_owned()), role }
    }

    fn of(value: &Value<'_>) -> Cell {
        match value {
            Value::Null => Cell::default(),
            Value::Bool(bool) => Cell::new(Role::Bool, if *bool { "true" } else { "false" }),
            Value::Number(text) => Cell::new(Role::Number, text),
            Value::Text(text) => Cell::new(Role::Text, text),
            Value::Json(text) => Cell::new(Role::Plain, text),
        }
    }
}

/// The names of the fields of an object, and their values as JSON.
pub fn fields(object: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    members(object).map(|member| {
        // The value stands after the key, its two quotes and the colon.
        let (key, rest) = member.bytes.split_at_checked(member.key.len() + 2).unwrap_or_default();
        let value = rest.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
        (text_of(key).unwrap_or_default(), value.trim_ascii())
    })
}

/// The most decimals of a rounded number.
const DECIMALS_MAX: usize = 3;

/// Numbers below keep all decimals.
const SMALL: f64 = 0.01;

/// A number with few decimals, unless it is too small for that.
fn rounded(number: &str) -> String {
    let decimals = match number.split_once('.') {
        Some((_, decimals)) if decimals.bytes().all(|byte| byte.is_ascii_digit()) => decimals.len(),
        _ => 0,
    };
    match number.parse::<f64>() {
        Ok(value) if decimals > DECIMALS_MAX && value.abs() >= SMALL => {
            format!("{value:.DECIMALS_MAX$}")
        }
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_few_decimals() {
        for (number, text) in [
            ("24.228879418400602", "24.229"),
            ("-0.30000000000000004", "-0.300"),
            ("0.001234567", "0.001234567"),
            ("1.25", "1.25"),
            ("1234567890123456789", "1234567890123456789"),
            ("1.23456e-7", "1.23456e-7"),
        ] {
            assert_eq!(Cell::of_json(number.as_bytes()).rounded().shown(), text);
        }
    }
}

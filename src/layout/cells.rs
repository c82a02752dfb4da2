//! The values of a record's fields, a cell each.

use super::{Origin, or_null};
use crate::expr::{ExprError, Program, Value, outermost};
use crate::layout::screen::Role;

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
    fn new(role: Role, text: &str) -> Cell {
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

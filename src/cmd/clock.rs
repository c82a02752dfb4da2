//! The event time of a record, as `--time` and `--time-unit` say.

use crate::expr::{Program, Value};
use crate::time::event_time::{EventTimeError, TimeUnit, from_number, from_text};

/// The event time, in milliseconds, of the record that was loaded: what expression `index` gives.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn event_time(
    program: &mut Program,
    index: usize,
    unit: Option<TimeUnit>,
) -> Result<i64, String> {
    let time = match program.value(index) {
        Ok(Value::Text(text)) => from_text(text),
        Ok(Value::Number(number)) => from_number(number, unit),
        Ok(Value::Null) => Err(EventTimeError::Missing),
        Ok(other) => Err(EventTimeError::Kind(other.kind())),
        Err(error) => return Err(fault(program, index, &error)),
    };
    time.map_err(|error| fault(program, index, &error))
}

fn fault(program: &Program, index: usize, error: &dyn std::error::Error) -> String {
    format!("--time '{}': {error}", program.source(index))
}

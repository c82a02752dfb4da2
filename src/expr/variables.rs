//! Values that the user gives names to, for expressions to use as `$name`.

use crate::record::json;
use crate::record::text::write_string;

/// Named values, in the order in which they were given; of those with one name the first counts,
/// as in jq.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Names with their `$`, and values as JSON.
    given: Vec<(String, String)>,
    /// The names of those whose values are set later, and again.
    changing: Vec<String>,
}

/// Why a variable cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// Not a name.
    #[error("'{0}' is not a name: letters, digits and '_', not beginning with a digit")]
    Name(String),
    /// Not a value.
    #[error("the value of {0} is {1}")]
    Value(String, json::JsonError),
}

impl Variables {
    /// Adds a text.
    ///
    /// # Errors
    /// When `name` cannot be a variable's.
    pub fn add_text(&mut self, name: &str, text: &str) -> Result<(), VariableError> {
        let mut json = Vec::new();
        write_string(text, &mut json);
        self.add(name, String::from_utf8_lossy(&json).into_owned())
    }

    /// Adds a value, given as JSON.
    ///
    /// # Errors
    /// When `name` cannot be a variable's, or `value` is not valid JSON.
    pub fn add_json(&mut self, name: &str, value: &str) -> Result<(), VariableError> {
        json::validate(value.as_bytes())
            .map_err(|error| VariableError::Value(name.to_owned(), error))?;
        self.add(name, value.to_owned())
    }

    /// Adds one whose value is set record by record, by [`Program::set_text`] and
    /// [`Program::set_number`]; until then it is null.
    ///
    /// [`Program::set_text`]: super::Program::set_text
    /// [`Program::set_number`]: super::Program::set_number
    ///
    /// # Errors
    /// When `name` cannot be a variable's.
    pub fn add_changing(&mut self, name: &str) -> Result<(), VariableError> {
        self.add(name, "null".to_owned())?;
        self.changing.push(format!("${name}"));
        Ok(())
    }

    /// Whether the variable of this name, with its `$`, is one whose value is set later.
    pub fn is_changing(&self, name: &str) -> bool {
        self.changing.iter().any(|changing| changing == name)
    }

    /// All names, each with its `$`, and their values as JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn add(&mut self, name: &str, json: String) -> Result<(), VariableError> {
        let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        let begins = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !begins || !name.bytes().all(is_part) {
            return Err(VariableError::Name(name.to_owned()));
        }
        let name = format!("${name}");
        if self.given.iter().all(|(other, _)| *other != name) {
            self.given.push((name, json));
        }
        Ok(())
    }
}

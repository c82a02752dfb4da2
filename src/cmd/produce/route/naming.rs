//! Which topic a record goes to, by its value.

use crate::cli::pump::StageError;
use crate::expr::Program;
use crate::log::settings::check_name;

/// Names the topic of each record.
pub(in crate::cmd::produce) struct Naming {
    by: Program,
    /// Where records go that name none.
    default: Option<String>,
    /// The topic of the record in hand.
    name: String,
}

impl Naming {
    /// By an expression.
    pub fn new(by: Program, default: Option<String>) -> Naming {
        Naming { by, default, name: String::new() }
    }

    /// The topic of the record that was looked at last.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Finds the topic of a record.
    ///
    /// # Errors
    /// When it names none, and there is no other one for such records.
    pub fn find(&mut self, record: &[u8]) -> Result<(), StageError> {
        self.name.clear();
        let mut loaded = self.by.load(record).map_err(StageError::bad)?;
        let why = match loaded.plain_string(0).and_then(|text| std::str::from_utf8(text).ok()) {
            Some(text) => {
                self.name.push_str(text.trim_matches('"'));
                check_name(&self.name).err().map(|error| error.to_string())
            }
            None => {
                let value = loaded.value(0);
                let value =
                    value.map_err(|error| StageError::Bad(format!("--topic-by: {error}")))?;
                let mut text = Vec::new();
                value.write_json(&mut text);
                match serde_json::from_slice::<String>(&text) {
                    Ok(name) => {
                        self.name = name;
                        check_name(&self.name).err().map(|error| error.to_string())
                    }
                    Err(_) => Some(format!("{} is not the name of a topic", value.kind())),
                }
            }
        };
        match (why, &self.default) {
            (None, _) => Ok(()),
            (Some(_), Some(default)) => {
                self.name.clone_from(default);
                Ok(())
            }
            (Some(why), None) => Err(StageError::Bad(format!(
                "--topic-by: {why}; --topic-default takes such records"
            ))),
        }
    }
}

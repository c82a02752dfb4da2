//! Groups that are listed: an object each, with the fields that their results have.

use super::spec::GroupSpec;
use crate::aggregate::output::emit::KEY_SEPARATOR;
use crate::expr::{ExprError, Program, RecordError};
use crate::record::text::write_string;

/// Reads groups that are listed.
pub struct ListedGroups {
    /// The field of each group expression; after them, whether the record has it.
    program: Program,
    names: Vec<String>,
}

/// Why an object lists no group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListedError {
    /// It is not valid.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It is none.
    #[error("not an object; a group is an object with the fields of --by")]
    NotAnObject,
    /// A field of the group is missing.
    #[error("it has no field '{0}', which --by gives to results")]
    NoField(String),
}

impl ListedGroups {
    /// For results that are grouped so.
    ///
    /// # Errors
    /// When a field has no expression, which never happens.
    pub fn new(groups: &[GroupSpec]) -> Result<ListedGroups, ExprError> {
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        let quoted = names.iter().map(|name| {
            let mut quoted = Vec::new();
            write_string(name, &mut quoted);
            String::from_utf8_lossy(&quoted).into_owned()
        });
        let quoted: Vec<String> = quoted.collect();
        let values = quoted.iter().map(|name| format!(".{name}"));
        let expressions = values.chain(quoted.iter().map(|name| format!("has({name})")));
        let expressions: Vec<String> = expressions.collect();
        let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
        Ok(ListedGroups { program: Program::compile(&expressions)?, names })
    }

    /// The key of the group that is listed by `line`.
    ///
    /// # Errors
    /// When it lists none.
    pub fn key(&mut self, line: &[u8]) -> Result<Vec<u8>, ListedError> {
        let ListedGroups { program, names } = self;
        let mut record = program.load(line)?;
        if !record.is_object() {
            return Err(ListedError::NotAnObject);
        }
        let mut key = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !record.truth(names.len() + at)? {
                return Err(ListedError::NoField(name.clone()));
            }
            if at > 0 {
                key.push(KEY_SEPARATOR);
            }
            match record.plain_string(at) {
                Some(string) => key.extend_from_slice(string),
                None => record.value(at)?.write_identity(&mut key),
            }
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_group_has_the_key_of_its_records() {
        let groups = ["day=.at[:10]", ".n"].map(|text| GroupSpec::parse(text).unwrap());
        let mut listed = ListedGroups::new(&groups).unwrap();
        let key = |listed: &mut ListedGroups, line: &str| {
            listed.key(line.as_bytes()).map(|key| String::from_utf8(key).unwrap())
        };
        assert_eq!(key(&mut listed, "{\"n\":1.0,\"day\":\"a\",\"x\":2}").unwrap(), "\"a\"\n1");
        assert_eq!(key(&mut listed, "{\"n\":null,\"day\":{}}").unwrap(), "{}\nnull");
        let missing = Err(ListedError::NoField("n".to_owned()));
        assert_eq!(key(&mut listed, "{\"day\":\"a\"}"), missing);
        assert_eq!(key(&mut listed, "[1]"), Err(ListedError::NotAnObject));
        assert!(matches!(key(&mut listed, "{"), Err(ListedError::Record(_))));
    }
}

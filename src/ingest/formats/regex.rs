//! `regex`: the named groups of a regular expression become fields.

use regex_automata::PatternID;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::captures::Captures;

use super::by_line::Parse;
use super::object::Object;
use super::types::{Type, Values};
use crate::record::text::excerpt;

/// A regular expression with named groups.
#[derive(Clone, Debug)]
pub struct Groups {
    regex: Regex,
    /// The index of each named group, and its name.
    named: Vec<(usize, String)>,
}

/// Why a text is no expression that makes records.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// It is no regular expression.
    #[error("{0}")]
    Regex(String),
    /// No group has a name.
    #[error("no group has a name; name those that become fields: (?<host>\\S+)")]
    NoNames,
}

/// Compiles a regular expression.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn compile(expression: &str) -> Result<Regex, String> {
    Regex::new(expression).map_err(|error| why(&error))
}

fn why(error: &BuildError) -> String {
    // The parser draws where the fault is, over several lines; the last one says what it is.
    let text = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl Groups {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is none, or names nothing.
    pub fn new(expression: &str) -> Result<Groups, GroupsError> {
        let regex = compile(expression).map_err(GroupsError::Regex)?;
        let names = regex.group_info().pattern_names(PatternID::ZERO).enumerate();
        let named: Vec<(usize, String)> =
            names.filter_map(|(index, name)| Some((index, name?.to_owned()))).collect();
        if named.is_empty() { Err(GroupsError::NoNames) } else { Ok(Groups { regex, named }) }
    }

    /// The names of the fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(_, name)| name.as_str())
    }
}

/// Makes a record of what the named groups match.
pub(super) struct ByRegex {
    groups: Groups,
    types: Vec<Type>,
    values: Values,
    captures: Captures,
}

impl ByRegex {
    /// Texts become what `values` says.
    pub fn new(groups: Groups, values: Values) -> ByRegex {
        let types = groups.names().map(|name| values.types.of(name)).collect();
        let captures = groups.regex.create_captures();
        ByRegex { groups, types, values, captures }
    }
}

impl Parse for ByRegex {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        let ByRegex { groups, types, values, captures } = self;
        groups.regex.captures(line, captures);
        if !captures.is_match() {
            return Err("the regular expression does not match".to_owned());
        }
        let mut object = Object::new(record);
        for ((index, name), of) in groups.named.iter().zip(types) {
            let out = object.named(name);
            match captures.get_group(*index).and_then(|span| line.get(span.range())) {
                Some(text) => values
                    .write(*of, text, false, out)
                    .map_err(|error| format!("{}: {error}", excerpt(name)))?,
                None => out.extend_from_slice(b"null"),
            }
        }
        object.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(expression: &str, line: &str) -> Result<String, String> {
        let groups = Groups::new(expression).map_err(|error| error.to_string())?;
        let mut record = Vec::new();
        ByRegex::new(groups, Values::default()).parse(line, &mut record)?;
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn named_groups_are_fields() {
        let expression = r"^\[(?<at>[^\]]+)\] (?P<level>\w+)( n=(?<n>\d+))? (.*)$";
        let record = r#"{"at":"x y","level":"INFO","n":7}"#;
        assert_eq!(parse(expression, "[x y] INFO n=7 z"), Ok(record.to_owned()));
        assert_eq!(
            parse(expression, "[x] I z"),
            Ok(r#"{"at":"x","level":"I","n":null}"#.to_owned())
        );
        let told = parse(expression, "x").unwrap_err();
        assert_eq!(told, "the regular expression does not match");
    }

    #[test]
    fn expressions_that_make_no_record_are_refused() {
        assert!(parse("(a)", "a").unwrap_err().starts_with("no group has a name"));
        assert_eq!(parse("(?<a>", "a").unwrap_err(), "unclosed group");
        assert!(!parse("(?<a>\\pX)", "a").unwrap_err().contains('\n'));
    }
}

//! What the texts of an input become: numbers, booleans, null, or strings.
//!
//! A text that the input does not put in quotes becomes a number, a boolean or null where that
//! loses nothing: it must be written as JSON writes it, and a number keeps its digits. So `42` is a
//! number, but `007` and `+1` are strings, as is what stands in quotes. For a field that has a type
//! of its own, that type decides.

use std::str::FromStr;

use super::escapes::{NULL, is_escaped, undone};
use crate::record::text::{excerpt, is_number, write_string};

/// What a field's texts become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// What they are written as.
    #[default]
    Auto,
    /// Strings, but for null.
    Text,
    /// Numbers, also those that JSON writes otherwise: `007`, `+1`, `.5`.
    Number,
    /// Booleans, in upper or lower case.
    Bool,
    /// Strings, all of them.
    AllText,
}

/// The types of an input's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// The type of those that are not named.
    others: Type,
    named: Vec<(String, Type)>,
}

/// Why a text does not say types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a type; write auto, all-text, or NAME:TYPE,… with the types text, number, bool \
     and auto"
)]
pub struct NoTypes(String);

impl FromStr for Types {
    type Err = NoTypes;

    fn from_str(text: &str) -> Result<Types, NoTypes> {
        let mut types = Types::default();
        for part in text.split(',') {
            match part {
                "auto" => types.others = Type::Auto,
                "all-text" => types.others = Type::AllText,
                _ => types.named.push(named(part).ok_or_else(|| NoTypes(part.to_owned()))?),
            }
        }
        Ok(types)
    }
}

fn named(text: &str) -> Option<(String, Type)> {
    let (name, of) = text.rsplit_once(':')?;
    let of = match of {
        "auto" => Type::Auto,
        "text" => Type::Text,
        "number" => Type::Number,
        "bool" => Type::Bool,
        _ => return None,
    };
    Some((name.to_owned(), of))
}

impl Types {
    /// All fields are strings.
    pub fn all_text() -> Types {
        Types { others: Type::AllText, named: Vec::new() }
    }

    /// The type of the field of this name.
    pub fn of(&self, name: &str) -> Type {
        let own = self.named.iter().find(|(named, _)| named == name);
        own.map_or(self.others, |(_, of)| *of)
    }

    /// The first name that has a type and is not one of these; for those who know all names.
    pub fn stranger(&self, mut is_known: impl FnMut(&str) -> bool) -> Option<&str> {
        self.named.iter().map(|(name, _)| name.as_str()).find(|name| !is_known(name))
    }
}

/// The values of an input: their types, and which texts mean null.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The types.
    pub types: Types,
    /// The texts that mean null, unless they stand in quotes.
    pub nulls: Vec<String>,
    /// Whether texts that are not in quotes are written with backslashes, and `\N` is null.
    pub escapes: bool,
}

impl Values {
    /// Writes a text as a value of this type.
    ///
    /// # Errors
    /// When it is none of that type.
    pub fn write(
        &self,
        of: Type,
        text: &str,
        quoted: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), NotOfType> {
        let may_be_null = !quoted && of != Type::AllText;
        if self.escapes && !quoted && is_escaped(text.as_bytes()) {
            return match may_be_null && text == NULL {
                true => {
                    out.extend_from_slice(b"null");
                    Ok(())
                }
                // As in quotes, it is no number.
                false => write_as(of, &undone(text), true, out),
            };
        }
        if may_be_null && self.nulls.iter().any(|null| null == text) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        write_as(of, text, quoted, out)
    }
}

/// Writes a text that is not null.
fn write_as(of: Type, text: &str, quoted: bool, out: &mut Vec<u8>) -> Result<(), NotOfType> {
    match of {
        Type::Auto if !quoted && is_bare_value(text) => out.extend_from_slice(text.as_bytes()),
        Type::Auto | Type::Text | Type::AllText => write_string(text, out),
        Type::Number => write_number(text, out).ok_or_else(|| NotOfType::new("number", text))?,
        Type::Bool => {
            let known = ["true", "false"].into_iter();
            let mut found = known.filter(|known| known.eq_ignore_ascii_case(text));
            let found = found.next().ok_or_else(|| NotOfType::new("boolean", text))?;
            out.extend_from_slice(found.as_bytes());
        }
    }
    Ok(())
}

/// A text that does not have the type of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is not a {of}")]
pub struct NotOfType {
    of: &'static str,
    text: String,
}

impl NotOfType {
    fn new(of: &'static str, text: &str) -> NotOfType {
        NotOfType { of, text: excerpt(text) }
    }
}

fn is_bare_value(text: &str) -> bool {
    matches!(text, "true" | "false") || is_number(text.as_bytes())
}

/// Writes a decimal number as JSON writes it.
fn write_number(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = text.trim();
    if is_number(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return Some(());
    }
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, rest) = digits.split_at(digits.bytes().take_while(u8::is_ascii_digit).count());
    let whole = whole.trim_start_matches('0');
    let (point, behind) = match rest.strip_prefix('.') {
        Some(behind) => (".", behind),
        None => ("", rest),
    };
    // A point needs a digit on one side at least, and in JSON on both.
    let has_fraction = behind.starts_with(|c: char| c.is_ascii_digit());
    if digits.len() == rest.len() && !has_fraction {
        return None;
    }
    let zero = if whole.is_empty() { "0" } else { "" };
    let point = if has_fraction { point } else { "" };
    let number = [minus, zero, whole, point, behind].concat();
    is_number(number.as_bytes()).then(|| out.extend_from_slice(number.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(of: Type, text: &str, quoted: bool) -> String {
        let values = Values { nulls: vec!["NA".to_owned()], ..Values::default() };
        let mut out = Vec::new();
        match values.write(of, text, quoted, &mut out) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn a_text_is_a_value_where_that_loses_nothing() {
        for (text, bare) in [
            ("42", "42"),
            ("1.50", "1.50"),
            ("1e3", "1e3"),
            ("true", "true"),
            ("NA", "null"),
            ("007", "\"007\""),
            ("+1", "\"+1\""),
            ("True", "\"True\""),
            ("", "\"\""),
        ] {
            assert_eq!(written(Type::Auto, text, false), bare);
            assert_eq!(written(Type::Auto, text, true), format!("\"{text}\""));
            assert_eq!(written(Type::AllText, text, false), format!("\"{text}\""));
        }
        assert_eq!(written(Type::Text, "NA", false), "null");
        assert_eq!(written(Type::Text, "1", false), "\"1\"");
    }

    #[test]
    fn a_type_reads_more_and_refuses_the_rest() {
        for (text, number) in [
            ("007", "7"),
            ("+1", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("-00", "-0"),
            ("1.", "1"),
            ("01.50e3", "1.50e3"),
            (" 1 ", "1"),
            ("NA", "null"),
        ] {
            assert_eq!(written(Type::Number, text, false), number, "{text}");
        }
        for text in ["", ".", "x", "1x", "+", "-", "1,5", "0x1", "+.e1", "1 2"] {
            let why = format!("! \"{text}\" is not a number");
            assert_eq!(written(Type::Number, text, false), why);
        }
        assert_eq!(written(Type::Bool, "TRUE", true), "true");
        assert_eq!(written(Type::Bool, "1", false), "! \"1\" is not a boolean");
    }

    #[test]
    fn types_are_read() {
        let types: Types = "all-text,a:number,b:c:bool".parse().unwrap();
        assert_eq!(types.of("a"), Type::Number);
        assert_eq!(types.of("b:c"), Type::Bool);
        assert_eq!(types.of("d"), Type::AllText);
        assert_eq!(types.stranger(|name| name == "a"), Some("b:c"));
        for bad in ["", "text", "a:int", "a:number,", "a"] {
            assert!(bad.parse::<Types>().is_err(), "{bad}");
        }
    }
}

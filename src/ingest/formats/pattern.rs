//! `pattern`: the simple form of `regex`. A `*` takes all up to the text that follows it.

use memchr::memmem::Finder;

use super::by_line::Parse;
use super::object::Object;
use super::types::{Type, Values};
use crate::record::reserved::{Reserved, is_reserved_key};
use crate::record::text::excerpt;

/// What lines look like, with a name for each part that differs.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What a line begins with.
    start: String,
    parts: Vec<Part>,
}

/// A part that differs, and the text that follows it; none for the last part, which takes the
/// rest.
#[derive(Clone, Debug)]
struct Part {
    /// The field; none if it is left out.
    name: Option<String>,
    then: String,
    find: Finder<'static>,
}

/// Why texts are no pattern and its names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing in it differs.
    #[error("no * in the pattern; write * for each part that becomes a field")]
    NoStar,
    /// It is not clear where the first of two parts ends.
    #[error("two * with nothing between them")]
    Adjacent,
    /// Names and parts are not as many.
    #[error("{stars} * and {names} names; give a name for each *, or _ for one that is left out")]
    Count {
        /// How many parts there are.
        stars: usize,
        /// How many names.
        names: usize,
    },
    /// A name stands twice, or is empty.
    #[error("the name {0} is empty, or given twice")]
    Name(String),
    /// No record may begin with this.
    #[error(transparent)]
    Reserved(#[from] Reserved),
}

impl Pattern {
    /// Reads a pattern, in which `\*` is a star, and the names of its parts, with commas between
    /// them.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn new(pattern: &str, names: &str) -> Result<Pattern, PatternError> {
        let mut texts = vec![String::new()];
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = c == '\\' && matches!(chars.peek(), Some('*' | '\\'));
            match (c, texts.last_mut()) {
                ('*', _) => texts.push(String::new()),
                (c, Some(text)) => text.extend(if escaped { chars.next() } else { Some(c) }),
                (_, None) => {}
            }
        }
        let start = texts.remove(0);
        let names: Vec<&str> = names.split(',').collect();
        let (stars, last) = (texts.len(), texts.len().checked_sub(1));
        let last = last.ok_or(PatternError::NoStar)?;
        if names.len() != stars {
            return Err(PatternError::Count { stars, names: names.len() });
        }
        if texts.iter().take(last).any(String::is_empty) {
            return Err(PatternError::Adjacent);
        }
        for (index, name) in names.iter().enumerate().filter(|(_, name)| **name != "_") {
            if name.is_empty() || names.iter().take(index).any(|before| before == name) {
                return Err(PatternError::Name(excerpt(name)));
            }
        }
        if names.iter().find(|name| **name != "_").is_some_and(|first| is_reserved_key(first)) {
            return Err(Reserved.into());
        }
        let part = |(name, then): (&str, String)| Part {
            name: (name != "_").then(|| name.to_owned()),
            find: Finder::new(then.as_bytes()).into_owned(),
            then,
        };
        Ok(Pattern { start, parts: names.into_iter().zip(texts).map(part).collect() })
    }

    /// The names of the fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| part.name.as_deref())
    }
}

/// Makes a record of the parts of a line.
pub(super) struct ByPattern {
    pattern: Pattern,
    types: Vec<Type>,
    values: Values,
}

impl ByPattern {
    /// Texts become what `values` says.
    pub fn new(pattern: Pattern, values: Values) -> ByPattern {
        let of = |part: &Part| values.types.of(part.name.as_deref().unwrap_or_default());
        let types = pattern.parts.iter().map(of).collect();
        ByPattern { pattern, types, values }
    }
}

impl Parse for ByPattern {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        let Pattern { start, parts } = &self.pattern;
        let not_there = |text: &str| format!("{} of the pattern is missing", excerpt(text));
        let mut rest = line.strip_prefix(start).ok_or_else(|| not_there(start))?;
        let mut object = Object::new(record);
        let last = parts.len().saturating_sub(1);
        for (index, (part, of)) in parts.iter().zip(&self.types).enumerate() {
            let found = match index == last {
                // Nothing may follow the last text, so it is the end of the line that counts.
                true => rest.strip_suffix(&part.then).map(|text| (text, "")),
                false => part
                    .find
                    .find(rest.as_bytes())
                    .and_then(|at| Some((rest.get(..at)?, rest.get(at + part.then.len()..)?))),
            };
            let (text, behind) = found.ok_or_else(|| not_there(&part.then))?;
            if let Some(name) = &part.name {
                let written = self.values.write(*of, text, false, object.named(name));
                written.map_err(|error| format!("{}: {error}", excerpt(name)))?;
            }
            rest = behind;
        }
        object.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str, names: &str, line: &str) -> Result<String, String> {
        let pattern = Pattern::new(pattern, names).map_err(|error| error.to_string())?;
        let mut record = Vec::new();
        ByPattern::new(pattern, Values::default()).parse(line, &mut record)?;
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn a_star_takes_up_to_the_next_text() {
        let parse = |line| parse("* [*] *", "a,b,c", line);
        assert_eq!(parse("x y [1] z [2] "), Ok(r#"{"a":"x y","b":1,"c":"z [2] "}"#.to_owned()));
        assert_eq!(parse(" [] "), Ok(r#"{"a":"","b":"","c":""}"#.to_owned()));
        assert_eq!(parse("x [1]").unwrap_err(), "\"] \" of the pattern is missing");
        assert_eq!(parse("x").unwrap_err(), "\" [\" of the pattern is missing");
    }

    #[test]
    fn all_of_the_line_counts() {
        assert_eq!(parse("<*>", "a", "<1>"), Ok(r#"{"a":1}"#.to_owned()));
        assert!(parse("<*>", "a", "x<1>").is_err() && parse("<*>", "a", "<1> ").is_err());
        assert_eq!(parse(r"\**\\*", "a,_", r"*1\2"), Ok(r#"{"a":1}"#.to_owned()));
    }

    #[test]
    fn patterns_and_names_that_do_not_fit_are_refused() {
        for (pattern, names, why) in [
            ("a", "a", "no * in the pattern"),
            ("**", "a,b", "two * with nothing between them"),
            ("* *", "a", "2 * and 1 names"),
            ("* *", "a,a", "the name \"a\" is empty, or given twice"),
            ("*", "", "the name \"\" is empty"),
            ("* *", "_,@millstream", "the first key is"),
        ] {
            let told = parse(pattern, names, "").unwrap_err();
            assert!(told.starts_with(why), "{pattern}: {told}");
        }
    }
}

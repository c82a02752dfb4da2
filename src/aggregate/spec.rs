//! What the user writes: `count`, `avg(.ms)`, `worst=max(.ms)`, `--by .host`, `--by day=.at[:10]`.

use super::function::{Argument, FUNCTIONS, Function};
use crate::expr::path_name;

/// An aggregate to compute.
#[derive(Clone, Debug)]
pub struct AggregateSpec {
    /// The field that its result gets.
    pub name: String,
    /// The function.
    pub function: &'static Function,
    /// The jq expression for what it reduces; none if it takes the records as such.
    pub argument: Option<String>,
    /// As the user wrote it.
    pub text: String,
}

/// What to group by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// The field that the group's value gets.
    pub name: String,
    /// The jq expression for it.
    pub expression: String,
    /// As the user wrote it.
    pub text: String,
}

/// Why a text is not an aggregate, or not something to group by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no function of this name.
    #[error("'{text}': there is no aggregate '{name}'; {}", hint(.name))]
    Unknown {
        /// The whole text.
        text: String,
        /// The name in it.
        name: String,
    },
    /// The function needs an argument.
    #[error("'{text}': {function} needs an expression; write it like {function}(.field)")]
    NoArgument {
        /// The whole text.
        text: String,
        /// The function.
        function: &'static str,
    },
    /// The closing parenthesis is missing, or something follows it.
    #[error("'{0}': an aggregate ends with the closing parenthesis of its expression")]
    Unclosed(String),
    /// Only a simple path names its result.
    #[error("'{0}' needs a name for its result; write it like NAME={0}")]
    NoName(String),
    /// A name that would not stand well as a field.
    #[error("'{text}': '{name}' is not a name; a name has letters, digits, _ and -")]
    BadName {
        /// The whole text.
        text: String,
        /// The name in it.
        name: String,
    },
}

/// What to do about an unknown function.
fn hint(name: &str) -> String {
    match Function::nearest(name) {
        Some(function) => format!("did you mean {}?", function.name),
        None => {
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            format!("the aggregates are {}", names.join(", "))
        }
    }
}

impl AggregateSpec {
    /// Reads `[name=]function[(expression)]`. None if the text has not even that shape, so that it
    /// may be the name of a file.
    ///
    /// # Errors
    /// When it has that shape, but is not an aggregate.
    pub fn parse(text: &str) -> Result<Option<AggregateSpec>, SpecError> {
        let (name, call) = match text.split_once('=') {
            Some((name, call)) if !name.contains(['(', '"']) => (Some(name), call.trim_start()),
            _ => (None, text),
        };
        let (word, rest) = call.split_at(word_end(call));
        let bare = rest.is_empty();
        if word.is_empty() || !(bare || rest.starts_with('(')) {
            return Ok(None);
        }
        let text = || text.to_owned();
        let Some(function) = Function::find(word) else {
            let a_file = bare && name.is_none();
            return if a_file {
                Ok(None)
            } else {
                Err(SpecError::Unknown { text: text(), name: word.to_owned() })
            };
        };
        let inside = match rest.strip_prefix('(') {
            None => "",
            Some(inside) => inside.strip_suffix(')').ok_or_else(|| SpecError::Unclosed(text()))?,
        };
        let argument = Some(inside.trim()).filter(|inside| !inside.is_empty()).map(str::to_owned);
        if argument.is_none() && function.argument == Argument::Required {
            return Err(SpecError::NoArgument { text: text(), function: function.name });
        }
        let name = match name {
            Some(name) => given_name(name, text())?,
            None => default_name(function, argument.as_deref())
                .ok_or_else(|| SpecError::NoName(text()))?,
        };
        Ok(Some(AggregateSpec { name, function, argument, text: text() }))
    }
}

impl GroupSpec {
    /// Reads `[name=]expression`.
    ///
    /// # Errors
    /// When the expression names nothing and no name is given.
    pub fn parse(text: &str) -> Result<GroupSpec, SpecError> {
        let named = text
            .split_once('=')
            .filter(|(name, behind)| is_name(name.trim()) && !behind.starts_with('='));
        let (name, expression) = match named {
            Some((name, expression)) => (name.trim().to_owned(), expression),
            None => (path_name(text).ok_or_else(|| SpecError::NoName(text.to_owned()))?, text),
        };
        Ok(GroupSpec { name, expression: expression.to_owned(), text: text.to_owned() })
    }
}

/// The name of an aggregate's result where none is given: `count`, or `avg_ms` for `avg(.ms)`.
fn default_name(function: &Function, argument: Option<&str>) -> Option<String> {
    match argument {
        None => Some(function.name.to_owned()),
        Some(argument) => Some(format!("{}_{}", function.name, path_name(argument)?)),
    }
}

fn given_name(name: &str, text: String) -> Result<String, SpecError> {
    let name = name.trim();
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(SpecError::BadName { text, name: name.to_owned() })
    }
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Where the word at the front of `text` ends.
fn word_end(text: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c| !word(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(text: &str) -> (String, &'static str, Option<String>) {
        let spec = AggregateSpec::parse(text).unwrap().unwrap();
        assert_eq!(spec.text, text);
        (spec.name, spec.function.name, spec.argument)
    }

    #[test]
    fn aggregates_are_read_and_named() {
        for (text, name, function, argument) in [
            ("count", "count", "count", None),
            ("count()", "count", "count", None),
            ("n=count", "n", "count", None),
            ("count(.user)", "count_user", "count", Some(".user")),
            ("avg(.dep_delay)", "avg_dep_delay", "avg", Some(".dep_delay")),
            ("max( .a.b )", "max_b", "max", Some(".a.b")),
            ("min(.[\"a b\"])", "min_a b", "min", Some(".[\"a b\"]")),
            (
                "late-ones = sum(.a == 1 | if . then 1 else 0 end)",
                "late-ones",
                "sum",
                Some(".a == 1 | if . then 1 else 0 end"),
            ),
            ("x=max((.a, .b) | tonumber)", "x", "max", Some("(.a, .b) | tonumber")),
        ] {
            assert_eq!(aggregate(text), (name.to_owned(), function, argument.map(str::to_owned)));
        }
    }

    #[test]
    fn what_may_be_a_file_is_left_to_be_one() {
        for text in [
            "flights.ndjson",
            "data",
            "-",
            "",
            "./count",
            "count.csv",
            "/tmp/a=b/c",
            "a=b.csv",
            "9(x)",
        ] {
            assert!(AggregateSpec::parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_nearly_an_aggregate_is_told() {
        for (text, why) in [
            ("avgg(.x)", "'avgg(.x)': there is no aggregate 'avgg'; did you mean avg?"),
            ("a=mean(.x)", "'a=mean(.x)': there is no aggregate 'mean'; did you mean avg?"),
            (
                "n=tally",
                "'n=tally': there is no aggregate 'tally'; the aggregates are count, sum, avg, min, max",
            ),
            ("sum", "'sum': sum needs an expression; write it like sum(.field)"),
            ("max( )", "'max( )': max needs an expression; write it like max(.field)"),
            (
                "avg(.x",
                "'avg(.x': an aggregate ends with the closing parenthesis of its expression",
            ),
            (
                "avg(.x) / 2",
                "'avg(.x) / 2': an aggregate ends with the closing parenthesis of its expression",
            ),
            (
                "sum(.a * .b)",
                "'sum(.a * .b)' needs a name for its result; write it like NAME=sum(.a * .b)",
            ),
            ("=count", "'=count': '' is not a name; a name has letters, digits, _ and -"),
            ("a b=count", "'a b=count': 'a b' is not a name; a name has letters, digits, _ and -"),
        ] {
            let error = AggregateSpec::parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(why));
        }
    }

    #[test]
    fn groups_are_read_and_named() {
        for (text, name, expression) in [
            (".origin", "origin", ".origin"),
            (".a.b", "b", ".a.b"),
            ("day=.at[:10]", "day", ".at[:10]"),
            ("big=.x==1", "big", ".x==1"),
            ("größe=.g", "größe", ".g"),
        ] {
            let (name, expression) = (name.to_owned(), expression.to_owned());
            let expected = GroupSpec { name, expression, text: text.to_owned() };
            assert_eq!(GroupSpec::parse(text), Ok(expected));
        }
        for text in [".at[:10]", "x==1", ".a == 1", ".a = 1"] {
            assert_eq!(GroupSpec::parse(text), Err(SpecError::NoName(text.to_owned())));
        }
    }
}

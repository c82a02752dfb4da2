//! What the user writes: `count`, `worst=max(.ms)`, `slow=count where .ms > 100`, `--by .host`.

use super::slip::SpecError;
use crate::aggregate::functions::function::{Argument, Call, Function};
use crate::aggregate::functions::quantile::percentile;
use crate::expr::outermost::{closing, semicolons};
use crate::expr::{Program, path_name};

/// An aggregate to compute.
#[derive(Clone, Debug)]
pub struct AggregateSpec {
    /// The field that its result gets.
    pub name: String,
    /// The function.
    pub function: &'static Function,
    /// How it is called.
    pub call: Call,
    /// The jq expression for what it reduces; none if it takes the records as such.
    pub argument: Option<String>,
    /// The jq expression for what it decides by, for functions that have one.
    pub by: Option<String>,
    /// The jq expression that chooses the records it takes; none if it takes all.
    pub condition: Option<String>,
    /// As the user wrote it.
    pub text: String,
    /// The same without the name in front.
    pub unnamed: String,
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

impl AggregateSpec {
    /// Reads `[name=]function[(expression)]`. None if the text has not even that shape, so that it
    /// may be the name of a file.
    ///
    /// # Errors
    /// When it has that shape, but is not an aggregate.
    pub fn parse(text: &str) -> Result<Option<AggregateSpec>, SpecError> {
        let (name, unnamed) = split_name(text);
        let (word, rest) = unnamed.split_at(word_end(unnamed));
        let condition_only = condition(rest);
        let bare = rest.is_empty() || condition_only.is_some();
        if word.is_empty() || !(bare || rest.starts_with('(')) {
            return Ok(None);
        }
        let Some(function) = Function::find(word) else {
            let a_file = rest.is_empty() && name.is_none();
            let (text, name) = (text.to_owned(), word.to_owned());
            return if a_file { Ok(None) } else { Err(SpecError::Unknown { text, name }) };
        };
        let (inside, condition) = match (condition_only, rest.strip_prefix('(')) {
            (Some(condition), _) => ("", Some(condition)),
            (None, Some(inside)) => parenthesised(inside, text)?,
            (None, None) => ("", None),
        };
        let arguments = Arguments::read(function, word, inside, text)?;
        let Arguments { argument, by, number } = arguments;
        let name = match name {
            Some(name) => Some(given_name(name, text)?),
            None if condition.is_some() => None,
            None => default_name(word, argument.as_deref()),
        };
        let name = match name {
            Some(name) => name,
            None => return Err(nameless(text, argument.as_deref())),
        };
        let call = Call { bare: argument.is_none(), number, merges: false };
        let condition = condition.map(str::to_owned);
        let (text, unnamed) = (text.to_owned(), unnamed.to_owned());
        Ok(Some(AggregateSpec { name, function, call, argument, by, condition, text, unnamed }))
    }
}

/// Splits the name in front off, if there is one. A function's argument or condition may have an
/// equals sign too.
fn split_name(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, call))
            if !name.contains(['(', '"']) && name.split_whitespace().nth(1) != Some("where") =>
        {
            (Some(name), call.trim_start())
        }
        _ => (None, text),
    }
}

/// The condition that `rest` is, if it is one.
fn condition(rest: &str) -> Option<&str> {
    let behind = rest.trim_start().strip_prefix("where")?;
    let condition = behind.trim();
    (behind.starts_with(char::is_whitespace) && !condition.is_empty()).then_some(condition)
}

/// What stands in the parenthesis that is open before `inside`, and the condition behind it.
fn parenthesised<'a>(inside: &'a str, text: &str) -> Result<(&'a str, Option<&'a str>), SpecError> {
    let unclosed = || SpecError::Unclosed(text.to_owned());
    let (inside, behind) =
        inside.split_at_checked(closing(inside).ok_or_else(unclosed)?).ok_or_else(unclosed)?;
    let behind = behind.strip_prefix(')').unwrap_or_default().trim();
    match condition(behind) {
        None if !behind.is_empty() => Err(SpecError::Behind(text.to_owned())),
        condition => Ok((inside, condition)),
    }
}

/// What stands between a function's parentheses.
struct Arguments {
    argument: Option<String>,
    by: Option<String>,
    number: f64,
}

impl Arguments {
    fn read(
        function: &'static Function,
        word: &str,
        inside: &str,
        text: &str,
    ) -> Result<Arguments, SpecError> {
        let form = || SpecError::Form {
            text: text.to_owned(),
            function: function.name,
            form: function.argument.shown(),
        };
        let split = |at: Option<usize>| {
            let (front, back) = inside.split_at_checked(at?)?;
            Some((front, back.strip_prefix(';')?))
        };
        let (argument, by, number) = match function.argument {
            Argument::Optional | Argument::Required | Argument::Condition => {
                (inside, None, percentile(word).map_or(0.0, |(fraction, _)| fraction))
            }
            Argument::Pair => {
                let (argument, by) = split(semicolons(inside).last()).ok_or_else(form)?;
                (argument, Some(by), 0.0)
            }
            Argument::Fraction => {
                let (argument, number) = split(semicolons(inside).last()).ok_or_else(form)?;
                (argument, None, fraction(number, text)?)
            }
            Argument::Count => {
                let (number, argument) = split(semicolons(inside).next()).ok_or_else(form)?;
                (argument, None, whole(number, text)?)
            }
        };
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (argument, has_by) = (given(argument), by.is_some());
        let by = by.and_then(given);
        match (&argument, function.argument) {
            (Some(star), Argument::Optional) if star == "*" => {
                Err(SpecError::Star { text: text.to_owned(), function: function.name })
            }
            (None, Argument::Required | Argument::Condition) => {
                Err(SpecError::NoArgument { text: text.to_owned(), function: function.name })
            }
            (None, Argument::Pair | Argument::Fraction | Argument::Count) => Err(form()),
            _ if has_by && by.is_none() => Err(form()),
            _ => Ok(Arguments { argument, by, number }),
        }
    }
}

fn fraction(number: &str, text: &str) -> Result<f64, SpecError> {
    let number = number.trim();
    let fraction = number.parse().ok().filter(|fraction| (0.0..=1.0).contains(fraction));
    fraction.ok_or_else(|| SpecError::BadNumber {
        text: text.to_owned(),
        number: number.to_owned(),
        range: "a fraction from 0 to 1, like 0.99",
    })
}

fn whole(number: &str, text: &str) -> Result<f64, SpecError> {
    let number = number.trim();
    let whole = number.parse::<u32>().ok().filter(|whole| *whole > 0).map(f64::from);
    whole.ok_or_else(|| SpecError::BadNumber {
        text: text.to_owned(),
        number: number.to_owned(),
        range: "a whole number, like 10",
    })
}

impl GroupSpec {
    /// Reads `[name=]expression`.
    ///
    /// # Errors
    /// When the expression names nothing and no name is given.
    pub fn parse(text: &str) -> Result<GroupSpec, SpecError> {
        let named = text.split_once('=').filter(|(name, behind)| {
            !behind.starts_with('=') && (is_name(name.trim()) || is_nearly_name(name.trim()))
        });
        let (name, expression) = match named {
            Some((name, expression)) => (given_name(name, text)?, expression),
            None => {
                let nameless = || several(text).unwrap_or_else(|| nameless(text, Some(text)));
                (path_name(text).ok_or_else(nameless)?, text)
            }
        };
        Ok(GroupSpec { name, expression: expression.to_owned(), text: text.to_owned() })
    }
}

/// What to say of paths with commas between them, as SQL has them.
fn several(text: &str) -> Option<SpecError> {
    let paths: Vec<&str> = text.split(',').map(str::trim).collect();
    if !paths.iter().all(|path| path_name(path).is_some()) {
        return None;
    }
    let each: Vec<String> = paths.iter().map(|path| format!("--by {path}")).collect();
    Some(SpecError::Several { text: text.to_owned(), each: each.join(" ") })
}

/// The name of an aggregate's result where none is given: `count`, `avg_ms` for `avg(.ms)`, `last`
/// for `last(.)`.
fn default_name(word: &str, argument: Option<&str>) -> Option<String> {
    let word = word.replace('.', "_");
    match argument {
        None | Some(".") => Some(word),
        Some(argument) => Some(format!("{word}_{}", path_name(argument)?)),
    }
}

/// What to say of a text without a name and without one that its expression suggests: what is
/// wrong with the expression, if it is wrong, since then a name would not mend it.
fn nameless(text: &str, expression: Option<&str>) -> SpecError {
    let (text, expression) = (text.to_owned(), expression.unwrap_or("."));
    match Program::compile(&[expression]) {
        Err(_) if path_name(&format!(".{expression}")).is_some() => {
            SpecError::NoPoint { text, word: expression.to_owned() }
        }
        Err(error) => SpecError::Expression { text, error },
        Ok(_) => SpecError::NoName(text),
    }
}

fn given_name(name: &str, text: &str) -> Result<String, SpecError> {
    let name = name.trim();
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(SpecError::BadName { text: text.to_owned(), name: name.to_owned() })
    }
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Whether a text that is no name can only be meant as one: in jq nothing like it stands before =.
fn is_nearly_name(text: &str) -> bool {
    let jq = |c: char| c.is_whitespace() || ".$()[]{}\"|,:;?/!<>+*%=-".contains(c);
    !text.is_empty() && !text.contains(jq)
}

/// Where the word at the front of `text` ends; `p99.9` is one word.
fn word_end(text: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let end = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|c| !word(c)).unwrap_or(rest.len())
    };
    let first = end(0);
    match text.get(first..).and_then(|rest| rest.strip_prefix('.')) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            let longer = end(first + 1);
            let whole = text.get(..longer).unwrap_or_default();
            if percentile(whole).is_some() { longer } else { first }
        }
        _ => first,
    }
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
    fn conditions_and_second_arguments_are_read() {
        let parts = |text: &str| {
            let spec = AggregateSpec::parse(text).unwrap().unwrap();
            let part = |part: Option<String>| part.unwrap_or_default();
            (spec.name, part(spec.argument), part(spec.by), part(spec.condition), spec.call.number)
        };
        for (text, name, argument, by, condition, number) in [
            ("slow=count() where .ms > 100", "slow", "", "", ".ms > 100", 0.0),
            ("n=count where .a == \"x=(\"", "n", "", "", ".a == \"x=(\"", 0.0),
            ("s=sum(.x | f(\")\")) where .y", "s", ".x | f(\")\")", "", ".y", 0.0),
            ("arg_max(.host; .ms)", "arg_max_host", ".host", ".ms", "", 0.0),
            ("arg_min(f(1; 2).x; .a.b)", "", "f(1; 2).x", ".a.b", "", 0.0),
            ("p99.9(.ms)", "p99_9_ms", ".ms", "", "", 0.999),
            ("p50_exact(.ms)", "p50_exact_ms", ".ms", "", "", 0.5),
            ("quantile(.ms; 0.25)", "quantile_ms", ".ms", "", "", 0.25),
            ("top(3; .path)", "top_path", ".path", "", "", 3.0),
            ("x=top(3; def f: 1; f)", "x", "def f: 1; f", "", "", 3.0),
            ("x=sum(def f: 1; f)", "x", "def f: 1; f", "", "", 0.0),
            ("last(.)", "last", ".", "", "", 0.0),
            ("stddev_samp(.x)", "stddev_samp_x", ".x", "", "", 0.0),
        ] {
            let (text, given) = match name {
                "" => (format!("x={text}"), "x"),
                name => (text.to_owned(), name),
            };
            let expected = (
                given.to_owned(),
                argument.to_owned(),
                by.to_owned(),
                condition.to_owned(),
                number,
            );
            assert_eq!(parts(&text), expected, "{text}");
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
            "p99.csv",
            "p1.5.csv",
            "count wherever",
        ] {
            assert!(AggregateSpec::parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_nearly_an_aggregate_is_told() {
        for (text, why) in [
            ("avgg(.x)", "'avgg(.x)': there is no aggregate 'avgg'; did you mean avg?"),
            (
                "a=average(.x)",
                "'a=average(.x)': there is no aggregate 'average'; did you mean avg?",
            ),
            (
                "n=tally",
                "'n=tally': there is no aggregate 'tally'; the aggregates are count, count_if, sum, avg, rate, min, max, arg_min, arg_max, last_by, first, last, stddev, stddev_pop, variance, variance_pop, median, p99, quantile, median_exact, p99_exact, quantile_exact, distinct, distinct_exact, top, collect",
            ),
            ("sum", "'sum': sum needs an expression; write it like sum(.field)"),
            ("max( )", "'max( )': max needs an expression; write it like max(.field)"),
            (
                "avg(.x",
                "'avg(.x': an aggregate ends with the closing parenthesis of its expression",
            ),
            (
                "avg(.x) / 2",
                "'avg(.x) / 2': only a condition may follow an aggregate, like where .ms > 100",
            ),
            (
                "sum(.a * .b)",
                "'sum(.a * .b)' needs a name for its result; write it like NAME=sum(.a * .b)",
            ),
            ("arg_max(.x)", "'arg_max(.x)': write it like arg_max(EXPR; BY)"),
            ("arg_max(.x; )", "'arg_max(.x; )': write it like arg_max(EXPR; BY)"),
            ("top(.x)", "'top(.x)': write it like top(K; EXPR)"),
            ("quantile", "'quantile': write it like quantile(EXPR; Q)"),
            ("top(0; .x)", "'top(0; .x)': '0' is not a whole number, like 10"),
            (
                "quantile(.x; 99)",
                "'quantile(.x; 99)': '99' is not a fraction from 0 to 1, like 0.99",
            ),
            ("p99", "'p99': p99 needs an expression; write it like p99(.field)"),
            (
                "count where .x",
                "'count where .x' needs a name for its result; write it like NAME=count where .x",
            ),
            (
                "n=count() where",
                "'n=count() where': only a condition may follow an aggregate, like where .ms > 100",
            ),
            (
                "=count",
                "'=count': '' is not a name; a name begins with a letter or _, and has letters, digits, _ and -",
            ),
            (
                "a b=count",
                "'a b=count': 'a b' is not a name; a name begins with a letter or _, and has letters, digits, _ and -",
            ),
            (
                "5xx=count",
                "'5xx=count': '5xx' is not a name; a name begins with a letter or _, and has letters, digits, _ and -",
            ),
            ("count(*)", "'count(*)': write count for all records, and count(.field) for some"),
            ("p99(bytes)", "'p99(bytes)': 'bytes' is not a jq expression; did you mean '.bytes'?"),
            ("sum(.a +)", "'sum(.a +)': '.a +': unexpected end at column 5; a value is missing"),
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
        for text in [".at[:10]", ".a == 1", ".a = 1", "length"] {
            assert_eq!(GroupSpec::parse(text), Err(SpecError::NoName(text.to_owned())));
        }
        for (text, why) in [
            ("path", "'path': 'path' is not a jq expression; did you mean '.path'?"),
            (".a,.b", "'.a,.b' has several expressions; write --by .a --by .b"),
            (
                "@millstream=.a",
                "'@millstream=.a': '@millstream' is not a name; a name begins with a letter or _, and has letters, digits, _ and -",
            ),
            (
                "5xx=.a",
                "'5xx=.a': '5xx' is not a name; a name begins with a letter or _, and has letters, digits, _ and -",
            ),
        ] {
            let error = GroupSpec::parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(why));
        }
    }
}

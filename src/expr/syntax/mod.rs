//! From the text of an expression to its syntax tree, or to what is wrong with the text.
//!
//! Both evaluators compile from this tree, which is that of the jaq crates.
//!
//! - [`tokens`]: completes what jaq's parser cannot read, with [`alternatives`]; [`terms`]: looks
//!   at trees; [`places`]: `$__loc__`.

pub(super) mod alternatives;
mod places;
pub(super) mod terms;
pub(super) mod tokens;

use std::ops::Range;

use jaq_core::load::lex::{self, Lexer};
use jaq_core::load::parse::{self, Parser};

use places::name_place;
use terms::{each_term, wrong_key};
use tokens::{complete, instead_of};

/// The syntax tree of an expression.
pub(super) type Tree<'s> = parse::Term<&'s str>;

/// What is wrong, where, and what to do about it.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) why: String,
    pub(super) remedy: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, why: impl Into<String>) -> Fault {
        Fault { span, why: why.into(), remedy: None }
    }
}

/// Reads an expression into jaq's syntax tree. `numerals` are 0, 1 and so on, at least up to the
/// number of its lines.
pub(super) fn parse<'s>(source: &'s str, numerals: &'s [String]) -> Result<Tree<'s>, Fault> {
    let malformed = || Fault::new(0..0, "malformed expression");
    let mut tokens = Lexer::new(source).lex().map_err(|errors| {
        errors.first().map_or_else(malformed, |error| unreadable(source, error))
    })?;
    complete(&mut tokens);
    let parsed = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(malformed, |(expected, found)| {
            unexpected(source, &expected, lex::Token::opt_as_str(found, source))
        })
    });
    let mut tree = parsed?;
    let mut wrong = None;
    each_term(&mut tree, &mut |term| {
        alternatives::unfold(term);
        name_place(source, term, numerals);
        wrong = wrong.take().or_else(|| wrong_key(source, term));
    });
    wrong.map_or(Ok(tree), Err)
}

/// Characters that are no part of the language, or are missing from it.
fn unreadable(source: &str, (expected, rest): &lex::Error<&str>) -> Fault {
    use lex::Expect;
    let found = rest.chars().next();
    let start = span_of(source, rest).start;
    let span = start..start + found.map_or(0, char::len_utf8);
    let missing = match expected {
        Expect::Digit => "a digit",
        Expect::Ident => "a name",
        Expect::Delim("(") => "')'",
        Expect::Delim("[") => "']'",
        Expect::Delim("{") => "'}'",
        Expect::Delim(_) => "the closing '\"'",
        Expect::Escape => "an escape (one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u or \\( )",
        Expect::Unicode => "a letter's four hexadecimal digits",
        _ => "",
    };
    let found = found.map_or("unexpected end".into(), |found| format!("unexpected '{found}'"));
    let missing = (!missing.is_empty()).then(|| format!("{missing} is missing"));
    let remedy = missing.or_else(|| {
        // An operator may have begun before the letter that nothing begins with.
        let before = source.get(span.start.saturating_sub(1)..).and_then(instead_of);
        before.or_else(|| instead_of(rest)).map(str::to_owned)
    });
    Fault { span, why: found, remedy }
}

/// A token where the grammar has another.
fn unexpected(source: &str, expected: &parse::Expect<&str>, found: &str) -> Fault {
    use parse::Expect;
    let why = match found {
        "" => "unexpected end".to_owned(),
        found => format!("unexpected '{}'", shortened(found)),
    };
    let remedy = match expected {
        _ if let Some(ours) = instead_of(found) => ours.to_owned(),
        Expect::Just(token) => format!("'{token}' is missing"),
        Expect::Var => "a variable like $x is missing".to_owned(),
        Expect::Pattern => "a pattern like $x, [$x] or {a: $x} is missing".to_owned(),
        Expect::ElseOrEnd => "'else' or 'end' is missing".to_owned(),
        Expect::CommaOrRBrack => "',' or ']' is missing".to_owned(),
        Expect::CommaOrRBrace => "',' or '}' is missing".to_owned(),
        Expect::SemicolonOrRParen => "';' or ')' is missing".to_owned(),
        Expect::Term => "a value is missing".to_owned(),
        Expect::Key => "a key is missing".to_owned(),
        Expect::Ident => "a name is missing".to_owned(),
        Expect::Arg => "the name of an argument is missing".to_owned(),
        Expect::Str => "a string is missing".to_owned(),
        Expect::Nothing => "an operator is missing before it".to_owned(),
        _ => return Fault::new(span_of(source, found), why),
    };
    Fault { span: span_of(source, found), why, remedy: Some(remedy) }
}

/// A token for a message: a block may be as long as the expression.
fn shortened(token: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 20;
    match token.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", token.get(..end).unwrap_or_default()),
        None => token.to_owned(),
    }
}

/// Where `part`, a slice of `source`, lies in it.
pub(super) fn span_of(source: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(source.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= source.len() => start..end,
        _ => 0..0,
    }
}

//! From the text of an expression to something that runs, or to what is wrong with it.

use std::ops::Range;

use jaq_core::Compiler;
use jaq_core::compile::Undefined;
use jaq_core::data::JustLut;
use jaq_core::load::lex::{self, Lexer};
use jaq_core::load::parse::{self, Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_json::Val;

use super::super::ExprError;

/// What jaq's filters run on.
pub(super) type Kind = JustLut<Val>;

/// A compiled expression.
pub(super) type Filter = jaq_core::Filter<Kind>;

/// The definition that stands for the whole expression.
const MAIN: &str = "__expression";

/// Compiles one expression, the `index`th of the user's.
pub(super) fn compile(index: usize, source: &str) -> Result<Filter, ExprError> {
    let fail = |(span, why, remedy): Fault| ExprError {
        index,
        expression: source.to_owned(),
        span,
        why,
        remedy,
    };
    let term = parse(source).map_err(fail)?;
    let main = Def { name: MAIN, args: Vec::new(), body: term };
    let mut defs: Vec<Def<&str>> = prelude().collect();
    defs.push(main);
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: MAIN, path: () });
    let Ok(modules) = modules else { return Err(fail((0..0, "cannot be loaded".into(), None))) };
    let funs = jaq_core::funs::<Kind>().chain(jaq_std::funs()).chain(jaq_json::funs());
    Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        fail(match first {
            Some((name, undefined)) => undefined_name(source, name, &undefined),
            None => (0..0, "does not compile".into(), None),
        })
    })
}

/// What jq defines in itself.
fn prelude() -> impl Iterator<Item = Def> {
    jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs())
}

/// The place, what is wrong there, and what to do about it.
type Fault = (Range<usize>, String, Option<String>);

fn parse(source: &str) -> Result<Term<&str>, Fault> {
    let tokens = Lexer::new(source).lex().map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(|| (0..0, "malformed".into(), None), |error| malformed(source, &error))
    })?;
    Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
        let first = errors.into_iter().next();
        let first =
            first.map(|(expected, found)| (expected, lex::Token::opt_as_str(found, source)));
        first.map_or_else(|| (0..0, "malformed".into(), None), |error| unexpected(source, &error))
    })
}

fn malformed(source: &str, (expected, rest): &lex::Error<&str>) -> Fault {
    let start = span(source, rest).start;
    let end = start + rest.chars().next().map_or(0, char::len_utf8);
    (start..end, format!("a {} is missing", expected.as_str()), None)
}

fn unexpected(source: &str, (expected, found): &parse::Error<&str>) -> Fault {
    let what =
        if found.is_empty() { "unexpected end".into() } else { format!("unexpected '{found}'") };
    (span(source, found), what, Some(format!("expected {}", expected.as_str())))
}

fn undefined_name(source: &str, name: &str, undefined: &Undefined) -> Fault {
    (span(source, name), format!("undefined {} '{name}'", undefined.as_str()), None)
}

/// Where `part`, a slice of `source`, lies in it.
fn span(source: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(source.as_ptr() as usize);
    if start + part.len() <= source.len() { start..start + part.len() } else { 0..0 }
}

//! From the text of an expression to something that runs, or to what is wrong with it.

use jaq_core::Compiler;
use jaq_core::compile::Undefined;
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::Def;
use jaq_core::load::{Arena, File, Loader};

use super::super::{ExprError, Variables};
use super::data::Expression;
use super::fields::Fields;
use super::rewrite::rewrite;
use super::{conditions, library, suggest};
use crate::expr::patterns::Patterns;
use crate::expr::syntax::terms::literals;
use crate::expr::syntax::tokens::Joined;
use crate::expr::syntax::{Fault, Tree, parse, span_of};

/// The definition that stands for the whole expression.
const MAIN: &str = "__expression";

/// What to do about a variable that is not there.
const VARIABLE: &str = "bind it with 'as', or give it a value where the tool has --arg";

/// The longest expression, in bytes. No expression can nest deeper than it is long, so this also
/// bounds the stack that compiling and running it takes.
const EXPRESSION_BYTES_MAX: usize = 64 << 10;

/// Compiles one expression, the `index`th of the user's. Needs a roomy stack.
/// It may use these variables; the regular expressions that are written out in it join `patterns`.
/// `seen` is given its syntax tree.
pub(super) fn compile(
    index: usize,
    source: &str,
    variables: &Variables,
    patterns: &mut Patterns,
    seen: &mut dyn FnMut(&Tree<'_>, &mut Patterns),
) -> Result<Expression, ExprError> {
    let joined = Joined::of(source);
    let told = |fault: Fault| ExprError {
        index,
        expression: source.to_owned(),
        span: joined.place(fault.span.start)..joined.place(fault.span.end),
        why: fault.why,
        remedy: fault.remedy,
    };
    let (mut expression, always) = build(&joined.text, variables, patterns, seen).map_err(told)?;
    expression.deliberate = always.as_ref().is_some_and(|(_, deliberate)| *deliberate);
    expression.always = always.map(|(fault, _)| told(fault));
    Ok(expression)
}

/// Compiles, and says why the expression would always be true, and whether deliberately.
fn build(
    source: &str,
    variables: &Variables,
    patterns: &mut Patterns,
    seen: &mut dyn FnMut(&Tree<'_>, &mut Patterns),
) -> Result<(Expression, Option<(Fault, bool)>), Fault> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let why = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(Fault::new(EXPRESSION_BYTES_MAX..EXPRESSION_BYTES_MAX, why));
    }
    // Each update has an equals sign, and each line but the last an end.
    let numerals_len = source.matches('=').count().max(source.matches('\n').count() + 2);
    let numerals: Vec<String> = (0..numerals_len).map(|number| number.to_string()).collect();
    let mut body = parse(source, &numerals)?;
    add_patterns(source, &mut body, patterns)?;
    let always = conditions::always(&body).map(|found| {
        let fault = always_true(source, found);
        (fault, found.deliberate)
    });
    let fields = Fields::of(&body);
    seen(&body, patterns);
    let (depth, routes) = rewrite(&mut body, &numerals);
    let mut defs: Vec<Def<&str>> = library::defs();
    defs.push(Def { name: MAIN, args: Vec::new(), body });
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: MAIN, path: () });
    let modules = modules.map_err(|_| Fault::new(0..0, "the expression cannot be loaded"))?;
    let compiler = Compiler::default().with_funs(library::funs());
    let filter = compiler.with_global_vars(variables.iter().map(|(name, _)| name)).compile(modules);
    let filter = filter.map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        match first {
            Some((name, undefined)) => undefined_name(source, name, &undefined),
            None => Fault::new(0..0, "the expression does not compile"),
        }
    })?;
    let expression = Expression { filter, depth, routes, fields, always: None, deliberate: false };
    Ok((expression, always))
}

/// A malformed regular expression that is written out would fail for every record; better now.
fn add_patterns(source: &str, body: &mut Tree<'_>, patterns: &mut Patterns) -> Result<(), Fault> {
    let mut found = Vec::new();
    literals(body, &mut found);
    found.iter().try_for_each(|literal| {
        let added = patterns.written(&literal.pattern, &literal.flags);
        added.map(drop).map_err(|why| Fault::new(span_of(source, literal.place), why))
    })
}

fn always_true(source: &str, found: conditions::Always) -> Fault {
    let tokens = Lexer::new(source).lex().unwrap_or_default();
    let place = found.operator.and_then(|operator| conditions::find(&tokens, operator));
    let span = place.map_or(0..0, |place| span_of(source, place));
    Fault { span, why: found.why.to_owned(), remedy: Some(found.remedy.to_owned()) }
}

fn undefined_name(source: &str, name: &str, undefined: &Undefined) -> Fault {
    let span = span_of(source, name);
    if let Some(reason) = library::unavailable(name) {
        let why = format!("'{name}' is not available");
        return Fault { span, why, remedy: Some(reason.to_owned()) };
    }
    let (why, remedy) = match undefined {
        Undefined::Filter(arity) => suggest::function(name, *arity),
        Undefined::Var => (format!("undefined variable '{name}'"), Some(VARIABLE.to_owned())),
        Undefined::Label => (format!("undefined label '{name}'"), None),
        _ => (format!("undefined module '{name}'"), None),
    };
    Fault { span, why, remedy }
}

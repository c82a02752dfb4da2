//! From the text of an expression to something that runs, or to what is wrong with it.

use std::ops::Range;

use jaq_core::Compiler;
use jaq_core::compile::Undefined;
use jaq_core::load::lex::{self, Lexer};
use jaq_core::load::parse::{self, Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader};

use super::super::fast::{self, Draft, NotFast};
use super::super::{ExprError, Variables};
use super::fields::Fields;
use super::natives::Kind;
use super::rewrite::{literals, rewrite};
use super::{library, regex, suggest};

/// A compiled expression.
pub(super) struct Expression {
    /// What jaq runs.
    pub(super) filter: jaq_core::Filter<Kind>,
    /// How deep it nests.
    pub(super) depth: usize,
    /// What it looks at.
    pub(super) fields: Fields,
    /// The same for the fast evaluator.
    pub(super) fast: Result<Draft, NotFast>,
}

/// The definition that stands for the whole expression.
const MAIN: &str = "__expression";

/// What to do about a variable that is not there.
const VARIABLE: &str = "bind it with 'as', or give it a value where the tool has --arg";

/// The longest expression, in bytes. No expression can nest deeper than it is long, so this also
/// bounds the stack that compiling and running it takes.
const EXPRESSION_BYTES_MAX: usize = 64 << 10;

/// Compiles one expression, the `index`th of the user's. Needs a roomy stack.
/// It may use these variables.
pub(super) fn compile(
    index: usize,
    source: &str,
    variables: &Variables,
) -> Result<Expression, ExprError> {
    build(source, variables).map_err(|fault| ExprError {
        index,
        expression: source.to_owned(),
        span: fault.span,
        why: fault.why,
        remedy: fault.remedy,
    })
}

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

fn build(source: &str, variables: &Variables) -> Result<Expression, Fault> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let why = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(Fault::new(EXPRESSION_BYTES_MAX..EXPRESSION_BYTES_MAX, why));
    }
    let mut body = parse(source)?;
    check_patterns(source, &mut body)?;
    let fields = Fields::of(&body);
    let fast = fast::compile(&body, variables);
    let depth = rewrite(&mut body);
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
    Ok(Expression { filter, depth, fields, fast })
}

/// A malformed regular expression that is written out would fail for every record; better now.
fn check_patterns(source: &str, body: &mut Term<&str>) -> Result<(), Fault> {
    let mut found = Vec::new();
    literals(body, &mut found);
    found.iter().try_for_each(|literal| {
        let checked = regex::check(&literal.pattern, &literal.flags);
        checked.map_err(|why| Fault::new(span_of(source, literal.place), why))
    })
}

fn parse(source: &str) -> Result<Term<&str>, Fault> {
    let malformed = || Fault::new(0..0, "malformed expression");
    let tokens = Lexer::new(source).lex().map_err(|errors| {
        errors.first().map_or_else(malformed, |error| unreadable(source, error))
    })?;
    Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(malformed, |(expected, found)| {
            unexpected(source, &expected, lex::Token::opt_as_str(found, source))
        })
    })
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
    let remedy = (!missing.is_empty()).then(|| format!("{missing} is missing"));
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

/// A token for a message: a block may be as long as the expression.
fn shortened(token: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 20;
    match token.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", token.get(..end).unwrap_or_default()),
        None => token.to_owned(),
    }
}

/// Where `part`, a slice of `source`, lies in it.
fn span_of(source: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(source.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= source.len() => start..end,
        _ => 0..0,
    }
}

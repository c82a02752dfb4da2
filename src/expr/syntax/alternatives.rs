//! Destructuring alternatives: `EXPR as PATTERN ?// PATTERN | BODY`.
//!
//! All variables of all patterns are null but for those of the pattern that fits. A pattern that
//! does not fit, or a body that fails with it, gives way to the next pattern. jaq's grammar has no
//! such thing: tokens are rewritten to one array pattern, which begins with a variable that nobody
//! can write, and the tree is rewritten to functions.

use std::mem::{replace, take};

use jaq_core::load::lex::{Tok, Token};
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::Part;

/// The function of ours that gives the results of its first argument and, if that fails, those of
/// its second.
pub(in crate::expr) const OR_ELSE: &str = "__or_else";

/// Begins the array pattern that stands for alternatives.
const MARK: &str = "$?// alternatives";
/// The value that is taken apart.
const VALUE: &str = "$?// value";
/// The body, as a function of all variables.
const BODY: &str = "?// body";
/// The argument of [`BODY`].
const VARIABLES: &str = "?// variables";

/// Gathers the patterns after each `as` into one, in one list of tokens.
pub(super) fn gather(tokens: &mut Vec<Token<&str>>) {
    let mut at = 0;
    while at + 2 < tokens.len() {
        if is(&tokens[at], "as") && begins(&tokens[at + 2..]) {
            let mut inside = vec![Token(MARK, Tok::Var)];
            loop {
                inside.push(Token(",", Tok::Sym));
                inside.push(tokens.remove(at + 1));
                if !begins(tokens.get(at + 1..).unwrap_or_default()) {
                    break;
                }
                tokens.drain(at + 1..at + 3);
            }
            inside.push(Token("]", Tok::Sym));
            tokens.insert(at + 1, Token("[", Tok::Block(inside)));
        }
        at += 1;
    }
}

/// Whether an alternative begins here.
fn begins(tokens: &[Token<&str>]) -> bool {
    matches!(tokens, [Token("?", _), Token("//", _), Token(_, Tok::Var | Tok::Block(_)), ..])
}

fn is(token: &Token<&str>, word: &str) -> bool {
    token.0 == word && matches!(token.1, Tok::Word)
}

/// Puts functions in the place of the alternatives that a term binds.
pub(super) fn unfold(term: &mut Term<&str>) {
    match term {
        Term::BinOp(_, BinaryOp::Pipe(Some(bound)), body) => {
            if let Some(patterns) = patterns(bound) {
                **body = tried(patterns, take(&mut **body));
            }
        }
        Term::Fold(_, _, bound, arguments) => {
            if let Some(patterns) = patterns(bound) {
                for body in arguments.iter_mut().skip(1) {
                    *body = tried(patterns.clone(), take(body));
                }
            }
        }
        _ => {}
    }
}

/// Takes out the patterns of alternatives; a variable for the whole value stays.
fn patterns<'s>(bound: &mut Pattern<&'s str>) -> Option<Vec<Pattern<&'s str>>> {
    match bound {
        Pattern::Arr(items) if matches!(items.first(), Some(Pattern::Var(MARK))) => {
            let patterns = items.split_off(1);
            *bound = Pattern::Var(VALUE);
            Some(patterns)
        }
        _ => None,
    }
}

/// The body with each pattern in turn.
fn tried<'s>(patterns: Vec<Pattern<&'s str>>, body: Term<&'s str>) -> Term<&'s str> {
    let mut all = Vec::new();
    patterns.iter().for_each(|pattern| variables(pattern, &mut all));
    let bound = Pattern::Arr(all.iter().map(|name| Pattern::Var(*name)).collect());
    let body = bind(Term::Call(VARIABLES, Vec::new()), bound, body);
    let attempts = patterns.into_iter().map(|pattern| {
        let mut own = Vec::new();
        variables(&pattern, &mut own);
        let values = all.iter().map(|name| match own.contains(name) {
            true => Term::Var(*name),
            false => null(),
        });
        let values = values
            .reduce(|left, right| Term::BinOp(Box::new(left), BinaryOp::Comma, Box::new(right)));
        let call = Term::Call(BODY, vec![Term::Arr(values.map(Box::new))]);
        bind(Term::Var(VALUE), pattern, call)
    });
    let mut attempts: Vec<Term<&str>> = attempts.collect();
    let mut tried = attempts.pop().unwrap_or_default();
    for attempt in attempts.into_iter().rev() {
        let rest = replace(&mut tried, Term::Id);
        tried = Term::Call(OR_ELSE, vec![attempt, rest]);
    }
    let body = Def { name: BODY, args: vec![VARIABLES], body };
    Term::Def(vec![body], Box::new(tried))
}

fn bind<'s>(value: Term<&'s str>, pattern: Pattern<&'s str>, body: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(value), BinaryOp::Pipe(Some(pattern)), Box::new(body))
}

/// `[][0]`, which is null even where `null` is something else.
fn null<'s>() -> Term<&'s str> {
    Term::Path(Box::new(Term::Arr(None)), Part::Index(Term::Num("0")).into())
}

/// Adds the variables that a pattern binds, each once.
fn variables<'s>(pattern: &Pattern<&'s str>, all: &mut Vec<&'s str>) {
    match pattern {
        Pattern::Var(name) if all.contains(name) => {}
        Pattern::Var(name) => all.push(*name),
        Pattern::Arr(items) => items.iter().for_each(|item| variables(item, all)),
        Pattern::Obj(entries) => entries.iter().for_each(|(_, inside)| variables(inside, all)),
    }
}

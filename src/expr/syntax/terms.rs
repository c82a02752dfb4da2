//! A look at syntax trees: what is below a term, and what is written out in it.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

use super::{Fault, span_of};

/// A regular expression that is written out in an expression.
pub(in crate::expr) struct Literal<'s> {
    /// A part of the expression that is inside the literal.
    pub(in crate::expr) place: &'s str,
    pub(in crate::expr) pattern: String,
    pub(in crate::expr) flags: String,
}

/// Finds the regular expressions that are written out, with their flags.
pub(in crate::expr) fn literals<'s>(term: &mut Term<&'s str>, found: &mut Vec<Literal<'s>>) {
    if let Term::Call(name, arguments) = term {
        let flags_at = match (*name, arguments.len()) {
            ("test" | "match" | "capture" | "scan" | "splits", 1 | 2) | ("split", 2) => Some(1),
            ("sub" | "gsub", 2 | 3) => Some(2),
            _ => None,
        };
        let flags = flags_at.map(|at| arguments.get(at).map_or(Some(""), bare));
        if let (Some(Some(flags)), Some(Term::Str(None, parts))) = (flags, arguments.first())
            && let Some((place, pattern)) = spelled_out(parts)
        {
            found.push(Literal { place, pattern, flags: flags.to_owned() });
        }
    }
    each_child(term, &mut |child| literals(child, found));
}

/// Visits a term and all that is below it, which comes first.
pub(super) fn each_term<'s>(term: &mut Term<&'s str>, visit: &mut dyn FnMut(&mut Term<&'s str>)) {
    each_child(term, &mut |child| each_term(child, visit));
    visit(term);
}

/// A key of an object or a pattern that is plainly something else than a string, if the term has
/// one.
pub(super) fn wrong_key<'s>(source: &str, term: &mut Term<&'s str>) -> Option<Fault> {
    let mut wrong = None;
    let mut look = |key: &Term<&'s str>| wrong = wrong.take().or_else(|| no_key(source, key));
    match term {
        Term::Obj(entries) => entries.iter().for_each(|(key, _)| look(key)),
        Term::BinOp(_, BinaryOp::Pipe(Some(bound)), _) | Term::Fold(_, _, bound, _) => {
            each_key(bound, &mut |key| look(key));
        }
        _ => {}
    }
    wrong
}

/// Why a term cannot be a key, if that is plain to see.
fn no_key(source: &str, key: &Term<&str>) -> Option<Fault> {
    let (span, what) = match key {
        Term::Num(number) => (span_of(source, number), *number),
        Term::Call(name @ ("true" | "false" | "null"), arguments) if arguments.is_empty() => {
            (span_of(source, name), *name)
        }
        Term::Arr(_) => (0..0, "an array"),
        Term::Obj(_) => (0..0, "an object"),
        _ => return None,
    };
    let remedy = Some("a key is a string, as in {\"a\": 1} or {(.b): 1}".to_owned());
    Some(Fault { span, why: format!("{what} cannot be the key of a field"), remedy })
}

/// A string without escapes or interpolation.
fn bare<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [] => Some(""),
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// A string without interpolation, and a part of it as it stands in the expression.
pub(in crate::expr) fn spelled_out<'s>(
    parts: &[StrPart<&'s str, Term<&'s str>>],
) -> Option<(&'s str, String)> {
    let mut place = None;
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(plain) => {
                place = place.or(Some(*plain));
                text.push_str(plain);
            }
            StrPart::Char(letter) => text.push(*letter),
            StrPart::Term(_) => return None,
        }
    }
    Some((place?, text))
}

/// Visits the terms right below a term.
pub(in crate::expr) fn each_child<'s>(
    term: &mut Term<&'s str>,
    visit: &mut dyn FnMut(&mut Term<&'s str>),
) {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    visit(term);
                }
            }
        }
        Term::Arr(inside) => inside.iter_mut().for_each(|inside| visit(inside)),
        Term::Neg(inside) | Term::Label(_, inside) => visit(inside),
        Term::Obj(entries) => {
            for (key, value) in entries {
                visit(key);
                value.iter_mut().for_each(&mut *visit);
            }
        }
        Term::BinOp(left, op, right) => {
            visit(left);
            if let BinaryOp::Pipe(Some(bound)) = op {
                each_key(bound, visit);
            }
            visit(right);
        }
        Term::Fold(_, over, bound, arguments) => {
            visit(over);
            each_key(bound, visit);
            arguments.iter_mut().for_each(visit);
        }
        Term::TryCatch(inside, catch) => {
            visit(inside);
            catch.iter_mut().for_each(|catch| visit(catch));
        }
        Term::IfThenElse(branches, otherwise) => {
            for (test, then) in branches {
                visit(test);
                visit(then);
            }
            otherwise.iter_mut().for_each(|otherwise| visit(otherwise));
        }
        Term::Def(defs, inside) => {
            defs.iter_mut().for_each(|def| visit(&mut def.body));
            visit(inside);
        }
        Term::Call(_, arguments) => arguments.iter_mut().for_each(visit),
        Term::Path(head, path) => {
            visit(head);
            for (part, _) in &mut path.0 {
                match part {
                    Part::Index(index) => visit(index),
                    Part::Range(from, to) => from.iter_mut().chain(to).for_each(&mut *visit),
                }
            }
        }
    }
}

/// Visits the keys of a pattern such as `{a: $x}`.
pub(in crate::expr) fn each_key<'s>(
    pattern: &mut Pattern<&'s str>,
    visit: &mut dyn FnMut(&mut Term<&'s str>),
) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(items) => items.iter_mut().for_each(|item| each_key(item, visit)),
        Pattern::Obj(entries) => {
            for (key, value) in entries {
                visit(key);
                each_key(value, visit);
            }
        }
    }
}

//! Changes to the syntax tree of the user's expression, before jaq compiles it.
//!
//! Wherever the expression can recurse by itself, it is made to look at the stack first. The meaning
//! stays.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

use super::natives::GUARD;

/// Changes an expression; returns how deep it nests.
pub(super) fn rewrite(term: &mut Term<&str>) -> usize {
    1 + children(term)
}

/// Changes what is inside a term; returns how deep the deepest of it nests.
fn children(term: &mut Term<&str>) -> usize {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) => 0,
        Term::Str(_, parts) => deepest(parts.iter_mut().map(|part| match part {
            StrPart::Term(term) => rewrite(term),
            StrPart::Str(_) | StrPart::Char(_) => 0,
        })),
        Term::Arr(inside) => inside.as_mut().map_or(0, |inside| rewrite(inside)),
        Term::Neg(inside) | Term::Label(_, inside) => rewrite(inside),
        Term::Obj(entries) => deepest(
            entries
                .iter_mut()
                .map(|(key, value)| rewrite(key).max(value.as_mut().map_or(0, rewrite))),
        ),
        Term::BinOp(left, op, right) => {
            let bound = match op {
                BinaryOp::Pipe(Some(bound)) => pattern(bound),
                _ => 0,
            };
            rewrite(left).max(bound).max(rewrite(right))
        }
        Term::Fold(_, over, bound, arguments) => {
            let depth = rewrite(over).max(pattern(bound));
            let depth = depth.max(deepest(arguments.iter_mut().map(rewrite)));
            // As a path, a fold recurses once for each thing it folds over.
            arguments.iter_mut().skip(1).for_each(guard);
            depth + 1
        }
        Term::TryCatch(inside, catch) => {
            rewrite(inside).max(catch.as_mut().map_or(0, |catch| rewrite(catch)))
        }
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches.iter_mut().map(|(test, then)| rewrite(test).max(rewrite(then)));
            let otherwise = otherwise.as_mut().map_or(0, |otherwise| rewrite(otherwise));
            deepest(branches).max(otherwise)
        }
        Term::Def(defs, inside) => {
            let depth = deepest(defs.iter_mut().map(|def| rewrite(&mut def.body)));
            defs.iter_mut().for_each(|def| guard(&mut def.body));
            (depth + 1).max(rewrite(inside))
        }
        Term::Call(_, arguments) => deepest(arguments.iter_mut().map(rewrite)),
        Term::Path(head, path) => {
            let steps = path.0.iter_mut().map(|(part, _)| match part {
                Part::Index(index) => rewrite(index),
                Part::Range(from, to) => deepest([from, to].into_iter().flatten().map(rewrite)),
            });
            deepest(steps).max(rewrite(head))
        }
    }
}

fn pattern(bound: &mut Pattern<&str>) -> usize {
    match bound {
        Pattern::Var(_) => 0,
        Pattern::Arr(items) => 1 + deepest(items.iter_mut().map(pattern)),
        Pattern::Obj(entries) => {
            let entries = entries.iter_mut().map(|(key, value)| rewrite(key).max(pattern(value)));
            1 + deepest(entries)
        }
    }
}

fn deepest(depths: impl Iterator<Item = usize>) -> usize {
    depths.max().unwrap_or(0)
}

/// `body` becomes `GUARD | body`.
fn guard(body: &mut Term<&str>) {
    let guard = Term::Call(GUARD, Vec::new());
    let inside = std::mem::take(body);
    *body = Term::BinOp(Box::new(guard), BinaryOp::Pipe(None), Box::new(inside));
}

//! In which order operands with several results are combined: in jq, the last one is the outermost
//! loop, and is evaluated first. What would have to be combined otherwise is bound to variables.

use std::mem::take;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part};

use super::rewrite::pipe;

/// Names that nobody can write in an expression.
const LEFT: &str = "$ left";
const RIGHT: &str = "$ right";
const INDEX: &str = "$ index";
const FROM: &str = "$ from";
const TO: &str = "$ to";

/// `l + r` becomes `r as $right | l as $left | $left + $right`.
pub(super) fn operands(term: &mut Term<&str>) {
    if let Term::BinOp(left, _, right) = term {
        let left = std::mem::replace(&mut **left, Term::Var(LEFT));
        let right = std::mem::replace(&mut **right, Term::Var(RIGHT));
        pipe(term, left, Some(Pattern::Var(LEFT)));
        pipe(term, right, Some(Pattern::Var(RIGHT)));
    }
}

/// Splits a string into sums of strings with one part each that may fail, or have several results
/// or none; `plain` says which do not. Returns how many sums there are.
pub(super) fn parts(term: &mut Term<&str>, plain: &[bool]) -> usize {
    let Term::Str(format, parts) = term else { return 0 };
    let several: Vec<usize> = (0..plain.len()).filter(|at| !plain[*at]).collect();
    let [_, cuts @ ..] = several.as_slice() else { return 0 };
    let format = *format;
    let mut rest: Vec<StrPart<&str, Term<&str>>> = take(parts);
    let mut strings = Vec::new();
    for cut in cuts.iter().rev() {
        strings.push(Term::Str(format, rest.split_off(*cut)));
    }
    let mut sum = Term::Str(format, rest);
    for string in strings.into_iter().rev() {
        sum = Term::BinOp(Box::new(sum), BinaryOp::Math(Math::Add), Box::new(string));
        operands(&mut sum);
    }
    *term = sum;
    cuts.len()
}

/// Splits an object in which entries may have several results or none into sums of objects, so that
/// one entry fails before the next is looked at; `single` says which entries have one result.
/// Returns how many sums there are. Of objects, the first entry is the outermost loop.
pub(super) fn entries(term: &mut Term<&str>, single: &[bool]) -> usize {
    let Term::Obj(entries) = term else { return 0 };
    let mut objects: Vec<Vec<_>> = Vec::new();
    let mut before = false;
    for (entry, single) in take(entries).into_iter().zip(single) {
        match objects.last_mut() {
            Some(object) if before && *single => object.push(entry),
            _ => objects.push(vec![entry]),
        }
        before = *single;
    }
    let sums = objects.len().saturating_sub(1);
    let mut objects = objects.into_iter().rev().map(Term::Obj);
    let mut sum = objects.next().unwrap_or(Term::Obj(Vec::new()));
    for object in objects {
        let both = (Box::new(Term::Var(LEFT)), Box::new(Term::Var(RIGHT)));
        let right =
            std::mem::replace(&mut sum, Term::BinOp(both.0, BinaryOp::Math(Math::Add), both.1));
        pipe(&mut sum, right, Some(Pattern::Var(RIGHT)));
        pipe(&mut sum, object, Some(Pattern::Var(LEFT)));
    }
    *term = sum;
    sums
}

/// Binds the indices of a path that may have several results, if there are several such indices,
/// or one after something that may have several results. Returns how many were bound.
pub(super) fn indices(term: &mut Term<&str>, head_single: bool, single: &[bool]) -> usize {
    let Term::Path(head, path) = term else { return 0 };
    let several: Vec<usize> = (0..single.len()).filter(|at| !single[*at]).collect();
    let bound = match several.as_slice() {
        bound if !head_single => bound,
        [_, bound @ ..] => bound,
        [] => return 0,
    };
    let mut rest = take(&mut path.0);
    let mut inner = Vec::new();
    for at in bound.iter().rev() {
        inner.push(rest.split_off(*at));
    }
    let mut made = take(&mut **head);
    if !rest.is_empty() {
        made = with_parts(made, rest);
    }
    for mut parts in inner.into_iter().rev() {
        let before = parts.first_mut().map(|(part, _)| variables(part)).unwrap_or_default();
        made = with_parts(made, parts);
        for (name, value) in before.into_iter().rev() {
            pipe(&mut made, value, Some(Pattern::Var(name)));
        }
    }
    *term = made;
    bound.len()
}

type Parts<'s> = Vec<(Part<Term<&'s str>>, Opt)>;

fn with_parts<'s>(head: Term<&'s str>, parts: Parts<'s>) -> Term<&'s str> {
    Term::Path(Box::new(head), jaq_core::path::Path(parts))
}

/// Puts variables in the place of what a part looks up; returns what they stand for, the outermost
/// first.
fn variables<'s>(part: &mut Part<Term<&'s str>>) -> Vec<(&'static str, Term<&'s str>)> {
    match part {
        Part::Index(index) => vec![(INDEX, std::mem::replace(index, Term::Var(INDEX)))],
        Part::Range(from, to) => {
            let bounds = [(FROM, from), (TO, to)];
            let taken = bounds.into_iter().filter_map(|(name, bound)| {
                let bound = bound.as_mut()?;
                Some((name, std::mem::replace(bound, Term::Var(name))))
            });
            taken.collect()
        }
    }
}

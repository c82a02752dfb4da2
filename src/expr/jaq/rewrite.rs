//! Changes to the syntax tree of the user's expression, before jaq compiles it, so that it means
//! what it means in jq where jaq means something else.
//!
//! - An update changes what is at the paths that its left side gives ([`super::updates`]), and the
//!   left side of `//` gives no paths to null and false there.
//! - The last result of a `reduce` or `foreach` step counts, or null if it has none.
//! - Of operands with several results or none, the right one is the outer loop
//!   ([`super::order`]).
//! - A parameter `$x` of a function can be called as `x`, too.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part};

use super::val::Val;
use super::val::routes::Step;
use super::{order, single, updates};
use crate::expr::syntax::alternatives::OR_ELSE;
use crate::expr::syntax::terms::{each_child, each_key, spelled_out};

/// A term as it is in the tree.
type Tree<'s> = Term<&'s str>;

/// jq's functions that give paths if the functions that they are given do.
const OF_PATHS: [&str; 13] = [
    "path", "del", "pick", "first", "last", "limit", "skip", "nth", "recurse", "repeat", "while",
    "until", OR_ELSE,
];

/// What is known of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How deep it nests.
    pub(super) depth: usize,
    /// Whether it surely has exactly one result, unless it fails.
    pub(super) single: bool,
    /// Whether it has exactly one result and never fails, and is evaluated at once.
    pub(super) plain: bool,
}

/// Changes an expression; returns how deep it nests then, and its routes, which it calls by these
/// numerals: 0, 1 and so on, one for each update.
pub(super) fn rewrite<'s>(term: &mut Tree<'s>, numerals: &'s [String]) -> (usize, Vec<Vec<Step>>) {
    let mut own = Vec::new();
    own_names(term, &mut own);
    let mut rewriter = Rewriter { own, numerals, routes: Vec::new() };
    (rewriter.term(term, false).depth, rewriter.routes)
}

/// The names of the functions that the expression defines, and of their parameters.
fn own_names<'s>(term: &mut Tree<'s>, names: &mut Vec<&'s str>) {
    if let Term::Def(defs, _) = term {
        for def in defs {
            names.push(def.name);
            names.extend(def.args.iter().map(|arg| arg.trim_start_matches('$')));
        }
    }
    each_child(term, &mut |child| own_names(child, names));
}

struct Rewriter<'s> {
    own: Vec<&'s str>,
    numerals: &'s [String],
    routes: Vec<Vec<Step>>,
}

impl<'s> Rewriter<'s> {
    /// Changes a term; `path` says whether its results may be wanted as paths.
    fn term(&mut self, term: &mut Tree<'s>, path: bool) -> Shape {
        match term {
            Term::BinOp(left, op, right) => {
                let (left, right) = self.operands(left, op, right, path);
                self.operation(term, left, right, path)
            }
            Term::Fold(..) => self.fold(term, path),
            Term::Path(..) => self.path(term, path),
            Term::Str(..) => self.string(term),
            Term::Def(defs, inside) => {
                let mut depth = 0;
                for def in defs {
                    depth = depth.max(self.definition(def));
                }
                let inside = self.term(inside, path);
                Shape { depth: depth.max(inside.depth) + 1, plain: false, ..inside }
            }
            Term::Call(name, arguments) => {
                let path = OF_PATHS.contains(name) || self.own.contains(name);
                let all = self.all(arguments.iter_mut(), path);
                let known = !self.own.contains(name);
                Shape::new(all.depth, known && single::call(name, all.single))
            }
            Term::TryCatch(inside, catch) => {
                let caught = catch.is_some();
                let inside = self.term(inside, path);
                let catch = self.all(catch.iter_mut().map(AsMut::as_mut), false);
                let depth = inside.depth.max(catch.depth - 1) + 1;
                Shape::new(depth, caught && inside.single && catch.single)
            }
            Term::IfThenElse(branches, otherwise) => {
                let (tests, thens) = branches.iter_mut().map(|(test, then)| (test, then)).unzip();
                let tests: Vec<&mut Tree<'s>> = tests;
                let mut thens: Vec<&mut Tree<'s>> = thens;
                thens.extend(otherwise.iter_mut().map(AsMut::as_mut));
                let tests = self.all(tests.into_iter(), false);
                let thens = self.all(thens.into_iter(), path);
                Shape::new(tests.depth.max(thens.depth), tests.single && thens.single)
            }
            Term::Label(_, inside) => Shape::several(self.term(inside, path).depth + 1),
            Term::Arr(inside) => {
                let inside = self.all(inside.iter_mut().map(AsMut::as_mut), false);
                Shape::new(inside.depth, true)
            }
            Term::Obj(_) => self.object(term),
            Term::Neg(inside) => {
                let inside = self.term(inside, false);
                Shape::new(inside.depth + 1, inside.single)
            }
            Term::Id | Term::Num(_) | Term::Var(_) => Shape { depth: 1, ..Shape::NONE },
            Term::Recurse | Term::Break(_) => Shape::several(1),
        }
    }

    /// Changes terms that stand beside each other.
    fn all<'t>(&mut self, terms: impl Iterator<Item = &'t mut Tree<'s>>, path: bool) -> Shape
    where
        's: 't,
    {
        let all = terms.fold(Shape::NONE, |all, term| all.and(self.term(term, path)));
        Shape::new(all.depth + 1, all.single)
    }

    fn operands(
        &mut self,
        left: &mut Tree<'s>,
        op: &mut BinaryOp<&'s str>,
        right: &mut Tree<'s>,
        path: bool,
    ) -> (Shape, Shape) {
        let (left_path, right_path) = match op {
            BinaryOp::Pipe(None) | BinaryOp::Comma | BinaryOp::Alt => (path, path),
            BinaryOp::Pipe(Some(_)) => (false, path),
            BinaryOp::Assign | BinaryOp::Update => (true, false),
            BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => (true, false),
            BinaryOp::Or | BinaryOp::And | BinaryOp::Math(_) | BinaryOp::Cmp(_) => (false, false),
        };
        let mut left = self.term(left, left_path);
        if let BinaryOp::Pipe(Some(bound)) = op {
            left = left.and(self.keys(bound));
        }
        (left, self.term(right, right_path))
    }

    fn keys(&mut self, bound: &mut Pattern<&'s str>) -> Shape {
        let mut all = Shape::NONE;
        each_key(bound, &mut |key| all = all.and(self.term(key, false)));
        all
    }

    /// A definition may be used for its paths.
    fn definition(&mut self, def: &mut Def<&'s str, Tree<'s>>) -> usize {
        let depth = self.term(&mut def.body, true).depth + 1;
        let called =
            |arg: &str| arg.strip_prefix('$').is_some_and(|name| calls(&mut def.body, name));
        if !def.args.clone().into_iter().any(called) {
            return depth;
        }
        // All of them, so that the first stays the outermost loop.
        for arg in def.args.iter_mut().rev() {
            if let Some(name) = arg.strip_prefix('$') {
                let variable = Pattern::Var(std::mem::replace(arg, name));
                pipe(&mut def.body, Term::Call(name, Vec::new()), Some(variable));
            }
        }
        depth + def.args.len()
    }

    fn fold(&mut self, term: &mut Tree<'s>, path: bool) -> Shape {
        let Term::Fold(name, over, bound, arguments) = term else {
            return Shape::several(1);
        };
        let over = self.term(over, false).and(self.keys(bound));
        let shapes: Vec<Shape> = arguments.iter_mut().map(|one| self.term(one, path)).collect();
        let [first, step] = [0, 1].map(|at| shapes.get(at).is_none_or(|shape| shape.single));
        let reduce = *name == "reduce";
        match arguments.as_mut_slice() {
            [_, update] if reduce && !step => {
                *update = Term::Call(updates::FINAL, vec![std::mem::take(update)]);
            }
            [init, update, rest @ ..] if !reduce && !step => {
                // The state is all results of the step before.
                pipe_into(init, Term::Arr(Some(Box::default())));
                let inside = std::mem::take(update);
                *update = Term::Arr(Some(Box::new(inside)));
                pipe(update, index(Term::Neg(Box::new(Term::Num("1")))), None);
                match rest.first_mut() {
                    Some(result) => pipe(result, items(), None),
                    None => arguments.push(items()),
                }
            }
            _ => {}
        }
        let deepest = shapes.iter().fold(over, |all, one| all.and(*one)).depth;
        Shape::new(deepest + 4, reduce && first)
    }

    fn path(&mut self, term: &mut Tree<'s>, path: bool) -> Shape {
        let Term::Path(head, parts) = term else { return Shape::several(1) };
        let head = self.term(head, path);
        let mut shapes = Vec::new();
        let (mut depth, mut single) = (head.depth, head.single);
        for (part, opt) in &mut parts.0 {
            let shape = match part {
                Part::Index(index) => self.term(index, false),
                Part::Range(None, None) => Shape::several(0),
                Part::Range(from, to) => self.all(from.iter_mut().chain(to), false),
            };
            depth = depth.max(shape.depth);
            single &= shape.single && matches!(opt, Opt::Essential);
            shapes.push(shape.single || matches!(part, Part::Range(None, None)));
        }
        // jaq recurses over the steps of a path, too.
        depth += parts.0.len();
        let bound = order::indices(term, head.single, &shapes);
        Shape::new(depth + 1 + 3 * bound, single)
    }

    fn object(&mut self, term: &mut Tree<'s>) -> Shape {
        let Term::Obj(entries) = term else { return Shape::several(1) };
        let mut all = Shape::NONE;
        let mut single = Vec::new();
        for (key, value) in entries {
            let shape = value
                .iter_mut()
                .fold(self.term(key, false), |shape, value| shape.and(self.term(value, false)));
            single.push(shape.single);
            all = all.and(shape);
        }
        let split = if all.single { 0 } else { order::entries(term, &single) };
        Shape::new(all.depth + 1 + 3 * split, all.single)
    }

    fn string(&mut self, term: &mut Tree<'s>) -> Shape {
        let Term::Str(_, parts) = term else { return Shape::several(1) };
        let mut all = Shape::NONE;
        let mut plain = Vec::new();
        for part in parts {
            let shape = match part {
                StrPart::Term(term) => self.term(term, false),
                _ => Shape::NONE,
            };
            plain.push(shape.plain);
            all = all.and(shape);
        }
        let split = if all.single { 0 } else { order::parts(term, &plain) };
        Shape { depth: all.depth + 1 + 3 * split, ..all }
    }

    /// Changes an operation whose operands are changed already.
    fn operation(&mut self, term: &mut Tree<'s>, left: Shape, right: Shape, path: bool) -> Shape {
        let Term::BinOp(left_term, op, right_term) = term else {
            return Shape::several(1);
        };
        let both = left.and(right);
        let depth = both.depth + 1;
        let (function, single) = match op {
            BinaryOp::Update if right.single => (updates::CHANGE, true),
            BinaryOp::Update => (updates::MODIFY, true),
            BinaryOp::Assign => (updates::ASSIGN, right.single),
            BinaryOp::UpdateAlt => (updates::DEFAULT, right.single),
            BinaryOp::UpdateMath(op) => (updates::arithmetic(*op), right.single),
            BinaryOp::Alt if path => {
                // As a path, jaq would take all of the left side if any of it is true.
                pipe_into(left_term, truthy());
                return Shape::new(depth + 2, both.single);
            }
            BinaryOp::Math(_) | BinaryOp::Cmp(_) if !both.single && !left.plain && !right.plain => {
                order::operands(term);
                return Shape::several(depth + 2);
            }
            BinaryOp::Comma => return Shape::several(depth),
            _ => return Shape::new(depth, both.single),
        };
        let left = std::mem::take(&mut **left_term);
        let right = std::mem::take(&mut **right_term);
        let numeral = self.numerals.get(self.routes.len());
        *term = match (function.along_route, numeral, route(&left)) {
            (Some(along_route), Some(numeral), Some(route)) => {
                self.routes.push(route);
                Term::Call(along_route, vec![Term::Num(numeral), right])
            }
            _ => Term::Call(function.of_paths, vec![left, right]),
        };
        Shape::new(depth, single)
    }
}

impl Shape {
    /// Of what is not there.
    const NONE: Shape = Shape { depth: 0, single: true, plain: true };

    fn new(depth: usize, single: bool) -> Shape {
        Shape { depth, single, plain: false }
    }

    /// Of what may have several results, or none.
    fn several(depth: usize) -> Shape {
        Shape::new(depth, false)
    }

    /// What is known of two terms together.
    fn and(self, other: Shape) -> Shape {
        Shape {
            depth: self.depth.max(other.depth),
            single: self.single && other.single,
            plain: self.plain && other.plain,
        }
    }
}

/// The route that a left side is, if it is one.
fn route(term: &Tree<'_>) -> Option<Vec<Step>> {
    let Term::Path(head, path) = term else {
        return matches!(term, Term::Id).then(Vec::new);
    };
    if !matches!(**head, Term::Id) {
        return None;
    }
    let step = |(part, opt): &(Part<Tree<'_>>, Opt)| match (part, opt) {
        (Part::Range(None, None), Opt::Essential) => Some(Step::Each),
        (Part::Index(Term::Str(None, parts)), Opt::Essential) => {
            spelled_out(parts).map(|(_, name)| Step::Field(Val::text(name)))
        }
        _ => None,
    };
    path.0.iter().map(step).collect()
}

/// `term` becomes `before | term`, or `before as $x | term`.
pub(super) fn pipe<'s>(term: &mut Tree<'s>, before: Tree<'s>, bound: Option<Pattern<&'s str>>) {
    let inside = std::mem::take(term);
    *term = Term::BinOp(Box::new(before), BinaryOp::Pipe(bound), Box::new(inside));
}

/// `term` becomes `term | after`.
fn pipe_into<'s>(term: &mut Tree<'s>, after: Tree<'s>) {
    let inside = std::mem::take(term);
    *term = Term::BinOp(Box::new(inside), BinaryOp::Pipe(None), Box::new(after));
}

/// `if . then . else empty end`.
fn truthy<'s>() -> Tree<'s> {
    let branch = (Term::Id, Term::Id);
    Term::IfThenElse(vec![branch], Some(Box::new(Term::Call("empty", Vec::new()))))
}

/// `.[index]`.
fn index<'s>(index: Tree<'s>) -> Tree<'s> {
    Term::Path(Box::new(Term::Id), Part::Index(index).into())
}

/// `.[]`.
fn items<'s>() -> Tree<'s> {
    Term::Path(Box::new(Term::Id), Part::Range(None, None).into())
}

/// Whether a function without arguments is called anywhere in a term.
fn calls(term: &mut Tree<'_>, name: &str) -> bool {
    let mut found = matches!(term, Term::Call(called, arguments)
        if *called == name && arguments.is_empty());
    if !found {
        each_child(term, &mut |child| found = found || calls(child, name));
    }
    found
}

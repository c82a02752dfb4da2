//! Updates, and what else works on paths.
//!
//! As in jq, the left side of an update gives paths, all of them of the value as it came; then the
//! values at these paths are changed, one after the other. jaq itself takes the left side apart
//! instead, which changes what a condition on the left side has not let through. Therefore the
//! expression is rewritten to call these functions. A left side that is spelled out is walked along
//! ([`super::val::routes`]), which comes to the same.

use std::mem::take;
use std::ops::{Add, Div, Mul, Rem, Sub};
use std::sync::Arc;

use jaq_core::box_iter::box_once;
use jaq_core::compile::TermId;
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Bind, Ctx, Cv, Exn, Native, RunPtr, ValT, ValX, ValXs};

use super::data::Kind;
use super::val::errors::{not_iterable, plain};
use super::val::paths::{Change, change_path, delete_paths, get_path, set_path};
use super::val::routes::change_along;
use super::val::{Error, Number, Val, ValR};
use crate::expr::meter;
use crate::expr::syntax::alternatives::OR_ELSE;

/// The functions for a kind of update. The first argument says what is changed: that of the one is
/// the left side, for its paths; that of the other is the number of a route of the expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub(super) of_paths: &'static str,
    pub(super) along_route: Option<&'static str>,
}

/// `paths |= f` where `f` has exactly one result.
pub(super) const CHANGE: Update = Update::new("__change", "__change_along");
/// `paths |= f`: the first result counts, and what has none is deleted.
pub(super) const MODIFY: Update = Update { of_paths: "__modify", along_route: None };
/// `paths = $value`.
pub(super) const ASSIGN: Update = Update::new("__assign", "__assign_along");
/// `paths //= $value`.
pub(super) const DEFAULT: Update = Update::new("__default", "__default_along");
const ADD: Update = Update::new("__add", "__add_along");
const SUBTRACT: Update = Update::new("__subtract", "__subtract_along");
const MULTIPLY: Update = Update::new("__multiply", "__multiply_along");
const DIVIDE: Update = Update::new("__divide", "__divide_along");
const MODULO: Update = Update::new("__modulo", "__modulo_along");

/// `FINAL(f)` is the last result of `f`, or null.
pub(super) const FINAL: &str = "__final";

/// What a path that was found takes, in bytes, at the least.
const PATH_BYTES: usize = 128;

/// The functions for `+=`, `-=`, `*=`, `/=` and `%=`.
pub(super) const fn arithmetic(op: jaq_core::ops::Math) -> Update {
    use jaq_core::ops::Math;
    match op {
        Math::Add => ADD,
        Math::Sub => SUBTRACT,
        Math::Mul => MULTIPLY,
        Math::Div => DIVIDE,
        Math::Rem => MODULO,
    }
}

/// The functions of this module.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    let fun = || Bind::<(), ()>::Fun(());
    let updates = [
        CHANGE.natives(fun(), change::<Paths>, change::<Route>),
        ASSIGN.natives(Bind::Var(()), assign::<Paths>, assign::<Route>),
        DEFAULT.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, or_given),
            |cv| calculate::<Route>(cv, or_given),
        ),
        ADD.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, Add::add),
            |cv| calculate::<Route>(cv, Add::add),
        ),
        SUBTRACT.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, Sub::sub),
            |cv| calculate::<Route>(cv, Sub::sub),
        ),
        MULTIPLY.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, Mul::mul),
            |cv| calculate::<Route>(cv, Mul::mul),
        ),
        DIVIDE.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, Div::div),
            |cv| calculate::<Route>(cv, Div::div),
        ),
        MODULO.natives(
            Bind::Var(()),
            |cv| calculate::<Paths>(cv, Rem::rem),
            |cv| calculate::<Route>(cv, Rem::rem),
        ),
    ];
    let others = [
        run::<Kind>((MODIFY.of_paths, [fun(), fun()].into(), modify)),
        run::<Kind>(("map_values", [fun()].into(), map_values)),
        run::<Kind>(("del", [fun()].into(), delete)),
        run(("delpaths", v(1), |cv| unary(cv, |value, paths| delete_all(value, &paths)))),
        run::<Kind>(("setpath", v(2), set)),
        ("getpath", v(1), get()),
        (FINAL, [fun()].into(), last()),
        (OR_ELSE, [fun(), fun()].into(), or_else()),
    ];
    updates.into_iter().flatten().chain(others)
}

impl Update {
    const fn new(of_paths: &'static str, along_route: &'static str) -> Update {
        Update { of_paths, along_route: Some(along_route) }
    }

    /// Its functions; `second` is the kind of their second argument.
    fn natives(
        self,
        second: Bind<()>,
        of_paths: RunPtr<Kind>,
        along_route: RunPtr<Kind>,
    ) -> impl Iterator<Item = Fun<Kind>> {
        let of_paths =
            run::<Kind>((self.of_paths, [Bind::Fun(()), second.clone()].into(), of_paths));
        let along_route = self
            .along_route
            .map(|name| run::<Kind>((name, [Bind::Var(()), second].into(), along_route)));
        [of_paths].into_iter().chain(along_route)
    }
}

/// A function that is given as an argument, with what it was defined in.
type Closure<'a> = (TermId, Ctx<'a, Kind>);

/// Gives each path of `value` that `paths` finds to `visit`, and the value, which it may change.
fn along<'a>(
    (paths, context): Closure<'a>,
    mut value: Val,
    mut visit: impl FnMut(&mut Val, &[Val]) -> Result<(), Exn<'a, Val>>,
) -> ValX<'a, Val> {
    let found = paths.paths((context, (value.clone(), Default::default())));
    // All are found before the first change. Only then is the value no longer shared, so that it
    // can be changed in place.
    let mut all = Vec::new();
    let gathered: Result<(), Exn<'a, Val>> = found.into_iter().try_for_each(|one| {
        all.push(one?.1);
        meter::hold(PATH_BYTES);
        Ok(())
    });
    meter::release(all.len() * PATH_BYTES);
    gathered?;
    let mut steps = Vec::new();
    for path in all {
        steps.clear();
        steps.extend(path.iter().cloned());
        steps.reverse();
        visit(&mut value, &steps)?;
    }
    Ok(value)
}

/// The left side of an update.
trait Left {
    /// Takes it from the context, and changes what it leads to in the value.
    fn update<'a>(cv: Cv<'a, Kind>, change: &mut Change<'_, Exn<'a, Val>>) -> ValX<'a, Val>;
}

/// Any left side.
struct Paths;
/// One that is spelled out.
struct Route;

impl Left for Paths {
    fn update<'a>(
        (mut context, value): Cv<'a, Kind>,
        change: &mut Change<'_, Exn<'a, Val>>,
    ) -> ValX<'a, Val> {
        along(context.pop_fun(), value, |value, steps| change_path(value, steps, change))
    }
}

impl Left for Route {
    fn update<'a>(
        (mut context, mut value): Cv<'a, Kind>,
        change: &mut Change<'_, Exn<'a, Val>>,
    ) -> ValX<'a, Val> {
        let number = context.pop_var().number().and_then(Number::as_int);
        let number = number.and_then(|number| usize::try_from(number).ok());
        let route = number.and_then(|number| context.data().expression.routes.get(number));
        let route = route.ok_or_else(|| Error::str("an update has no left side"))?;
        change_along(&mut value, route, change)?;
        Ok(value)
    }
}

fn change<'a, L: Left>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let (f, context) = cv.0.pop_fun();
    let mut change = |place: &mut Val| {
        *place = f.run((context.clone(), take(place))).next().transpose()?.unwrap_or_default();
        Ok(true)
    };
    box_once(L::update(cv, &mut change))
}

/// The first result of the argument for each item or field; what has none is deleted.
fn map_values<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let (f, context) = cv.0.pop_fun();
    let mut value = cv.1;
    let mut failed = None;
    let mut keep = |place: &mut Val| {
        if failed.is_some() {
            return true;
        }
        let new = f.run((context.clone(), take(place))).next();
        let is_there = new.is_some();
        match new.transpose() {
            Ok(new) => *place = new.unwrap_or_default(),
            Err(error) => failed = Some(error),
        }
        is_there
    };
    match &mut value {
        Val::Arr(items) => Arc::make_mut(items).change(|items| items.retain_mut(keep)),
        Val::Obj(fields) => {
            Arc::make_mut(fields).change(|fields| fields.retain(|_, field| keep(field)));
        }
        _ => return box_once(Err(Exn::from(not_iterable(&value)))),
    }
    box_once(failed.map_or(Ok(value), Err))
}

fn modify<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let (f, context) = cv.0.pop_fun();
    let paths = cv.0.pop_fun();
    let mut gone: Vec<Vec<Val>> = Vec::new();
    let changed = along(paths, cv.1, |value, steps| {
        let mut change = |place: &mut Val| match f.run((context.clone(), place.clone())).next() {
            Some(new) => {
                *place = new?;
                Ok(true)
            }
            None => {
                gone.push(steps.to_vec());
                Ok(false)
            }
        };
        change_path(value, steps, &mut change)
    });
    box_once(changed.and_then(|mut value| {
        delete_paths(&mut value, gone.iter().map(Vec::as_slice))?;
        Ok(value)
    }))
}

fn assign<'a, L: Left>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let new = cv.0.pop_var();
    let mut change = |place: &mut Val| {
        *place = new.clone();
        Ok(true)
    };
    box_once(L::update(cv, &mut change))
}

/// Changes what is at each place by a calculation with the argument.
fn calculate<'a, L: Left>(mut cv: Cv<'a, Kind>, f: fn(Val, Val) -> ValR) -> ValXs<'a, Val> {
    let right = cv.0.pop_var();
    let mut change = |place: &mut Val| {
        *place = f(take(place), right.clone())?;
        Ok(true)
    };
    box_once(L::update(cv, &mut change))
}

fn or_given(old: Val, given: Val) -> ValR {
    Ok(if old.as_bool() { old } else { given })
}

fn delete<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let paths = cv.0.pop_fun();
    let mut gone: Vec<Vec<Val>> = Vec::new();
    let visited = along(paths, cv.1, |_, steps| {
        gone.push(steps.to_vec());
        Ok(())
    });
    box_once(visited.and_then(|mut value| {
        delete_paths(&mut value, gone.iter().map(Vec::as_slice))?;
        Ok(value)
    }))
}

fn delete_all(mut value: Val, paths: &Val) -> ValR {
    let Val::Arr(paths) = paths else {
        return Err(plain("Paths must be specified as an array"));
    };
    let paths: Result<Vec<&[Val]>, Error> = paths.iter().map(path).collect();
    delete_paths(&mut value, paths?.into_iter())?;
    Ok(value)
}

fn set<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let new = cv.0.pop_var();
    let steps = cv.0.pop_var();
    let mut value = cv.1;
    let set = steps_of(&steps).map_err(Exn::from);
    let set = set.and_then(|steps| set_path(&mut value, steps, &new));
    box_once(set.map(|()| value))
}

fn get() -> Native<Kind> {
    Native::<Kind>::new(|mut cv| {
        let steps = cv.0.pop_var();
        bome(steps_of(&steps).and_then(|steps| get_path(cv.1, steps)))
    })
    .with_paths(|mut cv| {
        let steps = cv.0.pop_var();
        let (value, before) = cv.1;
        let found = steps_of(&steps)
            .and_then(|steps| Ok((get_path(value, steps)?, before.extend(steps.iter().cloned()))));
        box_once(found.map_err(Exn::from))
    })
}

/// A path of those that are to be deleted.
fn path(value: &Val) -> Result<&[Val], Error> {
    let why = || format!("Path must be specified as array, not {}", value.kind());
    steps_of(value).map_err(|_| Error::str(why()))
}

/// A path that is an array of steps.
fn steps_of(value: &Val) -> Result<&[Val], Error> {
    match value {
        Val::Arr(steps) => Ok(steps),
        _ => Err(plain("Path must be specified as an array")),
    }
}

fn last() -> Native<Kind> {
    Native::<Kind>::new(|mut cv| {
        let (f, context) = cv.0.pop_fun();
        let last = f.run((context, cv.1)).try_fold(Val::Null, |_, result| result);
        box_once(last)
    })
    .with_paths(|mut cv| {
        let (f, context) = cv.0.pop_fun();
        let none = Exn::from(Error::path_expr(Val::Null));
        box_once(
            f.paths((context, cv.1))
                .try_fold(None, |_, found| found.map(Some))
                .and_then(|last| last.ok_or(none)),
        )
    })
}

/// The results of one function up to where it fails, and then those of another.
fn or_else() -> Native<Kind> {
    Native::<Kind>::new(|mut cv| {
        let (other, other_context) = cv.0.pop_fun();
        let (one, context) = cv.0.pop_fun();
        let value = cv.1.clone();
        let results = one.run((context, cv.1));
        Box::new(UntilFailed { results, other: Some(move || other.run((other_context, value))) })
    })
    .with_paths(|mut cv| {
        let (other, other_context) = cv.0.pop_fun();
        let (one, context) = cv.0.pop_fun();
        let value = cv.1.clone();
        let results = one.paths((context, cv.1));
        Box::new(UntilFailed { results, other: Some(move || other.paths((other_context, value))) })
    })
}

/// Results up to an error, and then others.
struct UntilFailed<R, F> {
    results: R,
    other: Option<F>,
}

impl<'a, T, R, F> Iterator for UntilFailed<R, F>
where
    R: Iterator<Item = Result<T, Exn<'a, Val>>>,
    F: FnOnce() -> R,
{
    type Item = Result<T, Exn<'a, Val>>;

    fn next(&mut self) -> Option<Self::Item> {
        let failed = match self.results.next()? {
            Ok(result) => return Some(Ok(result)),
            Err(failed) => failed,
        };
        match (failed.get_err(), self.other.take()) {
            (Ok(_), Some(other)) => {
                self.results = other();
                self.results.next()
            }
            (Ok(error), None) => Some(Err(error.into())),
            (Err(exception), _) => Some(Err(exception)),
        }
    }
}

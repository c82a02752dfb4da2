//! `range`, which in jaq runs without end over what is not a number.

use std::iter::from_fn;

use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, run, v};
use jaq_core::{Cv, Exn, ValXs};

use super::data::Kind;
use super::val::errors::plain;
use super::val::{Number, Val};
use crate::expr::meter;

/// `range($from; $to; $by)`; the others are made of it.
pub(super) fn native() -> Fun<Kind> {
    run(("range", v(3), |cv| range(cv)))
}

fn range<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
    let mut bounds = [Number::Int(0); 3];
    for (bound, value) in bounds.iter_mut().zip([&from, &to, &by]) {
        match value.number() {
            Some(number) => *bound = number,
            None => return box_once(Err(Exn::from(plain("Range bounds must be numeric")))),
        }
    }
    match bounds {
        [Number::Int(from), Number::Int(to), Number::Int(by)] => integers(from, to, by),
        [Number::Int(from), Number::Float(to), Number::Int(by)] if !to.is_nan() => {
            let to = if by > 0 { to.ceil() } else { to.floor() };
            integers(from, to as i64, by)
        }
        _ => floats(bounds.map(Number::as_f64)),
    }
}

fn integers<'a>(from: i64, to: i64, by: i64) -> ValXs<'a, Val> {
    let mut next = Some(from);
    Box::new(from_fn(move || {
        meter::step();
        let now = next.filter(|now| if by > 0 { *now < to } else { by < 0 && *now > to })?;
        next = now.checked_add(by);
        Some(Ok(Val::Int(now)))
    }))
}

fn floats<'a>([mut next, to, by]: [f64; 3]) -> ValXs<'a, Val> {
    Box::new(from_fn(move || {
        meter::step();
        let goes_on = if by > 0.0 { next < to } else { by < 0.0 && next > to };
        let now = next;
        next += by;
        goes_on.then_some(Ok(Val::Float(now)))
    }))
}

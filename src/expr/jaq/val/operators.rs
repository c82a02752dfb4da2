//! jq's arithmetic, on values of all types.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::sync::Arc;

use jaq_core::ops::Math;

use super::number::Number;
use super::text::TEXT_BYTES_MAX;
use super::{Error, Map, Text, Val, ValR};

/// A calculation on integers, and on doubles where integers of 64 bits do not hold the result.
fn calculate(
    left: &Val,
    right: &Val,
    exact: fn(i64, i64) -> Option<i64>,
    rough: fn(f64, f64) -> f64,
) -> Option<Val> {
    let (left, right) = (left.number()?, right.number()?);
    if let (Number::Int(left), Number::Int(right)) = (left, right)
        && let Some(result) = exact(left, right)
    {
        return Some(Val::Int(result));
    }
    Some(Val::Float(rough(left.as_f64(), right.as_f64())))
}

fn too_long() -> Error {
    Error::str(format_args!("a string would be longer than {TEXT_BYTES_MAX} bytes"))
}

impl Add for Val {
    type Output = ValR;

    fn add(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Null, other) | (other, Val::Null) => Ok(other),
            (Val::Text(left), Val::Text(right)) => {
                if left.len() + right.len() > TEXT_BYTES_MAX {
                    return Err(too_long());
                }
                let mut both = left.into_string();
                both.push_str(&right);
                Ok(Val::text(both))
            }
            (Val::Arr(mut left), Val::Arr(right)) => {
                Arc::make_mut(&mut left).extend(right.iter().cloned());
                Ok(Val::Arr(left))
            }
            (Val::Obj(mut left), Val::Obj(right)) => {
                Arc::make_mut(&mut left).extend(Arc::unwrap_or_clone(right));
                Ok(Val::Obj(left))
            }
            (left, right) => calculate(&left, &right, i64::checked_add, Add::add)
                .ok_or_else(|| Error::math(left, Math::Add, right)),
        }
    }
}

impl Sub for Val {
    type Output = ValR;

    fn sub(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Arr(mut left), Val::Arr(right)) => {
                let mut gone: Vec<&Val> = right.iter().collect();
                gone.sort();
                Arc::make_mut(&mut left).retain(|item| gone.binary_search(&item).is_err());
                Ok(Val::Arr(left))
            }
            (left, right) => calculate(&left, &right, i64::checked_sub, Sub::sub)
                .ok_or_else(|| Error::math(left, Math::Sub, right)),
        }
    }
}

impl Mul for Val {
    type Output = ValR;

    fn mul(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Obj(mut left), Val::Obj(right)) => {
                merge(Arc::make_mut(&mut left), &right);
                Ok(Val::Obj(left))
            }
            (Val::Text(text), count) | (count, Val::Text(text)) if count.number().is_some() => {
                repeat(&text, count.number().map_or(0.0, Number::as_f64))
            }
            (left, right) => calculate(&left, &right, i64::checked_mul, Mul::mul)
                .ok_or_else(|| Error::math(left, Math::Mul, right)),
        }
    }
}

/// Objects inside objects are merged, too.
fn merge(left: &mut Map, right: &Map) {
    for (key, value) in right {
        match (left.get_mut(key), value) {
            (Some(Val::Obj(left)), Val::Obj(right)) => merge(Arc::make_mut(left), right),
            (Some(place), value) => *place = value.clone(),
            (None, value) => drop(left.insert(key.clone(), value.clone())),
        }
    }
}

/// Zero times, or fewer, gives null; a part of a time counts as one.
fn repeat(text: &Text, count: f64) -> ValR {
    if count.is_nan() || count <= 0.0 {
        return Ok(Val::Null);
    }
    let count = (count as usize).max(1);
    match text.len().checked_mul(count) {
        Some(bytes) if bytes <= TEXT_BYTES_MAX => Ok(Val::text(text.repeat(count))),
        _ => Err(too_long()),
    }
}

impl Div for Val {
    type Output = ValR;

    fn div(self, other: Val) -> ValR {
        if let (Val::Text(text), Val::Text(separator)) = (&self, &other) {
            return Ok(split(text, separator));
        }
        let exact = |left: i64, right: i64| match left.checked_rem(right) {
            Some(0) => left.checked_div(right),
            _ => None,
        };
        match other.number() {
            Some(divisor) if divisor.as_f64() == 0.0 && self.number().is_some() => {
                Err(Error::str(format_args!("{self} cannot be divided by zero")))
            }
            _ => calculate(&self, &other, exact, Div::div)
                .ok_or_else(|| Error::math(self, Math::Div, other)),
        }
    }
}

fn split(text: &Text, separator: &str) -> Val {
    let part = |part: &str| Val::Text(text.part(part.as_bytes()));
    if text.is_empty() {
        Val::from_iter([])
    } else if separator.is_empty() {
        let letter = |(at, c): (usize, char)| text.get(at..at + c.len_utf8()).map(part);
        text.char_indices().filter_map(letter).collect()
    } else {
        text.split(separator).map(part).collect()
    }
}

impl Rem for Val {
    type Output = ValR;

    /// On the integer parts; the sign is the dividend's.
    fn rem(self, other: Val) -> ValR {
        let (Some(dividend), Some(divisor)) = (self.number(), other.number()) else {
            return Err(Error::math(self, Math::Rem, other));
        };
        if dividend.as_f64().is_nan() || divisor.as_f64().is_nan() {
            return Ok(Val::Float(f64::NAN));
        }
        match divisor.truncated() {
            0 => Err(Error::str(format_args!("{self} cannot be divided by zero"))),
            divisor => Ok(Val::Int(dividend.truncated().checked_rem(divisor).unwrap_or(0))),
        }
    }
}

impl Neg for Val {
    type Output = ValR;

    fn neg(self) -> ValR {
        match self {
            Val::Int(int) => Ok(int.checked_neg().map_or(Val::Float(-(int as f64)), Val::Int)),
            Val::Float(float) => Ok(Val::Float(-float)),
            Val::Spelled(spelled) => Ok(Val::Spelled(match spelled.strip_prefix('-') {
                Some(positive) => spelled.part(positive.as_bytes()),
                None => Text::from(format!("-{}", spelled.as_str())),
            })),
            other => Err(Error::str(format_args!("{other} cannot be negated"))),
        }
    }
}

//! jq's arithmetic, on values of all types.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::sync::Arc;

use jaq_core::ops::Math;

use super::held::Held;
use super::number::Number;
use super::text::TEXT_BYTES_MAX;
use super::{Error, Map, Text, Val, ValR, errors};
use crate::expr::{arithmetic, meter};

/// A calculation on numbers; none if one of them is something else.
fn calculate(left: &Val, op: Math, right: &Val) -> Option<ValR> {
    let (left_number, right_number) = (left.number()?, right.number()?);
    let result = arithmetic::calculate(left_number, op, right_number);
    let why = || errors::unfit_both(left, right, by_zero(op));
    Some(result.map(Val::from).ok_or_else(why))
}

/// Why a number has no quotient or remainder.
fn by_zero(op: Math) -> &'static str {
    match op {
        Math::Rem => "cannot be divided (remainder) because the divisor is zero",
        _ => "cannot be divided because the divisor is zero",
    }
}

fn too_long() -> Error {
    Error::str(format_args!("a string would be longer than {TEXT_BYTES_MAX} bytes"))
}

impl Text {
    /// Adds the string to one that is being made.
    ///
    /// # Errors
    /// When that would become too long.
    pub(in crate::expr::jaq) fn add_to(&self, made: &mut Held<String>) -> Result<(), Error> {
        if made.len() + self.len() > TEXT_BYTES_MAX {
            return Err(too_long());
        }
        made.push_str(self);
        Ok(())
    }
}

impl Add for Val {
    type Output = ValR;

    fn add(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Null, other) | (other, Val::Null) => Ok(other),
            (Val::Text(mut left), Val::Text(right)) => {
                if left.len() + right.len() > TEXT_BYTES_MAX {
                    return Err(too_long());
                }
                left.push_str(&right);
                Ok(Val::Text(left))
            }
            (Val::Arr(mut left), Val::Arr(right)) => {
                Arc::make_mut(&mut left).extend(&right);
                Ok(Val::Arr(left))
            }
            (Val::Obj(mut left), Val::Obj(right)) => {
                meter::items(right.len());
                Arc::make_mut(&mut left).change(|left| left.extend(Arc::unwrap_or_clone(right)));
                Ok(Val::Obj(left))
            }
            (left, right) => calculate(&left, Math::Add, &right)
                .unwrap_or_else(|| Err(errors::unfit_both(&left, &right, "cannot be added"))),
        }
    }
}

impl Sub for Val {
    type Output = ValR;

    fn sub(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Arr(mut left), Val::Arr(right)) => {
                meter::sorting(left.len().saturating_add(right.len()));
                let mut gone: Vec<&Val> = right.iter().collect();
                gone.sort();
                let stays = |item: &Val| gone.binary_search(&item).is_err();
                Arc::make_mut(&mut left).change(|left| left.retain(stays));
                Ok(Val::Arr(left))
            }
            (left, right) => calculate(&left, Math::Sub, &right)
                .unwrap_or_else(|| Err(errors::unfit_both(&left, &right, "cannot be subtracted"))),
        }
    }
}

impl Mul for Val {
    type Output = ValR;

    fn mul(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Obj(mut left), Val::Obj(right)) => {
                Arc::make_mut(&mut left).change(|left| merge(left, &right));
                Ok(Val::Obj(left))
            }
            (Val::Text(text), count) | (count, Val::Text(text)) if count.number().is_some() => {
                repeat(&text, count.number().map_or(0.0, Number::as_f64))
            }
            (left, right) => calculate(&left, Math::Mul, &right)
                .unwrap_or_else(|| Err(errors::unfit_both(&left, &right, "cannot be multiplied"))),
        }
    }
}

/// Objects inside objects are merged, too.
fn merge(left: &mut Map, right: &Map) {
    meter::step();
    meter::items(right.len());
    for (key, value) in right {
        match (left.get_mut(key), value) {
            (Some(Val::Obj(left)), Val::Obj(right)) => {
                Arc::make_mut(left).change(|left| merge(left, right));
            }
            (Some(place), value) => *place = value.clone(),
            (None, value) => drop(left.insert(key.clone(), value.clone())),
        }
    }
}

/// Fewer than zero times gives null; a part of a time does not count.
fn repeat(text: &Text, count: f64) -> ValR {
    if count.is_nan() || count < 0.0 {
        return Ok(Val::Null);
    }
    let count = count as usize;
    match text.len().checked_mul(count) {
        Some(bytes) if bytes <= TEXT_BYTES_MAX => {
            meter::room(bytes);
            Ok(Val::text(text.repeat(count)))
        }
        _ => Err(errors::plain("Repeat string result too long")),
    }
}

impl Div for Val {
    type Output = ValR;

    fn div(self, other: Val) -> ValR {
        if let (Val::Text(text), Val::Text(separator)) = (&self, &other) {
            return Ok(split(text, separator));
        }
        calculate(&self, Math::Div, &other)
            .unwrap_or_else(|| Err(errors::unfit_both(&self, &other, "cannot be divided")))
    }
}

fn split(text: &Text, separator: &str) -> Val {
    meter::work(text.len());
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

    fn rem(self, other: Val) -> ValR {
        calculate(&self, Math::Rem, &other).unwrap_or_else(|| {
            Err(errors::unfit_both(&self, &other, "cannot be divided (remainder)"))
        })
    }
}

impl Neg for Val {
    type Output = ValR;

    fn neg(self) -> ValR {
        match self {
            Val::Int(int) => Ok(int.checked_neg().map_or(Val::Float(-(int as f64)), Val::Int)),
            Val::Float(float) => Ok(Val::Float(-float)),
            Val::Literal(spelled) => Ok(Val::Literal(match spelled.strip_prefix('-') {
                Some(positive) => spelled.part(positive.as_bytes()),
                None => Text::from(format!("-{}", spelled.as_str())),
            })),
            other => Err(errors::unfit(&other, "cannot be negated")),
        }
    }
}

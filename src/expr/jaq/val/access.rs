//! What jaq does to values along a path: looking up, slicing, and the updates of its own
//! definitions. The updates of an expression are in [`super::paths`].
//!
//! Null stands for an empty object, array or string here, as in jq: looking something up in it
//! gives null, and updating something in it makes the object or array around it.

use std::ops::Range;
use std::sync::Arc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range as Bounds;
use jaq_core::{Exn, ValT, ValX};

use super::number::{Number, parse_number};
use super::{Error, Map, Text, Val, ValR, ValR2, errors};
use crate::expr::meter;

/// The greatest index at which an array may grow, so that one number cannot take all memory.
const INDEX_MAX: i64 = (16 << 20) - 1;

/// Why a slice of an array cannot become something else.
pub(super) const NO_SLICE: &str = "A slice of an array can only be assigned another array";

impl ValT for Val {
    fn from_num(literal: &str) -> ValR {
        Ok(parse_number(literal, || Text::from(literal)))
    }

    fn from_map<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> ValR {
        let field = |(key, value)| Ok((field_key(key)?, value));
        entries.into_iter().map(field).collect::<Result<Map, _>>().map(Val::object)
    }

    fn key_values(self) -> BoxIter<'static, ValR2> {
        self.entries()
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        meter::step();
        match self {
            Val::Arr(items) => match Arc::try_unwrap(items) {
                Ok(items) => Box::new(items.into_iter().map(Ok)),
                Err(items) => {
                    Box::new((0..items.len()).map_while(move |at| items.get(at).cloned().map(Ok)))
                }
            },
            Val::Obj(fields) => match Arc::try_unwrap(fields) {
                Ok(fields) => Box::new(fields.into_inner().into_values().map(Ok)),
                Err(fields) => {
                    let field = move |at| fields.get_index(at).map(|(_, value)| Ok(value.clone()));
                    Box::new((0..).map_while(field))
                }
            },
            other => box_once(Err(errors::not_iterable(&other))),
        }
    }

    fn index(self, index: &Val) -> ValR {
        match (&self, index) {
            (Val::Null, Val::Text(_) | Val::Obj(_)) => Ok(Val::Null),
            (Val::Null, index) if index.number().is_some() => Ok(Val::Null),
            (Val::Obj(fields), Val::Text(key)) => {
                meter::work(key.len());
                Ok(fields.get(key).cloned().unwrap_or_default())
            }
            (Val::Arr(_) | Val::Text(_), Val::Obj(bounds)) => {
                self.clone().range(bounds.get("start")..bounds.get("end"))
            }
            (Val::Arr(items), Val::Arr(part)) => Ok(indices(items, part).collect()),
            (Val::Arr(items), index) if let Some(index) = index.number() => {
                let at = place(index, items.len());
                Ok(at.and_then(|at| items.get(at)).cloned().unwrap_or_default())
            }
            _ => Err(errors::no_index(&self, index)),
        }
    }

    fn range(self, bounds: Bounds<&Val>) -> ValR {
        match self {
            Val::Null => Ok(Val::Null),
            Val::Arr(items) => {
                let range = slice(&bounds, items.len())?;
                Ok(items.get(range).unwrap_or_default().iter().cloned().collect())
            }
            Val::Text(text) => {
                meter::work(text.len());
                let range = slice(&bounds, text.chars().count())?;
                let mut ends = text.char_indices().map(|(at, _)| at).skip(range.start);
                let start = ends.next().unwrap_or(text.len());
                let end = match range.len() {
                    0 => start,
                    chars => ends.nth(chars - 1).unwrap_or(text.len()),
                };
                let part = text.as_bytes().get(start..end).unwrap_or_default();
                Ok(Val::Text(text.part(part)))
            }
            other => {
                let [start, end] = [bounds.start, bounds.end].map(|bound| bound.cloned());
                Err(errors::no_index(&other, &Val::from(start..end)))
            }
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        meter::step();
        match self {
            Val::Arr(items) => {
                Arc::unwrap_or_clone(items).into_iter().flat_map(f).collect::<ValX<'a, Val>>()
            }
            Val::Obj(fields) => {
                let fields = Arc::unwrap_or_clone(fields).into_iter();
                let fields = fields.filter_map(|(key, value)| {
                    f(value).next().map(|value| value.map(|value| (key, value)))
                });
                fields.collect::<Result<Map, Exn<'a, Val>>>().map(Val::object)
            }
            other => opt.fail(other, |other| Exn::from(errors::not_iterable(&other))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        index: &Val,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        meter::step();
        let updated = |old: Val| f(old).next().transpose();
        match (self, index) {
            (this @ (Val::Null | Val::Arr(_)), Val::Obj(bounds)) => {
                this.map_range(bounds.get("start")..bounds.get("end"), opt, f)
            }
            (Val::Null, Val::Text(key)) => Ok(match updated(Val::Null)? {
                Some(new) => Val::object([(key.clone(), new)].into_iter().collect()),
                None => Val::Null,
            }),
            (Val::Obj(mut fields), Val::Text(key)) => {
                let old = fields.get(key).cloned().unwrap_or_default();
                // Let go of what is replaced, so that what holds it last can change it in place.
                let fields_mut = Arc::make_mut(&mut fields);
                if let Some(place) = fields_mut.get_mut(key) {
                    *place = Val::Null;
                }
                let new = updated(old)?;
                if new.is_none() {
                    meter::items(fields_mut.len());
                }
                fields_mut.change(|fields| match new {
                    Some(new) => fields.insert(key.clone(), new),
                    None => fields.shift_remove(key),
                });
                Ok(Val::Obj(fields))
            }
            (Val::Null, at) if let Some(at) = at.number() => update_item(Vec::new(), at, updated)
                .map(|items| match items.is_empty() {
                    true => Val::Null,
                    false => Val::array(items),
                }),
            (Val::Arr(items), at) if let Some(at) = at.number() => {
                let items = update_item(Arc::unwrap_or_clone(items).into_inner(), at, updated)?;
                Ok(Val::array(items))
            }
            (other, index) => opt.fail(other, |other| Exn::from(errors::no_index(&other, index))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        bounds: Bounds<&Val>,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        let mut items = match self {
            Val::Null => Arc::default(),
            Val::Arr(items) => items,
            other => {
                let [start, end] = [bounds.start, bounds.end].map(|bound| bound.cloned());
                let part = Val::from(start..end);
                return opt.fail(other, |other| Exn::from(errors::no_update(&other, &part)));
            }
        };
        let range = slice(&bounds, items.len())?;
        let old = items.get(range.clone()).unwrap_or_default().iter().cloned().collect();
        let new = match f(old).next().transpose()? {
            Some(Val::Arr(new)) => new,
            None => Arc::default(),
            Some(_) => return Err(Exn::from(errors::plain(NO_SLICE))),
        };
        Arc::make_mut(&mut items).change(|items| drop(items.splice(range, new.iter().cloned())));
        Ok(Val::Arr(items))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    fn into_string(self) -> Val {
        match self {
            text @ Val::Text(_) => text,
            other => other.to_json(),
        }
    }
}

/// Updates one item; the array grows to reach it.
fn update_item<'a>(
    mut items: Vec<Val>,
    index: Number,
    updated: impl FnOnce(Val) -> Result<Option<Val>, Exn<'a, Val>>,
) -> Result<Vec<Val>, Exn<'a, Val>> {
    let at = growing_place(index, items.len()).map_err(Exn::from)?;
    let old = items.get_mut(at).map(std::mem::take);
    let absent = old.is_none();
    match updated(old.unwrap_or_default())? {
        Some(new) => {
            if absent {
                meter::room((at + 1 - items.len()) * size_of::<Val>());
                items.resize(at + 1, Val::Null);
            }
            if let Some(place) = items.get_mut(at) {
                *place = new;
            }
        }
        None if absent => {}
        None => {
            meter::items(items.len());
            drop(items.remove(at));
        }
    }
    Ok(items)
}

/// Where an index points in something of this length; none before its start. Fractions count down,
/// negative indices from the end.
pub(super) fn place(index: Number, len: usize) -> Option<usize> {
    let index = match index {
        Number::Int(index) => index,
        Number::Float(index) if index.is_nan() => return None,
        Number::Float(index) => index.floor() as i64,
    };
    match usize::try_from(index) {
        Ok(at) => Some(at),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// Where an index points in an array that grows to reach it.
///
/// # Errors
/// When it is before the start, too large, or not a number.
pub(super) fn growing_place(index: Number, len: usize) -> Result<usize, Error> {
    match place(index, len) {
        Some(at) if i64::try_from(at).is_ok_and(|at| at <= INDEX_MAX) => Ok(at),
        Some(_) => Err(errors::plain("Array index too large")),
        None if index.as_f64() < 0.0 => Err(errors::plain("Out of bounds negative array index")),
        None => Err(errors::plain("Cannot set array element at NaN index")),
    }
}

/// The range that a slice names in something of this length: the start is rounded down, the end up,
/// and both are kept inside.
pub(super) fn slice(bounds: &Bounds<&Val>, len: usize) -> Result<Range<usize>, Error> {
    let bound = |bound: Option<&Val>, otherwise: usize, round: fn(f64) -> f64| {
        let number = match bound {
            None | Some(Val::Null) => return Ok(otherwise),
            Some(bound) => bound
                .number()
                .ok_or_else(|| errors::plain("Array/string slice indices must be integers"))?,
        };
        let rounded = match number {
            Number::Float(float) if float.is_nan() => return Ok(otherwise),
            Number::Float(float) => Number::Float(round(float)),
            int => int,
        };
        Ok(place(rounded, len).unwrap_or(0).min(len))
    };
    let start = bound(bounds.start, 0, f64::floor)?;
    let end = bound(bounds.end, len, f64::ceil)?;
    Ok(start..end.max(start))
}

/// Where `part` begins in `items`.
pub(super) fn indices<'a>(items: &'a [Val], part: &'a [Val]) -> impl Iterator<Item = Val> + 'a {
    meter::items(items.len());
    let windows = items.windows(part.len().max(1)).enumerate();
    let is_part = move |window: &[Val]| {
        meter::items(part.len());
        window == part
    };
    windows.filter(move |(_, window)| is_part(window)).map(|(at, _)| Val::from(at))
}

/// A string as the key of a field.
pub(in crate::expr::jaq) fn field_key(key: Val) -> Result<Text, Error> {
    match key {
        Val::Text(key) => {
            meter::work(key.len());
            Ok(key)
        }
        key => Err(errors::no_key(&key)),
    }
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Val>>(self) -> Result<S, Val> {
        match self {
            Val::Arr(items) => {
                meter::items(items.len());
                Ok(Arc::unwrap_or_clone(items).into_iter().collect())
            }
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        self.as_isize().is_some()
    }

    fn as_isize(&self) -> Option<isize> {
        self.number().and_then(Number::as_int).and_then(|int| isize::try_from(int).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.number().map(Number::as_f64)
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Val::Text(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Val::Text(text) => {
                meter::work(text.len());
                Some(text.as_bytes())
            }
            _ => None,
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> Val {
        match self {
            Val::Text(text) => Val::Text(text.part(sub)),
            _ => Val::from_utf8_bytes(sub.to_vec()),
        }
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Val {
        Val::text(String::from_utf8_lossy(bytes.as_ref()).into_owned())
    }
}

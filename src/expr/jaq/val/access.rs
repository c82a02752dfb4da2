//! What paths do to values: looking up, slicing, updating, deleting.
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
use super::{Error, Map, Text, Val, ValR, ValR2};

/// The greatest index at which an array may grow, so that one number cannot take all memory.
const INDEX_MAX: i64 = (16 << 20) - 1;

impl ValT for Val {
    fn from_num(literal: &str) -> ValR {
        Ok(parse_number(literal, || Text::from(literal)))
    }

    fn from_map<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> ValR {
        let field = |(key, value)| match key {
            Val::Text(key) => Ok((key, value)),
            key => Err(Error::str(format_args!("cannot use {} ({key}) as object key", key.kind()))),
        };
        entries.into_iter().map(field).collect::<Result<Map, _>>().map(Val::object)
    }

    fn key_values(self) -> BoxIter<'static, ValR2> {
        self.entries()
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        match self {
            Val::Arr(items) => match Arc::try_unwrap(items) {
                Ok(items) => Box::new(items.into_iter().map(Ok)),
                Err(items) => {
                    Box::new((0..items.len()).map_while(move |at| items.get(at).cloned().map(Ok)))
                }
            },
            Val::Obj(fields) => match Arc::try_unwrap(fields) {
                Ok(fields) => Box::new(fields.into_values().map(Ok)),
                Err(fields) => {
                    let field = move |at| fields.get_index(at).map(|(_, value)| Ok(value.clone()));
                    Box::new((0..).map_while(field))
                }
            },
            other => box_once(Err(other.not_iterable())),
        }
    }

    fn index(self, index: &Val) -> ValR {
        match (&self, index) {
            (Val::Null, _) => Ok(Val::Null),
            (Val::Obj(fields), Val::Text(key)) => Ok(fields.get(key).cloned().unwrap_or_default()),
            (_, Val::Obj(bounds)) if !matches!(self, Val::Obj(_)) => {
                self.clone().range(bounds.get("start")..bounds.get("end"))
            }
            (Val::Arr(items), Val::Arr(part)) => Ok(indices(items, part).collect()),
            (Val::Arr(items), index) if let Some(index) = index.number() => {
                let at = place(index, items.len());
                Ok(at.and_then(|at| items.get(at)).cloned().unwrap_or_default())
            }
            _ => Err(no_index(&self, index)),
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
            other => Err(Error::str(format_args!("cannot slice {} ({other})", other.kind()))),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
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
            other => opt.fail(other, |other| Exn::from(other.not_iterable())),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        index: &Val,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
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
                match updated(old)? {
                    Some(new) => drop(fields_mut.insert(key.clone(), new)),
                    None => drop(fields_mut.shift_remove(key)),
                }
                Ok(Val::Obj(fields))
            }
            (Val::Null, at) if let Some(at) = at.number() => update_item(Vec::new(), at, updated)
                .map(|items| match items.is_empty() {
                    true => Val::Null,
                    false => Val::Arr(Arc::new(items)),
                }),
            (Val::Arr(items), at) if let Some(at) = at.number() => {
                let items = update_item(Arc::unwrap_or_clone(items), at, updated)?;
                Ok(Val::Arr(Arc::new(items)))
            }
            (other, index) => opt.fail(other, |other| Exn::from(no_index(&other, index))),
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
                let why = |other: Val| Error::str(format_args!("cannot update a slice of {other}"));
                return opt.fail(other, |other| Exn::from(why(other)));
            }
        };
        let range = slice(&bounds, items.len())?;
        let old = items.get(range.clone()).unwrap_or_default().iter().cloned().collect();
        let new = match f(old).next().transpose()? {
            Some(Val::Arr(new)) => new,
            None => Arc::default(),
            Some(other) => {
                let why = format_args!("a slice of an array can only become an array, not {other}");
                return Err(Exn::from(Error::str(why)));
            }
        };
        Arc::make_mut(&mut items).splice(range, new.iter().cloned());
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
    let fail = |why: &str| Err(Exn::from(Error::str(why)));
    let at = match place(index, items.len()) {
        Some(at) => at,
        None if index.as_f64() < 0.0 => return fail("negative array index out of bounds"),
        None => return fail("array index is not a number"),
    };
    if i64::try_from(at).map_or(true, |at| at > INDEX_MAX) {
        return fail("array index too large");
    }
    let old = items.get_mut(at).map(std::mem::take);
    let absent = old.is_none();
    match updated(old.unwrap_or_default())? {
        Some(new) => {
            if absent {
                items.resize(at + 1, Val::Null);
            }
            if let Some(place) = items.get_mut(at) {
                *place = new;
            }
        }
        None if absent => {}
        None => drop(items.remove(at)),
    }
    Ok(items)
}

/// Where an index points in something of this length; none before its start. Fractions count down,
/// negative indices from the end.
fn place(index: Number, len: usize) -> Option<usize> {
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

/// The range that a slice names in something of this length: the start is rounded down, the end up,
/// and both are kept inside.
fn slice(bounds: &Bounds<&Val>, len: usize) -> Result<Range<usize>, Error> {
    let bound = |bound: Option<&Val>, otherwise: usize, round: fn(f64) -> f64| {
        let number = match bound {
            None | Some(Val::Null) => return Ok(otherwise),
            Some(bound) => bound.number().ok_or_else(|| {
                let why = "the start and end of a slice must be numbers";
                Error::str(format_args!("{why}, not {bound}"))
            })?,
        };
        let rounded = match number {
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
    let windows = items.windows(part.len().max(1)).enumerate();
    windows.filter(move |(_, window)| *window == part).map(|(at, _)| Val::from(at))
}

fn no_index(value: &Val, index: &Val) -> Error {
    Error::str(match index {
        Val::Text(key) => format!("cannot index {} with \"{}\"", value.kind(), key.as_str()),
        index => format!("cannot index {} with {}", value.kind(), index.kind()),
    })
}

/// Deletes what the paths, an array of arrays, lead to: all of it as it was before the first
/// deletion.
pub(in crate::expr::jaq) fn delete_paths(mut value: Val, paths: &Val) -> ValR {
    let not_paths = || Error::str("paths must be an array of arrays");
    let Val::Arr(paths) = paths else { return Err(not_paths()) };
    let mut sorted: Vec<&Val> = paths.iter().collect();
    sorted.sort();
    // The last first, so that the indices of the others stay right.
    for path in sorted.into_iter().rev() {
        let Val::Arr(path) = path else { return Err(not_paths()) };
        match path.split_last() {
            None => return Ok(Val::Null),
            Some((last, steps)) => delete_path(&mut value, steps, last)?,
        }
    }
    Ok(value)
}

fn delete_path(value: &mut Val, steps: &[Val], last: &Val) -> Result<(), Error> {
    let mut inside = value;
    for step in steps {
        inside = match (inside, step, step.number()) {
            (Val::Null, ..) => return Ok(()),
            (Val::Obj(fields), Val::Text(key), _) => match Arc::make_mut(fields).get_mut(key) {
                Some(field) => field,
                None => return Ok(()),
            },
            (Val::Arr(items), _, Some(index)) => {
                let at = place(index, items.len());
                match at.and_then(|at| Arc::make_mut(items).get_mut(at)) {
                    Some(item) => item,
                    None => return Ok(()),
                }
            }
            (other, step, _) => return Err(no_index(other, step)),
        };
    }
    match (inside, last) {
        (Val::Null, _) => {}
        (Val::Obj(fields), Val::Text(key)) => drop(Arc::make_mut(fields).shift_remove(key)),
        (Val::Arr(items), Val::Obj(bounds)) => {
            let range = slice(&(bounds.get("start")..bounds.get("end")), items.len())?;
            drop(Arc::make_mut(items).drain(range));
        }
        (Val::Arr(items), index) if let Some(index) = index.number() => {
            if let Some(at) = place(index, items.len()).filter(|at| *at < items.len()) {
                Arc::make_mut(items).remove(at);
            }
        }
        (other, last) => return Err(no_index(other, last)),
    }
    Ok(())
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Val>>(self) -> Result<S, Val> {
        match self {
            Val::Arr(items) => Ok(Arc::unwrap_or_clone(items).into_iter().collect()),
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
            Val::Text(text) => Some(text.as_bytes()),
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

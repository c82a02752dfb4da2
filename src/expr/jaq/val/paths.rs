//! What paths do to a value, when they are values themselves: arrays of keys, indices and slices.
//!
//! Nothing here recurses for each step of a path, but for its slices: an expression can make paths
//! of any length.

use std::ops::Range;
use std::sync::Arc;

use jaq_core::ValT;

use super::access::{NO_SLICE, growing_place, place, slice};
use super::held::Held;
use super::{Error, Map, Number, Text, Val, ValR, errors};
use crate::expr::meter;

/// What happens to the value at the end of a path; says whether it was changed.
pub(in crate::expr::jaq) type Change<'c, E> = dyn FnMut(&mut Val) -> Result<bool, E> + 'c;

/// Where a path leads to in a value.
enum Place<'v> {
    Here(&'v mut Val),
    /// There is no such place yet.
    Absent,
    /// The range of an array that a slice names, and how many steps of the path led to it.
    Part(&'v mut Arc<Held<Vec<Val>>>, Range<usize>, usize),
}

/// The value at the end of a path; null where there is none.
///
/// # Errors
/// When a step does not fit what it leads into.
pub(in crate::expr::jaq) fn get_path(mut value: Val, steps: &[Val]) -> ValR {
    for step in steps {
        value = value.index(step)?;
    }
    Ok(value)
}

/// Changes the value at the end of a path. Where there is none yet, `change` is given null, and
/// what it makes of that is put there, if it says that it changed it.
///
/// # Errors
/// When a step does not fit what it leads into, or when `change` fails.
pub(in crate::expr::jaq) fn change_path<E: From<Error>>(
    value: &mut Val,
    steps: &[Val],
    change: &mut Change<'_, E>,
) -> Result<(), E> {
    match seek(value, steps)? {
        Place::Here(place) => drop(change(place)?),
        Place::Absent => {
            let mut new = Val::Null;
            if change(&mut new)? {
                create(value, steps, new)?;
            }
        }
        Place::Part(items, range, taken) => {
            // Slices of slices recurse.
            meter::step();
            let rest = steps.get(taken..).unwrap_or_default();
            let mut part = items.get(range.clone()).unwrap_or_default().iter().cloned().collect();
            let mut changed = false;
            let mut change = |place: &mut Val| {
                changed = change(place)?;
                Ok::<bool, E>(changed)
            };
            change_path(&mut part, rest, &mut change)?;
            match part {
                _ if !changed => {}
                Val::Arr(new) => {
                    let new = new.iter().cloned();
                    Arc::make_mut(items).change(|items| drop(items.splice(range, new)));
                }
                _ => return Err(E::from(errors::plain(NO_SLICE))),
            }
        }
    }
    Ok(())
}

/// Sets the value at the end of a path.
///
/// # Errors
/// As [`change_path`].
pub(in crate::expr::jaq) fn set_path<E: From<Error>>(
    value: &mut Val,
    steps: &[Val],
    new: &Val,
) -> Result<(), E> {
    let mut change = |place: &mut Val| {
        *place = new.clone();
        Ok(true)
    };
    change_path(value, steps, &mut change)
}

/// Follows a path through what is there.
fn seek<'v>(value: &'v mut Val, steps: &[Val]) -> Result<Place<'v>, Error> {
    let mut inside = value;
    for (at, step) in steps.iter().enumerate() {
        inside = match (inside, step, step.number()) {
            (Val::Null, Val::Text(_) | Val::Obj(_), _) | (Val::Null, _, Some(_)) => {
                return Ok(Place::Absent);
            }
            (Val::Obj(fields), Val::Text(key), _) => match Arc::make_mut(fields).get_mut(key) {
                Some(field) => field,
                None => return Ok(Place::Absent),
            },
            (Val::Arr(items), Val::Obj(bounds), _) => {
                let range = slice(&(bounds.get("start")..bounds.get("end")), items.len())?;
                return Ok(Place::Part(items, range, at + 1));
            }
            (Val::Arr(items), _, Some(index)) => {
                let at = place(index, items.len());
                match at.and_then(|at| Arc::make_mut(items).items_mut().get_mut(at)) {
                    Some(item) => item,
                    None => return Ok(Place::Absent),
                }
            }
            (other, step, _) => return Err(errors::no_update(other, step)),
        };
    }
    Ok(Place::Here(inside))
}

/// Puts a value at the end of a path, and makes the objects and arrays that are missing there.
fn create(value: &mut Val, steps: &[Val], new: Val) -> Result<(), Error> {
    let mut inside = value;
    let mut steps = steps.iter();
    while !matches!(inside, Val::Null) {
        let Some(step) = steps.next() else { break };
        inside = match (inside, step, step.number()) {
            (Val::Obj(fields), Val::Text(key), _) => Arc::make_mut(fields).get_or_insert(key),
            (Val::Arr(items), _, Some(index)) => {
                let items = Arc::make_mut(items);
                let at = create_item(items, index)?;
                items.items_mut().get_mut(at).ok_or_else(gone)?
            }
            (other, step, _) => return Err(errors::no_update(other, step)),
        };
    }
    // From here on nothing is there, so what is made can be made from the end.
    *inside = steps.rev().try_fold(new, |inner, step| match (step, step.number()) {
        (Val::Text(key), _) => Ok(Val::object(Map::from_iter([(key.clone(), inner)]))),
        (Val::Obj(_), _) if matches!(inner, Val::Arr(_)) => Ok(inner),
        (Val::Obj(_), _) => Err(errors::plain(NO_SLICE)),
        (_, Some(index)) => {
            let mut items = Held::default();
            let at = create_item(&mut items, index)?;
            *items.items_mut().get_mut(at).ok_or_else(gone)? = inner;
            Ok(Val::Arr(Arc::new(items)))
        }
        (step, _) => Err(errors::no_update(&Val::Null, step)),
    })?;
    Ok(())
}

/// Where the item of an index is; the array grows to reach it.
fn create_item(items: &mut Held<Vec<Val>>, index: Number) -> Result<usize, Error> {
    let at = growing_place(index, items.len())?;
    items.fill_up(at + 1);
    Ok(at)
}

/// An item that was just made is there.
fn gone() -> Error {
    errors::plain("Array index too large")
}

/// A step to something that is there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(Text),
    Item(usize),
}

/// What is to be deleted of one object or array.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Field(Text),
    Items(usize, usize),
}

/// Deletes what paths lead to, all of it as it was before the first deletion.
///
/// Each path is brought to positions in the value as it came. The parts of one object or array are
/// then deleted together, and those of what is inside it before, so that no deletion moves
/// what another one means.
///
/// # Errors
/// When a step does not fit what it leads into.
pub(in crate::expr::jaq) fn delete_paths<'p>(
    value: &mut Val,
    paths: impl Iterator<Item = &'p [Val]>,
) -> Result<(), Error> {
    let mut found = Vec::new();
    for path in paths {
        match path.split_last() {
            None => {
                *value = Val::Null;
                return Ok(());
            }
            Some((last, steps)) => found.extend(find(value, steps, last)?),
        }
    }
    found.sort();
    let mut rest = found.as_slice();
    while let Some((parent, _)) = rest.last() {
        let first = rest.iter().rposition(|(other, _)| other != parent).map_or(0, |at| at + 1);
        let (before, parts) = rest.split_at(first);
        if let Some(inside) = follow(value, parent) {
            delete(inside, parts.iter().map(|(_, part)| part));
        }
        rest = before;
    }
    Ok(())
}

/// Finds what a path leads to: the way to the object or array that it is a part of, and the part.
fn find(value: &Val, steps: &[Val], last: &Val) -> Result<Option<(Vec<Step>, Part)>, Error> {
    let mut inside = value;
    let mut way = Vec::new();
    // The part of the array that the slices before this step leave.
    let mut window: Option<Range<usize>> = None;
    for step in steps {
        inside = match (inside, step, step.number()) {
            (Val::Null, ..) => return Ok(None),
            (Val::Obj(fields), Val::Text(key), _) => {
                way.push(Step::Field(key.clone()));
                match fields.get(key) {
                    Some(field) => field,
                    None => return Ok(None),
                }
            }
            (Val::Arr(items), Val::Obj(bounds), _) => {
                let whole = window.unwrap_or(0..items.len());
                let range = slice(&(bounds.get("start")..bounds.get("end")), whole.len())?;
                window = Some(whole.start + range.start..whole.start + range.end);
                continue;
            }
            (Val::Arr(items), _, Some(index)) => {
                let Some(at) = item(items, window.take(), index) else { return Ok(None) };
                way.push(Step::Item(at));
                match items.get(at) {
                    Some(item) => item,
                    None => return Ok(None),
                }
            }
            (other, step, _) => return Err(errors::no_index(other, step)),
        };
    }
    let part = match (inside, last, last.number()) {
        (Val::Null, ..) => return Ok(None),
        (Val::Obj(_), Val::Text(key), _) => Part::Field(key.clone()),
        (Val::Arr(items), Val::Obj(bounds), _) => {
            let whole = window.unwrap_or(0..items.len());
            let range = slice(&(bounds.get("start")..bounds.get("end")), whole.len())?;
            Part::Items(whole.start + range.start, whole.start + range.end)
        }
        (Val::Arr(items), _, Some(index)) => match item(items, window, index) {
            Some(at) => Part::Items(at, at + 1),
            None => return Ok(None),
        },
        (other, last, _) => return Err(errors::no_deletion(other, last)),
    };
    Ok(Some((way, part)))
}

/// Where an index leads to in an array, or in a part of it; none if outside.
fn item(items: &[Val], window: Option<Range<usize>>, index: Number) -> Option<usize> {
    let window = window.unwrap_or(0..items.len());
    place(index, window.len()).filter(|at| *at < window.len()).map(|at| window.start + at)
}

/// Follows a way that was found; none if what was deleted has cut it off.
fn follow<'v>(value: &'v mut Val, way: &[Step]) -> Option<&'v mut Val> {
    way.iter().try_fold(value, |inside, step| match (inside, step) {
        (Val::Obj(fields), Step::Field(key)) => Arc::make_mut(fields).get_mut(key),
        (Val::Arr(items), Step::Item(at)) => Arc::make_mut(items).items_mut().get_mut(*at),
        _ => None,
    })
}

/// Deletes parts, which are in order, in one pass over the object or array.
fn delete<'p>(value: &mut Val, parts: impl Iterator<Item = &'p Part>) {
    match value {
        Val::Obj(fields) => {
            meter::items(fields.len());
            let keys: Vec<&Text> = parts
                .filter_map(|part| match part {
                    Part::Field(key) => Some(key),
                    Part::Items(..) => None,
                })
                .collect();
            Arc::make_mut(fields).change(|fields| match keys.as_slice() {
                [key] => drop(fields.shift_remove(*key)),
                keys => fields.retain(|key, _| keys.binary_search(&key).is_err()),
            });
        }
        Val::Arr(items) => {
            meter::items(items.len());
            let mut ranges = parts
                .filter_map(|part| match part {
                    Part::Items(from, to) => Some(*from..*to),
                    Part::Field(_) => None,
                })
                .peekable();
            // Whatever lies before this is deleted, since a range begins before it.
            let (mut at, mut end) = (0, 0);
            let stays = |_: &Val| {
                while let Some(range) = ranges.next_if(|range| range.start <= at) {
                    end = end.max(range.end);
                }
                at += 1;
                at > end
            };
            Arc::make_mut(items).change(|items| items.retain(stays));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_overlap_are_deleted_once() {
        let mut value: Val = (0..6_usize).map(Val::from).collect();
        let parts = [Part::Items(0, 4), Part::Items(1, 2), Part::Items(4, 5)];
        delete(&mut value, parts.iter());
        assert_eq!(value.to_string(), "[5]");
    }

    #[test]
    fn a_path_of_any_length_is_followed() {
        let steps = vec![Val::from(0_usize); 1000];
        let mut value = Val::Null;
        set_path::<Error>(&mut value, &steps, &Val::from(7_usize)).unwrap();
        assert_eq!(get_path(value.clone(), &steps).unwrap(), Val::from(7_usize));
        delete_paths(&mut value, [steps.as_slice()].into_iter()).unwrap();
        assert_eq!(get_path(value, &steps).unwrap(), Val::Null);
    }
}

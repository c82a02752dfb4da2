//! Functions that order items: `sort`, and by keys `sort_by`, `group_by`, `unique_by`, `min_by` and
//! `max_by`.
//!
//! The key of an item is all results of the function that is given, for that item. Nearly always
//! that is one, which then takes no array of its own. What is gathered is metered until no more
//! can come to it.

use std::cmp::Ordering;
use std::iter::once;
use std::slice;
use std::sync::Arc;

use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Bind, Cv, Exn, RunPtr, ValX, ValXs};

use super::data::Kind;
use super::val::errors::{UNSORTABLE, not_iterable, unfit};
use super::val::{Error, Val, ValR};
use crate::expr::meter;

/// The functions of this module.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    let all: [(&'static str, RunPtr<Kind>); 5] = [
        ("sort_by", |cv| box_once(sorted(cv).map(|items| items.into_iter().map(value).collect()))),
        ("group_by", |cv| box_once(sorted(cv).map(groups))),
        ("unique_by", |cv| box_once(sorted(cv).map(unique))),
        ("min_by", |cv| box_once(extreme(cv, |key, so_far| key < so_far))),
        ("max_by", |cv| box_once(extreme(cv, |key, so_far| key >= so_far))),
    ];
    let by = |(name, native)| run::<Kind>((name, [Bind::Fun(())].into(), native));
    all.into_iter().map(by).chain(once(run(("sort", v(0), |cv| bome(sort(cv.1))))))
}

/// The key of an item.
enum Key {
    One(Val),
    /// An array of any other number of results.
    Several(Val),
}

type Keyed = (Key, Val);

impl Key {
    fn gather<'a>(mut results: ValXs<'a, Val>) -> Result<Key, Exn<'a, Val>> {
        let first = results.next().transpose()?;
        let second = results.next();
        match (first, second) {
            (Some(first), None) => Ok(Key::One(first)),
            (None, _) => Ok(Key::Several(Val::array(Vec::new()))),
            (Some(first), Some(second)) => {
                let all = once(Ok(first)).chain(once(second)).chain(results);
                all.collect::<ValX<'a, Val>>().map(Key::Several)
            }
        }
    }

    fn results(&self) -> &[Val] {
        match self {
            Key::One(result) => slice::from_ref(result),
            Key::Several(Val::Arr(results)) => results,
            Key::Several(_) => &[],
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::One(left), Key::One(right)) => left.cmp(right),
            _ => self.results().cmp(other.results()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Key {}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.results() == other.results()
    }
}

/// The items of an array with their keys.
fn keyed<'a>((mut context, value): Cv<'a, Kind>) -> Result<Vec<Keyed>, Exn<'a, Val>> {
    let (f, context) = context.pop_fun();
    let items = match value {
        Val::Arr(items) => Arc::unwrap_or_clone(items),
        other => return Err(Exn::from(not_sortable(&other))),
    };
    let bytes = items.len().saturating_mul(size_of::<Keyed>());
    meter::hold(bytes);
    let mut keyed = Vec::with_capacity(items.len());
    let gathered: Result<(), Exn<'a, Val>> = items.into_iter().try_for_each(|item| {
        keyed.push((Key::gather(f.run((context.clone(), item.clone())))?, item));
        Ok(())
    });
    meter::release(bytes);
    gathered.map(|()| keyed)
}

/// In jq the keys are looked for first, in objects too.
fn not_sortable(value: &Val) -> Error {
    match value {
        Val::Obj(_) => unfit(value, UNSORTABLE),
        _ => not_iterable(value),
    }
}

fn sort(value: Val) -> ValR {
    let Val::Arr(mut items) = value else { return Err(unfit(&value, UNSORTABLE)) };
    meter::sorting(items.len());
    Arc::make_mut(&mut items).items_mut().sort();
    Ok(Val::Arr(items))
}

fn sorted(cv: Cv<'_, Kind>) -> Result<Vec<Keyed>, Exn<'_, Val>> {
    let mut items = keyed(cv)?;
    meter::sorting(items.len());
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(items)
}

fn value((_, value): Keyed) -> Val {
    value
}

fn groups(items: Vec<Keyed>) -> Val {
    let mut groups: Vec<Vec<Val>> = Vec::new();
    let mut before = None;
    for (key, item) in items {
        match groups.last_mut() {
            Some(group) if before.as_ref() == Some(&key) => group.push(item),
            _ => groups.push(vec![item]),
        }
        before = Some(key);
    }
    groups.into_iter().map(Val::array).collect()
}

/// The first item of each group.
fn unique(mut items: Vec<Keyed>) -> Val {
    items.dedup_by(|(key, _), (before, _)| key == before);
    items.into_iter().map(value).collect()
}

/// The item whose key comes before or behind those of all others; null if there is none.
fn extreme<'a>(cv: Cv<'a, Kind>, replaces: fn(&Key, &Key) -> bool) -> ValX<'a, Val> {
    let items = keyed(cv)?.into_iter();
    let extreme = items.reduce(|so_far, item| match replaces(&item.0, &so_far.0) {
        true => item,
        false => so_far,
    });
    Ok(extreme.map(value).unwrap_or_default())
}

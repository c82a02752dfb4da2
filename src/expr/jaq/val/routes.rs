//! Routes: paths of fields and iterations that an expression spells out, such as `.items[].price`.
//!
//! The places that a route leads to lie apart, so that a change of one moves none of the others.
//! Therefore an update walks along a route and changes what it finds, where the paths of any other
//! left side are all found first.

use std::sync::Arc;

use super::paths::Change;
use super::{Error, Val, errors};
use crate::expr::meter;

/// A step of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::expr::jaq) enum Step {
    /// The field of this name.
    Field(Val),
    /// Each item of an array, or each field of an object.
    Each,
}

/// Changes what is at each place that a route leads to. Fields that are not there yet are created,
/// with the objects around them, as null.
///
/// # Errors
/// When a step does not fit what it leads into, or else when a change fails: paths come first in
/// jq. The value is then left half changed.
pub(in crate::expr::jaq) fn change_along<E: From<Error>>(
    value: &mut Val,
    steps: &[Step],
    change: &mut Change<'_, E>,
) -> Result<(), E> {
    let mut failed = None;
    walk(value, steps, &mut |place| {
        if failed.is_none() {
            failed = change(place).err();
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// Recurses for iterations only: a route may have thousands of fields.
fn walk(value: &mut Val, steps: &[Step], visit: &mut dyn FnMut(&mut Val)) -> Result<(), Error> {
    let mut inside = value;
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        inside = match step {
            Step::Field(key) => field(inside, key)?,
            Step::Each => return walk_each(inside, steps.as_slice(), visit),
        };
    }
    visit(inside);
    Ok(())
}

fn walk_each(
    value: &mut Val,
    steps: &[Step],
    visit: &mut dyn FnMut(&mut Val),
) -> Result<(), Error> {
    meter::step();
    match value {
        Val::Arr(items) => Arc::make_mut(items)
            .items_mut()
            .iter_mut()
            .try_for_each(|item| walk(item, steps, visit)),
        Val::Obj(fields) => {
            Arc::make_mut(fields).values_mut().try_for_each(|field| walk(field, steps, visit))
        }
        other => Err(errors::not_iterable(other)),
    }
}

fn field<'v>(value: &'v mut Val, key: &Val) -> Result<&'v mut Val, Error> {
    if let Val::Null = value {
        *value = Val::object(Default::default());
    }
    match (value, key) {
        (Val::Obj(fields), Val::Text(key)) => Ok(Arc::make_mut(fields).get_or_insert(key)),
        (other, key) => Err(errors::no_index(other, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(value: &mut Val, steps: &[Step]) -> Result<(), Error> {
        let mut change = |place: &mut Val| match place {
            Val::Bool(_) => Err(Error::str("it is a boolean")),
            place => {
                *place = Val::from(7_usize);
                Ok(true)
            }
        };
        change_along(value, steps, &mut change)
    }

    #[test]
    fn a_route_of_any_length_is_walked() {
        let steps = vec![Step::Field(Val::text("a")); 100_000];
        let mut value = Val::Null;
        changed(&mut value, &steps).unwrap();
        assert!(matches!(value, Val::Obj(_)));
    }

    #[test]
    fn a_step_that_does_not_fit_comes_before_a_change_that_fails() {
        let items = || [Val::from(true), Val::from(1_usize)].into_iter().collect::<Val>();
        let failed = changed(&mut items(), &[Step::Each]).unwrap_err();
        assert_eq!(failed.into_val().to_string(), "\"it is a boolean\"");
        let mut nested: Val = [items(), Val::from(1_usize)].into_iter().collect();
        let failed = changed(&mut nested, &[Step::Each, Step::Each]).unwrap_err();
        assert_eq!(failed.into_val().to_string(), "\"Cannot iterate over number (1)\"");
    }
}

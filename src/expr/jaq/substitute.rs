//! `sub`, which `gsub` is made of: matches of a pattern are replaced by results of a function.
//!
//! As in jq, a function with several results gives several strings: one of its first results for
//! all matches, one of its second results, and so on. A match for which it has no more results
//! leaves out what is before it there, too.

use std::ops::Range;

use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, run};
use jaq_core::{Bind, Cv, Exn, ValT as _, ValXs};

use super::data::Kind;
use super::regex::{compiled, cut, text_of};
use super::val::errors::unfit_both;
use super::val::held::Held;
use super::val::{Error, Text, Val, ValR};
use crate::expr::patterns::{Compiled, Walk};

/// `sub($pattern; f; $flags)`.
pub(super) fn native() -> Fun<Kind> {
    let arguments = [Bind::Var(()), Bind::Fun(()), Bind::Var(())];
    run::<Kind>(("sub", arguments.into(), |cv| match substitute(cv) {
        Ok(strings) => Box::new(strings.into_iter().map(Ok)),
        Err(failed) => box_once(Err(failed)),
    }))
}

fn substitute<'a>(mut cv: Cv<'a, Kind>) -> Result<Vec<Val>, Exn<'a, Val>> {
    let flags = cv.0.pop_var();
    let (function, context) = cv.0.pop_fun();
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags)?;
    let text = text_of(cv.1)?;
    let has_names = compiled.names().any(|name| name.is_some());
    let (mut walk, mut used) = (Walk::default(), 0);
    let mut strings: Vec<Held<String>> = Vec::new();
    while let Some(found) = compiled.next(&text, &mut walk) {
        let before = part(&text, used..found.start);
        used = found.end;
        let groups = if has_names { named_groups(&compiled, &text, &found) } else { no_groups() };
        let results: ValXs<'a, Val> = function.run((context.clone(), groups?));
        for (at, result) in results.enumerate() {
            if at == strings.len() {
                strings.push(Held::default());
            }
            if let Some(string) = strings.get_mut(at) {
                add(string, &before, result?)?;
            }
        }
    }
    if strings.is_empty() {
        return Ok(vec![Val::Text(text)]);
    }
    let rest = part(&text, used..text.len());
    let whole = |mut string: Held<String>| {
        rest.add_to(&mut string)?;
        Ok(Val::text(string.into_inner()))
    };
    let strings: Result<Vec<Val>, Error> = strings.into_iter().map(whole).collect();
    Ok(strings?)
}

/// What the function gets: an object of the groups that have names.
fn named_groups(compiled: &Compiled, text: &Text, found: &Range<usize>) -> ValR {
    let groups = compiled.groups(text, found).zip(compiled.names());
    Val::from_map(groups.filter_map(|(group, name)| {
        let string = group.map_or(Val::Null, |group| cut(text, group));
        Some((Val::text(name?), string))
    }))
}

fn no_groups() -> ValR {
    Val::from_map([])
}

/// Adds a result and what is before it. Null adds nothing, and what is no string cannot be added.
fn add(string: &mut Held<String>, before: &Text, result: Val) -> Result<(), Error> {
    let result = match result {
        Val::Null => Text::default(),
        Val::Text(result) => result,
        other => {
            let why = "cannot be added";
            return Err(unfit_both(&Val::Text(before.clone()), &other, why));
        }
    };
    before.add_to(string)?;
    result.add_to(string)
}

fn part(text: &Text, range: Range<usize>) -> Text {
    text.part(text.as_bytes().get(range).unwrap_or_default())
}

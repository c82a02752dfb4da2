//! Regular expressions: the functions that jq's `test`, `match`, `capture`, `scan`, `split`, `sub`
//! and `gsub` are made of.

use std::iter::from_fn;
use std::ops::Range;
use std::sync::Arc;

use jaq_core::box_iter::then;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Cv, Exn, ValT as _, ValXs};

use super::data::Kind;
use super::val::errors::{UNMATCHABLE, unfit};
use super::val::{Error, Text, Val, ValR};
use crate::expr::meter;
use crate::expr::patterns::{Compiled, SEARCHED_BYTES_A_STEP, Walk};

/// The functions. Each takes a pattern and flags.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    [
        run(("test", v(1), |cv| bome(test(cv, false)))),
        run(("test", v(2), |cv| bome(test(cv, true)))),
        // Each match as an array of its groups, the whole match first.
        run(("__matches", v(2), |cv| then(begin(cv).map_err(Exn::from), matches))),
        // What is between the matches, as an array.
        run(("split_", v(2), |cv| bome(begin(cv).map(between)))),
    ]
    .into_iter()
}

/// A string, and what is looked for in it.
type Search = (Arc<Compiled>, Text);

/// Whether a string matches.
fn test(mut cv: Cv<'_, Kind>, with_flags: bool) -> ValR {
    let flags = if with_flags { cv.0.pop_var() } else { Val::Null };
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags)?;
    let text = text_of(cv.1)?;
    meter::steps(text.len() / SEARCHED_BYTES_A_STEP);
    Ok(Val::Bool(compiled.matches(&text)))
}

/// The compiled pattern; jq also takes both as one array.
pub(super) fn compiled(
    cv: &Cv<'_, Kind>,
    pattern: Val,
    flags: Val,
) -> Result<Arc<Compiled>, Error> {
    let (pattern, flags) = match &pattern {
        Val::Arr(both) => match both.as_slice() {
            [pattern] => (pattern.clone(), flags),
            [pattern, flags] => (pattern.clone(), flags.clone()),
            _ => (pattern, flags),
        },
        _ => (pattern, flags),
    };
    let flags = if matches!(flags, Val::Null) { Val::text("") } else { flags };
    let mut patterns = cv.0.data().shared.patterns.borrow_mut();
    patterns.used(pattern.as_text()?, flags.as_text()?).map_err(Error::str)
}

/// The pattern of a call, and the string that it is called on.
fn begin(mut cv: Cv<'_, Kind>) -> Result<Search, Error> {
    let flags = cv.0.pop_var();
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags)?;
    text_of(cv.1).map(|text| (compiled, text))
}

/// A value that must be a string.
pub(super) fn text_of(value: Val) -> Result<Text, Error> {
    match value {
        Val::Text(text) => Ok(text),
        other => Err(unfit(&other, UNMATCHABLE)),
    }
}

fn matches<'a>((compiled, text): Search) -> ValXs<'a, Val> {
    let (mut walk, mut counted) = (Walk::default(), Counted::default());
    Box::new(from_fn(move || {
        let found = compiled.next(&text, &mut walk)?;
        Some(groups(&compiled, &text, &found, &mut counted).map_err(Exn::from))
    }))
}

fn between((compiled, text): Search) -> Val {
    let (mut walk, mut end, mut parts) = (Walk::default(), 0, Vec::new());
    while let Some(found) = compiled.next(&text, &mut walk) {
        parts.push(cut(&text, end..found.start));
        end = found.end;
    }
    parts.push(cut(&text, end..text.len()));
    parts.into_iter().collect()
}

/// The string at a place.
pub(super) fn cut(text: &Text, range: Range<usize>) -> Val {
    Val::Text(text.part(text.as_bytes().get(range).unwrap_or_default()))
}

/// The whole match and its groups, as jq describes them: offsets and lengths count characters, and
/// a group that took no part has the offset -1 and no string.
fn groups(compiled: &Compiled, text: &Text, found: &Range<usize>, counted: &mut Counted) -> ValR {
    let offset = counted.chars_before(text, found.start);
    let chars = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
    let described = |at: usize, group: Option<Range<usize>>, name: Option<&str>| {
        let (offset, length, string) = match group {
            Some(group) => (
                Val::from(offset + chars(found.start..group.start)),
                Val::from(chars(group.clone())),
                cut(text, group),
            ),
            None => (Val::from(-1_isize), Val::from(0_usize), Val::Null),
        };
        let name = match name {
            Some(name) => Some(Val::text(name)),
            None => (at > 0).then_some(Val::Null),
        };
        let fields = [("offset", offset), ("length", length), ("string", string)];
        let fields = fields.into_iter().chain(name.map(|name| ("name", name)));
        Val::from_map(fields.map(|(key, value)| (Val::text(key), value)))
    };
    if compiled.groups_len() == 1 {
        return [described(0, Some(found.clone()), None)].into_iter().collect();
    }
    let groups = compiled.groups(text, found).zip(compiled.names()).enumerate();
    groups.map(|(at, (group, name))| described(at, group, name)).collect()
}

/// Counts characters up to places that only move forward.
#[derive(Default)]
struct Counted {
    bytes: usize,
    chars: usize,
}

impl Counted {
    fn chars_before(&mut self, text: &str, bytes: usize) -> usize {
        self.chars += text.get(self.bytes..bytes).map_or(0, |part| part.chars().count());
        self.bytes = bytes;
        self.chars
    }
}

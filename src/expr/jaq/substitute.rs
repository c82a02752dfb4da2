//! `sub`, which `gsub` is made of: matches of a pattern are replaced by results of a function.
//!
//! A function with several results gives as many strings for each match, in the order of an
//! odometer: the last match goes first through all of its results. All strings are made in one
//! place, which is cut back to where the next one differs. So one result for each match, as nearly
//! always, takes time and memory by the length of what is made.

use std::iter::from_fn;
use std::ops::Range;
use std::sync::Arc;

use jaq_core::box_iter::then;
use jaq_core::compile::TermId;
use jaq_core::native::{Fun, run};
use jaq_core::{Bind, Ctx, Cv, Exn, ValT as _, ValX, ValXs};

use super::data::Kind;
use super::regex::{compiled, cut, text_of};
use super::val::held::Held;
use super::val::{Error, Text, Val, ValR};
use crate::expr::patterns::{Compiled, Walk};

/// `sub($pattern; f; $flags)`.
pub(super) fn native() -> Fun<Kind> {
    let arguments = [Bind::Var(()), Bind::Fun(()), Bind::Var(())];
    run::<Kind>(("sub", arguments.into(), substitute))
}

fn substitute<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Val> {
    let flags = cv.0.pop_var();
    let function = cv.0.pop_fun();
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags);
    let search = compiled.and_then(|compiled| Ok((compiled, text_of(cv.1)?)));
    then(search.map_err(Exn::from), |(compiled, text)| {
        let mut strings = Strings::new(compiled, text, function);
        Box::new(from_fn(move || strings.next()))
    })
}

/// The strings that a substitution gives.
struct Strings<'a> {
    compiled: Arc<Compiled>,
    text: Text,
    function: (TermId, Ctx<'a, Kind>),
    has_names: bool,
    /// The string that is being made.
    made: Held<String>,
    place: Place,
    /// Whether the next match is looked for, or else another result for the last one.
    is_forward: bool,
    /// The matches that may have more results.
    open: Vec<Open<'a>>,
}

/// How far the text is used up.
#[derive(Clone, Copy, Default)]
struct Place {
    walk: Walk,
    /// How much of the text has gone into what is made, in bytes.
    used: usize,
}

/// A match that may have more results.
struct Open<'a> {
    results: ValXs<'a, Val>,
    /// How much was made before its result, in bytes.
    made: usize,
    place: Place,
}

impl<'a> Strings<'a> {
    fn new(compiled: Arc<Compiled>, text: Text, function: (TermId, Ctx<'a, Kind>)) -> Self {
        let has_names = compiled.names().any(|name| name.is_some());
        Strings {
            compiled,
            text,
            function,
            has_names,
            made: Held::default(),
            place: Place::default(),
            is_forward: true,
            open: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<ValX<'a, Val>> {
        loop {
            if self.is_forward {
                match self.compiled.next(&self.text, &mut self.place.walk) {
                    Some(found) => {
                        if let Err(error) = self.open(&found) {
                            self.is_forward = false;
                            return Some(Err(error.into()));
                        }
                    }
                    None => {
                        self.is_forward = false;
                        return Some(self.whole().map_err(Exn::from));
                    }
                }
            }
            let last = self.open.last_mut()?;
            let result = last.results.next();
            self.made.change(|made| made.truncate(last.made));
            self.place = last.place;
            if result.is_none() || last.results.size_hint().1 == Some(0) {
                self.open.pop();
            }
            let added = result.map(|result| Ok(self.add(result?)?)).transpose();
            self.is_forward = matches!(added, Ok(Some(())));
            if let Err(error) = added {
                return Some(Err(error));
            }
        }
    }

    /// Adds what is before a match, and has the function begin on it.
    fn open(&mut self, found: &Range<usize>) -> Result<(), Error> {
        self.add_text(self.place.used..found.start)?;
        self.place.used = found.end;
        let input = self.named_groups(found)?;
        let (function, context) = &self.function;
        let results = function.run((context.clone(), input));
        self.open.push(Open { results, made: self.made.len(), place: self.place });
        Ok(())
    }

    /// What the function gets: an object of the groups that have names.
    fn named_groups(&self, found: &Range<usize>) -> ValR {
        if !self.has_names {
            return Val::from_map([]);
        }
        let groups = self.compiled.groups(&self.text, found).zip(self.compiled.names());
        Val::from_map(groups.filter_map(|(group, name)| {
            let string = group.map_or(Val::Null, |group| cut(&self.text, group));
            Some((Val::text(name?), string))
        }))
    }

    /// The whole string, when there are no more matches.
    fn whole(&mut self) -> ValR {
        if self.place.used == 0 && self.made.is_empty() {
            return Ok(Val::Text(self.text.clone()));
        }
        self.add_text(self.place.used..self.text.len())?;
        let made = match self.open.is_empty() {
            true => std::mem::take(&mut self.made),
            false => self.made.clone(),
        };
        Ok(Val::text(made.into_inner()))
    }

    /// Adds a result, as `+` would: null adds nothing, and what is no string cannot be added.
    fn add(&mut self, result: Val) -> Result<(), Error> {
        match result {
            Val::Null => Ok(()),
            Val::Text(part) => part.add_to(&mut self.made),
            other => (Val::text(self.made.as_str()) + other).map(drop),
        }
    }

    fn add_text(&mut self, range: Range<usize>) -> Result<(), Error> {
        match cut(&self.text, range) {
            Val::Text(part) => part.add_to(&mut self.made),
            _ => Ok(()),
        }
    }
}

//! Functions of ours, in place of jaq's or beside them.

use std::sync::Arc;

use jaq_core::native::{Fun, bome, run, unary, v};

use super::data::Kind;
use super::fields::Fields;
use super::read::Reader;
use super::val::errors::{NUMBER, unfit, unfit_both};
use super::val::held::Held;
use super::val::{Error, Number, Text, Val, ValR, parse_number};
use super::{strings, write};
use crate::expr::meter;
use crate::record::json;
use crate::record::number::jq::lenient;

/// Our functions, but for those that have a module of their own.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    types().into_iter().chain(values()).chain(numbers())
}

fn types() -> [Fun<Kind>; 9] {
    [
        run(("null", v(0), |_| bome(Ok(Val::Null)))),
        run(("true", v(0), |_| bome(Ok(Val::Bool(true))))),
        run(("false", v(0), |_| bome(Ok(Val::Bool(false))))),
        run(("type", v(0), |cv| bome(Ok(Val::text(cv.1.kind()))))),
        run(("isboolean", v(0), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Bool(_))))))),
        run(("isnumber", v(0), |cv| bome(Ok(Val::Bool(cv.1.number().is_some()))))),
        run(("isstring", v(0), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Text(_))))))),
        run(("isarray", v(0), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Arr(_))))))),
        run(("isobject", v(0), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Obj(_))))))),
    ]
}

fn values() -> [Fun<Kind>; 10] {
    [
        run(("__count", v(1), |cv| unary(cv, |count, of| counted(count, of.as_text()?)))),
        // Fails with the value and what is wrong with it.
        run(("__unfit", v(1), |cv| unary(cv, |value, why| Err(unfit(&value, why.as_text()?))))),
        run(("__flatten", v(1), |cv| unary(cv, |value, depth| flatten(value, &depth)))),
        run(("length", v(0), |cv| bome(cv.1.length()))),
        run(("contains", v(1), |cv| unary(cv, |a, b| contains(&a, &b).map(Val::Bool)))),
        run(("has", v(1), |cv| unary(cv, |value, key| has(&value, &key)))),
        run(("indices", v(1), |cv| unary(cv, |value, part| value.indices(&part)))),
        run(("bsearch", v(1), |cv| unary(cv, |value, item| search(&value, &item)))),
        run(("tojson", v(0), |cv| bome(to_json(&cv.1)))),
        run(("fromjson", v(0), |cv| bome(from_json(&cv.1)))),
    ]
}

fn numbers() -> [Fun<Kind>; 6] {
    [
        run(("tonumber", v(0), |cv| bome(to_number(cv.1)))),
        run(("nan", v(0), |_| bome(Ok(Val::Float(f64::NAN))))),
        run(("infinite", v(0), |_| bome(Ok(Val::Float(f64::INFINITY))))),
        run(("floor", v(0), |cv| bome(rounded(&cv.1, f64::floor)))),
        run(("round", v(0), |cv| bome(rounded(&cv.1, f64::round)))),
        run(("ceil", v(0), |cv| bome(rounded(&cv.1, f64::ceil)))),
    ]
}

impl Val {
    /// The value as the text of its JSON; a value that nests too deep for JSON as its beginning.
    pub(super) fn to_json(&self) -> Val {
        to_json(self).unwrap_or_else(|_| Val::text(self.to_string()))
    }

    fn length(&self) -> ValR {
        match self {
            Val::Null => Ok(Val::Int(0)),
            Val::Bool(_) => Err(unfit(self, "has no length")),
            Val::Int(int) => Ok(int.checked_abs().map_or(Val::Float(-(*int as f64)), Val::Int)),
            Val::Float(float) => Ok(Val::Float(float.abs())),
            Val::Literal(spelled) if spelled.starts_with('-') => -self.clone(),
            Val::Literal(_) => Ok(self.clone()),
            Val::Text(text) => {
                meter::work(text.len());
                Ok(Val::from(text.chars().count()))
            }
            Val::Arr(items) => Ok(Val::from(items.len())),
            Val::Obj(fields) => Ok(Val::from(fields.len())),
        }
    }

    /// Where `part` is in it: counted in characters in a string, in items in an array.
    fn indices(&self, part: &Val) -> ValR {
        match (self, part) {
            (Val::Null, _) => Ok(Val::Null),
            (Val::Text(text), Val::Text(_)) => strings::places(text, part),
            (Val::Arr(_), Val::Arr(_)) => jaq_core::ValT::index(self.clone(), part),
            (Val::Arr(items), item) => {
                meter::items(items.len());
                let found = items.iter().enumerate().filter(|(_, other)| *other == item);
                Ok(found.map(|(at, _)| Val::from(at)).collect())
            }
            (other, part) => jaq_core::ValT::index(other.clone(), part),
        }
    }
}

/// A number of results, which must not be negative.
fn counted(count: Val, of: &str) -> ValR {
    if count < Val::Int(0) {
        return Err(Error::str(format_args!("{of} doesn't support negative count")));
    }
    Ok(count)
}

fn contains(whole: &Val, part: &Val) -> Result<bool, Error> {
    meter::step();
    match (whole, part) {
        (Val::Text(whole), Val::Text(part)) => {
            meter::work(whole.len());
            Ok(whole.contains(&**part))
        }
        (Val::Arr(whole), Val::Arr(parts)) => all(parts.iter(), |part| {
            meter::items(whole.len());
            let any = whole
                .iter()
                .find(|item| item.kind() == part.kind() && contains(item, part).unwrap_or(false));
            Ok(any.is_some())
        }),
        (Val::Obj(whole), Val::Obj(parts)) => all(parts.iter(), |(key, part)| {
            whole.get(key).map_or(Ok(false), |value| contains(value, part))
        }),
        (whole, part) if whole.kind() == part.kind() => Ok(whole == part),
        (whole, part) => Err(unfit_both(whole, part, "cannot have their containment checked")),
    }
}

fn all<T>(
    mut items: impl Iterator<Item = T>,
    test: impl Fn(T) -> Result<bool, Error>,
) -> Result<bool, Error> {
    items.try_fold(true, |so_far, item| Ok(so_far && test(item)?))
}

fn has(value: &Val, key: &Val) -> ValR {
    match (value, key) {
        (Val::Obj(fields), Val::Text(key)) => {
            meter::work(key.len());
            Ok(Val::Bool(fields.contains_key(key)))
        }
        (Val::Null, _) => Ok(Val::Bool(false)),
        (Val::Arr(_), key) if key.is_nan() => Ok(Val::Bool(false)),
        (Val::Arr(items), key) if let Some(at) = key.number() => {
            let at = usize::try_from(at.truncated());
            Ok(Val::Bool(at.is_ok_and(|at| at < items.len())))
        }
        (value, key) => {
            let (of, wanted) = (value.kind(), key.kind());
            Err(Error::str(format_args!("Cannot check whether {of} has a {wanted} key")))
        }
    }
}

fn flatten(value: Val, depth: &Val) -> ValR {
    let depth = depth.number().ok_or_else(|| unfit(depth, NUMBER))?;
    let mut flat = Held::default();
    flatten_into(&mut flat, value, depth.as_f64())?;
    Ok(Val::Arr(Arc::new(flat)))
}

fn flatten_into(flat: &mut Held<Vec<Val>>, value: Val, depth: f64) -> Result<(), Error> {
    for item in jaq_core::ValT::values(value) {
        match item? {
            inner @ Val::Arr(_) if depth > 0.0 => flatten_into(flat, inner, depth - 1.0)?,
            other => flat.push(other),
        }
    }
    Ok(())
}

fn search(value: &Val, item: &Val) -> ValR {
    let Val::Arr(items) = value else {
        return Err(unfit(value, "cannot be searched from"));
    };
    // What is not a number is less than everything, itself too.
    if item.is_nan() {
        return Ok(Val::Int(-1));
    }
    match items.binary_search(item) {
        Ok(at) => Ok(Val::from(at)),
        Err(at) => Val::Int(-1) - Val::from(at),
    }
}

/// How jq spells, in JSON, what is not a number.
const NOT_NUMBERS: [&str; 4] = ["nan", "NaN", "-nan", "-NaN"];

fn to_json(value: &Val) -> ValR {
    let mut text = Vec::new();
    write::json(value, 0, &mut text).map_err(Error::str)?;
    String::from_utf8(text).map(Val::text).map_err(Error::str)
}

/// Reads one JSON value, by the same rules as a record.
fn from_json(value: &Val) -> ValR {
    let Val::Text(text) = value else { return Err(unfit(value, "only strings can be parsed")) };
    meter::work(text.len());
    if NOT_NUMBERS.contains(&text.trim()) {
        return Ok(Val::Float(f64::NAN));
    }
    let fail = |why: String| Error::str(format_args!("cannot parse {value}: {why}"));
    json::validate(text.as_bytes()).map_err(|error| fail(error.to_string()))?;
    let read = Reader::default().read(text, &Fields::All);
    read.map(|(value, _)| value).map_err(|error| fail(error.to_string()))
}

fn rounded(value: &Val, round: fn(f64) -> f64) -> ValR {
    match value.number() {
        Some(Number::Int(int)) => Ok(Val::Int(int)),
        Some(Number::Float(float)) => {
            let number = Number::Float(round(float));
            Ok(number.as_int().map_or(Val::from(number), Val::Int))
        }
        None => Err(unfit(value, NUMBER)),
    }
}

fn to_number(value: Val) -> ValR {
    let read = match &value {
        Val::Int(_) | Val::Float(_) | Val::Literal(_) => return Ok(value),
        Val::Text(text) => {
            meter::work(text.len());
            lenient(text)
        }
        _ => None,
    };
    match read {
        Some(json) => Ok(parse_number(&json, || Text::from(&*json))),
        None => Err(unfit(&value, "cannot be parsed as a number")),
    }
}

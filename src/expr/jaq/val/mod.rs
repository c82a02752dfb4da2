//! The values that jaq works on.
//!
//! They are ours, and not the jaq-json crate's, for three reasons: numbers keep their spelling and
//! integers their exactness without a big-number library; strings and numbers are slices of the
//! record, so that reading one allocates little; and where jq and jaq differ in what a value does
//! (null along a path, division by zero, indices with a fraction, the spelling of computed
//! numbers), they do what jq's do.
//!
//! - [`text`]: strings as slices of a shared text.
//! - `number`: numbers, some of them as they were spelled.
//! - [`held`]: what they are made of, metered, and dropped without recursion.
//! - [`errors`]: what can be wrong with one, in jq's words.
//! - `order`: equality and jq's order of values.
//! - `operators`: `+`, `-`, `*`, `/`, `%`.
//! - `access`: looking up and slicing, and what else jaq asks of a value.
//! - `paths`: what paths that are values lead to: reading, changing, deleting.
//! - `routes`: changing what paths lead to that an expression spells out.

mod access;
pub(super) mod errors;
pub(super) mod held;
mod number;
mod operators;
mod order;
pub(super) mod paths;
pub(super) mod routes;
pub(super) mod text;

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use jaq_core::box_iter::{BoxIter, box_once};

pub(super) use access::field_key;
pub(super) use number::{Number, parse_number};
pub(super) use text::Text;

use super::write;
use crate::expr::meter;
use held::Held;

/// A JSON value.
#[derive(Clone, Debug, Default)]
pub(super) enum Val {
    #[default]
    Null,
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A computed number.
    Float(f64),
    /// A number as it is spelled, where that says more than its value does.
    Literal(Text),
    Text(Text),
    Arr(Arc<Held<Vec<Val>>>),
    Obj(Arc<Held<Map>>),
}

/// An object's fields, in their order.
pub(super) type Map = IndexMap<Text, Val, foldhash::fast::RandomState>;

/// An error that an expression can catch.
pub(super) type Error = jaq_core::Error<Val>;

/// A value, or what was wrong.
pub(super) type ValR = Result<Val, Error>;

/// How much of a value a message shows, in bytes.
const SHOWN_BYTES_MAX: usize = 100;

impl Val {
    pub(super) fn text(text: impl Into<Text>) -> Val {
        Val::Text(text.into())
    }

    pub(super) fn array(items: Vec<Val>) -> Val {
        Val::Arr(Arc::new(Held::from(items)))
    }

    pub(super) fn object(fields: Map) -> Val {
        Val::Obj(Arc::new(Held::from(fields)))
    }

    /// What jq calls the value's type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Int(_) | Val::Float(_) | Val::Literal(_) => "number",
            Val::Text(_) => "string",
            Val::Arr(_) => "array",
            Val::Obj(_) => "object",
        }
    }

    /// The string, or an error that says that it is none.
    pub(super) fn as_text(&self) -> Result<&Text, Error> {
        match self {
            Val::Text(text) => {
                meter::work(text.len());
                Ok(text)
            }
            other => Err(errors::unfit(other, errors::NO_STRING)),
        }
    }

    /// The fields and items one after the other, with their keys and indices.
    fn entries(self) -> BoxIter<'static, ValR2> {
        meter::step();
        match self {
            Val::Arr(items) => {
                let items = Arc::unwrap_or_clone(items).into_iter().enumerate();
                Box::new(items.map(|(index, item)| Ok((Val::from(index), item))))
            }
            Val::Obj(fields) => {
                let fields = Arc::unwrap_or_clone(fields).into_iter();
                Box::new(fields.map(|(key, value)| Ok((Val::Text(key), value))))
            }
            other => box_once(Err(errors::not_iterable(&other))),
        }
    }
}

type ValR2 = Result<(Val, Val), Error>;

/// As JSON; of a long value, the beginning.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write::beginning(self, SHOWN_BYTES_MAX))
    }
}

impl From<bool> for Val {
    fn from(bool: bool) -> Val {
        Val::Bool(bool)
    }
}

impl From<isize> for Val {
    fn from(number: isize) -> Val {
        i64::try_from(number).map_or(Val::Float(number as f64), Val::Int)
    }
}

impl From<usize> for Val {
    fn from(number: usize) -> Val {
        i64::try_from(number).map_or(Val::Float(number as f64), Val::Int)
    }
}

impl From<f64> for Val {
    fn from(number: f64) -> Val {
        Val::Float(number)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Val {
        Val::text(text)
    }
}

impl From<jaq_core::val::Range<Val>> for Val {
    fn from(range: jaq_core::val::Range<Val>) -> Val {
        let bounds = [("start", range.start), ("end", range.end)];
        let bounds = bounds.map(|(key, bound)| (Text::from(key), bound.unwrap_or_default()));
        Val::object(bounds.into_iter().collect())
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(items: I) -> Val {
        Val::Arr(Arc::new(Held::gather(items.into_iter())))
    }
}

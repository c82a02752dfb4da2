//! Values that are numbers.

use std::cmp::Ordering;

use super::{Text, Val};
pub(in crate::expr::jaq) use crate::record::number::jq::Number;
use crate::record::number::jq::{self, Numeral};

impl From<Number> for Val {
    fn from(number: Number) -> Val {
        match number {
            Number::Int(int) => Val::Int(int),
            Number::Float(float) => Val::Float(float),
        }
    }
}

impl Val {
    /// The value of a number; none for anything else.
    pub(in crate::expr::jaq) fn number(&self) -> Option<Number> {
        self.numeral().map(Numeral::number)
    }

    fn numeral(&self) -> Option<Numeral<'_>> {
        match self {
            Val::Int(int) => Some(Numeral::Int(*int)),
            Val::Float(float) => Some(Numeral::Float(*float)),
            Val::Literal(spelled) => Some(Numeral::Literal(spelled)),
            _ => None,
        }
    }
}

/// A number from its JSON spelling, of which `spelled` gives the text to keep.
pub(in crate::expr::jaq) fn parse_number(json: &str, spelled: impl FnOnce() -> Text) -> Val {
    match Numeral::read(json) {
        Numeral::Int(int) => Val::Int(int),
        Numeral::Float(_) | Numeral::Literal(_) => Val::Literal(spelled()),
    }
}

/// jq's order of numbers.
pub(super) fn compare(left: &Val, right: &Val) -> Ordering {
    let nan = Numeral::Float(f64::NAN);
    jq::compare(left.numeral().unwrap_or(nan), right.numeral().unwrap_or(nan))
}

//! Equality, and jq's order: null, false, true, numbers, strings, arrays, objects.

use std::cmp::Ordering;

use super::{Map, Text, Val, number};
use crate::expr::meter;

impl Val {
    /// The place of the value's type in the order.
    fn rank(&self) -> u8 {
        match self {
            Val::Null => 0,
            Val::Bool(false) => 1,
            Val::Bool(true) => 2,
            Val::Int(_) | Val::Float(_) | Val::Literal(_) => 3,
            Val::Text(_) => 4,
            Val::Arr(_) => 5,
            Val::Obj(_) => 6,
        }
    }

    /// Whether it is the number that is none.
    pub(in crate::expr::jaq) fn is_nan(&self) -> bool {
        matches!(self, Val::Float(float) if float.is_nan())
    }
}

/// The order for sorting; total, as sorting needs it.
impl Ord for Val {
    fn cmp(&self, other: &Val) -> Ordering {
        match (self, other) {
            (Val::Text(left), Val::Text(right)) => {
                meter::work(left.len().min(right.len()));
                left.cmp(right)
            }
            (Val::Arr(left), Val::Arr(right)) => {
                meter::step();
                meter::items(left.len().min(right.len()));
                left.iter().cmp(right.iter())
            }
            (Val::Obj(left), Val::Obj(right)) => compare_objects(left, right),
            _ => match self.rank().cmp(&other.rank()) {
                Ordering::Equal if self.rank() == 3 => number::compare(self, other),
                order => order,
            },
        }
    }
}

/// The order that `<` sees: what is not a number is less than everything, itself too.
#[allow(clippy::non_canonical_partial_ord_impl)] // It differs from the total order, as said.
impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Val) -> Option<Ordering> {
        Some(if self.is_nan() && other.is_nan() { Ordering::Less } else { self.cmp(other) })
    }
}

impl Eq for Val {}

impl PartialEq for Val {
    fn eq(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Text(left), Val::Text(right)) => {
                left.len() == right.len() && {
                    meter::work(left.len());
                    left == right
                }
            }
            (Val::Arr(left), Val::Arr(right)) => {
                meter::step();
                left.len() == right.len() && {
                    meter::items(left.len());
                    left.as_slice() == right.as_slice()
                }
            }
            (Val::Obj(left), Val::Obj(right)) => {
                meter::step();
                let same =
                    |(key, value)| right.get::<Text>(key).is_some_and(|other| other == value);
                left.len() == right.len() && {
                    meter::items(left.len());
                    left.iter().all(same)
                }
            }
            _ => self.partial_cmp(other) == Some(Ordering::Equal),
        }
    }
}

/// First the keys as a sorted array, then the values in the order of the keys.
fn compare_objects(left: &Map, right: &Map) -> Ordering {
    meter::step();
    meter::sorting(left.len().saturating_add(right.len()));
    let sorted = |map: &Map| {
        let mut fields: Vec<(Text, Val)> =
            map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        fields.sort_by(|(left, _), (right, _)| left.cmp(right));
        fields
    };
    let (left, right) = (sorted(left), sorted(right));
    let keys = left.iter().map(|(key, _)| key).cmp(right.iter().map(|(key, _)| key));
    keys.then_with(|| left.iter().map(|(_, v)| v).cmp(right.iter().map(|(_, v)| v)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_needs_a_total_order_even_of_what_is_not_a_number() {
        let mut values: Vec<Val> = (0..100).map(|at| Val::Int(at % 7)).collect();
        values.extend((0..100).map(|_| Val::Float(f64::NAN)));
        values.sort();
        assert!(values.iter().take(100).all(Val::is_nan));
        assert!(Val::Float(f64::NAN) < Val::Float(f64::NAN));
        assert_ne!(Val::Float(f64::NAN), Val::Float(f64::NAN));
    }
}

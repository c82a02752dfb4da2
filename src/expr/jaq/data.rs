//! What jaq's filters run on: a compiled expression, and what its evaluations share.

use std::cell::RefCell;

use jaq_core::data::HasLut;
use jaq_core::{DataT, Lut};

use super::fields::Fields;
use super::val::Val;
use super::val::routes::Step;
use crate::expr::ExprError;
use crate::expr::meter::Context;
use crate::expr::patterns::Patterns;

/// A compiled expression.
pub(super) struct Expression {
    /// What jaq runs.
    pub(super) filter: jaq_core::Filter<Kind>,
    /// How deep it nests.
    pub(super) depth: usize,
    /// The left sides of its updates that are routes.
    pub(super) routes: Vec<Vec<Step>>,
    /// What it looks at.
    pub(super) fields: Fields,
    /// Why it would be true for every record, if that is plain to see.
    pub(super) always: Option<ExprError>,
    /// Whether that is spelled out, as `true`.
    pub(super) deliberate: bool,
}

/// What our functions work with beside their input.
pub(super) struct Shared {
    pub(super) patterns: RefCell<Patterns>,
}

/// What jaq's filters run on.
pub(super) enum Kind {}

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

/// What an evaluation carries along: jaq clones it with the context of each part of an expression.
pub(super) struct Data<'a> {
    pub(super) expression: &'a Expression,
    pub(super) shared: &'a Shared,
    pub(super) _metered: Context,
}

impl Clone for Data<'_> {
    #[inline]
    fn clone(&self) -> Self {
        Data { expression: self.expression, shared: self.shared, _metered: Context::new() }
    }
}

impl<'a> HasLut<'a, Kind> for Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        &self.expression.filter.lut
    }
}

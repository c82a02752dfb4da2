//! What a fast expression is made of.

use std::sync::Arc;

use jaq_core::ops::{Cmp, Math};

use crate::expr::patterns::Compiled as Pattern;
use crate::record::pick::Step;

/// An expression that the fast evaluator can run. Each gives one result or none, but for
/// [`Expr::Comma`], which stands only where results go out one after the other.
pub(super) enum Expr {
    /// What the expression is applied to, where that is not a path.
    Input,
    Constant(Constant),
    /// The path with this number.
    Path(usize),
    /// Whether what the first path leads to has the second, one step below.
    Has(usize, usize),
    /// A path through a value that is not on a path itself.
    Get(Box<Expr>, Vec<(Get, bool)>),
    /// The right side sees what the left side gives.
    Pipe(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Cmp, Box<Expr>),
    Math(Box<Expr>, Math, Box<Expr>),
    Negate(Box<Expr>),
    /// `or` and `and`: the truth of the left side at which the right is not looked at.
    Logic(Box<Expr>, bool, Box<Expr>),
    Alternative(Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Empty,
    /// A function of its input.
    Of(Function, Box<Expr>),
    /// A function of its input and an argument.
    With(Operation, Box<Expr>, Box<Expr>),
    Test(Box<Expr>, Arc<Pattern>),
    /// Whether any of these is equal to the input.
    In(Box<Expr>, Vec<Expr>),
    /// Whether any item, or all of them, pass the test; `true` for any.
    Items(bool, Box<Expr>, Box<Expr>),
    /// A string of several parts.
    Text(Vec<Expr>),
    /// Keys, with quotes and colon, and their values.
    Object(Vec<(Vec<u8>, Expr)>),
    Array(Vec<Expr>),
    Comma(Box<Expr>, Box<Expr>),
}

/// A value that is written out in the expression.
pub(super) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    Literal(String),
    Text(String),
    EmptyArray,
    EmptyObject,
}

/// A step through a value; items count from the end if they are negative.
pub(super) enum Get {
    Key(String),
    Item(i64),
}

/// Functions of nothing but their input.
#[derive(Clone, Copy)]
pub(super) enum Function {
    Not,
    Type,
    Length,
    ByteLength,
    ToText,
    ToNumber,
    Downcase,
    Upcase,
    Floor,
    Round,
    Ceil,
}

/// Functions of their input and one argument, both strings.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    StartsWith,
    EndsWith,
    Contains,
    TrimStart,
    TrimEnd,
}

/// A path from the record, each step with whether it may fail quietly (`?`).
pub(super) type Steps = Vec<(Step, bool)>;

/// An expression and the paths in it.
pub(in crate::expr) struct FastExpr {
    pub(super) expr: Expr,
    pub(super) paths: Vec<Steps>,
}

/// Why an expression is not fast: what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::expr) struct Unsupported(pub(in crate::expr) String);

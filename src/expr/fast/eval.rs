//! Evaluating a fast expression over the fields that were picked from a record.
//!
//! Whatever fails, and whatever is rare and hard, stops with [`Stop::Fallback`]: the record then
//! goes to jaq, which gives the result or says what is wrong with it.

use std::borrow::Cow;
use std::cmp::Ordering;

use jaq_core::ops::{Cmp, Math};

use super::super::arithmetic::calculate;
use super::json::{Compact, count, field, items};
use super::text::Scratch;
use super::tree::{Constant, Expr, Function, Get, Operation};
use super::value::{Value, compare, inside};
use super::{Path, Stop};
use crate::record::number::jq::{Number, Numeral, compare_short, lenient};
use crate::record::number::write_float;
use crate::record::pick::{Kind, Slot};
use crate::record::text::write_utf8;

/// How many parts a string may be made of.
pub(super) const PARTS_MAX: usize = 32;

/// What an evaluation works with.
pub(super) struct Context<'r> {
    pub(super) text: &'r [u8],
    pub(super) slots: &'r [Slot],
    pub(super) paths: &'r [Path],
    pub(super) scratch: Scratch<'r>,
    pub(super) compact: &'r mut Compact,
}

impl<'r> Context<'r> {
    #[inline(always)]
    pub(super) fn slot(&self, place: usize) -> Slot {
        self.slots.get(place).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn path(&mut self, number: usize) -> Result<Value<'r>, Stop> {
        let Some(path) = self.paths.get(number) else { return Err(Stop::Fallback) };
        let slot = self.slot(path.place);
        if slot.kind == Kind::Missing {
            return self.missing(path);
        }
        Value::of(&slot, self.text, &mut self.scratch)
    }

    /// The value of a path that leads nowhere: null, unless a step fails.
    pub(super) fn missing(&self, path: &Path) -> Result<Value<'r>, Stop> {
        let mut place = 0;
        for step in &path.steps {
            match (self.slot(place).kind, step.item) {
                (Kind::Null | Kind::Missing, _) => return Ok(Value::Null),
                (Kind::Object, false) | (Kind::Array, true) => place = step.place,
                _ if step.quiet => return Err(Stop::Empty),
                _ => return Err(Stop::Fallback),
            }
        }
        Ok(Value::Null)
    }

    /// The order of a field and a constant, where both are short numbers or plain strings: most
    /// comparisons are of these.
    #[inline(always)]
    fn plain_order(&self, left: &Expr, right: &Expr) -> Option<Ordering> {
        let (Expr::Path(number), Expr::Constant(constant)) = (left, right) else { return None };
        let slot = self.slot(self.paths.get(*number)?.place);
        let json = slot.of(self.text);
        match (slot.kind, constant) {
            (Kind::Number, Constant::Int(right)) => compare_short(json, *right),
            (Kind::Plain, Constant::Text(right)) => Some(inside(json).cmp(right.as_bytes())),
            _ => None,
        }
    }

    /// The text of a field that is a string without escapes.
    #[inline(always)]
    fn plain_text(&self, expr: &Expr) -> Option<&'r [u8]> {
        let Expr::Path(number) = expr else { return None };
        let slot = self.slot(self.paths.get(*number)?.place);
        (slot.kind == Kind::Plain).then(|| inside(slot.of(self.text)))
    }

    /// Whether a test holds that is made of comparisons of plain fields with constants, as most
    /// predicates are; none if it is another. It builds no values.
    pub(super) fn plain_truth(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Compare(left, op, right) => Some(holds(*op, self.plain_order(left, right)?)),
            Expr::Logic(left, stop, right) => match self.plain_truth(left)? {
                truth if truth == *stop => Some(truth),
                _ => self.plain_truth(right),
            },
            Expr::With(Operation::StartsWith, of, argument) => {
                let Expr::Constant(Constant::Text(argument)) = &**argument else { return None };
                Some(starts_with(self.plain_text(of)?, argument.as_bytes()))
            }
            _ => None,
        }
    }

    fn has(&mut self, whole: usize, below: usize) -> Result<Value<'r>, Stop> {
        let (Some(whole), Some(below)) = (self.paths.get(whole), self.paths.get(below)) else {
            return Err(Stop::Fallback);
        };
        let slot = self.slot(whole.place);
        if slot.kind == Kind::Missing {
            return self.missing(whole).map(|_| Value::Bool(false));
        }
        let item = below.steps.last().is_some_and(|step| step.item);
        match (slot.kind, item) {
            (Kind::Null, _) => Ok(Value::Bool(false)),
            (Kind::Object, false) | (Kind::Array, true) => {
                Ok(Value::Bool(self.slot(below.place).kind != Kind::Missing))
            }
            _ => Err(Stop::Fallback),
        }
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &'r Expr, input: Value<'r>) -> Result<Value<'r>, Stop> {
        match expr {
            Expr::Path(number) => self.path(*number),
            Expr::Constant(constant) => Ok(constant.value()),
            Expr::Compare(left, op, right) => {
                if let Some(order) = self.plain_order(left, right) {
                    return Ok(Value::Bool(holds(*op, order)));
                }
                // The right side first, as in jq: it may be empty.
                let right = self.eval(right, input)?;
                let left = self.eval(left, input)?;
                Ok(Value::Bool(holds(*op, compare(left, right)?)))
            }
            Expr::Logic(left, stop, right) => {
                if self.eval(left, input)?.truth() == *stop {
                    return Ok(Value::Bool(*stop));
                }
                Ok(Value::Bool(self.eval(right, input)?.truth()))
            }
            Expr::Input => Ok(input),
            Expr::Pipe(left, right) => {
                let left = self.eval(left, input)?;
                self.eval(right, left)
            }
            Expr::If(test, then, otherwise) => {
                let test = self.eval(test, input)?.truth();
                self.eval(if test { then } else { otherwise }, input)
            }
            Expr::Alternative(left, right) => match self.eval(left, input) {
                Ok(left) if left.truth() => Ok(left),
                Ok(_) | Err(Stop::Empty) => self.eval(right, input),
                Err(stop) => Err(stop),
            },
            Expr::Empty => Err(Stop::Empty),
            Expr::Math(left, op, right) => {
                let right = self.eval(right, input)?;
                let left = self.eval(left, input)?;
                self.calculate(left, *op, right)
            }
            Expr::Of(function, of) => {
                let of = self.eval(of, input)?;
                self.apply(*function, of)
            }
            Expr::With(operation, of, argument) => {
                if let (Some(text), Expr::Constant(Constant::Text(argument))) =
                    (self.plain_text(of), &**argument)
                {
                    return Ok(operate(*operation, text, argument.as_bytes()));
                }
                let argument = self.eval(argument, input)?;
                let of = self.eval(of, input)?;
                Ok(operate(*operation, of.text()?, argument.text()?))
            }
            _ => self.eval_rare(expr, input),
        }
    }

    #[inline(never)]
    fn eval_rare(&mut self, expr: &'r Expr, input: Value<'r>) -> Result<Value<'r>, Stop> {
        match expr {
            Expr::Has(whole, below) => self.has(*whole, *below),
            Expr::Get(of, steps) => {
                let of = self.eval(of, input)?;
                steps.iter().try_fold(of, |value, (get, quiet)| self.get(value, get, *quiet))
            }
            Expr::Negate(of) => {
                let of = self.eval(of, input)?;
                self.negated(of)
            }
            Expr::Test(of, pattern) => {
                let text = self.eval(of, input)?.text()?;
                let text = simdutf8::basic::from_utf8(text).map_err(|_| Stop::Fallback)?;
                Ok(Value::Bool(pattern.matches(text)))
            }
            Expr::In(of, values) => {
                let of = self.eval(of, input)?;
                for value in values {
                    match self.eval(value, input) {
                        Ok(value) if compare(value, of)? == Ordering::Equal => {
                            return Ok(Value::Bool(true));
                        }
                        Ok(_) | Err(Stop::Empty) => {}
                        Err(stop) => return Err(stop),
                    }
                }
                Ok(Value::Bool(false))
            }
            Expr::Items(any, over, test) => {
                let array = match self.eval(over, input) {
                    Ok(Value::Array(array)) => array,
                    // Nothing to go through.
                    Err(Stop::Empty) => return Ok(Value::Bool(!any)),
                    _ => return Err(Stop::Fallback),
                };
                for (_, item) in items(array) {
                    let item = Value::read(item, &mut self.scratch)?;
                    match self.eval(test, item) {
                        Ok(value) if value.truth() == *any => return Ok(Value::Bool(*any)),
                        Ok(_) | Err(Stop::Empty) => {}
                        Err(stop) => return Err(stop),
                    }
                }
                Ok(Value::Bool(!any))
            }
            Expr::Text(parts) => {
                let mut texts: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
                for (text, part) in texts.iter_mut().zip(parts).rev() {
                    let value = self.eval(part, input)?;
                    *text = self.text_of(value)?;
                }
                Ok(Value::Text(self.scratch.join(&texts)?))
            }
            // Compiled only where results go out, or dealt with above.
            _ => Err(Stop::Fallback),
        }
    }

    /// One step through a value.
    fn get(&mut self, value: Value<'r>, get: &Get, quiet: bool) -> Result<Value<'r>, Stop> {
        let found = match (value, get) {
            (Value::Null, _) => None,
            (Value::Object(object), Get::Key(name)) => field(object, name)?,
            (Value::Array(array), Get::Item(at)) => {
                let at = match usize::try_from(*at) {
                    Ok(at) => Some(at),
                    Err(_) => {
                        let back = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
                        items(array).count().checked_sub(back)
                    }
                };
                at.and_then(|at| items(array).nth(at)).map(|(_, item)| item)
            }
            _ if quiet => return Err(Stop::Empty),
            _ => return Err(Stop::Fallback),
        };
        found.map_or(Ok(Value::Null), |json| Value::read(json, &mut self.scratch))
    }

    fn calculate(
        &mut self,
        left: Value<'r>,
        op: Math,
        right: Value<'r>,
    ) -> Result<Value<'r>, Stop> {
        match (left, op, right) {
            (Value::Number(left), _, Value::Number(right)) => {
                let result = calculate(left.number(), op, right.number());
                self.computed(result.ok_or(Stop::Fallback)?)
            }
            (Value::Null, Math::Add, other) | (other, Math::Add, Value::Null) => Ok(other),
            (Value::Text(left), Math::Add, Value::Text(right)) => {
                Ok(Value::Text(self.scratch.join(&[left, right])?))
            }
            _ => Err(Stop::Fallback),
        }
    }

    /// What is not a number has rules of its own.
    fn computed(&self, number: Number) -> Result<Value<'r>, Stop> {
        match number {
            Number::Int(int) => Ok(Value::Number(Numeral::Int(int))),
            Number::Float(float) if float.is_nan() => Err(Stop::Fallback),
            Number::Float(float) => Ok(Value::Number(Numeral::Float(float))),
        }
    }

    fn negated(&mut self, value: Value<'r>) -> Result<Value<'r>, Stop> {
        let Value::Number(number) = value else { return Err(Stop::Fallback) };
        Ok(Value::Number(match number {
            Numeral::Int(int) => {
                int.checked_neg().map_or(Numeral::Float(-(int as f64)), Numeral::Int)
            }
            Numeral::Float(float) => Numeral::Float(-float),
            Numeral::Literal(spelled) => Numeral::Literal(match spelled.strip_prefix('-') {
                Some(positive) => positive,
                None => {
                    let negative = self.scratch.join(&[b"-", spelled.as_bytes()])?;
                    str::from_utf8(negative).map_err(|_| Stop::Fallback)?
                }
            }),
        }))
    }

    fn apply(&mut self, function: Function, of: Value<'r>) -> Result<Value<'r>, Stop> {
        match function {
            Function::Not => Ok(Value::Bool(!of.truth())),
            Function::Type => Ok(Value::Text(of.kind().as_bytes())),
            Function::Length => self.length(of),
            Function::ByteLength => Ok(int(of.text()?.len())),
            Function::ToText => Ok(Value::Text(self.text_of(of)?)),
            Function::ToNumber => to_number(of),
            Function::Downcase | Function::Upcase => {
                let text = of.text()?;
                let made = self.scratch.take(text.len())?;
                made.copy_from_slice(text);
                match function {
                    Function::Downcase => made.make_ascii_lowercase(),
                    _ => made.make_ascii_uppercase(),
                }
                Ok(Value::Text(made))
            }
            Function::Floor => self.rounded(of, f64::floor),
            Function::Round => self.rounded(of, f64::round),
            Function::Ceil => self.rounded(of, f64::ceil),
        }
    }

    fn rounded(&self, value: Value<'r>, round: fn(f64) -> f64) -> Result<Value<'r>, Stop> {
        let Value::Number(numeral) = value else { return Err(Stop::Fallback) };
        match numeral.number() {
            Number::Int(_) => Ok(value),
            Number::Float(float) => {
                let number = Number::Float(round(float));
                self.computed(number.as_int().map_or(number, Number::Int))
            }
        }
    }

    fn length(&mut self, of: Value<'r>) -> Result<Value<'r>, Stop> {
        match of {
            Value::Null => Ok(int(0)),
            Value::Bool(_) => Err(Stop::Fallback),
            Value::Number(Numeral::Int(int)) if int < 0 => self.negated(of),
            Value::Number(Numeral::Float(float)) => Ok(Value::Number(Numeral::Float(float.abs()))),
            Value::Number(Numeral::Literal(spelled)) if spelled.starts_with('-') => {
                self.negated(of)
            }
            Value::Number(_) => Ok(of),
            Value::Text(text) => {
                // Every character has one byte that does not continue another.
                Ok(int(text.iter().filter(|byte| *byte & 0xc0 != 0x80).count()))
            }
            Value::Array(_) | Value::Object(_) => Ok(int(count(of, self.compact)?)),
        }
    }

    /// A string as it is, anything else as its JSON.
    fn text_of(&mut self, value: Value<'r>) -> Result<&'r [u8], Stop> {
        Ok(match value {
            Value::Text(text) => text,
            Value::Null => b"null",
            Value::Bool(true) => b"true",
            Value::Bool(false) => b"false",
            Value::Number(Numeral::Literal(spelled)) => spelled.as_bytes(),
            other => {
                let mut json = Vec::new();
                self.write_value(other, 0, &mut json)?;
                self.scratch.keep(&json)?
            }
        })
    }

    pub(super) fn write_value(
        &mut self,
        value: Value<'r>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(Numeral::Int(int)) => {
                // Writing to memory has no way to fail.
                let _ = std::io::Write::write_fmt(out, format_args!("{int}"));
            }
            Value::Number(Numeral::Float(float)) => write_float(float, out),
            Value::Number(Numeral::Literal(spelled)) => out.extend_from_slice(spelled.as_bytes()),
            Value::Text(text) => write_utf8(text, out),
            Value::Array(json) | Value::Object(json) => self.compact.write(json, depth, out)?,
        }
        Ok(())
    }
}

impl Constant {
    fn value(&self) -> Value<'_> {
        match self {
            Constant::Null => Value::Null,
            Constant::Bool(bool) => Value::Bool(*bool),
            Constant::Int(int) => Value::Number(Numeral::Int(*int)),
            Constant::Literal(spelled) => Value::Number(Numeral::Literal(spelled)),
            Constant::Text(text) => Value::Text(text.as_bytes()),
            Constant::EmptyArray => Value::Array(b"[]"),
            Constant::EmptyObject => Value::Object(b"{}"),
        }
    }
}

fn int<'r>(count: usize) -> Value<'r> {
    Value::Number(Numeral::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

#[inline(always)]
fn holds(op: Cmp, order: Ordering) -> bool {
    match op {
        Cmp::Lt => order.is_lt(),
        Cmp::Le => order.is_le(),
        Cmp::Gt => order.is_gt(),
        Cmp::Ge => order.is_ge(),
        Cmp::Eq => order.is_eq(),
        Cmp::Ne => order.is_ne(),
    }
}

fn to_number(value: Value<'_>) -> Result<Value<'_>, Stop> {
    let Value::Text(text) = value else {
        return if let Value::Number(_) = value { Ok(value) } else { Err(Stop::Fallback) };
    };
    let text = str::from_utf8(text).map_err(|_| Stop::Fallback)?;
    let Some(Cow::Borrowed(number)) = lenient(text) else { return Err(Stop::Fallback) };
    Ok(Value::Number(Numeral::read(number)))
}

/// As `text.starts_with(start)`: starts are short, and most texts differ in their first bytes.
#[inline(always)]
fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.len() >= start.len() && text.iter().zip(start).all(|(one, other)| one == other)
}

fn operate<'r>(operation: Operation, text: &'r [u8], argument: &[u8]) -> Value<'r> {
    let trimmed = |rest: Option<&'r [u8]>| Value::Text(rest.unwrap_or(text));
    match operation {
        Operation::StartsWith => Value::Bool(text.starts_with(argument)),
        Operation::EndsWith => Value::Bool(text.ends_with(argument)),
        Operation::Contains => Value::Bool(memchr::memmem::find(text, argument).is_some()),
        Operation::TrimStart => trimmed(text.strip_prefix(argument)),
        Operation::TrimEnd => trimmed(text.strip_suffix(argument)),
    }
}

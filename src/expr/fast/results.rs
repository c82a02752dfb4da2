//! What becomes of results: whether one is true, all as JSON lines, the only one as a value.

use super::super::{RecordError, Value as Given};
use super::Stop;
use super::eval::Context;
use super::tree::Expr;
use super::value::Value;
use crate::record::pick::Kind;
use crate::record::reserved::is_reserved;

impl<'r> Context<'r> {
    /// Whether any result counts as true; none behind the first such one is computed.
    #[inline(always)]
    pub(super) fn truth(&mut self, expr: &'r Expr, input: Value<'r>) -> Result<bool, Stop> {
        if let Some(truth) = self.plain_truth(expr) {
            return Ok(truth);
        }
        match expr {
            Expr::Comma(..) | Expr::Object(_) | Expr::Array(_) => self.stream_truth(expr, input),
            Expr::If(..) | Expr::Pipe(..) | Expr::Alternative(..) => self.stream_truth(expr, input),
            expr => or_false(self.eval(expr, input).map(Value::truth)),
        }
    }

    fn stream_truth(&mut self, expr: &'r Expr, input: Value<'r>) -> Result<bool, Stop> {
        match expr {
            Expr::Comma(left, right) => {
                Ok(self.stream_truth(left, input)? || self.stream_truth(right, input)?)
            }
            Expr::Pipe(left, right) => match self.eval(left, input) {
                Ok(left) => self.stream_truth(right, left),
                Err(stop) => or_false(Err(stop)),
            },
            Expr::If(test, then, otherwise) => match self.eval(test, input).map(Value::truth) {
                Ok(true) => self.stream_truth(then, input),
                Ok(false) => self.stream_truth(otherwise, input),
                Err(stop) => or_false(Err(stop)),
            },
            Expr::Alternative(left, right) => match self.eval(left, input) {
                Ok(left) if left.truth() => Ok(true),
                Ok(_) | Err(Stop::Empty) => self.stream_truth(right, input),
                Err(stop) => Err(stop),
            },
            Expr::Object(_) | Expr::Array(_) => {
                or_false(self.part(expr, input, 0, &mut Vec::new()).map(|()| true))
            }
            expr => or_false(self.eval(expr, input).map(Value::truth)),
        }
    }

    /// Appends all results, each with a LF.
    pub(super) fn stream(
        &mut self,
        expr: &'r Expr,
        input: Value<'r>,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        match expr {
            Expr::Comma(left, right) => {
                self.stream(left, input, out)?;
                self.stream(right, input, out)
            }
            Expr::Pipe(left, right) => match self.eval(left, input) {
                Ok(left) => self.stream(right, left, out),
                Err(Stop::Empty) => Ok(()),
                Err(stop) => Err(stop),
            },
            Expr::If(test, then, otherwise) => match self.eval(test, input).map(Value::truth) {
                Ok(true) => self.stream(then, input, out),
                Ok(false) => self.stream(otherwise, input, out),
                Err(Stop::Empty) => Ok(()),
                Err(stop) => Err(stop),
            },
            Expr::Alternative(left, right) => match self.eval(left, input) {
                Ok(left) if left.truth() => self.end(left, out),
                Ok(_) | Err(Stop::Empty) => self.stream(right, input, out),
                Err(stop) => Err(stop),
            },
            expr => {
                let start = out.len();
                match self.part(expr, input, 0, out) {
                    Ok(()) => end_line(start, out),
                    Err(Stop::Empty) => Ok(()),
                    Err(stop) => Err(stop),
                }
            }
        }
    }

    /// The only result, null if there is none; its text is put into `text`. Expressions that may
    /// have several are left to jaq.
    pub(super) fn only(
        &mut self,
        expr: &'r Expr,
        input: Value<'r>,
        text: &mut Vec<u8>,
    ) -> Result<Shape, Stop> {
        let value = match expr {
            Expr::Comma(..) | Expr::Object(_) | Expr::Array(_) => return Err(Stop::Fallback),
            expr => match self.eval(expr, input) {
                Ok(value) => value,
                Err(Stop::Empty) => Value::Null,
                Err(stop) => return Err(stop),
            },
        };
        Ok(match value {
            Value::Null => Shape::Null,
            Value::Bool(bool) => Shape::Bool(bool),
            Value::Text(string) => {
                text.extend_from_slice(string);
                Shape::Text
            }
            Value::Number(_) => {
                self.write_value(value, 0, text)?;
                Shape::Number
            }
            Value::Array(_) | Value::Object(_) => {
                self.write_value(value, 0, text)?;
                Shape::Json
            }
        })
    }

    fn end(&mut self, value: Value<'r>, out: &mut Vec<u8>) -> Result<(), Stop> {
        let start = out.len();
        self.write_value(value, 0, out)?;
        end_line(start, out)
    }

    /// Appends the one result, `depth` levels below the top of what goes out; nothing if there is
    /// none.
    fn part(
        &mut self,
        expr: &'r Expr,
        input: Value<'r>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let start = out.len();
        let written = match expr {
            Expr::Path(number) => self.copy(*number, depth, out),
            Expr::Object(fields) => {
                out.push(b'{');
                let mut first = true;
                fields
                    .iter()
                    .try_for_each(|(key, value)| {
                        if !std::mem::take(&mut first) {
                            out.push(b',');
                        }
                        out.extend_from_slice(key);
                        self.part(value, input, depth + 1, out)
                    })
                    .map(|()| out.push(b'}'))
            }
            Expr::Array(parts) => self.array(parts, input, depth, out),
            Expr::Pipe(left, right) => {
                self.eval(left, input).and_then(|left| self.part(right, left, depth, out))
            }
            Expr::If(test, then, otherwise) => self.eval(test, input).and_then(|test| {
                let then = if test.truth() { then } else { otherwise };
                self.part(then, input, depth, out)
            }),
            Expr::Alternative(left, right) => match self.eval(left, input) {
                Ok(left) if left.truth() => self.write_value(left, depth, out),
                Ok(_) | Err(Stop::Empty) => self.part(right, input, depth, out),
                Err(stop) => Err(stop),
            },
            expr => self.eval(expr, input).and_then(|value| self.write_value(value, depth, out)),
        };
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn array(
        &mut self,
        parts: &'r [Expr],
        input: Value<'r>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        out.push(b'[');
        let mut first = true;
        for part in parts {
            let before = out.len();
            if !first {
                out.push(b',');
            }
            match self.part(part, input, depth + 1, out) {
                Ok(()) => first = false,
                Err(Stop::Empty) => out.truncate(before),
                Err(stop) => return Err(stop),
            }
        }
        out.push(b']');
        Ok(())
    }

    /// Appends what a path leads to, as it is spelled.
    fn copy(&mut self, number: usize, depth: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
        let Some(path) = self.paths.get(number) else { return Err(Stop::Fallback) };
        let slot = self.slot(path.place);
        let json = slot.of(self.text);
        match slot.kind {
            Kind::Missing => {
                self.missing(path)?;
                out.extend_from_slice(b"null");
            }
            Kind::Escaped => self.compact.string(json, out)?,
            Kind::Array | Kind::Object => self.compact.write(json, depth, out)?,
            _ => out.extend_from_slice(json),
        }
        Ok(())
    }
}

/// What a value's text is the text of.
#[derive(Clone, Copy)]
pub(in crate::expr) enum Shape {
    Null,
    Bool(bool),
    Number,
    Text,
    Json,
}

impl Shape {
    /// The value with this text.
    pub(in crate::expr) fn given(self, text: &[u8]) -> Result<Given<'_>, RecordError> {
        // We write nothing but UTF-8, unless the record was trusted without reason.
        let text = simdutf8::basic::from_utf8(text).map_err(RecordError::eval)?;
        Ok(match self {
            Shape::Null => Given::Null,
            Shape::Bool(bool) => Given::Bool(bool),
            Shape::Number => Given::Number(text),
            Shape::Text => Given::Text(text),
            Shape::Json => Given::Json(text),
        })
    }
}

/// Ends the line of a result that begins at `start`; jaq tells what is wrong with one that is no
/// record.
fn end_line(start: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    if is_reserved(out.get(start..).unwrap_or_default()) {
        return Err(Stop::Fallback);
    }
    out.push(b'\n');
    Ok(())
}

/// No result is no true result.
fn or_false(truth: Result<bool, Stop>) -> Result<bool, Stop> {
    match truth {
        Err(Stop::Empty) => Ok(false),
        other => other,
    }
}

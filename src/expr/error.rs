//! What can be wrong with an expression, and with a record.

use std::fmt;
use std::ops::Range;

use super::bounds::Exceeded;
use crate::record::json::JsonError;
use crate::record::reserved::Reserved;

/// How much of an expression, in characters, a message shows.
const SHOWN_CHARS_MAX: usize = 60;

/// The longest message about a record, in bytes, of what an expression said about it.
pub(super) const MESSAGE_BYTES_MAX: usize = 200;

/// An expression that does not compile.
///
/// Displayed as one line: `'.a + ': unexpected end of the expression at column 6; ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Which of the expressions given it is, counted from 0.
    pub index: usize,
    /// The whole expression.
    pub expression: String,
    /// The bytes of the expression at which it goes wrong; empty at its end.
    pub span: Range<usize>,
    /// What is wrong, without the place.
    pub why: String,
    /// What to do about it, where we have an idea.
    pub remedy: Option<String>,
}

impl std::error::Error for ExprError {}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.expression.get(..self.span.start).unwrap_or(&self.expression);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        write!(f, "'{}': {} at ", self.shown(), self.why)?;
        if self.expression.contains('\n') {
            write!(f, "line {line}, ")?;
        }
        write!(f, "column {column}")?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl ExprError {
    /// The expression on one line; of a long one, the part around the place.
    fn shown(&self) -> String {
        let one_line = |c: char| if c.is_control() { ' ' } else { c };
        let chars: Vec<char> = self.expression.chars().map(one_line).collect();
        if chars.len() <= SHOWN_CHARS_MAX {
            return chars.into_iter().collect();
        }
        let at = self.expression.get(..self.span.start).map_or(chars.len(), |b| b.chars().count());
        let start = at.saturating_sub(SHOWN_CHARS_MAX / 2).min(chars.len() - SHOWN_CHARS_MAX);
        let end = start + SHOWN_CHARS_MAX;
        let part: String = chars.iter().skip(start).take(SHOWN_CHARS_MAX).collect();
        let before = if start > 0 { "…" } else { "" };
        let after = if end < chars.len() { "…" } else { "" };
        format!("{before}{part}{after}")
    }
}

/// Why an expression gave nothing for a record. One line, of bounded length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record is not valid JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A result begins like a control record.
    #[error("a result is not a record: {0}")]
    Reserved(#[from] Reserved),
    /// The expression failed on it.
    #[error("{0}")]
    Eval(String),
    /// The evaluation ran into a bound.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// The expression gave more than one result where one value is wanted.
    #[error(
        "it returns more than one result, and needs one; combine them, as in [EXPR] | add, take \
         first(EXPR), or split the record with map before"
    )]
    Several,
}

impl RecordError {
    /// Whether it says nothing about the record.
    pub fn is_passing(&self) -> bool {
        matches!(self, RecordError::Exceeded(bound) if bound.is_passing())
    }

    /// A failed evaluation; of a long message, the beginning is kept.
    pub(crate) fn eval(why: impl fmt::Display) -> RecordError {
        let mut text = Bounded::default();
        // Running into the bound is what stops it; there is no other error.
        let _ = fmt::write(&mut text, format_args!("{why}"));
        RecordError::Eval(text.0)
    }
}

/// Takes the beginning of a text on one line and refuses the rest, so that a message about a record
/// of 16 MiB costs no more than what is shown of it.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() >= MESSAGE_BYTES_MAX {
                self.0.push('…');
                return Err(fmt::Error);
            }
            self.0.push(if c.is_control() { ' ' } else { c });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(expression: &str, span: Range<usize>) -> String {
        ExprError {
            index: 0,
            expression: expression.into(),
            span,
            why: "wrong".into(),
            remedy: None,
        }
        .to_string()
    }

    #[test]
    fn the_place_is_counted_in_characters_and_lines() {
        assert_eq!(error(".a + ", 5..5), "'.a + ': wrong at column 6");
        assert_eq!(error("\"ä\" !", 5..6), "'\"ä\" !': wrong at column 5");
        assert_eq!(error(".a |\n .b !", 9..10), "'.a |  .b !': wrong at line 2, column 5");
    }

    #[test]
    fn a_long_expression_is_shown_around_the_place() {
        let long = format!("{} ! {}", "a".repeat(100), "b".repeat(100));
        let text = error(&long, 101..102);
        let part = format!("'…{} ! {}…'", "a".repeat(29), "b".repeat(28));
        assert_eq!(text, format!("{part}: wrong at column 102"));
        assert!(error(&long, 203..203).starts_with("'…bbb"));
        assert!(error(&long, 0..1).starts_with("'aaa"));
    }

    #[test]
    fn a_message_about_a_record_is_one_bounded_line() {
        let text = RecordError::eval(format!("a\nb\t{}", "x".repeat(1000))).to_string();
        assert!(text.starts_with("a b x"), "{text}");
        assert!(text.ends_with('…') && text.len() <= MESSAGE_BYTES_MAX + 4, "{text}");
    }
}

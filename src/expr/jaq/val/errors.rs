//! What can be wrong with a value, in jq's words: `try … catch` hands them to the expression, which
//! may compare them.

use super::{Error, Val};
use crate::expr::jaq::write::beginning;

/// How many bytes of a value jq shows in an error.
const SHOWN_BYTES_MAX: usize = 29;

/// What a number must be for a function of mathematics.
pub(in crate::expr::jaq) const NUMBER: &str = "number required";
/// What cannot be sorted.
pub(in crate::expr::jaq) const UNSORTABLE: &str = "cannot be sorted, as it is not an array";
/// What is no pattern, or its flags.
pub(in crate::expr::jaq) const NO_STRING: &str = "is not a string";
/// What cannot be searched for a pattern.
pub(in crate::expr::jaq) const UNMATCHABLE: &str = "cannot be matched, as it is not a string";

/// An error without values.
pub(in crate::expr::jaq) fn plain(why: &'static str) -> Error {
    Error::str(why)
}

/// A value that something cannot be done with: `number (5) has no length`.
pub(in crate::expr::jaq) fn unfit(value: &Val, why: &str) -> Error {
    Error::str(format_args!("{} ({}) {why}", value.kind(), shown(value)))
}

/// Two values that something cannot be done with.
pub(in crate::expr::jaq) fn unfit_both(left: &Val, right: &Val, why: &str) -> Error {
    let (left_kind, right_kind) = (left.kind(), right.kind());
    let (left, right) = (shown(left), shown(right));
    Error::str(format_args!("{left_kind} ({left}) and {right_kind} ({right}) {why}"))
}

/// A value that has nothing at an index of this type.
pub(in crate::expr::jaq) fn no_index(value: &Val, index: &Val) -> Error {
    let (kind, by, shown) = (value.kind(), index.kind(), shown(index));
    Error::str(format_args!("Cannot index {kind} with {by} ({shown})"))
}

/// A value in which nothing can be put at an index of this type.
pub(in crate::expr::jaq) fn no_update(value: &Val, index: &Val) -> Error {
    match (value, index) {
        (Val::Text(_), Val::Obj(_)) => plain("Cannot update string slices"),
        (Val::Arr(_), Val::Arr(_)) => {
            let (kind, by) = (value.kind(), index.kind());
            Error::str(format_args!("Cannot update field at {by} index of {kind}"))
        }
        _ => no_index(value, index),
    }
}

/// A value from which nothing can be deleted at an index of this type.
pub(in crate::expr::jaq) fn no_deletion(value: &Val, index: &Val) -> Error {
    match value {
        Val::Arr(_) => Error::str(format_args!("Cannot delete {} element of array", index.kind())),
        Val::Obj(_) => Error::str(format_args!("Cannot delete {} field of object", index.kind())),
        other => Error::str(format_args!("Cannot delete fields from {}", other.kind())),
    }
}

/// A value that has no items.
pub(in crate::expr::jaq) fn not_iterable(value: &Val) -> Error {
    Error::str(format_args!("Cannot iterate over {} ({})", value.kind(), shown(value)))
}

/// A value that cannot be the key of a field.
pub(in crate::expr::jaq) fn no_key(value: &Val) -> Error {
    Error::str(format_args!("Cannot use {} ({}) as object key", value.kind(), shown(value)))
}

/// A value as jq shows it in errors: as JSON, and of a long one the beginning.
fn shown(value: &Val) -> String {
    let mut text = beginning(value, SHOWN_BYTES_MAX + 1);
    if text.len() <= SHOWN_BYTES_MAX {
        return text;
    }
    let closing = match value {
        Val::Text(_) => "\"",
        Val::Arr(_) => "]",
        Val::Obj(_) => "}",
        _ => "",
    };
    let end = text.floor_char_boundary(SHOWN_BYTES_MAX - "...".len() - closing.len());
    text.truncate(end);
    text + "..." + closing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_text(text: &str) -> String {
        shown(&Val::text(text))
    }

    #[test]
    fn values_are_cut_as_jq_cuts_them() {
        assert_eq!(shown_text("x"), "\"x\"");
        assert_eq!(shown_text(&"x".repeat(27)), format!("\"{}\"", "x".repeat(27)));
        assert_eq!(shown_text(&"x".repeat(28)), format!("\"{}...\"", "x".repeat(24)));
        assert_eq!(shown_text(&"\u{e9}".repeat(28)), format!("\"{}...\"", "\u{e9}".repeat(12)));
        let items: Val = (10..40_usize).map(Val::from).collect();
        assert_eq!(shown(&items), "[10,11,12,13,14,15,16,17,...]");
        assert_eq!(shown(&Val::Int(5)), "5");
    }
}

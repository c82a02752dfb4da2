//! `$__loc__`, the place where it stands in the expression.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::Term;

use super::span_of;

const PLACE: &str = "$__loc__";

/// Puts an object of a file and a line in the place of a `$__loc__`. `numerals` are 0, 1 and so on.
/// What is below the term must be done before.
pub(super) fn name_place<'s>(source: &str, term: &mut Term<&'s str>, numerals: &'s [String]) {
    match term {
        Term::Var(name) if *name == PLACE => {
            let before = source.get(..span_of(source, name).start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let line = numerals.get(line).map_or("1", String::as_str);
            *term = Term::Obj(vec![
                (text("file"), Some(text("<top-level>"))),
                (text("line"), Some(Term::Num(line))),
            ]);
        }
        // `{$__loc__}`, where the key has become the object.
        Term::Obj(entries) => {
            for (key, value) in entries {
                if value.is_none() && matches!(key, Term::Obj(_)) {
                    *value = Some(std::mem::replace(key, text("__loc__")));
                }
            }
        }
        _ => {}
    }
}

fn text(text: &str) -> Term<&str> {
    Term::Str(None, vec![StrPart::Str(text)])
}

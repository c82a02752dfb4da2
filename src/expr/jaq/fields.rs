//! Which fields of the record an expression looks at, so that only these are read.
//!
//! The answer may name more than is looked at, never less. It holds for records that are objects;
//! others are read whole.

use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

use crate::expr::syntax::terms::spelled_out;

/// The fields that are looked at, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// The whole record may be looked at.
    All,
    /// Only these fields.
    Some(Vec<String>),
}

impl Fields {
    /// The fields that an expression looks at.
    pub(super) fn of(expression: &Term<&str>) -> Fields {
        let mut fields = Fields::Some(Vec::new());
        fields.look(expression);
        fields
    }

    /// These fields, and those of another expression.
    pub(super) fn and(mut self, other: &Fields) -> Fields {
        match other {
            Fields::All => self = Fields::All,
            Fields::Some(names) => names.iter().for_each(|name| self.add(name)),
        }
        self
    }

    fn add(&mut self, name: &str) {
        if let Fields::Some(names) = self
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }

    /// Adds what a term looks at whose input is the record.
    fn look(&mut self, term: &Term<&str>) {
        match term {
            Term::Num(_) | Term::Var(_) | Term::Break(_) => {}
            Term::Str(_, parts) => {
                for part in parts {
                    if let jaq_core::load::lex::StrPart::Term(term) = part {
                        self.look(term);
                    }
                }
            }
            Term::Arr(inside) => inside.iter().for_each(|inside| self.look(inside)),
            Term::Neg(inside) | Term::Label(_, inside) => self.look(inside),
            Term::Obj(entries) => {
                entries.iter().for_each(|(key, value)| self.look_entry(key, value.as_ref()));
            }
            Term::BinOp(left, op, right) => self.look_operation(left, op, right),
            Term::Fold(_, over, bound, arguments) => {
                self.look(over);
                self.look_pattern(bound);
                // The others see what is folded so far.
                arguments.iter().take(1).for_each(|first| self.look(first));
            }
            // What is caught sees the error.
            Term::TryCatch(inside, _) => self.look(inside),
            Term::IfThenElse(branches, Some(otherwise)) => {
                for (test, then) in branches {
                    self.look(test);
                    self.look(then);
                }
                self.look(otherwise);
            }
            Term::Call(name, arguments) => self.look_call(name, arguments),
            Term::Path(head, path) => self.look_path(head, &path.0),
            Term::Id | Term::Recurse | Term::IfThenElse(_, None) | Term::Def(..) => {
                *self = Fields::All;
            }
        }
    }

    fn look_entry(&mut self, key: &Term<&str>, value: Option<&Term<&str>>) {
        match (key, value, literal(key)) {
            (_, Some(value), _) => {
                self.look(key);
                self.look(value);
            }
            (Term::Var(_), None, _) => {}
            (_, None, Some(name)) => self.add(&name),
            (_, None, None) => *self = Fields::All,
        }
    }

    fn look_operation(&mut self, left: &Term<&str>, op: &BinaryOp<&str>, right: &Term<&str>) {
        match op {
            // The right side sees what the left side gives.
            BinaryOp::Pipe(None) => self.look(left),
            BinaryOp::Pipe(Some(bound)) => {
                self.look(left);
                self.look_pattern(bound);
                self.look(right);
            }
            BinaryOp::Comma
            | BinaryOp::Alt
            | BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_) => {
                self.look(left);
                self.look(right);
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                *self = Fields::All
            }
        }
    }

    /// A pattern looks at what it takes apart, unless it computes a key.
    fn look_pattern(&mut self, bound: &Pattern<&str>) {
        match bound {
            Pattern::Var(_) => {}
            Pattern::Arr(items) => items.iter().for_each(|item| self.look_pattern(item)),
            Pattern::Obj(entries) => {
                for (key, inside) in entries {
                    if literal(key).is_none() {
                        *self = Fields::All;
                    }
                    self.look_pattern(inside);
                }
            }
        }
    }

    fn look_call(&mut self, name: &str, arguments: &[Term<&str>]) {
        match (name, arguments) {
            ("empty" | "null" | "true" | "false" | "nan" | "infinite", []) => {}
            ("first" | "last" | "isempty" | "add" | "error", [_])
            | ("limit" | "skip", [_, _])
            | ("range", [_] | [_, _] | [_, _, _]) => {
                arguments.iter().for_each(|argument| self.look(argument));
            }
            // The second sees what the first gives.
            ("any" | "all", [over, _]) => self.look(over),
            ("has", [key]) => match literal(key) {
                Some(name) => self.add(&name),
                None => *self = Fields::All,
            },
            _ => *self = Fields::All,
        }
    }

    fn look_path(&mut self, head: &Term<&str>, parts: &[(Part<Term<&str>>, jaq_core::path::Opt)]) {
        let mut rest = parts.iter().map(|(part, _)| part);
        if matches!(head, Term::Id) {
            match rest.next() {
                Some(Part::Index(key)) if let Some(name) = literal(key) => self.add(&name),
                _ => *self = Fields::All,
            }
        } else {
            self.look(head);
        }
        // Indices are computed from the record, not from what the path has reached.
        for part in rest {
            match part {
                Part::Index(index) => self.look(index),
                Part::Range(from, to) => {
                    from.iter().chain(to).for_each(|bound| self.look(bound));
                }
            }
        }
    }
}

/// The text of a string that is written out.
fn literal(term: &Term<&str>) -> Option<String> {
    match term {
        Term::Str(None, parts) => spelled_out(parts).map(|(_, text)| text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jaq_core::load::lex::Lexer;
    use jaq_core::load::parse::Parser;

    use super::*;

    fn fields(source: &str) -> String {
        let tokens = Lexer::new(source).lex().unwrap();
        match Fields::of(&Parser::new(&tokens).parse(|parser| parser.term()).unwrap()) {
            Fields::All => "all".into(),
            Fields::Some(names) => names.join(" "),
        }
    }

    #[test]
    fn the_fields_of_common_expressions_are_known() {
        for (source, names) in [
            (".status >= 500", "status"),
            (".a.b[.c].d", "a c"),
            (".[\"x y\"] or .\"z\"?", "x y z"),
            (".path | startswith(\"/buy\") and (.nothing | not)", "path"),
            ("{user, at: .time, (.key): 1}", "user time key"),
            (".a as $x | .b as [$y] | $x + $y + .c", "a b c"),
            ("if .a then .b else .c end", "a b c"),
            ("[.items[] | .price] | add", "items"),
            ("reduce .items[] as $i (.start; . + $i.price)", "items start"),
            ("any(.tags[]; . == \"x\")", "tags"),
            ("try .a.b catch \"no\"", "a"),
            ("\"\\(.a)-\\(.b)\"", "a b"),
            ("has(\"org\") or .a // -.b", "org a b"),
            ("1, \"x\", null", ""),
        ] {
            assert_eq!(fields(source), names, "{source}");
        }
    }

    #[test]
    fn an_expression_that_may_see_the_whole_record_is_known_as_such() {
        for source in [
            ".",
            "..",
            ".[]",
            ".a + .",
            "[.]",
            "{(.b): .}",
            "keys",
            "length > 2",
            ".a = 1",
            "del(.a)",
            "map(.a)",
            ". as $x | 1",
            "if .a then 1 end",
            "select(.a)",
            "def f: 1; .a",
            ".[.a]",
            "to_entries",
            "error",
            "with_entries(.)",
            ".a, .[\"\\(.b)\"]",
            "{\"a\\(1)\"}",
            ".a as {(.b): $x} | $x",
            "path(.a)",
        ] {
            assert_eq!(fields(source), "all", "{source}");
        }
    }
}

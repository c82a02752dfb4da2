//! Conditions that are true whatever the record is: most often, `=` was written for `==`.
//!
//! [`assignment`] looks wherever a result decides something, as there it is a slip in any case.
//! [`constant`] looks at the whole: `if .a then 1 else false end` has a constant and is not one.

use jaq_core::load::lex::{StrPart, Tok, Token};
use jaq_core::load::parse::{BinaryOp, Def, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part};

/// What to write instead of a constant.
const COMPARE: &str = "compare it with something, as in .a == 500";

/// Functions that give something else than null and false, of whatever they take.
const TRUTHY: [&str; 10] = [
    "ascii_downcase",
    "ascii_upcase",
    "keys",
    "keys_unsorted",
    "length",
    "to_entries",
    "tojson",
    "tostring",
    "type",
    "utf8bytelength",
];

/// The other functions that are told apart here, by name.
const KNOWN: [&str; 9] = ["all", "any", "first", "has", "last", "limit", "not", "select", "true"];

/// Why a condition is always true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Always {
    /// The operator that assigns, if that is why.
    pub(super) operator: Option<&'static str>,
    pub(super) why: &'static str,
    pub(super) remedy: &'static str,
    /// Whether it was spelled out, as `true`.
    pub(super) deliberate: bool,
}

/// Says why a condition is true for every record, if that is plain to see.
pub(super) fn always(condition: &Term<&str>) -> Option<Always> {
    constant(condition).or_else(|| assignment(condition))
}

/// What stands for itself, or is made anew.
fn constant(term: &Term<&str>) -> Option<Always> {
    let why = match term {
        Term::Num(_) => "a number is always true",
        Term::Neg(_) if has_result(term) => "a number is always true",
        Term::Str(..) if has_result(term) => "a string is always true",
        Term::Arr(_) => "an array is always true",
        Term::Obj(_) if has_result(term) => "an object is always true",
        Term::Call(name, arguments) => match (*name, arguments.as_slice()) {
            ("true", []) => "'true' is true for every record",
            (name, []) if TRUTHY.contains(&name) => "the result of such a function is always true",
            ("first" | "last" | "select", [of]) => return constant(of),
            _ => return None,
        },
        Term::BinOp(left, BinaryOp::And, right) => return slip(left).or_else(|| slip(right)),
        Term::BinOp(left, BinaryOp::Or | BinaryOp::Comma, right) => {
            return constant(left).or_else(|| constant(right));
        }
        Term::BinOp(_, BinaryOp::Alt, right) => return constant(right),
        Term::BinOp(left, BinaryOp::Pipe(_), right) => match **right {
            Term::Id => return constant(left),
            _ => return constant(right).filter(|_| has_result(left)),
        },
        Term::IfThenElse(branches, Some(otherwise)) => {
            let others = branches.iter().all(|(_, then)| constant(then).is_some());
            return constant(otherwise).filter(|_| others);
        }
        Term::Def(defs, inside) if !redefine(defs) => return constant(inside),
        _ => return None,
    };
    let deliberate = matches!(term, Term::Call("true", _));
    Some(Always { operator: None, why, remedy: COMPARE, deliberate })
}

/// A constant that nobody writes on purpose beside another condition.
fn slip(term: &Term<&str>) -> Option<Always> {
    constant(term).filter(|found| !found.deliberate)
}

/// Whether there is always a result, unless it fails.
fn has_result(term: &Term<&str>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| match part {
            StrPart::Term(inside) => has_result(inside),
            StrPart::Str(_) | StrPart::Char(_) => true,
        }),
        Term::Obj(entries) => entries
            .iter()
            .all(|(key, value)| has_result(key) && value.as_ref().is_none_or(has_result)),
        Term::Neg(inside) => has_result(inside),
        Term::Path(head, path) => {
            let one = |(part, opt): &(Part<Term<&str>>, Opt)| {
                matches!(opt, Opt::Essential) && !matches!(part, Part::Range(None, None))
            };
            has_result(head) && path.0.iter().all(one)
        }
        Term::BinOp(left, BinaryOp::Comma, right) => has_result(left) || has_result(right),
        Term::BinOp(left, _, right) => has_result(left) && has_result(right),
        Term::Call(name, arguments) => match (*name, arguments.as_slice()) {
            ("true" | "not", []) | ("has", [_]) => true,
            (name, []) => TRUTHY.contains(&name),
            _ => false,
        },
        _ => false,
    }
}

fn assignment(term: &Term<&str>) -> Option<Always> {
    let operator = match term {
        Term::BinOp(left, op, right) => match op {
            BinaryOp::Assign => "=",
            BinaryOp::Update => "|=",
            BinaryOp::UpdateAlt => "//=",
            BinaryOp::UpdateMath(Math::Add) => "+=",
            BinaryOp::UpdateMath(Math::Sub) => "-=",
            BinaryOp::UpdateMath(Math::Mul) => "*=",
            BinaryOp::UpdateMath(Math::Div) => "/=",
            BinaryOp::UpdateMath(Math::Rem) => "%=",
            BinaryOp::Pipe(_) => {
                // `.a = 1 | .b` is decided by `.b`.
                let passed = matches!(**right, Term::Id | Term::Call("not", _));
                let left = if passed { assignment(left) } else { selecting(left) };
                return left.or_else(|| assignment(right));
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Comma | BinaryOp::Alt => {
                return assignment(left).or_else(|| assignment(right));
            }
            _ => return None,
        },
        Term::Def(defs, inside) if !redefine(defs) => return assignment(inside),
        Term::Label(_, inside) => return assignment(inside),
        Term::TryCatch(inside, catch) => {
            return assignment(inside).or_else(|| assignment(catch.as_deref()?));
        }
        Term::IfThenElse(branches, otherwise) => {
            let mut deciding = branches.iter().flat_map(|(test, then)| [test, then]);
            return deciding.find_map(assignment).or_else(|| assignment(otherwise.as_deref()?));
        }
        Term::Call(name, arguments) => match (*name, arguments.as_slice()) {
            ("select" | "first" | "last" | "any" | "all", [deciding])
            | ("any" | "all" | "limit", [_, deciding]) => return assignment(deciding),
            _ => return None,
        },
        _ => return None,
    };
    let (why, remedy) = match operator {
        "=" => ("'=' assigns, and its result is always true", "did you mean '=='?"),
        _ => {
            ("an update is always true", "a condition compares, as in .a == 1; map updates records")
        }
    };
    Some(Always { operator: Some(operator), why, remedy, deliberate: false })
}

/// An assignment that decides what goes on down the pipe.
fn selecting(term: &Term<&str>) -> Option<Always> {
    match term {
        Term::Call("select", _) => assignment(term),
        Term::BinOp(left, BinaryOp::Pipe(_), right) => selecting(left).or_else(|| selecting(right)),
        _ => None,
    }
}

/// Whether a function that is told apart here is another one behind these definitions.
fn redefine(defs: &[Def<&str>]) -> bool {
    defs.iter().any(|def| TRUTHY.contains(&def.name) || KNOWN.contains(&def.name))
}

/// The first place where an operator stands.
pub(super) fn find<'s>(tokens: &[Token<&'s str>], operator: &str) -> Option<&'s str> {
    tokens.iter().find_map(|Token(text, token)| match token {
        Tok::Sym if *text == operator => Some(*text),
        Tok::Block(inside) => find(inside, operator),
        _ => None,
    })
}

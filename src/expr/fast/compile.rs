//! From jaq's syntax tree to a fast expression, or to the construct that is none.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part};

use super::super::Variables;
use super::eval::PARTS_MAX;
use super::tree::{Constant, Expr, FastExpr, Get, Steps, Unsupported};
use crate::expr::patterns::Patterns;
use crate::record::number::jq::Numeral;
use crate::record::pick::Step;
use crate::record::text::{is_number, write_string};

/// How deep a fast expression may nest: it is evaluated by recursion.
const LEVELS_MAX: usize = 64;

/// How many paths and how many of their steps a fast expression may have.
const PATHS_MAX: usize = 64;
const STEPS_MAX: usize = 16;

pub(super) type Built = Result<Expr, Unsupported>;

/// Compiles an expression.
pub(in crate::expr) fn compile(
    term: &Term<&str>,
    variables: &Variables,
    patterns: &mut Patterns,
) -> Result<FastExpr, Unsupported> {
    let mut builder = Builder { variables, patterns, paths: Vec::new(), levels: 0 };
    let expr = builder.build(term, &Input::Path(Vec::new(), true), Position::Stream)?;
    Ok(FastExpr { expr, paths: builder.paths })
}

/// What an expression is applied to.
pub(super) enum Input {
    /// What this path leads to. It is known to be there, unless it is the record itself.
    Path(Steps, bool),
    /// A computed value.
    Value,
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Its results go out one after the other.
    Stream,
    /// Its result goes out as a part of another.
    Part,
    /// Its result is used.
    Inside,
}

pub(super) struct Builder<'v> {
    variables: &'v Variables,
    pub(super) patterns: &'v mut Patterns,
    paths: Vec<Steps>,
    levels: usize,
}

pub(super) fn not_fast<T>(what: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported(what.into()))
}

pub(super) fn boxed(expr: Built) -> Result<Box<Expr>, Unsupported> {
    expr.map(Box::new)
}

impl Builder<'_> {
    fn build(&mut self, term: &Term<&str>, input: &Input, position: Position) -> Built {
        if self.levels == LEVELS_MAX {
            return not_fast("nesting this deep");
        }
        self.levels += 1;
        let built = self.term(term, input, position);
        self.levels -= 1;
        built
    }

    /// One whose result is used.
    pub(super) fn inside(
        &mut self,
        term: &Term<&str>,
        input: &Input,
    ) -> Result<Box<Expr>, Unsupported> {
        boxed(self.build(term, input, Position::Inside))
    }

    fn term(&mut self, term: &Term<&str>, input: &Input, position: Position) -> Built {
        match term {
            Term::Id => self.input(input),
            Term::Num(number) => constant_number(number),
            Term::Str(None, parts) => self.text(parts, input),
            Term::Str(Some(format), _) => not_fast(format!("'{format}'")),
            Term::Neg(inside) => Ok(Expr::Negate(self.inside(inside, input)?)),
            Term::Arr(None) => Ok(Expr::Constant(Constant::EmptyArray)),
            Term::Arr(Some(inside)) => self.array(inside, input, position),
            Term::Obj(entries) if entries.is_empty() => Ok(Expr::Constant(Constant::EmptyObject)),
            Term::Obj(entries) => self.object(entries, input, position),
            Term::BinOp(left, op, right) => self.operation(left, op, right, input, position),
            // What fails is left to jaq, and with it what is done about it.
            Term::TryCatch(inside, _) => self.build(inside, input, position),
            Term::IfThenElse(branches, otherwise) => {
                self.branches(branches, otherwise.as_deref(), input, position)
            }
            Term::Call(name, arguments) => self.call(name, arguments, input),
            Term::Path(head, path) => self.path(head, &path.0, input),
            Term::Recurse => not_fast("'..'"),
            Term::Var(name) => self.variable(name),
            Term::Fold(name, ..) => not_fast(format!("'{name}'")),
            Term::Label(..) | Term::Break(_) => not_fast("'label'"),
            Term::Def(..) => not_fast("'def'"),
        }
    }

    pub(super) fn input(&mut self, input: &Input) -> Built {
        match input {
            Input::Path(steps, true) => self.add(steps.clone()),
            Input::Path(_, false) | Input::Value => Ok(Expr::Input),
        }
    }

    fn add(&mut self, steps: Steps) -> Built {
        self.number(steps).map(Expr::Path)
    }

    /// The number of a path.
    pub(super) fn number(&mut self, steps: Steps) -> Result<usize, Unsupported> {
        if let Some(known) = self.paths.iter().position(|path| *path == steps) {
            return Ok(known);
        }
        if self.paths.len() == PATHS_MAX || steps.len() > STEPS_MAX {
            return not_fast("this many paths");
        }
        self.paths.push(steps);
        Ok(self.paths.len() - 1)
    }

    /// The value of a variable that the user gave.
    fn variable(&self, name: &str) -> Built {
        if self.variables.is_changing(name) {
            return not_fast(format!("the variable '{name}'"));
        }
        let json = self.variables.iter().find(|(known, _)| *known == name).map(|(_, json)| json);
        let json = json.unwrap_or_default().trim_ascii();
        Ok(Expr::Constant(match json {
            "null" => Constant::Null,
            "true" => Constant::Bool(true),
            "false" => Constant::Bool(false),
            _ if is_number(json.as_bytes()) => return constant_number(json),
            _ => match serde_json::from_str(json) {
                Ok(text) => Constant::Text(text),
                Err(_) => return not_fast(format!("the variable '{name}'")),
            },
        }))
    }

    fn text(&mut self, parts: &[StrPart<&str, Term<&str>>], input: &Input) -> Built {
        let mut built: Vec<Expr> = Vec::new();
        let mut plain = String::new();
        for part in parts {
            match part {
                StrPart::Str(text) => plain.push_str(text),
                StrPart::Char(letter) => plain.push(*letter),
                StrPart::Term(term) => {
                    let text = std::mem::take(&mut plain);
                    built.push(Expr::Constant(Constant::Text(text)));
                    built.push(*self.inside(term, input)?);
                }
            }
        }
        let last = Expr::Constant(Constant::Text(plain));
        if built.is_empty() {
            return Ok(last);
        }
        built.push(last);
        match built.len() > PARTS_MAX {
            true => not_fast("a string of this many parts"),
            false => Ok(Expr::Text(built)),
        }
    }

    fn array(&mut self, inside: &Term<&str>, input: &Input, position: Position) -> Built {
        if position == Position::Inside {
            return not_fast("an array that is used in the expression itself");
        }
        let mut items = Vec::new();
        self.items(inside, input, Position::Part, &mut items)?;
        Ok(Expr::Array(items))
    }

    /// The parts between commas.
    pub(super) fn items(
        &mut self,
        term: &Term<&str>,
        input: &Input,
        position: Position,
        items: &mut Vec<Expr>,
    ) -> Result<(), Unsupported> {
        let mut rest = term;
        // A chain of commas leans to either side.
        while let Term::BinOp(left, BinaryOp::Comma, right) = rest {
            if let Term::BinOp(_, BinaryOp::Comma, _) = **left {
                self.levels += 1;
                if self.levels >= LEVELS_MAX {
                    return not_fast("this many commas");
                }
                self.items(left, input, position, items)?;
                self.levels -= 1;
            } else {
                items.push(self.build(left, input, position)?);
            }
            rest = right;
        }
        items.push(self.build(rest, input, position)?);
        Ok(())
    }

    fn object(
        &mut self,
        entries: &[(Term<&str>, Option<Term<&str>>)],
        input: &Input,
        position: Position,
    ) -> Built {
        if position == Position::Inside {
            return not_fast("an object that is used in the expression itself");
        }
        let mut fields: Vec<(Vec<u8>, Expr)> = Vec::new();
        for (key, value) in entries {
            let Some(name) = plain_text(key) else {
                return not_fast("a key that is computed");
            };
            let value = match value {
                Some(value) => self.build(value, input, Position::Part)?,
                None => self.extend(input, vec![(Get::Key(name.clone()), false)])?,
            };
            let mut spelled = Vec::new();
            write_string(&name, &mut spelled);
            spelled.push(b':');
            if fields.iter().any(|(known, _)| *known == spelled) {
                return not_fast("a key that comes twice");
            }
            fields.push((spelled, value));
        }
        Ok(Expr::Object(fields))
    }

    fn operation(
        &mut self,
        left: &Term<&str>,
        op: &BinaryOp<&str>,
        right: &Term<&str>,
        input: &Input,
        position: Position,
    ) -> Built {
        match op {
            BinaryOp::Pipe(None) => self.pipe(left, right, input, position),
            BinaryOp::Pipe(Some(_)) => not_fast("'as'"),
            BinaryOp::Comma if position == Position::Stream => {
                let left = boxed(self.build(left, input, position))?;
                Ok(Expr::Comma(left, boxed(self.build(right, input, position))?))
            }
            BinaryOp::Comma => not_fast("','"),
            BinaryOp::Alt => {
                let left = self.inside(left, input)?;
                // Of several results on the right, all count.
                Ok(Expr::Alternative(left, boxed(self.build(right, input, position))?))
            }
            BinaryOp::Or | BinaryOp::And => {
                let stop = matches!(op, BinaryOp::Or);
                let left = self.inside(left, input)?;
                Ok(Expr::Logic(left, stop, self.inside(right, input)?))
            }
            BinaryOp::Math(op) => {
                let left = self.inside(left, input)?;
                Ok(Expr::Math(left, *op, self.inside(right, input)?))
            }
            BinaryOp::Cmp(op) => {
                let left = self.inside(left, input)?;
                Ok(Expr::Compare(left, *op, self.inside(right, input)?))
            }
            BinaryOp::Assign => not_fast("'='"),
            BinaryOp::Update => not_fast("'|='"),
            BinaryOp::UpdateMath(op) => not_fast(format!("'{}='", op.as_str())),
            BinaryOp::UpdateAlt => not_fast("'//='"),
        }
    }

    fn pipe(
        &mut self,
        left: &Term<&str>,
        right: &Term<&str>,
        input: &Input,
        position: Position,
    ) -> Built {
        match left {
            Term::Id => return self.build(right, input, position),
            Term::Call("select", arguments) => {
                if let [test] = arguments.as_slice() {
                    let test = self.inside(test, input)?;
                    let then = boxed(self.build(right, input, position))?;
                    return Ok(Expr::If(test, then, Box::new(Expr::Empty)));
                }
            }
            _ => {}
        }
        let steps = match (left, input) {
            (Term::Path(head, path), Input::Path(steps, _)) if matches!(**head, Term::Id) => {
                let more = path.0.iter().map(|(part, opt)| step(part, *opt));
                let more: Option<Steps> = more.collect();
                more.map(|more| [steps.clone(), more].concat())
            }
            _ => None,
        };
        let left = self.inside(left, input)?;
        let input = steps.map_or(Input::Value, |steps| Input::Path(steps, false));
        let right = self.build(right, &input, position)?;
        Ok(piped(left, right))
    }

    fn branches(
        &mut self,
        branches: &[(Term<&str>, Term<&str>)],
        otherwise: Option<&Term<&str>>,
        input: &Input,
        position: Position,
    ) -> Built {
        let mut built = match otherwise {
            Some(otherwise) => self.build(otherwise, input, position)?,
            None => self.input(input)?,
        };
        for (test, then) in branches.iter().rev() {
            let test = self.inside(test, input)?;
            let then = boxed(self.build(then, input, position))?;
            built = Expr::If(test, then, Box::new(built));
        }
        match branches.len() + self.levels > LEVELS_MAX {
            true => not_fast("this many branches"),
            false => Ok(built),
        }
    }

    pub(super) fn path(
        &mut self,
        head: &Term<&str>,
        parts: &[(Part<Term<&str>>, Opt)],
        input: &Input,
    ) -> Built {
        let gets: Option<Vec<(Get, bool)>> =
            parts.iter().map(|(part, opt)| get(part, *opt)).collect();
        let Some(gets) = gets else {
            let range = |(part, _): &(Part<_>, Opt)| matches!(part, Part::Range(None, None));
            let what = if parts.iter().any(range) { "'.[]'" } else { "an index that is computed" };
            return not_fast(what);
        };
        match head {
            Term::Id => self.extend(input, gets),
            head => Ok(Expr::Get(self.inside(head, input)?, gets)),
        }
    }

    /// A path from the input.
    fn extend(&mut self, input: &Input, gets: Vec<(Get, bool)>) -> Built {
        let Input::Path(steps, _) = input else {
            return Ok(Expr::Get(Box::new(Expr::Input), gets));
        };
        let mut steps = steps.clone();
        let mut gets = gets.into_iter().peekable();
        while let Some((get, quiet)) = gets.next_if(|(get, _)| !matches!(get, Get::Item(..0))) {
            steps.push((get.step(), quiet));
        }
        let rest: Vec<_> = gets.collect();
        let path = self.add(steps)?;
        Ok(if rest.is_empty() { path } else { Expr::Get(Box::new(path), rest) })
    }
}

/// A pipe; where the right side is a function of a path and nothing else, without one.
fn piped(left: Box<Expr>, right: Expr) -> Expr {
    let of_path = matches!(*left, Expr::Path(_));
    match right {
        Expr::Of(function, of) if of_path && matches!(*of, Expr::Input) => Expr::Of(function, left),
        Expr::With(operation, of, argument)
            if of_path && matches!((&*of, &*argument), (Expr::Input, Expr::Constant(_))) =>
        {
            Expr::With(operation, left, argument)
        }
        Expr::Test(of, pattern) if of_path && matches!(*of, Expr::Input) => {
            Expr::Test(left, pattern)
        }
        right => Expr::Pipe(left, Box::new(right)),
    }
}

impl Get {
    fn step(self) -> Step {
        match self {
            Get::Key(key) => Step::Key(key),
            Get::Item(item) => Step::Item(usize::try_from(item).unwrap_or(usize::MAX)),
        }
    }
}

/// A step that is written out.
fn get(part: &Part<Term<&str>>, opt: Opt) -> Option<(Get, bool)> {
    let quiet = matches!(opt, Opt::Optional);
    let Part::Index(index) = part else { return None };
    let get = match index {
        Term::Num(number) => Get::Item(number.parse().ok().filter(|item| *item <= INDEX_MAX)?),
        Term::Neg(inside) => match **inside {
            Term::Num(number) => {
                Get::Item(-number.parse().ok().filter(|item| (1..=INDEX_MAX).contains(item))?)
            }
            _ => return None,
        },
        key => Get::Key(plain_text(key)?),
    };
    Some((get, quiet))
}

/// No array has more items than a record has bytes.
const INDEX_MAX: i64 = u32::MAX as i64;

fn step(part: &Part<Term<&str>>, opt: Opt) -> Option<(Step, bool)> {
    match get(part, opt)? {
        (Get::Item(..0), _) => None,
        (get, quiet) => Some((get.step(), quiet)),
    }
}

/// A string without interpolation.
pub(super) fn plain_text(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    parts
        .iter()
        .map(|part| match part {
            StrPart::Str(text) => Some((*text).to_owned()),
            StrPart::Char(letter) => Some(letter.to_string()),
            StrPart::Term(_) => None,
        })
        .collect()
}

fn constant_number(number: &str) -> Built {
    if !is_number(number.as_bytes()) {
        return not_fast(format!("the number {number}"));
    }
    Ok(Expr::Constant(match Numeral::read(number) {
        Numeral::Int(int) => Constant::Int(int),
        Numeral::Float(_) | Numeral::Literal(_) => Constant::Literal(number.to_owned()),
    }))
}

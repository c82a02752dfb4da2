//! The functions that a fast expression may call.

use jaq_core::load::parse::Term;
use jaq_core::path::{Opt, Part};

use super::compile::{Builder, Built, Input, Position, boxed, not_fast, plain_text};
use super::tree::{Constant, Expr, Function, Operation, Unsupported};
use crate::record::pick::Step;

impl Builder<'_> {
    pub(super) fn call(&mut self, name: &str, arguments: &[Term<&str>], input: &Input) -> Built {
        match (name, arguments) {
            ("empty", []) => Ok(Expr::Empty),
            ("null", []) => Ok(Expr::Constant(Constant::Null)),
            ("true", []) => Ok(Expr::Constant(Constant::Bool(true))),
            ("false", []) => Ok(Expr::Constant(Constant::Bool(false))),
            ("select", [test]) => {
                let test = self.inside(test, input)?;
                let then = Box::new(self.input(input)?);
                Ok(Expr::If(test, then, Box::new(Expr::Empty)))
            }
            ("has", [key]) => self.has(key, input),
            ("test", [pattern]) => self.test(pattern, None, input),
            ("test", [pattern, flags]) => self.test(pattern, Some(flags), input),
            ("IN", [values]) => {
                let this = Box::new(self.input(input)?);
                let mut items = Vec::new();
                self.items(values, input, Position::Inside, &mut items)?;
                Ok(Expr::In(this, items))
            }
            ("in", [Term::Obj(entries)]) => self.is_key(entries, input),
            ("any" | "all", arguments) => self.any_all(name == "any", arguments, input),
            (name, []) if let Some(function) = function(name) => {
                Ok(Expr::Of(function, Box::new(self.input(input)?)))
            }
            (name, [argument]) if let Some(operation) = operation(name) => {
                let this = Box::new(self.input(input)?);
                Ok(Expr::With(operation, this, self.inside(argument, input)?))
            }
            _ => not_fast(format!("'{name}'")),
        }
    }

    fn has(&mut self, key: &Term<&str>, input: &Input) -> Built {
        let Input::Path(steps, _) = input else {
            return not_fast("'has' of a computed value");
        };
        let key = plain_text(key).map(Step::Key).or_else(|| match key {
            Term::Num(number) => number.parse().ok().map(Step::Item),
            _ => None,
        });
        let Some(key) = key else { return not_fast("'has' of a computed key") };
        let whole = self.number(steps.clone())?;
        let below = [steps.clone(), vec![(key, false)]].concat();
        Ok(Expr::Has(whole, self.number(below)?))
    }

    fn test(&mut self, pattern: &Term<&str>, flags: Option<&Term<&str>>, input: &Input) -> Built {
        let flags = flags.map_or(Some(String::new()), plain_text);
        let (Some(pattern), Some(flags)) = (plain_text(pattern), flags) else {
            return not_fast("'test' with a computed expression");
        };
        match self.patterns.written(&pattern, &flags) {
            Ok(pattern) => Ok(Expr::Test(Box::new(self.input(input)?), pattern)),
            Err(why) => not_fast(why),
        }
    }

    /// `in({a: …})`, of which only the keys count.
    fn is_key(&mut self, entries: &[(Term<&str>, Option<Term<&str>>)], input: &Input) -> Built {
        let key = |(key, value): &(Term<&str>, Option<Term<&str>>)| {
            let plain = matches!(value, Some(Term::Num(_) | Term::Str(None, _)))
                || matches!(value, Some(Term::Call("true" | "false" | "null", _)));
            plain_text(key).filter(|_| plain).map(|key| Expr::Constant(Constant::Text(key)))
        };
        let Some(keys) = entries.iter().map(key).collect::<Option<Vec<_>>>() else {
            return not_fast("'in' of an object that is computed");
        };
        let this = Box::new(self.input(input)?);
        // Only a string can be a key: adding one to anything else fails, as looking it up would.
        let text = Expr::Constant(Constant::Text(String::new()));
        let this = Expr::With(Operation::TrimStart, this, Box::new(text));
        Ok(Expr::In(Box::new(this), keys))
    }

    fn any_all(&mut self, any: bool, arguments: &[Term<&str>], input: &Input) -> Built {
        let name = if any { "any" } else { "all" };
        let (over, test) = match arguments {
            [] => (Box::new(self.input(input)?), None),
            [test] => (Box::new(self.input(input)?), Some(test)),
            [over, test] => (self.iterated(over, name, input)?, Some(test)),
            _ => return not_fast(format!("'{name}'")),
        };
        let test = match test {
            Some(test) => self.inside(test, &Input::Value)?,
            None => Box::new(Expr::Input),
        };
        Ok(Expr::Items(any, over, test))
    }

    /// What stands before a last `[]`.
    fn iterated(
        &mut self,
        term: &Term<&str>,
        name: &str,
        input: &Input,
    ) -> Result<Box<Expr>, Unsupported> {
        if let Term::Path(head, path) = term
            && let Some(((Part::Range(None, None), Opt::Essential), before)) = path.0.split_last()
        {
            return boxed(self.path(head, before, input));
        }
        not_fast(format!("'{name}' over something that does not end in '[]'"))
    }
}

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "not" => Function::Not,
        "type" => Function::Type,
        "length" => Function::Length,
        "utf8bytelength" => Function::ByteLength,
        "tostring" => Function::ToText,
        "tonumber" => Function::ToNumber,
        "ascii_downcase" => Function::Downcase,
        "ascii_upcase" => Function::Upcase,
        "floor" => Function::Floor,
        "round" => Function::Round,
        "ceil" => Function::Ceil,
        _ => return None,
    })
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "startswith" => Operation::StartsWith,
        "endswith" => Operation::EndsWith,
        "contains" => Operation::Contains,
        "ltrimstr" => Operation::TrimStart,
        "rtrimstr" => Operation::TrimEnd,
        _ => return None,
    })
}

//! The functions that an expression may call: jaq's, with ours among them, without those that
//! would see or do more than the record in front of the expression.

use std::collections::HashSet;

use jaq_core::load;
use jaq_core::load::parse::Def;
use jaq_core::native::{Fun, bome, run, v};

use super::data::Kind;
use super::natives::natives;
use super::val::Val;
use super::{dates, entries, math, range, regex, sorting, strings, substitute, updates};

/// What an expression cannot have, and why.
const UNAVAILABLE: [(&str, &str); 19] = [
    ("env", ENVIRONMENT),
    ("$ENV", ENVIRONMENT),
    ("$__prog_args", ENVIRONMENT),
    ("get_search_list", ENVIRONMENT),
    ("now", CLOCK),
    ("localtime", ZONE),
    ("strflocaltime", ZONE),
    ("input", INPUT),
    ("inputs", INPUT),
    ("input_filename", INPUT),
    ("input_line_number", INPUT),
    ("debug", PRINT),
    ("stderr", PRINT),
    ("halt", HALT),
    ("halt_error", HALT),
    ("modulemeta", MODULES),
    ("import", MODULES),
    ("include", MODULES),
    ("module", MODULES),
];

const ENVIRONMENT: &str = "an expression sees the record, not the environment";
const CLOCK: &str =
    "an expression has no clock, so that the same input always gives the same output";
const ZONE: &str = "the machine's time zone is not part of the input; gmtime and strftime use UTC";
const INPUT: &str = "an expression sees one record at a time";
const PRINT: &str = "an expression does not print; write what you want to see into the result";
const HALT: &str = "an expression cannot end the tool; error fails for one record";
const MODULES: &str = "an expression cannot load modules; define functions with def";

/// jaq's functions behind those in the list above, and those that take memory without measure.
const HIDDEN: [&str; 4] = ["debug_empty", "stderr_empty", "min_by_or_empty", "max_by_or_empty"];

/// Definitions of jaq's that functions of ours take the place of.
const NATIVE_HERE: [&str; 25] = [
    "test",
    "null",
    "true",
    "false",
    "type",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "nan",
    "infinite",
    "join",
    "getpath",
    "setpath",
    "delpaths",
    "del",
    "map_values",
    "sub",
    "keys",
    "to_entries",
    "from_entries",
    "unique_by",
    "min_by",
    "max_by",
];

/// Functions of jaq's that definitions of ours mend, and what they call them.
const WRAPPED: [(&str, &str); 3] =
    [("limit", "__limit"), ("reverse", "__reverse"), ("skip", "__skip")];

/// Definitions that others of jaq's use, and that therefore come before them.
const FIRST: &str = "
    def limit($n; f): __limit($n | __count(\"limit\"); f);
    def skip($n; f): __skip($n | __count(\"skip\"); f);";

/// Why an expression cannot have `name`, if it is one of those.
pub(super) fn unavailable(name: &str) -> Option<&'static str> {
    UNAVAILABLE.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

/// Everything that is defined in jq itself.
pub(super) fn defs() -> Vec<Def> {
    let key = |def: &Def| (def.name, def.args.len());
    let mut ours: Vec<Def> = load::parse(include_str!("defs.jq"), |p| p.defs()).unwrap_or_default();
    let theirs = jaq_core::defs().chain(jaq_std::defs());
    let mut all: Vec<Def> = load::parse(FIRST, |p| p.defs()).unwrap_or_default();
    for def in theirs.filter(|def| allowed(def.name) && !NATIVE_HERE.contains(&def.name)) {
        match ours.iter().position(|our| key(our) == key(&def)) {
            Some(our) => all.push(ours.remove(our)),
            None => all.push(def),
        }
    }
    all.extend(ours);
    all
}

/// Everything that is not. Of two with the same name and arity, the first counts.
pub(super) fn funs() -> impl Iterator<Item = Fun<Kind>> {
    let theirs = jaq_core::funs::<Kind>().chain(jaq_std::funs());
    let theirs = theirs.filter(|(name, ..)| allowed(name)).map(|(name, args, native)| {
        let wrapped = WRAPPED.iter().find(|(known, _)| *known == name);
        (wrapped.map_or(name, |(_, inner)| *inner), args, native)
    });
    let ours = natives().chain(strings::natives()).chain(math::natives());
    let ours = ours.chain([range::native(), substitute::native()]).chain(updates::natives());
    let ours = ours.chain(dates::natives()).chain(regex::natives());
    let ours = ours.chain([run(("builtins", v(0), |_| bome(Ok(builtins()))))]);
    ours.chain(entries::natives()).chain(sorting::natives()).chain(theirs)
}

fn allowed(name: &str) -> bool {
    unavailable(name).is_none() && !HIDDEN.contains(&name)
}

/// The names of all functions, with their numbers of arguments.
fn builtins() -> Val {
    let names = names().into_iter().filter(|(name, _)| !name.starts_with(['@', '_']));
    names.map(|(name, arity)| Val::text(format!("{name}/{arity}"))).collect()
}

/// The names that users know, with the numbers of their arguments.
pub(super) fn names() -> HashSet<(&'static str, usize)> {
    let defs = defs().into_iter().map(|def| (def.name, def.args.len()));
    let funs = funs().map(|(name, args, _)| (name, args.len()));
    // What ends in an underscore or in _empty is jaq's own business.
    let inner =
        |name: &str| name.starts_with('_') || name.ends_with('_') || name.ends_with("_empty");
    defs.chain(funs).filter(|(name, _)| !inner(name)).collect()
}

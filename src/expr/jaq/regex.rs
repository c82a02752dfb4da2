//! Regular expressions: the functions that jq's `test`, `match`, `capture`, `scan`, `split`, `sub`
//! and `gsub` are made of, on the regex crate, each pattern compiled once.

use std::sync::Arc;

use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Cv, ValT as _};
use regex::{Captures, Regex, RegexBuilder};

use super::natives::Kind;
use super::val::{Error, Val, ValR};

/// How many compiled patterns are kept.
const PATTERNS_MAX: usize = 32;

/// Compiled patterns, the one used last at the end.
#[derive(Default)]
pub(super) struct Regexes(Vec<(String, String, Arc<Compiled>)>);

/// A compiled pattern.
pub(in crate::expr) struct Compiled {
    regex: Regex,
    all: bool,
    skip_empty: bool,
}

impl Compiled {
    /// Compiles a pattern with jq's flags.
    pub(in crate::expr) fn new(pattern: &str, flags: &str) -> Result<Compiled, String> {
        compile(pattern, flags)
    }

    /// Whether a string matches.
    pub(in crate::expr) fn matches(&self, text: &str) -> bool {
        match self.skip_empty {
            true => self.regex.find_iter(text).any(|found| !found.is_empty()),
            false => self.regex.is_match(text),
        }
    }
}

impl Regexes {
    fn get(&mut self, pattern: &str, flags: &str) -> Result<Arc<Compiled>, String> {
        let known = self.0.iter().rposition(|(p, f, _)| p == pattern && f == flags);
        if let Some(known) = known {
            let last = self.0.len() - 1;
            self.0.swap(known, last);
            return self.0.last().map(|(.., c)| Arc::clone(c)).ok_or_else(String::new);
        }
        let compiled = Arc::new(compile(pattern, flags)?);
        if self.0.len() == PATTERNS_MAX {
            self.0.remove(0);
        }
        self.0.push((pattern.to_owned(), flags.to_owned(), Arc::clone(&compiled)));
        Ok(compiled)
    }
}

/// Says what is wrong with a pattern and its flags, if anything is.
pub(super) fn check(pattern: &str, flags: &str) -> Result<(), String> {
    compile(pattern, flags).map(drop)
}

/// The flags are jq's: `g` all matches, `i` any case, `x` extended, `s` a dot matches newlines too,
/// `m` lines, `n` no empty matches, `p` both `s` and `m`, `l` longest.
fn compile(pattern: &str, flags: &str) -> Result<Compiled, String> {
    let unknown = flags.chars().find(|flag| !"gixsmnpl".contains(*flag));
    if let Some(flag) = unknown {
        return Err(format!("unknown regular expression flag '{flag}'"));
    }
    let has = |flag: char| flags.contains(flag);
    let regex = RegexBuilder::new(pattern)
        .case_insensitive(has('i'))
        .ignore_whitespace(has('x'))
        .dot_matches_new_line(has('s') || has('p'))
        .multi_line(has('m') || has('p'))
        .swap_greed(has('l'))
        .build();
    let regex = regex.map_err(|error| {
        // The crate draws the place on several lines; the last says what is wrong.
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default();
        format!("invalid regular expression '{pattern}': {}", why.trim_start_matches("error: "))
    })?;
    Ok(Compiled { regex, all: has('g'), skip_empty: has('n') })
}

/// What a search gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    Matches,
    Between,
    Both,
}

/// The functions. Each takes a pattern and flags and gives an array.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    [
        run(("test", v(1), |cv| bome(test(cv, false)))),
        run(("test", v(2), |cv| bome(test(cv, true)))),
        run(("matches", v(2), |cv| bome(search(cv, Parts::Matches)))),
        run(("split_", v(2), |cv| bome(search(cv, Parts::Between)))),
        run(("split_matches", v(2), |cv| bome(search(cv, Parts::Both)))),
    ]
    .into_iter()
}

/// Whether a string matches.
fn test(mut cv: Cv<'_, Kind>, with_flags: bool) -> ValR {
    let flags = if with_flags { cv.0.pop_var() } else { Val::Null };
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags)?;
    Ok(Val::Bool(compiled.matches(cv.1.as_text()?)))
}

fn compiled(cv: &Cv<'_, Kind>, pattern: Val, flags: Val) -> Result<Arc<Compiled>, Error> {
    let (pattern, flags) = pattern_and_flags(pattern, flags);
    let flags = if matches!(flags, Val::Null) { Val::text("") } else { flags };
    let mut regexes = cv.0.data().shared.regexes.borrow_mut();
    regexes.get(pattern.as_text()?, flags.as_text()?).map_err(Error::str)
}

fn search(mut cv: Cv<'_, Kind>, parts: Parts) -> ValR {
    let flags = cv.0.pop_var();
    let pattern = cv.0.pop_var();
    let compiled = compiled(&cv, pattern, flags)?;
    let text = cv.1.as_text()?;
    let cut = |from: usize, to: usize| {
        Val::Text(text.part(text.as_bytes().get(from..to).unwrap_or_default()))
    };
    let mut found = Vec::new();
    let mut counted = Counted::default();
    let mut behind = 0;
    for captures in compiled.regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { break };
        if compiled.skip_empty && whole.is_empty() {
            continue;
        }
        if parts != Parts::Matches {
            found.push(cut(behind, whole.start()));
            behind = whole.end();
        }
        if parts != Parts::Between {
            found.push(groups(&compiled.regex, &captures, text, &mut counted, &cut)?);
        }
        if !compiled.all {
            break;
        }
    }
    if parts != Parts::Matches {
        found.push(cut(behind, text.len()));
    }
    Ok(found.into_iter().collect())
}

/// jq also takes both as one array.
fn pattern_and_flags(pattern: Val, flags: Val) -> (Val, Val) {
    match &pattern {
        Val::Arr(both) => match both.as_slice() {
            [pattern] => (pattern.clone(), flags),
            [pattern, flags] => (pattern.clone(), flags.clone()),
            _ => (pattern, flags),
        },
        _ => (pattern, flags),
    }
}

/// The whole match and its groups, as jq describes them: offsets and lengths count characters, and
/// a group that took no part has the offset -1 and no string.
fn groups(
    regex: &Regex,
    captures: &Captures<'_>,
    text: &str,
    counted: &mut Counted,
    cut: &impl Fn(usize, usize) -> Val,
) -> ValR {
    let start = captures.get(0).map_or(0, |whole| whole.start());
    let offset = counted.chars_before(text, start);
    let chars = |from: usize, to: usize| text.get(from..to).map_or(0, |part| part.chars().count());
    let groups =
        captures.iter().zip(regex.capture_names()).enumerate().map(|(at, (group, name))| {
            let (offset, length, string) = match group {
                Some(group) => (
                    Val::from(offset + chars(start, group.start())),
                    Val::from(group.as_str().chars().count()),
                    cut(group.start(), group.end()),
                ),
                None => (Val::from(-1_isize), Val::from(0_usize), Val::Null),
            };
            let name = match name {
                Some(name) => Some(Val::text(name)),
                None => (at > 0).then_some(Val::Null),
            };
            let fields = [("offset", offset), ("length", length), ("string", string)];
            let fields = fields.into_iter().chain(name.map(|name| ("name", name)));
            Val::from_map(fields.map(|(key, value)| (Val::text(key), value)))
        });
    groups.collect()
}

/// Counts characters up to places that only move forward.
#[derive(Default)]
struct Counted {
    bytes: usize,
    chars: usize,
}

impl Counted {
    fn chars_before(&mut self, text: &str, bytes: usize) -> usize {
        self.chars += text.get(self.bytes..bytes).map_or(0, |part| part.chars().count());
        self.bytes = bytes;
        self.chars
    }
}

//! Compiled regular expressions, on the engine of the regex crate, and how much of them is kept.
//!
//! Compiling takes time and memory by what a pattern becomes, not by its length: `\w{1,98}` is
//! eight bytes long and takes megabytes. So what is limited is the size of what was compiled. The
//! time follows it.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::meta::{self, BuildError, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::meter;

/// How large one compiled pattern may be in each direction of a search, in bytes: the default of
/// the regex crate.
const PATTERN_BYTES_MAX: usize = 10 << 20;

/// How many bytes the patterns that are written out in the expressions of a program may take
/// together, compiled.
pub(in crate::expr) const WRITTEN_BYTES_MAX: usize = 32 << 20;

/// How many patterns that were made from records are kept, and how many bytes they may take.
const MADE_MAX: usize = 128;
const MADE_BYTES_MAX: usize = 32 << 20;

/// How many bytes of a pattern are compiled in a step.
const COMPILED_BYTES_A_STEP: usize = 8;

/// How many bytes of a string are searched in a step.
pub(in crate::expr) const SEARCHED_BYTES_A_STEP: usize = 64;

/// Whether the evaluation is to stop is looked at before each search in so long a text, in bytes.
const LONG_BYTES: usize = 64 << 10;

/// How much memory the tables may take that the engine fills while it searches: the default of the
/// regex crate.
const TABLES_BYTES_MAX: usize = 2 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(in crate::expr) struct Compiled {
    regex: Regex,
    /// Whether all matches are looked for, or the first.
    is_global: bool,
    /// Whether matches without a character are passed over.
    skips_empty: bool,
    bytes: usize,
}

/// Where the search for the next match begins.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::expr) struct Walk {
    at: usize,
    is_over: bool,
}

impl Compiled {
    /// Compiles a pattern with jq's flags: `g` all matches, `i` any case, `x` extended, `n` no
    /// empty matches, `m` and `p` a dot matches newlines too, `s` the text is one line to `^` and
    /// `$`, as it is without the flag. The longest match (`l`) is not what the engine looks for.
    fn new(pattern: &str, flags: &str) -> Result<Compiled, String> {
        if flags.contains('l') {
            let why = "the regular expression flag 'l', the longest match, is not available";
            return Err(why.into());
        }
        let unknown = flags.chars().find(|flag| !"gixsmnp".contains(*flag));
        if let Some(flag) = unknown {
            return Err(format!("unknown regular expression flag '{flag}'"));
        }
        let has = |flag: char| flags.contains(flag);
        let limits = meta::Config::new()
            .nfa_size_limit(Some(PATTERN_BYTES_MAX))
            .hybrid_cache_capacity(TABLES_BYTES_MAX);
        let syntax = syntax::Config::new()
            .case_insensitive(has('i'))
            .ignore_whitespace(has('x'))
            .dot_matches_new_line(has('m') || has('p'));
        let regex = Regex::builder().configure(limits).syntax(syntax).build(pattern);
        let regex = regex.map_err(|error| not_compiled(pattern, &error))?;
        let bytes = regex.memory_usage();
        Ok(Compiled { regex, is_global: has('g'), skips_empty: has('n'), bytes })
    }

    /// Whether a string matches.
    pub(in crate::expr) fn matches(&self, text: &str) -> bool {
        match self.skips_empty {
            true => self.next(text, &mut Walk::default()).is_some(),
            false => self.regex.is_match(text),
        }
    }

    /// The next match: where it is in the text, in bytes. As in jq, an empty match may begin where
    /// the match before has ended, unless that was empty, too.
    pub(in crate::expr) fn next(&self, text: &str, walk: &mut Walk) -> Option<Range<usize>> {
        loop {
            let begin = walk.at;
            // To find a short match, the engine may read all of the text each time.
            if text.len() - begin.min(text.len()) >= LONG_BYTES {
                meter::look();
            }
            let input = Input::new(text).range(begin.min(text.len())..);
            let found = if walk.is_over { None } else { self.regex.search(&input) };
            let Some(found) = found.map(|found| found.range()) else {
                walk.is_over = true;
                meter::steps(text.len().saturating_sub(begin) / SEARCHED_BYTES_A_STEP);
                return None;
            };
            meter::steps(found.end.saturating_sub(begin) / SEARCHED_BYTES_A_STEP);
            *walk = after(text, &found);
            if !(self.skips_empty && found.is_empty()) {
                walk.is_over |= !self.is_global;
                return Some(found);
            }
        }
    }

    /// How many groups there are, the whole match among them.
    pub(in crate::expr) fn groups_len(&self) -> usize {
        self.regex.captures_len()
    }

    /// The names of the groups; the whole match has none.
    pub(in crate::expr) fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.regex.group_info().all_names().map(|(_, _, name)| name)
    }

    /// Where the groups of a match are in the text, in bytes; `None` for one that took no part.
    pub(in crate::expr) fn groups(
        &self,
        text: &str,
        found: &Range<usize>,
    ) -> impl Iterator<Item = Option<Range<usize>>> {
        let mut groups: Captures = self.regex.create_captures();
        let input = Input::new(text).range(found.clone()).anchored(Anchored::Yes);
        self.regex.search_captures(&input, &mut groups);
        (0..groups.group_len()).map(move |at| groups.get_group(at).map(|span| span.range()))
    }
}

/// Where the search goes on after a match.
fn after(text: &str, found: &Range<usize>) -> Walk {
    let letter = text.get(found.end..).and_then(|rest| rest.chars().next());
    match (found.is_empty(), letter) {
        (false, _) => Walk { at: found.end, is_over: false },
        (true, Some(letter)) => Walk { at: found.end + letter.len_utf8(), is_over: false },
        (true, None) => Walk { at: found.end, is_over: true },
    }
}

fn not_compiled(pattern: &str, error: &BuildError) -> String {
    if error.size_limit().is_some() {
        return format!(
            "the regular expression '{pattern}' takes more than {PATTERN_BYTES_MAX} bytes when \
             compiled"
        );
    }
    // The crate draws the place on several lines; the last says what is wrong.
    let text = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    let why = text.lines().last().unwrap_or_default();
    format!("invalid regular expression '{pattern}': {}", why.trim_start_matches("error: "))
}

/// The patterns that the expressions of a program use, each compiled once: those that are written
/// out in them, and the latest that were made from records.
#[derive(Debug, Default)]
pub(in crate::expr) struct Patterns {
    written: Vec<Known>,
    written_bytes: usize,
    /// The one that was used last at the end.
    made: Vec<Known>,
    made_bytes: usize,
}

#[derive(Debug)]
struct Known {
    pattern: String,
    flags: String,
    compiled: Arc<Compiled>,
}

impl Known {
    fn is(&self, pattern: &str, flags: &str) -> bool {
        self.pattern == pattern && self.flags == flags
    }

    fn new(pattern: &str, flags: &str, compiled: &Arc<Compiled>) -> Known {
        let compiled = Arc::clone(compiled);
        Known { pattern: pattern.to_owned(), flags: flags.to_owned(), compiled }
    }
}

impl Patterns {
    /// A pattern that is written out in an expression: it is kept.
    ///
    /// # Errors
    /// What is wrong with it or its flags, or that all of them together are too large.
    pub(in crate::expr) fn written(
        &mut self,
        pattern: &str,
        flags: &str,
    ) -> Result<Arc<Compiled>, String> {
        if let Some(known) = self.written.iter().find(|known| known.is(pattern, flags)) {
            return Ok(Arc::clone(&known.compiled));
        }
        let compiled = Arc::new(Compiled::new(pattern, flags)?);
        let bytes = self.written_bytes.saturating_add(compiled.bytes);
        if bytes > WRITTEN_BYTES_MAX {
            return Err(format!(
                "the regular expressions take more than {WRITTEN_BYTES_MAX} bytes together when \
                 compiled"
            ));
        }
        self.written_bytes = bytes;
        self.written.push(Known::new(pattern, flags, &compiled));
        Ok(compiled)
    }

    /// A pattern that an evaluation uses.
    ///
    /// # Errors
    /// What is wrong with it or its flags.
    pub(in crate::expr) fn used(
        &mut self,
        pattern: &str,
        flags: &str,
    ) -> Result<Arc<Compiled>, String> {
        if let Some(known) = self.written.iter().find(|known| known.is(pattern, flags)) {
            return Ok(Arc::clone(&known.compiled));
        }
        if let Some(known) = self.take_up(pattern, flags) {
            return Ok(Arc::clone(&known.compiled));
        }
        let compiled = Arc::new(Compiled::new(pattern, flags)?);
        self.made_bytes = self.made_bytes.saturating_add(compiled.bytes);
        self.made.push(Known::new(pattern, flags, &compiled));
        while self.made.len() > MADE_MAX
            || (self.made_bytes > MADE_BYTES_MAX && self.made.len() > 1)
        {
            self.made_bytes -= self.made.remove(0).compiled.bytes;
        }
        meter::steps(compiled.bytes / COMPILED_BYTES_A_STEP);
        Ok(compiled)
    }

    /// Finds one of those that were made, and puts it at the end.
    fn take_up(&mut self, pattern: &str, flags: &str) -> Option<&Known> {
        let at = self.made.iter().rposition(|known| known.is(pattern, flags))?;
        let last = self.made.len() - 1;
        self.made.swap(at, last);
        self.made.last()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn matches_are_those_that_the_engine_itself_goes_through(
            text in "[ab \u{e9}\u{1f600}\n]{0,12}",
            pattern in "[ab.](\\*|\\?|\\+\\?)?(\\||\\(b\\)\\??|\\$|\\\\b)?[ab\u{e9}]?\\*?",
        ) {
            let Ok(compiled) = Compiled::new(&pattern, "g") else { return Ok(()) };
            let mut walk = Walk::default();
            let found: Vec<_> =
                std::iter::from_fn(|| compiled.next(&text, &mut walk)).collect();
            let all: Vec<_> = compiled.regex.find_iter(&text).map(|found| found.range()).collect();
            // The engine itself passes over an empty match right after a match.
            let mut end = None;
            let mut known = found.clone();
            known.retain(|one| {
                let is_after = one.is_empty() && end == Some(one.start);
                end = Some(one.end);
                !is_after
            });
            prop_assert_eq!(&known, &all, "{:?}", pattern);
            let found = known;
            let groups = |captures: Captures| {
                (0..captures.group_len())
                    .map(|at| captures.get_group(at).map(|span| span.range()))
                    .collect::<Vec<_>>()
            };
            for (captures, found) in compiled.regex.captures_iter(&text).zip(&found) {
                let ours: Vec<_> = compiled.groups(&text, found).collect();
                prop_assert_eq!(groups(captures), ours);
            }
        }
    }
}

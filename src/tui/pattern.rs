//! What is searched for: a regular expression, in the text of records.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// An expression that is searched for. Without capital letters in it, capitals do not matter, as in
/// vim with smartcase and in less with -i.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let ignores_case = !text.contains(char::is_uppercase);
        let config = syntax::Config::new().case_insensitive(ignores_case).utf8(false);
        // No expression of a person needs more; one that does would take the memory of a screen.
        let limits = Regex::config().nfa_size_limit(Some(4 << 20)).hybrid_cache_capacity(1 << 20);
        let regex = Regex::builder().syntax(config).configure(limits).build(text);
        match regex {
            Ok(regex) => Ok(Pattern { text: text.to_owned(), regex }),
            Err(error) => {
                let why =
                    error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                let why = why.lines().last().unwrap_or_default();
                Err(why.trim().trim_start_matches("error: ").to_owned())
            }
        }
    }

    /// The expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is found in `text`.
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Where it is found in `text`.
    pub fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range()).filter(|at| !at.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_matter_where_there_are_some() {
        assert!(Pattern::new("abc").unwrap().is_in(b"xABCx"));
        assert!(!Pattern::new("Abc").unwrap().is_in(b"xabcx"));
        assert_eq!(Pattern::new("a+").unwrap().places(b"aa b a"), [0..2, 5..6]);
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        let why = Pattern::new("a(").unwrap_err();
        assert!(!why.contains('\n') && why.contains("unclosed"), "{why}");
    }
}

//! A line of a shell cut into its commands and words, as far as that takes no expansion.

/// The words of a line, without their quotes; the last one ends at the cursor and may be empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// All words before the last one.
    pub before: Vec<String>,
    /// The word at the cursor.
    pub last: String,
    /// The quote that is open at the cursor.
    pub quote: Option<char>,
}

/// Cuts a line up to the cursor.
pub fn words(line: &str) -> Words {
    let mut before = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ' | '\t' | '\n') => before.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    Words { before, last: word.unwrap_or_default(), quote }
}

/// The words of the commands from which the last command of a line reads in its pipe; the one that
/// it reads from directly is the last.
pub fn upstream(line: &str) -> Vec<Vec<String>> {
    let (mut stages, mut stage) = (Vec::new(), String::new());
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None | Some('"'), '\\') => {
                stage.push(c);
                stage.extend(chars.next());
                continue;
            }
            (None, '|') if chars.next_if_eq(&'|').is_none() => {
                let _ = chars.next_if_eq(&'&');
                stages.push(std::mem::take(&mut stage));
                continue;
            }
            // Another pipe begins; >& is a redirection.
            (None, '|' | ';' | '(' | '\n') => (stages, stage) = Default::default(),
            (None, '&') if !stage.ends_with('>') => (stages, stage) = Default::default(),
            (None, ')') => continue,
            _ => {}
        }
        if quote.is_some() || !matches!(c, '|' | ';' | '(' | '\n' | '&') {
            stage.push(c);
        }
    }
    let all = |stage: String| {
        let Words { mut before, last, .. } = words(&stage);
        before.extend(Some(last).filter(|last| !last.is_empty()));
        before
    };
    stages.into_iter().map(all).collect()
}

/// What follows the cursor, where this quote is open: the rest of the word there, and the words
/// after it. A quote that is never closed is taken to end at the cursor, where it will be closed.
pub fn after(follows: &str, quote: Option<char>) -> (String, Vec<String>) {
    let open: String = quote.into_iter().collect();
    let mut cut = words(&format!("{open}{follows}"));
    let begins = !follows.is_empty() && !follows.starts_with([' ', '\t', '\n']);
    let mut in_word = begins || quote.is_some();
    if cut.quote.is_some() && quote.is_some() {
        (cut, in_word) = (words(follows), begins);
    }
    let mut all = cut.before;
    all.extend(Some(cut.last).filter(|last| !last.is_empty()));
    let ending = if in_word && !all.is_empty() { all.remove(0) } else { String::new() };
    (ending, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, before: &[&str], last: &str, quote: Option<char>) {
        let before = before.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(words(line), Words { before, last: last.to_owned(), quote }, "{line}");
    }

    #[test]
    fn quotes_are_taken_off() {
        check("", &[], "", None);
        check("filter ", &["filter"], "", None);
        check("filter  '.a b' --f", &["filter", ".a b"], "--f", None);
        check("filter '.a b", &["filter"], ".a b", Some('\''));
        check(r#"map "a\"b" c\ d ''"#, &["map", "a\"b", "c d"], "", None);
        check("x --from=c", &["x"], "--from=c", None);
        check("x \"it's", &["x"], "it's", Some('"'));
    }

    #[test]
    fn a_pipe_has_commands_before_the_last_one() {
        let cut = |line| {
            let stages = upstream(line);
            stages.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("|")
        };
        assert_eq!(cut("filter .a"), "");
        assert_eq!(cut("subscribe web -n 5|filter '.sta"), "subscribe web -n 5");
        assert_eq!(cut("cat 'a b' |& sort | filter "), "cat a b|sort");
        assert_eq!(cut("map '.a | .b;' f 2>&1 | filter .b"), "map .a | .b; f 2>1");
        assert_eq!(cut("cat x | sort; cat y && cat z | filter ."), "cat z");
        assert_eq!(cut("cat x | sort || filter ."), "");
        assert_eq!(cut("n=$(cat x\\|y | filter ."), "cat x|y");
        assert_eq!(cut("(cat x; cat y) | filter ."), "cat y");
    }

    #[test]
    fn what_follows_the_cursor_is_cut() {
        let cut = |follows, quote| {
            let (ending, after) = after(follows, quote);
            (ending, after.join("|"))
        };
        let is = |ending: &str, after: &str| (ending.to_owned(), after.to_owned());
        assert_eq!(cut("", None), is("", ""));
        assert_eq!(cut(" f 'a b'", None), is("", "f|a b"));
        assert_eq!(cut("us f", None), is("us", "f"));
        assert_eq!(cut("us' f", Some('\'')), is("us", "f"));
        assert_eq!(cut("' f g", Some('\'')), is("", "f|g"));
        assert_eq!(cut(" f", Some('\'')), is("", "f"));
        assert_eq!(cut("", Some('\'')), is("", ""));
    }
}

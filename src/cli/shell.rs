//! What a shell makes of words: quotes, and the home directory.

use std::path::PathBuf;

/// A word as a shell reads it back, in single quotes if it needs quotes; they stay open where more
/// of the word is to come.
pub fn quoted(word: &str, open: bool) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let end = if open { "" } else { "'" };
    format!("'{}{end}", word.replace('\'', r"'\''"))
}

/// A path as a shell gives it to a program: `~/` is the home directory.
pub fn without_tilde(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_it_must_be() {
        assert_eq!(quoted("web.2013-01_x", false), "web.2013-01_x");
        assert_eq!(quoted("", false), "''");
        assert_eq!(quoted("avg(", true), "'avg(");
        assert_eq!(quoted("it's", false), r"'it'\''s'");
    }

    #[test]
    fn only_a_tilde_in_front_is_the_home_directory() {
        assert_eq!(without_tilde("a/~/b"), PathBuf::from("a/~/b"));
        assert!(!without_tilde("~/a").starts_with("~"));
    }
}

//! The pieces of a JSON text, to show it: whatever the text is, nothing is lost.

use std::ops::Range;

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string before a colon.
    Key,
    /// Another string.
    String,
    /// A number.
    Number,
    /// true, false or null.
    Word,
    /// A brace, a bracket, a comma or a colon.
    Mark,
    /// White space.
    Space,
    /// What JSON does not have.
    Other,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is in the text.
    pub range: Range<usize>,
}

/// Gives the pieces of `text` in order; together they are the text.
pub fn tokens(text: &[u8]) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// See [`tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.text.get(self.at..)?;
        let first = *rest.first()?;
        let run = |of: fn(&u8) -> bool| rest.iter().take_while(|byte| of(byte)).count();
        let (kind, length) = match first {
            b'"' => {
                let end = string_end(rest);
                let after = rest.get(end..).unwrap_or_default().trim_ascii_start();
                (if after.first() == Some(&b':') { Kind::Key } else { Kind::String }, end)
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => (Kind::Mark, 1),
            b' ' | b'\t' | b'\r' | b'\n' => (Kind::Space, run(u8::is_ascii_whitespace)),
            b'-' | b'0'..=b'9' => (Kind::Number, run(is_of_number)),
            _ => {
                let length = run(|byte| !b"\"{}[],: \t\r\n".contains(byte));
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                let is_word = words.contains(&rest.get(..length).unwrap_or_default());
                (if is_word { Kind::Word } else { Kind::Other }, length)
            }
        };
        let range = self.at..self.at + length.max(1);
        self.at = range.end;
        Some(Token { kind, range })
    }
}

fn is_of_number(byte: &u8) -> bool {
    byte.is_ascii_digit() || b"+-.eE".contains(byte)
}

/// Where the string at the front of a text ends; with the text, if it has no end.
fn string_end(text: &[u8]) -> usize {
    super::members::string_end(text).map_or(text.len(), |end| end.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let token = |token: Token| format!("{:?}:{}", token.kind, &text[token.range]);
        tokens(text.as_bytes()).map(token).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_and_values_are_distinguished() {
        assert_eq!(
            shown(r#"{"a" :"b\"","c":[-1.5e3,true]}"#),
            r#"Mark:{ Key:"a" Space:  Mark:: String:"b\"" Mark:, Key:"c" Mark:: Mark:[ Number:-1.5e3 Mark:, Word:true Mark:] Mark:}"#
        );
        assert_eq!(shown(r#"nul "a"#), r#"Other:nul Space:  String:"a"#);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let all: Vec<u8> = tokens(&text).flat_map(|t| text[t.range].to_vec()).collect();
            prop_assert_eq!(all, text);
        }
    }
}

//! Records as JSON: on one line, over several lines, and strings without their quotes.

use super::screen::{Role, Screen};
use crate::record::members::string_end;

/// A piece of JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A brace or bracket that opens.
    Open(&'a str),
    /// One that closes.
    Close(&'a str),
    Comma,
    Colon,
    /// A string before a colon, with its quotes.
    Key(&'a str),
    /// Another string, with its quotes.
    Text(&'a str),
    /// A number, true, false or null.
    Word(&'a str),
}

/// The pieces of a text that is valid JSON; of any other, those up to the first fault.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let text = self.rest.trim_ascii_start();
        let end = match text.first()? {
            b'"' => string_end(text)?,
            b'{' | b'[' | b'}' | b']' | b',' | b':' => 1,
            _ => {
                let ends = |byte: &u8| b",]}: \t\n\r".contains(byte);
                text.iter().position(ends).unwrap_or(text.len())
            }
        };
        let (token, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        let token = std::str::from_utf8(token).ok()?;
        Some(match token.as_bytes().first()? {
            b'{' | b'[' => Token::Open(token),
            b'}' | b']' => Token::Close(token),
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' if rest.trim_ascii_start().first() == Some(&b':') => Token::Key(token),
            b'"' => Token::Text(token),
            _ => Token::Word(token),
        })
    }
}

impl Token<'_> {
    fn show(self, screen: &mut Screen<'_>) {
        match self {
            Token::Open(text) | Token::Close(text) => screen.put(Role::Plain, text),
            Token::Comma => screen.put(Role::Plain, ","),
            Token::Colon => screen.put(Role::Plain, ":"),
            Token::Key(text) => screen.put(Role::Key, text),
            Token::Text(text) => screen.put(Role::Text, text),
            Token::Word(text) => screen.put(role_of_word(text), text),
        }
    }
}

fn role_of_word(word: &str) -> Role {
    match word.as_bytes().first() {
        Some(b'n') => Role::Aside,
        Some(b't' | b'f') => Role::Bool,
        _ => Role::Number,
    }
}

/// Shows a record on one line, without white space.
pub fn on_one_line(record: &[u8], screen: &mut Screen<'_>) {
    for token in (Tokens { rest: record }) {
        if screen.is_cut() {
            return;
        }
        token.show(screen);
    }
}

/// Shows a record over several lines, indented by two spaces as jq does it, without the last line
/// end.
pub fn pretty(record: &[u8], screen: &mut Screen<'_>) {
    let mut depth = 0_usize;
    let mut tokens = Tokens { rest: record }.peekable();
    while let Some(token) = tokens.next() {
        let empty = matches!(tokens.peek(), Some(Token::Close(_)));
        match token {
            Token::Open(_) if empty => {
                token.show(screen);
                tokens.next().iter().for_each(|close| close.show(screen));
            }
            Token::Open(_) => {
                depth += 1;
                token.show(screen);
                begin_line(depth, screen);
            }
            Token::Close(_) => {
                depth = depth.saturating_sub(1);
                begin_line(depth, screen);
                token.show(screen);
            }
            Token::Comma => {
                token.show(screen);
                begin_line(depth, screen);
            }
            Token::Colon => screen.put(Role::Plain, ": "),
            Token::Key(_) | Token::Text(_) | Token::Word(_) => token.show(screen),
        }
    }
}

fn begin_line(depth: usize, screen: &mut Screen<'_>) {
    screen.end_line();
    screen.put(Role::Plain, &"  ".repeat(depth));
}

/// Shows a string without its quotes and escapes, and any other record as it is.
pub fn raw(record: &[u8], screen: &mut Screen<'_>) {
    match text_of(record) {
        Some(text) => screen.put(Role::Plain, &text),
        None => screen.put(Role::Plain, &String::from_utf8_lossy(record)),
    }
}

/// What a JSON string says; nothing if it is another value.
pub fn text_of(json: &[u8]) -> Option<String> {
    json.starts_with(b"\"").then(|| serde_json::from_slice(json).ok()).flatten()
}

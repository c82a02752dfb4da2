//! What jq's language has and jaq's does not, and what neither has, as far as tokens show it.

use std::borrow::Cow;

use jaq_core::load::lex::{StrPart, Tok, Token};

use super::alternatives;

/// Rewrites what jq's grammar has and jaq's does not:
///
/// - `{$a: PATTERN}` in patterns, which binds `$a` and takes the same value apart, as
///   `{$a, a: PATTERN}`;
/// - `PATTERN ?// PATTERN` as one pattern, for [`alternatives`];
/// - `reduce A + B as …`, as `reduce (A + B) as …`.
pub(in crate::expr) fn complete(tokens: &mut Vec<Token<&str>>) {
    alternatives::gather(tokens);
    group_sources(tokens);
    let mut pattern = false;
    for Token(text, token) in tokens {
        match token {
            Tok::Block(inside) if pattern && !text.starts_with('(') => complete_pattern(inside),
            Tok::Block(inside) => complete(inside),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(Token(_, Tok::Block(inside))) = part {
                        complete(inside);
                    }
                }
            }
            _ => {}
        }
        pattern = *text == "as" && matches!(token, Tok::Word);
    }
}

/// The inside of a pattern that is an array or object.
fn complete_pattern(tokens: &mut Vec<Token<&str>>) {
    let mut at = 0;
    loop {
        let colon = tokens.get(at + 1).is_some_and(|next| next.0 == ":");
        let Some(Token(text, token)) = tokens.get_mut(at) else { break };
        let text = *text;
        match token {
            // A key that is computed.
            Tok::Block(inside) if text.starts_with('(') => complete(inside),
            Tok::Block(inside) => complete_pattern(inside),
            Tok::Var if colon => {
                let name = text.get(1..).unwrap_or_default();
                tokens.splice(at + 1..at + 1, [Token(",", Tok::Sym), Token(name, Tok::Word)]);
                at += 2;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Puts what `reduce` and `foreach` go through into parentheses, if it has operators.
fn group_sources(tokens: &mut Vec<Token<&str>>) {
    // The last ones first, so that what is inside another has its parentheses before.
    for at in (0..tokens.len()).rev() {
        if !matches!(tokens.get(at), Some(Token("reduce" | "foreach", Tok::Word))) {
            continue;
        }
        let Some(end) = source_end(tokens, at + 1) else { continue };
        let mut source: Vec<Token<&str>> = tokens.drain(at + 1..end).collect();
        source.push(Token(")", Tok::Sym));
        tokens.insert(at + 1, Token("(", Tok::Block(source)));
    }
}

/// Where the `as` stands that ends what is gone through, if that has operators.
fn source_end(tokens: &[Token<&str>], start: usize) -> Option<usize> {
    const OPERATORS: [&str; 15] =
        ["+", "-", "*", "/", "%", "//", "==", "!=", "<", "<=", ">", ">=", "and", "or", "="];
    let (mut inner, mut operators) = (0, 0);
    for (at, Token(text, token)) in tokens.iter().enumerate().skip(start) {
        match (*text, token) {
            ("reduce" | "foreach", Tok::Word) => inner += 1,
            ("as", Tok::Word) if inner > 0 => inner -= 1,
            ("as", Tok::Word) => return (operators > 0 && at > start).then_some(at),
            ("|" | "," | ";" | ":", _) => return None,
            (text, Tok::Sym | Tok::Word) if OPERATORS.contains(&text) => operators += 1,
            _ => {}
        }
    }
    None
}

/// What jq writes for an operator of other languages that begins here.
pub(in crate::expr) fn instead_of(text: &str) -> Option<&'static str> {
    const OPERATORS: [(&str, &str); 11] = [
        ("&&", "jq writes 'and'"),
        ("||", "jq writes 'or'"),
        ("===", "jq writes '=='"),
        ("!==", "jq writes '!='"),
        ("<>", "jq writes '!='"),
        ("=>", "jq writes '>='"),
        ("=<", "jq writes '<='"),
        ("=~", "jq writes 'test', as in .a | test(\"^x\")"),
        ("~", "jq writes 'test', as in .a | test(\"^x\")"),
        ("!", "jq writes 'not' after a value, as in .a | not"),
        ("'", "strings are written with double quotes"),
    ];
    OPERATORS.iter().find(|(other, _)| text.starts_with(other)).map(|(_, ours)| *ours)
}

/// A source whose escaped surrogate pairs are replaced by the letters that they stand for, which
/// jaq's lexer cannot read.
pub(in crate::expr) struct Joined<'s> {
    pub(in crate::expr) text: Cow<'s, str>,
    /// Where in `text` the letters end.
    ends: Vec<usize>,
}

/// How much shorter a letter of four bytes is than `\ud83d\ude00`.
const SHORTER_BYTES: usize = 8;

impl<'s> Joined<'s> {
    pub(in crate::expr) fn of(source: &'s str) -> Joined<'s> {
        let mut joined = Joined { text: Cow::Borrowed(source), ends: Vec::new() };
        let mut done = 0;
        let mut text = String::new();
        let mut at = 0;
        while let Some(found) = source.get(at..).and_then(|rest| rest.find('\\')) {
            at += found;
            let Some(first) = unit(source, at).filter(|unit| (0xd800..0xe000).contains(unit))
            else {
                // Another backslash may be what is escaped.
                at += 1 + source
                    .get(at + 1..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(0, char::len_utf8);
                continue;
            };
            text.push_str(source.get(done..at).unwrap_or_default());
            let pair = [first, unit(source, at + 6).unwrap_or_default()];
            match char::decode_utf16(pair).next() {
                Some(Ok(letter)) => {
                    text.push(letter);
                    joined.ends.push(text.len());
                    at += 12;
                }
                // Half a pair, which stands for the replacement character wherever it is read.
                _ => {
                    text.push_str("\\ufffd");
                    at += 6;
                }
            }
            done = at;
        }
        if done > 0 {
            text.push_str(source.get(done..).unwrap_or_default());
            joined.text = Cow::Owned(text);
        }
        joined
    }

    /// Where a place in the text is in the source.
    pub(in crate::expr) fn place(&self, at: usize) -> usize {
        at + SHORTER_BYTES * self.ends.iter().filter(|end| **end <= at).count()
    }
}

/// The code unit that is escaped at a place.
fn unit(source: &str, at: usize) -> Option<u16> {
    let digits = source.get(at..at + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16)
        .ok()
        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogate_pairs_are_joined_and_places_kept() {
        let source = r#""\ud83d\ude00" + "\\ud83d" + "\ud83dx" + ("#;
        let joined = Joined::of(source);
        assert_eq!(joined.text, "\"\u{1f600}\" + \"\\\\ud83d\" + \"\\ufffdx\" + (");
        assert_eq!(joined.place(1), 1);
        assert_eq!(joined.place(joined.text.len()), source.len());
        assert!(matches!(Joined::of(r#""\u0041""#).text, Cow::Borrowed(_)));
    }
}

//! Where jq expressions end that stand in parentheses or in a list, without reading them as jq.
//!
//! Parentheses, brackets and semicolons in strings are text, but for those in interpolations.

/// Where the parenthesis that is open before `inside` is closed.
pub fn closing(inside: &str) -> Option<usize> {
    outermost(inside).find(|(_, byte)| *byte == b')').map(|(at, _)| at)
}

/// Where the semicolons are that stand in no parenthesis of `inside`.
pub fn semicolons(inside: &str) -> impl Iterator<Item = usize> {
    outermost(inside).filter(|(_, byte)| *byte == b';').map(|(at, _)| at)
}

/// The expressions of a list with commas between them; a comma in parentheses, brackets, braces or
/// a string is part of an expression.
pub fn list(text: &str) -> Vec<&str> {
    let mut start = 0;
    let mut expressions = Vec::new();
    for (at, _) in outermost(text).filter(|(_, byte)| *byte == b',') {
        expressions.push(text[start..at].trim());
        start = at + 1;
    }
    expressions.push(text[start..].trim());
    expressions
}

/// The bytes that stand in no parenthesis, bracket, brace or string of `text`, up to the first
/// closing one that nothing in it opened.
fn outermost(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut open: Vec<Inside> = Vec::new();
    let (mut escaped, mut ended) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        if ended {
            return false;
        }
        let outermost = open.is_empty();
        if open.last() == Some(&Inside::Text) {
            match (std::mem::take(&mut escaped), byte) {
                (true, b'(') => open.push(Inside::Brackets),
                (true, _) => {}
                (false, b'\\') => escaped = true,
                (false, b'"') => drop(open.pop()),
                (false, _) => {}
            }
            return false;
        }
        match byte {
            b'"' => open.push(Inside::Text),
            b'(' | b'[' | b'{' => open.push(Inside::Brackets),
            b')' | b']' | b'}' => ended = open.pop().is_none(),
            _ => {}
        }
        outermost
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Brackets,
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_divided_at_their_own_commas() {
        assert_eq!(list(".a, .b.c,.d"), [".a", ".b.c", ".d"]);
        assert_eq!(
            list("[.a,.b],{x,y},(1,2),\"a,\\(1,2)\""),
            ["[.a,.b]", "{x,y}", "(1,2)", "\"a,\\(1,2)\""]
        );
        assert_eq!(list(""), [""]);
        assert_eq!(list(".a,"), [".a", ""]);
    }

    #[test]
    fn the_right_parenthesis_closes() {
        for (inside, at) in [
            (".a) where f(.b)", Some(2)),
            ("f(.a; [.b]))", Some(11)),
            ("\")\" + \"\\\")\")", Some(11)),
            ("\"\\(f(\")\"))\")", Some(11)),
            (".a", None),
            ("(.a", None),
            ("\")", None),
            (")", Some(0)),
        ] {
            assert_eq!(closing(inside), at, "{inside}");
        }
        // Another closing one is a slip: what stands behind it is not looked at.
        assert_eq!(closing(".a])"), None);
    }

    #[test]
    fn semicolons_of_inner_calls_are_theirs() {
        let all = |inside| semicolons(inside).collect::<Vec<usize>>();
        assert_eq!(all(".a; .b;f(1; 2)"), [2, 6]);
        assert_eq!(all("\";\"").len(), 0);
    }
}

//! Records as JSON: on one line, over several lines, and strings without their quotes.

use super::screen::{Role, Screen};
use crate::record::tokens::{Kind, Token, tokens};

/// The pieces of a record, with their texts and without white space.
fn pieces(record: &[u8]) -> impl Iterator<Item = (Kind, &str)> {
    let text = |token: Token| {
        let bytes = record.get(token.range)?;
        Some((token.kind, std::str::from_utf8(bytes).ok()?))
    };
    tokens(record).filter(|token| token.kind != Kind::Space).filter_map(text)
}

fn show((kind, text): (Kind, &str), screen: &mut Screen<'_>) {
    let role = match kind {
        Kind::Key => Role::Key,
        Kind::String => Role::Text,
        Kind::Number => Role::Number,
        Kind::Word if text == "null" => Role::Aside,
        Kind::Word => Role::Bool,
        Kind::Mark | Kind::Space | Kind::Other => Role::Plain,
    };
    screen.put(role, text);
}

/// Shows a record on one line, without white space.
pub fn on_one_line(record: &[u8], screen: &mut Screen<'_>) {
    for piece in pieces(record) {
        if screen.is_cut() {
            return;
        }
        show(piece, screen);
    }
}

/// Shows a record over several lines, indented by two spaces as jq does it, without the last line
/// end.
pub fn pretty(record: &[u8], screen: &mut Screen<'_>) {
    let mut depth = 0_usize;
    let mut pieces = pieces(record).peekable();
    while let Some(piece) = pieces.next() {
        match piece.1 {
            "{" | "[" => {
                show(piece, screen);
                if let Some(close) = pieces.next_if(|next| matches!(next.1, "}" | "]")) {
                    show(close, screen);
                } else {
                    depth += 1;
                    begin_line(depth, screen);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                begin_line(depth, screen);
                show(piece, screen);
            }
            "," => {
                show(piece, screen);
                begin_line(depth, screen);
            }
            ":" => screen.put(Role::Plain, ": "),
            _ => show(piece, screen),
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

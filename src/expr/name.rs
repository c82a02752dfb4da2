//! Paths as text: how jq writes them, and the name that a simple one suggests for its result.

use crate::record::pick::Step;
use crate::record::text::write_string;

/// The last step of a simple path: `origin` for `.origin`, `b` for `.a.b`, `x y` for `.["x y"]`
/// or `."x y"`. None for any other expression.
pub fn path_name(source: &str) -> Option<String> {
    let mut rest = source.trim();
    let mut name = None;
    while !rest.is_empty() {
        let (step, behind) = step(rest, name.is_none())?;
        name = Some(step);
        rest = behind;
    }
    name
}

/// Takes one step off the front of a path.
fn step(path: &str, first: bool) -> Option<(String, &str)> {
    let dotted = path.strip_prefix('.');
    let rest = dotted.unwrap_or(path);
    if let Some(inside) = rest.strip_prefix('[') {
        if first && dotted.is_none() {
            return None;
        }
        let (name, behind) = quoted(inside.trim_start())?;
        return Some((name, behind.trim_start().strip_prefix(']')?));
    }
    dotted?;
    if rest.starts_with('"') {
        return quoted(rest);
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    let good = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    good.then(|| (name.to_owned(), behind))
}

/// Takes a string without interpolation off the front, decoded.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (literal, behind) = text.split_at(end + 2);
    // A jq string without interpolation is a JSON string; with one, it is not.
    Some((serde_json::from_str(literal).ok()?, behind))
}

/// A path as jq writes it.
pub(super) fn spelled(path: &[Step]) -> String {
    let mut text = String::from(".");
    for step in path {
        match step {
            Step::Key(key) if is_word(key) => {
                if !text.ends_with('.') {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Key(key) => {
                let mut quoted = Vec::new();
                write_string(key, &mut quoted);
                text.push_str(&format!("[{}]", String::from_utf8_lossy(&quoted)));
            }
            Step::Item(item) => text.push_str(&format!("[{item}]")),
        }
    }
    text
}

/// The path of a field of what is at another path, both as jq spells them.
pub fn below(outer: &str, key: &str) -> String {
    let step = spelled(&[Step::Key(key.to_owned())]);
    match (outer, step.strip_prefix(".[")) {
        (".", _) => step,
        (outer, Some(quoted)) => format!("{outer}[{quoted}"),
        (outer, None) => format!("{outer}{step}"),
    }
}

/// The path of the elements of what is at another path.
pub fn elements_of(outer: &str) -> String {
    format!("{outer}[]")
}

/// Whether a key needs no quotes in a path.
fn is_word(key: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.is_empty() && key.chars().all(word) && !key.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_of_a_simple_path_names_it() {
        let cases = [
            (".origin", "origin"),
            (" .a.b ", "b"),
            (".a._b9", "_b9"),
            (".[\"x y\"]", "x y"),
            (".a[\"x\"]", "x"),
            (".a.[ \"x\" ]", "x"),
            (".\"x \\\"y\\\\\"", "x \"y\\"),
            (".[\"\\u00e4\"].b", "b"),
        ];
        for (source, name) in cases {
            assert_eq!(path_name(source).as_deref(), Some(name), "{source}");
        }
    }

    #[test]
    fn other_expressions_have_no_name() {
        for source in [
            "",
            ".",
            "..",
            ".a + 1",
            ".a, .b",
            ".a[0]",
            ".[]",
            ".a?",
            "a",
            "[\"a\"]",
            "\"a\"",
            ".9",
            ".a.",
            ".a .b",
            ".\"a",
            ".\"\\(.b)\"",
            ".[\"a\"",
            "$a.b",
            ".a|.b",
            ".ä",
        ] {
            assert_eq!(path_name(source), None, "{source}");
        }
    }
}

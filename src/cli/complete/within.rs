//! Fields completed within an expression: of `avg(.by` only `.by` is the beginning of a field.

use super::Candidate;

/// The expression `text` with each of the fields that may stand at its end. In quotes more of the
/// expression is to come.
pub fn completed(text: &str, fields: &[String], is_quoted: bool) -> Vec<Candidate> {
    let Some(at) = begin(text) else { return Vec::new() };
    let (before, path) = text.split_at(at);
    let all = fields.iter().filter(|field| field.starts_with(path));
    // Elements are offered to whoever has begun to write them.
    let fits = |field: &&String| path.contains('[') || !field.contains("[]");
    let open = is_quoted || before.contains('(');
    let one = |field: &String| Candidate { open, ..Candidate::new(format!("{before}{field}"), "") };
    all.filter(fits).map(one).collect()
}

/// Where in an expression the field at its end begins; none where no field may stand.
fn begin(text: &str) -> Option<usize> {
    let is_escaped = |at: usize| text[..at].ends_with('\\');
    let quotes = text.match_indices('"').filter(|(at, _)| !is_escaped(*at)).count();
    if quotes % 2 == 1 {
        return None;
    }
    let is_of_path = |c: char| c.is_alphanumeric() || "_.[]".contains(c);
    let path = text.trim_end_matches(is_of_path);
    match &text[path.len()..] {
        "" => Some(path.len()).filter(|_| !path.ends_with([')', '}', '"', '$'])),
        tail if tail.starts_with('.') && !path.ends_with([')', '}', '"', '?']) => Some(path.len()),
        // An array is built: [.a
        tail => tail.find("[.").filter(|at| tail[..*at].is_empty()).map(|_| path.len() + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let fields = [".status", ".size", ".tags", ".tags[]", ".user.id"].map(str::to_owned);
        let found = completed(text, &fields, true);
        let found: Vec<&str> = found.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_field_at_the_end_is_completed() {
        check(".st", &[".status"]);
        check("avg(.s", &["avg(.status", "avg(.size"]);
        check(".a == 1 and .us", &[".a == 1 and .user.id"]);
        check(".size,.t", &[".size,.tags"]);
        check(".tags[", &[".tags[]"]);
        check("[.st", &["[.status"]);
        check("n=.si", &["n=.size"]);
        check("\"a\" == .us", &["\"a\" == .user.id"]);
    }

    #[test]
    fn nothing_is_offered_where_no_field_stands() {
        for text in ["sel", "f(.x).st", ".a == \".st", "\"a\\\".st", "$x.st", ".nope", "1.st"] {
            check(text, &[]);
        }
    }
}

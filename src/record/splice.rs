//! Adding fields to an object without touching the rest of its bytes.

use super::members::members;

/// Appends `object` to `out` with `fields` added before its closing brace.
///
/// `fields` is the inside of an object: `"name":value` pairs joined by commas. Returns false, and
/// appends nothing, if `object` is not an object. It must be valid JSON.
pub fn add_fields(object: &[u8], fields: &[u8], out: &mut Vec<u8>) -> bool {
    let trimmed = object.trim_ascii_end();
    let Some(inside) = trimmed.strip_suffix(b"}") else { return false };
    let inside = inside.trim_ascii_end();
    let Some(first) = inside.trim_ascii_start().strip_prefix(b"{") else { return false };
    out.extend_from_slice(inside);
    if !first.trim_ascii_start().is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(fields);
    out.push(b'}');
    true
}

/// Appends `object` to `out` without the members that have one of the keys in `dropped`, and with
/// `fields` added; otherwise as [`add_fields`]. White space between members is not kept.
pub fn replace_fields(
    object: &[u8],
    dropped: &[impl AsRef<str>],
    fields: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let trimmed = object.trim_ascii();
    if !(trimmed.starts_with(b"{") && trimmed.ends_with(b"}")) {
        return false;
    }
    out.push(b'{');
    for member in members(trimmed) {
        if !dropped.iter().any(|key| member.is_called(key.as_ref())) {
            out.extend_from_slice(member.bytes);
            out.push(b',');
        }
    }
    out.extend_from_slice(fields);
    out.push(b'}');
    true
}

/// Whether `object` has a member that is called by one of `names`, however it is written. `plain`
/// says whether one of the names is anywhere in it: without it and without escapes, no member needs
/// to be looked at.
pub fn has_field(object: &[u8], names: &[impl AsRef<str>], plain: bool) -> bool {
    (plain || memchr::memchr(b'\\', object).is_some())
        && members(object).any(|member| names.iter().any(|name| member.is_called(name.as_ref())))
}

/// Appends `object` to `out` without two fields that [`add_fields`] has added to it: texts, called
/// so. Returns false, and appends nothing, if they are not its last members. It must be valid JSON.
pub fn remove_added(object: &[u8], [first, second]: [&str; 2], out: &mut Vec<u8>) -> bool {
    let inside = object.trim_ascii_end().strip_suffix(b"\"}").unwrap_or_default();
    let cut = |text: &[u8], name: &str| {
        let at = text.iter().rposition(|byte| *byte == b'"')?;
        let key = format!("\"{name}\":");
        Some(text.get(..at)?.strip_suffix(key.as_bytes())?.len())
    };
    let before = cut(inside, second)
        .and_then(|end| inside.get(..end)?.strip_suffix(b"\","))
        .and_then(|inside| inside.get(..cut(inside, first)?));
    let Some(before) = before else { return false };
    out.extend_from_slice(before.strip_suffix(b",").unwrap_or(before));
    out.push(b'}');
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_added_can_be_taken_out_again() {
        for (object, names) in
            [("{\"a\":\"b\"}", ["s", "e"]), ("{}", ["s", "e"]), ("{ \"s\": 1 }", ["x", "y"])]
        {
            let (mut with, mut without) = (Vec::new(), Vec::new());
            let fields = format!("\"{}\":\"1970\",\"{}\":\"1971\"", names[0], names[1]);
            assert!(add_fields(object.as_bytes(), fields.as_bytes(), &mut with));
            assert!(!remove_added(&with, ["s", "f"], &mut without));
            assert!(remove_added(&with, names, &mut without));
            let bare = object.trim_end_matches('}').trim_end().to_owned() + "}";
            assert_eq!(String::from_utf8_lossy(&without), bare);
            assert!(!remove_added(object.as_bytes(), names, &mut without));
        }
    }

    use super::*;

    fn spliced(object: &str) -> Option<String> {
        let mut out = Vec::new();
        add_fields(object.as_bytes(), b"\"w\":1", &mut out)
            .then(|| String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn fields_go_before_the_closing_brace() {
        assert_eq!(spliced(r#"{"a": {"b":2.0} }"#).as_deref(), Some(r#"{"a": {"b":2.0},"w":1}"#));
        assert_eq!(spliced(" { } ").as_deref(), Some(r#" {"w":1}"#));
        assert_eq!(spliced("{}").as_deref(), Some(r#"{"w":1}"#));
    }

    #[test]
    fn only_objects_take_fields() {
        assert_eq!(spliced("[1]"), None);
        assert_eq!(spliced("\"}\""), None);
        assert_eq!(spliced("3"), None);
    }

    #[test]
    fn a_field_is_found_however_it_is_spelled() {
        for (object, plain, expected) in [
            (r#"{"w":1}"#, true, true),
            (r#"{"\u0077":1}"#, false, true),
            (r#"{"a":"w","b":{"w":1}}"#, true, false),
            (r#"{"a":"\n"}"#, false, false),
        ] {
            assert_eq!(has_field(object.as_bytes(), &["v", "w"], plain), expected, "{object}");
        }
    }

    #[test]
    fn a_field_that_is_there_is_replaced() {
        let replaced = |object: &str| {
            let mut out = Vec::new();
            replace_fields(object.as_bytes(), &["w", "v"], b"\"w\":1", &mut out)
                .then(|| String::from_utf8_lossy(&out).into_owned())
        };
        let given = r#" { "w" : {"w":2}, "a": 1.0,"v":"}" , "b":{"w":3},"w":4} "#;
        assert_eq!(replaced(given).as_deref(), Some(r#"{"a": 1.0,"b":{"w":3},"w":1}"#));
        assert_eq!(replaced(r#"{"\u0077":2,"a":1}"#).as_deref(), Some(r#"{"a":1,"w":1}"#));
        assert_eq!(replaced("{\"w\":2}").as_deref(), Some(r#"{"w":1}"#));
        assert_eq!(replaced("{}").as_deref(), Some(r#"{"w":1}"#));
        assert_eq!(replaced("[]"), None);
    }
}

//! A field as people read it: in the cells of a table.

use serde_json::Value;

use super::{Field, Frequent, Kind};

/// What is in a field. What it does not have is empty, but for shares, of which that is `-`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// In which part of the records it is.
    pub present: String,
    /// Which part of its values is null.
    pub null: String,
    /// The types of the others.
    pub types: String,
    /// How many different values there are.
    pub distinct: String,
    /// The least value.
    pub min: String,
    /// The median of its numbers.
    pub median: String,
    /// The greatest value.
    pub max: String,
    /// The commonest values, each with its share.
    pub common: String,
}

impl Shown {
    /// What is in a field of so many records.
    pub fn of(field: &Field, records: u64) -> Shown {
        let values = field.values();
        let kinds = field.kinds.iter().filter(|(kind, _)| *kind != Kind::Null);
        let kinds: Vec<&str> = kinds.map(|(kind, _)| kind.name()).collect();
        // Values as rare as others are not worth a look.
        let is_common = |one: &&Frequent| one.count.saturating_mul(100) >= values;
        let common = field.common.iter().filter(is_common);
        let common: Vec<String> =
            common.map(|one| format!("{} {}", frequent(one), percent(one.count, values))).collect();
        let told = |text: &Option<String>| text.as_ref().map_or(String::new(), |text| told(text));
        Shown {
            present: percent(field.records, records),
            null: percent(field.nulls(), values),
            types: kinds.join(", "),
            distinct: if field.distinct == 0 { String::new() } else { field.distinct.to_string() },
            min: told(&field.min),
            median: told(&field.median),
            max: told(&field.max),
            common: common.join(", "),
        }
    }
}

/// A value in a cell: an empty string would not be seen.
fn told(json: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Ok(Value::String(text)) => text,
        _ => json.to_owned(),
    }
}

fn frequent(one: &Frequent) -> String {
    let text = String::from_utf8_lossy(&one.value);
    if one.is_whole { told(&text) } else { format!("{}…", beginning(&text)) }
}

/// The beginning of a string whose end is not known.
pub fn beginning(json: &str) -> &str {
    let text = json.strip_prefix('"').unwrap_or(json);
    // It may end within a character, or within an escape.
    let text = text.trim_end_matches('\u{fffd}');
    text.rfind('\\').filter(|at| text.len() - at < 6).map_or(text, |at| &text[..at])
}

/// A share for people: all of it and nothing of it only if it is so.
pub fn percent(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    match percent {
        _ if part == 0 => "-".to_owned(),
        _ if part == whole => "100%".to_owned(),
        0.0..1.0 => "<1%".to_owned(),
        99.0.. => ">99%".to_owned(),
        _ => format!("{percent:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_all_or_nothing_only_if_they_are() {
        for (part, whole, text) in
            [(0, 5, "-"), (5, 5, "100%"), (1, 1_000, "<1%"), (999, 1_000, ">99%"), (1, 3, "33%")]
        {
            assert_eq!(percent(part, whole), text);
        }
        assert_eq!(beginning("\"ab\\u00"), "ab");
        assert_eq!(beginning("\"ab\u{fffd}"), "ab");
    }

    #[test]
    fn values_are_shown_without_quotes() {
        let mut collector = crate::fields::Collector::new(10);
        for record in [r#"{"a":""}"#, r#"{"a":""}"#, r#"{"a":"x"}"#, r#"{"a":null}"#] {
            collector.record(record.as_bytes());
        }
        let shown = Shown::of(&collector.fields()[0], 8);
        assert_eq!((&*shown.present, &*shown.null, &*shown.types), ("50%", "25%", "string"));
        assert_eq!((&*shown.min, &*shown.max, &*shown.common), ("\"\"", "x", "\"\" 50%"));
        assert_eq!((&*shown.distinct, &*shown.median), ("2", ""));
    }
}

//! Settings made anew from what is left of a damaged `topic.json` (`docs/FORMAT.md`, "Repair").
//!
//! What may be lost closes rather than opens: lists of readers and writers that cannot be read
//! leave the topic to root and the log's owner.

use serde_json::{Map, Value};

use crate::log::access::Principal;
use crate::log::settings::Settings;

/// The settings that are looked for; some need others that stand before them.
const NAMES: [&str; 11] = [
    "fsync",
    "segment_bytes",
    "segment_ms",
    "retention_ms",
    "retention_bytes",
    "record_bytes_max",
    "compact",
    "tombstone",
    "tombstone_ms",
    "readers",
    "writers",
];

/// What could be made of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// The settings that the topic has now.
    pub settings: Settings,
    /// The names of those that were read in the damaged file, as they stand there.
    pub kept: Vec<String>,
    /// Whether others may have been in it, which are lost.
    pub is_partial: bool,
}

/// Makes settings of the contents of a damaged file, for a topic of so many partitions.
pub(in crate::log) fn salvage(contents: &[u8], partitions: u32) -> Salvaged {
    let mut kept = Vec::new();
    let mut settings = Settings::new(partitions, None);
    if let Some(Value::String(key)) = find(contents, "key") {
        let keyed = Settings::new(partitions, Some(key));
        if keyed.check_expressions().is_ok() {
            settings = keyed;
            kept.push("key".to_owned());
        }
    }
    for name in NAMES {
        let Some(value) = find(contents, name) else { continue };
        let changed = settings.with(&Map::from_iter([(name.to_owned(), value)]));
        if let Ok(changed) = changed
            && changed.check_expressions().is_ok()
        {
            settings = changed;
            kept.push(name.to_owned());
        }
    }
    let is_partial = is_partial(contents, &kept);
    if is_partial {
        let nobody = || Some(vec![Principal::Uid(0)]);
        settings.readers = settings.readers.or_else(nobody);
        settings.writers = settings.writers.or_else(nobody);
    }
    Salvaged { settings, kept, is_partial }
}

/// The number of partitions that the contents name, if they do.
pub(in crate::log) fn partitions_named(contents: &[u8]) -> Option<u32> {
    find(contents, "partitions")?.as_u64()?.try_into().ok()
}

/// The value of a field, where its name stands in quotes with a colon behind it.
fn find(contents: &[u8], name: &str) -> Option<Value> {
    let quoted = format!("\"{name}\":");
    let at = memchr::memmem::find(contents, quoted.as_bytes())?;
    let rest = contents.get(at + quoted.len()..)?;
    serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok()
}

/// Whether the contents have, or may have had, more than was kept.
fn is_partial(contents: &[u8], kept: &[String]) -> bool {
    let Ok(all) = serde_json::from_slice::<Map<String, Value>>(contents) else { return true };
    let is_known = |name: &String| {
        matches!(name.as_str(), "version" | "partitions" | "crc32c") || kept.contains(name)
    };
    !all.keys().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"version":1,"partitions":2,"key":".k","fsync":"never","segment_bytes":9,"retention_ms":5,"readers":["a"]}"#;

    #[test]
    fn whole_settings_are_kept_whole() {
        let salvaged = salvage(WHOLE.as_bytes(), 2);
        assert_eq!(salvaged.settings, serde_json::from_str(WHOLE).unwrap());
        assert!(!salvaged.is_partial);
        assert_eq!(partitions_named(WHOLE.as_bytes()), Some(2));
    }

    #[test]
    fn what_is_broken_is_lost_and_closes_the_topic() {
        let broken = WHOLE.replace(r#""key":".k""#, "\"key\":\".\u{1}k\"");
        let salvaged = salvage(broken.as_bytes(), 2);
        assert_eq!(salvaged.settings.key, None);
        assert_eq!(salvaged.settings.retention_ms, Some(5));
        assert_eq!(salvaged.settings.readers.as_deref().map(<[_]>::len), Some(1));
        assert_eq!(salvaged.settings.writers, Some(vec![Principal::Uid(0)]));
        assert!(salvaged.is_partial && !salvaged.kept.contains(&"key".to_owned()));
        let nothing = salvage(b"", 3);
        assert_eq!((nothing.settings.partitions, nothing.is_partial), (3, true));
        assert_eq!(nothing.settings.readers, Some(vec![Principal::Uid(0)]));
    }
}

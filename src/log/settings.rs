//! What a topic is told when it is made: the contents of `topic.json`.

mod checks;
mod fsync;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::checks::EXPRESSION_BYTES_MAX;
pub use self::fsync::Fsync;
use super::LogError;
use super::access::Principal;
use crate::api::appending::Unique;
use crate::record::RECORD_BYTES_MAX;

/// The most partitions a topic may have.
pub const PARTITIONS_MAX: u32 = 1024;
/// How large a segment grows before the next one begins, by default.
pub const SEGMENT_BYTES_DEFAULT: u64 = 256 << 20;
/// How long a tombstone stays by default, in milliseconds: a day, as in Kafka
/// (`delete.retention.ms`).
pub const TOMBSTONE_MS_DEFAULT: u64 = 24 * 60 * 60 * 1000;
/// How long a source that no run reports is remembered by default, in milliseconds: 30 days.
pub const SOURCE_MS_DEFAULT: u64 = 30 * 24 * 60 * 60 * 1000;
/// The longest topic name, in bytes: what a file name can hold, with room for a suffix.
pub const TOPIC_NAME_BYTES_MAX: usize = 200;
/// The version of `topic.json` that this code writes and reads.
const VERSION: u32 = 1;

/// A topic's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The version of `topic.json`.
    pub(super) version: u32,
    /// How many partitions the topic has, from 1 to [`PARTITIONS_MAX`].
    pub partitions: u32,
    /// A jq expression; records for which it gives the same value go to the same partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When an append is acknowledged.
    #[serde(default)]
    pub fsync: Fsync,
    /// How large a segment grows before the next one begins, in bytes.
    #[serde(default = "segment_bytes_default")]
    pub segment_bytes: u64,
    /// How old a segment's first record grows before the next segment begins, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_ms: Option<u64>,
    /// How long records are kept after they were appended, in milliseconds; always if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<u64>,
    /// How many bytes of records each partition keeps, at the least; all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_bytes: Option<u64>,
    /// The longest record that the topic takes, in bytes; what any topic takes if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_bytes_max: Option<u64>,
    /// Whether closed segments keep only the last record of each key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compact: bool,
    /// A jq expression; a record for which it is true takes its key away with the next compaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<String>,
    /// How long such a record stays once its key's earlier ones are gone, in milliseconds;
    /// [`TOMBSTONE_MS_DEFAULT`] if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone_ms: Option<u64>,
    /// How long a source that no run reports is remembered, in milliseconds;
    /// [`SOURCE_MS_DEFAULT`] if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ms: Option<u64>,
    /// A jq expression; a record is appended only if the topic has none of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// Only records that were appended less than so many milliseconds ago count for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_ms: Option<u64>,
    /// Only so many records count for that, the last ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_last: Option<u64>,
    /// How many records may count for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_max: Option<u64>,
    /// Who may read; everybody if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<Vec<Principal>>,
    /// Who may append; everybody if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writers: Option<Vec<Principal>>,
}

fn segment_bytes_default() -> u64 {
    SEGMENT_BYTES_DEFAULT
}

impl Settings {
    /// Settings with `partitions` partitions, placed by `key` if there is one.
    pub fn new(partitions: u32, key: Option<String>) -> Self {
        Settings {
            version: VERSION,
            partitions,
            key,
            fsync: Fsync::default(),
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            segment_ms: None,
            retention_ms: None,
            retention_bytes: None,
            record_bytes_max: None,
            compact: false,
            tombstone: None,
            tombstone_ms: None,
            source_ms: None,
            unique: None,
            unique_ms: None,
            unique_last: None,
            unique_max: None,
            readers: None,
            writers: None,
        }
    }

    /// These settings with some of them changed: `changes` holds them by their names in
    /// `topic.json`; null takes one back to its default.
    ///
    /// # Errors
    /// When there is no such setting, or a value cannot be.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Settings, LogError> {
        let refuse = |error: serde_json::Error| LogError::BadSettings { why: error.to_string() };
        let mut all = self.to_map();
        all.insert("version".to_owned(), VERSION.into());
        for (name, value) in changes {
            if name == "version" {
                return Err(LogError::BadSettings { why: "unknown field `version`".to_owned() });
            }
            match value {
                // Kept where it is no setting at all, to be refused as such.
                Value::Null if all.contains_key(name) || Settings::is_optional(name) => {
                    all.remove(name);
                }
                value => {
                    all.insert(name.clone(), value.clone());
                }
            }
        }
        let settings: Settings = serde_json::from_value(Value::Object(all)).map_err(refuse)?;
        settings.check()?;
        Ok(settings)
    }

    /// The settings by their names in `topic.json`; those that were not made are left out.
    pub fn to_map(&self) -> Map<String, Value> {
        let mut all = match serde_json::to_value(self) {
            Ok(Value::Object(all)) => all,
            _ => Map::new(),
        };
        all.remove("version");
        all
    }

    /// How settings that were asked for differ from these, for a message.
    pub(super) fn differences(&self, wanted: &Settings) -> String {
        let (held, wanted) = (self.to_map(), wanted.to_map());
        let names: std::collections::BTreeSet<&String> = held.keys().chain(wanted.keys()).collect();
        let shown = |map: &Map<String, Value>, name: &str| match map.get(name) {
            None => "none".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let differing = names.into_iter().filter(|name| held.get(*name) != wanted.get(*name));
        let told = differing
            .map(|name| format!("{name} is {}, not {}", shown(&held, name), shown(&wanted, name)));
        told.collect::<Vec<_>>().join(", ")
    }

    /// Whether the topic needs tending also when nobody appends to it.
    pub fn is_kept(&self) -> bool {
        let limits = [self.retention_ms, self.retention_bytes, self.segment_ms];
        self.compact || limits.iter().any(Option::is_some)
    }

    /// How long a tombstone stays, in milliseconds.
    pub fn tombstone_ms(&self) -> u64 {
        self.tombstone_ms.unwrap_or(TOMBSTONE_MS_DEFAULT)
    }

    /// How long a source is remembered of which nothing is heard, in milliseconds.
    pub fn source_ms(&self) -> u64 {
        self.source_ms.unwrap_or(SOURCE_MS_DEFAULT)
    }

    /// What every record that is appended must be, if anything.
    pub fn unique(&self) -> Option<Unique> {
        Some(Unique {
            key: self.unique.clone()?,
            within_ms: self.unique_ms,
            last: self.unique_last,
            max: self.unique_max,
        })
    }

    /// Whether the expressions are those of other settings.
    pub(super) fn has_expressions_of(&self, other: &Settings) -> bool {
        self.compacts_as(other) && self.unique == other.unique
    }

    /// Whether compaction under these settings does the same as under others.
    pub(super) fn compacts_as(&self, other: &Settings) -> bool {
        let of = |it: &Settings| (it.compact, it.tombstone.clone(), it.tombstone_ms());
        of(self) == of(other)
    }

    fn is_optional(name: &str) -> bool {
        matches!(
            name,
            "key"
                | "segment_ms"
                | "retention_ms"
                | "retention_bytes"
                | "record_bytes_max"
                | "compact"
                | "tombstone"
                | "tombstone_ms"
                | "source_ms"
                | "unique"
                | "unique_ms"
                | "unique_last"
                | "unique_max"
                | "readers"
                | "writers"
        )
    }

    /// The longest record that the topic takes, in bytes.
    pub fn record_bytes_max(&self) -> usize {
        let own = self.record_bytes_max.and_then(|bytes| usize::try_from(bytes).ok());
        own.map_or(RECORD_BYTES_MAX, |bytes| bytes.min(RECORD_BYTES_MAX))
    }
}

/// Checks a topic's name: it is also the name of a directory, and must never lead out of it.
///
/// # Errors
/// When the name is empty, too long, begins with a dot or a dash, or has a character other than
/// ASCII letters, digits, `.`, `_` and `-`.
pub fn check_name(name: &str) -> Result<(), LogError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fine = !name.is_empty()
        && name.len() <= TOPIC_NAME_BYTES_MAX
        && !name.starts_with(['.', '-'])
        && name.bytes().all(plain);
    if fine { Ok(()) } else { Err(LogError::BadTopicName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::duration::Duration;

    #[test]
    fn names_never_lead_out_of_the_directory() {
        for good in ["clicks", "a", "web.access-log_2", "2013", &"x".repeat(200)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in
            ["", ".", "..", "a/b", "/a", ".hidden", "-n", "a b", "\u{e4}", "a\0", &"x".repeat(201)]
        {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_written_form_is_fixed() {
        let settings = Settings::new(3, Some(".user".to_owned()));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            text,
            r#"{"version":1,"partitions":3,"key":".user","fsync":"always","segment_bytes":268435456}"#
        );
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn settings_are_changed_by_their_names() {
        let changes = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let settings = Settings::new(1, None);
        let kept = settings.with(&changes(r#"{"retention_ms":5,"fsync":"100ms"}"#)).unwrap();
        assert_eq!(kept.retention_ms, Some(5));
        assert_eq!(kept.fsync, Fsync::Within(Duration::from_ms(100).unwrap()));
        let back = kept.with(&changes(r#"{"retention_ms":null,"fsync":null,"key":null}"#)).unwrap();
        assert_eq!(back, settings);
        let lists = settings.with(&changes(r#"{"readers":["a",":7"],"writers":["8"]}"#)).unwrap();
        assert_eq!(lists.to_map()["readers"], serde_json::json!(["a", ":7"]));
        assert!(!lists.is_open());
        assert_eq!(lists.with(&changes(r#"{"readers":null,"writers":null}"#)).unwrap(), settings);
        for bad in [
            r#"{"colour":1}"#,
            r#"{"colour":null}"#,
            r#"{"version":1}"#,
            r#"{"fsync":"sometimes"}"#,
            r#"{"fsync":"0s"}"#,
            r#"{"segment_ms":0}"#,
            r#"{"retention_ms":-1}"#,
            r#"{"record_bytes_max":0}"#,
            r#"{"readers":[]}"#,
            r#"{"readers":"alice"}"#,
            r#"{"writers":["a:b"]}"#,
            r#"{"record_bytes_max":99999999}"#,
        ] {
            assert!(settings.with(&changes(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn compaction_needs_a_key_and_a_tombstone_compaction() {
        let changes = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let keyed = Settings::new(1, Some(".k".to_owned()));
        let all = changes(r#"{"compact":true,"tombstone":".gone","tombstone_ms":5}"#);
        let compacted = keyed.with(&all).unwrap();
        assert!(compacted.is_kept() && compacted.tombstone_ms() == 5);
        compacted.check_expressions().unwrap();
        let why = Settings::new(1, None).with(&all).unwrap_err().to_string();
        assert!(why.contains("no key"), "{why}");
        let back = changes(r#"{"compact":null,"tombstone":null,"tombstone_ms":null}"#);
        assert_eq!(compacted.with(&back).unwrap(), keyed);
        for bad in [r#"{"tombstone":"."}"#, r#"{"compact":true,"tombstone_ms":5}"#] {
            assert!(keyed.with(&changes(bad)).is_err(), "{bad}");
        }
        assert!(compacted.with(&changes(r#"{"compact":false}"#)).is_err());
        let no_jq = keyed.with(&changes(r#"{"compact":true,"tombstone":".a +"}"#)).unwrap();
        assert!(no_jq.check_expressions().unwrap_err().to_string().contains("tombstone"));
    }

    #[test]
    fn what_the_types_leave_open_is_checked() {
        assert!(Settings::new(1, None).check().is_ok());
        assert!(Settings::new(0, None).check().is_err());
        assert!(Settings::new(PARTITIONS_MAX + 1, None).check().is_err());
        assert!(Settings { version: 2, ..Settings::new(1, None) }.check().is_err());
        assert!(Settings { segment_bytes: 0, ..Settings::new(1, None) }.check().is_err());
    }
}

//! What a topic is told when it is made: the contents of `topic.json`.

use serde::{Deserialize, Serialize};

use super::LogError;

/// The most partitions a topic may have.
pub const PARTITIONS_MAX: u32 = 1024;
/// How large a segment grows before the next one begins, by default.
pub const SEGMENT_BYTES_DEFAULT: u64 = 256 << 20;
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
}

/// When appended records are forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// Before each acknowledgement.
    #[default]
    Always,
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
        }
    }

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// When the version is unknown, a number is out of its range, or the key is no jq expression.
    pub fn check(&self) -> Result<(), LogError> {
        let refuse = |why: String| Err(LogError::BadSettings { why });
        if self.version != VERSION {
            return refuse(format!(
                "topic.json has version {}, this program knows {VERSION}",
                self.version
            ));
        }
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) {
            return refuse(format!(
                "{} partitions: a topic has from 1 to {PARTITIONS_MAX}",
                self.partitions
            ));
        }
        if self.segment_bytes == 0 {
            return refuse("segments of 0 bytes hold nothing".to_owned());
        }
        Ok(())
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
    fn what_the_types_leave_open_is_checked() {
        assert!(Settings::new(1, None).check().is_ok());
        assert!(Settings::new(0, None).check().is_err());
        assert!(Settings::new(PARTITIONS_MAX + 1, None).check().is_err());
        assert!(Settings { version: 2, ..Settings::new(1, None) }.check().is_err());
        assert!(Settings { segment_bytes: 0, ..Settings::new(1, None) }.check().is_err());
    }
}

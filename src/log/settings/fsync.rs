//! When appended records are forced to the disk: the setting `fsync`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::duration::Duration;

/// When appended records are forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fsync {
    /// Before each acknowledgement.
    #[default]
    Always,
    /// This long after the acknowledgement at the latest.
    Within(Duration),
    /// When the kernel sees fit, and when a segment is closed.
    Never,
}

impl FromStr for Fsync {
    type Err = String;

    fn from_str(text: &str) -> Result<Fsync, String> {
        match text {
            "always" => Ok(Fsync::Always),
            "never" => Ok(Fsync::Never),
            _ => match text.parse::<Duration>() {
                Ok(within) if within.ms() > 0 => Ok(Fsync::Within(within)),
                _ => Err(format!(
                    "'{text}' is not an fsync policy; write always, never, or a duration like 100ms"
                )),
            },
        }
    }
}

impl TryFrom<String> for Fsync {
    type Error = String;

    fn try_from(text: String) -> Result<Fsync, String> {
        text.parse()
    }
}

impl From<Fsync> for String {
    fn from(fsync: Fsync) -> String {
        match fsync {
            Fsync::Always => "always".to_owned(),
            Fsync::Within(within) => within.to_string(),
            Fsync::Never => "never".to_owned(),
        }
    }
}

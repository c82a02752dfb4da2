//! Requests of those who append: batches, and producers' names.

use serde::{Deserialize, Serialize};

/// See [`Request::Append`](super::request::Request::Append).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// Where to.
    pub topic: String,
    /// How many bytes of records follow the line.
    pub bytes: u64,
    /// Who appends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// Where the producer stood before this batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Where the producer stands after this batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Only if the append before it on this connection was carried out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chained: bool,
}

/// See [`Request::Producer`](super::request::Request::Producer).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// In which topic.
    pub topic: String,
    /// Its name.
    pub name: String,
}

impl Append {
    /// Fields that make no sense together.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        match (&self.producer, self.sequence, self.after) {
            (Some(_), None, _) => Some("`producer` needs `sequence`"),
            (None, Some(_), _) => Some("`sequence` needs `producer`"),
            (None, None, Some(_)) => Some("`after` needs `producer` and `sequence`"),
            _ => None,
        }
    }
}

//! Appending: batches, and where producers stand.

use serde::{Deserialize, Serialize};

use super::reading::ByPartition;

/// Appends records, which come beside this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// Where to.
    pub topic: String,
    /// How many bytes of records there are.
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

impl Append {
    /// Fields that make no sense together.
    pub fn contradiction(&self) -> Option<&'static str> {
        match (&self.producer, self.sequence, self.after) {
            (Some(_), None, _) => Some("`producer` needs `sequence`"),
            (None, Some(_), _) => Some("`sequence` needs `producer`"),
            (None, None, Some(_)) => Some("`after` needs `producer` and `sequence`"),
            _ => None,
        }
    }
}

/// Takes a producer's name for the client, and asks where the producer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// In which topic.
    pub topic: String,
    /// Its name.
    pub name: String,
}

/// A batch that is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Where to.
    pub topic: String,
    /// How many records the batch has.
    pub records: u64,
    /// For each partition that got some of them: the offset of the first.
    pub offsets: ByPartition<u64>,
    /// Where the producer now stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Whether the batch was there already, so that nothing was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// Where a producer stands; see [`Producer`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In which topic.
    pub topic: String,
    /// The producer's name.
    pub name: String,
    /// The sequence of its last batch; `None` if it has none there.
    pub sequence: Option<u64>,
}

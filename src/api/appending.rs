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
    /// Only the records of keys that the topic does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
}

/// Which records the topic has already: those whose key it has among the records that it reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// The jq expression of a record's key.
    pub key: String,
    /// It reaches the records that were appended less than so many milliseconds ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// Or so many records, the last ones; all of the topic if neither is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The most records that it may reach: they take memory. [`UNIQUE_MAX_DEFAULT`] if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// How many records [`Unique`] may reach, if that is not said: their keys then take 100 to 200 MB.
pub const UNIQUE_MAX_DEFAULT: u64 = 4_000_000;

/// How many records it may reach at the most.
pub const UNIQUE_MAX_MAX: u64 = 1 << 30;

impl Unique {
    /// The most records that it may reach.
    pub fn most(&self) -> u64 {
        self.max.unwrap_or(UNIQUE_MAX_DEFAULT)
    }

    /// What is wrong with it, apart from the expression.
    pub fn contradiction(&self) -> Option<&'static str> {
        match (self.within_ms, self.last, self.most()) {
            (Some(_), Some(_), _) => Some("unique keys reach a duration or a number of records"),
            (Some(0), ..) | (_, Some(0), _) => Some("unique keys that reach no record"),
            (.., 0) => Some("unique keys with room for none"),
            (.., most) if most > UNIQUE_MAX_MAX => Some("unique keys of more than 2^30 records"),
            (_, Some(last), most) if last > most => {
                Some("unique keys reach more records than their maximum")
            }
            _ => None,
        }
    }
}

impl Append {
    /// Fields that make no sense together.
    pub fn contradiction(&self) -> Option<&'static str> {
        match (&self.producer, self.sequence, self.after) {
            (Some(_), None, _) => Some("`producer` needs `sequence`"),
            (None, Some(_), _) => Some("`sequence` needs `producer`"),
            (None, None, Some(_)) => Some("`after` needs `producer` and `sequence`"),
            _ => self.unique.as_ref().and_then(Unique::contradiction),
        }
    }
}

/// What the names of sources begin with: producers that are files.
pub const SOURCE_PREFIX: &str = "file:";

/// What the names of runs begin with: producers that are one run of a tool, and do not come again.
pub const RUN_PREFIX: &str = "run:";

/// The most producers in one answer.
pub const PRODUCERS_LISTED_MAX: usize = 1000;

/// Whether a producer is a source or a run. What is held of one is forgotten when nothing was heard
/// of it for as long as its topic says.
pub fn is_passing(name: &str) -> bool {
    name.starts_with(SOURCE_PREFIX) || name.starts_with(RUN_PREFIX)
}

/// Takes a producer's name for the client, and asks where the producer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// In which topic.
    pub topic: String,
    /// Its name.
    pub name: String,
    /// Whether the client gives the name back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release: bool,
}

/// Asks where producers stand, without taking their names: at most [`PRODUCERS_LISTED_MAX`], in
/// order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producers {
    /// In which topic.
    pub topic: String,
    /// What their names begin with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What name theirs come after.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

/// Says that sources are there, so that they are not forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// In which topic.
    pub topic: String,
    /// Their names.
    pub names: Vec<String>,
}

/// Where producers stand; see [`Producers`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standings {
    /// In which topic.
    pub topic: String,
    /// In order of their names.
    pub producers: Vec<Stands>,
}

/// Where one of several producers stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Its name.
    pub name: String,
    /// The sequence of its last batch.
    pub sequence: u64,
    /// When that was appended, or the source was last known to be there, in µs since the epoch, if
    /// that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_us: Option<i64>,
}

/// A batch that is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Where to.
    pub topic: String,
    /// How many records of the batch were appended.
    pub records: u64,
    /// How many were not, because the topic has their keys.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// For each partition that got some of them: the offset of the first.
    pub offsets: ByPartition<u64>,
    /// If there are several such partitions: how many each got.
    #[serde(default, skip_serializing_if = "ByPartition::is_empty")]
    pub counts: ByPartition<u64>,
    /// Where the producer now stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Whether the batch was there already, so that nothing was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
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

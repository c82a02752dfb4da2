//! Why a topic takes no more records, and how that is said.

use super::LogError;

/// Why a topic takes no more records.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// Acknowledged records are damaged.
    Damaged { partition: u32, offset: u64, why: String },
    /// A write failed in a way after which the files are uncertain.
    Failed { why: String },
    /// The topic is gone.
    Deleted,
}

impl Refusal {
    /// What whoever appends to the topic is told.
    pub fn of(self, topic: String) -> LogError {
        match self {
            Refusal::Damaged { partition, offset, why } => {
                LogError::Damaged { topic, partition, offset, why }
            }
            Refusal::Deleted => LogError::UnknownTopic { topic },
            Refusal::Failed { why } => LogError::Poisoned { topic, why },
        }
    }
}

//! Why a topic takes no more records, and how that is said.

use std::sync::{Arc, Mutex};

use crate::log::LogError;
use crate::log::sync::lock;

/// Whether a topic takes no more records, for its writer and for those who do not wait for it: a
/// write may take long.
#[derive(Clone, Debug, Default)]
pub(in crate::log) struct Closed(Arc<Mutex<Option<ClosedReason>>>);

impl Closed {
    /// As it is from the beginning.
    pub fn new(refusal: Option<ClosedReason>) -> Closed {
        Closed(Arc::new(Mutex::new(refusal)))
    }

    /// From now on takes none.
    pub fn set(&self, refusal: ClosedReason) {
        *lock(&self.0) = Some(refusal);
    }

    /// Whether it takes none.
    pub fn is_set(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Tells why nothing may be appended any more to `topic`.
    pub fn check(&self, topic: &str) -> Result<(), LogError> {
        match lock(&self.0).clone() {
            None => Ok(()),
            Some(refusal) => Err(refusal.of(topic.to_owned())),
        }
    }
}

/// Why a topic takes no more records.
#[derive(Clone, Debug)]
pub(in crate::log) enum ClosedReason {
    /// Acknowledged records are damaged.
    Damaged { partition: u32, offset: u64, why: String },
    /// A write failed in a way after which the files are uncertain.
    Failed { why: String },
    /// The topic is gone.
    Deleted,
}

impl ClosedReason {
    /// What whoever appends to the topic is told.
    pub fn of(self, topic: String) -> LogError {
        match self {
            ClosedReason::Damaged { partition, offset, why } => {
                LogError::Damaged { topic, partition, offset, why }
            }
            ClosedReason::Deleted => LogError::UnknownTopic { topic },
            ClosedReason::Failed { why } => LogError::Poisoned { topic, why },
        }
    }
}

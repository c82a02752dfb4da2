//! A session's requests about topics: made, altered, described, trimmed, compacted, deleted.

use serde_json::{Map, Value};

use super::session::Session;
use crate::api::reading::Fetched;
use crate::api::topics::{Alter, Compact, Compacted, Create, Described, Topic, TopicEntry, Trim};
use crate::log::settings::EXPRESSION_BYTES_MAX;
use crate::log::{Before, LogError, Settings};

impl Session<'_> {
    pub(super) fn create(&self, create: Create) -> Result<Topic, LogError> {
        let mut settings = Settings::new(create.partitions.unwrap_or(1), create.key);
        if let Some(bytes) = create.segment_bytes {
            settings.segment_bytes = bytes;
        }
        let settings = settings.with(&create.settings)?;
        self.check_lists(&create.topic, !settings.is_open())?;
        let topic = self.shared.create(&create.topic, &settings)?;
        self.shared.maintenance.note_due(topic.due_us());
        let made = describe(topic.name(), &topic.settings());
        drop(topic);
        self.shared.make_room();
        Ok(made)
    }

    pub(super) fn topics(&self) -> Result<Vec<TopicEntry>, LogError> {
        let entry = |name: String| match self.shared.log.settings(&name) {
            Ok(settings) => TopicEntry::Open(summarize(&name, &settings)),
            Err(error) => TopicEntry::Broken { topic: name, error: super::refusal::body(error) },
        };
        Ok(self.shared.log.topic_names()?.into_iter().map(entry).collect())
    }

    pub(super) fn alter(&self, alter: Alter) -> Result<Described, LogError> {
        self.check_manages(&alter.topic)?;
        let lists = ["readers", "writers"].iter().any(|list| alter.settings.contains_key(*list));
        self.check_lists(&alter.topic, lists)?;
        let topic = self.shared.open(&alter.topic)?;
        let settings = topic.alter(&alter.settings, alter.force)?;
        self.shared.wake(&alter.topic);
        self.shared.groups.share_out_added(&alter.topic, settings.partitions);
        self.shared.maintenance.note_due(topic.due_us());
        Ok(Described { topic: alter.topic, settings: settings.to_map() })
    }

    pub(super) fn settings(&self, topic: String) -> Result<Described, LogError> {
        let settings: Map<String, Value> = self.shared.log.settings(&topic)?.to_map();
        Ok(Described { topic, settings })
    }

    pub(super) fn trim(&self, trim: Trim) -> Result<Fetched, LogError> {
        self.check_manages(&trim.topic)?;
        let topic = self.shared.open(&trim.topic)?;
        let before = match (trim.offset, trim.time_us) {
            (Some(offset), _) => Before::Offset(offset),
            (None, time_us) => Before::TimeUs(time_us.unwrap_or(i64::MIN)),
        };
        let offsets = topic.trim(trim.partition, before)?;
        self.shared.maintenance.note_due(topic.due_us());
        Ok(Fetched { topic: trim.topic, offsets: offsets.into_iter().collect() })
    }

    /// Compacts a topic. However long that takes, the session has no other request meanwhile.
    pub(super) fn compact(&self, compact: Compact) -> Result<Compacted, LogError> {
        self.check_manages(&compact.topic)?;
        let topic = self.shared.open(&compact.topic)?;
        let compacted = topic.compact(compact.close);
        self.shared.maintenance.note_due(topic.due_us());
        Ok(Compacted { topic: compact.topic, partitions: compacted? })
    }

    pub(super) fn delete(&self, topic: &str) -> Result<(), LogError> {
        match self.check_manages(topic) {
            // There may be something left of it.
            Err(LogError::UnknownTopic { .. }) if self.access.is_master() => {}
            checked => checked?,
        }
        let shared = self.shared;
        let deleted = shared.log.delete_with(topic, || shared.groups.forget(&shared.log, topic));
        if !matches!(deleted, Err(LogError::UnknownTopic { .. } | LogError::BadTopicName { .. })) {
            shared.forget(topic);
        }
        deleted
    }
}

fn describe(name: &str, settings: &Settings) -> Topic {
    let (topic, key) = (name.to_owned(), settings.key.clone());
    Topic { topic, partitions: settings.partitions, key, key_bytes: None }
}

/// A topic in the list of all, which is one line: long keys, of old topics, would be too much.
fn summarize(name: &str, settings: &Settings) -> Topic {
    let mut topic = describe(name, settings);
    if topic.key.as_ref().is_some_and(|key| key.len() > EXPRESSION_BYTES_MAX) {
        topic.key_bytes = topic.key.take().map(|key| key.len() as u64);
    }
    topic
}

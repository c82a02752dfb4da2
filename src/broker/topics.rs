//! Topics as a whole: created, listed, altered, described, trimmed, compacted, deleted.

use super::Broker;
use super::access::Access;
use super::error::Error;
use crate::api::reading::Fetched;
use crate::api::topics::{
    Alter, Compact, Compacted, Create, Described, Named, Rename, Topic, TopicEntry, Trim,
};
use crate::log::settings::EXPRESSION_BYTES_MAX;
use crate::log::{Before, LogError, Settings, Told};

impl Broker {
    /// Creates a topic; one that exists with the same settings is fine.
    ///
    /// # Errors
    /// When the name or the settings are invalid or not permitted, or a topic of other settings has
    /// the name.
    pub fn create(&self, access: &Access, create: Create) -> Result<Topic, Error> {
        let mut settings = Settings::new(create.partitions.unwrap_or(1), create.key);
        if let Some(bytes) = create.segment_bytes {
            settings.segment_bytes = bytes;
        }
        let settings = settings.with(&create.settings)?;
        access.check_lists(&create.topic, !settings.is_open())?;
        let topic = self.make(&create.topic, &settings)?;
        self.maintenance.note_due(topic.due_us());
        let made = describe(topic.name(), &topic.settings());
        drop(topic);
        self.make_room();
        Ok(made)
    }

    /// Lists the topics, sorted by name.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn topics(&self) -> Result<Vec<TopicEntry>, Error> {
        let entry = |name: String| match self.log.settings(&name) {
            Ok(settings) => TopicEntry::Open(summarize(&name, &settings)),
            Err(error) => TopicEntry::Broken { topic: name, error: error.into() },
        };
        Ok(self.log.topic_names()?.into_iter().map(entry).collect())
    }

    /// Changes a topic's settings; gives them all.
    ///
    /// # Errors
    /// When there is no such topic, or a setting is invalid or not permitted.
    pub fn alter(&self, access: &Access, alter: Alter) -> Result<Described, Error> {
        self.check_manages(access, &alter.topic)?;
        let lists = ["readers", "writers"].iter().any(|list| alter.settings.contains_key(*list));
        access.check_lists(&alter.topic, lists)?;
        let topic = self.open(&alter.topic)?;
        let settings = topic.alter(&alter.settings, alter.force)?;
        self.wake(&alter.topic);
        self.groups.share_out_added(&alter.topic, settings.partitions);
        self.maintenance.note_due(topic.due_us());
        Ok(Described { topic: alter.topic, settings: settings.to_map() })
    }

    /// A topic's settings.
    ///
    /// # Errors
    /// When there is no such topic, or they cannot be read.
    pub fn describe(&self, named: Named) -> Result<Described, Error> {
        let settings = self.log.settings(&named.topic)?.to_map();
        Ok(Described { topic: named.topic, settings })
    }

    /// Removes old records; tells where the partitions then begin.
    ///
    /// # Errors
    /// When there is no such topic, partition or offset, it is not permitted, or the disk refuses.
    pub fn trim(&self, access: &Access, trim: Trim) -> Result<Fetched, Error> {
        self.check_manages(access, &trim.topic)?;
        let topic = self.open(&trim.topic)?;
        let before = match (trim.offset, trim.time_us) {
            (Some(offset), _) => Before::Offset(offset),
            (None, time_us) => Before::TimeUs(time_us.unwrap_or(i64::MIN)),
        };
        let offsets = match trim.dry_run {
            true => topic.would_trim(trim.partition, before)?,
            false => topic.trim(trim.partition, before)?,
        };
        self.maintenance.note_due(topic.due_us());
        Ok(Fetched { topic: trim.topic, offsets: offsets.into_iter().collect() })
    }

    /// Compacts a topic, however long that takes; `told` is called often.
    ///
    /// # Errors
    /// When there is no such topic, it is not one that is compacted, it is not permitted, or the
    /// disk refuses.
    pub fn compact(
        &self,
        access: &Access,
        compact: Compact,
        told: Option<Told<'_>>,
    ) -> Result<Compacted, Error> {
        self.check_manages(access, &compact.topic)?;
        let topic = self.open(&compact.topic)?;
        let compacted = topic.compact(compact.close, told);
        self.maintenance.note_due(topic.due_us());
        Ok(Compacted { topic: compact.topic, partitions: compacted? })
    }

    /// Gives a topic another name, with what groups have committed in it.
    ///
    /// # Errors
    /// When there is no such topic, or one of the new name, or a group has members for it, it is
    /// not permitted, or the disk refuses.
    pub fn rename(&self, access: &Access, rename: Rename) -> Result<Rename, Error> {
        let (from, to) = (&rename.topic, &rename.to);
        self.check_manages(access, from)?;
        let _moving = self.groups.begin_move(from)?;
        let adopt = || self.groups.adopt(&self.log, from, to);
        let renamed =
            self.log.rename_with(from, to, adopt, |topic| self.groups.forget(&self.log, topic));
        use LogError::{BadTopicName, NameTaken, UnknownTopic};
        // Whoever has it open is told that there is none, also if it could not be renamed then.
        let is_refused =
            matches!(renamed, Err(NameTaken { .. } | UnknownTopic { .. } | BadTopicName { .. }));
        if !is_refused {
            self.forget(from);
        }
        renamed?;
        // What was not fsynced yet is, and its segments are looked after again.
        self.maintenance.note_due(self.open(to)?.due_us());
        Ok(rename)
    }

    /// Deletes a topic with all its records; gives its name again.
    ///
    /// # Errors
    /// When there is no such topic, it is not permitted, or the disk refuses.
    pub fn delete(&self, access: &Access, named: Named) -> Result<Named, Error> {
        let topic = &named.topic;
        match self.check_manages(access, topic) {
            // There may be something left of it.
            Err(LogError::UnknownTopic { .. }) if access.is_master() => {}
            checked => checked?,
        }
        let deleted = self.log.delete_with(topic, || self.groups.forget(&self.log, topic));
        if !matches!(deleted, Err(LogError::UnknownTopic { .. } | LogError::BadTopicName { .. })) {
            self.forget(topic);
        }
        deleted?;
        Ok(named)
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

//! Figures for operators: the daemon's where one listens, else what the files tell.

use std::path::Path;

use super::error::Error;
use super::{Store, groups};
use crate::api::stats::{Figures, Stats, TopicFigures};
use crate::broker::figures::topic_figures;
use crate::log::{LogError, Settings, TopicReader, open_readers, topic_names_of};

impl Store {
    /// Figures of the topics that are named, and of the groups that read them; of all if none is.
    ///
    /// # Errors
    /// When there is no log, or no topic of such a name, or we must not look.
    pub fn figures(&mut self, topics: &[String]) -> Result<Figures, Error> {
        let named = (!topics.is_empty()).then(|| topics.to_vec());
        match self {
            Store::Served { client, .. } => Ok(client.stats(Stats { topics: named })?),
            Store::Embedded { dir } => Ok(figures(dir, named)?),
        }
    }
}

/// What the files tell.
fn figures(dir: &Path, named: Option<Vec<String>>) -> Result<Figures, LogError> {
    let names = match &named {
        Some(names) => names.clone(),
        None => topic_names_of(dir)?,
    };
    let mut figures = Figures::default();
    for name in names {
        let reader = match open_readers(dir, std::slice::from_ref(&name)) {
            Err(error) if named.is_some() || matches!(error, LogError::NoLog { .. }) => {
                return Err(error);
            }
            readers => readers.map(|mut readers| readers.pop()),
        };
        let mut fsync = None;
        let holdings = |reader: Option<(TopicReader, Settings)>| match reader {
            Some((reader, settings)) => {
                fsync = Some(settings.fsync.into());
                reader.partition_stats()
            }
            None => Err(LogError::UnknownTopic { topic: name.clone() }),
        };
        let holdings = reader.and_then(holdings);
        let found = topic_figures(name, holdings, None);
        figures.topics.push(TopicFigures { fsync, ..found });
    }
    figures.groups = groups::list(dir, None)?;
    figures.groups.retain(|group| named.as_ref().is_none_or(|it| it.contains(&group.topic)));
    Ok(figures)
}

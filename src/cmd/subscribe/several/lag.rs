//! What several topics have that was not read yet, for those who ask what the tool does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::reading::{Chunk, Span};
use crate::api::stats::TopicFigures;
use crate::cli::counters::counters;
use crate::cli::figures::Figures;
use crate::store::Store;
use crate::time::timestamp::show_us;

/// Which record comes next in each partition of the topics that are read.
type Next = BTreeMap<String, BTreeMap<u32, u64>>;

/// Where topics are read, where others may look.
#[derive(Clone, Default)]
pub(super) struct Lag(Arc<Mutex<Next>>);

impl Lag {
    /// In topics of the log in `dir`, which is asked how much it has whenever somebody asks us.
    pub fn in_log(dir: PathBuf) -> Lag {
        let lag = Lag::default();
        let next = lag.clone();
        counters().add(move |figures| {
            let topics: Vec<String> = next.next().keys().cloned().collect();
            // All topics would be meant by none.
            if topics.is_empty() {
                return;
            }
            let there = Store::open(&dir).and_then(|mut store| store.figures(&topics));
            there.iter().for_each(|there| next.compare(&there.topics, figures));
        });
        lag
    }

    /// Reads a topic, from these records on.
    pub fn begin(&self, topic: &str, spans: &[Span]) {
        let next = spans.iter().map(|span| (span.partition, span.from)).collect();
        self.next().insert(topic.to_owned(), next);
    }

    /// The records of a chunk of a topic were read.
    pub fn reached(&self, topic: &str, chunk: &Chunk) {
        let mut next = self.next();
        let reached = chunk.offset + chunk.records;
        if let Some(partitions) = next.get_mut(topic) {
            partitions.insert(chunk.partition, reached);
        } else {
            // It appeared later, or again.
            next.insert(topic.to_owned(), BTreeMap::from([(chunk.partition, reached)]));
        }
    }

    /// A topic is read no more.
    pub fn end(&self, topic: &str) {
        self.next().remove(topic);
    }

    /// Adds what the topics hold to the figures.
    fn compare(&self, topics: &[TopicFigures], figures: &mut Figures) {
        let next = self.next();
        let (mut lag, mut last_us) = (0, None);
        for topic in topics {
            for (number, holds) in &topic.partitions {
                let next = next.get(&topic.topic).and_then(|of| of.get(number));
                lag += next.map_or(0, |next| holds.end.saturating_sub(*next));
                last_us = last_us.max(holds.last_append_us);
            }
        }
        figures.lag = Some(lag);
        figures.last_append = last_us.map(show_us);
    }

    fn next(&self) -> MutexGuard<'_, Next> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

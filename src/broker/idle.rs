//! Closing topics that nobody uses, so that there may be far more of them than files can be open.
//!
//! A topic that somebody reads, follows or appends to is never closed. Who asks for a closed one
//! opens it again, which after a clean close means to read a few blocks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Broker, lock};
use crate::log::{LogError, Settings, Topic};
use crate::sys::file::is_shortage_of_files;

impl Broker {
    /// Opens a topic; if the kernel has no descriptor for it, after closing all that are idle.
    ///
    /// # Errors
    /// When there is no such topic, or it cannot be opened.
    pub fn open(&self, topic: &str) -> Result<Arc<Topic>, LogError> {
        self.with_room(|| self.log.topic(topic))
    }

    /// Makes a topic, in the same way.
    pub(super) fn make(&self, topic: &str, settings: &Settings) -> Result<Arc<Topic>, LogError> {
        self.with_room(|| self.log.create(topic, settings))
    }

    fn with_room<T>(&self, open: impl Fn() -> Result<T, LogError>) -> Result<T, LogError> {
        match open() {
            Err(error) if is_shortage(&error) => {
                // Held also while we open: the room is ours.
                let _alone = lock(&self.closing);
                self.close_idle_topics(0);
                open()
            }
            opened => opened,
        }
    }

    /// Closes idle topics if the open ones have too many files; a few more than needed, so that not
    /// every topic that is opened from now on closes another.
    pub(super) fn make_room(&self) {
        let most = self.limits.files_max;
        if self.log.open_files() <= most {
            return;
        }
        // Who does not wait for another at it opens topics faster than that one closes them.
        let _alone = lock(&self.closing);
        if self.log.open_files() > most {
            self.close_idle_topics(most - most / 8);
        }
    }

    /// Closes idle topics, those that were not asked for the longest time first, until the open
    /// ones have no more than so many files. For who holds `closing`.
    fn close_idle_topics(&self, files: usize) {
        let mut open = self.log.open_files();
        for name in self.open_topics_by_use() {
            if open <= files {
                return;
            }
            if !self.drop_idle_queue(&name) {
                continue;
            }
            match self.log.close_topic(&name) {
                Ok(closed) => open = open.saturating_sub(closed),
                Err(error) => tracing::warn!("{name}: stays open: {error}"),
            }
        }
    }

    fn open_topics_by_use(&self) -> Vec<String> {
        let open = self.log.open_topics();
        let queues = lock(&self.queues);
        let used = |name: &String| queues.get(name).map_or(0, |it| it.used.load(Ordering::Relaxed));
        let mut by_use: Vec<_> = open.into_iter().map(|name| (used(&name), name)).collect();
        by_use.sort_unstable();
        by_use.into_iter().map(|(_, name)| name).collect()
    }

    /// Takes a topic's queue away if nobody is at it.
    fn drop_idle_queue(&self, topic: &str) -> bool {
        let mut queues = lock(&self.queues);
        let idle = queues.get(topic).is_none_or(|queue| Arc::strong_count(queue) == 1);
        if idle {
            queues.remove(topic);
        }
        idle
    }
}

/// Whether the process, or the system, has as many files open as it may.
pub(super) fn is_shortage(error: &LogError) -> bool {
    matches!(error, LogError::Io { error, .. } if is_shortage_of_files(error))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use super::*;
    use crate::broker::Limits;
    use crate::log::simulation::faulty_storage::{FaultyStorage, Gate, Rule, Task};
    use crate::log::simulation::simulated::{BrokenPromise, Simulated};
    use crate::log::{Fsync, Log};

    const TOPICS: usize = 20;
    /// Of half of the topics; each has two.
    const FILES: usize = TOPICS;

    #[test]
    fn topics_are_closed_also_while_one_is_tended() {
        let gate = Arc::new(Gate::default());
        let at_gate = Arc::clone(&gate);
        let rule: Rule = Arc::new(move |task| {
            if task == Task::Sync && thread::current().name() == Some("maintenance") {
                at_gate.pass();
            }
            Ok(())
        });
        let disk = Arc::new(FaultyStorage { disk: Simulated::new(BrokenPromise::None), rule });
        let log = Log::open_on(disk, Path::new("/")).unwrap();
        let names: Vec<String> = (0..TOPICS).map(|number| format!("t{number}")).collect();
        let fsync = Fsync::Within("1ms".parse().unwrap());
        let mut settings = Settings::new(1, None);
        settings.fsync = fsync;
        for name in &names {
            drop(log.create(name, &settings).unwrap());
            log.close_topic(name).unwrap();
        }
        let limits = Limits { files_max: FILES, ..Limits::default() };
        let broker = Broker::new(log, limits);
        for name in &names[..TOPICS / 2] {
            broker.queue(name).unwrap();
        }
        let tended = &names[0];
        let batch = broker.queue(tended).unwrap().topic.prepare(b"1\n".to_vec(), None).unwrap();
        broker.queue(tended).unwrap().append(vec![batch]).remove(0).unwrap();
        gate.shut(true);
        thread::scope(|scope| {
            let maintenance = thread::Builder::new().name("maintenance".to_owned());
            maintenance.spawn_scoped(scope, || broker.maintenance.run(&broker)).unwrap();
            gate.wait_for_somebody();
            for name in &names[TOPICS / 2..] {
                broker.queue(name).unwrap();
            }
            let (open, files) = (broker.log.open_topics(), broker.log.open_files());
            gate.shut(false);
            broker.maintenance.stop();
            assert!(files <= FILES, "{files} files: {open:?}");
            assert!(open.contains(tended), "{open:?}");
        });
    }
}

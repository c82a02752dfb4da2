//! Closing topics that nobody uses, so that there may be far more of them than files can be open.
//!
//! A topic that somebody reads, follows or appends to is never closed. Who asks for a closed one
//! opens it again, which after a clean close means to read a few blocks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;

use super::daemon::Shared;
use super::lock;
use crate::log::{LogError, Topic};

impl Shared {
    /// Opens a topic; if the kernel has no descriptor for it, after closing all that are idle.
    pub fn open(&self, topic: &str) -> Result<Arc<Topic>, LogError> {
        match self.log.topic(topic) {
            Err(error) if is_shortage(&error) => {
                self.close_idle_topics(0);
                self.log.topic(topic)
            }
            opened => opened,
        }
    }

    /// Closes idle topics if the open ones have too many files; a few more than needed, so that not
    /// every topic that is opened from now on closes another.
    pub fn make_room(&self) {
        let most = self.limits.files_max;
        if self.log.open_files() > most {
            self.close_idle_topics(most - most / 8);
        }
    }

    /// Closes idle topics, those that were not asked for the longest time first, until the open
    /// ones have no more than so many files.
    pub fn close_idle_topics(&self, files: usize) {
        // Two at it would close more than is needed.
        let Ok(_alone) = self.closing.try_lock() else { return };
        let mut open = self.log.open_files();
        for name in self.open_topics_by_use() {
            if open <= files {
                return;
            }
            if !self.clear_desk(&name) {
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
        let desks = lock(&self.desks);
        let mut named: Vec<(u64, String)> = open
            .iter()
            .map(|topic| {
                let desk = desks.get(topic.name());
                (desk.map_or(0, |desk| desk.used.load(Ordering::Relaxed)), topic.name().to_owned())
            })
            .collect();
        named.sort_unstable();
        named.into_iter().map(|(_, name)| name).collect()
    }

    /// Takes a topic's desk away if nobody is at it.
    fn clear_desk(&self, topic: &str) -> bool {
        let mut desks = lock(&self.desks);
        let idle = desks.get(topic).is_none_or(|desk| Arc::strong_count(desk) == 1);
        if idle {
            desks.remove(topic);
        }
        idle
    }
}

/// Whether the process, or the system, has as many files open as it may.
pub(super) fn is_shortage(error: &LogError) -> bool {
    let LogError::Io { error, .. } = error else { return false };
    let errno = io::Error::raw_os_error(error).map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}

//! Who a client of the service is, and what it may do (`docs/PROTOCOL.md`, "Access").
//!
//! Names are looked up when a client first asks for a topic that names readers or writers, and
//! again when that topic's settings have been altered; what was found is kept until then.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::Broker;
use super::commit_queue::CommitQueue;
use super::limits::GRANTS_KEPT_MAX;
use super::memory_limit::Account;
use crate::log::access::{Names, Right, Who, is_master};
use crate::log::{LogError, Settings, Topic, TopicReader};
use crate::sys::user;

/// What one client may do.
pub struct Access {
    /// Its user and primary group; `None` if the kernel does not tell.
    peer: Option<(u32, u32)>,
    /// The same with all its groups, once somebody wanted to know.
    who: OnceCell<Option<Who>>,
    owner: u32,
    /// By topic.
    kept: RefCell<HashMap<String, Granted>>,
}

/// What the client may do with a topic that has these settings.
struct Granted {
    settings: Arc<Settings>,
    read: bool,
    append: bool,
}

impl Access {
    /// What a client of this user and primary group may do; nobody knows whose it is without.
    pub fn of(peer: Option<(u32, u32)>) -> Access {
        let (who, kept) = (OnceCell::new(), RefCell::default());
        Access { peer, who, owner: user::effective(), kept }
    }

    /// What the user may do who runs the service: everything.
    pub fn of_owner() -> Access {
        Access::of(Some((user::effective(), u32::MAX)))
    }

    /// Whether it is root, or the user who runs the service.
    pub fn is_master(&self) -> bool {
        let who = |(uid, _)| Who { uid, gids: Vec::new() };
        self.peer.is_some_and(|peer| is_master(&who(peer), self.owner))
    }

    /// Who is charged for what the client uses.
    pub fn account(&self) -> Account {
        if self.is_master() {
            return None;
        }
        // All whom the kernel does not name share one.
        Some(self.peer.map_or(u32::MAX, |(uid, _)| uid))
    }

    /// Refuses what the topic's settings do not let this client do.
    ///
    /// # Errors
    /// [`LogError::NotPermitted`].
    pub fn check(&self, topic: &Topic, right: Right) -> Result<(), LogError> {
        let settings = topic.settings();
        if settings.is_open() || self.is_master() {
            return Ok(());
        }
        let mut kept = self.kept.borrow_mut();
        let same = kept.get(topic.name()).filter(|it| Arc::ptr_eq(&it.settings, &settings));
        let (read, append) = match same {
            Some(granted) => (granted.read, granted.append),
            None => {
                let admits = |right| self.admits(&settings, right);
                let (read, append) = (admits(Right::Read), admits(Right::Append));
                if kept.len() >= GRANTS_KEPT_MAX {
                    kept.clear();
                }
                let settings = Arc::clone(&settings);
                kept.insert(topic.name().to_owned(), Granted { settings, read, append });
                (read, append)
            }
        };
        let may = match right {
            Right::Read => read,
            Right::Append => append,
            Right::Look => read || append,
            Right::Manage => false,
        };
        if may { Ok(()) } else { Err(settings.refusal(topic.name(), right)) }
    }

    /// Refuses to let a client see figures of a topic with these settings, which need not be
    /// open.
    ///
    /// # Errors
    /// [`LogError::NotPermitted`].
    pub(super) fn check_settings(
        &self,
        topic: &str,
        settings: &Settings,
        right: Right,
    ) -> Result<(), LogError> {
        if settings.is_open() || self.is_master() || self.admits(settings, right) {
            return Ok(());
        }
        Err(settings.refusal(topic, right))
    }

    fn admits(&self, settings: &Settings, right: Right) -> bool {
        let who = self.who.get_or_init(|| self.peer.map(|(uid, gid)| look_up(uid, gid)));
        who.as_ref().is_some_and(|who| settings.admit(who, right, &Database))
    }
}

impl Broker {
    /// The queue of a topic, for somebody who may do something with it.
    ///
    /// # Errors
    /// When there is no such topic, it cannot be opened, or that is not permitted.
    pub fn queue_for(
        &self,
        access: &Access,
        right: Right,
        topic: &str,
    ) -> Result<Arc<CommitQueue>, LogError> {
        let queue = self.queue(topic)?;
        access.check(&queue.topic, right)?;
        Ok(queue)
    }

    /// A topic for somebody who may see its figures; it is not opened for that.
    pub(super) fn look(
        &self,
        access: &Access,
        topic: &str,
    ) -> Result<(TopicReader, Option<Arc<Topic>>), LogError> {
        let settings = self.log.settings(topic)?;
        access.check_settings(topic, &settings, Right::Look)?;
        self.log.look(topic)
    }

    /// Refuses to let somebody manage a topic that is not everybody's.
    pub(super) fn check_manages(&self, access: &Access, topic: &str) -> Result<(), LogError> {
        match self.log.settings(topic) {
            Ok(settings) => access.check_settings(topic, &settings, Right::Manage),
            // Nobody knows what its settings were; removing it may be the remedy.
            Err(LogError::BadSettings { .. } | LogError::Io { .. }) if access.is_master() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Access {
    /// Refuses settings about readers and writers from all but those who may everything.
    pub(super) fn check_lists(&self, topic: &str, names_some: bool) -> Result<(), LogError> {
        if !names_some || self.is_master() {
            return Ok(());
        }
        let why = "only root and the user who runs log-serve may set readers and writers";
        Err(LogError::NotPermitted { topic: topic.to_owned(), why: why.to_owned() })
    }
}

/// A user with all its groups. The kernel tells only the primary one of a connection; the others
/// are those of the user database.
fn look_up(uid: u32, gid: u32) -> Who {
    let more = user::groups_of(uid, gid).unwrap_or_else(|error| {
        tracing::warn!("cannot look up the groups of user {uid}: {error}");
        Vec::new()
    });
    Who { uid, gids: [vec![gid], more].concat() }
}

/// The machine's users and groups.
struct Database;

impl Names for Database {
    fn uid(&self, user: &str) -> Option<u32> {
        found("user", user, user::uid_of(user))
    }

    fn gid(&self, group: &str) -> Option<u32> {
        found("group", group, user::gid_of(group))
    }
}

fn found(what: &str, name: &str, looked_up: io::Result<Option<u32>>) -> Option<u32> {
    looked_up.unwrap_or_else(|error| {
        tracing::warn!("cannot look up {what} {name}: {error}");
        None
    })
}

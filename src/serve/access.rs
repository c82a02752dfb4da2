//! Who is at the other end of a connection, and what it may do (`docs/PROTOCOL.md`, "Access").
//!
//! Names are looked up when a connection first asks for a topic that names readers or writers, and
//! again when that topic's settings have been altered; what was found is kept until then.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};

use super::commit::Desk;
use super::limits::GRANTS_KEPT_MAX;
use super::refusal;
use super::session::Session;
use crate::log::access::{Names, Right, Who, is_master};
use crate::log::{LogError, Settings, Topic, TopicReader};
use crate::wire::answer::ErrorBody;

/// What one connection may do.
pub(super) struct Access {
    /// User and primary group of the other end; `None` if the kernel does not tell.
    peer: Option<(Uid, Gid)>,
    /// The same with all its groups, once somebody wanted to know.
    who: OnceCell<Option<Who>>,
    owner: Uid,
    /// By topic.
    kept: RefCell<HashMap<String, Granted>>,
}

/// What the connection may do with a topic that has these settings.
struct Granted {
    settings: Arc<Settings>,
    read: bool,
    append: bool,
}

impl Access {
    /// What the other end of `stream` may do.
    pub fn of(stream: &UnixStream) -> Access {
        let credentials = getsockopt(stream, PeerCredentials).ok();
        let id = |id: &nix::sys::socket::UnixCredentials| {
            (Uid::from_raw(id.uid()), Gid::from_raw(id.gid()))
        };
        Access {
            peer: credentials.as_ref().map(id),
            who: OnceCell::new(),
            owner: geteuid(),
            kept: RefCell::default(),
        }
    }

    /// Whether it is root, or the user who runs the daemon.
    pub fn is_master(&self) -> bool {
        let who = |(uid, _): (Uid, Gid)| Who { uid: uid.as_raw(), gids: Vec::new() };
        self.peer.is_some_and(|peer| is_master(&who(peer), self.owner.as_raw()))
    }

    /// Refuses what the topic's settings do not let this connection do.
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

    /// Refuses to let a connection see figures of a topic with these settings, which need not be
    /// open.
    ///
    /// # Errors
    /// [`LogError::NotPermitted`].
    pub fn check_settings(
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

impl Session<'_> {
    /// The desk of a topic, for somebody who may do something with it.
    pub fn desk_to(&self, right: Right, topic: &str) -> Result<Arc<Desk>, ErrorBody> {
        let desk = self.shared.desk(topic).map_err(refusal::body)?;
        self.access.check(&desk.topic, right).map_err(refusal::body)?;
        Ok(desk)
    }

    /// A topic for somebody who may see its figures; it is not opened for that.
    pub fn look(&self, topic: &str) -> Result<(TopicReader, Option<Arc<Topic>>), LogError> {
        let settings = self.shared.log.settings(topic)?;
        self.access.check_settings(topic, &settings, Right::Look)?;
        self.shared.log.look(topic)
    }

    /// Refuses to let somebody manage a topic that is not everybody's.
    pub fn check_manages(&self, topic: &str) -> Result<(), LogError> {
        match self.shared.log.settings(topic) {
            Ok(settings) => self.access.check_settings(topic, &settings, Right::Manage),
            // Nobody knows what its settings were; removing it may be the remedy.
            Err(LogError::BadSettings { .. } | LogError::Io { .. }) if self.access.is_master() => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses settings about readers and writers from all but those who may everything.
    pub fn check_lists(&self, topic: &str, names_some: bool) -> Result<(), LogError> {
        if !names_some || self.access.is_master() {
            return Ok(());
        }
        let why = "root and the user who runs log-serve say who reads and writes";
        Err(LogError::NotPermitted { topic: topic.to_owned(), why: why.to_owned() })
    }
}

/// A user with all its groups. The kernel tells only the primary one of a connection; the others
/// are those of the user database.
fn look_up(uid: Uid, gid: Gid) -> Who {
    let mut gids = vec![gid.as_raw()];
    match User::from_uid(uid) {
        Ok(Some(user)) => {
            let name = CString::new(user.name).unwrap_or_default();
            match getgrouplist(&name, gid) {
                Ok(more) => gids.extend(more.into_iter().map(Gid::as_raw)),
                Err(error) => tracing::warn!("cannot look up the groups of user {uid}: {error}"),
            }
        }
        Ok(None) => {}
        Err(error) => tracing::warn!("cannot look up user {uid}: {error}"),
    }
    Who { uid: uid.as_raw(), gids }
}

/// The machine's users and groups.
struct Database;

impl Names for Database {
    fn uid(&self, user: &str) -> Option<u32> {
        let found = User::from_name(user).unwrap_or_else(|error| {
            tracing::warn!("cannot look up user {user}: {error}");
            None
        });
        found.map(|user| user.uid.as_raw())
    }

    fn gid(&self, group: &str) -> Option<u32> {
        let found = Group::from_name(group).unwrap_or_else(|error| {
            tracing::warn!("cannot look up group {group}: {error}");
            None
        });
        found.map(|group| group.gid.as_raw())
    }
}

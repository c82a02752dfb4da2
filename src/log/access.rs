//! Who may read a topic and who may append to it: the settings `readers` and `writers`, and the
//! rule that follows from them (`docs/PROTOCOL.md`, "Access").
//!
//! The rule is pure: whoever asks it knows the ids of the other end, and looks names up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::settings::Settings;

/// The most users and groups that one setting names.
pub const PRINCIPALS_MAX: usize = 128;
/// The longest name of a user or group, in bytes (Linux: `LOGIN_NAME_MAX`).
const NAME_BYTES_MAX: usize = 255;
/// The user who may everything, whatever a topic's settings say.
const ROOT: u32 = 0;

/// A user or a group: `alice`, `:staff`, or by their numbers `1000`, `:50`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Principal {
    /// A user by name.
    User(String),
    /// A user by number.
    Uid(u32),
    /// All members of a group, by its name.
    Group(String),
    /// All members of a group, by its number.
    Gid(u32),
}

impl FromStr for Principal {
    type Err = String;

    fn from_str(text: &str) -> Result<Principal, String> {
        let (is_group, name) = match text.strip_prefix(':') {
            Some(name) => (true, name),
            None => (false, text),
        };
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            // The last one means "none" to the kernel.
            let id = name.parse().ok().filter(|&id| id != u32::MAX);
            let id = id.ok_or_else(|| format!("'{text}' is not an id: it is too large"))?;
            return Ok(if is_group { Principal::Gid(id) } else { Principal::Uid(id) });
        }
        let fine = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name == name.trim()
            && !name.starts_with('-')
            && !name.contains(|c: char| c.is_control() || c == ':' || c == ',');
        if !fine {
            return Err(format!("'{text}' is neither a user nor a group with ':' before it"));
        }
        let name = name.to_owned();
        Ok(if is_group { Principal::Group(name) } else { Principal::User(name) })
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Principal::User(name) => out.write_str(name),
            Principal::Uid(id) => write!(out, "{id}"),
            Principal::Group(name) => write!(out, ":{name}"),
            Principal::Gid(id) => write!(out, ":{id}"),
        }
    }
}

impl TryFrom<String> for Principal {
    type Error = String;

    fn try_from(text: String) -> Result<Principal, String> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> String {
        principal.to_string()
    }
}

/// The ids of whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its user.
    pub uid: u32,
    /// Its groups, the primary one among them.
    pub gids: Vec<u32>,
}

/// What somebody asks to do with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To read records, also for a group.
    Read,
    /// To append.
    Append,
    /// To know where the partitions begin and end: for who may read, and for who may append.
    Look,
    /// To change it, to remove old records, or all of it.
    Manage,
}

/// Where names of users and groups are looked up.
pub trait Names {
    /// The number of a user; `None` if there is none of that name.
    fn uid(&self, user: &str) -> Option<u32>;
    /// The number of a group; `None` if there is none of that name.
    fn gid(&self, group: &str) -> Option<u32>;
}

/// Whether `who` may everything: root, and the user whose the log is.
pub fn is_master(who: &Who, owner_uid: u32) -> bool {
    who.uid == ROOT || who.uid == owner_uid
}

impl Settings {
    /// Whether everybody may do everything with the topic who reaches it at all.
    pub fn is_open(&self) -> bool {
        self.readers.is_none() && self.writers.is_none()
    }

    /// Whether these settings let `who` do something, who is not [`is_master`]. A name that is not
    /// known means nobody.
    pub fn admit(&self, who: &Who, right: Right, names: &dyn Names) -> bool {
        let listed = |list: &Option<Vec<Principal>>| {
            list.as_ref().is_none_or(|list| list.iter().any(|one| means(one, who, names)))
        };
        match right {
            Right::Read => listed(&self.readers),
            Right::Append => listed(&self.writers),
            Right::Look => listed(&self.readers) || listed(&self.writers),
            Right::Manage => self.is_open(),
        }
    }

    /// What is said to those whom these settings do not let do something.
    pub fn refusal(&self, topic: &str, right: Right) -> LogError {
        let why = match right {
            Right::Read => "you are not among the topic's readers",
            Right::Append => "you are not among the topic's writers",
            Right::Look => "you are neither among the topic's readers nor its writers",
            Right::Manage => {
                "a topic that names readers or writers is managed by root and by the user who runs \
                 log-serve"
            }
        };
        LogError::NotPermitted { topic: topic.to_owned(), why: why.to_owned() }
    }

    /// Checks the lists of readers and writers.
    pub(super) fn check_access(&self) -> Result<(), LogError> {
        for (name, list) in [("readers", &self.readers), ("writers", &self.writers)] {
            let count = list.as_ref().map_or(1, Vec::len);
            if !(1..=PRINCIPALS_MAX).contains(&count) {
                let why = format!(
                    "{name}: {count} users and groups: name from 1 to {PRINCIPALS_MAX}, or root alone \
                     to keep all others out"
                );
                return Err(LogError::BadSettings { why });
            }
        }
        Ok(())
    }
}

/// Whether `who` is the user, or in the group.
fn means(principal: &Principal, who: &Who, names: &dyn Names) -> bool {
    match principal {
        Principal::Uid(uid) => who.uid == *uid,
        Principal::Gid(gid) => who.gids.contains(gid),
        Principal::User(name) => names.uid(name) == Some(who.uid),
        Principal::Group(name) => names.gid(name).is_some_and(|gid| who.gids.contains(&gid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// alice is 1000, bob 1001; staff is 50, ops 60.
    struct Few;

    impl Names for Few {
        fn uid(&self, user: &str) -> Option<u32> {
            ["alice", "bob"].iter().position(|name| *name == user).map(|at| 1000 + at as u32)
        }

        fn gid(&self, group: &str) -> Option<u32> {
            ["staff", "ops"].iter().position(|name| *name == group).map(|at| 50 + 10 * at as u32)
        }
    }

    fn settings(readers: Option<&[&str]>, writers: Option<&[&str]>) -> Settings {
        let list = |names: Option<&[&str]>| {
            names.map(|names| names.iter().map(|name| name.parse().unwrap()).collect())
        };
        let (readers, writers) = (list(readers), list(writers));
        Settings { readers, writers, ..Settings::new(1, None) }
    }

    const ALL: [Right; 4] = [Right::Read, Right::Append, Right::Look, Right::Manage];

    fn may(settings: &Settings, uid: u32, gids: &[u32]) -> [bool; 4] {
        let who = Who { uid, gids: gids.to_vec() };
        ALL.map(|right| settings.admit(&who, right, &Few))
    }

    #[test]
    fn a_topic_without_lists_is_everybodys() {
        assert_eq!(may(&settings(None, None), 1000, &[50]), [true; 4]);
        assert!(settings(None, None).is_open());
    }

    #[test]
    fn a_list_lets_in_those_it_names_and_leaves_the_other_right_alone() {
        let one = settings(Some(&["alice", ":ops"]), None);
        assert_eq!(may(&one, 1000, &[]), [true, true, true, false]);
        assert_eq!(may(&one, 1001, &[50, 60]), [true, true, true, false]);
        assert_eq!(may(&one, 1001, &[50]), [false, true, true, false]);
        let both = settings(Some(&["1001"]), Some(&[":50"]));
        assert_eq!(may(&both, 1001, &[]), [true, false, true, false]);
        assert_eq!(may(&both, 1002, &[7, 50]), [false, true, true, false]);
        assert_eq!(may(&both, 1002, &[7]), [false; 4]);
    }

    #[test]
    fn users_and_groups_are_not_taken_for_each_other_and_unknown_names_are_nobody() {
        assert!(!may(&settings(Some(&["50"]), None), 1000, &[50])[0]);
        assert!(!may(&settings(Some(&[":1000"]), None), 1000, &[50])[0]);
        assert!(!may(&settings(Some(&["staff"]), None), 50, &[50])[0]);
        assert!(!may(&settings(Some(&["carol", ":carol"]), None), 1000, &[50])[0]);
    }

    #[test]
    fn root_and_the_owner_are_masters() {
        let who = |uid| Who { uid, gids: vec![0] };
        assert!(is_master(&who(0), 7) && is_master(&who(7), 7) && is_master(&who(0), 0));
        assert!(!is_master(&who(8), 7));
    }

    #[test]
    fn principals_are_read_and_written() {
        for (text, principal) in [
            ("alice", Principal::User("alice".to_owned())),
            ("a@example.org", Principal::User("a@example.org".to_owned())),
            ("1000", Principal::Uid(1000)),
            (":staff", Principal::Group("staff".to_owned())),
            (":domain users", Principal::Group("domain users".to_owned())),
            (":0", Principal::Gid(0)),
        ] {
            assert_eq!(text.parse(), Ok(principal.clone()));
            assert_eq!(principal.to_string(), text);
        }
        for bad in ["", ":", "a:b", "::a", " a", "a ", "-a", "a,b", "a\nb", "4294967295"] {
            assert!(bad.parse::<Principal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_that_names_nobody_or_too_many_is_refused() {
        assert!(settings(Some(&["root"]), None).check().is_ok());
        assert!(settings(Some(&[]), None).check().is_err());
        let many = vec!["alice"; PRINCIPALS_MAX + 1];
        assert!(settings(None, Some(&many)).check().is_err());
    }
}

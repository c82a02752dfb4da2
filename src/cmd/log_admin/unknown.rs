//! Warnings of readers and writers that do not mean what they seem to: whose name is written wrong
//! is nobody, and keeps everybody out; and others who can read the files need no permission.

use std::path::Path;

use serde_json::{Map, Value};

use crate::cli::message;
use crate::log::access::Principal;
use crate::log::is_readable_by_others;
use crate::sys::user;

/// Tells on stderr which of the users and groups in a topic's settings the machine does not know.
/// They may come later: the topic is made all the same.
pub fn warn(dir: &Path, topic: &str, settings: &Map<String, Value>) {
    let is_closed = settings.get("readers").is_some_and(Value::is_array);
    if is_closed && is_readable_by_others(dir, topic) {
        message::note(&format!(
            "{topic}: readers: other users can read the topic's files themselves; chmod 0700 {} \
             limits them to the socket",
            dir.join("topics").display()
        ));
    }
    for list in ["readers", "writers"] {
        let names = settings.get(list).and_then(Value::as_array).into_iter().flatten();
        let principals = names.filter_map(|name| name.as_str()?.parse::<Principal>().ok());
        for principal in principals.filter(is_unknown) {
            let what = if matches!(principal, Principal::Group(_)) { "group" } else { "user" };
            message::note(&format!(
                "{topic}: {list}: there is no {what} '{}' now; until one exists, this grants nothing",
                principal.to_string().trim_start_matches(':')
            ));
        }
    }
}

/// Whether it is a name that the machine does not know. A number is one in any case.
fn is_unknown(principal: &Principal) -> bool {
    match principal {
        Principal::User(name) => matches!(user::uid_of(name), Ok(None)),
        Principal::Group(name) => matches!(user::gid_of(name), Ok(None)),
        Principal::Uid(_) | Principal::Gid(_) => false,
    }
}

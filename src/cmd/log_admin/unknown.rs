//! A warning of readers and writers that are not there: whose name is written wrong is nobody, and
//! keeps everybody out.

use nix::unistd::{Group, User};
use serde_json::{Map, Value};

use crate::cli::message;
use crate::log::access::Principal;

/// Tells on stderr which of the users and groups in a topic's settings the machine does not know.
/// They may come later: the topic is made all the same.
pub fn warn(topic: &str, settings: &Map<String, Value>) {
    for list in ["readers", "writers"] {
        let names = settings.get(list).and_then(Value::as_array).into_iter().flatten();
        let principals = names.filter_map(|name| name.as_str()?.parse::<Principal>().ok());
        for principal in principals.filter(is_unknown) {
            let what = if matches!(principal, Principal::Group(_)) { "group" } else { "user" };
            message::note(&format!(
                "{topic}: {list}: there is no {what} '{}' now; until there is, it stands for nobody",
                principal.to_string().trim_start_matches(':')
            ));
        }
    }
}

/// Whether it is a name that the machine does not know. A number is one in any case.
fn is_unknown(principal: &Principal) -> bool {
    match principal {
        Principal::User(name) => matches!(User::from_name(name), Ok(None)),
        Principal::Group(name) => matches!(Group::from_name(name), Ok(None)),
        Principal::Uid(_) | Principal::Gid(_) => false,
    }
}

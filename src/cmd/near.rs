//! Names of topics and groups that may have been meant, where there is none of the name that was
//! given.

use std::path::Path;

use crate::cli::{Failure, Status};
use crate::record::near::nearest;
use crate::store;
use crate::store::Store;
use crate::store::error::Unknown;

/// An error, with the name that may have been meant if it says that there is no such topic or group
/// in the log in `dir`.
pub fn suggest(dir: &Path, error: anyhow::Error) -> anyhow::Error {
    let unknown = error.chain().find_map(|cause| cause.downcast_ref::<store::Error>()?.unknown());
    let meant = unknown.and_then(|unknown| {
        let mut store = Store::open(dir).ok()?;
        let (given, names) = match unknown {
            Unknown::Topic(given) => (given, store.topic_names().ok()?),
            Unknown::Group(given) => (given, store.group_names().ok()?),
        };
        let others = names.iter().map(String::as_str).filter(|name| *name != given);
        nearest(&given, others).map(str::to_owned)
    });
    match meant {
        Some(meant) => {
            let message = format!("{error:#}; did you mean '{meant}'?");
            Failure::new(Status::of(&error), message).into()
        }
        None => error,
    }
}

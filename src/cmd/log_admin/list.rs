//! `log-admin list`: which topics there are.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::{Status, message};
use crate::store::{Broken, Listed, Store};

/// Lists the topics of the log in `dir`. Those that cannot be opened are told of on stderr, and the
/// status is that of the first of them.
///
/// # Errors
/// When there is no log.
pub fn run(dir: &Path, table: &mut Table) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for listed in Store::open(dir)?.topics()? {
        match listed {
            Ok(Listed { topic, partitions, key }) => table.row(&[
                ("topic", json!(topic)),
                ("partitions", json!(partitions)),
                ("key", json!(key)),
            ]),
            Err(Broken { topic, error }) => status = tell(&topic, &error.into(), status),
        }
    }
    Ok(status)
}

/// Tells of a topic that cannot be opened; the status is that of the first.
pub fn tell(topic: &str, error: &anyhow::Error, status: Status) -> Status {
    message::note(&format!("{topic}: cannot be opened: {error:#}"));
    if status == Status::Done { Status::of(error) } else { status }
}

//! `log-admin verify`: all that is there is checked.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::{Failure, Status};
use crate::log::{Verified, open_readers};
use crate::wire::client::Client;

/// Checks `topics`, or all if none is named.
///
/// # Errors
/// When a daemon writes here, or the files cannot be read.
pub fn run(dir: &Path, topics: &[String], table: &mut Table) -> anyhow::Result<Status> {
    if Client::connect(dir)?.is_some() {
        let why = format!("{}: log-serve is writing here; stop it first", dir.display());
        return Err(Failure::new(Status::TryAgain, why).into());
    }
    let mut status = Status::Done;
    for (reader, _) in open_readers(dir, topics)? {
        for verified in reader.verify()? {
            if !verified.damage.is_empty() {
                status = Status::No;
            }
            table.row(&[
                ("topic", json!(reader.topic())),
                ("partition", json!(verified.partition)),
                ("segments", json!(verified.segments)),
                ("records", json!(verified.records)),
                ("bytes", json!(verified.bytes)),
                ("state", json!(state(&verified))),
            ]);
        }
    }
    Ok(status)
}

/// A partition's state in words.
fn state(verified: &Verified) -> String {
    let damage: Vec<String> =
        verified.damage.iter().map(|(offset, why)| format!("damaged at {offset}: {why}")).collect();
    match (damage.is_empty(), verified.torn) {
        (false, _) => damage.join("; "),
        (true, true) => "ok, and an end that was never acknowledged".to_owned(),
        (true, false) => "ok".to_owned(),
    }
}

//! `log-admin compact`: of each key only the last record is kept, at once.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::progress::Progress;
use crate::cli::{Status, message};
use crate::store::Store;

/// Compacts `topic`; `close`: also what is in segments that are not full.
///
/// # Errors
/// When there is no such topic, it is not one that is compacted, or the disk refuses.
pub fn run(dir: &Path, topic: &str, close: bool, table: &mut Table) -> anyhow::Result<Status> {
    let progress = Progress::of(0);
    let told = |read, total| {
        progress.iter().for_each(|progress| {
            progress.set_total(total);
            progress.tell(read);
        });
    };
    let compacted = Store::open(dir)?.compact(topic, close, &told);
    drop(progress);
    let compacted = compacted?;
    let is_idle = compacted.values().all(|one| one.segments == 0);
    if is_idle && !close && !table.is_json() {
        let why = "nothing to remove in closed segments; --close also closes and compacts the \
                   active ones, which have the newest records";
        message::note(&format!("{topic}: {why}"));
    }
    for (partition, one) in compacted {
        table.row(&[
            ("topic", json!(topic)),
            ("partition", json!(partition)),
            ("segments", json!(one.segments)),
            ("records", json!(one.records)),
            ("bytes", json!(one.bytes)),
        ]);
    }
    Ok(Status::Done)
}

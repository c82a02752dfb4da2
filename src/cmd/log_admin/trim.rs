//! `log-admin trim`: a topic's old records are removed by hand.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::{Failure, Status};
use crate::cmd::place::Place;
use crate::log::Before;
use crate::store::Store;

/// Removes the segments of `topic` in which all records lie before a place.
///
/// # Errors
/// When there is no such topic or partition, or the disk refuses.
pub fn run(
    dir: &Path,
    topic: &str,
    partition: Option<u32>,
    before: Place,
    table: &mut Table,
) -> anyhow::Result<Status> {
    let before = match before {
        Place::Offset(offset) => Before::Offset(offset),
        Place::TimeUs(time_us) => Before::TimeUs(time_us),
        Place::Start => return Err(Failure::usage("there are no records before the start").into()),
        Place::End => Before::TimeUs(i64::MAX),
    };
    for (partition, start) in Store::open(dir)?.trim(topic, partition, before)? {
        table.row(&[
            ("topic", json!(topic)),
            ("partition", json!(partition)),
            ("start", json!(start)),
        ]);
    }
    Ok(Status::Done)
}

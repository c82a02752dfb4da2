//! Repairs that were interrupted.

use std::io;

use crate::log::LogError;
use crate::log::segment::Place;
use crate::log::storage::{Open, Storage};

/// The list of files that replace others. A repair is complete when it is gone.
pub(super) const REPAIR: &str = "repair.json";

/// The damage that is reported for a partition whose repair was interrupted.
pub(super) const REPAIR_INTERRUPTED: &str =
    "a repair was interrupted; log-admin verify --repair completes it";

/// Whether a repair of the partition was interrupted while it replaced files.
pub(super) fn is_unfinished(storage: &dyn Storage, place: &Place) -> Result<bool, LogError> {
    let list = place.dir.join(REPAIR);
    match storage.open(&list, Open::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LogError::io(&list, error)),
    }
}

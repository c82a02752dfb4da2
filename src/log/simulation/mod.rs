//! Tests of the log on a simulated disk.
//!
//! - [`simulated`]: a disk that crashes, forgets, tears and reorders; [`faulty_storage`]: calls
//!   that fail; [`call`]: the calls of the storage, by name.
//! - `crash`, `crash_names`, `crash_rename`, `crash_routes`, `crash_sources`, `crash_maintenance`,
//!   `crash_compaction`, `crash_cuts`, `crash_unique`: a crash at every step.
//! - `damage`: damaged and missing files; `faults`: every call fails in every way.
//! - `slow_disk`, `clock_jumps`: a disk that takes its time, a clock that does not.

pub(crate) mod call;
mod clock_jumps;
mod crash;
mod crash_compaction;
mod crash_cuts;
mod crash_maintenance;
mod crash_names;
mod crash_rename;
mod crash_routes;
mod crash_sources;
mod crash_unique;
mod damage;
mod faults;
pub(crate) mod faulty_storage;
pub(crate) mod simulated;
mod slow_disk;

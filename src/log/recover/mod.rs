//! After a crash or damage.
//!
//! - `recovery`: what a crash left, and which of it is valid; `reconcile`: over all partitions of a
//!   topic.
//! - [`verify`]: checks all files; [`mod@repair`]: makes a damaged topic usable again; `salvage`:
//!   its settings; `interrupted`: a repair that did not end.
//! - `raw_segment`: the files of a segment, any of which may be damaged; `scanner`: goes through
//!   them; `validity`: whether their lines are records; `fault_list`: what was found.

pub(in crate::log) mod fault_list;
mod interrupted;
pub(in crate::log) mod raw_segment;
pub(in crate::log) mod reconcile;
pub(in crate::log) mod recovery;
pub mod repair;
pub(in crate::log) mod salvage;
pub(in crate::log) mod scanner;
pub(in crate::log) mod validity;
pub mod verify;

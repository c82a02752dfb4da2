//! The name `filter`, for the tool that `millstream filter` runs.
#![no_main]

mod stub;

//! The name `map`, for the tool that `millstream map` runs.
#![no_main]

mod stub;

//! The name `produce`, for the tool that `millstream produce` runs.
#![no_main]

mod stub;

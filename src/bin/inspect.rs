//! The name `inspect`, for the tool that `millstream inspect` runs.
#![no_main]

mod stub;

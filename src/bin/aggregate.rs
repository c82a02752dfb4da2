//! The name `aggregate`, for the tool that `millstream aggregate` runs.
#![no_main]

mod stub;

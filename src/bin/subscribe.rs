//! The name `subscribe`, for the tool that `millstream subscribe` runs.
#![no_main]

mod stub;

//! The name `window`, for the tool that `millstream window` runs.
#![no_main]

mod stub;

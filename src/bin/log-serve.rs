//! The name `log-serve`, for the tool that `millstream log-serve` runs.
#![no_main]

mod stub;

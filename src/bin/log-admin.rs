//! The name `log-admin`, for the tool that `millstream log-admin` runs.
#![no_main]

mod stub;

//! One file a tool: its options and how they wire the rooms together.

pub mod log_admin;
pub mod aggregate;
pub mod log_serve;
mod place;
pub mod produce;
mod store;
pub mod subscribe;
pub mod window;

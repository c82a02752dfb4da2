//! One file a tool: its options and how they wire the rooms together.

pub mod filter;
pub mod map;

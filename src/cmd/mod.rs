//! One file a tool: its options and how they wire the rooms together.

use clap::CommandFactory;

pub mod log_serve;
pub mod window;

/// The command line of every tool, in the order in which people meet them. Manual pages and
/// completions are made from these.
pub fn commands() -> Vec<clap::Command> {
    vec![log_serve::Options::command(), window::Options::command()]
}

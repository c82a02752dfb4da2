//! One file a tool: its options and how they wire the rooms together.

/// The command line of every tool, in the order in which people meet them. Manual pages and
/// completions are made from these.
pub fn commands() -> Vec<clap::Command> {
    Vec::new()
}

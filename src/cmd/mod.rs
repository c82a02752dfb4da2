//! One file a tool: its options and how they wire the rooms together.

use clap::CommandFactory;

pub mod aggregate;
mod clock;
mod expression;
pub mod filter;
mod late;
pub mod log_admin;
pub mod log_serve;
pub mod map;
mod place;
pub mod produce;
mod store;
pub mod subscribe;
pub mod window;
mod windowing;

/// The command line of every tool, in the order in which people meet them. Manual pages and
/// completions are made from these.
pub fn commands() -> Vec<clap::Command> {
    vec![
        produce::Options::command(),
        log_serve::Options::command(),
        subscribe::Options::command(),
        filter::Options::command(),
        map::Options::command(),
        window::Options::command(),
        aggregate::Options::command(),
        log_admin::Options::command(),
    ]
}

//! One file a tool: its options and how they wire the rooms together; and the program that holds
//! them all.

pub mod aggregate;
mod clock;
pub mod complete;
pub mod cookbook;
mod expression;
pub mod filter;
pub mod inspect;
mod late;
mod lock_wait;
pub mod log_admin;
pub mod log_serve;
pub mod map;
mod merging;
mod near;
mod place;
pub mod produce;
mod reconnect;
mod silent;
pub mod status;
pub mod subscribe;
mod watched;
pub mod window;
mod windowing;

use clap::Command;

use crate::cli::{Tool, Tools};

const EXAMPLES: &str = "\
Examples:
  millstream filter '.status >= 500' access.ndjson
      Run the tool filter; filter '.status >= 500' access.ndjson is the same.
  millstream help window
      Show the help of the tool window.
  millstream help log-admin stats
      Show the help of a command of log-admin.
  millstream help dedupe
      Show a recipe: leave out records that were delivered twice.
  ln -s \"$(command -v millstream)\" ~/.local/bin/ms-filter
      Give a tool another name: any link to millstream that ends in -filter is filter.";

/// All that the program has.
pub fn all() -> Tools {
    Tools::new(tools(), program).completing(complete::values).with_recipes(cookbook::recipes)
}

/// The tools, in the order in which people meet them.
pub fn tools() -> Vec<Tool> {
    vec![
        Tool::new("produce", produce::run),
        Tool::new("log-serve", log_serve::run),
        Tool::new("subscribe", subscribe::run),
        Tool::new("filter", filter::run),
        Tool::new("map", map::run),
        Tool::new("window", window::run),
        Tool::new("aggregate", aggregate::run),
        Tool::new("inspect", inspect::run),
        Tool::new("log-admin", log_admin::run),
        Tool::new("status", status::run).below_program(),
        Tool::new("top", status::top::run).below_program(),
    ]
}

/// The command line of the program, with that of every tool below it. Manual pages and completions
/// are made from it.
pub fn program() -> Command {
    Command::new("millstream")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Stream pipelines from small tools")
        .long_about(
            "Stream pipelines from small tools, which speak newline-delimited JSON over pipes.\n\n\
             millstream is one program that holds them all. Each tool but status and top also has a \
             name of its own, which runs the same: 'filter' is 'millstream filter'.",
        )
        .after_help(after_help(false))
        .after_long_help(after_help(true))
        .subcommand_required(true)
        .subcommand_value_name("TOOL")
        .subcommand_help_heading("Tools")
        .subcommands(tools().iter().map(Tool::command))
}

/// The examples, and the names of the recipes; with their titles where that `is_long`.
fn after_help(is_long: bool) -> String {
    let lines = cookbook::recipes().into_iter().map(|recipe| match is_long {
        true => format!("  {:15} {}\n", recipe.name, recipe.title),
        false => format!("  {}\n", recipe.name),
    });
    format!("{EXAMPLES}\n\nRecipes:\n{}", lines.collect::<String>().trim_end())
}

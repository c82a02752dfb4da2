//! The scripts that let a shell ask for candidates: a template for each shell, and names put into
//! it.

use clap::Command;

use super::Shell;

const BASH: &str = include_str!("script.bash");
const ZSH: &str = include_str!("script.zsh");
const FISH: &str = include_str!("script.fish");

/// What stands for the name in the templates.
const NAME: &str = "@NAME@";

/// The script of one name, as it is installed.
pub fn of(shell: Shell, name: &str) -> String {
    let template = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    };
    template.replace(NAME, name)
}

/// The scripts of the program and its tools, for a shell that evaluates them when it begins.
pub fn all(shell: Shell, program: &Command) -> String {
    let tools = program.get_subcommands().map(Command::get_name);
    let names = [program.get_name()].into_iter().chain(tools);
    names.map(|name| of(shell, name)).collect()
}

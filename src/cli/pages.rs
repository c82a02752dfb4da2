//! Manual pages, made from the tools' own options, and the scripts of shells.
//!
//! [`render`] is a pure function of the commands, without dates, so that the same options give the
//! same bytes on every machine. `scripts/generate` writes them to man/ and completions/, where a
//! test compares them.

mod brief;
mod manual;
mod sections;
mod statuses;

use std::{io, iter};

use clap::Command;

pub use self::brief::brief;
use self::manual::manual;
pub use self::statuses::with_statuses;
use super::complete::{Shell, script};

/// A file that [`render`] makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it belongs, from the package's root: `man/filter.1`.
    pub path: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// Makes the manual pages and the completions of a program, and of the tools that are its
/// subcommands and have names of their own.
///
/// # Errors
/// None that is known: writing to memory does not fail.
pub fn render(program: Command) -> io::Result<Vec<Page>> {
    let tools: Vec<Command> = program.get_subcommands().cloned().collect();
    let names: Vec<String> =
        iter::once(&program).chain(&tools).map(|command| command.get_name().to_owned()).collect();
    let mut pages = Vec::new();
    completions(&program, &mut pages);
    let name = program.get_name().to_owned();
    let text = manual(&name, &program, &names)?;
    pages.push(Page { path: format!("man/{name}.1"), text });
    for tool in tools {
        // One without a name of its own is completed with the program.
        if tool.get_display_name().is_none() {
            completions(&tool, &mut pages);
        }
        let mut tool = tool.disable_help_subcommand(true);
        tool.build();
        manuals(&tool, &names, &mut pages)?;
    }
    Ok(pages)
}

fn completions(command: &Command, pages: &mut Vec<Page>) {
    let name = command.get_name();
    for shell in Shell::ALL {
        let file = match shell {
            Shell::Zsh => format!("_{name}"),
            shell => format!("{name}.{}", shell.name()),
        };
        let text = script::of(shell, name).into_bytes();
        pages.push(Page { path: format!("completions/{file}"), text });
    }
}

/// The manual page of a command, and those of its subcommands.
fn manuals(command: &Command, names: &[String], pages: &mut Vec<Page>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    pages.push(Page { path: format!("man/{name}.1"), text: manual(&name, command, names)? });
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        manuals(subcommand, names, pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    fn tools() -> Vec<Command> {
        let grind = Command::new("grind")
            .about("Grind the records")
            .long_about("Grinds.\n\nFinely.")
            .version("1")
            .after_help(
                "Examples:\n  grind --fine .a | sift\n      Grind all,\n      finely.\n  \
                 grind 'x'\n      Some.\n\nGrades:\n  1  coarse\n  2  fine\n\nExit status: 0 \
                 done; 65\nbad corn.",
            )
            .arg(Arg::new("fine").long("fine").help("How fine").value_name("GRADE"))
            .arg(Arg::new("data").long("data").help("The mill").hide_short_help(true));
        let sift = Command::new("sift").about("Sift").subcommand(Command::new("once").about("One"));
        vec![grind, sift]
    }

    fn program() -> Command {
        Command::new("mill").about("All of them").version("1").subcommands(tools())
    }

    fn page(path: &str) -> String {
        let pages = render(program()).unwrap();
        let page = pages.iter().find(|page| page.path == path).expect("the page is there");
        String::from_utf8(page.text.clone()).unwrap()
    }

    #[test]
    fn every_tool_and_subcommand_has_its_pages() {
        let paths: Vec<String> =
            render(program()).unwrap().into_iter().map(|page| page.path).collect();
        assert_eq!(
            paths,
            [
                "completions/mill.bash",
                "completions/_mill",
                "completions/mill.fish",
                "man/mill.1",
                "completions/grind.bash",
                "completions/_grind",
                "completions/grind.fish",
                "man/grind.1",
                "completions/sift.bash",
                "completions/_sift",
                "completions/sift.fish",
                "man/sift.1",
                "man/sift-once.1",
            ]
        );
        assert!(page("completions/grind.bash").ends_with(" grind\n"));
        assert!(page("completions/_grind").starts_with("#compdef grind"));
    }

    #[test]
    fn the_program_lists_its_tools() {
        let text = page("man/mill.1");
        let tools = ".SH TOOLS\n.TP\n\\fBgrind\\fR(1)\nGrind the records\n.TP\n";
        assert!(text.contains(tools), "{text}");
        assert!(
            text.ends_with("\\fBgrind\\fR(1), \\fBsift\\fR(1), \\fBmill\\fR(7), \\fBjq\\fR(1)\n"),
            "{text}"
        );
    }

    #[test]
    fn a_manual_has_its_sections_in_order() {
        let text = page("man/grind.1");
        let headings: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        assert_eq!(
            headings,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "EXAMPLES",
                "GRADES",
                "\"EXIT STATUS\"",
                "ENVIRONMENT",
                "FILES",
                "\"SEE ALSO\"",
            ]
        );
        let title =
            format!(".TH GRIND 1 \"\" \"millstream {}\" millstream", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&title), "{text}");
        assert!(text.contains("\nThe mill\n"), "an option that -h hides is told, too: {text}");
        assert!(text.contains(".SH SYNOPSIS\ngrind [OPTIONS]\n"), "{text}");
        assert_eq!(text.matches(".ds Aq").count(), 2);
        assert!(
            text.ends_with("\\fBmill\\fR(1), \\fBsift\\fR(1), \\fBmill\\fR(7), \\fBjq\\fR(1)\n"),
            "{text}"
        );
    }

    #[test]
    fn examples_lists_and_the_tools_own_statuses_are_set() {
        let text = page("man/grind.1");
        let examples = ".SH EXAMPLES\n.TP\n\\fBgrind \\-\\-fine .a | sift\\fR\nGrind all,\nfinely.\n\
                        .TP\n\\fBgrind \\*(Aqx\\*(Aq\\fR\nSome.\n";
        assert!(text.contains(examples), "{text}");
        assert!(text.contains(".SH GRADES\n.RS\n.nf\n1  coarse\n2  fine\n.fi\n.RE\n"), "{text}");
        assert!(text.contains(".SH \"EXIT STATUS\"\n0 done; 65\nbad corn.\n"), "{text}");
        let table = page("man/sift.1");
        assert!(table.contains("\\fB65\\fR\nBad input, or records"), "{table}");
        assert!(!table.contains("ENVIRONMENT"));
    }

    #[test]
    fn help_ends_with_the_statuses_once() {
        let help = |command: &Command| command.clone().render_long_help().to_string();
        for tool in tools() {
            let tool = with_statuses(tool);
            assert_eq!(help(&tool).matches("Exit status:").count(), 1, "{}", help(&tool));
            assert!(!tool.clone().render_help().to_string().contains("  77"));
            for subcommand in tool.get_subcommands() {
                assert!(help(subcommand).contains("Exit status:\n  0 "), "{}", help(subcommand));
            }
        }
    }
}

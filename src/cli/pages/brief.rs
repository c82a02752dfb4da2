//! What `-h` prints: one screen, where a line has to be enough for an option. `--help` and the
//! manual page have the rest.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::sections::{after_help, sections};

/// The columns that are used, where there are more.
const COLUMNS_MAX: usize = 100;
/// Options whose names are longer have their text on the next line.
const NAME_COLUMNS_MAX: usize = 24;
/// Fewer words are not a clause.
const CLAUSE_WORDS_MIN: usize = 3;
/// How many examples there are.
const EXAMPLES_MAX: usize = 3;

/// The short help of a command that has been built, in so many columns.
pub fn brief(command: &Command, columns: usize) -> String {
    let columns = columns.min(COLUMNS_MAX);
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = Page { text: String::new(), columns, column: NAME_COLUMNS_MAX + 2 };
    page.prose(0, &about);
    let _ = writeln!(page.text, "\n{}\n", usage.trim_end());
    let operands: Vec<Entry> = command.get_positionals().filter(shown).map(operand).collect();
    page.list("Arguments", &operands);
    let subcommands: Vec<Entry> =
        command.get_subcommands().filter(|it| !it.is_hide_set()).map(of_command).collect();
    page.list(command.get_subcommand_help_heading().unwrap_or("Commands"), &subcommands);
    for heading in headings(&command) {
        let options = command.get_arguments().filter(|arg| !arg.is_positional());
        let options = options.filter(|arg| arg.get_help_heading() == heading);
        let options: Vec<Entry> = options.filter(shown).map(option).collect();
        page.list(heading.unwrap_or("Options"), &options);
    }
    page.end(&command);
    page.text
}

/// The headings of the options, those without one last.
fn headings(command: &Command) -> Vec<Option<&str>> {
    let mut all: Vec<Option<&str>> = Vec::new();
    for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
        if !all.contains(&Some(heading)) {
            all.push(Some(heading));
        }
    }
    all.push(None);
    all
}

fn shown(arg: &&Arg) -> bool {
    // That there is more is said at the end.
    let always = ["help", "version"].contains(&arg.get_id().as_str());
    !arg.is_hide_set() && !arg.is_hide_short_help_set() && !always
}

/// A name, and what it is.
struct Entry {
    name: String,
    text: String,
    /// The value without the option.
    default: Option<String>,
    /// Whether the text is never cut.
    is_whole: bool,
}

fn operand(arg: &Arg) -> Entry {
    let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let dots = matches!(arg.get_action(), clap::ArgAction::Append).then_some("…");
    let (text, _) = first_clause(&help(arg));
    Entry {
        default: None,
        is_whole: false,
        name: format!("{}{}", name.unwrap_or_default(), dots.unwrap_or_default()),
        text,
    }
}

fn of_command(command: &Command) -> Entry {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let (text, _) = first_clause(&about);
    Entry { name: command.get_name().to_owned(), text, default: None, is_whole: true }
}

fn option(arg: &Arg) -> Entry {
    let short = arg.get_short().map(|letter| format!("-{letter}"));
    let long = arg.get_long().map(|name| format!("--{name}"));
    let mut name = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    let takes = arg.get_num_args().unwrap_or_default();
    if takes.takes_values() && takes.min_values() > 0 {
        for value in arg.get_value_names().unwrap_or_default() {
            let _ = write!(name, " {value}");
        }
    }
    let (text, mut default) = first_clause(&help(arg));
    let defaults = arg.get_default_values().iter().map(|it| it.to_string_lossy());
    if takes.takes_values() && !arg.is_hide_default_value_set() {
        default = default.or_else(|| Some(defaults.collect::<Vec<_>>().join(" ")));
    }
    Entry { name, text, default: default.filter(|default| !default.is_empty()), is_whole: false }
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// What comes before the first semicolon, and the default that the text states in brackets.
fn first_clause(text: &str) -> (String, Option<String>) {
    let (text, default) = match text.split_once(" [default: ") {
        Some((text, default)) => (text, default.strip_suffix(']')),
        None => (text, None),
    };
    let clause = text.split("; ").next().unwrap_or_default();
    (
        clause.to_owned(),
        default.map(|default| default.split("; ").next().unwrap_or_default().to_owned()),
    )
}

/// The longest beginning of a text that is a clause by itself and fits into a line; all of it, if
/// none does. What is cut off explains the rest.
fn fitting(text: &str, columns: usize) -> &str {
    if text.chars().count() <= columns {
        return text;
    }
    // A list after a colon is left out as a whole.
    let colon = text.find(": ").filter(|at| is_clause(&text[..*at]));
    let before = &text[..colon.unwrap_or(text.len())];
    let ends = [", ", " ("].into_iter().flat_map(|mark| before.match_indices(mark));
    let clauses = ends.map(|(at, _)| &before[..at]).chain([before]);
    let fitting = clauses.filter(|it| is_clause(it) && it.chars().count() <= columns);
    fitting.max_by_key(|clause| clause.len()).unwrap_or(text)
}

/// Whether it says something by itself, unlike "With --unique".
fn is_clause(text: &str) -> bool {
    text.split(' ').count() >= CLAUSE_WORDS_MIN
}

/// The text so far.
struct Page {
    text: String,
    columns: usize,
    /// Where the texts of entries begin.
    column: usize,
}

impl Page {
    /// Entries below a heading, all texts in one column.
    fn list(&mut self, heading: &str, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "{heading}:");
        // A long option has its name where those with a letter have theirs.
        let indent = |entry: &Entry| if entry.name.starts_with("--") { 6 } else { 2 };
        let width = |entry: &Entry| indent(entry) + entry.name.chars().count();
        let column = self.column;
        for entry in entries {
            let _ = write!(self.text, "{:1$}{2}", "", indent(entry), entry.name);
            if width(entry) + 2 > column {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(column));
            } else {
                self.text.push_str(&" ".repeat(column - width(entry)));
            }
            let room = self.columns.saturating_sub(column);
            let text = if entry.is_whole { &entry.text } else { fitting(&entry.text, room) };
            let default = entry.default.as_ref().map(|default| format!("{text} [{default}]"));
            let whole = default.filter(|whole| whole.chars().count() <= room);
            self.prose(column, whole.as_deref().unwrap_or(text));
        }
    }

    /// The sections that end the help, without what the examples do; and where there is more.
    fn end(&mut self, command: &Command) {
        for section in
            sections(&command.get_after_help().map(ToString::to_string).unwrap_or_default())
        {
            if section.heading == "Exit status" {
                continue;
            }
            let _ = writeln!(self.text, "{}:", section.heading);
            // Deeper lines say what an example does.
            let lines = section.lines.iter().filter(|line| !line.starts_with("      "));
            let lines = lines.filter(|line| !line.is_empty());
            if section.heading == "Examples" {
                lines.take(EXAMPLES_MAX).for_each(|line| self.text.extend([line, "\n"]));
            } else {
                self.text.push_str("  ");
                let words: Vec<&str> = lines.map(|line| line.trim()).collect();
                self.prose(2, &words.join(" "));
            }
        }
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let more = if after_help(command).is_empty() {
            "all options"
        } else {
            "all options and more examples"
        };
        let _ = writeln!(self.text, "\n'{name} --help' has {more}.");
    }

    /// Words after so many columns, of which the first line has begun.
    fn prose(&mut self, indent: usize, text: &str) {
        let mut at = indent;
        for (number, word) in text.split_whitespace().enumerate() {
            let width = word.chars().count();
            if number > 0 && at + 1 + width > self.columns {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(indent));
                at = indent;
            } else if number > 0 {
                self.text.push(' ');
                at += 1;
            }
            self.text.push_str(word);
            at += width;
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    #[test]
    fn a_line_says_what_an_option_does() {
        let mut command = Command::new("grind")
            .about("Grind records")
            .after_help(
                "Grades:\n  1 2 3\n\nExamples:\n  grind a\n      Grind a.\n  grind b\n      Grind b.\n\nExit \
                 status: 0 done.",
            )
            .arg(Arg::new("file").value_name("FILE").action(ArgAction::Append).help("Read; or not"))
            .arg(
                Arg::new("fine")
                    .short('f')
                    .long("fine")
                    .value_name("N")
                    .default_value("3")
                    .help("How fine; 1 is coarse"),
            )
            .arg(
                Arg::new("wet")
                    .long("wet")
                    .action(ArgAction::SetTrue)
                    .help_heading("Water")
                    .help("Use so much water that the text does not fit into a line"),
            )
            .arg(
                Arg::new("long")
                    .long("a-very-long-name")
                    .value_name("VALUE")
                    .help_heading("Water")
                    .help("Pour it [default: no; yes]"),
            )
            .arg(Arg::new("rare").long("rare").hide_short_help(true));
        command.build();
        assert_eq!(
            brief(&command, 50),
            "\
Grind records

Usage: grind [OPTIONS] [FILE]...

Arguments:
  FILE…                   Read
Water:
      --wet               Use so much water that
                          the text does not fit
                          into a line
      --a-very-long-name VALUE
                          Pour it [no]
Options:
  -f, --fine N            How fine [3]
Grades:
  1 2 3
Examples:
  grind a
  grind b

'grind --help' has all options and more examples.
"
        );
    }

    #[test]
    fn a_text_is_cut_at_its_clauses() {
        for (text, cut) in [
            ("Short enough, as it is", "Short enough, as it is"),
            (
                "Append bad lines to FILE and continue, instead of",
                "Append bad lines to FILE and continue",
            ),
            ("Print the metrics: sizes, offsets, lags, and how it goes", "Print the metrics"),
            ("With --unique: a very long text without any other clause", ""),
        ] {
            let expected = if cut.is_empty() { text } else { cut };
            assert_eq!(fitting(text, 40), expected);
        }
    }
}

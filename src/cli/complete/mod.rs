//! What Tab offers in a shell: `millstream complete SHELL TOOL …` prints it, and small scripts, a
//! few lines for each shell, ask for it. So what is offered is always that of the program which
//! runs, and may come from the log.
//!
//! - [`place`]: which part of a command line is at the cursor.
//! - `within`: fields completed within an expression.
//! - `words`: a line cut into words, and words quoted for a shell.
//! - [`script`]: the scripts.
//!
//! What follows the cursor in the command comes in the environment, as `MILLSTREAM_REST`: a file
//! there has the fields that an expression may name; fish cuts the line at the cursor before it
//! asks. What stands before the cursor, with the commands before it in a pipe, comes as
//! `MILLSTREAM_LINE`; bash does not tell of those.
//!
//! # What is printed
//! The first line says which paths the shell is to offer, too: `files`, `dirs` or `none`; and
//! `nospace` after it, if a candidate is only the beginning of a word. Each further line is a
//! candidate, a tab, and what it is.

pub mod place;
pub mod script;
mod within;
mod words;

use std::ffi::OsString;

use clap::{Arg, Command, ValueHint};

use self::place::{Line, Place};
use self::words::{after, upstream, words};
use super::output::{Output, OutputError};
use super::shell::quoted;
use super::{Failure, Recipe, Status, Tools};

/// Something to complete a word with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The word, or the value.
    pub value: String,
    /// What it is, in a few words; may be empty.
    pub help: String,
    /// Whether it is the beginning of a word, like `avg(`.
    pub open: bool,
}

impl Candidate {
    /// A whole word.
    pub fn new(value: impl Into<String>, help: impl Into<String>) -> Candidate {
        Candidate { value: value.into(), help: help.into(), open: false }
    }
}

/// Paths that the shell offers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// None.
    None,
    /// Files and directories.
    Files,
    /// Directories.
    Dirs,
}

/// What a value of an argument may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Values; those that do not begin as the word does are left out later.
    pub candidates: Vec<Candidate>,
    /// Paths that may be values, too.
    pub paths: Paths,
    /// The fields that an expression may name, as jq spells them; none where there is none.
    pub fields: Vec<String>,
}

impl Offer {
    /// These values, and no paths.
    pub fn of(candidates: Vec<Candidate>) -> Offer {
        Offer { candidates, paths: Paths::None, fields: Vec::new() }
    }

    /// What the argument itself says: its possible values, and whether it is a path.
    pub fn by_argument(arg: &Arg) -> Offer {
        let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
        let help = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
        let candidates = values.map(|value| {
            Candidate::new(value.get_name(), help(value.get_help()).unwrap_or_default())
        });
        let paths = match arg.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath => Paths::Files,
            ValueHint::DirPath => Paths::Dirs,
            _ => Paths::None,
        };
        Offer { candidates: candidates.collect(), paths, fields: Vec::new() }
    }
}

/// Says what the value of an argument may be, where the argument itself does not say enough: the
/// line, the argument, and which of its values it is, counted from 0.
pub type Values = fn(&Line<'_>, &Arg, usize) -> Option<Offer>;

/// Shells that have scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// GNU Bash, from version 4.
    Bash,
    /// Z shell, with compinit.
    Zsh,
    /// fish.
    Fish,
}

impl Shell {
    /// All of them.
    pub const ALL: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }
}

/// The variable with what follows the cursor.
const REST: &str = "MILLSTREAM_REST";
/// The one with the line up to the cursor.
const LINE: &str = "MILLSTREAM_LINE";

/// What stands around the cursor, beyond the words of the command before it.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    /// The line up to the cursor.
    line: &'a str,
    /// What follows it in the command.
    follows: &'a str,
}

/// Answers a script, or prints the scripts of all names to a user who has not installed them. The
/// arguments are those after `millstream complete`.
///
/// # Errors
/// When no shell is named.
pub(super) fn run(tools: &Tools, args: &[OsString]) -> anyhow::Result<Status> {
    let program = (tools.command)();
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let named = args.first().and_then(|name| Shell::ALL.into_iter().find(|it| it.name() == name));
    let Some(shell) = named else {
        return Err(Failure::usage("complete: name a shell: bash, zsh or fish").into());
    };
    let text = match args.get(1..).unwrap_or_default() {
        [] => script::all(shell, &program),
        [tool, rest @ ..] => {
            let variable = |name| std::env::var(name).unwrap_or_default();
            let (line, follows) = (variable(LINE), variable(REST));
            let around = Around { line: &line, follows: &follows };
            answer(shell, program, (tools.values, tools.recipes), tool, (rest, around))
        }
    };
    match Output::stdout()?.write(text.as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(Status::Done),
        Err(error) => Err(error.into()),
    }
}

/// What is to be offered; nothing for what is not understood. `rest` is the line up to the cursor
/// and what bash takes for the word there, or the words after the tool's name in other shells.
fn answer(
    shell: Shell,
    program: Command,
    (values, recipes): (Values, fn() -> Vec<Recipe>),
    tool: &str,
    (rest, around): (&[String], Around<'_>),
) -> String {
    let (before, text, quote, shown) = match (shell, rest) {
        (Shell::Bash, [line, shown]) => {
            let words = words(line);
            let is_set = |word: &&String| word.contains('=') && !word.starts_with('-');
            let sets = words.before.iter().take_while(is_set).count();
            let before = words.before.get(sets + 1..).unwrap_or_default().to_vec();
            (before, words.last, words.quote, shown.clone())
        }
        // The word as it is written, quotes and all.
        (Shell::Zsh | Shell::Fish, [before @ .., last]) => {
            let words = words(last);
            (before.to_vec(), words.last.clone(), words.quote, words.last)
        }
        _ => return "none\n".to_owned(),
    };
    let mut command = program;
    let is_help = tool == command.get_name() && before == ["help"];
    if tool != command.get_name() {
        match command.find_subcommand(tool).cloned() {
            Some(found) => command = found,
            None => return "none\n".to_owned(),
        }
    }
    command.build();
    let (ending, after) = after(around.follows, quote);
    let line = Line::read(&command, &before).with_rest(&format!("{text}{ending}"), &after);
    let line = line.after(upstream(around.line));
    let mut offer = offer(&line, &text, values, quote.is_some());
    // Bash replaces only what comes after the last = or : of the word.
    let kept = text.strip_suffix(shown.as_str()).map_or(0, str::len);
    if is_help {
        let recipes = recipes().into_iter().filter(|recipe| recipe.name.starts_with(&text));
        let recipes = recipes.map(|recipe| Candidate::new(recipe.name, recipe.title));
        offer.candidates.extend(recipes);
    }
    if let ([candidate], Shell::Bash | Shell::Zsh, None) =
        (offer.candidates.as_mut_slice(), shell, quote)
    {
        // Until one is left, the beginning that all have in common is completed.
        let value = candidate.value.get(kept..).unwrap_or(&candidate.value);
        candidate.value = quoted(value, candidate.open);
        return print(&offer, 0);
    }
    if let ([candidate], Shell::Bash, Some(_)) = (offer.candidates.as_slice(), shell, quote)
        && candidate.open
    {
        // After the only one bash would close the quote.
        let longer = Candidate { value: format!("{}.", candidate.value), ..candidate.clone() };
        offer.candidates.push(longer);
    }
    print(&offer, kept)
}

/// What may stand in the place of the word at the cursor; each candidate begins with what is there.
fn offer(line: &Line<'_>, text: &str, values: Values, is_quoted: bool) -> Offer {
    match line.place(text) {
        Place::Nothing => Offer::of(Vec::new()),
        Place::Option(text) => Offer::of(options(line, &text)),
        Place::Subcommand(text) => {
            let all = line.command.get_subcommands().filter(|command| !command.is_hide_set());
            let about = |command: &Command| command.get_about().map(ToString::to_string);
            let all = all.map(|it| Candidate::new(it.get_name(), about(it).unwrap_or_default()));
            Offer::of(all.filter(|it| it.value.starts_with(&text)).collect())
        }
        Place::Value { arg, index, before, text } => {
            let mut offer = values(line, arg, index).unwrap_or_else(|| Offer::by_argument(arg));
            offer.candidates.retain(|candidate| candidate.value.starts_with(&text));
            let fields = within::completed(&text, &offer.fields, is_quoted);
            offer.candidates.extend(fields);
            for candidate in &mut offer.candidates {
                candidate.value.insert_str(0, &before);
            }
            offer
        }
    }
}

/// The options that begin so: by their long names, and by a letter where there is room for it.
fn options(line: &Line<'_>, text: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    for arg in line.options() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let long = arg.get_long().map(|name| format!("--{name}"));
        let short = arg.get_short().map(|letter| format!("-{letter}"));
        let names = long.into_iter().chain(short);
        let names = names.filter(|name| name.starts_with(text));
        found.extend(names.map(|name| Candidate::new(name, help.clone())));
    }
    found
}

/// The answer as the scripts read it; so much at the beginning of every word is left out.
fn print(offer: &Offer, kept: usize) -> String {
    let paths = match offer.paths {
        Paths::None => "none",
        Paths::Files => "files",
        Paths::Dirs => "dirs",
    };
    let open = offer.candidates.iter().any(|candidate| candidate.open);
    let mut text = format!("{paths}{}\n", if open { " nospace" } else { "" });
    for candidate in &offer.candidates {
        let value = candidate.value.get(kept..).unwrap_or(&candidate.value);
        let line = |text: &str| text.lines().next().unwrap_or_default().replace('\t', " ");
        text += &format!("{}\t{}\n", line(value), line(&candidate.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    fn program() -> Command {
        let tool = Command::new("grind")
            .arg(Arg::new("by").long("by").help("Group by").action(ArgAction::Append))
            .arg(Arg::new("from").long("from").short('f').value_parser(["csv", "combined"]))
            .arg(Arg::new("tag").long("tag"))
            .arg(Arg::new("out").long("out").value_hint(ValueHint::FilePath))
            .arg(Arg::new("what").action(ArgAction::Append));
        let run = Command::new("mill").subcommand(tool.about("Grinds"));
        run.subcommand(Command::new("secret").hide(true))
    }

    fn functions(_: &Line<'_>, arg: &Arg, _: usize) -> Option<Offer> {
        if arg.get_id() == "tag" {
            return Some(Offer::of(vec![Candidate::new(".a == true", "")]));
        }
        let names =
            ["avg(", "arg_max("].map(|name| Candidate { open: true, ..Candidate::new(name, "") });
        let all = names.into_iter().chain([Candidate::new("count", "Records")]);
        let paths = Paths::Files;
        let offer = || Offer { candidates: all.collect(), paths, fields: Vec::new() };
        (arg.get_id() == "what").then(offer)
    }

    #[track_caller]
    fn check(shell: Shell, rest: &[&str], expected: &str) {
        let rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(
            answer(shell, program(), (functions, Vec::new), "grind", (&rest, Around::default())),
            expected,
            "{rest:?}"
        );
    }

    #[test]
    fn options_values_and_paths_are_offered() {
        check(Shell::Fish, &["--b"], "none\n--by\tGroup by\n");
        check(Shell::Fish, &["--from", "c"], "none\ncsv\t\ncombined\t\n");
        check(Shell::Fish, &["--from=cs"], "none\n--from=csv\t\n");
        check(Shell::Fish, &["--out", ""], "files\n");
        check(Shell::Fish, &["--by", ""], "none\n");
        check(Shell::Fish, &["a"], "files nospace\navg(\t\narg_max(\t\n");
        check(Shell::Fish, &["'av"], "files nospace\navg(\t\n");
        check(Shell::Fish, &["co"], "files\ncount\tRecords\n");
    }

    #[test]
    fn bash_gets_what_it_replaces_and_quotes_where_they_are_needed() {
        check(Shell::Bash, &["grind --from=c", "c"], "none\ncsv\t\ncombined\t\n");
        check(Shell::Bash, &["grind --tag=.a", ".a"], "none\n'.a == true'\t\n");
        check(Shell::Bash, &["grind --tag .a", ".a"], "none\n'.a == true'\t\n");
        check(Shell::Bash, &["A=1 grind --from=cs", "cs"], "none\ncsv\t\n");
        check(Shell::Bash, &["grind a", "a"], "files nospace\navg(\t\narg_max(\t\n");
        check(Shell::Bash, &["grind av", "av"], "files nospace\n'avg(\t\n");
        check(Shell::Bash, &["grind 'av", "av"], "files nospace\navg(\t\navg(.\t\n");
        check(Shell::Zsh, &["av"], "files nospace\n'avg(\t\n");
        check(Shell::Zsh, &["'av"], "files nospace\navg(\t\n");
    }

    #[test]
    fn the_program_offers_its_tools_and_those_theirs() {
        let ask = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            answer(
                Shell::Fish,
                program(),
                (functions, Vec::new),
                "mill",
                (&words, Around::default()),
            )
        };
        assert!(ask(&[""]).starts_with("none\ngrind\tGrinds\nhelp\t"));
        assert_eq!(ask(&["grind", "--f"]), "none\n--from\t\n");
        assert_eq!(ask(&["nope", ""]), "none\n");
    }

    #[test]
    fn what_is_not_understood_offers_nothing() {
        check(Shell::Bash, &["grind"], "none\n");
        check(Shell::Fish, &[], "none\n");
        let words = ["".to_owned()];
        let none = answer(
            Shell::Fish,
            program(),
            (functions, Vec::new),
            "other",
            (&words, Around::default()),
        );
        assert_eq!(none, "none\n");
    }
}

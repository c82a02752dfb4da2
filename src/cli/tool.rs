//! One program, several tools: which of them a command line asks for.
//!
//! The program's own name decides first: a link to it that is called `filter`, or `ms-filter`, is
//! that tool. Otherwise the first argument names the tool, as in `millstream filter …`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgMatches, Command, Parser};

use super::Status;

/// The program that holds the tools.
pub(super) const PROGRAM: &str = "millstream";

/// A tool whose options are read, about to run.
pub(super) type Job = Box<dyn FnOnce() -> anyhow::Result<Status>>;

type Prepare = dyn Fn(&mut ArgMatches) -> Result<Job, clap::Error>;

/// One of the program's tools.
pub struct Tool {
    name: &'static str,
    /// Whether the name alone is enough to call it.
    is_named: bool,
    command: fn() -> Command,
    prepare: Box<Prepare>,
}

impl Tool {
    /// The tool of this name, which is also its command's name, with its options and what it does.
    pub fn new<O: Parser + 'static>(
        name: &'static str,
        run: fn(O) -> anyhow::Result<Status>,
    ) -> Tool {
        let prepare = move |matches: &mut ArgMatches| -> Result<Job, clap::Error> {
            let options = O::from_arg_matches_mut(matches)?;
            Ok(Box::new(move || run(options)))
        };
        Tool { name, is_named: true, command: O::command, prepare: Box::new(prepare) }
    }

    /// One that is only called through the program: its name alone would be another program's.
    #[must_use]
    pub fn below_program(self) -> Tool {
        Tool { is_named: false, ..self }
    }

    /// Whether it has a name of its own on the PATH.
    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// What its messages begin with.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its command line. It is built only where it is wanted: a process needs one of them.
    pub fn command(&self) -> Command {
        (self.command)()
    }

    /// Its command line, as it is called by this name.
    pub(super) fn called(&self, name: &str) -> Command {
        let mut command = self.command().bin_name(name);
        if name == self.name {
            return command;
        }
        // Clap puts the name into its own usage, not into one that the tool states itself.
        let usage = command.render_usage().to_string();
        let lines = usage.trim_start_matches("Usage: ").lines().map(str::trim);
        let stated = lines.map(|line| line.strip_prefix(self.name)).collect::<Option<Vec<_>>>();
        match stated {
            Some(forms) if forms.iter().all(|form| form.starts_with(' ')) => {
                let forms: Vec<String> = forms.iter().map(|form| format!("{name}{form}")).collect();
                command.override_usage(forms.join("\n       "))
            }
            _ => command,
        }
    }

    /// Reads the options.
    pub(super) fn prepare(&self, matches: &mut ArgMatches) -> Result<Job, clap::Error> {
        (self.prepare)(matches)
    }

    /// Whether a program of this name is this tool: `filter`, and with any prefix `ms-filter`.
    fn is_called(&self, program: &str) -> bool {
        let prefix = program.strip_suffix(self.name).filter(|_| self.is_named);
        prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'))
    }
}

/// What a command line asks for.
pub(super) struct Call<'a> {
    /// The tool; none where the program itself is asked, for its help or its version.
    pub tool: Option<&'a Tool>,
    /// How the user calls it, for the usage: `filter`, `ms-filter`, `millstream filter`.
    pub name: String,
    /// The arguments, with one before them that stands for the program.
    pub args: Vec<OsString>,
}

impl Call<'_> {
    /// Whether help is to be the long one.
    pub fn asks_for_all(&self) -> bool {
        let by_word = self.args.get(1).is_some_and(|word| word == "help");
        by_word || self.args.iter().any(|word| word == "--help")
    }

    /// What `help NAME` asks about, where that is no tool.
    pub fn asks_about(&self) -> Option<&str> {
        match self.args.as_slice() {
            [_, help, name] if self.tool.is_none() && help == "help" => name.to_str(),
            _ => None,
        }
    }

    /// What a script of a shell asks with, after `millstream complete`.
    pub fn completes(&self) -> Option<&[OsString]> {
        match self.args.get(1) {
            Some(word) if self.tool.is_none() && word == "complete" => self.args.get(2..),
            _ => None,
        }
    }

    /// Reads the arguments of the process.
    pub fn read(tools: &[Tool], mut args: Vec<OsString>) -> Call<'_> {
        let program = args.first().map(Path::new).and_then(Path::file_name);
        let program = program.map_or(PROGRAM.into(), OsStr::to_string_lossy).into_owned();
        if let Some(tool) = tools.iter().find(|tool| tool.is_called(&program)) {
            return Call { tool: Some(tool), name: program, args: completed(tool, args) };
        }
        let named = |at: usize, args: &[OsString]| {
            tools.iter().find(|tool| args.get(at).is_some_and(|word| word == tool.name))
        };
        // `help filter` is `filter --help`.
        if args.get(1).is_some_and(|word| word == "help") && named(2, &args).is_some() {
            args.remove(1);
            args.push("--help".into());
        }
        if let Some(at) = after_globals(&args)
            && named(at, &args).is_some()
        {
            // They are the tool's own options.
            args[1..=at].rotate_right(1);
        }
        let Some(tool) = named(1, &args) else { return Call { tool: None, name: program, args } };
        args.remove(0);
        let args = completed(tool, args);
        Call { tool: Some(tool), name: format!("{program} {}", tool.name), args }
    }
}

/// Where the name of a tool may be after options of its own: `millstream --data DIR subscribe …`.
fn after_globals(args: &[OsString]) -> Option<usize> {
    let mut at = 1;
    loop {
        let word = args.get(at)?.to_str()?;
        match word {
            "--data" => at += 2,
            "--json" => at += 1,
            _ if word.starts_with("--data=") => at += 1,
            _ => return (at > 1).then_some(at),
        }
    }
}

/// Formats that take arguments, and options that are the same.
const WITH_ARGUMENTS: [(&str, &str); 2] = [("regex", "--regex"), ("pattern", "--pattern")];

/// The arguments of a tool as its options read them.
fn completed(tool: &Tool, args: Vec<OsString>) -> Vec<OsString> {
    with_expression(tool, with_formats(tool, args))
}

/// What the argument is called that is an expression.
const EXPRESSION: &str = "expression";

/// A first argument that can only be an expression, as `-.x`, begins with a space, so that it is
/// not taken for an option.
fn with_expression(tool: &Tool, mut args: Vec<OsString>) -> Vec<OsString> {
    let is_negated = |word: &str| {
        let mut letters = word.chars();
        letters.next() == Some('-') && letters.next().is_some_and(|next| ".([{$\"@".contains(next))
    };
    if let Some(first) = args.get_mut(1)
        && first.to_str().is_some_and(is_negated)
        && tool.command().get_positionals().any(|own| own.get_id() == EXPRESSION)
    {
        let mut spaced = OsString::from(" ");
        spaced.push(&*first);
        *first = spaced;
    }
    args
}

/// The arguments of a tool, with `--from regex EXPR` as `--regex EXPR`, and so on: an option's
/// number of values cannot depend on the first one.
fn with_formats(tool: &Tool, mut args: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while at < args.len() && args.get(at).is_some_and(|word| word != "--") {
        let (word, next) = (args.get(at), args.get(at + 1));
        let found = WITH_ARGUMENTS.iter().find_map(|(format, option)| {
            let joined = word.is_some_and(|word| *word == *format!("--from={format}"));
            let apart = word.is_some_and(|word| word == "--from")
                && next.is_some_and(|next| next == format);
            (joined || apart).then_some((*option, if joined { 1 } else { 2 }))
        });
        if let Some((option, words)) = found
            && tool.command().get_arguments().any(|own| option.strip_prefix("--") == own.get_long())
        {
            args.splice(at..at + words, [option.into()]);
        }
        at += 1;
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Options {}

    fn tools() -> [Tool; 2] {
        ["filter", "log-admin"].map(|name| Tool::new::<Options>(name, |_| Ok(Status::Done)))
    }

    /// The tool that is called, how, and with what.
    #[track_caller]
    fn check(line: &str, tool: Option<&str>, name: &str, args: &str) {
        let tools = tools();
        let words = |line: &str| Vec::from_iter(line.split_whitespace().map(OsString::from));
        let call = Call::read(&tools, words(line));
        assert_eq!(call.tool.map(Tool::name), tool, "{line}");
        assert_eq!((call.name.as_str(), call.args), (name, words(args)), "{line}");
    }

    #[test]
    fn the_programs_name_decides() {
        check("filter .a", Some("filter"), "filter", "filter .a");
        check("/usr/bin/filter help", Some("filter"), "filter", "/usr/bin/filter help");
        check("./ms-filter .a", Some("filter"), "ms-filter", "./ms-filter .a");
        check("ms-log-admin list", Some("log-admin"), "ms-log-admin", "ms-log-admin list");
        check("filter log-admin", Some("filter"), "filter", "filter log-admin");
    }

    #[test]
    fn else_the_first_argument_does() {
        check("bin/millstream filter .a", Some("filter"), "millstream filter", "filter .a");
        check("mill log-admin list", Some("log-admin"), "mill log-admin", "log-admin list");
        check("xfilter filter -h", Some("filter"), "xfilter filter", "filter -h");
    }

    #[test]
    fn options_of_the_log_may_come_before_the_tool() {
        let (admin, name) = (Some("log-admin"), "millstream log-admin");
        check("millstream --data d log-admin list", admin, name, "log-admin --data d list");
        check("millstream --json --data=d log-admin", admin, name, "log-admin --json --data=d");
        check("millstream --data log-admin", None, "millstream", "millstream --data log-admin");
    }

    #[test]
    fn help_of_a_tool_is_its_own_help() {
        let filter = Some("filter");
        check("millstream help filter", filter, "millstream filter", "filter --help");
        let (admin, name) = (Some("log-admin"), "millstream log-admin");
        check("millstream help log-admin list", admin, name, "log-admin list --help");
        check("millstream help", None, "millstream", "millstream help");
        check("millstream help x", None, "millstream", "millstream help x");
    }

    #[test]
    fn what_names_no_tool_is_for_the_program() {
        for line in
            ["millstream", "millstream --version", "millstream filt", "millstream -x filter"]
        {
            check(line, None, "millstream", line);
        }
        check("", None, "millstream", "");
    }
}

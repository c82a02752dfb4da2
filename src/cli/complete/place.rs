//! Which part of a command line stands at the cursor: an option, a value of one, a subcommand, an
//! operand. A pure function of the command and its words.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};

/// A command line up to the cursor, read as far as it makes sense: what is wrong is skipped.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The command whose part is at the cursor: the tool, or one of its subcommands.
    pub command: &'a Command,
    /// The values that were given before the cursor, by the argument's id; an option without
    /// values has none, and is there.
    given: BTreeMap<String, Vec<String>>,
    /// How many operands came before.
    operands: usize,
    /// Whether `--` came before: no options follow.
    only_operands: bool,
    /// The option that wants a value next, and how many it has already.
    open: Option<(&'a Arg, usize)>,
    /// The values of the whole line, also of what is at the cursor and after it.
    whole: BTreeMap<String, Vec<String>>,
    /// The commands before it in its pipe, each with its words.
    upstream: Vec<Vec<String>>,
}

/// What is to be completed.
#[derive(Clone, Debug)]
pub enum Place<'a> {
    /// An option's name, of which this much is there.
    Option(String),
    /// A value of an argument; `before` is what comes before it in the word, like `--from=`.
    Value {
        /// The argument.
        arg: &'a Arg,
        /// Which of its values, counted from 0.
        index: usize,
        /// What the word begins with before the value.
        before: String,
        /// What of the value is there.
        text: String,
    },
    /// A subcommand, of which this much is there.
    Subcommand(String),
    /// Nothing that is known.
    Nothing,
}

impl<'a> Line<'a> {
    /// Reads the words between the name of the tool and the one at the cursor. The command must
    /// have been built.
    pub fn read(command: &'a Command, words: &[String]) -> Line<'a> {
        let mut line = Line {
            command,
            given: BTreeMap::new(),
            operands: 0,
            only_operands: false,
            open: None,
            whole: BTreeMap::new(),
            upstream: Vec::new(),
        };
        words.iter().for_each(|word| line.take(word));
        line.whole.clone_from(&line.given);
        line
    }

    /// The same line, with the word at the cursor and those after it.
    #[must_use]
    pub fn with_rest(mut self, word: &str, after: &[String]) -> Line<'a> {
        let mut whole = self.clone();
        whole.take(word);
        after.iter().for_each(|word| whole.take(word));
        self.whole = whole.given;
        self
    }

    /// The same line in a pipe, after these commands.
    #[must_use]
    pub fn after(self, upstream: Vec<Vec<String>>) -> Line<'a> {
        Line { upstream, ..self }
    }

    /// The words of the commands before it in its pipe; it reads from the last one.
    pub fn upstream(&self) -> &[Vec<String>] {
        &self.upstream
    }

    /// The values of the argument with this id on the whole line, before and after the cursor.
    pub fn values(&self, id: &str) -> &[String] {
        self.whole.get(id).map_or(&[], Vec::as_slice)
    }

    /// The first value of the argument with this id, if it was given.
    pub fn value(&self, id: &str) -> Option<&str> {
        self.given.get(id).and_then(|values| values.first()).map(String::as_str)
    }

    /// Whether the argument with this id was given.
    pub fn has(&self, id: &str) -> bool {
        self.given.contains_key(id)
    }

    /// Whether the argument with this id is on the line, before or after the cursor.
    pub fn has_anywhere(&self, id: &str) -> bool {
        self.whole.contains_key(id)
    }

    /// What stands at the cursor, where this much of a word is.
    pub fn place(&self, text: &str) -> Place<'a> {
        if let Some((arg, index)) = self.open {
            return Place::Value { arg, index, before: String::new(), text: text.to_owned() };
        }
        if !self.only_operands && text.starts_with('-') {
            let Some((name, value)) = text.split_once('=') else {
                return Place::Option(text.to_owned());
            };
            return match self.long(name) {
                Some(arg) => Place::Value {
                    arg,
                    index: 0,
                    before: format!("{name}="),
                    text: value.to_owned(),
                },
                None => Place::Nothing,
            };
        }
        if self.operands == 0 && self.command.has_subcommands() && !self.only_operands {
            return Place::Subcommand(text.to_owned());
        }
        match self.operand() {
            Some(arg) => {
                Place::Value { arg, index: 0, before: String::new(), text: text.to_owned() }
            }
            None => Place::Nothing,
        }
    }

    /// The options that may follow: not those that are hidden, or were given and count once.
    pub fn options(&self) -> impl Iterator<Item = &'a Arg> {
        self.command.get_arguments().filter(|arg| {
            let repeats = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
            let spent = self.has(arg.get_id().as_str()) && !repeats;
            !arg.is_positional() && !arg.is_hide_set() && !spent
        })
    }

    fn take(&mut self, word: &str) {
        if let Some((arg, count)) = self.open.take() {
            self.note(arg, word);
            self.open = (count + 1 < values_min(arg)).then_some((arg, count + 1));
        } else if self.only_operands {
            self.take_operand(word);
        } else if word == "--" {
            self.only_operands = true;
        } else if word.starts_with("--") {
            let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
            match (self.long(name), value) {
                (Some(arg), Some(value)) => self.note(arg, value),
                (Some(arg), None) => self.begin(arg),
                (None, _) => {}
            }
        } else if word.len() > 1 && word.starts_with('-') {
            self.take_shorts(word);
        } else if let Some(subcommand) =
            self.command.find_subcommand(word).filter(|_| self.operands == 0)
        {
            // What was given before holds for the subcommand: --data, --json.
            self.command = subcommand;
        } else {
            self.take_operand(word);
        }
    }

    /// Options of a letter each, the last of which may have a value.
    fn take_shorts(&mut self, word: &str) {
        for (at, letter) in word.char_indices().skip(1) {
            let found = self.command.get_arguments().find(|arg| arg.get_short() == Some(letter));
            let Some(arg) = found else { return };
            let rest = &word[at + letter.len_utf8()..];
            if values_min(arg) > 0 && !rest.is_empty() {
                return self.note(arg, rest);
            }
            self.begin(arg);
        }
    }

    fn take_operand(&mut self, word: &str) {
        if let Some(arg) = self.operand() {
            self.note(arg, word);
        }
        self.operands += 1;
    }

    fn begin(&mut self, arg: &'a Arg) {
        self.given.entry(arg.get_id().to_string()).or_default();
        if values_min(arg) > 0 && !arg.is_require_equals_set() {
            self.open = Some((arg, 0));
        }
    }

    fn note(&mut self, arg: &Arg, value: &str) {
        self.given.entry(arg.get_id().to_string()).or_default().push(value.to_owned());
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        let name = name.strip_prefix("--")?;
        self.command.get_arguments().find(|arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        })
    }

    /// The operand that comes next; one that is repeated takes all that follow, up to `--`.
    fn operand(&self) -> Option<&'a Arg> {
        let last = self.command.get_positionals().find(|arg| arg.is_last_set());
        if let Some(last) = last.filter(|_| self.only_operands) {
            return Some(last);
        }
        let mut operands = self.command.get_positionals().filter(|arg| !arg.is_last_set());
        let mut left = self.operands;
        operands.find(|arg| {
            let repeats = matches!(arg.get_action(), ArgAction::Append);
            let found = repeats || left == 0;
            left = left.saturating_sub(1);
            found
        })
    }
}

/// How many values an option takes, at least.
fn values_min(arg: &Arg) -> usize {
    arg.get_num_args().unwrap_or_default().min_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::value_parser;

    fn command() -> Command {
        let mut command = Command::new("t")
            .arg(Arg::new("by").long("by").short('b').action(ArgAction::Append).num_args(1))
            .arg(Arg::new("arg").long("arg").num_args(2).action(ArgAction::Append))
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).global(true))
            .arg(Arg::new("every").long("every").alias("each"))
            .arg(Arg::new("expr"))
            .arg(Arg::new("files").action(ArgAction::Append).value_parser(value_parser!(String)));
        command.build();
        command
    }

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// The place at the end of a line, where `|` is before the word at the cursor.
    fn place(command: &Command, line: &str) -> String {
        let (before, text) = line.split_once('|').unwrap();
        match Line::read(command, &words(before)).place(text) {
            Place::Option(text) => format!("option {text}"),
            Place::Value { arg, index, before, text } => {
                format!("{} {index} {before}|{text}", arg.get_id())
            }
            Place::Subcommand(text) => format!("subcommand {text}"),
            Place::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_word_at_the_cursor_is_found() {
        let command = command();
        for (line, expected) in [
            ("|", "expr 0 |"),
            ("|.a", "expr 0 |.a"),
            (".a |", "files 0 |"),
            (".a f g |", "files 0 |"),
            ("|-", "option -"),
            ("|--b", "option --b"),
            ("--by |x", "by 0 |x"),
            ("-b |x", "by 0 |x"),
            ("-bx |y", "expr 0 |y"),
            ("|--by=x", "by 0 --by=|x"),
            ("|--each=1", "every 0 --each=|1"),
            ("--by=x |y", "expr 0 |y"),
            ("--arg a |", "arg 1 |"),
            ("--arg a b |", "expr 0 |"),
            ("-- |-x", "expr 0 |-x"),
            ("--by -- |-x", "option -x"),
            ("|--nope=", "nothing"),
        ] {
            assert_eq!(place(&command, line), expected, "{line}");
        }
    }

    #[test]
    fn options_that_count_once_are_offered_once() {
        let command = command();
        let line = Line::read(&command, &words("--json --by .a --every 1"));
        let names: Vec<_> = line.options().filter_map(Arg::get_long).collect();
        assert_eq!(names, ["by", "arg", "help"]);
        assert_eq!(
            (line.value("by"), line.has("json"), line.value("arg")),
            (Some(".a"), true, None)
        );
    }

    #[test]
    fn a_subcommand_has_its_own_options_and_those_of_all() {
        let list = Command::new("list").alias("ls").arg(Arg::new("topic"));
        let mut command = Command::new("t")
            .arg(Arg::new("data").long("data").global(true))
            .subcommand(list.clone())
            .subcommand(Command::new("drop"));
        command.build();
        assert_eq!(place(&command, "|l"), "subcommand l");
        assert_eq!(place(&command, "--data d |"), "subcommand ");
        for line in ["--data d list |", "--data d ls |"] {
            assert_eq!(place(&command, line), "topic 0 |");
        }
        assert_eq!(place(&command, "list --data |"), "data 0 |");
        assert_eq!(place(&command, "list x |"), "nothing");
        let line = words("--data d list");
        assert_eq!(Line::read(&command, &line).value("data"), Some("d"));
    }

    #[test]
    fn after_two_dashes_come_the_last_operands() {
        let mut command = Command::new("t")
            .arg(Arg::new("agg").action(ArgAction::Append))
            .arg(Arg::new("files").action(ArgAction::Append).last(true));
        command.build();
        assert_eq!(place(&command, "a b |"), "agg 0 |");
        assert_eq!(place(&command, "a -- |"), "files 0 |");
    }
}

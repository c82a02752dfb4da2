//! Manual pages and shell completions, made from the tools' own options.
//!
//! [`render`] is a pure function of the commands, without dates, so that the same options give the
//! same bytes on every machine. `scripts/generate` writes them to man/ and completions/, where a
//! test compares them.

use std::{io, iter};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Status;

/// A file that [`render`] makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it belongs, from the package's root: `man/filter.1`.
    pub path: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// What each exit status means, in the order of their numbers: the same for all tools.
pub const STATUSES: [(Status, &str); 9] = [
    (Status::Done, "Done. Also when the reader of the output closed it before the end."),
    (Status::Usage, "Invalid options, or an invalid expression."),
    (Status::Data, "Bad input, or records that were rejected or dropped."),
    (Status::Unavailable, "No such daemon, topic or offset."),
    (Status::Internal, "An internal error of the tool."),
    (Status::CantCreate, "An output cannot be created."),
    (Status::Io, "Reading or writing failed."),
    (Status::TryAgain, "Another process holds the log or a producer's name; try again."),
    (Status::NotPermitted, "Not permitted."),
];

/// What status 1 means in the commands that end with it.
const NO: [(&str, &str); 3] = [
    ("subscribe", "The command of --exec failed."),
    ("log-admin", "verify found damage."),
    ("verify", "Damage was found."),
];

/// The statuses of a command that does not say itself what they mean.
fn statuses(command: &str) -> Vec<(String, &'static str)> {
    let no =
        NO.iter().find(|(name, _)| *name == command).map(|(_, meaning)| (Status::No, *meaning));
    let mut all: Vec<(Status, &str)> = STATUSES.into_iter().chain(no).collect();
    all.sort_by_key(|(status, _)| status.code());
    let all = all.into_iter().map(|(status, meaning)| (status.code().to_string(), meaning));
    all.chain([(SIGNALLED.0.to_owned(), SIGNALLED.1)]).collect()
}

/// What a signal makes of the status.
const SIGNALLED: (&str, &str) =
    ("130, 143", "Ended by SIGINT or SIGTERM, after completing the work in progress.");

/// What is in the log's directory, for the section FILES.
const FILES: [(&str, &str); 8] = [
    ("topics/TOPIC/topic.json", "The topic's settings."),
    (
        "topics/TOPIC/producers.json",
        "The topic's producers, and how far each of them has appended.",
    ),
    ("topics/TOPIC/producers.new", "Producers added since producers.json was written."),
    ("topics/TOPIC/PARTITION/*.ndjson", "The records, one a line; any tool may read them."),
    (
        "topics/TOPIC/PARTITION/*.index",
        "Where batches of records begin; log-admin verify --repair rebuilds a lost one.",
    ),
    (
        "groups/GROUP.json",
        "The offsets that a consumer group has committed, by topic and partition.",
    ),
    ("socket", "Where a running log-serve listens."),
    ("lock", "Locked by the one process that writes the log."),
];

/// A command whose `--help` ends with what the exit statuses mean, as its manual page does: the
/// common table, where it does not say that itself. Its subcommands likewise.
pub fn with_statuses(command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let mut command = command;
    for name in names {
        command = command.mut_subcommand(name, with_statuses);
    }
    let help = after_help(&command);
    if says_statuses(&sections(&help)) {
        return command;
    }
    let rows = statuses(command.get_name()).into_iter();
    let rows: Vec<String> = rows.map(|(code, meaning)| format!("  {code:<8}  {meaning}")).collect();
    let gap = if help.is_empty() { "" } else { "\n\n" };
    command.after_long_help(format!("{help}{gap}Exit status:\n{}", rows.join("\n")))
}

/// The text that a command's help ends with.
fn after_help(command: &Command) -> String {
    let help = command.get_after_long_help().or(command.get_after_help());
    help.map(ToString::to_string).unwrap_or_default()
}

fn says_statuses(sections: &[Section]) -> bool {
    sections.iter().any(|section| section.heading.eq_ignore_ascii_case("exit status"))
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
        completions(&tool, &mut pages);
        let mut tool = tool.disable_help_subcommand(true);
        tool.build();
        manuals(&tool, &names, &mut pages)?;
    }
    Ok(pages)
}

fn completions(command: &Command, pages: &mut Vec<Page>) {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        pages.push(completion(shell, command.clone()));
    }
}

/// In the script for bash, the name of a program with a hyphen is spelled one way where a
/// subcommand is found and another way where its options are (clap's issue 6421): none completes.
fn with_one_spelling(script: Vec<u8>, name: &str) -> Vec<u8> {
    let (found, wanted) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
    // It is ASCII but for the texts of the options.
    String::from_utf8_lossy(&script).replace(&found, &wanted).into_bytes()
}

fn completion(shell: Shell, mut tool: Command) -> Page {
    let name = tool.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut tool, &name, &mut text);
    if let Shell::Bash = shell {
        text = with_one_spelling(text, &name);
    }
    let file = match shell {
        Shell::Zsh => format!("_{name}"),
        shell => format!("{name}.{shell}"),
    };
    Page { path: format!("completions/{file}"), text }
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

fn manual(name: &str, command: &Command, names: &[String]) -> io::Result<Vec<u8>> {
    // What `-h` leaves out has its place here.
    let man = Man::new(command.clone().mut_args(|option| option.hide_short_help(false)));
    let mut text = Vec::new();
    title(name).to_writer(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command.clone()).to_writer(&mut text)?;
    description(command).to_writer(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().any(|command| names.iter().any(|name| name == command.get_name()))
    {
        tools(command).to_writer(&mut text)?;
    } else if command.get_subcommands().any(|command| !command.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    closing(name, command, names).to_writer(&mut text)?;
    Ok(tidy(&text))
}

/// The head line. An empty date must be written as such, which `clap_mangen` does not.
fn title(name: &str) -> Roff {
    let version = concat!("millstream ", env!("CARGO_PKG_VERSION"));
    let mut roff = Roff::new();
    roff.control("TH", [&name.to_uppercase(), "1", "\"\"", version, "millstream"]);
    roff
}

/// The usage as `--help` has it, which shows values and what must be given.
fn synopsis(mut command: Command) -> Roff {
    let usage = command.render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for form in usage.trim_start_matches("Usage:").lines() {
        roff.text([roman(form.trim())]).control("br", []);
    }
    roff
}

/// The paragraphs of the long help. One that is nothing but a few words and a colon is a heading.
fn description(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    let help = command.get_long_about().or(command.get_about());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut begun = false;
    for paragraph in help.split("\n\n") {
        if let Some(heading) = paragraph.strip_suffix(':').filter(|words| is_heading(words)) {
            roff.control("SS", [heading]);
            begun = false;
            continue;
        }
        if begun {
            roff.control("PP", []);
        }
        begun = true;
        for line in paragraph.lines() {
            roff.text([roman(line)]);
        }
    }
    roff
}

/// The tools of the program, each with a page of its own.
fn tools(program: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["TOOLS"]);
    for tool in program.get_subcommands() {
        roff.control("TP", []);
        roff.text([bold(tool.get_name()), roman("(1)")]);
        roff.text([roman(tool.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
    roff
}

/// The sections after the options.
fn closing(name: &str, command: &Command, names: &[String]) -> Roff {
    let mut roff = Roff::new();
    let sections = sections(&after_help(command));
    for section in &sections {
        roff.control("SH", [section.heading.to_uppercase().as_str()]);
        prose(&section.lines, &mut roff);
    }
    if !says_statuses(&sections) {
        exit_statuses(command.get_name(), &mut roff);
    }
    let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
    if has("data") || has("ready_fd") {
        environment(&has, &mut roff);
    }
    if has("data") {
        roff.control("SH", ["FILES"]);
        for (path, meaning) in FILES {
            entry(path, meaning, &mut roff);
        }
    }
    see_also(name, names, &mut roff);
    roff
}

fn exit_statuses(command: &str, roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in statuses(command) {
        entry(&code, meaning, roff);
    }
}

fn environment(has: &dyn Fn(&str) -> bool, roff: &mut Roff) {
    roff.control("SH", ["ENVIRONMENT"]);
    if has("data") {
        entry("MILLSTREAM_DIR", "The log's directory, if --data is not given.", roff);
        let meaning = "Otherwise the log is the directory millstream in this one, by default \
                       ~/.local/share.";
        entry("XDG_DATA_HOME", meaning, roff);
    }
    if has("no_lend") {
        entry("MILLSTREAM_NO_LEND", "If it is not empty, the same as --no-lend.", roff);
    }
    if has("ready_fd") {
        let meaning =
            "The socket through which systemd learns that the service is ready or stopping.";
        entry("NOTIFY_SOCKET", meaning, roff);
    }
}

fn entry(term: &str, meaning: &str, roff: &mut Roff) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

fn see_also(name: &str, names: &[String], roff: &mut Roff) {
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<&String> = names.iter().filter(|other| *other != name).collect();
    let mut line = Vec::new();
    for other in others {
        line.push(bold(other));
        line.push(roman("(1), "));
    }
    line.push(bold("jq"));
    line.push(roman("(1)"));
    roff.text(line);
}

/// A part of the text that a tool's help ends with.
struct Section {
    heading: String,
    lines: Vec<String>,
}

/// Whether these are a few plain words that begin with a capital.
fn is_heading(words: &str) -> bool {
    words.starts_with(|c: char| c.is_ascii_uppercase())
        && words.split(' ').count() <= 4
        && words.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
}

/// Cuts a help text at its headings: lines that begin with a few plain words and a colon, with
/// nothing before them.
fn sections(help: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in help.lines() {
        let heading = line.split_once(':').filter(|(words, _)| is_heading(words));
        if let Some((words, rest)) = heading {
            let lines = Vec::from_iter((!rest.is_empty()).then(|| rest.trim().to_owned()));
            sections.push(Section { heading: words.to_owned(), lines });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line.to_owned());
        } else if !line.is_empty() {
            sections.push(Section { heading: "Notes".to_owned(), lines: vec![line.to_owned()] });
        }
    }
    sections
}

/// Writes the lines of a section. An indented line with a deeper one below it is an example, and
/// the deeper lines say what it does; other indented lines are a list, and stay as they are.
fn prose(lines: &[String], roff: &mut Roff) {
    let indent = |line: &String| line.len() - line.trim_start().len();
    let mut literal = false;
    for (at, line) in lines.iter().enumerate() {
        let text = line.trim();
        let example = (1..4).contains(&indent(line)) && lines.get(at + 1).map_or(0, indent) >= 4;
        let list = (1..4).contains(&indent(line)) && !example;
        if list != literal {
            for request in if list { ["RS", "nf"] } else { ["fi", "RE"] } {
                roff.control(request, []);
            }
            literal = list;
        }
        match text {
            "" => roff.control("PP", []),
            _ if example => roff.control("TP", []).text([bold(text)]),
            _ => roff.text([roman(text)]),
        };
    }
    if literal {
        roff.control("fi", []).control("RE", []);
    }
}

/// Each part of a page defines its apostrophe anew; once is enough. No line ends in a blank.
fn tidy(text: &[u8]) -> Vec<u8> {
    let mut defined = [false; 2];
    let mut out = String::with_capacity(text.len());
    for line in String::from_utf8_lossy(text).lines() {
        let definition = [".ie ", ".el "].iter().position(|start| line.starts_with(start));
        if let Some(seen) = definition.and_then(|at| defined.get_mut(at))
            && std::mem::replace(seen, true)
        {
            continue;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.into_bytes()
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
        assert!(page("completions/grind.bash").contains("--fine"));
        assert!(page("completions/_grind").starts_with("#compdef grind"));
    }

    #[test]
    fn the_program_lists_its_tools_and_completes_their_options() {
        let text = page("man/mill.1");
        let tools = ".SH TOOLS\n.TP\n\\fBgrind\\fR(1)\nGrind the records\n.TP\n";
        assert!(text.contains(tools), "{text}");
        assert!(text.ends_with("\\fBgrind\\fR(1), \\fBsift\\fR(1), \\fBjq\\fR(1)\n"), "{text}");
        assert!(page("completions/mill.bash").contains("--fine"));
        assert!(page("completions/mill.fish").contains("__fish_mill_using_subcommand grind"));
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
        assert!(text.ends_with("\\fBmill\\fR(1), \\fBsift\\fR(1), \\fBjq\\fR(1)\n"), "{text}");
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

    #[test]
    fn statuses_are_in_the_order_of_their_numbers() {
        let codes: Vec<u8> = STATUSES.iter().map(|(status, _)| status.code()).collect();
        assert!(codes.is_sorted(), "{codes:?}");
    }
}

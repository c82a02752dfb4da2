//! The manual page of a command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::sections::{after_help, is_heading, sections};
use super::statuses::{says_statuses, statuses};

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

/// The manual page of a command that is shown under this name.
pub(super) fn manual(name: &str, command: &Command, names: &[String]) -> io::Result<Vec<u8>> {
    // What `-h` leaves out has its place here.
    let man = Man::new(command.clone().mut_args(|option| option.hide_short_help(false)));
    let mut text = Vec::new();
    title(name).to_writer(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command.clone()).to_writer(&mut text)?;
    description(command).to_writer(&mut text)?;
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    text.extend(below_options(&options));
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
    for (number, form) in usage.trim_start_matches("Usage:").lines().enumerate() {
        if number > 0 {
            roff.control("br", []);
        }
        roff.text([roman(form.trim())]);
    }
    roff
}

/// The options, with their headings as parts of one section.
fn below_options(text: &[u8]) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    for line in String::from_utf8_lossy(text).lines() {
        match line.strip_prefix(".SH ").map(|heading| heading.trim_matches('"')) {
            Some(heading) if heading != "OPTIONS" => {
                let (first, rest) = heading.split_at(heading.len().min(1));
                out += &format!(".SS \"{first}{}\"\n", rest.to_lowercase());
            }
            _ => out.extend([line, "\n"]),
        }
    }
    out.into_bytes()
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
    if let Some(program) = names.first() {
        // The overview.
        line.push(bold(program));
        line.push(roman("(7), "));
    }
    line.push(bold("jq"));
    line.push(roman("(1)"));
    roff.text(line);
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

/// Each part of a page defines its apostrophe anew; once is enough. No line ends in a blank, no
/// space is asked for twice, and all is ASCII, as every roff takes it.
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
        for letter in line.trim_end().chars() {
            match letter {
                ' '..='~' => out.push(letter),
                other => out += &format!("\\[u{:04X}]", u32::from(other)),
            }
        }
        out.push('\n');
    }
    let out = out.replace(".br\n\n.br\n", ".sp\n").replace(".PP\n.PP", ".PP");
    let out = out.replace(".PP\n.TP", ".TP").replace(".PP\n.SH", ".SH");
    out.into_bytes()
}

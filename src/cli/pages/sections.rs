//! The text that a command's help ends with, cut at its headings.

use clap::Command;

/// The text that a command's help ends with.
pub(super) fn after_help(command: &Command) -> String {
    let help = command.get_after_long_help().or(command.get_after_help());
    help.map(ToString::to_string).unwrap_or_default()
}

/// A part of the text that a tool's help ends with.
pub(super) struct Section {
    pub heading: String,
    pub lines: Vec<String>,
}

/// Whether these are a few plain words that begin with a capital.
pub(super) fn is_heading(words: &str) -> bool {
    words.starts_with(|c: char| c.is_ascii_uppercase())
        && words.split(' ').count() <= 4
        && words.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
}

/// Cuts a help text at its headings: lines that begin with a few plain words and a colon, with
/// nothing before them.
pub(super) fn sections(help: &str) -> Vec<Section> {
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

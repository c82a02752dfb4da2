//! What exit statuses mean, in help and in manual pages.

use clap::Command;

use super::sections::{Section, after_help, sections};
use crate::cli::Status;

/// What each exit status means, in the order of their numbers: the same for all tools.
const STATUSES: [(Status, &str); 9] = [
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
pub(super) fn statuses(command: &str) -> Vec<(String, &'static str)> {
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

/// Whether a command says itself what they mean.
pub(super) fn says_statuses(sections: &[Section]) -> bool {
    sections.iter().any(|section| section.heading.eq_ignore_ascii_case("exit status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_in_the_order_of_their_numbers() {
        let codes: Vec<u8> = STATUSES.iter().map(|(status, _)| status.code()).collect();
        assert!(codes.is_sorted(), "{codes:?}");
    }
}

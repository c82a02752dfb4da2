//! Whether the user wants what cannot be undone: options, and a question on a terminal.

use clap::Args;

use crate::cli::ask::confirm;
use crate::cli::message;
use crate::layout::text::thousands;

/// Whether to ask, and whether to do it.
#[derive(Args, Clone, Copy, Debug)]
pub struct Consent {
    /// Do not ask on a terminal
    #[arg(short, long)]
    yes: bool,

    /// Print what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// So many records, for people.
pub fn records(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{} records", thousands(count)),
    }
}

impl Consent {
    /// Whether to go on: not if the user is asked, and says no.
    pub fn is_given(self, question: impl FnOnce() -> String) -> bool {
        let given = self.yes || self.dry_run || confirm(&question());
        if !given {
            message::note("nothing was removed");
        }
        given
    }

    /// What a row says of whether it was done.
    pub fn done(self) -> &'static str {
        if self.dry_run { "no: dry run" } else { "yes" }
    }
}

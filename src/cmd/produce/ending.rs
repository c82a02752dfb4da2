//! What the input of a named producer ends with: a line, or lines that belong together, to which
//! more may be added before the next run.

use std::fs;
use std::time::Duration as StdDuration;

use super::Options;
use crate::cli::pump::Context;
use crate::cli::{Failure, Status};

/// Whether such an end is taken.
#[derive(Default)]
pub(super) struct Ending {
    /// Whether it is not, but for what follows.
    holds: bool,
    /// For how long nothing must have been added to it, so that it is taken.
    partial_after: Option<StdDuration>,
    /// Where it is, if it was there and not taken.
    torn: Option<String>,
}

impl Ending {
    /// It waits until it is complete, or nothing was added to it for so long.
    pub fn holding(partial_after: Option<StdDuration>) -> Ending {
        Ending { holds: true, partial_after, torn: None }
    }

    /// Whether the end of an input may wait.
    pub fn may_hold(&self) -> bool {
        self.holds
    }

    /// Whether this line, with which the input ends, waits.
    pub fn holds(&mut self, line: u64, cx: &Context) -> bool {
        if !self.holds || self.is_settled(cx) {
            return false;
        }
        self.torn = Some(cx.place(line));
        true
    }

    /// Where the input ends with what was not taken.
    pub fn into_torn(self) -> Option<String> {
        self.torn
    }

    /// Whether nothing was added for long.
    fn is_settled(&self, cx: &Context) -> bool {
        let Some(after) = self.partial_after else { return false };
        // Standard input has no age.
        let modified = fs::metadata(cx.source()).and_then(|file| file.modified());
        let age = modified.map(|time| time.elapsed().unwrap_or_default());
        age.unwrap_or_default() >= after
    }
}

impl Options {
    /// What becomes of the end of the input.
    pub(super) fn ending(&self) -> Ending {
        match self.producer {
            Some(_) => Ending::holding(self.collect.partial_after()),
            None => Ending::default(),
        }
    }

    /// What the input ends with may be incomplete.
    pub(super) fn incomplete(&self, place: &str) -> Failure {
        let why = if self.input.format.is_joined() {
            "more lines may follow that belong to the last ones; they are appended once another \
             record begins, or with --partial-after D"
        } else {
            "the last line has no line end, and may be incomplete; it is appended once it has one, \
             or with --partial-after D"
        };
        Failure::new(Status::Data, format!("{place}: {why}"))
    }
}

//! Where the streams of the input begin and end, for a tool that sees all of it and for a worker
//! that sees a part.

use super::{Failure, Status};
use crate::record::framing::{CutShort, Frame, Framing};

/// What is known of the streams in the input.
#[derive(Debug)]
pub(super) enum Streams {
    /// Who sees all of the input follows them.
    Followed(Framing),
    /// Who sees a part of it notes what is said, for the one who sees all.
    Noted(Vec<Noted>),
}

/// A beginning or an end that a worker came across.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    /// Which of them.
    pub frame: Frame,
    /// The line of the part that says so.
    pub line: u64,
    /// How much output there was before it, in bytes.
    pub out_bytes: usize,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams::Followed(Framing::default())
    }
}

impl Streams {
    /// Takes note of a beginning or an end.
    ///
    /// # Errors
    /// When it shows that a stream was cut short.
    pub fn note(&mut self, noted: Noted) -> Result<(), CutShort> {
        match self {
            Streams::Followed(framing) => framing.note(noted.frame),
            Streams::Noted(all) => {
                all.push(noted);
                Ok(())
            }
        }
    }

    /// Whether a stream is known to be open.
    pub fn is_open(&self) -> bool {
        matches!(self, Streams::Followed(framing) if framing.is_open())
    }

    /// The input has ended.
    ///
    /// # Errors
    /// When one of its streams has not.
    pub fn finish(&mut self) -> Result<(), CutShort> {
        match self {
            Streams::Followed(framing) => framing.finish(),
            Streams::Noted(_) => Ok(()),
        }
    }

    /// What was noted.
    pub fn into_noted(self) -> Vec<Noted> {
        match self {
            Streams::Followed(_) => Vec::new(),
            Streams::Noted(all) => all,
        }
    }
}

/// The input was cut short: whoever wrote it did not finish.
#[derive(Debug, thiserror::Error)]
#[error("{place}: the input was cut short: {cut}")]
pub(super) struct Cut {
    /// Where that shows.
    pub place: String,
    /// How it shows.
    pub cut: CutShort,
}

impl Cut {
    /// What to tell of it; `undone` is what the tool would have done at the input's end.
    pub fn into_failure(self, undone: Option<String>) -> Failure {
        let undone = undone.map_or_else(String::new, |undone| format!("; {undone}"));
        let remedy = "see why the tools before this one ended";
        Failure::new(Status::Data, format!("{self}{undone}; {remedy}"))
    }
}

//! Where the records come from that are shown, whatever holds them.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::Chunk;
use crate::cli::shell::quoted;
use crate::tui::row::Changes;

/// Records by their numbers, from 0.
///
/// All of it is called from the thread that reads. Nothing waits for records to come.
pub trait Feed {
    /// The numbers of the records that can be read.
    fn span(&self) -> Range<u64>;

    /// The records around one of them; none if it cannot be read any more.
    ///
    /// # Errors
    /// When reading fails.
    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>>;

    /// Looks for more records, for a moment.
    ///
    /// # Errors
    /// When reading fails.
    fn advance(&mut self) -> anyhow::Result<Advance>;

    /// Before which number no record will be another one; only the last ones of a file may, whose
    /// last line may have no end yet.
    fn settled(&self) -> u64 {
        self.span().end
    }

    /// How often records have changed that were there.
    fn changes(&self) -> Changes {
        Changes::default()
    }

    /// How much of the input was seen, in thousandths; none if it is all.
    fn progress(&self) -> Option<u16> {
        None
    }

    /// Whether all has been read that there is; a file may grow later.
    fn has_ended(&self) -> bool;

    /// What is to be known about the input as a whole.
    fn note(&self) -> Option<String> {
        None
    }

    /// The number of the record at a place that the user wrote.
    ///
    /// # Errors
    /// When there is no such place, or reading fails.
    fn find(&mut self, place: &str) -> anyhow::Result<u64> {
        anyhow::bail!("'{place}' is not a place here; write a number, or a share like 50%")
    }

    /// A command line that prints records: these, or all, for which the condition is true.
    ///
    /// # Errors
    /// When there is none, or reading fails.
    fn command(
        &mut self,
        numbers: Option<Range<u64>>,
        condition: Option<&str>,
    ) -> anyhow::Result<Command> {
        let _ = (numbers, condition);
        anyhow::bail!("what came through a pipe has no command; s saves it")
    }
}

/// The command that prints the records of files.
///
/// # Errors
/// When only a part of them is wanted.
pub fn command_of_files<'a>(
    names: impl Iterator<Item = &'a str>,
    numbers: Option<Range<u64>>,
    condition: Option<&'a str>,
) -> anyhow::Result<Command> {
    if numbers.is_some() {
        anyhow::bail!("a part of a file has no command; s saves it");
    }
    let words = ["filter", condition.unwrap_or("true")].into_iter().chain(names);
    let line = words.map(|word| quoted(word, false)).collect::<Vec<_>>().join(" ");
    Ok(Command { line, but: None })
}

/// A command line that prints records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line.
    pub line: String,
    /// What it does not do as it was asked for, if there is something.
    pub but: Option<&'static str>,
}

/// What looking for more records came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// There is more to look at.
    More,
    /// There is nothing more, for the moment.
    Idle,
}

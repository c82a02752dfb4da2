//! Having others read a tool's input for it, as long as that is a pipe with nothing at hand.
//!
//! All of it is here, between the input and the loop that reads it: a decoder sees the lines that
//! are left, and nothing of those that others took.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::anyhow;

use super::counters::counters;
use super::input::{Input, Next};
use super::watch::Watch;

/// Who lends the input of a tool to others.
pub trait Lender {
    /// Has others read lines from the pipe, until there is a need to read it ourselves: one that
    /// wakes `watch`, among others.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn lend(&mut self, pipe: BorrowedFd<'_>, watch: &Watch) -> anyhow::Result<Back>;
}

/// How an input comes back.
#[derive(Debug, Default)]
pub struct Back {
    /// How many lines others have taken.
    pub lines: u64,
    /// What they have read behind these, and not taken.
    pub bytes: Vec<u8>,
}

/// Who in a tool lends its input now, if anyone does. All that was read before must be done then.
type Ready<S> = fn(&mut S) -> Option<&mut dyn Lender>;

/// The lending of an input of lines, if a tool does that.
pub struct Lending<S> {
    ready: Option<Ready<S>>,
    /// Whether all that was read of the source are whole lines, at least one.
    between_lines: bool,
}

impl<S> Lending<S> {
    /// Nobody else reads the input.
    pub fn off() -> Lending<S> {
        Lending { ready: None, between_lines: false }
    }

    /// Others read the input while `ready` gives who lends it.
    pub fn by(ready: Ready<S>) -> Lending<S> {
        Lending { ready: Some(ready), between_lines: false }
    }

    /// Reads as [`Input::read`] does, unless others have something to read first. Adds to `lines`
    /// how many these took.
    ///
    /// # Errors
    /// As [`Input::read`], and when the tool cannot go on.
    pub(super) fn read(
        &mut self,
        tool: &mut S,
        input: &mut Input,
        (block, patience): (&mut [u8], Option<Duration>),
        lines: &mut u64,
    ) -> anyhow::Result<Next> {
        let Some(ready) = self.ready else { return input.read(block, patience) };
        let lender = if self.between_lines { ready(tool) } else { None };
        let lent = lender.map_or(Ok(None), |lender| lend(lender, input, block, lines));
        let next = match lent? {
            Some(count) => Next::Bytes(count),
            None => input.read(block, patience)?,
        };
        match next {
            Next::Bytes(count) => {
                let last = count.checked_sub(1).and_then(|last| block.get(last));
                self.between_lines = last == Some(&b'\n');
            }
            Next::SourceEnd => self.between_lines = false,
            _ => {}
        }
        Ok(next)
    }
}

/// Lends the input, if it has nothing at hand. Gives how many bytes are then at the front of the
/// block; none if the input is to be read as ever.
fn lend(
    lender: &mut dyn Lender,
    input: &mut Input,
    block: &mut [u8],
    taken: &mut u64,
) -> anyhow::Result<Option<usize>> {
    if input.stopped().is_some() {
        return Ok(None);
    }
    match input.source().and_then(|source| source.poll_pipe(block)) {
        Some(0) => {}
        at_hand => return Ok(at_hand),
    }
    let Some((pipe, watch)) = input.pipe() else { return Ok(None) };
    counters().lend(true);
    let back = lender.lend(pipe, watch);
    counters().lend(false);
    let Back { lines, bytes } = back?;
    *taken += lines;
    let front = block.get_mut(..bytes.len());
    front.ok_or_else(|| anyhow!("more was returned than can be read"))?.copy_from_slice(&bytes);
    Ok(Some(bytes.len()).filter(|count| *count > 0))
}

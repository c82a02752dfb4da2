//! Having others read a tool's input for it, as long as that is a pipe with nothing at hand.

use std::os::fd::BorrowedFd;

use anyhow::anyhow;

use super::input::{Input, Watch};
use crate::record::decode::Decoder;

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

/// Lends the input, if nothing of a line is at hand. Tells how many bytes are then at the front of
/// the block; none if the input is to be read as ever.
pub(super) fn lend(
    lender: &mut dyn Lender,
    input: &mut Input,
    decoder: &mut dyn Decoder,
    block: &mut [u8],
) -> anyhow::Result<Option<usize>> {
    // Before the first line, there may be more at hand than the pipe tells.
    if decoder.between_lines().is_none_or(|lines| lines == 0) {
        return Ok(None);
    }
    match input.read_at_hand(block) {
        Some(0) => {}
        at_hand => return Ok(at_hand),
    }
    let Some((pipe, watch)) = input.lendable() else { return Ok(None) };
    let Back { lines, bytes } = lender.lend(pipe, watch)?;
    decoder.pass(lines);
    let front = block.get_mut(..bytes.len());
    front.ok_or_else(|| anyhow!("more was returned than can be read"))?.copy_from_slice(&bytes);
    Ok(Some(bytes.len()).filter(|count| *count > 0))
}

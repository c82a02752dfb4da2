//! Blocks of input, which are read into again when nobody works on them any more.

use std::collections::VecDeque;
use std::sync::Arc;

use super::input::BLOCK_BYTES;
use crate::sys::aligned::AlignedBuffer;

/// A block of input.
pub(super) type Block = Arc<AlignedBuffer>;

/// Blocks to read into, the next one first. Only where work on one goes on while others are read,
/// and only as long as that work is bounded, are there more than one.
#[derive(Default)]
pub(super) struct Blocks(VecDeque<Block>);

impl Blocks {
    /// A block that nobody works on any more.
    pub fn free(&mut self) -> &mut [u8] {
        let free = self.0.iter_mut().position(|block| Arc::get_mut(block).is_some());
        match free {
            Some(at) => self.0.swap(0, at),
            None => self.0.push_front(Arc::new(AlignedBuffer::new(BLOCK_BYTES))),
        }
        self.0.front_mut().and_then(Arc::get_mut).map_or(&mut [], |block| &mut **block)
    }

    /// The block that was read into.
    pub fn share(&self) -> Block {
        self.0.front().cloned().unwrap_or_default()
    }
}

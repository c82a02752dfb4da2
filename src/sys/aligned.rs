//! Buffers that the kernel copies into fast.

use std::ops::{Deref, DerefMut};

/// Where a buffer begins: at a multiple of this many bytes.
const ALIGNMENT: usize = 4096;

/// Bytes to read files into; they begin on a page.
///
/// A processor copies strings by one instruction, which is three times slower on some (AMD EPYC)
/// if neither end is on the line of a cache. Where a read begins in a file is not ours to choose;
/// where it goes is.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    room: Vec<u8>,
    begin: usize,
    length: usize,
}

impl AlignedBuffer {
    /// A buffer of so many bytes, all zero.
    pub fn new(length: usize) -> AlignedBuffer {
        let room = vec![0; length + ALIGNMENT];
        // An offset beyond the room is allowed by the contract of align_offset, not in practice.
        let begin = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        AlignedBuffer { room, begin, length }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.room.get(self.begin..self.begin + self.length).unwrap_or_default()
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.room.get_mut(self.begin..self.begin + self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_on_a_page_and_has_its_length() {
        for length in [0, 1, ALIGNMENT, 256 << 10] {
            let mut buffer = AlignedBuffer::new(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
            buffer.fill(1);
            assert!(buffer.iter().all(|byte| *byte == 1));
        }
        assert!(AlignedBuffer::default().is_empty());
    }
}

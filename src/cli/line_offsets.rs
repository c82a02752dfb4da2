//! Where the lines of an input begin, for those who are asked for the place of a record in bytes.

use std::collections::VecDeque;

/// Where the lines begin that may still be asked for.
#[derive(Debug, Default)]
pub(super) struct LineOffsets {
    /// Whether anyone asks.
    wanted: bool,
    /// The number of the first of `begins`, from 1.
    first: u64,
    begins: VecDeque<u64>,
}

impl LineOffsets {
    /// Offsets that will be asked for, if they are `wanted`.
    pub fn new(wanted: bool) -> LineOffsets {
        LineOffsets { wanted, ..LineOffsets::default() }
    }

    /// Another source begins.
    pub fn reset(&mut self) {
        self.begins.clear();
    }

    /// Sees the next bytes of the source, which begin at this offset.
    pub fn see(&mut self, block: &[u8], offset: u64) {
        if !self.wanted {
            return;
        }
        if self.begins.is_empty() {
            (self.first, self.begins) = (1, VecDeque::from([offset]));
        }
        let ends = memchr::memchr_iter(b'\n', block);
        self.begins.extend(ends.map(|end| offset + end as u64 + 1));
    }

    /// Where a line begins. Lines before it are not asked for again.
    pub fn of(&mut self, line: u64) -> u64 {
        while self.first < line && self.begins.len() > 1 {
            self.begins.pop_front();
            self.first += 1;
        }
        self.begins.front().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_after_line_ends() {
        let mut offsets = LineOffsets::new(true);
        offsets.see(b"1\n2", 3);
        assert_eq!((offsets.of(1), offsets.of(2)), (3, 5));
        offsets.see(b"2\n\n3\n", 6);
        assert_eq!((offsets.of(2), offsets.of(4)), (5, 9));
        offsets.reset();
        offsets.see(b"\n1", 0);
        assert_eq!(offsets.of(2), 1);
    }
}

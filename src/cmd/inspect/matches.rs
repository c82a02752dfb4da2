//! Which records a filter keeps: a bit for each, with counts between them, so that both the records
//! of a screen and the place of a record are found at once, among any number of them.

use std::collections::VecDeque;

/// How many bits are counted together.
const BLOCK_BITS: u64 = 512;

/// The records that a filter has kept so far.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// How many blocks are no longer held.
    gone: u64,
    /// How many records they had that were kept.
    gone_kept: u64,
    blocks: VecDeque<Block>,
    /// How many records have been filtered.
    length: u64,
    /// How many of them were kept.
    kept: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// How many were kept before it.
    before: u64,
    words: [u64; 8],
}

impl Block {
    /// How many are kept of its first `count`.
    fn kept(&self, count: u64) -> u64 {
        let full = (count / 64) as usize;
        let words = self.words.iter().take(full).map(|word| u64::from(word.count_ones()));
        let rest = self
            .words
            .get(full)
            .map_or(0, |word| u64::from((word & ((1 << (count % 64)) - 1)).count_ones()));
        words.sum::<u64>() + rest
    }

    /// Which of its records is number `index` of those that are kept.
    fn position(&self, mut index: u64) -> Option<u64> {
        for (number, word) in (0..).zip(self.words) {
            let ones = u64::from(word.count_ones());
            if index < ones {
                let mut word = word;
                (0..index).for_each(|_| word &= word - 1);
                return Some(number * 64 + u64::from(word.trailing_zeros()));
            }
            index -= ones;
        }
        None
    }
}

impl Matches {
    /// The first records are gone, and count as left out.
    pub fn from(number: u64) -> Matches {
        let gone = number / BLOCK_BITS;
        let mut matches = Matches { gone, length: gone * BLOCK_BITS, ..Matches::default() };
        (matches.length..number).for_each(|_| matches.push(false));
        matches
    }

    /// How many records have been filtered.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many were kept.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// Takes the next record.
    pub fn push(&mut self, keep: bool) {
        let at = self.length % BLOCK_BITS;
        if at == 0 {
            self.blocks.push_back(Block { before: self.kept, ..Block::default() });
        }
        if keep && let Some(block) = self.blocks.back_mut() {
            if let Some(word) = block.words.get_mut((at / 64) as usize) {
                *word |= 1 << (at % 64);
            }
            self.kept += 1;
        }
        self.length += 1;
    }

    /// Takes back the records from `length` on.
    pub fn truncate(&mut self, length: u64) {
        if length >= self.length {
            return;
        }
        let length = length.max(self.gone * BLOCK_BITS);
        self.kept = self.rank(length);
        self.length = length;
        let (full, rest) = (length / BLOCK_BITS - self.gone, length % BLOCK_BITS);
        self.blocks.truncate((full + u64::from(rest > 0)) as usize);
        if let (1.., Some(block)) = (rest, self.blocks.back_mut()) {
            for (number, word) in (0..).zip(&mut block.words) {
                let left = rest.saturating_sub(number * 64);
                *word &= if left >= 64 { u64::MAX } else { (1 << left) - 1 };
            }
        }
    }

    /// The records before `number` will not be asked for any more.
    pub fn forget(&mut self, number: u64) {
        while (self.gone + 1) * BLOCK_BITS <= number.min(self.length) {
            self.blocks.pop_front();
            self.gone += 1;
            self.gone_kept = self.blocks.front().map_or(self.kept, |block| block.before);
        }
    }

    /// How many records before `number` were kept.
    pub fn rank(&self, number: u64) -> u64 {
        if number >= self.length {
            return self.kept;
        }
        let Some(at) = (number / BLOCK_BITS).checked_sub(self.gone) else { return self.gone_kept };
        let block = self.blocks.get(at as usize);
        block.map_or(self.kept, |block| block.before + block.kept(number % BLOCK_BITS))
    }

    /// The number of the record that is kept as number `index`, from 0.
    pub fn select(&self, index: u64) -> Option<u64> {
        if index < self.gone_kept || index >= self.kept {
            return None;
        }
        let at = self.blocks.partition_point(|block| block.before <= index).checked_sub(1)?;
        let block = self.blocks.get(at)?;
        let within = block.position(index - block.before)?;
        Some((self.gone + at as u64) * BLOCK_BITS + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agrees(matches: &Matches, bits: &[bool], gone: u64) {
        let kept: Vec<u64> = (0..).zip(bits).filter(|(_, keep)| **keep).map(|(at, _)| at).collect();
        assert_eq!((matches.length(), matches.kept()), (bits.len() as u64, kept.len() as u64));
        for (index, number) in (0..).zip(&kept).filter(|(_, number)| **number >= gone) {
            assert_eq!(matches.select(index), Some(*number));
        }
        assert_eq!(matches.select(kept.len() as u64), None);
        for number in gone..=bits.len() as u64 {
            let before = kept.iter().filter(|kept| **kept < number).count() as u64;
            assert_eq!(matches.rank(number), before, "{number}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_list(
            bits in prop::collection::vec(any::<bool>(), 0..2000),
            cut in 0_usize..2000,
            more in prop::collection::vec(any::<bool>(), 0..700),
            gone in 0_u64..3000,
        ) {
            let mut matches = Matches::default();
            bits.iter().for_each(|keep| matches.push(*keep));
            agrees(&matches, &bits, 0);
            let mut bits = bits;
            bits.truncate(cut);
            matches.truncate(cut as u64);
            more.iter().for_each(|keep| matches.push(*keep));
            bits.extend(more);
            agrees(&matches, &bits, 0);
            matches.forget(gone);
            agrees(&matches, &bits, gone.min(bits.len() as u64));
        }
    }

    #[test]
    fn it_may_begin_late() {
        let mut matches = Matches::from(1000);
        matches.push(true);
        assert_eq!(
            (matches.length(), matches.select(0), matches.rank(1001)),
            (1001, Some(1000), 1)
        );
    }
}

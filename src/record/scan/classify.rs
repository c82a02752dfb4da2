//! What each of 64 bytes is, by plain arithmetic.

use super::STEP;

/// Which of 64 bytes are what; the lowest bit stands for the first byte.
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// `{}[]:,`, and two control characters that the reader tells from them.
    pub(super) operator: u64,
    /// White space of JSON.
    pub(super) space: u64,
    pub(super) line_end: u64,
    /// Below 0x20.
    pub(super) control: u64,
    /// Not zero if any byte is outside ASCII.
    pub(super) high: u64,
}

/// A way to find out.
pub(super) trait Classify {
    /// Of trusted text, `control` and `high` are left out.
    fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks;
    /// Each bit is the parity of itself and those below it.
    fn parity(bits: u64) -> u64;
    /// Writes the positions of the bits that are set, counted from `base`; returns how many. What
    /// is behind those in `out` may be overwritten.
    #[inline(always)]
    fn write(mut bits: u64, base: u32, out: &mut [u32; STEP]) -> usize {
        let count = bits.count_ones() as usize;
        let (eights, _) = out.as_chunks_mut::<8>();
        // Eight at once: what is written too much is written over by the next.
        for eight in eights.iter_mut().take(count.div_ceil(8)) {
            for place in eight {
                *place = base.wrapping_add(bits.trailing_zeros());
                bits &= bits.wrapping_sub(1);
            }
        }
        count
    }
}

/// Eight bytes at a time in a common register.
pub(super) struct Portable;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// The high bit of each byte that is zero; exact, no borrow crosses bytes.
fn zero(word: u64) -> u64 {
    !(((word & !HIGH) + !HIGH) | word) & HIGH
}

/// The high bits of eight bytes, gathered.
fn gather(high: u64) -> u64 {
    (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

impl Classify for Portable {
    fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks {
        let mut masks = Masks {
            quote: 0,
            backslash: 0,
            operator: 0,
            space: 0,
            line_end: 0,
            control: 0,
            high: 0,
        };
        let (words, _) = bytes.as_chunks::<8>();
        for (at, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let is = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
            let folded = word | (ONES * 0x20);
            let is_folded = |byte: u8| zero(folded ^ (ONES * u64::from(byte)));
            let line_end = is(b'\n');
            let space = is(b' ') | is(b'\t') | is(b'\r') | line_end;
            // Brackets and braces differ in the bit 0x20 alone.
            let operators = [b'{', b'}', b',', b':'];
            let operator = operators.into_iter().fold(0, |all, byte| all | is_folded(byte));
            // Below 0x20: the three highest bits are zero.
            let control = zero(word & (ONES * 0xe0));
            let put = |mask: &mut u64, high: u64| *mask |= gather(high) << (8 * at);
            put(&mut masks.quote, is(b'"'));
            put(&mut masks.backslash, is(b'\\'));
            put(&mut masks.operator, operator);
            put(&mut masks.space, space);
            put(&mut masks.line_end, line_end);
            if !TRUSTED {
                put(&mut masks.control, control);
                masks.high |= word & HIGH;
            }
        }
        masks
    }

    fn parity(bits: u64) -> u64 {
        [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, by| bits ^ (bits << by))
    }
}

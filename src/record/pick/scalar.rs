//! Whether a number or a word is one, up to its end.

use super::super::text;

/// Whether this word stands at `start`, and ends there.
#[inline(always)]
pub(super) fn is_word(text: &[u8], start: usize, word: &[u8]) -> bool {
    let end = start + word.len();
    text.get(start..end) == Some(word) && ends_at(text, end)
}

/// Whether a number begins at `start`, by the grammar of JSON, and nothing is behind it.
#[inline(always)]
pub(super) fn is_number(text: &[u8], start: usize) -> bool {
    let Some(first) = text.get(start..).and_then(<[u8]>::first_chunk::<8>) else {
        return is_long_number(text, start);
    };
    // Most numbers are not longer than this, and can be looked at in a register.
    let word = u64::from_le_bytes(*first);
    let others = not_digits(word);
    let whole = others.trailing_zeros() / 8;
    let behind = (word >> (8 * whole).min(56)) as u8;
    // No leading zero, which the first byte would be.
    if whole == 0 || whole == 8 || (word as u8 == b'0' && whole > 1) {
        return is_longer_number(text, start);
    }
    if ends(behind) {
        return true;
    }
    let fraction_at = 8 * (whole + 1);
    if behind == b'.' && fraction_at < 64 {
        let fraction = (others >> fraction_at).trailing_zeros() / 8;
        let behind = fraction_at + 8 * fraction;
        if fraction > 0 && behind < 64 && ends((word >> behind) as u8) {
            return true;
        }
    }
    is_longer_number(text, start)
}

/// The same for a number of more than seven letters, or with a sign.
#[inline(always)]
fn is_longer_number(text: &[u8], start: usize) -> bool {
    let minus = usize::from(text.get(start) == Some(&b'-'));
    let whole = digits(text, start + minus);
    let zero = text.get(start + minus) == Some(&b'0');
    if whole == 0 || whole > 15 || (zero && whole > 1) {
        return is_long_number(text, start);
    }
    let end = start + minus + whole;
    if ends_at(text, end) {
        return true;
    }
    if text.get(end) == Some(&b'.') {
        let fraction = digits(text, end + 1);
        if (1..=15).contains(&fraction) && ends_at(text, end + 1 + fraction) {
            return true;
        }
    }
    is_long_number(text, start)
}

/// The same for a number that is longer or rarer than most, or wrong.
#[cold]
#[inline(never)]
fn is_long_number(text: &[u8], start: usize) -> bool {
    let rest = text.get(start..).unwrap_or_default();
    let inside = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let length = rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len());
    let number = rest.get(..length).unwrap_or_default();
    text::is_number(number) && ends_at(text, start + length)
}

/// Whether a number or word ends before the byte at `at`.
#[inline(always)]
fn ends_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| ends(*byte))
}

/// Whether a number or word ends before this byte.
#[inline(always)]
fn ends(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')
}

/// The high bit of each of eight bytes that is no digit.
#[inline(always)]
fn not_digits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // Without their high bits digits are at most 9: adding 0x76 leaves it clear.
    let folded = word ^ (ONES * 0x30);
    (((folded & !HIGH) + ONES * 0x76) | folded) & HIGH
}

/// How many of the sixteen bytes at `at` are digits before the first that is none.
#[inline(always)]
fn digits(text: &[u8], at: usize) -> usize {
    let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<16>) else { return 16 };
    let both = u128::from_le_bytes(*bytes);
    let (low, high) = (not_digits(both as u64), not_digits((both >> 64) as u64));
    let zeros = if low != 0 { low.trailing_zeros() } else { 64 + high.trailing_zeros() };
    (zeros / 8) as usize
}

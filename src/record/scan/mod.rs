//! The structure of JSON text, found 64 bytes at a time.
//!
//! A [`Scanner`] goes through a block of lines once and gives the positions of what the grammar is
//! made of: brackets, commas and colons outside strings; where strings and other scalars begin; the
//! line ends; and what needs a second look inside strings: backslashes that begin an escape and,
//! unless the text is trusted, control characters. Everything between two positions is white space,
//! or the rest of a scalar. A position does not say whether it is inside a string, so a backslash
//! outside of all strings, which no JSON has, makes the text unsound from there on. This is the
//! first stage of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019), run
//! over many short records at once.
//!
//! - `classify`: what each of 64 bytes is, by plain arithmetic.
//! - `avx2`, `avx512`: the same with wider registers and carry-less multiplication, where the
//!   processor has them; the only modules with `unsafe`. `neon`: with those of aarch64.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod classify;
#[cfg(target_arch = "aarch64")]
mod neon;

use classify::Classify;

/// How many positions are found ahead: a few pages of the text, so that they stay in the cache.
const AHEAD: usize = 2048;

/// How many of them are found at first.
const FIRST: usize = 2 * STEP;

/// How many bytes are looked at in one step.
const STEP: usize = 64;

/// What stands for a position behind all text.
const NOWHERE: u32 = u32::MAX;

/// The longest text, in bytes: its positions fit in 32 bits.
pub const TEXT_BYTES_MAX: usize = 1 << 30;

/// Finds the structure of a text; keeps its space between texts.
pub struct Scanner {
    /// The positions found and not yet used up, from `at` to the first [`NOWHERE`].
    ahead: Box<[u32; AHEAD]>,
    at: usize,
    /// How far ahead to look next: little at first, as whoever finds something odd starts anew.
    far: usize,
    state: State,
    fill: Fill,
    /// Up to where the text is known to be UTF-8, or wrong.
    utf8_until: usize,
    /// Where the text first stops being UTF-8, or has a backslash outside of all strings.
    unsound_at: usize,
}

/// What carries over from one step to the next.
#[derive(Clone, Copy)]
struct State {
    /// The first byte that was not looked at.
    next: usize,
    /// All ones inside a string.
    in_string: u64,
    /// 1 if the next byte is escaped.
    escaped: u64,
    /// 1 if the last byte belonged to a scalar other than a closing string.
    in_scalar: u64,
    /// Not zero if a byte outside ASCII was seen.
    high: u64,
    /// The first backslash outside of all strings; nowhere in trusted text.
    stray_at: usize,
}

impl State {
    /// The state before the byte `next`, where a line begins.
    fn at(next: usize) -> State {
        State { next, in_string: 0, escaped: 0, in_scalar: 0, high: 0, stray_at: usize::MAX }
    }

    /// Notes backslashes outside of all strings, a bit for each.
    #[cold]
    fn note_strays(&mut self, strays: u64) {
        self.stray_at = self.stray_at.min(self.next + strays.trailing_zeros() as usize);
    }
}

/// Looks at the text from `state` on until `ahead` is nearly full; returns how many positions it
/// found.
type Fill = fn(&[u8], &mut State, &mut [u32], bool) -> usize;

impl Default for Scanner {
    fn default() -> Self {
        Scanner::with(best())
    }
}

/// The fastest way of this machine.
fn best() -> Fill {
    #[cfg(target_arch = "x86_64")]
    if let Some(fill) = avx512::fill().or_else(avx2::fill) {
        return fill;
    }
    #[cfg(target_arch = "aarch64")]
    return neon::fill;
    #[cfg(not(target_arch = "aarch64"))]
    portable
}

#[cfg(any(test, not(target_arch = "aarch64")))]
fn portable(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    match trusted {
        false => fill::<classify::Portable, false>(text, state, ahead),
        true => fill::<classify::Portable, true>(text, state, ahead),
    }
}

impl Scanner {
    fn with(fill: Fill) -> Scanner {
        Scanner {
            ahead: Box::new([NOWHERE; AHEAD]),
            at: 0,
            far: FIRST,
            state: State::at(0),
            fill,
            utf8_until: 0,
            unsound_at: usize::MAX,
        }
    }

    /// Starts anew at the byte `start` of a text, where a line begins.
    pub fn restart(&mut self, start: usize) {
        self.at = 0;
        self.ahead[0] = NOWHERE;
        self.far = FIRST;
        self.state = State::at(start);
        self.utf8_until = start;
        self.unsound_at = usize::MAX;
    }

    /// The next position and the byte that is there; behind the text a line end, over and over.
    #[inline(always)]
    pub fn next(&mut self, text: &[u8], trusted: bool) -> (usize, u8) {
        let position = self.ahead[self.at % AHEAD] as usize;
        self.at += 1;
        match text.get(position) {
            Some(&byte) => (position, byte),
            None => self.refill(text, trusted),
        }
    }

    /// The next four positions, if they are known yet.
    #[inline(always)]
    pub fn four(&self) -> Option<[u32; 4]> {
        self.ahead.get(self.at..)?.first_chunk::<4>().copied()
    }

    /// Takes the four positions that [`Scanner::four`] gave.
    #[inline(always)]
    pub fn take_four(&mut self) {
        self.at += 4;
    }

    /// Whether the text up to `end`, a position that was given, is UTF-8, and has no backslash
    /// outside of strings. Of trusted text this is not known.
    #[inline(always)]
    pub fn is_sound(&self, end: usize) -> bool {
        end <= self.unsound_at
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, text: &[u8], trusted: bool) -> (usize, u8) {
        self.at = 0;
        let mut found = 0;
        while found == 0 && self.state.next < text.len() {
            // The last place is kept for what ends the positions.
            let far = self.far.min(AHEAD - 1);
            let ahead = self.ahead.get_mut(..far).unwrap_or_default();
            found = (self.fill)(text, &mut self.state, ahead, trusted);
        }
        self.far = (2 * self.far).min(AHEAD);
        if let Some(end) = self.ahead.get_mut(found) {
            *end = NOWHERE;
        }
        if self.state.high != 0 && !trusted {
            self.check_utf8(text);
        }
        self.unsound_at = self.unsound_at.min(self.state.stray_at);
        match self.ahead.first().and_then(|at| Some((*at as usize, *text.get(*at as usize)?))) {
            Some(first) => {
                self.at = 1;
                first
            }
            None => (text.len(), b'\n'),
        }
    }

    /// Checks what was looked at since the last time, up to where a character begins.
    fn check_utf8(&mut self, text: &[u8]) {
        self.state.high = 0;
        let mut end = self.state.next.min(text.len());
        while end > self.utf8_until && text.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        let part = text.get(self.utf8_until..end).unwrap_or_default();
        if simdutf8::basic::from_utf8(part).is_err() {
            let valid = simdutf8::compat::from_utf8(part).err().map_or(0, |e| e.valid_up_to());
            self.unsound_at = self.unsound_at.min(self.utf8_until + valid);
        }
        self.utf8_until = end;
    }
}

#[inline(always)]
fn fill<C: Classify, const TRUSTED: bool>(
    text: &[u8],
    state: &mut State,
    ahead: &mut [u32],
) -> usize {
    let mut now = *state;
    let mut found = 0;
    while let Some(out) = ahead.get_mut(found..).and_then(<[u32]>::first_chunk_mut::<STEP>) {
        let Some(rest) = text.get(now.next..) else { break };
        let bits = match rest.first_chunk::<STEP>() {
            Some(bytes) => step::<C, TRUSTED>(bytes, &mut now),
            None if rest.is_empty() => break,
            None => {
                let mut bytes = [b' '; STEP];
                bytes[..rest.len()].copy_from_slice(rest);
                step::<C, TRUSTED>(&bytes, &mut now)
            }
        };
        found += C::write(bits, now.next as u32, out);
        now.next += STEP;
    }
    *state = now;
    found
}

/// The positions in 64 bytes, a bit for each.
#[inline(always)]
fn step<C: Classify, const TRUSTED: bool>(bytes: &[u8; STEP], state: &mut State) -> u64 {
    let is = C::classify::<TRUSTED>(bytes);
    let escaped = escaped(is.backslash, &mut state.escaped);
    let quotes = is.quote & !escaped;
    // From an opening quote to before its closing one.
    let in_string = C::parity(quotes) ^ state.in_string;
    state.in_string = ((in_string as i64) >> 63) as u64;
    let strays = is.backslash & !in_string;
    if !TRUSTED && strays != 0 {
        state.note_strays(strays);
    }
    let scalar = !(is.operator | is.space);
    let plain = scalar & !quotes;
    let begins = scalar & !(plain << 1 | state.in_scalar);
    state.in_scalar = plain >> 63;
    // Neither a string's inside nor its closing quote.
    let structure = (is.operator | begins) & !(in_string ^ quotes) | is.line_end;
    state.high |= is.high;
    structure | (is.backslash & !escaped | is.control) & in_string
}

/// The bytes that a backslash before them escapes.
#[inline(always)]
fn escaped(backslash: u64, carry: &mut u64) -> u64 {
    if backslash == 0 {
        return std::mem::take(carry);
    }
    // Of each run of backslashes, every second one is escaped, and what follows an odd run. A run
    // that begins at an odd place is told from one that begins at an even place by subtraction.
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starting = backslash & !*carry;
    let follows = (starting << 1) | ODD;
    let odd_ends = follows.wrapping_sub(starting) ^ ODD;
    let escaped = odd_ends ^ (backslash | *carry);
    *carry = (odd_ends & backslash) >> 63;
    escaped
}

/// All ways that this machine has.
#[cfg(test)]
fn ways() -> Vec<Fill> {
    let mut ways = vec![portable as Fill];
    #[cfg(target_arch = "x86_64")]
    ways.extend([avx2::fill(), avx512::fill()].into_iter().flatten());
    #[cfg(target_arch = "aarch64")]
    ways.push(neon::fill);
    ways
}

/// A scanner of each way that this machine has.
#[cfg(test)]
pub(super) fn scanners() -> Vec<Scanner> {
    ways().into_iter().map(Scanner::with).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions(scanner: &mut Scanner, text: &[u8], start: usize, trusted: bool) -> Vec<usize> {
        scanner.restart(start);
        let next = || Some(scanner.next(text, trusted).0).filter(|at| *at < text.len());
        std::iter::from_fn(next).collect()
    }

    /// The same, byte by byte.
    fn slowly(text: &[u8], start: usize, trusted: bool) -> Vec<usize> {
        let (mut in_string, mut escaped, mut in_scalar) = (false, false, false);
        let mut found = Vec::new();
        for (at, &byte) in text.iter().enumerate().skip(start) {
            let is_escaped = std::mem::take(&mut escaped);
            escaped = byte == b'\\' && !is_escaped;
            let quote = byte == b'"' && !is_escaped;
            let operator = matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | 0x0c | 0x1a);
            let plain = !operator && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && !quote;
            let begins = operator || quote && !in_scalar || plain && !in_scalar;
            let control = byte < 0x20 && !trusted;
            let told = in_string && !quote && (escaped || control);
            if byte == b'\n' || begins && !in_string || told {
                found.push(at);
            }
            in_string ^= quote;
            in_scalar = plain;
        }
        found
    }

    #[test]
    fn the_structure_of_a_line_is_found() {
        let text = br#"{"a\"":[12, true],"b":"\\"}"#;
        let found = positions(&mut Scanner::default(), text, 0, false);
        assert_eq!(found, [0, 1, 3, 6, 7, 8, 10, 12, 16, 17, 18, 21, 22, 23, 26]);
        let trusted = positions(&mut Scanner::default(), text, 0, true);
        assert_eq!(trusted, found);
    }

    #[test]
    fn text_that_is_not_utf8_is_noticed_where_it_is() {
        let text =
            [vec![b'a'; 61], "\u{1f600}\n".into(), vec![b'\xc3'; 2], b"\n".to_vec()].concat();
        for fill in ways() {
            let mut scanner = Scanner::with(fill);
            assert_eq!(positions(&mut scanner, &text, 0, false), [0, 65, 66, 68]);
            assert!(scanner.is_sound(66) && !scanner.is_sound(67));
        }
    }

    #[test]
    fn a_backslash_outside_of_strings_is_noticed_where_it_is() {
        for mut scanner in scanners() {
            for before in 0..2 * STEP {
                let inside = format!("{}[\"\\\\\\\"\"", " ".repeat(before));
                let stray = format!("{inside}\\n]\n");
                positions(&mut scanner, stray.as_bytes(), 0, false);
                assert!(scanner.is_sound(inside.len()) && !scanner.is_sound(inside.len() + 1));
                positions(&mut scanner, format!("{inside}]\n").as_bytes(), 0, false);
                assert!(scanner.is_sound(usize::MAX));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn every_way_finds_the_same(
            text in "([\\\\\\\\\"\\\\\" {}\\[\\],:\n\ta0é\u{c}\u{1a}\u{1}-]|[ab]{40}|\\\\){0,300}",
            start in 0..9_usize,
        ) {
            let text = text.as_bytes();
            for trusted in [false, true] {
                let expected = slowly(text, start, trusted);
                for fill in ways() {
                    let mut scanner = Scanner::with(fill);
                    let found = positions(&mut scanner, text, start, trusted);
                    prop_assert_eq!(&found, &expected, "{:?}", String::from_utf8_lossy(text));
                }
            }
        }
    }
}

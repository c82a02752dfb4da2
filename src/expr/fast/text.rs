//! Room for the texts that an evaluation makes, and what escapes stand for.

use super::Stop;

/// How much room there is; what needs more is left to others.
pub(super) const SCRATCH_BYTES: usize = 64 << 10;

/// Room that is handed out piece by piece, and is whole again for the next record.
pub(super) struct Scratch<'r> {
    free: &'r mut [u8],
}

impl<'r> Scratch<'r> {
    pub(super) fn new(room: &'r mut [u8]) -> Self {
        Scratch { free: room }
    }

    /// Takes a piece of this many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'r mut [u8], Stop> {
        let free = std::mem::take(&mut self.free);
        let (taken, rest) = free.split_at_mut_checked(bytes).ok_or(Stop::Fallback)?;
        self.free = rest;
        Ok(taken)
    }

    /// Keeps a copy.
    pub(super) fn keep(&mut self, text: &[u8]) -> Result<&'r [u8], Stop> {
        let kept = self.take(text.len())?;
        kept.copy_from_slice(text);
        Ok(kept)
    }

    /// Several texts, one after the other.
    pub(super) fn join(&mut self, texts: &[&[u8]]) -> Result<&'r [u8], Stop> {
        let room = self.take(texts.iter().map(|text| text.len()).sum())?;
        let mut rest = &mut *room;
        for text in texts {
            let (here, behind) = rest.split_at_mut_checked(text.len()).ok_or(Stop::Fallback)?;
            here.copy_from_slice(text);
            rest = behind;
        }
        Ok(room)
    }

    /// What a string's inside stands for.
    pub(super) fn decode(&mut self, inside: &[u8]) -> Result<&'r [u8], Stop> {
        let room = self.take(inside.len())?;
        let length = decode(inside, room).ok_or(Stop::Fallback)?;
        room.get(..length).ok_or(Stop::Fallback)
    }
}

/// Decodes a string's inside, valid JSON, which never makes it longer; returns its length.
pub(super) fn decode(inside: &[u8], out: &mut [u8]) -> Option<usize> {
    let (mut from, mut to) = (0, 0);
    loop {
        let rest = inside.get(from..)?;
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.get_mut(to..to + plain)?.copy_from_slice(rest.get(..plain)?);
        to += plain;
        let Some(escape) = rest.get(plain + 1..).filter(|escape| !escape.is_empty()) else {
            return Some(to);
        };
        let (letter, length) = escaped(escape)?;
        let mut utf8 = [0; 4];
        let utf8 = letter.encode_utf8(&mut utf8).as_bytes();
        out.get_mut(to..to + utf8.len())?.copy_from_slice(utf8);
        to += utf8.len();
        from += plain + 1 + length;
    }
}

/// What an escape stands for, from behind its backslash, and how long it is there.
fn escaped(escape: &[u8]) -> Option<(char, usize)> {
    let letter = match escape.first()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(escape),
        itself => char::from(*itself),
    };
    Some((letter, 1))
}

/// The letter of `uXXXX`; half a surrogate pair stands for U+FFFD.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let hex = |from: usize| {
        let digits = str::from_utf8(escape.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = hex(1)?;
    if (0xd800..0xdc00).contains(&first)
        && escape.get(5..7) == Some(b"\\u")
        && let Some(second) = hex(7).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let letter = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
        return Some((letter, 11));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5))
}

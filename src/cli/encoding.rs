//! What the first bytes of an input say of it: how it is compressed, and how its text is encoded.

/// The UTF-8 byte order mark.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes say what an input is, whatever it is.
pub(super) const SIGN_BYTES_MAX: usize = 6;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Text, as it is.
    Plain,
    /// Text behind a byte order mark, which is no part of it.
    Marked,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Utf16,
}

/// How an encoding's files begin: each byte, and which of its bits count.
type Sign = &'static [(u8, u8)];

const SIGNS: [(Encoding, Sign); 8] = [
    (Encoding::Gzip, &[(0x1f, 0xff), (0x8b, 0xff)]),
    (Encoding::Zstd, &[(0x28, 0xff), (0xb5, 0xff), (0x2f, 0xff), (0xfd, 0xff)]),
    // A skippable frame (RFC 8878, section 3.1.2), with which pzstd's files begin.
    (Encoding::Zstd, &[(0x50, 0xf0), (0x2a, 0xff), (0x4d, 0xff), (0x18, 0xff)]),
    (
        Encoding::Bzip2,
        &[(b'B', 0xff), (b'Z', 0xff), (b'h', 0xff), (0x30, 0xf0), (0x31, 0xff), (0x41, 0xff)],
    ),
    (Encoding::Xz, &[(0xfd, 0xff), (b'7', 0xff), (b'z', 0xff), (b'X', 0xff), (b'Z', 0xff)]),
    (Encoding::Utf16, &[(0xff, 0xff), (0xfe, 0xff)]),
    (Encoding::Utf16, &[(0xfe, 0xff), (0xff, 0xff)]),
    (Encoding::Marked, &[(0xef, 0xff), (0xbb, 0xff), (0xbf, 0xff)]),
];

impl Encoding {
    /// What an input is that begins with these bytes; none if more of them must be seen. It takes
    /// no more than needed: a live pipe's next bytes may be long in coming.
    pub fn of(start: &[u8]) -> Option<Encoding> {
        let begins =
            |sign: Sign| start.iter().zip(sign).all(|(byte, (value, bits))| byte & bits == *value);
        if SIGNS.iter().any(|(_, sign)| start.len() < sign.len() && begins(sign)) {
            return None;
        }
        let found = SIGNS.iter().find(|(_, sign)| start.len() >= sign.len() && begins(sign));
        Some(found.map_or(Encoding::Plain, |(encoding, _)| *encoding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_looked_at_than_it_takes() {
        for (text, looked_at) in [("{\"a\":1}", 1), ("BZ2\n", 3), ("P,Q\n", 2), ("\u{fe00}", 2)] {
            for known in 0..looked_at {
                assert_eq!(Encoding::of(&text.as_bytes()[..known]), None, "{text:?}");
            }
            for known in looked_at..=text.len() {
                let plain = Some(Encoding::Plain);
                assert_eq!(Encoding::of(&text.as_bytes()[..known]), plain, "{text:?}");
            }
        }
        assert!(SIGNS.iter().all(|(_, sign)| sign.len() <= SIGN_BYTES_MAX));
    }
}

//! What the first bytes of an input say of it: how it is compressed, and how its text is encoded.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// How much of a gzip file is read at once.
const GZIP_BLOCK_BYTES: usize = 64 << 10;

/// The UTF-8 byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

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

/// Reads the first bytes, and tells what they are the beginning of: only as many as it takes, so
/// that a live pipe's first bytes are never waited for longer than needed.
///
/// # Errors
/// When reading fails.
pub(super) fn look_ahead(input: &mut impl Read) -> io::Result<(Encoding, Vec<u8>)> {
    let mut start = Vec::new();
    let begins = |sign: Sign, start: &[u8]| {
        start.iter().zip(sign).all(|(byte, (value, bits))| byte & bits == *value)
    };
    while SIGNS.iter().any(|(_, sign)| start.len() < sign.len() && begins(sign, &start)) {
        let mut byte = [0];
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => start.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let found = SIGNS.iter().find(|(_, sign)| start.len() >= sign.len() && begins(sign, &start));
    Ok((found.map_or(Encoding::Plain, |(encoding, _)| *encoding), start))
}

/// The text of an input that is compressed, without a byte order mark; text is given as it is.
///
/// # Errors
/// When it is of a kind that is not read as it is; the message has the command that converts it.
pub(super) fn decompressed(
    encoding: Encoding,
    input: impl Read + 'static,
) -> io::Result<Box<dyn Read>> {
    let other = |what: &str| {
        let why = format!("{what}, and read the output");
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    };
    match encoding {
        Encoding::Plain | Encoding::Marked => Ok(Box::new(input)),
        Encoding::Gzip => Ok(Box::new(Unmarked::new(Members::new(input)))),
        Encoding::Zstd => Ok(Box::new(Unmarked::new(zstd::stream::read::Decoder::new(input)?))),
        Encoding::Bzip2 => other("it is compressed with bzip2; decompress it: bzip2 -dc FILE"),
        Encoding::Xz => other("it is compressed with xz; decompress it: xz -dc FILE"),
        Encoding::Utf16 => other("its text is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE"),
    }
}

/// Says in our words what a decompressor says in its own.
pub(super) fn describe(error: io::Error) -> io::Error {
    match error.kind() {
        _ if error.get_ref().is_some_and(|inner| inner.is::<Trailing>()) => error,
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the compressed input is cut short")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            let why = format!("the compressed input is damaged: {error}");
            io::Error::new(io::ErrorKind::InvalidData, why)
        }
        _ => error,
    }
}

/// What follows compressed data and is none.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("data that is not gzip follows the compressed data, all of which was read")]
struct Trailing;

/// The members of a gzip file, one after the other. Zeros behind the last one are padding, as tapes
/// and blocks of devices have it; gzip takes them, too.
enum Members<R> {
    Inside(GzDecoder<BufReader<R>>),
    Between(BufReader<R>),
    Over,
}

impl<R: Read> Members<R> {
    fn new(input: R) -> Members<R> {
        Members::Between(BufReader::with_capacity(GZIP_BLOCK_BYTES, input))
    }

    /// Goes on to the next member, if there is one.
    fn next(&mut self, mut input: BufReader<R>) -> io::Result<()> {
        loop {
            let (zeros, end) = match input.fill_buf() {
                Ok(block) => {
                    let zeros = block.iter().take_while(|byte| **byte == 0).count();
                    (zeros, block.get(zeros).copied())
                }
                Err(error) => {
                    *self = Members::Between(input);
                    return Err(error);
                }
            };
            input.consume(zeros);
            match end {
                Some(0x1f) => {
                    *self = Members::Inside(GzDecoder::new(input));
                    return Ok(());
                }
                Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, Trailing)),
                None if zeros == 0 => return Ok(()),
                None => {}
            }
        }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Members::Over) {
                Members::Over => return Ok(0),
                Members::Between(input) => self.next(input)?,
                Members::Inside(mut member) => {
                    let read = member.read(block);
                    if !matches!(read, Ok(0)) || block.is_empty() {
                        *self = Members::Inside(member);
                        return read;
                    }
                    *self = Members::Between(member.into_inner());
                }
            }
        }
    }
}

/// A text without the byte order mark that it may begin with.
struct Unmarked<R> {
    input: R,
    /// What was read of the text's first bytes, and is still to be given.
    start: VecDeque<u8>,
    /// Whether it is certain if they are a mark.
    settled: bool,
}

impl<R: Read> Unmarked<R> {
    fn new(input: R) -> Unmarked<R> {
        Unmarked { input, start: VecDeque::new(), settled: false }
    }

    /// Reads the first bytes as long as they may be a mark; leaves one out.
    fn settle(&mut self) -> io::Result<()> {
        while self.start.len() < MARK.len() && self.start.iter().eq(&MARK[..self.start.len()]) {
            let mut byte = [0];
            if self.input.read(&mut byte)? == 0 {
                break;
            }
            self.start.extend(byte);
        }
        if self.start.iter().eq(MARK) {
            self.start.clear();
        }
        self.settled = true;
        Ok(())
    }
}

impl<R: Read> Read for Unmarked<R> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if !self.settled {
            self.settle()?;
        }
        if self.start.is_empty() { self.input.read(block) } else { self.start.read(block) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// All of an input, or what is said of it, read in small pieces.
    fn read(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut input = io::Cursor::new(bytes);
        let (encoding, start) = look_ahead(&mut input).unwrap();
        let whole = io::Cursor::new(start).chain(input);
        let mut all = Vec::new();
        let mut text = decompressed(encoding, whole).map_err(|error| error.to_string())?;
        let mut block = [0; 2];
        loop {
            match text.read(&mut block).map_err(|error| describe(error).to_string())? {
                0 => return Ok(all),
                count => all.extend(&block[..count]),
            }
        }
    }

    #[test]
    fn members_follow_each_other_and_zeros_follow_them() {
        let (one, two) = (gzip(b"1\n"), gzip(b"2\n"));
        assert_eq!(read([&one[..], &two].concat()), Ok(b"1\n2\n".to_vec()));
        for zeros in [1, 511, 2 * GZIP_BLOCK_BYTES] {
            assert_eq!(read([&one[..], &two, &vec![0; zeros]].concat()), Ok(b"1\n2\n".to_vec()));
        }
        let trailing = Err(Trailing.to_string());
        assert_eq!(read([&one[..], b"x"].concat()), trailing);
        assert_eq!(read([&one[..], b"\0\0x"].concat()), trailing);
        let cut = Err("the compressed input is cut short".to_owned());
        assert_eq!(read([&one[..], &two[..two.len() - 1]].concat()), cut);
        assert_eq!(read([&one[..], &two[..1]].concat()), cut);
    }

    #[test]
    fn a_mark_before_compressed_text_is_left_out() {
        assert_eq!(read(gzip("\u{feff}{}\n".as_bytes())), Ok(b"{}\n".to_vec()));
        for text in ["", "\u{fefe}", "1", "{}\n", "\u{fec0}1"] {
            assert_eq!(read(gzip(text.as_bytes())), Ok(text.into()), "{text:?}");
        }
        let zstd = zstd::encode_all(&b"\xef\xbb\xbf1\n"[..], 1).unwrap();
        assert_eq!(read(zstd.clone()), Ok(b"1\n".to_vec()));
        let skipped = [b"\x50\x2a\x4d\x18\x04\0\0\0abcd", &zstd[..]].concat();
        assert_eq!(read(skipped), Ok(b"1\n".to_vec()));
    }

    #[test]
    fn no_more_is_looked_at_than_it_takes() {
        for (text, looked_at) in
            [("", 0), ("{\"a\":1}", 1), ("BZ2\n", 3), ("P,Q\n", 2), ("\u{fe00}", 2)]
        {
            let (encoding, start) = look_ahead(&mut text.as_bytes()).unwrap();
            assert_eq!((encoding, start.len()), (Encoding::Plain, looked_at), "{text:?}");
        }
    }
}

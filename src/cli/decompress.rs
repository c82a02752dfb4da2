//! The text of compressed input, as far as its bytes have come.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::encoding::{Encoding, MARK};

/// How much of compressed input is read at once.
const FEED_BYTES: usize = 128 << 10;

/// Decompresses an input that is handed to it piece by piece.
pub(super) enum Decompressor {
    Gzip(Unmarked<Members>),
    Zstd(Unmarked<Frames>),
}

type Frames = zstd::stream::read::Decoder<'static, Feed>;

impl Decompressor {
    /// For an input that begins with `start`.
    ///
    /// # Errors
    /// When it is of a kind that is not read as it is; the message has the command that converts
    /// it.
    pub fn new(encoding: Encoding, start: &[u8]) -> io::Result<Decompressor> {
        let feed = Feed::new(start);
        let other = |what: &str| {
            let why = format!("{what}, and read the output");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        };
        match encoding {
            Encoding::Gzip => Ok(Decompressor::Gzip(Unmarked::new(Members::Between(feed)))),
            Encoding::Zstd => Ok(Decompressor::Zstd(Unmarked::new(Frames::with_buffer(feed)?))),
            Encoding::Bzip2 => other("it is compressed with bzip2; decompress it: bzip2 -dc FILE"),
            Encoding::Xz => other("it is compressed with xz; decompress it: xz -dc FILE"),
            Encoding::Utf16 => {
                other("its text is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE")
            }
            Encoding::Plain | Encoding::Marked => other("it is text; read it as it is"),
        }
    }

    /// Gives text, without a byte order mark: 0 bytes at its end; none if it takes more of the
    /// input for that, as far as the input has not ended.
    ///
    /// # Errors
    /// When the input is damaged or cut short.
    pub fn read(&mut self, block: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let read = match self {
                Decompressor::Gzip(members) => members.read(block),
                Decompressor::Zstd(frames) => frames.read(block),
            };
            match read {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(describe(error)),
            }
        }
    }

    /// Where the next bytes of the input are read to, once all before them are used up.
    pub fn room(&mut self) -> &mut [u8] {
        self.feed().map_or(&mut [], |feed| &mut feed.bytes)
    }

    /// So many bytes of the input are there now.
    pub fn fill(&mut self, count: usize) {
        if let Some(feed) = self.feed() {
            (feed.at, feed.end) = (0, count);
        }
    }

    /// The input has ended.
    pub fn end(&mut self) {
        if let Some(feed) = self.feed() {
            feed.over = true;
        }
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        match self {
            Decompressor::Gzip(members) => members.input.feed(),
            Decompressor::Zstd(frames) => Some(frames.input.get_mut()),
        }
    }
}

/// Bytes of a compressed input. To read on behind them is refused (`WouldBlock`) until more are
/// there, or the input has ended: what decompressors take for a pause.
pub(super) struct Feed {
    bytes: Vec<u8>,
    /// Which of them are still to be read.
    at: usize,
    end: usize,
    /// Whether nothing follows.
    over: bool,
}

impl Feed {
    fn new(start: &[u8]) -> Feed {
        let mut bytes = start.to_vec();
        bytes.resize(FEED_BYTES.max(start.len()), 0);
        Feed { bytes, at: 0, end: start.len(), over: false }
    }
}

impl Read for Feed {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(block)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.end && !self.over {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.bytes.get(self.at..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.end.min(self.at + count);
    }
}

/// Says in our words what a decompressor says in its own.
fn describe(error: io::Error) -> io::Error {
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
pub(super) enum Members {
    Inside(GzDecoder<Feed>),
    Between(Feed),
    Over,
}

impl Members {
    fn feed(&mut self) -> Option<&mut Feed> {
        match self {
            Members::Inside(member) => Some(member.get_mut()),
            Members::Between(feed) => Some(feed),
            Members::Over => None,
        }
    }

    /// Goes on to the next member, if there is one.
    fn next(&mut self, mut input: Feed) -> io::Result<()> {
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

impl Read for Members {
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
pub(super) struct Unmarked<R> {
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

    /// All of an input, or what is said of it, whose bytes come in pieces of this size.
    fn read_by(bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let known = (1..).find(|known| Encoding::of(&bytes[..*known]).is_some()).unwrap();
        let (start, mut rest) = bytes.split_at(known);
        let encoding = Encoding::of(start).unwrap();
        let mut text = Decompressor::new(encoding, start).map_err(|error| error.to_string())?;
        let (mut all, mut block) = (Vec::new(), [0; 2]);
        loop {
            match text.read(&mut block).map_err(|error| error.to_string())? {
                Some(0) => return Ok(all),
                Some(count) => all.extend(&block[..count]),
                None if rest.is_empty() => text.end(),
                None => {
                    let (now, later) = rest.split_at(piece.min(rest.len()).min(FEED_BYTES));
                    text.room()[..now.len()].copy_from_slice(now);
                    text.fill(now.len());
                    rest = later;
                }
            }
        }
    }

    /// The same, which does not depend on the pieces.
    #[track_caller]
    fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let whole = read_by(bytes, usize::MAX);
        for piece in [1, 2, 7] {
            assert_eq!(read_by(bytes, piece), whole, "{piece}");
        }
        whole
    }

    #[test]
    fn members_follow_each_other_and_zeros_follow_them() {
        let (one, two) = (gzip(b"1\n"), gzip(b"2\n"));
        assert_eq!(read(&[&one[..], &two].concat()), Ok(b"1\n2\n".to_vec()));
        for zeros in [1, 511, 2 * FEED_BYTES] {
            assert_eq!(read(&[&one[..], &two, &vec![0; zeros]].concat()), Ok(b"1\n2\n".to_vec()));
        }
        let trailing = Err(Trailing.to_string());
        assert_eq!(read(&[&one[..], b"x"].concat()), trailing);
        assert_eq!(read(&[&one[..], b"\0\0x"].concat()), trailing);
        let cut = Err("the compressed input is cut short".to_owned());
        assert_eq!(read(&[&one[..], &two[..two.len() - 1]].concat()), cut);
        assert_eq!(read(&[&one[..], &two[..1]].concat()), cut);
    }

    #[test]
    fn a_mark_before_compressed_text_is_left_out() {
        assert_eq!(read(&gzip("\u{feff}{}\n".as_bytes())), Ok(b"{}\n".to_vec()));
        for text in ["", "\u{fefe}", "1", "{}\n", "\u{fec0}1"] {
            assert_eq!(read(&gzip(text.as_bytes())), Ok(text.into()), "{text:?}");
        }
        let zstd = zstd::encode_all(&b"\xef\xbb\xbf1\n"[..], 1).unwrap();
        assert_eq!(read(&zstd), Ok(b"1\n".to_vec()));
        let skipped = [b"\x50\x2a\x4d\x18\x04\0\0\0abcd", &zstd[..]].concat();
        assert_eq!(read(&skipped), Ok(b"1\n".to_vec()));
    }
}

//! Lines and record bytes over a socket, each way through one buffer.
//!
//! Nothing here waits in secret: [`Connection::fill`] and the calls that say so read the socket,
//! all others work on what is buffered.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, sendmsg};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

/// How large the input buffer is at first; it grows only for a longer line.
const INPUT_BYTES: usize = 64 << 10;
/// How much room for output is kept once it is written.
const OUTPUT_KEPT_BYTES: usize = 64 << 10;

/// How many descriptors are taken with one read, and held; what comes beyond is closed.
const DESCRIPTORS_MAX: usize = 4;

/// A line is longer than the connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is longer than {line_bytes_max} bytes")]
pub struct LineTooLong {
    /// The longest line, its line end counted.
    pub line_bytes_max: usize,
}

/// One end of a connection.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<UnixStream>,
    line_bytes_max: usize,
    input: Vec<u8>,
    /// The part of `input` that was read and not yet taken.
    unread: Range<usize>,
    /// How much of `unread` is known to hold no line end.
    searched: usize,
    output: Vec<u8>,
    /// Whether the peer may pass descriptors; if not, the kernel closes those it passes.
    takes_descriptors: bool,
    /// Those that came and were not taken.
    descriptors: VecDeque<OwnedFd>,
}

impl Connection {
    /// A connection that refuses lines of more than `line_bytes_max` bytes, line ends counted.
    pub fn new(stream: Arc<UnixStream>, line_bytes_max: usize) -> Connection {
        let line_bytes_max = line_bytes_max.max(1);
        Connection {
            stream,
            line_bytes_max,
            input: vec![0; INPUT_BYTES.min(line_bytes_max)],
            unread: 0..0,
            searched: 0,
            output: Vec::new(),
            takes_descriptors: false,
            descriptors: VecDeque::new(),
        }
    }

    /// From now on takes descriptors that the peer passes.
    pub fn take_descriptors(&mut self) {
        self.takes_descriptors = true;
    }

    /// Takes the descriptor that was passed the longest time ago. One comes with the first byte
    /// that was sent with it.
    pub fn next_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }

    /// The socket, to wait for.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// How many bytes were read and not yet taken.
    pub fn buffered(&self) -> usize {
        self.unread.len()
    }

    /// Whether [`Connection::take_line`] has something to say without reading further.
    pub fn has_line(&mut self) -> bool {
        self.find_line() != Ok(None)
    }

    /// Takes the next line, its line end included, if all of it is buffered.
    ///
    /// # Errors
    /// When it is too long. Nothing can be read behind it.
    pub fn take_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        let Some(bytes) = self.find_line()? else { return Ok(None) };
        let line = self.unread.start..self.unread.start + bytes;
        self.advance(bytes);
        Ok(self.input.get(line))
    }

    /// Takes what is buffered as the last line, which has no line end. For when the peer has ended.
    pub fn take_rest(&mut self) -> &[u8] {
        let rest = self.unread.clone();
        self.advance(rest.len());
        self.input.get(rest).unwrap_or_default()
    }

    /// Reads once whatever is there, waiting until something is; 0 at the end.
    ///
    /// # Errors
    /// When the socket fails, or the buffer holds a line's limit and nobody took from it.
    pub fn fill(&mut self) -> io::Result<usize> {
        self.make_room();
        let mut stream = &*self.stream;
        let Some(room) = self.input.get_mut(self.unread.end..).filter(|room| !room.is_empty())
        else {
            let why = "more came than is taken before it is asked for";
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, why));
        };
        let count = match self.takes_descriptors {
            true => retry(|| receive(stream, room, &mut self.descriptors))?,
            false => retry(|| stream.read(room))?,
        };
        self.unread.end += count;
        Ok(count)
    }

    /// Moves buffered bytes to the front of `into`; returns how many.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        let unread = self.input.get(self.unread.clone()).unwrap_or_default();
        let count = unread.len().min(into.len());
        if let (Some(from), Some(to)) = (unread.get(..count), into.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.advance(count);
        count
    }

    /// Reads once into `into`, from the buffer or else from the socket; 0 at the end.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.take(into) {
            0 => {
                let mut stream = &*self.stream;
                retry(|| stream.read(into))
            }
            count => Ok(count),
        }
    }

    /// Reads all of `into`, waiting for it.
    ///
    /// # Errors
    /// When the socket fails or ends before.
    pub fn read_exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        let taken = self.take(into);
        let mut stream = &*self.stream;
        stream.read_exact(into.get_mut(taken..).unwrap_or_default())
    }

    /// Drops up to `bytes` buffered bytes; returns how many.
    pub fn skip(&mut self, bytes: u64) -> usize {
        let count = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.unread.len());
        self.advance(count);
        count
    }

    /// What goes out with the next flush.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Writes all output.
    ///
    /// # Errors
    /// When the socket fails; what was not written is dropped.
    pub fn flush(&mut self) -> io::Result<()> {
        self.flush_with(&[])
    }

    /// Writes all output and `payload` behind it.
    ///
    /// # Errors
    /// As [`Connection::flush`].
    pub fn flush_with(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut stream = &*self.stream;
        let written = write_both(&mut stream, &self.output, payload);
        self.output.clear();
        self.output.shrink_to(OUTPUT_KEPT_BYTES);
        written
    }

    /// Writes all output, and passes the peer a descriptor with its first byte. False, and nothing
    /// is written, if the kernel has as many descriptors under way as it lets us.
    ///
    /// # Errors
    /// As [`Connection::flush`].
    pub fn flush_passing(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [descriptor];
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let sent = loop {
            let slices = [IoSlice::new(&self.output)];
            let flags = SendFlags::NOSIGNAL;
            match rustix::net::sendmsg(&self.stream, &slices, &mut control, flags) {
                Ok(count) => break count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::TOOMANYREFS) => return Ok(false),
                Err(error) => {
                    self.output.clear();
                    return Err(error.into());
                }
            }
        };
        self.output.drain(..sent.min(self.output.len()));
        self.flush()?;
        Ok(true)
    }

    /// Writes all output and `payload` behind it, and buffers meanwhile what the peer sends, so
    /// that two peers never wait for each other to read.
    ///
    /// # Errors
    /// As [`Connection::flush`]; also when the peer sends more than a line's limit meanwhile.
    pub fn flush_reading(&mut self, payload: &[u8]) -> io::Result<()> {
        let output = std::mem::take(&mut self.output);
        let written = self.send_reading(&output, payload);
        self.output = output;
        self.output.clear();
        written
    }

    fn send_reading(&mut self, first: &[u8], second: &[u8]) -> io::Result<()> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let mut slices = [IoSlice::new(first), IoSlice::new(second)];
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match sendmsg::<()>(self.stream.as_raw_fd(), left, &[], flags, None) {
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(nix::Error::EINTR) => {}
                Err(nix::Error::EAGAIN) => self.read_until_writable()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read_until_writable(&mut self) -> io::Result<()> {
        loop {
            let wanted = PollFlags::POLLOUT | PollFlags::POLLIN;
            let mut fds = [PollFd::new(self.stream.as_fd(), wanted)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let got = fds[0].revents().unwrap_or(PollFlags::empty());
            if got.intersects(PollFlags::POLLOUT | PollFlags::POLLERR | PollFlags::POLLHUP) {
                return Ok(());
            }
            if got.contains(PollFlags::POLLIN) && self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// The length of the next line, if all of it is buffered.
    fn find_line(&mut self) -> Result<Option<usize>, LineTooLong> {
        let too_long = LineTooLong { line_bytes_max: self.line_bytes_max };
        let unread = self.input.get(self.unread.clone()).unwrap_or_default();
        let fresh = unread.get(self.searched..).unwrap_or_default();
        match memchr::memchr(b'\n', fresh) {
            Some(at) if self.searched + at < self.line_bytes_max => {
                Ok(Some(self.searched + at + 1))
            }
            Some(_) => Err(too_long),
            None => {
                self.searched = unread.len();
                if self.searched >= self.line_bytes_max { Err(too_long) } else { Ok(None) }
            }
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.unread.start += bytes;
        self.searched = self.searched.saturating_sub(bytes);
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
    }

    /// Makes room behind the buffered bytes: moves them to the front, or grows, up to the limit of
    /// a line.
    fn make_room(&mut self) {
        let room = self.input.len() - self.unread.end;
        if room > self.input.len() / 4 {
            return;
        }
        if self.unread.start > 0 {
            self.input.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        } else if room == 0 {
            let grown = (self.input.len() * 2).min(self.line_bytes_max);
            self.input.resize(grown.max(self.input.len()), 0);
        }
    }
}

/// Reads once, and puts what descriptors come along behind the others.
fn receive(
    stream: &UnixStream,
    room: &mut [u8],
    descriptors: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(room)];
    let got = rustix::net::recvmsg(stream, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            // What comes beyond is closed.
            let room = DESCRIPTORS_MAX.saturating_sub(descriptors.len());
            descriptors.extend(passed.take(room));
        }
    }
    Ok(got.bytes)
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Writes both slices whole, in one system call where the kernel takes them.
fn write_both(stream: &mut impl Write, first: &[u8], second: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(first), IoSlice::new(second)];
    let mut left = &mut slices[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match stream.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(line_bytes_max: usize) -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Connection::new(Arc::new(ours), line_bytes_max), theirs)
    }

    /// Reads to the end, by lines, except that a line `=N` is followed by N verbatim bytes.
    fn read_all(connection: &mut Connection) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        loop {
            while let Some(line) = connection.take_line().unwrap() {
                let line = line.to_vec();
                let bytes = line.strip_prefix(b"=").map(|number| {
                    std::str::from_utf8(number).unwrap().trim_end().parse::<usize>().unwrap()
                });
                seen.push(line);
                if let Some(bytes) = bytes {
                    let mut payload = vec![0; bytes];
                    connection.read_exact(&mut payload).unwrap();
                    seen.push(payload);
                }
            }
            if connection.fill().unwrap() == 0 {
                return seen;
            }
        }
    }

    #[test]
    fn lines_and_payloads_alternate() {
        let (mut connection, mut theirs) = pair(1 << 20);
        let payload = vec![b'x'; 300_000];
        let long = [vec![b'y'; 200_000], b"\n".to_vec()].concat();
        let sent = [b"a\n=300000\n", &payload[..], &long[..], b"=0\n\nb\n"].concat();
        let writer = std::thread::spawn(move || theirs.write_all(&sent));
        let seen = read_all(&mut connection);
        writer.join().unwrap().unwrap();
        let expected: [&[u8]; 7] = [b"a\n", b"=300000\n", &payload, &long, b"=0\n", b"", b"\n"];
        assert!(seen[..7].iter().zip(expected).all(|(seen, expected)| seen == expected));
        assert_eq!(seen[7], b"b\n");
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        for (length, fits) in [(7, true), (8, true), (9, false), (20, false)] {
            let (mut connection, mut theirs) = pair(8);
            theirs.write_all(&[vec![b'x'; length - 1], b"\n".to_vec()].concat()).unwrap();
            let took = loop {
                match connection.take_line().map(|line| line.map(<[u8]>::len)) {
                    Ok(None) => assert!(connection.fill().unwrap() > 0),
                    Ok(Some(took)) => break Ok(took),
                    Err(error) => break Err(error),
                }
            };
            let too_long = LineTooLong { line_bytes_max: 8 };
            assert_eq!(took, if fits { Ok(length) } else { Err(too_long) });
        }
    }

    #[test]
    fn two_peers_that_both_send_first_do_not_wait_for_each_other() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let big = vec![b'x'; 4 << 20];
        let run = |stream: UnixStream| {
            let big = big.clone();
            std::thread::spawn(move || {
                let mut connection = Connection::new(Arc::new(stream), 8 << 20);
                connection.output().extend_from_slice(b"head\n");
                connection.flush_reading(&big).unwrap();
                let mut got = vec![0; big.len() + 5];
                connection.read_exact(&mut got).unwrap();
                got == [b"head\n", &big[..]].concat()
            })
        };
        let (first, second) = (run(ours), run(theirs));
        assert!(first.join().unwrap() && second.join().unwrap());
    }

    #[test]
    fn descriptors_come_with_their_lines() {
        let (mut ours, theirs) = pair(100);
        let mut theirs = Connection::new(Arc::new(theirs), 100);
        ours.take_descriptors();
        let files = [b"first", b"other"].map(|text| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text).unwrap();
            file
        });
        theirs.output().extend_from_slice(b"none\n");
        theirs.flush().unwrap();
        for file in &files {
            theirs.output().extend_from_slice(b"one\n");
            assert!(theirs.flush_passing(file.as_fd()).unwrap());
        }
        let mut lines = 0;
        while lines < 3 {
            while let Some(line) = ours.take_line().unwrap() {
                let passed = line == b"one\n";
                let file = if passed { ours.next_descriptor() } else { None };
                let file = file.map(std::fs::File::from);
                let text = file.map(|file| {
                    let mut text = [0; 5];
                    std::os::unix::fs::FileExt::read_exact_at(&file, &mut text, 0).unwrap();
                    text
                });
                assert_eq!(text.as_ref(), [None, Some(b"first"), Some(b"other")][lines]);
                lines += 1;
            }
            assert!(lines == 3 || ours.fill().unwrap() > 0);
        }
    }

    #[test]
    fn output_and_payload_go_out_together() {
        let (mut connection, mut theirs) = pair(100);
        connection.flush().unwrap();
        connection.output().extend_from_slice(b"a\n");
        connection.flush_with(b"payload\n").unwrap();
        connection.flush_with(b"more\n").unwrap();
        drop(connection);
        let mut got = String::new();
        theirs.read_to_string(&mut got).unwrap();
        assert_eq!(got, "a\npayload\nmore\n");
    }

    proptest! {
        /// However the bytes arrive, the same lines come out.
        #[test]
        fn pieces_do_not_matter(lines in proptest::collection::vec("[a-z]{0,12}", 0..20),
                                cuts in proptest::collection::vec(1..9_usize, 1..20)) {
            let (mut connection, mut theirs) = pair(16);
            let sent: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let mut seen = Vec::new();
            let mut rest = &sent[..];
            let mut cuts = cuts.iter().cycle();
            loop {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                rest = later;
                match now {
                    [] => theirs.shutdown(std::net::Shutdown::Write).unwrap(),
                    now => theirs.write_all(now).unwrap(),
                }
                if connection.fill().unwrap() == 0 {
                    break;
                }
                while let Some(line) = connection.take_line().unwrap() {
                    seen.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            let expected: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}

//! Lines and record bytes over a socket, each way through one buffer.
//!
//! Nothing here waits in secret: [`Connection::fill`] and the calls that say so read the socket,
//! all others work on what is buffered.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::frame::{LineTooLong, Received};
use super::interrupt::Interrupt;
use crate::sys::socket::{receive_passed, send_now, send_passing};
use crate::sys::wait::{Wanted, wait};

/// How much room for output is kept once it is written.
const OUTPUT_KEPT_BYTES: usize = 64 << 10;

/// One end of a connection.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<UnixStream>,
    received: Received,
    output: Vec<u8>,
    /// Whether the peer may pass descriptors; if not, the kernel closes those it passes.
    takes_descriptors: bool,
    /// Those that came and were not taken.
    descriptors: VecDeque<OwnedFd>,
    /// What ends waits for the peer, if anything does.
    interrupt: Option<Interrupt>,
}

impl Connection {
    /// A connection that refuses lines of more than `line_bytes_max` bytes, line ends counted.
    pub fn new(stream: Arc<UnixStream>, line_bytes_max: usize) -> Connection {
        Connection {
            stream,
            received: Received::new(line_bytes_max),
            output: Vec::new(),
            takes_descriptors: false,
            descriptors: VecDeque::new(),
            interrupt: None,
        }
    }

    /// From now on waits for the peer end as `interrupt` says, with an error of the kind
    /// `Interrupted`. Nothing more is to be read or written then.
    pub fn heed(&mut self, interrupt: Interrupt) {
        self.interrupt = Some(interrupt);
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
        self.received.len()
    }

    /// Whether [`Connection::take_line`] has something to say without reading further.
    pub fn has_line(&mut self) -> bool {
        self.received.find_line() != Ok(None)
    }

    /// Takes the next line, its line end included, if all of it is buffered.
    ///
    /// # Errors
    /// When it is too long. Nothing can be read after it.
    pub fn take_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        self.received.take_line()
    }

    /// Takes what is buffered as the last line, which has no line end. For when the peer has ended.
    pub fn take_rest(&mut self) -> &[u8] {
        self.received.take_rest()
    }

    /// Reads once whatever is there, waiting until something is; 0 at the end.
    ///
    /// # Errors
    /// When the socket fails, or the buffer holds a line's limit and nobody took from it.
    pub fn fill(&mut self) -> io::Result<usize> {
        self.await_peer()?;
        let mut stream = &*self.stream;
        let Some(room) = self.received.room() else {
            let why = "more arrived than may come before a request";
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, why));
        };
        let count = match self.takes_descriptors {
            true => retry(|| receive_passed(stream, room, &mut self.descriptors))?,
            false => retry(|| stream.read(room))?,
        };
        self.received.received(count);
        Ok(count)
    }

    /// Moves buffered bytes to the front of `into`; returns how many.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        self.received.take(into)
    }

    /// Reads once into `into`, from the buffer or else from the socket; 0 at the end.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.take(into) {
            0 => {
                self.await_peer()?;
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
        let mut left = into;
        while !left.is_empty() {
            match self.read_some(left)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => left = left.get_mut(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Drops up to `bytes` buffered bytes; returns how many.
    pub fn skip(&mut self, bytes: u64) -> usize {
        self.received.skip(bytes)
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
        let sent = match send_passing(&self.stream, &self.output, descriptor) {
            Ok(Some(count)) => count,
            Ok(None) => return Ok(false),
            Err(error) => {
                self.output.clear();
                return Err(error);
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
        let mut slices = [IoSlice::new(first), IoSlice::new(second)];
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match send_now(&self.stream, left)? {
                0 => self.read_until_writable()?,
                count => IoSlice::advance_slices(&mut left, count),
            }
        }
        Ok(())
    }

    fn read_until_writable(&mut self) -> io::Result<()> {
        loop {
            let stream = self.stream.as_fd();
            let ready = self.ready(&[(stream, Wanted::Output), (stream, Wanted::Input)])?;
            if ready.first() == Some(&true) || self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Waits until there is something to read, where that can be interrupted; a read waits itself.
    fn await_peer(&self) -> io::Result<()> {
        match &self.interrupt {
            Some(interrupt) => interrupt.wait(&[(self.stream.as_fd(), Wanted::Input)]).map(drop),
            None => Ok(()),
        }
    }

    /// Waits until the socket is ready for one of these; tells for which.
    fn ready(&self, fds: &[(BorrowedFd<'_>, Wanted)]) -> io::Result<Vec<bool>> {
        match &self.interrupt {
            Some(interrupt) => interrupt.wait(fds),
            None => wait(fds, None),
        }
    }
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

//! Redis Streams, by RESP over a Unix socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use super::latency::{self, Latencies};

/// How many entries to ask for at a time.
const ENTRIES: &str = "10000";

/// One connection.
struct Redis {
    input: BufReader<UnixStream>,
    line: String,
}

/// An entry of the stream.
#[derive(Default)]
struct Entry {
    id: Vec<u8>,
    value: Vec<u8>,
}

/// Reads the stream `s` from its beginning; how many entries it has.
pub fn read(socket: &str) -> io::Result<u64> {
    let mut redis = Redis::connect(socket)?;
    let mut entry = Entry::default();
    let mut after = b"-".to_vec();
    let mut count = 0;
    loop {
        redis.send(&[b"XRANGE", b"s", &after, b"+", b"COUNT", ENTRIES.as_bytes()])?;
        let entries = redis.number(b'*')?;
        if entries <= 0 {
            return Ok(count);
        }
        for _ in 0..entries {
            redis.entry(&mut entry)?;
            count += 1;
        }
        after.clear();
        after.push(b'(');
        after.extend_from_slice(&entry.id);
    }
}

/// Measures `XADD` to `XREAD BLOCK`, each on its own connection.
pub fn latency(socket: &str, count: usize) -> io::Result<Latencies> {
    let mut writer = Redis::connect(socket)?;
    let mut reader = Redis::connect(socket)?;
    let mut id = b"0".to_vec();
    let mut entry = Entry::default();
    let mut at_hand = 0;
    let send = move |record: &[u8]| {
        writer.send(&[b"XADD", b"s", b"*", b"d", record])?;
        writer.text(&mut Vec::new())
    };
    latency::measure(count, send, |record| {
        if at_hand == 0 {
            reader.send(&[b"XREAD", b"BLOCK", b"0", b"STREAMS", b"s", &id])?;
            // One stream: its name, and its entries.
            reader.number(b'*')?;
            reader.number(b'*')?;
            reader.text(&mut Vec::new())?;
            at_hand = reader.number(b'*')?;
        }
        at_hand -= 1;
        reader.entry(&mut entry)?;
        id.clone_from(&entry.id);
        record.extend_from_slice(&entry.value);
        Ok(())
    })
}

impl Redis {
    fn connect(socket: &str) -> io::Result<Redis> {
        let input = BufReader::with_capacity(1 << 18, UnixStream::connect(socket)?);
        Ok(Redis { input, line: String::new() })
    }

    fn send(&mut self, words: &[&[u8]]) -> io::Result<()> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.input.get_ref().write_all(&request)
    }

    /// A line of this kind, with its number.
    fn number(&mut self, kind: u8) -> io::Result<i64> {
        self.line.clear();
        self.input.read_line(&mut self.line)?;
        let number =
            self.line.strip_prefix(char::from(kind)).and_then(|rest| rest.trim().parse().ok());
        number.ok_or_else(|| io::Error::other(format!("Redis says {:?}", self.line)))
    }

    fn text(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let length = usize::try_from(self.number(b'$')?).map_err(io::Error::other)?;
        into.resize(length + 2, 0);
        self.input.read_exact(into)?;
        into.truncate(length);
        Ok(())
    }

    /// An id, and a list of the one field with its value.
    fn entry(&mut self, entry: &mut Entry) -> io::Result<()> {
        self.number(b'*')?;
        self.text(&mut entry.id)?;
        self.number(b'*')?;
        self.text(&mut entry.value)?;
        self.text(&mut entry.value)
    }
}

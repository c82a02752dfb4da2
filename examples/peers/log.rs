//! log-serve, by its protocol over its Unix socket: a plain client, as those of the peers are.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::latency::{self, Latencies};

/// One connection.
struct Log {
    input: BufReader<UnixStream>,
    line: String,
}

/// Measures from an append to its delivery to a follower, each on its own connection; every append
/// is acknowledged before the next is sent.
pub fn latency(dir: &str, count: usize) -> io::Result<Latencies> {
    let mut writer = Log::connect(dir)?;
    let mut reader = Log::connect(dir)?;
    reader.send(b"{\"fetch\":{\"topic\":\"t\",\"offset\":\"start\",\"follow\":true}}\n")?;
    let mut at_hand = 0;
    let send = move |record: &[u8]| {
        let mut request =
            format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{}}}}}\n", record.len() + 1)
                .into_bytes();
        request.extend_from_slice(record);
        request.push(b'\n');
        writer.send(&request)?;
        writer.answer("{\"appended\":")
    };
    latency::measure(count, send, |record| {
        if at_hand == 0 {
            reader.answer("{\"records\":")?;
            at_hand = reader.number("\"bytes\":")?;
        }
        at_hand -= reader.input.read_until(b'\n', record)?;
        Ok(())
    })
}

impl Log {
    fn connect(dir: &str) -> io::Result<Log> {
        let stream = UnixStream::connect(Path::new(dir).join("socket"))?;
        Ok(Log { input: BufReader::with_capacity(1 << 18, stream), line: String::new() })
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.input.get_ref().write_all(request)
    }

    /// Reads the next answer, which must begin so.
    fn answer(&mut self, with: &str) -> io::Result<()> {
        self.line.clear();
        self.input.read_line(&mut self.line)?;
        match self.line.starts_with(with) {
            true => Ok(()),
            false => Err(io::Error::other(format!("log-serve says {:?}", self.line))),
        }
    }

    /// A number of the last answer, by what stands before it.
    fn number(&self, name: &str) -> io::Result<usize> {
        let rest = self.line.split_once(name).map(|(_, rest)| rest);
        let digits = rest.and_then(|rest| rest.split([',', '}']).next());
        let number = digits.and_then(|digits| digits.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("log-serve says {:?}", self.line)))
    }
}

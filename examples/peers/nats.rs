//! NATS JetStream, by the text protocol of NATS over loopback TCP.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

use super::latency::{self, Latencies};

const STREAM: &str = r#"{"name":"s","subjects":["s"],"storage":"file","retention":"limits"}"#;
/// Messages that are sent and not yet acknowledged, as the clients of NATS bound them.
const UNACKNOWLEDGED_MAX: u64 = 4000;

/// One connection.
struct Nats {
    input: BufReader<TcpStream>,
    line: String,
}

/// Makes the stream.
pub fn make(port: u16) -> io::Result<String> {
    let mut nats = Nats::connect(port)?;
    nats.ask("$JS.API.STREAM.CREATE.s", STREAM)
}

/// Publishes the lines of a file; how many were acknowledged as stored.
pub fn publish(port: u16, file: &str) -> io::Result<u64> {
    let mut nats = Nats::connect(port)?;
    nats.send("SUB ack 1\r\n")?;
    let records = fs::read(file)?;
    let mut output = nats.input.get_ref().try_clone()?;
    let (acknowledged, allowed) = std::sync::mpsc::sync_channel(1 << 20);
    let lines = records.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let sending = thread::spawn(move || -> io::Result<()> {
        let mut batch = Vec::with_capacity(1 << 18);
        let (mut sent, mut answered) = (0, 0);
        for record in records.split_inclusive(|&byte| byte == b'\n') {
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            batch.extend_from_slice(format!("PUB s ack {}\r\n", record.len()).as_bytes());
            batch.extend_from_slice(record);
            batch.extend_from_slice(b"\r\n");
            sent += 1;
            if batch.len() > 100_000 {
                output.write_all(&batch)?;
                batch.clear();
            }
            while sent - answered >= UNACKNOWLEDGED_MAX {
                output.write_all(&batch)?;
                batch.clear();
                answered = allowed.recv().map_err(io::Error::other)?;
            }
        }
        output.write_all(&batch)
    });
    let mut message = Vec::new();
    for number in 1..=lines {
        nats.message(&mut message)?;
        if !message.starts_with(br#"{"stream":"s""#) {
            return Err(io::Error::other(String::from_utf8_lossy(&message).into_owned()));
        }
        if number % 100 == 0 {
            let _ = acknowledged.try_send(number);
        }
    }
    sending.join().map_err(|_| io::Error::other("the sender panicked"))??;
    Ok(lines)
}

/// Reads so many messages through a consumer without acknowledgements.
pub fn read(port: u16, count: u64) -> io::Result<u64> {
    let mut nats = Nats::connect(port)?;
    nats.consume("all")?;
    let mut message = Vec::new();
    for _ in 0..count {
        nats.message(&mut message)?;
    }
    Ok(count)
}

/// Measures from publishing to delivery, each on its own connection; every message is
/// acknowledged before the next is sent.
pub fn latency(port: u16, count: usize) -> io::Result<Latencies> {
    let mut writer = Nats::connect(port)?;
    writer.send("SUB ack 1\r\n")?;
    let mut reader = Nats::connect(port)?;
    reader.consume("new")?;
    let send = move |record: &[u8]| {
        let mut request = format!("PUB s ack {}\r\n", record.len()).into_bytes();
        request.extend_from_slice(record);
        request.extend_from_slice(b"\r\n");
        writer.input.get_ref().write_all(&request)?;
        writer.message(&mut Vec::new())
    };
    latency::measure(count, send, |record| reader.message(record))
}

impl Nats {
    fn connect(port: u16) -> io::Result<Nats> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut nats =
            Nats { input: BufReader::with_capacity(1 << 18, stream), line: String::new() };
        nats.next_line()?;
        nats.send("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n")?;
        loop {
            nats.next_line()?;
            if nats.line.starts_with("PONG") {
                return Ok(nats);
            }
        }
    }

    fn send(&mut self, text: &str) -> io::Result<()> {
        self.input.get_ref().write_all(text.as_bytes())
    }

    fn next_line(&mut self) -> io::Result<()> {
        self.line.clear();
        match self.input.read_line(&mut self.line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ if self.line.starts_with("-ERR") => Err(io::Error::other(self.line.clone())),
            _ => Ok(()),
        }
    }

    /// A request to the server, and its answer.
    fn ask(&mut self, subject: &str, body: &str) -> io::Result<String> {
        self.send(&format!(
            "SUB reply 9\r\nUNSUB 9 1\r\nPUB {subject} reply {}\r\n{body}\r\n",
            body.len()
        ))?;
        let mut answer = Vec::new();
        self.message(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match answer.contains("\"error\"") {
            true => Err(io::Error::other(answer)),
            false => Ok(answer),
        }
    }

    /// Has messages of the stream pushed to this connection.
    fn consume(&mut self, from: &str) -> io::Result<()> {
        self.send("SUB deliver 2\r\n")?;
        let body = format!(
            r#"{{"stream_name":"s","config":{{"deliver_subject":"deliver","deliver_policy":"{from}","ack_policy":"none","replay_policy":"instant"}}}}"#
        );
        // The first messages may come before the answer to this: it is not waited for.
        self.send(&format!("PUB $JS.API.CONSUMER.CREATE.s {}\r\n{body}\r\n", body.len()))?;
        if from == "new" {
            self.send("PING\r\n")?;
            self.next_line()?;
            thread::sleep(std::time::Duration::from_millis(300));
        }
        Ok(())
    }

    /// The payload of the next message.
    fn message(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        loop {
            self.next_line()?;
            if self.line.starts_with("PING") {
                self.send("PONG\r\n")?;
            } else if self.line.starts_with("MSG ") {
                break;
            }
        }
        let length: usize = self
            .line
            .split_ascii_whitespace()
            .next_back()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| io::Error::other(format!("NATS says {:?}", self.line)))?;
        into.resize(length + 2, 0);
        self.input.read_exact(into)?;
        into.truncate(length);
        Ok(())
    }
}

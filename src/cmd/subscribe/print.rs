//! What is printed of the records of a topic.

use crate::api::reading::Chunk;
use crate::record::text::write_string;
use crate::time::timestamp::write_us;

/// Turns runs of records into what is printed of them.
#[derive(Debug, Default)]
pub struct Printer {
    /// With --meta: the topic's name as a JSON string.
    topic: Option<String>,
    /// Records that were appended at this time or later are not wanted.
    until_us: Option<i64>,
    lines: Vec<u8>,
}

impl Printer {
    /// A printer of records as they are; with `topic`, of objects that tell where they come from.
    pub fn new(topic: Option<&str>, until_us: Option<i64>) -> Printer {
        Printer { topic: topic.map(quoted), until_us, lines: Vec::new() }
    }

    /// Whether records are printed as they are, all of them.
    pub fn is_plain(&self) -> bool {
        self.topic.is_none() && self.until_us.is_none()
    }

    /// What is printed of a run of records, and whether more are wanted.
    pub fn lines<'a>(&'a mut self, chunk: &Chunk, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let (bytes, more) = self.wanted(chunk, bytes);
        // An empty line stands for a record that compaction took away.
        let gaps = bytes.starts_with(b"\n") || memchr::memmem::find(bytes, b"\n\n").is_some();
        if self.topic.is_none() && !gaps {
            return (bytes, more);
        }
        self.lines.clear();
        let mut batches = chunk.batches.iter();
        let (mut left, mut time_us) = (0, 0);
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        for (offset, line) in (chunk.offset..).zip(lines) {
            if left == 0 {
                let batch = batches.next();
                (left, time_us) = batch.map_or((u64::MAX, 0), |one| (one.records, one.time_us));
            }
            if line != b"\n" {
                self.line(chunk.partition, offset, time_us, line);
            }
            left -= 1;
        }
        (&self.lines, more)
    }

    /// The part of the run that is wanted, and whether more may be.
    fn wanted<'a>(&self, chunk: &Chunk, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let Some(until_us) = self.until_us else { return (bytes, true) };
        let mut end = 0;
        for batch in &chunk.batches {
            if batch.time_us >= until_us {
                return (bytes.get(..end).unwrap_or(bytes), false);
            }
            end += usize::try_from(batch.bytes).unwrap_or(usize::MAX);
        }
        (bytes, true)
    }

    fn line(&mut self, partition: u32, offset: u64, time_us: i64, line: &[u8]) {
        let Some(topic) = &self.topic else {
            self.lines.extend_from_slice(line);
            return;
        };
        let head = format!(
            "{{\"topic\":{topic},\"partition\":{partition},\"offset\":{offset},\"time\":\""
        );
        self.lines.extend_from_slice(head.as_bytes());
        if write_us(time_us, &mut self.lines).is_err() {
            // A clock that far off has no date; the number is still the truth.
            self.lines.extend_from_slice(time_us.to_string().as_bytes());
        }
        self.lines.extend_from_slice(b"\",\"record\":");
        self.lines.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        self.lines.extend_from_slice(b"}\n");
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

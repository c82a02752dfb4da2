//! `--keep-bad`: a line that does not fit the format becomes a record with the line in a field.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::Lines;
use crate::record::text::write_string;

/// Passes the records of a format, and makes records of what is bad.
pub(super) struct KeepBad {
    inner: Box<dyn Decoder>,
    /// What comes before the line: `{"name":`.
    before: Vec<u8>,
    record_bytes_max: usize,
}

impl KeepBad {
    /// The field of this name has the line.
    pub fn new(inner: Box<dyn Decoder>, name: &str, record_bytes_max: usize) -> KeepBad {
        let mut before = vec![b'{'];
        write_string(name, &mut before);
        before.push(b':');
        KeepBad { inner, before, record_bytes_max }
    }
}

impl Decoder for KeepBad {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        let KeepBad { inner, before, record_bytes_max } = self;
        inner.decode(block, &mut Keeping { before, record_bytes_max: *record_bytes_max, sink })
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let KeepBad { inner, before, record_bytes_max } = self;
        inner.finish(&mut Keeping { before, record_bytes_max: *record_bytes_max, sink })
    }

    fn patience(&self) -> Option<Duration> {
        self.inner.patience()
    }

    fn quiet(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let KeepBad { inner, before, record_bytes_max } = self;
        inner.quiet(&mut Keeping { before, record_bytes_max: *record_bytes_max, sink })
    }

    fn pending(&self) -> u64 {
        self.inner.pending()
    }

    fn awaits_header(&self) -> bool {
        self.inner.awaits_header()
    }
}

struct Keeping<'a> {
    before: &'a [u8],
    record_bytes_max: usize,
    sink: &'a mut dyn Sink,
}

impl Sink for Keeping<'_> {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        self.sink.record(raw)
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        self.sink.lines(lines)
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        if bad.more || bad.continued {
            // It is over the limit of a record, in any form.
            return self.sink.bad(bad);
        }
        let mut record = self.before.to_vec();
        // Other bytes than UTF-8 cannot stand in JSON.
        write_string(&String::from_utf8_lossy(bad.bytes), &mut record);
        record.push(b'}');
        if record.len() > self.record_bytes_max {
            return self.sink.bad(bad);
        }
        let Bad { line, unterminated, .. } = bad;
        self.sink.record(Raw { bytes: &record, line, unterminated })
    }

    fn note(&mut self, what: &str) {
        self.sink.note(what);
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        self.sink.refuse(why)
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.sink.cut_short(line, why)
    }

    fn warn(&mut self, line: u64, why: &str) {
        self.sink.warn(line, why);
    }
}

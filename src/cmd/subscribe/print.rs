//! What is printed of the records of a topic.

use crate::api::reading::Chunk;
use crate::cli::{Failure, Status};
use crate::layout::{Layout, Origin, Unfit};
use crate::record::control::{Appended, Control};
use crate::record::text::write_string;
use crate::time::timestamp::show_us;

/// What is printed of a run of records.
pub struct Printed<'a> {
    pub lines: &'a [u8],
    /// The offset of the first record of the run that was not wanted, or after its last one.
    pub next: u64,
    /// Whether more records are wanted.
    pub more: bool,
}

/// Turns runs of records into what is printed of them.
pub struct Printer {
    topic: String,
    /// With --meta, where the layout does not show places: the topic's name as a JSON string.
    wrapped: Option<String>,
    layout: Option<Layout>,
    /// With --append-times, the last one that was printed, if one was.
    stamps: Option<Option<i64>>,
    /// Records that were appended at this time or later are not wanted.
    until_us: Option<i64>,
    /// How many more records are wanted.
    left: Option<u64>,
    /// What is wrong with the record at which it ended.
    fault: Option<Failure>,
    object: Vec<u8>,
    lines: Vec<u8>,
}

impl Printer {
    /// A printer of records as they are, or in this layout; with `meta`, it also tells where they
    /// come from.
    pub fn new(topic: &str, meta: bool, layout: Option<Layout>) -> Printer {
        let wraps = meta && !layout.as_ref().is_some_and(Layout::shows_origins);
        Printer {
            topic: topic.to_owned(),
            wrapped: wraps.then(|| quoted(topic)),
            layout,
            stamps: None,
            until_us: None,
            left: None,
            fault: None,
            object: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Prints only records that were appended before this time, and only so many.
    #[must_use]
    pub fn up_to(self, until_us: Option<i64>, count: Option<u64>) -> Printer {
        Printer { until_us, left: count, ..self }
    }

    /// Prints when records were appended, in control records before them, if that is `wanted`.
    #[must_use]
    pub fn stamping(self, wanted: bool) -> Printer {
        Printer { stamps: wanted.then_some(None), ..self }
    }

    /// The records that come now are of this topic.
    pub fn turn_to(&mut self, topic: &str) {
        if self.topic != topic {
            topic.clone_into(&mut self.topic);
            self.wrapped = self.wrapped.is_some().then(|| quoted(topic));
        }
    }

    /// Whether records are printed as they are, all of them.
    pub fn is_plain(&self) -> bool {
        self.is_verbatim() && self.until_us.is_none() && self.left.is_none()
    }

    /// Whether any more records are wanted.
    pub fn wants_more(&self) -> bool {
        self.left != Some(0)
    }

    /// The terminal has another size now, perhaps: so many columns and lines.
    pub fn resize(&mut self, size: impl FnOnce() -> Option<(usize, usize)>) {
        if let Some(layout) = &mut self.layout
            && let Some((columns, lines)) = size()
        {
            layout.resize(columns, lines);
        }
    }

    fn is_verbatim(&self) -> bool {
        self.wrapped.is_none() && self.layout.is_none() && self.stamps.is_none()
    }

    /// Whether all went well so far; to be asked when what is there has been written.
    ///
    /// # Errors
    /// When a record does not fit into the layout.
    pub fn check(&mut self) -> Result<(), Failure> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// What is printed of a run of records.
    pub fn lines<'a>(&'a mut self, chunk: &Chunk, bytes: &'a [u8]) -> Printed<'a> {
        let (bytes, mut next, more) = self.wanted(chunk, bytes);
        // An empty line stands for a record that compaction took away.
        let gaps = bytes.starts_with(b"\n") || memchr::memmem::find(bytes, b"\n\n").is_some();
        if self.is_verbatim() && self.left.is_none() && !gaps {
            return Printed { lines: bytes, next, more };
        }
        self.lines.clear();
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').zip(chunk.append_times());
        for (offset, (line, time_us)) in (chunk.offset..).zip(lines) {
            if line == b"\n" {
                continue;
            }
            if !self.wants_more() {
                next = offset;
                break;
            }
            if let Some(last_ms) = &mut self.stamps {
                let ms = time_us.div_euclid(1000);
                if last_ms.replace(ms) != Some(ms) {
                    Control::Appended(Appended { ms }).write(&mut self.lines);
                }
            }
            let origin = Origin { topic: &self.topic, partition: chunk.partition, offset, time_us };
            let shown = show(
                line,
                &origin,
                self.wrapped.as_deref(),
                self.layout.as_mut(),
                &mut self.object,
                &mut self.lines,
            );
            if let Err(unfit) = shown {
                let place = format!("{}/{}@{offset}", self.topic, chunk.partition);
                let why = format!("{place}: {unfit}; choose the columns with --fields");
                self.fault = Some(Failure::new(Status::Data, why));
                // Tables, whose rows are held until the end of a run, take every record.
                return Printed { lines: &self.lines, next: offset, more: false };
            }
            self.left = self.left.map(|left| left - 1);
        }
        if let Some(layout) = &mut self.layout {
            layout.flush(&mut self.lines);
        }
        let more = more && self.wants_more();
        Printed { lines: &self.lines, next, more }
    }

    /// The part of the run that is wanted, the offset after it, and whether more may be wanted.
    fn wanted<'a>(&self, chunk: &Chunk, bytes: &'a [u8]) -> (&'a [u8], u64, bool) {
        let all = (bytes, chunk.offset + chunk.records, true);
        let Some(until_us) = self.until_us else { return all };
        let (mut end, mut next) = (0, chunk.offset);
        for batch in &chunk.batches {
            if batch.time_us >= until_us {
                return (bytes.get(..end).unwrap_or(bytes), next, false);
            }
            end += usize::try_from(batch.bytes).unwrap_or(usize::MAX);
            next += batch.records;
        }
        all
    }
}

/// Appends what is printed of the record of a line to `out`.
fn show(
    line: &[u8],
    origin: &Origin<'_>,
    wrapped: Option<&str>,
    layout: Option<&mut Layout>,
    object: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let record = line.strip_suffix(b"\n").unwrap_or(line);
    object.clear();
    let record = match wrapped {
        Some(topic) => {
            wrap(topic, origin, record, object);
            object.as_slice()
        }
        None => record,
    };
    if let Some(layout) = layout {
        return layout.record(record, Some(origin), out);
    }
    out.extend_from_slice(record);
    out.push(b'\n');
    Ok(())
}

/// An object of a record and where it stands.
fn wrap(topic: &str, origin: &Origin<'_>, record: &[u8], out: &mut Vec<u8>) {
    let Origin { partition, offset, time_us, .. } = origin;
    let head =
        format!("{{\"topic\":{topic},\"partition\":{partition},\"offset\":{offset},\"time\":\"");
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(show_us(*time_us).as_bytes());
    out.extend_from_slice(b"\",\"record\":");
    out.extend_from_slice(record);
    out.push(b'}');
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

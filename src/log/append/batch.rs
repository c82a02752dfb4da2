//! A batch: records that are appended together, checked and placed.

use crate::api::error::BadRecord;
use crate::log::unique::batch_keys::BatchKeys;
use crate::log::{BATCH_BYTES_MAX, LogError};
use crate::record::check::{Verdict, each_line};
use crate::record::lines::is_blank;
use crate::record::reserved;

/// Who appends, and where that producer stands (`docs/PROTOCOL.md`, *append*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The producer's name.
    pub producer: String,
    /// Where it stood before this batch; `None` where the producer does not say.
    pub after: Option<u64>,
    /// Where it stands after this batch.
    pub sequence: u64,
}

/// Records that are ready to be appended.
#[derive(Debug)]
pub struct Batch {
    pub(in crate::log) identity: Option<Identity>,
    /// Only to be appended if the batch before it in the group was.
    pub(in crate::log) chained: bool,
    pub(in crate::log) records: u64,
    /// Without a key the one part's partition is chosen when it is appended.
    pub(in crate::log) parts: Vec<Part>,
    /// What its records must have that the topic does not, if anything.
    pub(in crate::log) keys: Option<Box<BatchKeys>>,
    /// Why it cannot be appended, although it could when it was prepared.
    pub(in crate::log) refused: Option<LogError>,
}

impl Batch {
    fn of(identity: Option<Identity>, records: u64, parts: Vec<Part>) -> Batch {
        Batch { identity, chained: false, records, parts, keys: None, refused: None }
    }

    /// Leaves only the records that are `kept`. For each record, in the order in which the batch
    /// was prepared, there is one of these and the partition that it goes to.
    pub(in crate::log) fn retain(&mut self, partitions: &[u32], kept: &[bool]) {
        let mut left: Vec<Part> = Vec::with_capacity(self.parts.len());
        self.records = 0;
        for part in std::mem::take(&mut self.parts) {
            let is_own = |to: u32| part.partition.is_none_or(|own| own == to);
            let own = partitions.iter().zip(kept).filter(|(to, _)| is_own(**to));
            let mut rest = Part { partition: part.partition, ..Part::default() };
            for (line, (_, kept)) in part.bytes.split_inclusive(|&byte| byte == b'\n').zip(own) {
                if *kept {
                    rest.bytes.extend_from_slice(line);
                    rest.records += 1;
                }
            }
            self.records += u64::from(rest.records);
            if rest.records > 0 {
                left.push(rest.seal());
            }
        }
        if left.is_empty() {
            // The sequence of a batch without records still has to be kept somewhere.
            left.push(Part::default().seal());
        }
        self.parts = left;
    }

    /// Ties this batch to the one before it in the group it is appended with: if that one is
    /// refused, so is this.
    #[must_use]
    pub fn chained(self) -> Batch {
        Batch { chained: true, ..self }
    }

    /// How many records it has.
    pub fn record_count(&self) -> u64 {
        self.records
    }

    /// Memory that it no longer needs, empty, for the next batch.
    pub fn into_buffer(mut self) -> Vec<u8> {
        let mut buffer = self.parts.pop().map(|part| part.bytes).unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// How many bytes of records it has.
    pub fn byte_count(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }
}

/// The records of a batch that go to one partition.
#[derive(Debug, Default)]
pub(in crate::log) struct Part {
    pub(in crate::log) partition: Option<u32>,
    pub(in crate::log) bytes: Vec<u8>,
    pub(in crate::log) records: u32,
    pub(in crate::log) crc: u32,
}

impl Part {
    fn seal(mut self) -> Part {
        self.crc = crc32c::crc32c(&self.bytes);
        self
    }
}

/// Gives a record's partition by its bytes, or says what is wrong with it.
pub(in crate::log) type Placement<'a> = &'a mut dyn FnMut(&[u8]) -> Result<u32, String>;

/// Checks all lines of `bytes` and gathers them into parts. Blank lines are left out, and a CR
/// before a line end is not kept.
pub(in crate::log) fn prepare(
    bytes: Vec<u8>,
    identity: Option<Identity>,
    record_bytes_max: usize,
    place: Option<Placement<'_>>,
) -> Result<Batch, LogError> {
    if bytes.len() > BATCH_BYTES_MAX {
        return Err(LogError::BatchTooLarge { bytes: bytes.len() });
    }
    match place {
        Some(place) => spread(&bytes, identity, record_bytes_max, place),
        None => whole(bytes, identity, record_bytes_max),
    }
}

/// A batch that goes to one partition: its bytes are taken as they are wherever they can be.
fn whole(
    bytes: Vec<u8>,
    identity: Option<Identity>,
    record_bytes_max: usize,
) -> Result<Batch, LogError> {
    let mut records = 0;
    let mut kept_bytes = 0;
    let mut bad = Vec::new();
    each_line(&bytes, |number, line, verdict| match check(line, verdict, record_bytes_max) {
        Checked::Record(record) => {
            records += 1;
            kept_bytes += record.len() + 1;
        }
        Checked::Blank => {}
        Checked::Bad(why) => bad.push(BadRecord { record: number, why }),
    });
    if !bad.is_empty() {
        return Err(LogError::BadRecords { records: bad });
    }
    // Every record with its LF, and nothing else.
    let plain = kept_bytes == bytes.len() && (bytes.is_empty() || bytes.ends_with(b"\n"));
    let bytes = if plain { bytes } else { tidied(&bytes) };
    let part = Part { partition: None, bytes, records, crc: 0 }.seal();
    Ok(Batch::of(identity, u64::from(records), vec![part]))
}

/// The records of a batch without blank lines and CRs.
fn tidied(bytes: &[u8]) -> Vec<u8> {
    let mut tidy = Vec::with_capacity(bytes.len() + 1);
    for line in lines(bytes) {
        let record = line.strip_suffix(b"\r").unwrap_or(line);
        if !is_blank(record) {
            tidy.extend_from_slice(record);
            tidy.push(b'\n');
        }
    }
    tidy
}

/// A batch whose records go each to its own partition; within one they keep their order.
fn spread(
    bytes: &[u8],
    identity: Option<Identity>,
    record_bytes_max: usize,
    place: Placement<'_>,
) -> Result<Batch, LogError> {
    let mut parts: Vec<Part> = Vec::new();
    let mut bad = Vec::new();
    let mut records = 0;
    each_line(bytes, |number, line, verdict| {
        let placed = match check(line, verdict, record_bytes_max) {
            Checked::Record(record) => place(record).map(|partition| (record, partition as usize)),
            Checked::Bad(why) => Err(why),
            Checked::Blank => return,
        };
        let (record, partition) = match placed {
            Ok(placed) => placed,
            Err(why) => {
                bad.push(BadRecord { record: number, why });
                return;
            }
        };
        if parts.len() <= partition {
            parts.resize_with(partition + 1, Part::default);
        }
        let part = &mut parts[partition];
        part.bytes.extend_from_slice(record);
        part.bytes.push(b'\n');
        part.records += 1;
        records += 1;
    });
    if !bad.is_empty() {
        return Err(LogError::BadRecords { records: bad });
    }
    let mut parts: Vec<Part> = (0..)
        .zip(parts)
        .filter(|(_, part)| part.records > 0)
        .map(|(partition, part)| Part { partition: Some(partition), ..part }.seal())
        .collect();
    if parts.is_empty() {
        // The sequence of a batch without records still has to be kept somewhere.
        parts.push(Part::default().seal());
    }
    Ok(Batch::of(identity, records, parts))
}

/// The lines of a batch, without their LF.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

enum Checked<'a> {
    Record(&'a [u8]),
    Blank,
    Bad(String),
}

fn check(record: &[u8], verdict: Verdict, record_bytes_max: usize) -> Checked<'_> {
    match verdict {
        Verdict::Blank => Checked::Blank,
        _ if record.len() > record_bytes_max => {
            Checked::Bad(format!("the topic takes records of up to {record_bytes_max} bytes"))
        }
        Verdict::Record => match reserved::check(record) {
            Ok(()) => Checked::Record(record),
            Err(reserved) => Checked::Bad(reserved.to_string()),
        },
        Verdict::Bad(error) => Checked::Bad(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RECORD_BYTES_MAX;

    fn one(bytes: &[u8]) -> Batch {
        prepare(bytes.to_vec(), None, RECORD_BYTES_MAX, None).unwrap()
    }

    #[test]
    fn records_are_taken_as_they_are() {
        let batch = one(b"{\"b\":1.0, \"a\":2}\n[3]\n");
        assert_eq!(batch.records, 2);
        assert_eq!(batch.parts[0].bytes, b"{\"b\":1.0, \"a\":2}\n[3]\n");
    }

    #[test]
    fn blank_lines_and_carriage_returns_are_not_kept() {
        assert_eq!(one(b"1\r\n\n  \n2").parts[0].bytes, b"1\n2\n");
        assert_eq!(one(b"").records, 0);
    }

    #[test]
    fn all_bad_records_are_named() {
        let batch =
            prepare(b"1\nx\n{\"@millstream\":{}}\n2\n".to_vec(), None, RECORD_BYTES_MAX, None);
        let Err(LogError::BadRecords { records }) = batch else { panic!("taken") };
        assert_eq!(records.iter().map(|bad| bad.record).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_keyed_batch_spreads_and_keeps_the_order_within_a_partition() {
        let mut place = |record: &[u8]| Ok(u32::from(record[0] % 2));
        let batch =
            prepare(b"1\n2\n3\n4\n".to_vec(), None, RECORD_BYTES_MAX, Some(&mut place)).unwrap();
        let parts: Vec<_> =
            batch.parts.iter().map(|part| (part.partition, part.bytes.as_slice())).collect();
        assert_eq!(parts, [(Some(0), &b"2\n4\n"[..]), (Some(1), b"1\n3\n")]);
    }
}

//! How many records of a visited file lie before a position that another topic has: they are read
//! once more, and only counted.

use std::ops::ControlFlow;

use super::content::Content;
use crate::cli::watch::{Halted, StopReason};
use crate::ingest::files::mark::Mark;
use crate::record::control::is_control;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::reserved;

const BLOCK_BYTES: usize = 64 << 10;

/// Counts the records that a stage is given.
#[derive(Default)]
struct Counted(u64);

impl Sink for Counted {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        if !is_control(raw.bytes) && reserved::check(raw.bytes).is_ok() {
            self.0 += 1;
        }
        ControlFlow::Continue(())
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Why there is no need to read on, if so.
pub(super) type Stopped<'a> = dyn Fn() -> Option<StopReason> + 'a;

/// How many records a new decoder finds from a position up to a mark; none if the content, which
/// begins with `head`, does not have that mark. It is read once, also if it is compressed.
///
/// # Errors
/// When it cannot be read; [`Halted`] once `stopped` says so.
pub(super) fn records_between(
    content: &Content,
    head: &[u8],
    from: u64,
    to: Mark,
    decoder: &mut dyn Decoder,
    stopped: &Stopped<'_>,
) -> anyhow::Result<Option<u64>> {
    if content.is_plain() && !content.agrees(to, head)? {
        return Ok(None);
    }
    let mut at = 0;
    while decoder.awaits_header() && at < from {
        let end = content.position_of_line(at, 1)?;
        read(content, at, end, stopped, |block| {
            let _ = decoder.decode(block, &mut Counted::default());
        })?;
        at = end;
    }
    let mut counted = Counted::default();
    let tail = read(content, from, to.position, stopped, |block| {
        let _ = decoder.decode(block, &mut counted);
    })?;
    // The end of what is counted may be what ends the last of them.
    let _ = decoder.finish(&mut counted);
    let agrees = tail.is_some_and(|tail| to.agrees(head, &tail));
    Ok(agrees.then_some(counted.0))
}

/// Reads a part of a content; gives its last bytes, as many as a mark covers, or none if it
/// is too short.
fn read(
    content: &Content,
    from: u64,
    to: u64,
    stopped: &Stopped<'_>,
    mut take: impl FnMut(&[u8]),
) -> anyhow::Result<Option<Vec<u8>>> {
    // To decompress what lies before it may take long, too.
    let mut reader = content.reader(if content.is_plain() { from } else { 0 })?;
    let mut block = vec![0; BLOCK_BYTES];
    while reader.at() < to {
        if let Some(reason) = stopped() {
            return Err(Halted(reason).into());
        }
        let is_before = reader.at() < from;
        let left = if is_before { from } else { to } - reader.at();
        let left = usize::try_from(left).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let count = reader.read(block.get_mut(..left).unwrap_or_default())?;
        if count == 0 {
            return Ok(None);
        }
        reader.forget_before(reader.at());
        if !is_before {
            take(block.get(..count).unwrap_or_default());
        }
    }
    Ok(Some(reader.tail(to).to_vec()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::*;
    use crate::cli::follow::visit::{Plan, State};
    use crate::ingest::files::identity::{Fingerprint, Identity};
    use crate::ingest::formats::{Choice, Settings};

    const RECORDS: u64 = 200_000;

    /// How many bytes this thread has read so far.
    fn read_bytes() -> u64 {
        let counts = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    }

    fn begin(path: &Path) -> State {
        let content = Content::open(path).unwrap();
        let (status, head) = (content.status().unwrap(), content.head().unwrap());
        let (inode, fingerprint) = (status.inode, Fingerprint::of(&head));
        let plan = Plan {
            live: path.to_owned(),
            path: path.to_owned(),
            inode,
            identity: Identity { inode, fingerprint, path: 0, again: 0, begun_us: None },
            stored: status.bytes,
            from: Mark::default(),
            cut: None,
            takes_rest: false,
            finishes: false,
            also: None,
        };
        State::new(plan, content).unwrap().unwrap()
    }

    #[test]
    fn a_file_is_counted_once_for_all_topics_and_not_to_its_end_if_there_is_no_need() {
        let dir = tempfile::tempdir().unwrap();
        let text: String = (0..RECORDS).map(|number| format!("{number}\n")).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        for (name, bytes) in [("f", text.clone().into_bytes()), ("f.gz", gzip.finish().unwrap())] {
            let path = dir.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            let mut state = begin(&path);
            let count = |state: &mut State, mark, reason: Option<StopReason>| {
                let before = read_bytes();
                let mut decoder = Choice::Named(Settings::ndjson(1 << 20)).decoder();
                let counted = state.records_before(mark, &mut *decoder, &|| reason);
                (counted, read_bytes() - before)
            };
            let mark = state.mark_anywhere(text.len() as u64).unwrap();

            let (halted, read) = count(&mut state, mark, Some(StopReason::Stopped(2)));
            assert!(halted.unwrap_err().is::<Halted>());
            assert!(read < bytes.len() as u64 / 2, "{name}: {read} bytes");

            let (counted, read) = count(&mut state, mark, None);
            assert_eq!(counted.unwrap(), Some(RECORDS));
            let once = bytes.len() as u64 + bytes.len() as u64 / 4;
            assert!(read < once, "{name}: {read} of {} bytes", bytes.len());

            let (counted, read) = count(&mut state, mark, None);
            assert_eq!(counted.unwrap(), Some(RECORDS));
            assert!(read < 1000, "{name}: {read} bytes again");

            // Another file that begins alike does not have the mark.
            let other = Mark::new(text.len() as u64, false, text.as_bytes(), b"other");
            assert_eq!(count(&mut state, other, None).0.unwrap(), None);
            let longer = Mark::new(text.len() as u64 + 9, false, text.as_bytes(), b"other");
            assert_eq!(count(&mut state, longer, None).0.unwrap(), None);
        }
    }
}

//! How many records of a visited file lie before a position that another topic has: they are read
//! once more, and only counted.

use std::io;
use std::ops::ControlFlow;

use super::content::Content;
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

/// How many records a new decoder finds from a position up to a mark; none if the content, which
/// begins with `head`, does not have that mark.
///
/// # Errors
/// When it cannot be read.
pub(super) fn records_between(
    content: &Content,
    head: &[u8],
    from: u64,
    to: Mark,
    decoder: &mut dyn Decoder,
) -> io::Result<Option<u64>> {
    if !content.agrees(to, head)? {
        return Ok(None);
    }
    let mut counted = Counted::default();
    let mut at = 0;
    while decoder.awaits_header() && at < from {
        let end = content.position_of_line(at, 1)?;
        decode(content, at, end, decoder, &mut Counted::default())?;
        at = end;
    }
    decode(content, from, to.position, decoder, &mut counted)?;
    // The end of what is counted may be what ends the last of them.
    let _ = decoder.finish(&mut counted);
    Ok(Some(counted.0))
}

fn decode(
    content: &Content,
    from: u64,
    to: u64,
    decoder: &mut dyn Decoder,
    counted: &mut Counted,
) -> io::Result<()> {
    let mut reader = content.reader(from)?;
    let mut block = vec![0; BLOCK_BYTES];
    while reader.at() < to {
        let left = usize::try_from(to - reader.at()).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let part = block.get_mut(..left).unwrap_or_default();
        let count = reader.read(part)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reader.forget_before(reader.at());
        let _ = decoder.decode(block.get(..count).unwrap_or_default(), counted);
    }
    Ok(())
}

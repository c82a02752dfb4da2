//! The batches of a segment one after the other: their index entries, checksums and records.

use super::format::{BLOCK_BYTES, Entry, FormatError};
use super::{Place, Segment};
use crate::log::LogError;

/// How much is read at once.
const READ_BYTES: usize = 256 << 10;

/// Calls `visit` with each entry of a segment, in order, until it returns false.
pub(in crate::log) fn each_entry(
    segment: &Segment,
    mut visit: impl FnMut(u64, Result<Entry, FormatError>) -> Result<bool, LogError>,
) -> Result<(), LogError> {
    let mut blocks = vec![0; READ_BYTES];
    let mut number = 0;
    loop {
        let count = segment.entry_blocks(number, &mut blocks)?;
        if count == 0 {
            return Ok(());
        }
        let (whole, _) = blocks.as_chunks::<{ BLOCK_BYTES as usize }>();
        for block in &whole[..count] {
            if !visit(number, Entry::decode(block))? {
                return Ok(());
            }
            number += 1;
        }
    }
}

/// The CRC-32C of a batch's bytes as they stand in the data file.
pub(in crate::log) fn data_crc(
    segment: &Segment,
    place: &Place,
    entry: &Entry,
) -> Result<u32, LogError> {
    let mut buffer = vec![0; READ_BYTES.min(entry.bytes as usize)];
    data_crc_through(&mut buffer, segment, place, entry)
}

/// The same, read a `buffer` at a time; it has room for a byte at least, if the batch has one.
pub(in crate::log) fn data_crc_through(
    buffer: &mut [u8],
    segment: &Segment,
    place: &Place,
    entry: &Entry,
) -> Result<u32, LogError> {
    let (mut position, mut crc) = (entry.position, 0);
    while position < entry.end_position() {
        let rest = usize::try_from(entry.end_position() - position).unwrap_or(usize::MAX);
        let piece_bytes = buffer.len().min(rest);
        let piece = &mut buffer[..piece_bytes];
        segment.read_data(place, entry.base, position, piece)?;
        crc = crc32c::crc32c_append(crc, piece);
        position += piece_bytes as u64;
    }
    Ok(crc)
}
/// The lines of a batch, each with its offset and without its end; those that are empty left out.
pub(in crate::log) fn records(entry: Entry, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let lines = bytes.split(|&byte| byte == b'\n');
    (entry.base..entry.end()).zip(lines).filter(|(_, line)| !line.is_empty())
}

//! A group of batches on its way to the files: each gets its offsets, positions and entries.

use super::batch::Batch;
use super::partition::{Partition, Staged};
use crate::api::reading::ByPartition;
use crate::log::segment::format::Entry;

/// A group of batches that are written at once.
#[derive(Debug)]
pub(in crate::log) struct Group<'a> {
    lanes: Vec<Lane<'a>>,
}

/// What a group brings to one partition.
#[derive(Debug)]
struct Lane<'a> {
    end: u64,
    position: u64,
    synced: u64,
    parts: Vec<Staged<'a>>,
}

/// What all parts of a batch share.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Stamp {
    pub(in crate::log) time_us: i64,
    pub(in crate::log) number: u16,
    pub(in crate::log) producer: u32,
}

impl<'a> Group<'a> {
    /// An empty group, to be written behind what the partitions hold.
    pub(in crate::log) fn new(partitions: &[Partition]) -> Group<'a> {
        let lanes = partitions.iter().map(|partition| Lane {
            end: partition.end(),
            position: partition.position(),
            synced: partition.synced(),
            parts: Vec::new(),
        });
        Group { lanes: lanes.collect() }
    }

    /// Puts a batch after those that are in the group already. Gives, for each partition that gets
    /// some of its records, the offset of the first.
    pub(in crate::log) fn stage(&mut self, batch: &'a Batch, stamp: Stamp) -> ByPartition<u64> {
        let sequence = batch.identity.as_ref().map_or(0, |identity| identity.sequence);
        let mut offsets = ByPartition::new();
        // Without a key the batches take turns, also across restarts.
        let turn = u32::from(stamp.number) % u32::try_from(self.lanes.len()).unwrap_or(1).max(1);
        for part in &batch.parts {
            let partition = part.partition.unwrap_or(turn);
            let Some(lane) = self.lanes.get_mut(partition as usize) else { continue };
            let entry = Entry {
                base: lane.end,
                position: lane.position,
                time_us: stamp.time_us,
                sequence,
                synced: lane.synced,
                // A batch is far below 4 GiB, which `prepare` has made sure of.
                bytes: part.bytes.len() as u32,
                records: part.records,
                producer: stamp.producer,
                parts: batch.parts.len() as u16,
                number: stamp.number,
                data_crc: part.crc,
            };
            lane.end = entry.end();
            lane.position = entry.end_position();
            lane.parts.push(Staged { bytes: &part.bytes, entry });
            offsets.insert(partition, entry.base);
        }
        offsets
    }

    /// The partitions that get something, and what.
    pub(in crate::log) fn touched(&self) -> impl Iterator<Item = (usize, &[Staged<'a>])> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter(|(_, lane)| !lane.parts.is_empty()).map(|(at, lane)| (at, &lane.parts[..]))
    }
}

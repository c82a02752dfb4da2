//! Takes out of a batch the records whose keys the topic has.

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use super::key::KeyHash;
use super::recent::At;
use super::set::Open;
use crate::api::reading::ByPartition;
use crate::log::LogError;
use crate::log::append::batch::Batch;

/// The keys of records of the batch itself.
type Own = HashSet<KeyHash, RandomState>;

/// Takes the records out of a batch that one of the sets has at a time, and gives their number.
///
/// # Errors
/// When a set has no room for the others; the batch must not be appended then.
pub(in crate::log) fn sift(
    batch: &mut Batch,
    sets: &mut [Open<'_>],
    now_us: i64,
) -> Result<u64, LogError> {
    let Some(mut keys) = batch.keys.take() else { return Ok(0) };
    sets.iter_mut().for_each(|set| set.pass_time(now_us));
    let mut own = vec![Own::default(); sets.len()];
    let mut kept = Vec::with_capacity(keys.partitions.len());
    for at in 0..keys.partitions.len() {
        let by_set =
            || sets.iter().zip(&keys.keys).filter_map(|(set, keys)| Some((set, keys.get(at)?)));
        let is_new =
            by_set().zip(&own).all(|((set, key), own)| !own.contains(key) && !set.has(*key));
        if is_new {
            by_set().zip(&mut own).for_each(|((_, key), own)| _ = own.insert(*key));
        }
        kept.push(is_new);
    }
    let left = kept.iter().filter(|kept| **kept).count() as u64;
    sets.iter().try_for_each(|set| set.check_room(left))?;
    let skipped = kept.len() as u64 - left;
    if skipped > 0 {
        batch.retain(&keys.partitions, &kept);
    }
    if skipped > 0 || batch.parts.len() > 1 {
        keys.retain(&kept);
    }
    batch.keys = Some(keys);
    Ok(skipped)
}

/// Takes note of a batch that has been sifted and is now appended, by the offset of its first
/// record in each partition.
pub(in crate::log) fn note(
    batch: &Batch,
    sets: &mut [Open<'_>],
    offsets: &ByPartition<u64>,
    time_us: i64,
) {
    let Some(keys) = &batch.keys else { return };
    for (set, keys) in sets.iter_mut().zip(&keys.keys) {
        let mut keys = keys.iter().copied();
        for part in &batch.parts {
            let first = match part.partition {
                Some(partition) => offsets.get_key_value(&partition),
                None => offsets.first_key_value(),
            };
            let Some((&partition, &offset)) = first else { continue };
            let own = keys.by_ref().take(part.records as usize);
            set.add(own, At { partition, offset, time_us });
        }
    }
}

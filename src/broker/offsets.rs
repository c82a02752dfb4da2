//! Places in a topic: where partitions begin and end, where in them a time or the last records are,
//! and what a fetch is to read.

use std::ops::RangeInclusive;

use super::error::Error;
use crate::api::reading::{At, ByPartition, Fetch, Offsets, Place, Places, Position, Span};
use crate::log::{Bounds, LogError, TopicReader};

/// Finds a place in each partition that is asked for.
///
/// # Errors
/// When there is no such partition, or it cannot be read.
pub fn find(reader: &TopicReader, asked: Offsets) -> Result<Places, LogError> {
    let bounds = reader.bounds()?;
    let mut chosen = asked.partitions.unwrap_or_else(|| all(&bounds).collect());
    chosen.sort_unstable();
    chosen.dedup();
    let last: ByPartition<u64> = match asked.at {
        At::Last(count) => reader.last(&bounds, &chosen, count)?.into_iter().collect(),
        _ => ByPartition::new(),
    };
    let mut partitions = ByPartition::new();
    for partition in chosen {
        let Bounds { start, end, .. } = *bounds_of(&asked.topic, &bounds, partition)?;
        let at = match asked.at {
            At::Start => start,
            At::End => end,
            // Where all partitions end is known: to look again for each would cost their square.
            At::TimeUs(time_us) => reader.offset_below(partition, end, time_us)?,
            At::Last(_) => last.get(&partition).copied().unwrap_or(end),
        };
        partitions.insert(partition, Place { start, end, at });
    }
    Ok(Places { topic: asked.topic, partitions })
}

/// What a partition holds, among those of its topic.
///
/// # Errors
/// When the topic has no such partition.
pub fn bounds_of<'a>(
    topic: &str,
    bounds: &'a [Bounds],
    partition: u32,
) -> Result<&'a Bounds, LogError> {
    bounds.iter().find(|bounds| bounds.partition == partition).ok_or_else(|| {
        let partitions = u32::try_from(bounds.len()).unwrap_or(u32::MAX);
        LogError::UnknownPartition { topic: topic.to_owned(), partition, partitions }
    })
}

/// Checks that each offset is among those that `allowed` gives for its partition.
///
/// # Errors
/// When there is no such partition, or the offset is not.
pub fn check(
    topic: &str,
    offsets: &ByPartition<u64>,
    bounds: &[Bounds],
    allowed: impl Fn(&Bounds) -> RangeInclusive<u64>,
) -> Result<(), LogError> {
    for (&partition, &offset) in offsets {
        let held = bounds_of(topic, bounds, partition)?;
        if !allowed(held).contains(&offset) {
            return Err(out_of_range(topic, held, offset));
        }
    }
    Ok(())
}

/// The error that an offset is not among those of its partition.
pub fn out_of_range(topic: &str, held: &Bounds, offset: u64) -> LogError {
    LogError::OffsetOutOfRange {
        topic: topic.to_owned(),
        partition: held.partition,
        offset,
        start: held.start,
        end: held.end,
    }
}

/// What to read: from where to where in which partitions. Who does not follow reads what is there
/// now.
///
/// # Errors
/// When there is no such partition, or what is asked for contradicts itself.
pub fn spans(fetch: &Fetch, bounds: &[Bounds]) -> Result<Vec<Span>, Error> {
    let from = starts(fetch, bounds)?;
    if let Some(partition) = fetch.until.keys().find(|partition| !from.contains_key(partition)) {
        let message = format!("`until` names partition {partition}, which is not read");
        return Err(Error::BadRequest(message));
    }
    let span = |(partition, position)| {
        let bounds = bounds_of(&fetch.topic, bounds, partition)?;
        let from = match position {
            Position::Start => bounds.start,
            Position::End => bounds.end,
            Position::Offset(offset) => offset,
        };
        let until = fetch.until.get(&partition).copied();
        let until = if fetch.follow {
            until
        } else {
            Some(until.map_or(bounds.end, |until| until.min(bounds.end)))
        };
        // Nothing to read is no error, and where to go on never lies before where we began.
        Ok(Span { partition, from, until: until.map(|until| until.max(from)) })
    };
    from.into_iter().map(span).collect()
}

/// Where to begin in which partitions.
fn starts(fetch: &Fetch, bounds: &[Bounds]) -> Result<ByPartition<Position>, Error> {
    let refuse = |message: &str| Err(Error::BadRequest(message.to_owned()));
    let offset = fetch.offset.unwrap_or_default();
    match (&fetch.offsets, fetch.partition) {
        (Some(offsets), _) if offsets.is_empty() => refuse("`offsets` names no partition"),
        (Some(offsets), _) => Ok(offsets.clone()),
        (None, Some(partition)) => Ok(ByPartition::from([(partition, offset)])),
        (None, None) if matches!(offset, Position::Offset(_)) && bounds.len() != 1 => {
            refuse("an offset by its number needs `partition`: the topic has several")
        }
        (None, None) => Ok(all(bounds).map(|partition| (partition, offset)).collect()),
    }
}

fn all(bounds: &[Bounds]) -> impl Iterator<Item = u32> {
    bounds.iter().map(|bounds| bounds.partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [Bounds; 2] =
        [Bounds { partition: 0, start: 2, end: 5 }, Bounds { partition: 1, start: 0, end: 9 }];

    fn fetch() -> Fetch {
        Fetch { topic: "t".to_owned(), ..Fetch::default() }
    }

    #[test]
    fn a_fetch_reads_what_is_there_and_a_follower_goes_on() {
        let span = |partition, from, until| Span { partition, from, until };
        let all = spans(&fetch(), &BOUNDS).unwrap();
        assert_eq!(all, [span(0, 2, Some(5)), span(1, 0, Some(9))]);
        let until = ByPartition::from([(1, 20)]);
        let one = Fetch { partition: Some(1), until: until.clone(), ..fetch() };
        assert_eq!(spans(&one, &BOUNDS).unwrap(), [span(1, 0, Some(9))]);
        let follow = Fetch { follow: true, ..one };
        assert_eq!(spans(&follow, &BOUNDS).unwrap(), [span(1, 0, Some(20))]);
        let behind = Fetch { offset: Some(Position::Offset(30)), ..follow };
        assert_eq!(spans(&behind, &BOUNDS).unwrap(), [span(1, 30, Some(30))]);
    }

    #[test]
    fn what_a_fetch_cannot_mean_is_refused() {
        for bad in [
            Fetch { offsets: Some(ByPartition::new()), ..fetch() },
            Fetch { offset: Some(Position::Offset(1)), ..fetch() },
            Fetch { partition: Some(0), until: ByPartition::from([(1, 2)]), ..fetch() },
        ] {
            assert!(matches!(spans(&bad, &BOUNDS), Err(Error::BadRequest(_))), "{bad:?}");
        }
        let unknown = spans(&Fetch { partition: Some(2), ..fetch() }, &BOUNDS);
        assert!(matches!(unknown, Err(Error::Log(LogError::UnknownPartition { .. }))));
    }
}

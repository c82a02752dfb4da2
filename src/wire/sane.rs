//! What a client believes of an answer. Whoever listens on the socket may be anybody, where the
//! directory is another's: numbers that we count on, or take memory by, are looked at first.

use crate::api::reading::{Chunk, FileRun};

/// The longest run of records that we take at once: more than the longest batch that a log holds.
pub(super) const RUN_BYTES_MAX: u64 = 64 << 20;

/// Checks the header of a run of records.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn check_run(run: &Chunk) -> Result<(), String> {
    check_bytes(run.bytes)?;
    check_offsets(run.offset, run.records)?;
    if run.batches.is_empty() {
        return Ok(());
    }
    let batches = run.batches.iter().map(|batch| (batch.records, batch.bytes));
    check_sums(batches, run.records, Some(run.bytes))
}

/// Checks the header of a run of records in a file.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn check_file_run(run: &FileRun) -> Result<(), String> {
    check_offsets(run.offset, run.records)?;
    let batches = run.batches.iter().map(|batch| (batch.records, batch.bytes));
    check_sums(batches, run.records, None)?;
    let bytes = run.batches.iter().try_fold(run.position, |sum, one| sum.checked_add(one.bytes));
    bytes.map(drop).ok_or_else(|| "a file is not as long as that".to_owned())
}

/// Checks how many bytes are to follow.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn check_bytes(bytes: u64) -> Result<(), String> {
    if bytes > RUN_BYTES_MAX {
        return Err(format!("{bytes} bytes at once; the maximum is {RUN_BYTES_MAX}"));
    }
    Ok(())
}

fn check_offsets(offset: u64, records: u64) -> Result<(), String> {
    match offset.checked_add(records) {
        Some(_) => Ok(()),
        None => {
            Err(format!("{records} records from offset {offset} on: there are no such offsets"))
        }
    }
}

/// Checks that batches, each with its records and bytes, are together what the run has.
fn check_sums(
    batches: impl Iterator<Item = (u64, u64)>,
    records: u64,
    bytes: Option<u64>,
) -> Result<(), String> {
    let mut sums = Some((0_u64, 0_u64));
    for (records, bytes) in batches {
        sums = sums.filter(|_| records > 0).and_then(|(all_records, all_bytes)| {
            Some((all_records.checked_add(records)?, all_bytes.checked_add(bytes)?))
        });
    }
    match sums {
        Some(sums) if sums.0 == records && bytes.is_none_or(|bytes| sums.1 == bytes) => Ok(()),
        _ => Err("the batches do not add up to the run".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::reading::{BatchSpan, FileBatch};

    fn run(offset: u64, records: u64, bytes: u64, batches: &[(u64, u64)]) -> Chunk {
        let batch = |&(records, bytes)| BatchSpan { records, bytes, time_us: 0 };
        let batches = batches.iter().map(batch).collect();
        Chunk { offset, records, bytes, batches, ..Chunk::default() }
    }

    #[test]
    fn a_run_that_adds_up_is_believed() {
        assert_eq!(check_run(&run(7, 3, 9, &[(1, 4), (2, 5)])), Ok(()));
        assert_eq!(check_run(&Chunk { records: 3, bytes: 9, ..Chunk::default() }), Ok(()));
        let batches = vec![FileBatch { records: 3, bytes: 9, time_us: 0, crc: 0 }];
        assert_eq!(check_file_run(&FileRun { records: 3, batches, ..FileRun::default() }), Ok(()));
    }

    #[test]
    fn a_run_that_cannot_be_is_not() {
        for bad in [
            run(0, 1, u64::MAX, &[(1, u64::MAX)]),
            run(0, 1, RUN_BYTES_MAX + 1, &[(1, RUN_BYTES_MAX + 1)]),
            run(u64::MAX, 1, 2, &[(1, 2)]),
            run(0, 2, 2, &[(1, 2)]),
            run(0, 1, 2, &[(1, 3)]),
            run(0, 1, 2, &[(0, 0), (1, 2)]),
            run(0, 1, 2, &[(u64::MAX, 2), (2, 0)]),
        ] {
            assert!(check_run(&bad).is_err(), "{bad:?}");
        }
        let batches = vec![FileBatch { records: 1, bytes: 2, time_us: 0, crc: 0 }];
        let file = FileRun { records: 1, position: u64::MAX, batches, ..FileRun::default() };
        assert!(check_file_run(&file).is_err());
        assert!(check_file_run(&FileRun { records: 2, position: 0, ..file }).is_err());
    }
}

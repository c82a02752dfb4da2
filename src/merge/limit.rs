//! How much may wait.

use super::ordered::Merge;

/// How much memory the records take that wait, whatever else is allowed: 1 GiB.
const BYTES_MAX: u64 = 1 << 30;

/// How much may wait before inputs that lead are not read on.
///
/// It cannot come to a standstill: the input that holds the others back is always read, and each of
/// its records or its end moves its mark on, so that in the end it lets the others go. Nor can
/// more than twice the limit wait: the others have at most that much together, and where this one
/// has as much by itself, it is beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many records.
    pub records: u64,
}

/// How much waits, compared with what may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// More may.
    Room,
    /// Only the input that is awaited is to be read.
    Full,
    /// That input has too much waiting itself, all within the disorder that is allowed for.
    Beyond,
}

impl Merge {
    /// How much waits, compared with a limit.
    pub fn fullness(&mut self, limit: Limit) -> Fullness {
        let held = self.held();
        let of_awaited = self.awaited().map_or(0, |input| self.held_of(input));
        if of_awaited > limit.records || held.bytes >= 2 * BYTES_MAX {
            Fullness::Beyond
        } else if held.records >= limit.records || held.bytes >= BYTES_MAX {
            Fullness::Full
        } else {
            Fullness::Room
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn an_input_that_leads_is_full_and_one_that_is_awaited_may_be_beyond() {
        let limit = Limit { records: 3 };
        let mut merge = Merge::new(2, Duration::from_ms(1_000).unwrap());
        assert_eq!(merge.fullness(limit), Fullness::Room);
        for (number, time_ms) in (0..).zip([5_000, 5_001, 5_002]) {
            merge.push(0, time_ms, number, b"1");
        }
        assert_eq!((merge.awaited(), merge.fullness(limit)), (Some(1), Fullness::Full));
        for (number, time_ms) in (0..).zip([100, 101, 102, 103]) {
            merge.push(1, time_ms, number, b"1");
        }
        assert_eq!((merge.awaited(), merge.fullness(limit)), (Some(1), Fullness::Beyond));
        // Its next record lets the others go.
        merge.push(1, 9_000, 4, b"1");
        while merge.first().is_some() {
            merge.pass();
        }
        assert_eq!((merge.awaited(), merge.fullness(limit)), (Some(0), Fullness::Full));
        merge.end(0);
        while merge.first().is_some() {
            merge.pass();
        }
        assert_eq!(merge.fullness(limit), Fullness::Room);
    }
}

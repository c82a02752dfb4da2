//! Where in its input a producer stands, as the log keeps it: how many records were read, and a
//! checksum of them, in the one number that a sequence is.
//!
//! Both travel with the batch, so that they are as durable and as exact as it is, and an input that
//! is another one is noticed, also where it is as long or longer.

/// Set in every sequence that has a checksum; a smaller number is a count of records alone.
const MARK: u64 = 1 << 63;
/// The lower bits are the checksum, those above the count.
const CRC_BITS: u32 = 24;
const CRC_MASK: u64 = (1 << CRC_BITS) - 1;

/// How many records of an input were read, and their checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    records: u64,
    /// The CRC-32C of the records, each with a line end.
    crc: u32,
}

/// Where the log has a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many records of its input it has appended, or rejected.
    pub records: u64,
    /// The checksum of those; none if it is not known.
    crc: Option<u64>,
}

impl Position {
    /// How many records.
    pub fn records(self) -> u64 {
        self.records
    }

    /// Behind one more record, which has no line end.
    #[must_use]
    pub fn behind_record(self, record: &[u8]) -> Position {
        let crc = crc32c::crc32c_append(self.crc, record);
        Position { records: self.records + 1, crc: crc32c::crc32c_append(crc, b"\n") }
    }

    /// Behind so many records, each with its line end.
    #[must_use]
    pub fn behind(self, lines: &[u8], records: u64) -> Position {
        let crc = crc32c::crc32c_append(self.crc, lines);
        Position { records: self.records + records, crc }
    }

    /// The sequence that says so.
    pub fn sequence(self) -> u64 {
        let count_max = (MARK - 1) >> CRC_BITS;
        MARK | self.records.min(count_max) << CRC_BITS | u64::from(self.crc) & CRC_MASK
    }
}

impl Standing {
    /// Reads a sequence; 0 is the beginning.
    pub fn of(sequence: u64) -> Standing {
        match sequence & MARK {
            0 => Standing { records: sequence, crc: None },
            _ => {
                Standing { records: (sequence & !MARK) >> CRC_BITS, crc: Some(sequence & CRC_MASK) }
            }
        }
    }

    /// Whether it has a checksum, so that another input is noticed.
    pub fn is_checked(self) -> bool {
        self.crc.is_some()
    }

    /// Whether an input of which these records were read can be the one that the producer had.
    pub fn agrees(self, position: Position) -> bool {
        self.records == position.records
            && self.crc.is_none_or(|crc| crc == u64::from(position.crc) & CRC_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(records: &[&[u8]]) -> Position {
        records.iter().fold(Position::default(), |position, record| position.behind_record(record))
    }

    #[test]
    fn other_records_or_another_order_do_not_agree() {
        let standing = Standing::of(read(&[b"1", b"2"]).sequence());
        assert!(standing.agrees(read(&[b"1", b"2"])));
        for other in [&[b"2", b"1"][..], &[b"1", b"3"], &[b"1"]] {
            let other: Vec<&[u8]> = other.iter().map(|record| &record[..]).collect();
            assert!(!standing.agrees(read(&other)), "{other:?}");
        }
        assert!(!standing.agrees(read(&[b"12", b""])));
    }

    #[test]
    fn a_sequence_of_old_is_a_count_and_below_all_new_ones() {
        let old = Standing::of(2);
        assert!(old.records == 2 && !old.is_checked());
        assert!(old.agrees(read(&[b"x", b"y"])) && !old.agrees(read(&[b"x"])));
        assert!(Standing::of(0).agrees(Position::default()));
        assert!(Position::default().sequence() > (1 << 62));
    }

    #[test]
    fn the_number_is_that_of_the_document() {
        // CRC-32C of "1\n2\n".
        let crc = u64::from(crc32c::crc32c(b"1\n2\n")) & 0xff_ffff;
        assert_eq!(read(&[b"1", b"2"]).sequence(), (1 << 63) + (2 << 24) + crc);
    }

    proptest! {
        /// Sequences rise with each record, are read back, and do not depend on how records were
        /// put together.
        #[test]
        fn sequences_rise(records in proptest::collection::vec("[a-c]{1,3}", 1..20)) {
            let (mut position, mut last) = (Position::default(), 0);
            let mut lines = String::new();
            for record in &records {
                position = position.behind_record(record.as_bytes());
                prop_assert!(position.sequence() > last);
                last = position.sequence();
                lines += record;
                lines.push('\n');
            }
            prop_assert!(Standing::of(last).agrees(position));
            prop_assert_eq!(Standing::of(last).records, records.len() as u64);
            prop_assert_eq!(Position::default().behind(lines.as_bytes(), records.len() as u64), position);
        }
    }
}

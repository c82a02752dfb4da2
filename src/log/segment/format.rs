//! The bytes of an index file, as `docs/FORMAT.md` gives them. Pure: no files here.

/// The version of the format that this code writes and reads.
pub const VERSION: u32 = 1;
/// The size of the header, of the attestation and of each entry, in bytes.
pub const BLOCK_BYTES: u64 = 64;
/// Where the attestation begins in an index file.
pub const ATTESTATION_AT: u64 = 64;
/// Where the first entry begins in an index file.
pub const ENTRIES_AT: u64 = 128;

const MAGIC: [u8; 8] = *b"millstr\n";
const CRC_AT: usize = 60;

/// One block of an index file.
pub type Block = [u8; BLOCK_BYTES as usize];

/// Why a block is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The messages are the documentation.
pub enum FormatError {
    #[error("this is not an index file")]
    Magic,
    #[error("format version {found}; this program supports only version {VERSION}")]
    Version { found: u32 },
    #[error("the checksum does not match")]
    Checksum,
}

fn u64_at(block: &Block, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&block[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn u32_at(block: &Block, at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&block[at..at + 4]);
    u32::from_le_bytes(bytes)
}

fn u16_at(block: &Block, at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

fn put<const N: usize>(block: &mut Block, at: usize, bytes: [u8; N]) {
    block[at..at + N].copy_from_slice(&bytes);
}

fn seal(mut block: Block) -> Block {
    let crc = crc32c::crc32c(&block[..CRC_AT]);
    put(&mut block, CRC_AT, crc.to_le_bytes());
    block
}

fn check(block: &Block) -> Result<(), FormatError> {
    let crc = crc32c::crc32c(&block[..CRC_AT]);
    if u32_at(block, CRC_AT) == crc { Ok(()) } else { Err(FormatError::Checksum) }
}

/// What an index file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which partition the segment belongs to.
    pub partition: u32,
    /// The offset of the segment's first record.
    pub base: u64,
    /// When the segment was begun, in µs since the epoch.
    pub created_us: i64,
    /// Where the topic's batches stood when the segment was begun.
    pub before: Counted,
    /// Which generation of the segment's data the entries speak of: how often that was written
    /// anew by compaction.
    pub generation: u32,
}

/// How far the batches of a topic have been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The append time of the last batch, in µs since the epoch; 0 before the first.
    pub last_us: i64,
    /// The number of the next batch, modulo 65536.
    pub next: u16,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> Block {
        let mut block = [0; BLOCK_BYTES as usize];
        put(&mut block, 0, MAGIC);
        put(&mut block, 8, VERSION.to_le_bytes());
        put(&mut block, 12, self.partition.to_le_bytes());
        put(&mut block, 16, self.base.to_le_bytes());
        put(&mut block, 24, self.created_us.to_le_bytes());
        put(&mut block, 32, self.before.last_us.to_le_bytes());
        put(&mut block, 40, self.before.next.to_le_bytes());
        put(&mut block, 44, self.generation.to_le_bytes());
        seal(block)
    }

    /// Whether a block is as it was written, by whichever version.
    pub fn is_sealed(block: &Block) -> bool {
        check(block).is_ok()
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When it is none, is of another version, or its checksum does not hold.
    pub fn decode(block: &Block) -> Result<Header, FormatError> {
        if block[..8] != MAGIC {
            return Err(FormatError::Magic);
        }
        match u32_at(block, 8) {
            VERSION => check(block)?,
            found => return Err(FormatError::Version { found }),
        }
        Ok(Header {
            partition: u32_at(block, 12),
            base: u64_at(block, 16),
            created_us: u64_at(block, 24).cast_signed(),
            before: Counted { last_us: u64_at(block, 32).cast_signed(), next: u16_at(block, 40) },
            generation: u32_at(block, 44),
        })
    }
}

/// What is certain about a segment: all below these points is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attestation {
    /// The offset before which records may be read.
    pub visible: u64,
    /// The offset before which records are on the disk.
    pub synced: u64,
    /// How much of the data file is on the disk, in bytes.
    pub data_bytes: u64,
    /// How much of the index file is on the disk, in bytes.
    pub index_bytes: u64,
    /// How far the segment is compacted.
    pub compaction: Compaction,
}

/// How far a closed segment is compacted; all zero if it never was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// The offset up to which records have taken away the earlier ones of their keys.
    pub until: u64,
    /// When that first held for all of the segment, in µs since the epoch; 0 if it never did.
    pub settled_us: i64,
    /// How many tombstones were left.
    pub tombstones: u32,
}

impl Attestation {
    /// The attestation's bytes.
    pub fn encode(&self) -> Block {
        let mut block = [0; BLOCK_BYTES as usize];
        put(&mut block, 0, self.visible.to_le_bytes());
        put(&mut block, 8, self.synced.to_le_bytes());
        put(&mut block, 16, self.data_bytes.to_le_bytes());
        put(&mut block, 24, self.index_bytes.to_le_bytes());
        put(&mut block, 32, self.compaction.until.to_le_bytes());
        put(&mut block, 40, self.compaction.settled_us.to_le_bytes());
        put(&mut block, 48, self.compaction.tombstones.to_le_bytes());
        seal(block)
    }

    /// Reads an attestation; `None` if the block says nothing: never written, or torn.
    pub fn decode(block: &Block) -> Option<Attestation> {
        check(block).ok()?;
        Some(Attestation {
            visible: u64_at(block, 0),
            synced: u64_at(block, 8),
            data_bytes: u64_at(block, 16),
            index_bytes: u64_at(block, 24),
            compaction: Compaction {
                until: u64_at(block, 32),
                settled_us: u64_at(block, 40).cast_signed(),
                tombstones: u32_at(block, 48),
            },
        })
    }
}

/// One batch, or one partition's part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The offset of the first record.
    pub base: u64,
    /// Where its bytes begin in the data file.
    pub position: u64,
    /// When it was appended, in µs since the epoch.
    pub time_us: i64,
    /// The producer's sequence after this batch; 0 without a producer.
    pub sequence: u64,
    /// The offset before which the partition was on the disk when this was written.
    pub synced: u64,
    /// The length of its bytes.
    pub bytes: u32,
    /// How many records it has.
    pub records: u32,
    /// The producer's number; 0 without a producer.
    pub producer: u32,
    /// How many partitions hold a part of the batch.
    pub parts: u16,
    /// The number of the batch in its topic, modulo 65536.
    pub number: u16,
    /// CRC-32C of its bytes.
    pub data_crc: u32,
}

impl Entry {
    /// The entry's bytes.
    pub fn encode(&self) -> Block {
        let mut block = [0; BLOCK_BYTES as usize];
        put(&mut block, 0, self.base.to_le_bytes());
        put(&mut block, 8, self.position.to_le_bytes());
        put(&mut block, 16, self.time_us.to_le_bytes());
        put(&mut block, 24, self.sequence.to_le_bytes());
        put(&mut block, 32, self.synced.to_le_bytes());
        put(&mut block, 40, self.bytes.to_le_bytes());
        put(&mut block, 44, self.records.to_le_bytes());
        put(&mut block, 48, self.producer.to_le_bytes());
        put(&mut block, 52, self.parts.to_le_bytes());
        put(&mut block, 54, self.number.to_le_bytes());
        put(&mut block, 56, self.data_crc.to_le_bytes());
        seal(block)
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When its checksum does not hold.
    pub fn decode(block: &Block) -> Result<Entry, FormatError> {
        check(block)?;
        Ok(Entry {
            base: u64_at(block, 0),
            position: u64_at(block, 8),
            time_us: u64_at(block, 16).cast_signed(),
            sequence: u64_at(block, 24),
            synced: u64_at(block, 32),
            bytes: u32_at(block, 40),
            records: u32_at(block, 44),
            producer: u32_at(block, 48),
            parts: u16_at(block, 52),
            number: u16_at(block, 54),
            data_crc: u32_at(block, 56),
        })
    }

    /// How far the topic's batches are counted with this one.
    pub fn counted(&self) -> Counted {
        Counted { last_us: self.time_us, next: self.number.wrapping_add(1) }
    }

    /// The offset behind the last record.
    pub fn end(&self) -> u64 {
        self.base.saturating_add(u64::from(self.records))
    }

    /// The position behind the last byte.
    pub fn end_position(&self) -> u64 {
        self.position.saturating_add(u64::from(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENTRY: Entry = Entry {
        base: 0x0102_0304_0506_0708,
        position: 0x1112_1314_1516_1718,
        time_us: 0x2122_2324_2526_2728,
        sequence: 0x3132_3334_3536_3738,
        synced: 0x4142_4344_4546_4748,
        bytes: 0x5152_5354,
        records: 0x6162_6364,
        producer: 0x7172_7374,
        parts: 0x0102,
        number: 0x0304,
        data_crc: 0x0a0b_0c0d,
    };

    fn hex(block: &Block) -> String {
        block.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let header = Header {
            partition: 3,
            base: 131_072,
            created_us: 1_700_000_000_000_000,
            before: Counted { last_us: 1_699_999_999_999_999, next: 0x0506 },
            generation: 0x0708_090a,
        };
        // Made by another program: Python's struct module and a bitwise CRC.
        let expected = "6d696c6c7374720a0100000003000000000002000000000000401e18240a0600\
             ff3f1e18240a0600060500000a090807000000000000000000000000a2b84859";
        assert_eq!(hex(&header.encode()), expected);
        assert_eq!(Header::decode(&header.encode()), Ok(header));
        let expected = "0807060504030201181716151413121128272625242322213837363534333231\
             4847464544434241545352516463626174737271020104030d0c0b0a2dd99e7c";
        assert_eq!(hex(&ENTRY.encode()), expected);
        assert_eq!(Entry::decode(&ENTRY.encode()), Ok(ENTRY));
        let compaction = Compaction { until: 5, settled_us: 6, tombstones: 7 };
        let attestation =
            Attestation { visible: 1, synced: 2, data_bytes: 3, index_bytes: 4, compaction };
        let expected = "0100000000000000020000000000000003000000000000000400000000000000\
             0500000000000000060000000000000007000000000000000000000066eb0609";
        assert_eq!(hex(&attestation.encode()), expected);
        assert_eq!(Attestation::decode(&attestation.encode()), Some(attestation));
    }

    #[test]
    fn crc_is_castagnoli() {
        // The check value of the CRC catalogue for CRC-32/ISCSI.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let compaction = Compaction { until: 12, settled_us: 1, tombstones: 1 };
        let attestation =
            Attestation { visible: 10, synced: 10, data_bytes: 300, index_bytes: 192, compaction };
        let header = Header {
            partition: 0,
            base: 0,
            created_us: 1,
            before: Counted::default(),
            generation: 3,
        };
        for bit in 0..512 {
            let flip = |mut block: Block| {
                block[bit / 8] ^= 1 << (bit % 8);
                block
            };
            assert!(Entry::decode(&flip(ENTRY.encode())).is_err(), "bit {bit}");
            assert_eq!(Attestation::decode(&flip(attestation.encode())), None, "bit {bit}");
            assert!(Header::decode(&flip(header.encode())).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_neither_an_entry_nor_an_attestation() {
        let zeros = [0; BLOCK_BYTES as usize];
        assert!(Entry::decode(&zeros).is_err());
        assert_eq!(Attestation::decode(&zeros), None);
    }

    #[test]
    fn another_version_is_named() {
        let (before, generation) = (Counted::default(), 0);
        let mut block =
            Header { partition: 0, base: 0, created_us: 0, before, generation }.encode();
        block[8] = 2;
        assert_eq!(Header::decode(&block), Err(FormatError::Version { found: 2 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let block: Block = bytes.try_into().unwrap();
            let _ = (Entry::decode(&block), Attestation::decode(&block), Header::decode(&block));
        }
    }
}

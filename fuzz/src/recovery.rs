//! Any bytes as a partition's two files: nothing panics; what verify calls whole can be opened, and
//! reads to its end; what a repair leaves is whole.

use std::fs;
use std::path::{Path, PathBuf};

use millstream::api::reading::Span;
use millstream::log::segment::format::{ATTESTATION_AT, Attestation, BLOCK_BYTES, Entry};
use millstream::log::{Log, LogError, Settings, open_readers, repair};

const NAME: &str = "t";
/// Offsets above this are not tried: a repair that believed them would rightly write as many empty
/// lines.
const OFFSET_MAX: u64 = 1 << 16;

/// Makes a topic of three batches, of which the input then makes something else.
fn make(dir: &Path) {
    let log = Log::open(dir).unwrap();
    let topic = log.create(NAME, &Settings::new(1, None)).unwrap();
    for records in ["1\n2\n", "{\"a\":3}\n", "4\n"] {
        let batch = topic.prepare(records.as_bytes().to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    log.close().unwrap();
}

fn paths(dir: &Path) -> [PathBuf; 2] {
    ["ndjson", "index"].map(|ending| dir.join(format!("topics/t/0/{:020}.{ending}", 0)))
}

/// Five bytes an edit: which file, where (two bytes), what byte, and whether the file ends there.
/// Sums of blocks are put right if asked for, so that the code behind them is reached.
fn edit(dir: &Path, input: &[u8]) {
    for edit in input.chunks_exact(5) {
        let path = &paths(dir)[usize::from(edit[0] % 2)];
        let mut contents = fs::read(path).unwrap();
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % (contents.len() + 1);
        match contents.get_mut(at) {
            Some(byte) if edit[4] & 1 == 0 => *byte = edit[3],
            _ => contents.resize(at, edit[3]),
        }
        if edit[0] % 2 == 1 && edit[4] & 2 == 2 {
            seal(&mut contents);
        }
        fs::write(path, contents).unwrap();
    }
}

/// The input as it is: the first half of it is the data, the rest the index.
fn replace(dir: &Path, input: &[u8]) {
    let (data, index) = input.split_at(input.len() / 2);
    let mut index = index.to_vec();
    seal(&mut index);
    for (path, contents) in paths(dir).iter().zip([data, &index]) {
        fs::write(path, contents).unwrap();
    }
}

/// Puts the sums of an index right.
fn seal(contents: &mut [u8]) {
    for block in contents.chunks_exact_mut(64) {
        let crc = crc32c::crc32c(&block[..60]);
        block[60..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Whether sums that hold tell of more records than [`OFFSET_MAX`].
fn is_vast(dir: &Path) -> bool {
    let index = fs::read(&paths(dir)[1]).unwrap();
    let (blocks, _) = index.as_chunks::<{ BLOCK_BYTES as usize }>();
    blocks.iter().enumerate().any(|(at, block)| {
        let offset = if at as u64 == ATTESTATION_AT / BLOCK_BYTES {
            Attestation::decode(block).map(|attested| attested.synced)
        } else {
            Entry::decode(block).ok().map(|entry| entry.synced.max(entry.base))
        };
        offset.is_some_and(|offset| offset > OFFSET_MAX)
    })
}

fn read(dir: &Path) -> Result<(), LogError> {
    let log = Log::open(dir)?;
    let topic = log.topic(NAME)?;
    // Opening a damaged topic succeeds, for reading; appending to it does not.
    topic.producer("p")?;
    let reader = topic.reader();
    let span = Span { partition: 0, from: reader.bounds()?[0].start, until: None };
    let mut cursor = reader.cursor(vec![span])?;
    let (mut bytes, mut records) = (Vec::new(), span.from);
    while let Some(chunk) = cursor.next(1 << 10, &mut bytes)? {
        assert_eq!(chunk.offset, records);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines as u64, chunk.records);
        records += chunk.records;
    }
    assert_eq!(records, reader.bounds()?[0].end);
    let batch = topic.prepare(b"\"after\"\n".to_vec(), None)?;
    topic.append(vec![batch]).remove(0).map(drop)
}

/// See the module.
pub fn recovery(input: &[u8]) {
    let Some((mode, input)) = input.split_first() else { return };
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let dir = dir.unwrap();
    make(dir.path());
    if mode % 2 == 0 {
        edit(dir.path(), input)
    } else {
        replace(dir.path(), input)
    }
    if is_vast(dir.path()) {
        return;
    }
    let verify = || open_readers(dir.path(), &[NAME.to_owned()]).unwrap()[0].0.verify().unwrap();
    let found = verify();
    if found.is_damaged() {
        // Whoever opens it regardless is told, and nothing panics.
        let _ = read(dir.path());
        match repair(dir.path(), NAME) {
            Ok(_) => assert!(!verify().is_damaged(), "{:?} left of {found:?}", verify()),
            // Another version, or a hole that nobody could fill.
            Err(LogError::Damaged { .. }) => return,
            Err(error) => panic!("{error}"),
        }
    }
    if let Err(error) = read(dir.path()) {
        panic!("{error}; found {found:?}");
    }
}

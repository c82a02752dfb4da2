//! Reading one topic, through the daemon or from its files.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::lent_output::LentOutput;
use crate::cli::input::{Halt, Watch};
use crate::log::{
    BatchSpan, Bounds, Chunk, Cursor, FileBatch, FileRun, LogError, Span, TopicReader, open_readers,
};
use crate::wire::answer::{CheckedRun, FileRecords, Records};
use crate::wire::client::{Client, Delivery};
use crate::wire::request::{At, Fetch, Offsets, Position};

/// How much is read at once, in bytes, where a batch is not longer.
const CHUNK_BYTES: usize = 256 << 10;

/// Runs of at least so many bytes are given as files, where files are asked for.
const FILE_RUN_BYTES_MIN: u64 = 1 << 20;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// Whether to wait for records that are not there yet.
    pub follow: bool,
    /// Whether to check checksums, but for those of records in files: that is up to who reads them.
    pub verify: bool,
    /// Whether large runs of records are given as files.
    pub files: bool,
    /// Where all that is read is written as it is, before more is asked for: the log may write
    /// records there by itself, which are then not given.
    pub output: Option<BorrowedFd<'a>>,
}

/// A topic, open for reading.
pub struct Reader {
    topic: String,
    partitions: u32,
    from: From,
}

enum From {
    Served(Client),
    Files(TopicReader),
}

/// A place in a partition, with where the partition begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the partition holds.
    pub bounds: Bounds,
    /// The offset of the place.
    pub at: u64,
}

/// What reading gives next.
#[derive(Debug)]
pub enum Step {
    /// A run of records, whose lines were read.
    Records(Chunk),
    /// A run of records in a file.
    File(FileRun),
    /// All that was asked for has been read.
    Done,
    /// There is no need to read further.
    Halt(Halt),
}

impl Reader {
    /// Opens a topic of the log in `dir`.
    ///
    /// # Errors
    /// When there is no such log or topic, or it cannot be read.
    pub fn open(dir: &Path, name: &str) -> anyhow::Result<Reader> {
        let topic = name.to_owned();
        let Some(mut client) = Client::connect(dir)? else {
            let mut readers = open_readers(dir, std::slice::from_ref(&topic))?;
            let Some((reader, settings)) = readers.pop() else {
                return Err(LogError::UnknownTopic { topic }.into());
            };
            let partitions = settings.partitions;
            return Ok(Reader { topic, partitions, from: From::Files(reader) });
        };
        let places = client.offsets(Offsets { topic: topic.clone(), ..Offsets::default() })?;
        let partitions = u32::try_from(places.partitions.len()).unwrap_or(u32::MAX);
        Ok(Reader { topic, partitions, from: From::Served(client) })
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Finds a place in each of `partitions`.
    ///
    /// # Errors
    /// When there is no such partition, or it cannot be read.
    pub fn find(&mut self, partitions: &[u32], at: At) -> anyhow::Result<Vec<Found>> {
        match &mut self.from {
            From::Served(client) => {
                let topic = self.topic.clone();
                let offsets = Offsets { topic, partitions: Some(partitions.to_vec()), at };
                let places = client.offsets(offsets)?.partitions;
                let found = places.into_iter().map(|(partition, place)| Found {
                    bounds: Bounds { partition, start: place.start, end: place.end },
                    at: place.at,
                });
                Ok(found.collect())
            }
            From::Files(reader) => find_in_files(reader, partitions, at),
        }
    }

    /// Begins to read. Without [`Manner::follow`], every span must say where it ends.
    ///
    /// # Errors
    /// When a span begins outside of what its partition holds.
    pub fn read(self, spans: Vec<Span>, manner: Manner<'_>) -> anyhow::Result<Reading> {
        match self.from {
            From::Served(mut client) => {
                let offsets = spans.iter();
                let offsets = offsets.map(|span| (span.partition, Position::Offset(span.from)));
                let until = spans.iter().filter_map(|span| Some((span.partition, span.until?)));
                let fetch = Fetch {
                    topic: self.topic,
                    offsets: Some(offsets.collect()),
                    until: until.collect(),
                    follow: manner.follow,
                    batches: true,
                    unverified: !manner.verify,
                    files: manner.files,
                    ..Fetch::default()
                };
                let lends = match manner.output.filter(|_| manner.follow) {
                    Some(pipe) => client.fetch_into(fetch, pipe)?,
                    None => client.fetch(fetch).map(|()| false)?,
                };
                Ok(Reading::Served { client, lent: lends.then(LentOutput::default) })
            }
            From::Files(reader) => {
                // Before anything is read, so that nothing is missed between reading and waiting.
                let changes = if manner.follow { Some(watch_files(&reader)?) } else { None };
                let cursor = reader.cursor(spans)?.verifying(manner.verify);
                Ok(Reading::Files { cursor, changes, passes: manner.files })
            }
        }
    }
}

fn find_in_files(reader: &TopicReader, partitions: &[u32], at: At) -> anyhow::Result<Vec<Found>> {
    let bounds = reader.bounds()?;
    let last = match at {
        At::Last(count) => reader.last(partitions, count)?,
        _ => Vec::new(),
    };
    let mut found = Vec::with_capacity(partitions.len());
    for &partition in partitions {
        let Some(&bounds) = bounds.get(partition as usize) else {
            return Err(LogError::UnknownPartition {
                topic: reader.topic().to_owned(),
                partition,
                partitions: u32::try_from(bounds.len()).unwrap_or(u32::MAX),
            }
            .into());
        };
        let at = match at {
            At::Start => bounds.start,
            At::End => bounds.end,
            At::TimeUs(time_us) => reader.offset_at(partition, time_us)?,
            At::Last(_) => {
                let offset = last.iter().find(|(of, _)| *of == partition);
                offset.map_or(bounds.end, |(_, offset)| *offset)
            }
        };
        found.push(Found { bounds, at });
    }
    Ok(found)
}

fn watch_files(reader: &TopicReader) -> anyhow::Result<Inotify> {
    let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    for dir in reader.dirs() {
        changes.add_watch(dir, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE)?;
    }
    Ok(changes)
}

/// A topic being read.
pub enum Reading {
    /// By the daemon.
    Served {
        /// The daemon.
        client: Client,
        /// How much is written, where our output is lent.
        lent: Option<LentOutput>,
    },
    /// From its files.
    Files {
        /// Where we are.
        cursor: Cursor,
        /// Tells when the files have changed, if we follow them.
        changes: Option<Inotify>,
        /// Whether large runs are given as files.
        passes: bool,
    },
}

impl Reading {
    /// Reads the next run of records; its lines are then in `bytes`. Waits where we follow.
    ///
    /// # Errors
    /// When the daemon is gone, or the files cannot be read or are damaged.
    pub fn next(&mut self, watch: &Watch, bytes: &mut Vec<u8>) -> anyhow::Result<Step> {
        if let Some(halt) = watch.stopped() {
            return Ok(Step::Halt(halt));
        }
        match self {
            Reading::Served { client, lent } => {
                if !client.has_answer() {
                    if let Some(lent) = lent {
                        lent.tell(client);
                    }
                    if let Some(halt) = watch.wait(&*client)? {
                        return Ok(Step::Halt(halt));
                    }
                }
                let delivery = client.next_chunk(bytes)?;
                if let Some(lent) = lent {
                    lent.note(&delivery);
                }
                Ok(match delivery {
                    Delivery::Records(records) => Step::Records(chunk(records)),
                    Delivery::File(run, file) => Step::File(file_run(run, file)),
                    Delivery::Done(_) => Step::Done,
                })
            }
            Reading::Files { cursor, changes, passes } => loop {
                if *passes && let Some(run) = cursor.file_run(FILE_RUN_BYTES_MIN)? {
                    cursor.pass(&run);
                    return Ok(Step::File(run));
                }
                if let Some(chunk) = cursor.next(CHUNK_BYTES, bytes)? {
                    return Ok(Step::Records(chunk));
                }
                let Some(changes) = changes.as_ref().filter(|_| !cursor.done()) else {
                    return Ok(Step::Done);
                };
                if let Some(halt) = watch.wait(changes)? {
                    return Ok(Step::Halt(halt));
                }
                // What changed does not matter: the cursor looks for itself.
                while changes.read_events().is_ok_and(|events| !events.is_empty()) {}
            },
        }
    }
}

/// The run of records in a file that the daemon tells of.
fn file_run(run: FileRecords, file: Option<OwnedFd>) -> FileRun {
    let batch = |batch: CheckedRun| FileBatch {
        records: batch.records,
        bytes: batch.bytes,
        time_us: batch.time_us,
        crc: batch.crc,
    };
    FileRun {
        partition: run.partition,
        offset: run.offset,
        end: run.end,
        position: run.position,
        batches: run.batches.into_iter().map(batch).collect(),
        file,
    }
}

/// The run of records that a header of the daemon tells of.
pub fn chunk(records: Records) -> Chunk {
    let batches = records.batches.unwrap_or_default().into_iter();
    Chunk {
        partition: records.partition,
        offset: records.offset,
        records: records.records,
        end: records.end,
        batches: batches
            .map(|batch| BatchSpan {
                records: batch.records,
                bytes: batch.bytes,
                time_us: batch.time_us,
            })
            .collect(),
    }
}

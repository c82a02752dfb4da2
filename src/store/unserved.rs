//! Reading a topic from its files, without a daemon.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::step::Step;
use super::watch::Watch;
use crate::api::reading::Span;
use crate::broker::limits::{CHUNK_BYTES, FILE_RUN_BYTES_MIN};
use crate::log::{Cursor, LogError, TopicReader, open_readers};
use crate::sys::changes::Changes;

/// Reading from the files.
pub struct Unserved {
    /// Where we are.
    cursor: Cursor,
    /// What tells when the files have changed, if we follow them.
    followed: Option<Followed>,
    /// Whether large runs are given as files.
    passes: bool,
}

/// A topic whose files are followed.
struct Followed {
    changes: Changes,
    /// The log's directory.
    dir: PathBuf,
    topic: String,
    /// The topic's directory, and which one of that name it is.
    topic_dir: PathBuf,
    identity: (u64, u64),
    /// How many partitions are read; none if others that are added are not to be.
    partitions: Option<u32>,
}

impl Unserved {
    /// Reads these parts of partitions. If we follow: `dir` is the log's directory, and `added`
    /// says whether partitions that are added are read, too.
    ///
    /// # Errors
    /// When a span begins outside of what its partition holds, or files cannot be watched.
    pub fn begin(
        reader: &TopicReader,
        spans: Vec<Span>,
        (verify, passes): (bool, bool),
        follow: Option<(&Path, bool)>,
    ) -> Result<Unserved, Error> {
        // Before anything is read, so that nothing is missed between reading and waiting.
        let followed = match follow {
            Some((dir, added)) => Some(Followed::new(reader, dir, added)?),
            None => None,
        };
        let cursor = reader.cursor(spans)?.verifying(verify);
        Ok(Unserved { cursor, followed, passes })
    }

    /// Reads the next run of records; waits where we follow.
    ///
    /// # Errors
    /// When the files cannot be read or are damaged, or the topic is deleted while we follow it.
    pub fn next<W: Watch>(
        &mut self,
        watch: &W,
        bytes: &mut Vec<u8>,
    ) -> Result<Step<W::Stop>, Error> {
        if let Some(stop) = watch.stopped() {
            return Ok(Step::Stopped(stop));
        }
        loop {
            if self.passes
                && let Some((run, file)) = self.cursor.file_run(FILE_RUN_BYTES_MIN)?
            {
                self.cursor.pass(&run);
                return Ok(Step::File(run, file));
            }
            if let Some(chunk) = self.cursor.next(CHUNK_BYTES, bytes)? {
                return Ok(Step::Records(chunk));
            }
            let Some(followed) = self.followed.as_mut().filter(|_| !self.cursor.done()) else {
                return Ok(Step::Done);
            };
            if let Some(stop) = watch.wait(followed.changes.as_fd())? {
                return Ok(Step::Stopped(stop));
            }
            followed.look_around(&mut self.cursor)?;
        }
    }
}

impl Followed {
    fn new(reader: &TopicReader, dir: &Path, added: bool) -> Result<Followed, Error> {
        let changes = Changes::new()?;
        let topic_dir = reader.dir().to_owned();
        // Settings are replaced by renaming, and a topic that is deleted is first renamed.
        changes.watch_replacement(&topic_dir).map_err(|error| unwatched(&topic_dir, error))?;
        let identity = identity(&topic_dir).unwrap_or_default();
        let followed = Followed {
            changes,
            dir: dir.to_owned(),
            topic: reader.topic().to_owned(),
            topic_dir,
            identity,
            partitions: added.then(|| reader.partitions()),
        };
        followed.watch(reader)?;
        Ok(followed)
    }

    fn watch(&self, reader: &TopicReader) -> Result<(), Error> {
        for dir in reader.dirs() {
            self.changes.watch_growth(dir).map_err(|error| unwatched(dir, error))?;
        }
        Ok(())
    }

    /// What changed in partitions the cursor sees by itself. Whether the topic is still there, and
    /// has more partitions, is for us to see.
    fn look_around(&mut self, cursor: &mut Cursor) -> Result<(), Error> {
        if !self.changes.take() {
            return Ok(());
        }
        if identity(&self.topic_dir) != Some(self.identity) {
            return Err(LogError::UnknownTopic { topic: self.topic.clone() }.into());
        }
        let Some(known) = self.partitions else { return Ok(()) };
        let found = open_readers(&self.dir, std::slice::from_ref(&self.topic))?.pop();
        if let Some((reader, _)) = found.filter(|(reader, _)| reader.partitions() > known) {
            self.watch(&reader)?;
            self.partitions = Some(reader.partitions());
            let added = reader.added_since(known)?;
            cursor.widen(reader, added);
        }
        Ok(())
    }
}

fn unwatched(dir: &Path, error: io::Error) -> Error {
    Error::Follow { path: dir.to_owned(), error }
}

/// Which directory it is, of all that have had its name.
fn identity(dir: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(dir).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

//! Opening a topic for a client: to append to it, to read it, to find places in it.

use std::sync::Arc;

use super::Broker;
use super::access::Access;
use super::commit_queue::CommitQueue;
use super::error::Error;
use super::groups::Peer;
use super::names::OwnNames;
use super::offsets;
use crate::api::appending::{
    Append, Keep, PRODUCERS_LISTED_MAX, Producer, Producers, Standing, Standings,
    UNIQUE_MAX_DEFAULT, Unique,
};
use crate::api::reading::{Fetch, Offsets, Places};
use crate::api::topics::Named;
use crate::log::access::Right;
use crate::log::{Cursor, LogError};
use crate::sys::file::free_bytes;

impl Broker {
    /// The queue that takes an append.
    ///
    /// # Errors
    /// When the append is too large, the disk is nearly full, or there is no such topic or no
    /// permission to append to it.
    pub fn queue_of_append(
        &self,
        access: &Access,
        append: &Append,
    ) -> Result<Arc<CommitQueue>, Error> {
        let (bytes, most) = (append.bytes, self.limits.append_bytes_max);
        if bytes > most {
            return Err(Error::AppendTooLarge { bytes, most });
        }
        let keys = append.unique.as_ref().map_or(0, Unique::most);
        if keys > UNIQUE_MAX_DEFAULT && !access.is_master() {
            let why = format!(
                "unique keys of more than {UNIQUE_MAX_DEFAULT} records; only root and the user of \
                 log-serve may use that much memory"
            );
            return Err(LogError::NotPermitted { topic: append.topic.clone(), why }.into());
        }
        self.check_room(bytes)?;
        Ok(self.queue_for(access, Right::Append, &append.topic)?)
    }

    /// Refuses to fill the disk: others need some of it, and compacting and closing do, too.
    fn check_room(&self, bytes: u64) -> Result<(), Error> {
        let kept = self.limits.free_bytes_min;
        if kept == 0 {
            return Ok(());
        }
        let dir = || self.log.dir().to_owned();
        let free = free_bytes(self.log.dir())
            .map_err(|error| Error::UnknownSpace { dir: dir(), error })?;
        if free.saturating_sub(bytes) >= kept {
            return Ok(());
        }
        Err(Error::LowSpace { dir: dir(), free, kept })
    }

    /// The producers' names of a client that has none yet.
    pub fn names_of(&self, peer: Arc<dyn Peer>) -> OwnNames<'_> {
        OwnNames::new(&self.names, peer, self.limits.names_max)
    }

    /// Takes a producer's name for a client; tells where the producer stands.
    ///
    /// # Errors
    /// When another client has the name, or what the log holds of the producer cannot be read.
    pub fn standing(
        &self,
        access: &Access,
        names: &mut OwnNames<'_>,
        producer: Producer,
    ) -> Result<Standing, Error> {
        let Producer { topic, name, release } = producer;
        let queue = self.queue_for(access, Right::Append, &topic)?;
        if release {
            names.give_back(&topic, &name);
        } else {
            names.take(&topic, &name)?;
        }
        let sequence = queue.topic.producer(&name)?;
        Ok(Standing { topic, name, sequence })
    }

    /// Tells where producers stand.
    ///
    /// # Errors
    /// When there is no such topic or no permission to append to it, or what it holds of its
    /// producers cannot be read.
    pub fn standings(&self, access: &Access, asked: Producers) -> Result<Standings, Error> {
        let Producers { topic, prefix, after } = asked;
        let queue = self.queue_for(access, Right::Append, &topic)?;
        let producers = queue.topic.producers(&prefix, &after, PRODUCERS_LISTED_MAX)?;
        Ok(Standings { topic, producers })
    }

    /// Takes note that sources are there.
    ///
    /// # Errors
    /// As [`Broker::standings`]; or what the topic holds of its producers cannot be written.
    pub fn keep(&self, access: &Access, keep: Keep) -> Result<Named, Error> {
        let queue = self.queue_for(access, Right::Append, &keep.topic)?;
        queue.topic.keep_producers(&keep.names)?;
        Ok(Named { topic: keep.topic })
    }

    /// Opens what a fetch is to read.
    ///
    /// # Errors
    /// When there is no such topic, partition or offset, or no permission to read it.
    pub fn open_fetch(
        &self,
        access: &Access,
        fetch: &Fetch,
    ) -> Result<(Arc<CommitQueue>, Cursor), Error> {
        let queue = self.queue_for(access, Right::Read, &fetch.topic)?;
        let reader = queue.topic.reader();
        let spans = offsets::spans(fetch, &reader.bounds()?)?;
        let cursor = reader.cursor(spans)?;
        Ok((queue, cursor.verifying(!fetch.unverified)))
    }

    /// Tells where partitions begin and end, and where in them a place is.
    ///
    /// # Errors
    /// When there is no such topic or partition, or no permission to look at it.
    pub fn offsets(&self, access: &Access, asked: Offsets) -> Result<Places, Error> {
        let queue = self.queue_for(access, Right::Look, &asked.topic)?;
        Ok(offsets::find(&queue.topic.reader(), asked)?)
    }

    /// An error of the kernel's that concerns the whole log.
    pub fn io(&self, error: std::io::Error) -> LogError {
        LogError::io(self.log.dir(), error)
    }
}

//! Reading a topic through the daemon, over as many connections as that takes.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use super::error::Error;
use super::lent_output::LentOutput;
use super::reconnect::resume;
use super::step::Step;
use super::watch::Watch;
use crate::api::reading::{ByPartition, Fetch, Position};
use crate::wire::client::{Client, ClientError, Delivery};

/// Reading through the daemon.
pub struct Served<'a> {
    client: Client,
    dir: PathBuf,
    patience: Duration,
    fetch: Fetch,
    /// Which record comes next in each partition.
    at: ByPartition<u64>,
    /// Our output, for the daemon to write to.
    output: Option<BorrowedFd<'a>>,
    lent: Option<LentOutput>,
}

impl<'a> Served<'a> {
    /// Asks for what `fetch` names, from these offsets on.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn begin(
        client: Client,
        dir: PathBuf,
        patience: Duration,
        (fetch, at): (Fetch, ByPartition<u64>),
        output: Option<BorrowedFd<'a>>,
    ) -> Result<Served<'a>, Error> {
        let mut served = Served { client, dir, patience, fetch, at, output, lent: None };
        served.ask()?;
        Ok(served)
    }

    fn ask(&mut self) -> Result<(), ClientError> {
        let offsets = self.at.iter().map(|(&number, &offset)| (number, Position::Offset(offset)));
        let fetch = Fetch { offsets: Some(offsets.collect()), ..self.fetch.clone() };
        let lends = match self.output {
            Some(pipe) => self.client.fetch_into(fetch, pipe)?,
            None => self.client.fetch(fetch).map(|()| false)?,
        };
        self.lent = lends.then(LentOutput::new);
        Ok(())
    }

    /// Whether the daemon may write to our output by itself.
    pub fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Reads the next run of records; waits where we follow, and for a daemon that is gone.
    ///
    /// # Errors
    /// When the daemon is gone for good, or refuses.
    pub fn next<W: Watch>(
        &mut self,
        watch: &W,
        bytes: &mut Vec<u8>,
    ) -> Result<Step<W::Stop>, Error> {
        loop {
            let error = match self.next_here(watch, bytes) {
                Ok(step) => return Ok(step),
                Err(error) => error,
            };
            if !error.is_gone() || self.patience.is_zero() {
                return Err(error);
            }
            if let Some(stop) = self.ask_again(&error, watch)? {
                return Ok(Step::Stopped(stop));
            }
        }
    }

    /// Reads the next run over this connection.
    fn next_here<W: Watch>(
        &mut self,
        watch: &W,
        bytes: &mut Vec<u8>,
    ) -> Result<Step<W::Stop>, Error> {
        if !self.client.has_answer() {
            if let Some(lent) = &mut self.lent {
                lent.tell(&mut self.client);
            }
            if let Some(stop) = watch.wait(self.client.as_fd())? {
                return Ok(Step::Stopped(stop));
            }
        }
        let delivery = self.client.next_chunk(bytes)?;
        if let Some(lent) = &mut self.lent {
            lent.note(&delivery, self.at.len());
        }
        Ok(match delivery {
            Delivery::Records(records) => {
                self.at.insert(records.partition, records.offset + records.records);
                Step::Records(records)
            }
            Delivery::File(run, file) => {
                self.at.insert(run.partition, run.offset + run.records);
                Step::File(run, file)
            }
            Delivery::Done(_) => Step::Done,
        })
    }

    /// Asks another daemon for what comes next, as soon as there is one.
    fn ask_again<W: Watch>(&mut self, lost: &Error, watch: &W) -> Result<Option<W::Stop>, Error> {
        self.find_place(lost)?;
        let dir = self.dir.clone();
        resume(&dir, self.patience, watch, Error::is_gone, |client| {
            self.client = client;
            self.ask()?;
            Ok(None)
        })
    }

    /// Where to go on: what a daemon that stops says, which may have written to our output by
    /// itself. One that was killed cannot say how much that was.
    fn find_place(&mut self, lost: &Error) -> Result<(), Error> {
        match lost.of_client() {
            // One that stopped before it took our request says nothing: it has written nothing.
            Some(ClientError::Refused(why)) => {
                self.at.extend(why.offsets.iter().map(|(&number, &offset)| (number, offset)));
                Ok(())
            }
            _ if self.lent.as_ref().is_some_and(LentOutput::may_have_more) => {
                Err(Error::UnknownOutput { dir: self.dir.clone() })
            }
            _ => Ok(()),
        }
    }
}

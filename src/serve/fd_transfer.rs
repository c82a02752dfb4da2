//! A session's large deliveries: the reader gets the file and reads it itself.
//!
//! Measured, that costs both sides together half as much as sending the bytes, and the daemon
//! nothing. Small runs are sent: passing a file would only delay them.

use std::os::fd::{AsFd, OwnedFd};

use super::session::{End, Session};
use crate::api::reading::FileRun;
use crate::broker::commit_queue::CommitQueue;
use crate::broker::limits::FILE_RUN_BYTES_MIN;
use crate::log::access::Right;
use crate::log::{Cursor, LogError};
use crate::wire::answer::Answer;

impl Session<'_> {
    /// Passes what may be passed, up to the first run that must be sent.
    pub fn pass_files(
        &mut self,
        queue: &CommitQueue,
        cursor: &mut Cursor,
    ) -> Result<Result<(), LogError>, End> {
        loop {
            let run = cursor.file_run(FILE_RUN_BYTES_MIN);
            if let Err(error) = self.access.check(&queue.topic, Right::Read) {
                return Ok(Err(error));
            }
            match run {
                Ok(Some((run, file))) if self.pass_file(&run, file.as_ref())? => cursor.pass(&run),
                Ok(_) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Tells of one run. False if its file cannot be passed now.
    fn pass_file(&mut self, run: &FileRun, file: Option<&OwnedFd>) -> Result<bool, End> {
        let (records, bytes) = (run.records, run.bytes());
        let output = self.connection.output();
        let before = output.len();
        Answer::File(run.clone()).write(output);
        let Some(file) = file else {
            self.connection.flush()?;
            self.broker.counters.delivered.add(records, bytes);
            return Ok(true);
        };
        let passed = self.connection.flush_passing(file.as_fd())?;
        if passed {
            self.broker.counters.delivered.add(records, bytes);
        } else {
            self.connection.output().truncate(before);
        }
        Ok(passed)
    }
}

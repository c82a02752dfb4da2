//! A session's large deliveries: the reader gets the file and reads it itself.
//!
//! Measured, that costs both sides together half as much as sending the bytes, and the daemon
//! nothing. Small runs are sent: passing a file would only delay them.

use std::os::fd::AsFd;

use super::commit_queue::CommitQueue;
use super::limits::FILE_RUN_BYTES_MIN;
use super::session::{End, Session};
use crate::log::access::Right;
use crate::log::{Cursor, FileBatch, FileRun, LogError};
use crate::wire::answer::{Answer, CheckedRun, FileRecords};

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
                Ok(Some(run)) if self.pass_file(&run)? => cursor.pass(&run),
                Ok(_) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Tells of one run. False if its file cannot be passed now.
    fn pass_file(&mut self, run: &FileRun) -> Result<bool, End> {
        let checked = |batch: &FileBatch| CheckedRun {
            records: batch.records,
            bytes: batch.bytes,
            time_us: batch.time_us,
            crc: batch.crc,
        };
        let header = Answer::File(FileRecords {
            partition: run.partition,
            offset: run.offset,
            records: run.records(),
            end: run.end,
            passed: run.file.is_some(),
            position: run.position,
            batches: run.batches.iter().map(checked).collect(),
        });
        let (records, bytes) = (run.records(), run.bytes());
        let output = self.connection.output();
        let before = output.len();
        header.write(output);
        let Some(file) = &run.file else {
            self.connection.flush()?;
            self.shared.counters.delivered.add(records, bytes);
            return Ok(true);
        };
        let passed = self.connection.flush_passing(file.as_fd())?;
        if passed {
            self.shared.counters.delivered.add(records, bytes);
        } else {
            self.connection.output().truncate(before);
        }
        Ok(passed)
    }
}

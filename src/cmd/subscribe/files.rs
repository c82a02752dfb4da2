//! Printing records from files that the log hands over.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;

use crate::api::reading::{FileBatch, FileRun};
use crate::cli::input::{StopReason, Watch};
use crate::cli::output::{Output, OutputError};
use crate::log::{BatchPlace, LogError};

/// How much is read at once: what stays in a processor's own cache.
const READ_BYTES: usize = 256 << 10;

/// The files that records are printed from.
pub struct Files<'a> {
    topic: &'a str,
    verify: bool,
    /// The file that each partition's runs are in just now.
    files: HashMap<u32, File>,
    buffer: Vec<u8>,
    /// Lines of a piece of which not all are printed.
    lines: Vec<u8>,
}

impl<'a> Files<'a> {
    /// Prints records of `topic`; checks their checksums, if `verify` says so.
    pub fn new(topic: &'a str, verify: bool) -> Files<'a> {
        Files { topic, verify, files: HashMap::new(), buffer: Vec::new(), lines: Vec::new() }
    }

    /// Prints a run of records, or as much of it as is wanted; `file`, if the partition's run
    /// before was in another. Nothing is printed of a batch whose checksum does not hold.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or printing fails.
    pub fn print(
        &mut self,
        run: &FileRun,
        file: Option<OwnedFd>,
        watch: &Watch,
        output: &mut Output,
    ) -> anyhow::Result<Option<StopReason>> {
        if let Some(file) = file {
            self.files.insert(run.partition, File::from(file));
        }
        let Some(file) = self.files.get(&run.partition) else {
            anyhow::bail!("{}/{}: log-serve passed no file", self.topic, run.partition);
        };
        self.buffer.resize(READ_BYTES, 0);
        let (topic, partition) = (self.topic, run.partition);
        let (mut offset, mut position) = (run.offset, run.position);
        for batch in &run.batches {
            if let Some(halt) = watch.stopped() {
                return Ok(Some(halt));
            }
            let place = BatchPlace { topic, partition, offset, file, position };
            let gaps = place.check(batch, self.verify, &mut self.buffer)?;
            let printed = match gaps {
                false => print_whole(&place, batch, &mut self.buffer, output),
                true => print_lines(&place, batch, (&mut self.buffer, &mut self.lines), output),
            };
            match printed {
                Ok(()) => {}
                Err(Unprinted::Output(OutputError::Closed)) => {
                    return Ok(Some(StopReason::OutputClosed));
                }
                Err(Unprinted::Output(error)) => return Err(error.into()),
                Err(Unprinted::Log(error)) => return Err(error.into()),
            }
            offset += batch.records;
            position += batch.bytes;
        }
        Ok(None)
    }
}

/// Why a batch was not printed.
enum Unprinted {
    Log(LogError),
    Output(OutputError),
}

impl From<LogError> for Unprinted {
    fn from(error: LogError) -> Unprinted {
        Unprinted::Log(error)
    }
}

impl From<OutputError> for Unprinted {
    fn from(error: OutputError) -> Unprinted {
        Unprinted::Output(error)
    }
}

/// Prints a batch as it stands in its file.
fn print_whole(
    place: &BatchPlace<'_>,
    batch: &FileBatch,
    buffer: &mut [u8],
    output: &mut Output,
) -> Result<(), Unprinted> {
    let done = output.write_file(place.file, place.position, batch.bytes)?;
    let rest = FileBatch { bytes: batch.bytes - done, ..*batch };
    let place = BatchPlace { position: place.position + done, ..*place };
    place.each_piece(&rest, buffer, |piece| Ok(output.write(piece)?))
}

/// Prints a batch without its empty lines.
fn print_lines(
    place: &BatchPlace<'_>,
    batch: &FileBatch,
    (buffer, lines): (&mut [u8], &mut Vec<u8>),
    output: &mut Output,
) -> Result<(), Unprinted> {
    let mut at_line_end = true;
    place.each_piece(batch, buffer, |piece| {
        lines.clear();
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            if line != b"\n" || !at_line_end {
                lines.extend_from_slice(line);
            }
            at_line_end = line.ends_with(b"\n");
        }
        Ok(output.write(lines)?)
    })
}

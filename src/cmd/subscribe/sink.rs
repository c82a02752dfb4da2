//! Where a member of a group delivers its records to, and which of them have arrived there.

use super::announce::Announcer;
use super::exec;
use super::in_pipe::InPipe;
use super::print::{Printed, Printer};
use crate::api::reading::{ByPartition, Chunk};
use crate::cli::output::{Output, OutputError};

/// Where records are delivered to.
pub struct Sink<'a> {
    output: Output,
    announcer: Announcer,
    printer: Printer,
    topic: &'a str,
    /// With --exec: the command.
    command: Option<&'a str>,
    in_pipe: InPipe,
}

impl<'a> Sink<'a> {
    /// Delivers records of `topic` to the output, or to a command.
    pub fn new(
        output: Output,
        announcer: Announcer,
        printer: Printer,
        topic: &'a str,
        command: Option<&'a str>,
    ) -> Sink<'a> {
        Sink { output, announcer, printer, topic, command, in_pipe: InPipe::default() }
    }

    /// Whether each run is a batch of its own for a command.
    pub fn runs_commands(&self) -> bool {
        self.command.is_some()
    }

    /// The stream goes on with these partitions: of others, nothing that is still on its way
    /// counts.
    pub fn begin(&mut self, partitions: Vec<u32>, keeps: impl Fn(u32) -> bool) {
        self.in_pipe.retain(keeps);
        self.announcer.begin(partitions);
    }

    /// Says what is to be said of the records behind; false when nobody reads it any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn announce(&mut self) -> Result<bool, OutputError> {
        let bytes = self.announcer.pending();
        let put = self.announcer.put(&mut self.output)?;
        self.in_pipe.write(bytes);
        Ok(put)
    }

    /// Says that all that was asked for has been delivered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&mut self) -> Result<(), OutputError> {
        self.announcer.end();
        self.announce().map(drop)
    }

    /// Whether as many records were delivered as were asked for.
    pub fn has_enough(&self) -> bool {
        !self.printer.wants_more()
    }

    /// Delivers a run of records, or as many of them as are wanted; false if the output is closed.
    ///
    /// # Errors
    /// When they cannot be written, or the command fails.
    pub fn deliver(&mut self, chunk: &Chunk, bytes: &[u8]) -> anyhow::Result<bool> {
        if self.command.is_none() {
            self.announcer.turn_to(chunk.partition);
            if !self.announce()? {
                return Ok(false);
            }
        }
        self.printer.resize(|| self.output.size());
        let Printed { lines, next, .. } = self.printer.lines(chunk, bytes);
        match self.command {
            Some(_) if lines.is_empty() => {}
            Some(command) => {
                let place = format!("{}/{}@{}", self.topic, chunk.partition, chunk.offset);
                exec::run(command, lines, &place)?;
            }
            None => match self.output.write(lines) {
                Ok(()) => self.in_pipe.write(lines.len()),
                Err(OutputError::Closed) => return Ok(false),
                Err(error) => return Err(error.into()),
            },
        }
        self.printer.check()?;
        self.in_pipe.end_run(chunk.partition, next);
        Ok(true)
    }

    /// Adds to `arrived` where the partitions go on of which records have arrived; false if
    /// others are still on their way, in a pipe that nobody has read them from yet.
    ///
    /// # Errors
    /// When the kernel does not tell how much is in the pipe.
    pub fn take_up(&mut self, arrived: &mut ByPartition<u64>) -> Result<bool, OutputError> {
        if !self.in_pipe.is_empty() {
            let left = if self.command.is_some() { 0 } else { self.output.unread()? };
            self.in_pipe.take_up(left, arrived);
        }
        Ok(self.in_pipe.is_empty())
    }

    /// Whether nobody reads the output any more.
    pub fn is_abandoned(&self) -> bool {
        self.command.is_none() && self.output.is_abandoned()
    }
}

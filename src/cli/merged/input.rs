//! One of the inputs that are merged.

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::intake::{Buffers, Intake};
use crate::cli::file_source::FileSource;
use crate::cli::source::{Polled, Source};
use crate::cli::streams::Cut;
use crate::cli::watch::{StopReason, Waiting};
use crate::record::decode::Decoder;
use crate::record::framing::Framing;

/// An input, and what reads it.
pub(super) struct Input {
    source: FileSource,
    decoder: Box<dyn Decoder>,
    framing: Framing,
    number: usize,
    /// Nothing more is read of it.
    is_over: bool,
    /// For how long it was waited for since it gave something.
    quiet: Duration,
}

/// What reading gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// Records, or their end.
    Something,
    /// Nothing yet.
    Nothing,
    /// There is no need to read further.
    Stopped(StopReason),
}

impl Input {
    /// Opens a file, or standard input, which `number` is to tell.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(
        path: &Path,
        name: Arc<str>,
        number: usize,
        decoder: Box<dyn Decoder>,
    ) -> anyhow::Result<Input> {
        let source = FileSource::open_beside(path, Arc::clone(&name));
        let source = source.with_context(|| name.to_string())?;
        let (framing, is_over) = (Framing::default(), false);
        Ok(Input { source, decoder, framing, number, is_over, quiet: Duration::ZERO })
    }

    pub fn name(&self) -> &Arc<str> {
        self.source.name()
    }

    pub fn stored_position(&self) -> u64 {
        self.source.stored_position()
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// What tells when there is something to read, if that may have to be waited for.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.source.descriptor().filter(|_| !self.is_over)
    }

    /// Reads what is there, without waiting.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(
        &mut self,
        block: &mut [u8],
        buffers: &mut Buffers,
        waiting: &Waiting<'_>,
    ) -> anyhow::Result<Got> {
        match self.source.poll(block, &mut waiting.briefly())? {
            Polled::Bytes(count) => {
                self.quiet = Duration::ZERO;
                let block = block.get(..count).unwrap_or_default();
                self.decode(buffers, |decoder, intake| decoder.decode(block, intake));
                Ok(Got::Something)
            }
            Polled::End => {
                self.end(buffers);
                Ok(Got::Something)
            }
            Polled::Stopped(reason) => Ok(Got::Stopped(reason)),
            Polled::Quiet | Polled::Span(_) | Polled::LaneEnd => Ok(Got::Nothing),
        }
    }

    /// It was waited for so long, and gave nothing; once that is `idle`, it is not waited for any
    /// more.
    pub fn wait(&mut self, time: Duration, idle: Option<Duration>, buffers: &mut Buffers) {
        self.quiet = self.quiet.saturating_add(time);
        if self.decoder.patience().is_some_and(|patience| self.quiet >= patience) {
            self.decode(buffers, |decoder, intake| decoder.quiet(intake));
        }
        if idle.is_some_and(|idle| self.quiet >= idle) && buffers.merge.counts(self.number) {
            buffers.merge.quieten(self.number);
        }
    }

    /// How long until waiting for it changes something.
    pub fn patience(&self, idle: Option<Duration>, buffers: &Buffers) -> Option<Duration> {
        let idle = idle.filter(|_| buffers.merge.counts(self.number));
        let least = [idle, self.decoder.patience()].into_iter().flatten().min();
        least.map(|least| least.saturating_sub(self.quiet))
    }

    fn end(&mut self, buffers: &mut Buffers) {
        self.decode(buffers, |decoder, intake| decoder.finish(intake));
        if self.is_over {
            return;
        }
        self.is_over = true;
        match self.framing.finish() {
            Ok(()) => buffers.merge.end(self.number),
            Err(cut) => {
                let place = self.name().to_string();
                self.decode(buffers, |_, intake| intake.break_off(Cut { place, cut }.into()));
            }
        }
    }

    /// Has the decoder give what it has.
    fn decode(
        &mut self,
        buffers: &mut Buffers,
        work: impl FnOnce(&mut dyn Decoder, &mut Intake<'_>) -> ControlFlow<()>,
    ) {
        let Input { source, decoder, framing, number, is_over, .. } = self;
        let (number, name) = (*number, source.name());
        let _ = work(&mut **decoder, &mut Intake { buffers, number, name, framing, is_over });
    }
}

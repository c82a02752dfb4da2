//! The records of a merged source, with what was bad in its inputs in their places.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::record::decode::{Bad, Decoder, Sink};
use crate::record::lines::LineDecoder;

/// What an input had that is no record.
#[derive(Debug)]
pub(super) enum Aside {
    /// A bad line, or a piece of one; and its bytes, once they do not wait any more.
    Bad(Bad<'static>, Vec<u8>),
    /// The input ended before an end that it announced, at this line.
    CutShort(u64, String),
    /// It cannot be read further.
    Fault(anyhow::Error),
}

/// What comes after the lines that were given last. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asides(Arc<Mutex<VecDeque<Aside>>>);

impl Asides {
    pub fn push(&self, aside: Aside) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(aside);
    }

    fn pop(&self) -> Option<Aside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Decodes what a merged source gives.
pub(in crate::cli) struct MergedDecoder {
    lines: LineDecoder,
    asides: Asides,
}

impl MergedDecoder {
    pub(super) fn new(record_bytes_max: usize, asides: Asides) -> MergedDecoder {
        MergedDecoder { lines: LineDecoder::new(record_bytes_max), asides }
    }
}

impl Decoder for MergedDecoder {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        self.lines.decode(block, sink)?;
        while let Some(aside) = self.asides.pop() {
            match aside {
                Aside::Bad(bad, bytes) => sink.bad(Bad { bytes: &bytes, ..bad })?,
                Aside::CutShort(line, why) => sink.cut_short(line, &why)?,
                // The source says so.
                Aside::Fault(_) => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.lines.finish(sink)
    }

    fn pending(&self) -> u64 {
        self.lines.pending()
    }
}

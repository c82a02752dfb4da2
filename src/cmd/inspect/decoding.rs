//! Inputs read from their beginning on, in whatever format: the only way for standard input, for
//! compressed files and for JSON in any layout.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::chunk::{Chunk, Collector};
use super::feed::{Advance, Command, Feed, command_of_files};
use super::pipe::Pipe;
use crate::cli::input::{BLOCK_BYTES, Files, Input, Next, Watch};
use crate::ingest::formats::Choice;
use crate::record::decode::Decoder;

/// How to read an input.
#[derive(Clone)]
pub struct Inputs {
    /// The files; standard input is `-`.
    pub files: Vec<PathBuf>,
    /// Their format.
    pub choice: Choice,
    /// What ends waits.
    pub watch: Arc<Watch>,
}

/// Reading an input from its beginning on.
struct Decoding {
    input: Input,
    decoder: Box<dyn Decoder>,
    collector: Collector,
    block: Vec<u8>,
    has_ended: bool,
}

impl Decoding {
    fn begin(inputs: &Inputs) -> Decoding {
        let files = Box::new(Files::new(&inputs.files, 1));
        Decoding {
            input: Input::new(files, Arc::clone(&inputs.watch)),
            decoder: inputs.choice.decoder(),
            collector: Collector::new(Arc::from(""), 0),
            block: vec![0; BLOCK_BYTES],
            has_ended: false,
        }
    }

    /// Reads what is there, waiting until something is; gives the records of it.
    fn step(&mut self) -> anyhow::Result<Option<Chunk>> {
        let patience = self.decoder.patience();
        let next = self.input.read(&mut self.block, patience)?;
        let collector = &mut self.collector;
        let flow = match next {
            Next::Bytes(count) => {
                self.decoder.decode(self.block.get(..count).unwrap_or_default(), collector)
            }
            Next::Quiet => self.decoder.quiet(collector),
            Next::SourceBegin => {
                collector.begin(self.input.name());
                return Ok(None);
            }
            Next::SourceEnd => {
                let flow = self.decoder.finish(collector);
                collector.end();
                flow
            }
            Next::End | Next::StopReason(_) => {
                self.has_ended = true;
                return Ok(None);
            }
            Next::Span(_) | Next::LaneEnd => return Ok(None),
        };
        self.has_ended |= flow.is_break();
        Ok(self.collector.take())
    }
}

/// Reads standard input to its end, and has `pipe` keep what comes; `tell` is called after each
/// piece of it.
///
/// # Errors
/// When reading fails.
pub fn fill(pipe: &Pipe, inputs: &Inputs, tell: impl Fn()) -> anyhow::Result<()> {
    let mut decoding = Decoding::begin(inputs);
    while !decoding.has_ended {
        if let Some(chunk) = decoding.step()? {
            pipe.push(chunk);
        }
        pipe.tell(decoding.collector.note.take());
        tell();
    }
    Ok(())
}

/// Files that can only be read from the beginning on. What was read last is kept; to come back to
/// what is not kept, they are read again.
pub struct Decoded {
    inputs: Inputs,
    counting: Decoding,
    /// Reads again, if something was asked for that is not kept.
    again: Option<Decoding>,
    kept: BTreeMap<u64, Arc<Chunk>>,
    bytes: usize,
    bytes_max: usize,
    end: u64,
    /// What was asked for last: what is near is kept.
    wanted: u64,
    /// How many bytes the files have as they are stored.
    stored: u64,
    note: Option<String>,
}

impl Decoded {
    /// Reads `inputs`, which are plain files; keeps so many bytes of records.
    pub fn new(inputs: Inputs, bytes_max: usize) -> Decoded {
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        let stored = inputs.files.iter().map(size).sum();
        let counting = Decoding::begin(&inputs);
        let (again, kept, note) = (None, BTreeMap::new(), None);
        Decoded {
            inputs,
            counting,
            again,
            kept,
            bytes: 0,
            bytes_max,
            end: 0,
            wanted: 0,
            stored,
            note,
        }
    }

    fn keep(&mut self, chunk: Chunk) -> Arc<Chunk> {
        let chunk = Arc::new(chunk);
        self.bytes += chunk.memory();
        if let Some(before) = self.kept.insert(chunk.first, Arc::clone(&chunk)) {
            self.bytes -= before.memory();
        }
        while self.bytes > self.bytes_max && self.kept.len() > 1 {
            let ends = [self.kept.first_key_value(), self.kept.last_key_value()];
            let far =
                ends.into_iter().flatten().max_by_key(|(first, _)| first.abs_diff(self.wanted));
            let Some(far) = far.map(|(first, _)| *first) else { break };
            self.bytes -= self.kept.remove(&far).map_or(0, |gone| gone.memory());
        }
        chunk
    }

    fn kept(&self, number: u64) -> Option<Arc<Chunk>> {
        let (_, chunk) = self.kept.range(..=number).next_back()?;
        (number < chunk.end()).then(|| Arc::clone(chunk))
    }
}

impl Feed for Decoded {
    fn span(&self) -> Range<u64> {
        0..self.end
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        if number >= self.end {
            return Ok(None);
        }
        self.wanted = number;
        if let Some(chunk) = self.kept(number) {
            return Ok(Some(chunk));
        }
        let mut again = match self.again.take() {
            Some(again) if again.collector.next() <= number => again,
            _ => Decoding::begin(&self.inputs),
        };
        let mut found = None;
        while found.is_none() && !again.has_ended {
            if let Some(chunk) = again.step()? {
                let has = number < chunk.end();
                let chunk = self.keep(chunk);
                found = has.then_some(chunk);
            }
        }
        self.again = Some(again);
        Ok(found)
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        if self.counting.has_ended {
            return Ok(Advance::Idle);
        }
        if let Some(chunk) = self.counting.step()? {
            self.end = chunk.end();
            self.keep(chunk);
        }
        if let Some(note) = self.counting.collector.note.take() {
            self.note = Some(note);
        }
        Ok(Advance::More)
    }

    fn progress(&self) -> Option<u16> {
        if self.counting.has_ended {
            return None;
        }
        let read = self.counting.input.stored_position().saturating_mul(1000);
        Some(read.checked_div(self.stored).map_or(0, |share| share.min(999) as u16))
    }

    fn has_ended(&self) -> bool {
        self.counting.has_ended
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn command(
        &mut self,
        numbers: Option<Range<u64>>,
        condition: Option<&str>,
    ) -> anyhow::Result<Command> {
        if !self.inputs.choice.is_verbatim() {
            anyhow::bail!("a file of this format has no command here; s saves the records");
        }
        let names = self.inputs.files.iter().filter_map(|file| file.to_str());
        command_of_files(names, numbers, condition)
    }
}

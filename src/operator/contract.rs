//! What an operator is, and what it is given to work with.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Fault, Work};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::record::outlet::Outlet;
use crate::state::{Reader, StateError, Writer};

/// Which of an operator's inputs something comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u32);

/// What a tool makes of its records. It sees them in the order of each input, and what it emits
/// depends on them alone, and on the waits that it is told of.
///
/// Records come in blocks to [`Operator::lines`], which costs one call for all that are alike; what
/// it leaves comes to [`Operator::record`], one by one. An operator that has nothing to gain from
/// blocks has only the latter.
pub trait Operator {
    /// Takes as many records as it can from the front of `lines`. The next one then comes through
    /// one of the other methods, and after it `lines` is called again. It takes neither control
    /// records nor bad lines. `Break` means that no more input is needed.
    fn lines(
        &mut self,
        input: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        let _ = (input, lines, out);
        ControlFlow::Continue(())
    }

    /// Takes a record. `Break` means that no more input is needed.
    ///
    /// # Errors
    /// [`Fault::Bad`] when the record is at fault. Nothing comes of it then but what its event time
    /// says of the stream, if that could be read: the watermark may have moved. Others when there
    /// is no going on.
    fn record(
        &mut self,
        input: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault>;

    /// Takes a control record, which is `line`; passes it on unless the operator consumes it.
    ///
    /// # Errors
    /// As [`Operator::record`].
    fn control(
        &mut self,
        input: InputId,
        control: &Control,
        line: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let _ = (input, control);
        out.pending().extend_from_slice(line);
        out.pending().push(b'\n');
        Ok(())
    }

    /// All records of one read have been taken: nothing of them may be held back that could be
    /// emitted.
    ///
    /// # Errors
    /// When there is no going on.
    fn end_of_batch(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = out;
        Ok(())
    }

    /// One of the files of an input has ended; what it said of its records holds no longer.
    fn file_end(&mut self, input: InputId) {
        let _ = input;
    }

    /// All inputs have ended, and all their streams are whole. Not called when one was cut short,
    /// or when the tool was stopped.
    ///
    /// # Errors
    /// When there is no finishing.
    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = out;
        Ok(())
    }

    /// How long its inputs may be waited for until that means something; `None` if it never does.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Its inputs were waited for so long, whether something came then or not. Called only if there
    /// is a limit to its patience.
    ///
    /// # Errors
    /// When there is no going on.
    fn waited(&mut self, time: Duration, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = (time, out);
        Ok(())
    }

    /// Whether it wants to know what a clock shows.
    fn takes_clock(&self) -> bool {
        false
    }

    /// The clock shows this time, in milliseconds since the epoch, and what comes next has been
    /// read then. Called before each batch and after each wait, if the operator takes it.
    ///
    /// # Errors
    /// When there is no going on.
    fn clock(&mut self, now_ms: i64, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = (now_ms, out);
        Ok(())
    }

    /// Saves all that the rest of the stream depends on, and what is to be told at the end, such as
    /// how many records were late, and because of which one, whose place `places` knows. An
    /// operator that holds nothing saves nothing.
    ///
    /// It is asked for between two records or control records: not when `lines` has left a record
    /// that has not come yet, nor between the end of a file and that of its batch.
    fn snapshot(&self, places: &dyn Collector, to: &mut Writer);

    /// Restores what [`Operator::snapshot`] saved, in an operator that was built with the same
    /// options. It continues as the other would have: the same records give the same output.
    ///
    /// Limits of memory are not part of a state, nor what was held at most, nor that a stream is
    /// known to be valid.
    ///
    /// # Errors
    /// When it is no such state, or that of other options. The operator must not be used then.
    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError>;

    /// What is left undone if the inputs are cut short here, for a message: `1 window is not
    /// reported`.
    fn undone(&self) -> Option<String> {
        None
    }

    /// How far it has come and what it holds, for those who watch it. It is asked after each batch,
    /// so it answers from what it knows, without a visit of its groups.
    fn work(&self) -> Work {
        Work::default()
    }
}

/// An operator of which several may work side by side, each on other records.
///
/// What workers hold between two tasks they hand in, so that all of it is with the one who absorbs
/// it. A snapshot is taken of that one alone, in the order of the records: when all tasks with the
/// records before it are done and absorbed, and none with a record after it has begun. It is the
/// snapshot that one operator alone would give, but for what is not shared out: which streams are
/// open. A state is restored to that one, too; workers begin with none.
pub trait Shared: Operator + Send + 'static {
    /// What a worker has to hand in besides its output.
    type Sum: Send;

    /// Hands in what has come together since the last time.
    fn hand_in(&mut self) -> Self::Sum;

    /// Takes what another one handed in; in the order of the records.
    fn absorb(&mut self, sum: Self::Sum);
}

/// Takes what an operator emits: lines for standard output, which go out at the end of the batch at
/// the latest, and for other outputs.
pub trait Collector: Outlet {
    /// The lines for another output that go out with the next batch; none if it is not wanted.
    fn side(&mut self, side: Side) -> Option<&mut Vec<u8>>;

    /// The place of a line of the input, for messages: `flights.ndjson:17`.
    fn place(&self, line: u64) -> String;
}

/// An output beside standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Records that came too late.
    Late,
    /// Records that were not kept.
    Else,
}

/// For an operator that runs by itself, as in a test: standard output alone, and lines have
/// numbers.
impl Collector for Vec<u8> {
    fn side(&mut self, _: Side) -> Option<&mut Vec<u8>> {
        None
    }

    fn place(&self, line: u64) -> String {
        line.to_string()
    }
}

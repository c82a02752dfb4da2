//! What the loop of a tool gives its input to.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::anyhow;

use super::context::Context;
use super::spans::Span;
use super::streams::Noted;
use crate::operator::Work;
use crate::record::control::{Control, is_control};
use crate::record::decode::Raw;
use crate::record::framing::Frame;
use crate::record::lines::Lines;
use crate::record::reserved;

/// What takes the input of a tool: an operator on one core (`Single`) or on several (`Parallel`),
/// or a tool that writes elsewhere than to standard output.
pub trait Stage {
    /// Whether the tool has nothing left to do once its standard output is closed.
    const ENDS_WITH_OUTPUT: bool = true;

    /// Whether the work is done elsewhere, later: starts and ends of streams are then seen there.
    const DELEGATES: bool = false;

    /// Whether it asks how much of the input was read, by [`Context::read_share`].
    const TELLS_SHARE: bool = false;

    /// Takes a record. `Break` means that the tool needs no more input.
    ///
    /// # Errors
    /// [`StageError::Bad`] when the record is at fault, [`StageError::Fatal`] when the tool cannot
    /// continue.
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError>;

    /// Takes a control record, which is `line`.
    ///
    /// # Errors
    /// As [`Stage::record`].
    fn control(
        &mut self,
        control: &Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError>;

    /// Takes as many records as it can from the front of `lines`. The next one then comes through
    /// one of the other methods, and after it `lines` is called again. It takes neither control
    /// records nor bad lines. `Break` means that the tool needs no more input.
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let _ = (lines, cx);
        ControlFlow::Continue(())
    }

    /// Whether it asks for the numbers of lines, by [`Context::origin`], also where nothing is
    /// wrong with them.
    fn wants_lines(&self) -> bool {
        false
    }

    /// Whether it asks where lines begin, by [`Context::line_offset`].
    fn wants_offsets(&self) -> bool {
        false
    }

    /// Whether a progress bar may be shown while plain files are read: not where others write to
    /// the terminal meanwhile.
    fn shows_progress(&self) -> bool {
        false
    }

    /// The number of workers that read plain files side by side. If there are several, the stage
    /// gets the whole lines of a plain file as spans, which nothing has read, and not as records.
    fn parallelism(&self) -> usize {
        1
    }

    /// Takes a span of a plain file, in order. Called only if [`Stage::parallelism`] is above 1.
    ///
    /// # Errors
    /// The first bad record, or when the tool cannot go on.
    fn span(&mut self, span: Span, cx: &mut Context) -> anyhow::Result<()> {
        let _ = (span, cx);
        Err(anyhow!("this tool takes no spans"))
    }

    /// The input ends within this line, and as far as it has come it is not a record. Whether the
    /// tool leaves it for when there is more of it; otherwise it is bad.
    fn leaves_torn(&mut self, line: u64, cx: &Context) -> bool {
        let _ = (line, cx);
        false
    }

    /// Whether lines that belong together are all there once no more has come for a while. If not,
    /// they end where others begin, or with the input.
    fn takes_quiet(&self) -> bool {
        true
    }

    /// A bad line ends what is read of its source, and what came before it is processed. Whether
    /// the tool continues with other sources; the line is told of then, and shows in the status.
    fn gives_up_source(&mut self) -> bool {
        false
    }

    /// A bad line comes next. Processes the records before it now, so that rejects keep their
    /// order.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn flush_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// How long to wait for input before [`Stage::on_idle`] is called; `None` for no limit.
    fn idle_timeout(&self) -> Option<Duration> {
        None
    }

    /// The tool waited so long for input, whether some came then or not. Called only if there is an
    /// idle timeout.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn on_idle(&mut self, time: Duration, cx: &mut Context) -> anyhow::Result<()> {
        let _ = (time, cx);
        Ok(())
    }

    /// Whether it wants to know what the clock shows.
    fn takes_clock(&self) -> bool {
        false
    }

    /// The clock shows this time, in milliseconds since the epoch: before each block, and after
    /// each wait, if the stage takes it.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn on_clock(&mut self, now_ms: i64, cx: &mut Context) -> anyhow::Result<()> {
        let _ = (now_ms, cx);
        Ok(())
    }

    /// One of several inputs has ended; statements about its records no longer hold.
    fn source_end(&mut self) {}

    /// All records of one read have been taken. Writes what is pending before the next wait.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()>;

    /// The input has ended, and all its streams are whole. Not called when it was cut short, or
    /// when a signal or a closed output ended the tool.
    ///
    /// # Errors
    /// When the tool cannot finish.
    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// How far the work has come, for those who watch it; asked after each flush.
    fn work(&self) -> Work {
        Work::default()
    }

    /// What the tool leaves undone because the input was cut short, for the message about that.
    fn undone(&self) -> Option<String> {
        None
    }
}

/// Why a stage did not take a record.
#[derive(Debug)]
pub enum StageError {
    /// The record is at fault: it is rejected, with this reason.
    Bad(String),
    /// The tool cannot go on.
    Fatal(anyhow::Error),
}

impl StageError {
    /// A bad record, for the reason that `why` gives.
    pub fn bad(why: impl ToString) -> StageError {
        StageError::Bad(why.to_string())
    }
}

impl<E: Into<anyhow::Error>> From<E> for StageError {
    fn from(error: E) -> StageError {
        StageError::Fatal(error.into())
    }
}

/// Gives a stage a record, or a control record.
pub(super) fn take<S: Stage>(
    stage: &mut S,
    raw: Raw<'_>,
    cx: &mut Context,
) -> Result<ControlFlow<()>, StageError> {
    if is_control(raw.bytes) {
        let control = Control::parse(raw.bytes).map_err(StageError::bad)?;
        if let (Some(frame), false) = (Frame::of(&control), S::DELEGATES) {
            cx.note(Noted { frame, line: raw.line, out_bytes: cx.out.len() })?;
        }
        stage.control(&control, raw.bytes, cx)?;
        return Ok(ControlFlow::Continue(()));
    }
    cx.records_in += 1;
    reserved::check(raw.bytes).map_err(StageError::bad)?;
    stage.record(raw, cx)
}

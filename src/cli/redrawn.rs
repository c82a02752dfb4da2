//! An operator of which people are shown what it has come to, again and again, while it runs.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::area::Area;
use super::context::Context;
use super::look::wants_colors;
use super::output::Output;
use super::pump::{Ended, Outcome};
use super::single::Single;
use super::stage::{Stage, StageError};
use crate::layout::Look;
use crate::operator::{Operator, Work};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

/// The shortest time from one frame to the next.
const FRAME_MIN: Duration = Duration::from_millis(100);
/// The longest, also if nothing comes: rates change, and screens do.
const FRAME_MAX: Duration = Duration::from_secs(1);
/// Making a frame takes no more than this part of the time.
const FRAME_SHARE: u32 = 50;

/// When a frame is made, and for which screen.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The screen.
    pub look: Look,
    /// How long the tool has run.
    pub elapsed: Duration,
    /// How much of the input was read, from 0 to 1, if that is known.
    pub read_share: Option<f64>,
    /// Whether the frame is the last one.
    pub is_last: bool,
    /// Whether that is before the end of the input.
    pub is_interrupted: bool,
}

/// Makes the lines of a frame.
pub trait Picture<O> {
    /// The lines, fewer than the screen has, and none wider than it.
    fn lines(&mut self, operator: &mut O, moment: &Moment) -> Vec<String>;
}

/// An operator, and the screen that it is shown on.
pub(super) struct Redrawn<'a, O, P> {
    single: Single<'a, O>,
    picture: P,
    output: Output,
    area: Area,
    begun: Instant,
    /// When the next frame is due.
    due: Instant,
    /// Whether something came since the last frame.
    is_changed: bool,
    /// Whether anything came at all.
    has_begun: bool,
    /// How much of the input was read.
    read_share: Option<f64>,
}

impl<'a, O: Operator, P: Picture<O>> Redrawn<'a, O, P> {
    /// Shows what `picture` makes of an operator. Standard output must be a terminal.
    ///
    /// # Errors
    /// When it cannot be drawn to.
    pub fn new(operator: &'a mut O, picture: P) -> anyhow::Result<Redrawn<'a, O, P>> {
        let output = Output::stdout()?;
        let area = Area::new(output.to_file()?)?;
        let (single, begun) = (Single(operator), Instant::now());
        let due = begun + FRAME_MIN;
        Ok(Redrawn {
            single,
            picture,
            output,
            area,
            begun,
            due,
            is_changed: false,
            has_begun: false,
            read_share: None,
        })
    }

    /// Draws a frame if one is due, and the one before it is out.
    fn draw_if_due(&mut self) {
        let now = Instant::now();
        if now < self.due || !self.area.is_idle() {
            return;
        }
        let lines = self.lines(false, false);
        self.area.draw(lines);
        let after = Instant::now();
        let pause = after.duration_since(now).saturating_mul(FRAME_SHARE);
        self.due = after + pause.max(FRAME_MIN);
        self.is_changed = false;
    }

    fn lines(&mut self, is_last: bool, is_interrupted: bool) -> Vec<String> {
        let (columns, lines) = self.output.size().unzip();
        let look = Look { color: wants_colors(true), columns, lines, terminal: true };
        let (elapsed, read_share) = (self.begun.elapsed(), self.read_share);
        let moment = Moment { look, elapsed, read_share, is_last, is_interrupted };
        self.picture.lines(self.single.0, &moment)
    }

    /// Draws the last frame, which stays.
    ///
    /// # Errors
    /// When the terminal could not be written to.
    pub fn conclude(mut self, ran: &anyhow::Result<Outcome>) -> anyhow::Result<()> {
        let is_whole = matches!(ran, Ok(Outcome { ended: Ended::Input, .. }));
        // Where the input could not even be opened, there is nothing to show.
        let lines = match ran.is_ok() || self.has_begun {
            true => self.lines(true, !is_whole),
            false => Vec::new(),
        };
        Ok(self.area.conclude(lines)?)
    }
}

impl<O: Operator, P: Picture<O>> Stage for Redrawn<'_, O, P> {
    const TELLS_SHARE: bool = true;

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        (self.is_changed, self.has_begun) = (true, true);
        self.single.record(raw, cx)
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        (self.is_changed, self.has_begun) = (true, true);
        self.single.lines(lines, cx)
    }

    fn control(
        &mut self,
        control: &Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        self.single.control(control, line, cx)
    }

    fn idle_timeout(&self) -> Option<Duration> {
        // What is due, and cannot be drawn yet, needs a pause, too.
        let least = match self.is_changed {
            true if self.area.is_idle() => FRAME_MIN / 10,
            true => FRAME_MIN,
            false => FRAME_MAX,
        };
        let frame = self.due.saturating_duration_since(Instant::now()).max(least);
        Some(self.single.idle_timeout().map_or(frame, |patience| patience.min(frame)))
    }

    fn on_idle(&mut self, time: Duration, cx: &mut Context) -> anyhow::Result<()> {
        if self.single.idle_timeout().is_some() {
            self.single.on_idle(time, cx)?;
        }
        self.draw_if_due();
        Ok(())
    }

    fn takes_clock(&self) -> bool {
        self.single.takes_clock()
    }

    fn on_clock(&mut self, now_ms: i64, cx: &mut Context) -> anyhow::Result<()> {
        self.single.on_clock(now_ms, cx)
    }

    fn source_end(&mut self) {
        self.single.source_end();
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.single.flush(cx)?;
        self.read_share = cx.read_share();
        self.draw_if_due();
        Ok(())
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.single.end(cx)
    }

    fn work(&self) -> Work {
        self.single.work()
    }

    fn undone(&self) -> Option<String> {
        self.single.undone()
    }
}

//! What a stage hears of the time that passes.

use super::{Pump, Stage};
use crate::sys::clock::now_us;

impl<S: Stage> Pump<'_, S> {
    /// Tells the stage how long its input was waited for, if it `asks`, and what the clock shows.
    pub(super) fn tell_time(&mut self, asks: bool) -> anyhow::Result<()> {
        if let Some(waited) = self.input.take_waited()
            && asks
        {
            self.stage.on_idle(waited, &mut self.cx)?;
        }
        match self.stage.takes_clock() {
            true => self.stage.on_clock(now_us().div_euclid(1000), &mut self.cx),
            false => Ok(()),
        }
    }
}

//! When results come: once, or again and again as they change.

use crate::aggregate::fault::StreamError;
use crate::record::control::Mark;
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::time::timestamp::{OutOfRange, load_ms, write_ms};
use crate::time::watermark::closes;

/// The field that tells what kind of a result it is, where there are several of a window.
pub const PANE_FIELD: &str = "pane";

/// The field that tells the last time of a window, its end less a millisecond (SEMANTICS: Flink's
/// `window_time`): whatever is windowed by it lies in a window that has all of this one.
pub const WINDOW_TIME_FIELD: &str = "window_time";

/// The field that numbers a group's windows that count records.
pub const NUMBER_FIELD: &str = "window";

/// Which results come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emit {
    /// Each result once, when it is final.
    #[default]
    Final,
    /// Those that changed, and all of a window at its end.
    Updates,
    /// All of a window whenever one of them changed, and at its end.
    All,
}

/// Which results come, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which.
    pub emit: Emit,
    /// At the multiples of so many milliseconds of event time that the watermark passes; with each
    /// record if not given.
    pub every_ms: Option<i64>,
    /// Whether results carry a time of their own, the last one of their window.
    pub timed: bool,
    /// Whether what is there is reported when the input is interrupted, marked so.
    pub at_interrupt: bool,
    /// Whether the input was interrupted.
    pub interrupted: bool,
}

impl Policy {
    /// Whether there may be several results of a window, which then are marked.
    pub fn refines(self) -> bool {
        self.emit != Emit::Final
    }

    /// Whether results come with each record.
    pub(in crate::aggregate) fn at_once(self) -> bool {
        self.refines() && self.every_ms.is_none()
    }

    /// Saves it.
    pub(in crate::aggregate) fn save(self, to: &mut Writer) {
        to.put_u8(match self.emit {
            Emit::Final => 0,
            Emit::Updates => 1,
            Emit::All => 2,
        });
        to.put_option(self.every_ms, Writer::put_i64);
        to.put_bool(self.timed);
    }

    /// How results of this moment are marked.
    pub(in crate::aggregate) fn marked(self, pane: Pane) -> Option<Pane> {
        match self.interrupted {
            true => Some(Pane::Interrupted),
            false => self.refines().then_some(pane),
        }
    }

    /// Whether there may be results that are marked.
    pub(in crate::aggregate) fn may_mark(self) -> bool {
        self.refines() || self.at_interrupt
    }

    /// Which groups have results because these have changed; none for all.
    pub(in crate::aggregate) fn pick(self, changed: &[usize]) -> Option<&[usize]> {
        (self.emit != Emit::All).then_some(changed)
    }
}

/// A moment of a window at which it has results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) enum Pane {
    /// Before the watermark has passed its end.
    Early,
    /// When it does.
    OnTime,
    /// Behind that: records came that were late, but not too late.
    Late,
    /// When the input was interrupted: there may have been more.
    Interrupted,
}

/// Appends the first fields of a result: its window, with its last time where that is wanted.
pub(in crate::aggregate) fn write_window(
    window: Interval,
    policy: Policy,
    head: &mut Vec<u8>,
) -> Result<(), OutOfRange> {
    window.write_fields(head)?;
    if policy.timed {
        head.extend_from_slice(b",\"");
        head.extend_from_slice(WINDOW_TIME_FIELD.as_bytes());
        head.extend_from_slice(b"\":\"");
        write_ms(window.end_ms.saturating_sub(1), head)?;
        head.push(b'"');
    }
    Ok(())
}

/// Appends the field that says what kind of a result it is, where there are several.
pub(in crate::aggregate) fn write_pane(pane: Option<Pane>, head: &mut Vec<u8>) {
    if let Some(pane) = pane {
        if !head.is_empty() {
            head.push(b',');
        }
        head.extend_from_slice(pane.field());
    }
}

impl Pane {
    fn field(self) -> &'static [u8] {
        match self {
            Pane::Early => b"\"pane\":\"early\"",
            Pane::OnTime => b"\"pane\":\"on_time\"",
            Pane::Late => b"\"pane\":\"late\"",
            Pane::Interrupted => b"\"pane\":\"interrupted\"",
        }
    }
}

/// How far event time has come, and what that means for windows.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::aggregate) struct Progress {
    mark: Option<Mark>,
    /// How long behind their end windows take records.
    lateness_ms: i64,
    /// The greatest end of all windows that had results.
    reported_end_ms: Option<i64>,
    /// The watermark with which this stream began, because of those before it.
    resumed: Option<Mark>,
}

impl Progress {
    /// Moves the watermark, never back. Says whether it has passed a multiple of `every_ms`.
    pub(in crate::aggregate) fn advance(&mut self, mark: Mark, every_ms: Option<i64>) -> bool {
        let before = self.mark;
        self.mark = before.max(Some(mark));
        match (before, self.mark, every_ms) {
            (Some(Mark::Ms(before)), Some(Mark::Ms(now)), Some(every_ms)) => {
                let passed = |ms: i64| ms.saturating_add(1).div_euclid(every_ms.max(1));
                passed(before) < passed(now)
            }
            (_, Some(Mark::End), _) => true,
            _ => false,
        }
    }

    /// The watermark.
    pub(in crate::aggregate) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// Whether the watermark has passed the end of a window.
    pub(in crate::aggregate) fn ends(&self, end_ms: i64) -> bool {
        self.mark.is_some_and(|mark| match mark {
            Mark::Ms(at_ms) => closes(at_ms, end_ms),
            Mark::End => true,
        })
    }

    /// Whether a window takes no records any more.
    pub(in crate::aggregate) fn is_closed(&self, end_ms: i64) -> bool {
        self.ends(end_ms.saturating_add(self.lateness_ms))
    }

    /// The first time that the watermark has not passed; none before it comes, and at the end.
    pub(in crate::aggregate) fn time_ms(&self) -> Option<i64> {
        match self.mark {
            Some(Mark::Ms(at_ms)) => Some(at_ms.saturating_add(1)),
            None | Some(Mark::End) => None,
        }
    }

    /// A window had results.
    pub(in crate::aggregate) fn report(&mut self, end_ms: i64) {
        self.reported_end_ms = self.reported_end_ms.max(Some(end_ms));
    }

    /// Windows that end here or before take no records any more.
    pub(in crate::aggregate) fn closed_ms(&self) -> i64 {
        match self.mark {
            None => i64::MIN,
            Some(Mark::Ms(at_ms)) => at_ms.saturating_add(1).saturating_sub(self.lateness_ms),
            Some(Mark::End) => i64::MAX,
        }
    }

    /// Another stream begins: if the one before it has ended, the watermark goes back to the last
    /// window that had results, so that no window has results twice.
    pub(in crate::aggregate) fn begin(&mut self, lateness_ms: i64) {
        if self.ended() {
            let closed = |end_ms: i64| Mark::Ms(end_ms.saturating_add(lateness_ms) - 1);
            self.mark = self.reported_end_ms.map(closed);
            self.resumed = self.mark;
        }
        self.lateness_ms = lateness_ms;
    }

    /// Whether what is closed is so only because of streams before this one.
    pub(in crate::aggregate) fn resumes(&self) -> bool {
        self.resumed.is_some() && self.mark == self.resumed
    }

    /// Saves how far event time has come. How long windows take late records is saved with them.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_option(self.mark, save_mark);
        to.put_option(self.reported_end_ms, Writer::put_i64);
        to.put_option(self.resumed, save_mark);
    }

    /// Restores what [`Progress::save`] saved, but for the lateness.
    pub(in crate::aggregate) fn restore(
        &mut self,
        from: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        self.mark = from.take_option(load_mark)?;
        self.reported_end_ms = from.take_option(load_ms)?;
        self.resumed = from.take_option(load_mark)?;
        Ok(())
    }

    /// Whether the final watermark has come.
    pub(in crate::aggregate) fn ended(&self) -> bool {
        self.mark == Some(Mark::End)
    }

    /// What the watermark must pass for a window that ends at `end_ms` to be closed.
    pub(in crate::aggregate) fn closing_ms(&self, end_ms: i64) -> i64 {
        end_ms.saturating_add(self.lateness_ms)
    }
}

fn save_mark(to: &mut Writer, mark: Mark) {
    to.put_option(if let Mark::Ms(ms) = mark { Some(ms) } else { None }, Writer::put_i64);
}

fn load_mark(from: &mut Reader<'_>) -> Result<Mark, StateError> {
    Ok(from.take_option(Reader::take_i64)?.map_or(Mark::End, Mark::Ms))
}

/// How many groups are held, and may be.
#[derive(Clone, Copy, Debug)]
pub(in crate::aggregate) struct Room {
    pub(in crate::aggregate) groups: usize,
    pub(in crate::aggregate) groups_max: usize,
}

impl Room {
    /// Makes room for so many more groups.
    pub(in crate::aggregate) fn take(&mut self, more: usize) -> Result<(), StreamError> {
        if more > self.groups_max.saturating_sub(self.groups) {
            return Err(StreamError::TooManyGroups(self.groups_max));
        }
        self.groups += more;
        Ok(())
    }

    /// So many groups are no longer held.
    pub(in crate::aggregate) fn free(&mut self, fewer: usize) {
        self.groups = self.groups.saturating_sub(fewer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_with_its_last_millisecond_and_closes_later_by_the_lateness() {
        let mut progress = Progress::default();
        progress.begin(10);
        assert!(!progress.ends(i64::MIN));
        progress.advance(Mark::Ms(98), None);
        assert!(progress.ends(99) && !progress.ends(100));
        assert!(progress.is_closed(89) && !progress.is_closed(90));
        progress.advance(Mark::Ms(5), None);
        assert!(progress.ends(99));
    }

    #[test]
    fn multiples_are_passed_with_the_millisecond_before_them() {
        let mut progress = Progress::default();
        assert!(!progress.advance(Mark::Ms(-25), Some(10)));
        assert!(!progress.advance(Mark::Ms(-22), Some(10)));
        assert!(progress.advance(Mark::Ms(-21), Some(10)));
        assert!(!progress.advance(Mark::Ms(-12), Some(10)));
        assert!(!progress.advance(Mark::Ms(-30), Some(10)));
        assert!(progress.advance(Mark::Ms(100), Some(10)));
        assert!(!progress.advance(Mark::Ms(500), None));
        assert!(progress.advance(Mark::End, Some(10)));
    }

    #[test]
    fn a_second_stream_goes_on_behind_the_last_window_with_results() {
        let mut progress = Progress::default();
        progress.begin(0);
        progress.report(100);
        progress.report(70);
        progress.advance(Mark::End, None);
        assert!(progress.ended() && progress.is_closed(i64::MAX));
        progress.begin(5);
        assert!(progress.is_closed(100) && !progress.is_closed(101));
        progress.begin(5);
        assert!(progress.is_closed(100));
    }
}

//! Where the streams of an input begin and end, so that one that was cut short is never taken for a
//! whole one.
//!
//! `docs/PIPE.md`, "Whole or cut short", has the rules.

use super::control::{Control, Mark};

/// Which streams of one input are open: those that said that they begin, and not yet that they end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    started: bool,
    windowed: bool,
}

/// A control record that begins or ends a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A stream begins.
    Start,
    /// It ends.
    End,
    /// A windowed stream begins.
    Window,
    /// It ends.
    FinalWatermark,
}

/// How a stream shows that whoever wrote it did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutShort {
    /// Another stream begins before it has ended.
    #[error("a stream begins here, but the one before it has no end")]
    AnotherStart,
    /// Another windowed stream begins before its final watermark.
    #[error("a windowed stream begins here, but the one before it has no final watermark")]
    AnotherWindow,
    /// The input ends before it does.
    #[error("its end is missing")]
    NoEnd,
    /// The input ends before its final watermark.
    #[error("its final watermark is missing")]
    NoFinalWatermark,
}

impl Frame {
    /// What a control record says of where streams begin and end, if it says anything of that.
    pub fn of(control: &Control) -> Option<Frame> {
        match control {
            Control::Start(_) => Some(Frame::Start),
            Control::End(_) => Some(Frame::End),
            Control::Window(_) => Some(Frame::Window),
            Control::Watermark(Mark::End) => Some(Frame::FinalWatermark),
            _ => None,
        }
    }
}

impl Framing {
    /// Takes note of the next beginning or end.
    ///
    /// # Errors
    /// When a stream begins while one of its kind is open: that one was cut short.
    pub fn note(&mut self, frame: Frame) -> Result<(), CutShort> {
        match frame {
            Frame::Start if self.started => return Err(CutShort::AnotherStart),
            Frame::Window if self.windowed => return Err(CutShort::AnotherWindow),
            Frame::Start => self.started = true,
            Frame::Window => self.windowed = true,
            Frame::End => self.started = false,
            Frame::FinalWatermark => self.windowed = false,
        }
        Ok(())
    }

    /// Which are open: one that began with a start, and one that began with its windows.
    pub fn open(self) -> [bool; 2] {
        [self.started, self.windowed]
    }

    /// The framing in which those are open that [`Framing::open`] gave.
    pub fn of([started, windowed]: [bool; 2]) -> Framing {
        Framing { started, windowed }
    }

    /// Whether a stream is open.
    pub fn is_open(self) -> bool {
        self.started || self.windowed
    }

    /// The input has ended; the next one begins without an open stream.
    ///
    /// # Errors
    /// When a stream is open: it was cut short.
    pub fn finish(&mut self) -> Result<(), CutShort> {
        match std::mem::take(self) {
            Framing { started: true, .. } => Err(CutShort::NoEnd),
            Framing { windowed: true, .. } => Err(CutShort::NoFinalWatermark),
            _ => Ok(()),
        }
    }

    /// Ends the streams that are open, for a tool that stops before its input does because it has
    /// all that it was asked for: appends their ends as lines.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        let Framing { started, windowed } = std::mem::take(self);
        if windowed {
            Control::Watermark(Mark::End).write(out);
        }
        if started {
            Control::End(Default::default()).write(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first letters of frames: s and e, w and f.
    fn framing(frames: &str) -> Result<Framing, CutShort> {
        let mut framing = Framing::default();
        for letter in frames.chars() {
            framing.note(match letter {
                's' => Frame::Start,
                'e' => Frame::End,
                'w' => Frame::Window,
                _ => Frame::FinalWatermark,
            })?;
        }
        Ok(framing)
    }

    #[test]
    fn whole_streams_may_follow_one_another() {
        for whole in ["", "se", "sese", "wf", "wfwf", "swfe", "swfeswfe", "swesfe", "e", "f"] {
            assert_eq!(framing(whole).and_then(|mut open| open.finish()), Ok(()), "{whole}");
        }
    }

    #[test]
    fn a_stream_without_its_end_is_cut_short_whatever_follows() {
        for (cut, how) in [
            ("s", CutShort::NoEnd),
            ("sw", CutShort::NoEnd),
            ("swf", CutShort::NoEnd),
            ("w", CutShort::NoFinalWatermark),
            ("swe", CutShort::NoFinalWatermark),
            ("ss", CutShort::AnotherStart),
            ("sws", CutShort::AnotherStart),
            ("ww", CutShort::AnotherWindow),
            ("swesw", CutShort::AnotherWindow),
        ] {
            assert_eq!(framing(cut).and_then(|mut open| open.finish()), Err(how), "{cut}");
        }
    }

    #[test]
    fn the_next_input_has_nothing_open() {
        let mut open = framing("sw").unwrap();
        assert!(open.is_open() && open.finish().is_err());
        assert!(!open.is_open() && open.finish().is_ok());
    }

    #[test]
    fn what_is_closed_is_whole() {
        for open in ["", "s", "w", "sw", "swf", "swe"] {
            let mut out = Vec::new();
            framing(open).unwrap().close(&mut out);
            let mut whole = framing(open).unwrap();
            for line in out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                let frame = Frame::of(&Control::parse(line).unwrap()).unwrap();
                whole.note(frame).unwrap();
            }
            assert_eq!(whole.finish(), Ok(()), "{open}");
        }
    }
}

//! The decoder of all formats whose records are lines, each read by itself.

use std::ops::ControlFlow;
use std::time::Duration;

use super::joining::{Group, Joining};
use super::made::Made;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines, is_blank};

/// How long no line may come until those that belong together are all there: programs write them
/// at once.
const QUIET: Duration = Duration::from_secs(1);

/// Reads the lines of a format.
pub(super) trait Parse {
    /// Whether blank lines are lines like others; they are skipped if not.
    const TAKES_BLANK: bool = false;

    /// Whether its records are as [`Lines::are_compact`] says.
    const COMPACT: bool = false;

    /// Appends the record of a line, as JSON.
    ///
    /// # Errors
    /// What is wrong with the line, for a person. What was appended does not count then.
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String>;

    /// Another input begins: what the lines of this one said of each other no longer holds.
    fn reset(&mut self) {}
}

/// Makes a record of each line, or of each group of lines.
pub(super) struct ByLine<P> {
    lines: LineDecoder,
    records: Records<P>,
}

impl<P: Parse> ByLine<P> {
    /// Records, and what they are made of, have at most `record_bytes_max` bytes. With `joining`,
    /// it says which lines belong together.
    pub fn new(parser: P, joining: Option<Joining>, record_bytes_max: usize) -> ByLine<P> {
        let records = Records { parser, joining, made: Made::new(P::COMPACT), record_bytes_max };
        ByLine { lines: LineDecoder::verbatim(record_bytes_max), records }
    }
}

impl<P: Parse> Decoder for ByLine<P> {
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        self.lines.decode(block, &mut Taking { records: &mut self.records, sink })?;
        self.records.made.hand_over(sink)
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let flow = self.lines.finish(&mut Taking { records: &mut self.records, sink });
        let flow = if flow.is_continue() { self.records.last_group_end(sink) } else { flow };
        self.records.parser.reset();
        flow?;
        self.records.made.hand_over(sink)
    }

    fn patience(&self) -> Option<Duration> {
        let joining = self.records.joining.as_ref()?;
        (joining.input_bytes() > 0 && self.lines.pending() == 0).then_some(QUIET)
    }

    fn quiet(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        if self.lines.pending() == 0 {
            self.records.group_end(sink)?;
        }
        self.records.made.hand_over(sink)
    }

    fn pending(&self) -> u64 {
        let joined = self.records.joining.as_ref().map_or(0, Joining::input_bytes);
        joined + self.lines.pending()
    }
}

struct Records<P> {
    parser: P,
    joining: Option<Joining>,
    made: Made,
    record_bytes_max: usize,
}

/// A line of the input, or several that belong together.
struct Text<'a> {
    bytes: &'a [u8],
    /// The same, if it is known to be UTF-8.
    text: Option<&'a str>,
    line: u64,
    unterminated: bool,
    /// Whether more lines that belong to it might have followed.
    open: bool,
}

impl<P: Parse> Records<P> {
    /// Takes a line, without its LF.
    fn line(&mut self, mut line: Text<'_>, sink: &mut dyn Sink) -> ControlFlow<()> {
        let Some(joining) = &mut self.joining else {
            if let Some(bytes) = line.bytes.strip_suffix(b"\r") {
                line.bytes = bytes;
                line.text = line.text.and_then(|text| text.strip_suffix('\r'));
            }
            return self.record(line, sink);
        };
        if joining.input_bytes() == 0 && is_blank(line.bytes) {
            return ControlFlow::Continue(());
        }
        if joining.begins(line.bytes) {
            self.group_end(sink)?;
        }
        let Some(joining) = &mut self.joining else { return ControlFlow::Continue(()) };
        joining.push(line.bytes, line.line, line.unterminated);
        match joining.take_piece(self.record_bytes_max) {
            Some((bytes, line, continued)) => {
                let why = group_too_long(self.record_bytes_max);
                let bad = Bad { more: true, continued, ..Bad::line(&bytes, line, why) };
                self.bad(bad, sink)
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// Takes the lines that belong together, as another line begins the next ones.
    fn group_end(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.take_group(false, sink)
    }

    /// The same, as the input has ended: more might have followed.
    fn last_group_end(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.take_group(true, sink)
    }

    fn take_group(&mut self, open: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        let Some(group) = self.joining.as_mut().and_then(Joining::take) else {
            return ControlFlow::Continue(());
        };
        let Group { bytes, line, unterminated, over } = group;
        if over {
            let why = group_too_long(self.record_bytes_max);
            let bad = Bad::line(&bytes, line, why);
            return self.bad(Bad { unterminated, continued: true, ..bad }, sink);
        }
        let text = Text { bytes: &bytes, text: None, line, unterminated, open };
        let flow = self.record(text, sink);
        if let Some(joining) = &mut self.joining {
            joining.reuse(bytes);
        }
        flow
    }

    /// Makes the record of a line.
    #[inline]
    fn record(&mut self, line: Text<'_>, sink: &mut dyn Sink) -> ControlFlow<()> {
        let Text { bytes, text, line, unterminated, open } = line;
        if !P::TAKES_BLANK && is_blank(bytes) {
            return ControlFlow::Continue(());
        }
        let text = match text {
            Some(text) => Ok(text),
            None => std::str::from_utf8(bytes)
                .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)),
        };
        self.made.begin(line, sink)?;
        let parsed = text.and_then(|text| self.parser.parse(text, self.made.text()));
        let most = self.record_bytes_max;
        let parsed = match parsed {
            Ok(()) if bytes.len() > most => Err(too_long(most)),
            Ok(()) if self.made.record_bytes() > most => {
                Err(format!("the line makes a record longer than the limit of {most} bytes"))
            }
            parsed => parsed,
        };
        match parsed {
            Ok(()) if unterminated || open => self.made.end_unterminated(sink),
            Ok(()) => {
                self.made.end();
                ControlFlow::Continue(())
            }
            Err(mut why) => {
                self.made.undo();
                if unterminated {
                    why.push_str(" (the input ends here, without a line end: it may be cut short)");
                }
                let bad = Bad::line(bytes, line, why);
                self.bad(Bad { unterminated: unterminated || open, ..bad }, sink)
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.made.hand_over(sink)?;
        sink.bad(bad)
    }
}

fn too_long(record_bytes_max: usize) -> String {
    format!("the line is longer than the limit of {record_bytes_max} bytes")
}

fn group_too_long(record_bytes_max: usize) -> String {
    format!("the lines that belong together are longer than the limit of {record_bytes_max} bytes")
}

/// Takes what the input's lines are, on the way to the sink.
struct Taking<'a, P> {
    records: &'a mut Records<P>,
    sink: &'a mut dyn Sink,
}

impl<P: Parse> Sink for Taking<'_, P> {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let Raw { bytes, line, unterminated } = raw;
        let text = Text { bytes, text: None, line, unterminated, open: false };
        self.records.line(text, self.sink)
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let (bytes, before) = (lines.rest(), lines.line());
        // Checked at once: most inputs are UTF-8 throughout.
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let mut start = 0;
        for (end, line) in memchr::memchr_iter(b'\n', bytes).zip(before + 1..) {
            let text = text.and_then(|text| text.get(start..end));
            let bytes = bytes.get(start..end).unwrap_or_default();
            let line = Text { bytes, text, line, unterminated: false, open: false };
            self.records.line(line, self.sink)?;
            start = end + 1;
        }
        lines.pass_all();
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        if !bad.continued {
            self.records.group_end(self.sink)?;
        }
        self.records.bad(bad, self.sink)
    }
}

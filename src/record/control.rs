//! Control records: lines in the stream that speak to the tools, not about the data.
//!
//! A control record begins with `{"@millstream":`. The log never stores one. `docs/PIPE.md` lists
//! them.

use std::io::Write;

use serde::{Deserialize, Serialize};

/// How every control record begins, to the byte.
pub const PREFIX: &[u8] = b"{\"@millstream\":";

/// A control record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// A stream begins here.
    Start(Start),
    /// How the stream is windowed from here on.
    Window(Windowing),
    /// No record with an earlier or equal event time is expected any more.
    Watermark(Mark),
}

/// What is known of the records behind it, up to the next start or the end of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// They are valid JSON: they come from the log, which validated them, with their checksums
    /// checked.
    #[serde(default)]
    pub trusted: bool,
}

/// The kind of windows that `window` gave the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Windowing {
    /// Windows of one size, side by side.
    Tumbling {
        /// Length of a window, in milliseconds.
        size_ms: i64,
        /// Where windows begin, relative to the epoch, in milliseconds.
        offset_ms: i64,
    },
}

/// A watermark's place in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Milliseconds since the epoch.
    Ms(i64),
    /// The input has ended: all windows close.
    End,
}

/// Why a line that begins like a control record is not one.
#[derive(Debug, thiserror::Error)]
#[error("not a control record that this version knows: {0}")]
pub struct UnknownControl(String);

#[derive(Serialize, Deserialize)]
struct Envelope {
    #[serde(rename = "@millstream")]
    control: Control,
}

/// Whether a line is meant as a control record.
pub fn is_control(line: &[u8]) -> bool {
    // Hardly any line has this byte here, and one byte is looked at sooner than fifteen.
    line.get(2) == Some(&b'@') && line.starts_with(PREFIX)
}

impl Control {
    /// Reads a line for which [`is_control`] holds.
    ///
    /// # Errors
    /// When the line is not one of the kinds above: an upstream tool of another version wrote it,
    /// or it is not ours at all.
    pub fn parse(line: &[u8]) -> Result<Control, UnknownControl> {
        serde_json::from_slice::<Envelope>(line)
            .map(|envelope| envelope.control)
            .map_err(|error| UnknownControl(error.to_string()))
    }

    /// Appends the control record as a line, LF included.
    pub fn write(&self, out: &mut Vec<u8>) {
        let envelope = Envelope { control: self.clone() };
        // Writing plain integers and names to memory has no way to fail.
        if let Ok(text) = serde_json::to_string(&envelope) {
            let _ = writeln!(out, "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_is_fixed() {
        let forms: [(Control, &str); 4] = [
            (
                Control::Start(Start { trusted: true }),
                "{\"@millstream\":{\"start\":{\"trusted\":true}}}\n",
            ),
            (
                Control::Window(Windowing::Tumbling { size_ms: 60_000, offset_ms: -5 }),
                "{\"@millstream\":{\"window\":{\"tumbling\":{\"size_ms\":60000,\"offset_ms\":-5}}}}\n",
            ),
            (Control::Watermark(Mark::Ms(-1)), "{\"@millstream\":{\"watermark\":{\"ms\":-1}}}\n"),
            (Control::Watermark(Mark::End), "{\"@millstream\":{\"watermark\":\"end\"}}\n"),
        ];
        for (control, line) in forms {
            let mut out = Vec::new();
            control.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), line);
            assert!(is_control(&out));
            assert_eq!(Control::parse(&out).ok(), Some(control));
        }
    }

    #[test]
    fn an_unknown_kind_is_named() {
        let error = Control::parse(b"{\"@millstream\":{\"tide\":1}}").err().map(|e| e.to_string());
        assert!(error.is_some_and(|text| text.contains("tide")));
    }
}

//! Control records: lines in the stream that speak to the tools, not about the data.
//!
//! A control record begins with `{"@millstream":`. The log never stores one. `docs/PIPE.md` lists
//! them.

mod windowing;

use std::io::Write;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use windowing::{Count, Cumulate, Hop, Kind, Session, Tumbling, Windowing};

/// How every control record begins, to the byte.
pub const PREFIX: &[u8] = b"{\"@millstream\":";

/// How a watermark begins, as it is written here.
const WATERMARK: &[u8] = b"{\"@millstream\":{\"watermark\":{\"ms\":";

/// How a change of the partition begins, as it is written here.
const PARTITION: &[u8] = b"{\"@millstream\":{\"partition\":";

/// How an append time begins, as it is written here.
const APPENDED: &[u8] = b"{\"@millstream\":{\"appended\":{\"ms\":";

/// A control record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// A stream begins here.
    Start(Start),
    /// The stream that began is whole: all that was to be read has been read. Without it, the
    /// stream was cut short.
    End(End),
    /// The records after it are of these partitions: they have been shared out anew. The stream
    /// continues.
    #[serde(deserialize_with = "distinct")]
    Partitions(Vec<u32>),
    /// The records behind it are of this partition, up to the next such line.
    Partition(u32),
    /// No more records of this partition come.
    PartitionEnd(u32),
    /// When the records after it were appended, up to the next such line.
    Appended(Appended),
    /// How the stream is windowed from here on.
    Window(Windowing),
    /// No record with an earlier or equal event time is expected any more.
    Watermark(Mark),
}

/// What is known of the records behind it, up to the stream's end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// They are valid JSON: they come from the log, which validated them, with their checksums
    /// checked.
    #[serde(default)]
    pub trusted: bool,
    /// The partitions they come from, if these are told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub partitions: Vec<u32>,
}

/// What is said of a stream that has ended: nothing but that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {}

/// When records were appended to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// Milliseconds since the epoch, rounded down.
    pub ms: i64,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "@millstream")]
    control: Control,
}

#[derive(Serialize)]
struct Borrowed<'a> {
    #[serde(rename = "@millstream")]
    control: &'a Control,
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
        if let Some(control) = parse_frequent(line) {
            return Ok(control);
        }
        serde_json::from_slice::<Envelope>(line)
            .map(|envelope| envelope.control)
            .map_err(|error| UnknownControl(error.to_string()))
    }

    /// Appends the control record as a line, LF included.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Writing plain integers and names to memory has no way to fail.
        let _ = match self {
            Control::Watermark(Mark::Ms(ms)) => {
                out.extend_from_slice(WATERMARK);
                out.write_fmt(format_args!("{ms}}}}}}}"))
            }
            Control::Appended(Appended { ms }) => {
                out.extend_from_slice(APPENDED);
                out.write_fmt(format_args!("{ms}}}}}}}"))
            }
            control => serde_json::to_writer(&mut *out, &Borrowed { control }).map_err(Into::into),
        };
        out.push(b'\n');
    }
}

/// Reads partitions, none of them twice.
fn distinct<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
    let partitions = Vec::<u32>::deserialize(from)?;
    let mut sorted = partitions.clone();
    sorted.sort_unstable();
    match sorted.array_windows().find(|[one, next]| one == next) {
        Some([twice, _]) => Err(D::Error::custom(format_args!("partition {twice} occurs twice"))),
        None => Ok(partitions),
    }
}

/// Reads those that may come behind every record, as we write them; the others are left to serde.
fn parse_frequent(line: &[u8]) -> Option<Control> {
    if let Some(rest) = line.strip_prefix(WATERMARK) {
        let ms = rest.strip_suffix(b"}}}")?;
        return Some(Control::Watermark(Mark::Ms(integer(ms)?)));
    }
    if let Some(rest) = line.strip_prefix(APPENDED) {
        let ms = integer(rest.strip_suffix(b"}}}")?)?;
        return Some(Control::Appended(Appended { ms }));
    }
    let number = line.strip_prefix(PARTITION)?.strip_suffix(b"}}")?;
    Some(Control::Partition(u32::try_from(integer(number)?).ok()?))
}

/// An integer as JSON spells it; none if it is another, or has more than 18 digits.
fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain =
        matches!((text, digits), ([b'0'], _) | (_, [b'1'..=b'9', ..])) && digits.len() <= 18;
    let add =
        |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    let sum = digits.iter().filter(|_| plain).try_fold(0, add)?;
    plain.then(|| if digits.len() < text.len() { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(kind: Kind) -> Control {
        Control::Window(kind.into())
    }

    #[test]
    fn the_written_form_is_fixed() {
        let tz = || "Europe/Berlin".to_owned();
        let text = |text: &str| text.to_owned();
        let all = Windowing {
            kind: Kind::Hop(Hop::Fixed { slide_ms: 2, size_ms: 10, offset_ms: 1 }),
            allowed_lateness_ms: 7,
            expanded: true,
            every_ms: 9,
        };
        let forms = [
            (
                Control::Start(Start { trusted: true, partitions: Vec::new() }),
                r#"{"start":{"trusted":true}}"#,
            ),
            (
                Control::Start(Start { trusted: false, partitions: vec![0, 2] }),
                r#"{"start":{"trusted":false,"partitions":[0,2]}}"#,
            ),
            (Control::End(End {}), r#"{"end":{}}"#),
            (Control::Partitions(vec![0, 2]), r#"{"partitions":[0,2]}"#),
            (Control::Partitions(Vec::new()), r#"{"partitions":[]}"#),
            (Control::Partition(3), r#"{"partition":3}"#),
            (Control::PartitionEnd(0), r#"{"partition_end":0}"#),
            (Control::Appended(Appended { ms: -7 }), r#"{"appended":{"ms":-7}}"#),
            (
                window(Kind::Tumbling(Tumbling::Fixed { size_ms: 60_000, offset_ms: -5 })),
                r#"{"window":{"tumbling":{"size_ms":60000,"offset_ms":-5}}}"#,
            ),
            (
                window(Kind::Tumbling(Tumbling::Calendar {
                    size: text("1d"),
                    tz: tz(),
                    offset_ms: 0,
                    week_start: None,
                })),
                r#"{"window":{"tumbling":{"size":"1d","tz":"Europe/Berlin"}}}"#,
            ),
            (
                Control::Window(all),
                r#"{"window":{"hop":{"slide_ms":2,"size_ms":10,"offset_ms":1},"allowed_lateness_ms":7,"expanded":true,"every_ms":9}}"#,
            ),
            (
                window(Kind::Hop(Hop::Calendar {
                    slide: text("1d"),
                    size: text("1w"),
                    tz: tz(),
                    offset_ms: 3_600_000,
                    week_start: Some(text("sunday")),
                })),
                r#"{"window":{"hop":{"slide":"1d","size":"1w","tz":"Europe/Berlin","offset_ms":3600000,"week_start":"sunday"}}}"#,
            ),
            (
                window(Kind::Cumulate(Cumulate::Fixed { step_ms: 2, size_ms: 10, offset_ms: 0 })),
                r#"{"window":{"cumulate":{"step_ms":2,"size_ms":10,"offset_ms":0}}}"#,
            ),
            (
                window(Kind::Cumulate(Cumulate::Calendar {
                    step: text("1h"),
                    size: text("1d"),
                    tz: tz(),
                    offset_ms: 0,
                    week_start: None,
                })),
                r#"{"window":{"cumulate":{"step":"1h","size":"1d","tz":"Europe/Berlin"}}}"#,
            ),
            (
                window(Kind::Session(Session { gap_ms: 30_000 })),
                r#"{"window":{"session":{"gap_ms":30000}}}"#,
            ),
            (window(Kind::Count(Count { size: 100 })), r#"{"window":{"count":{"size":100}}}"#),
            (Control::Watermark(Mark::Ms(-1)), r#"{"watermark":{"ms":-1}}"#),
            (
                Control::Watermark(Mark::Ms(i64::MIN)),
                r#"{"watermark":{"ms":-9223372036854775808}}"#,
            ),
            (Control::Watermark(Mark::End), r#"{"watermark":"end"}"#),
        ];
        for (control, inside) in forms {
            let mut out = Vec::new();
            control.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{{\"@millstream\":{inside}}}\n"));
            assert!(is_control(&out));
            let line = out.strip_suffix(b"\n").unwrap();
            assert_eq!(Control::parse(line).unwrap(), control);
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (inside, word) in [
            (r#"{"tide":1}"#, "tide"),
            (r#"{"window":{"spiral":{"size_ms":1}}}"#, "spiral"),
            (r#"{"window":{"session":{"gap_ms":1},"sparse":true}}"#, "sparse"),
            (r#"{"window":{"session":{"gap_ms":1},"count":{"size":1}}}"#, "exactly one"),
            (r#"{"window":{"every_ms":1}}"#, "exactly one"),
            (r#"{"watermark":{"ms":1.5}}"#, "1.5"),
            (r#"{"partition":-1}"#, "-1"),
            (r#"{"watermark":"end"},"a":1"#, "a"),
            (r#"{"watermark":"end","end":{}}"#, "expected"),
            (r#"{"watermark":{"ms":1,"s":1}}"#, "expected"),
            (r#"{"end":{"x":1}}"#, "x"),
            (r#"{"end":{}},"a":1"#, "a"),
            (r#"{"start":{"trusted":true,"sorted":true}}"#, "sorted"),
            (r#"{"start":{"partitions":[0,1,0]}}"#, "partition 0 occurs twice"),
            (r#"{"partitions":[3,3]}"#, "partition 3 occurs twice"),
            (r#"{"partition":1},"a":1"#, "a"),
        ] {
            let line = format!("{{\"@millstream\":{inside}}}");
            let error = Control::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word), "{line}: {error}");
        }
    }

    proptest! {
        /// The short way and serde read the same from the same bytes.
        #[test]
        fn the_short_way_reads_what_serde_reads(
            ms in "-?(0|[1-9][0-9]{0,19}|0[0-9]|[0-9]?\\.5| 1)|",
            kind in prop_oneof![Just("{\"watermark\":{\"ms\":}}"), Just("{\"partition\":}")],
            tail in prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("}")],
        ) {
            let inside = kind.replacen(":}", &format!(":{ms}}}"), 1);
            let line = format!("{{\"@millstream\":{inside}}}{tail}");
            let slow = serde_json::from_str::<Envelope>(&line).ok().map(|envelope| envelope.control);
            prop_assert_eq!(Control::parse(line.as_bytes()).ok(), slow.clone());
            if let Some(short) = parse_frequent(line.as_bytes()) {
                prop_assert_eq!(Some(short), slow);
            }
        }
    }
}

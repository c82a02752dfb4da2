//! How a stream is windowed, as its control record says it.

use serde::{Deserialize, Serialize};

/// What `window` did to the stream. Whatever is zero or false is left out where it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Windowing {
    /// Which windows there are.
    pub kind: Kind,
    /// How far behind a window's end the watermark may be for the window to still take records,
    /// in milliseconds.
    pub allowed_lateness_ms: i64,
    /// Whether each record carries a whole window, once for each that it is in, where it would
    /// otherwise carry a slice.
    pub expanded: bool,
    /// Watermarks come also when they pass a multiple of this many milliseconds; not if zero.
    pub every_ms: i64,
}

/// The kinds of windows, with their sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Windows of one size, side by side.
    Tumbling(Tumbling),
    /// Windows of one size that overlap: one begins at each slide.
    Hop(Hop),
    /// Windows that begin together and grow by a step, up to a size; then the next begin.
    Cumulate(Cumulate),
    /// For each group, windows that end when nothing came for a while.
    Session(Session),
    /// For each group, windows of so many records.
    Count(Count),
}

/// The size of tumbling windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Tumbling {
    /// All are equally long.
    Fixed {
        /// Length of a window, in milliseconds.
        size_ms: i64,
        /// Where windows begin, relative to the epoch, in milliseconds.
        offset_ms: i64,
    },
    /// They follow the calendar of a time zone.
    Calendar {
        /// Length of a window: `1d`, `1mo`.
        size: String,
        /// The zone's name: `Europe/Berlin`.
        tz: String,
        /// How much later than at midnight they begin, as clocks show it, in milliseconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        offset_ms: i64,
        /// The day on which weeks begin, if it is not Monday: `sunday`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        week_start: Option<String>,
    },
}

/// The sizes of hopping windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Hop {
    /// All are equally long.
    Fixed {
        /// How far apart windows begin, in milliseconds.
        slide_ms: i64,
        /// Length of a window, in milliseconds.
        size_ms: i64,
        /// Where windows begin, relative to the epoch, in milliseconds.
        offset_ms: i64,
    },
    /// They follow the calendar of a time zone.
    Calendar {
        /// How far apart windows begin.
        slide: String,
        /// Length of a window.
        size: String,
        /// The zone's name.
        tz: String,
        /// How much later than at midnight they begin, as clocks show it, in milliseconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        offset_ms: i64,
        /// The day on which weeks begin, if it is not Monday: `sunday`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        week_start: Option<String>,
    },
}

/// The sizes of cumulating windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Cumulate {
    /// All steps are equally long.
    Fixed {
        /// How much longer each window is than the one before, in milliseconds.
        step_ms: i64,
        /// Length of the longest window, in milliseconds.
        size_ms: i64,
        /// Where windows begin, relative to the epoch, in milliseconds.
        offset_ms: i64,
    },
    /// They follow the calendar of a time zone.
    Calendar {
        /// How much longer each window is than the one before.
        step: String,
        /// Length of the longest window.
        size: String,
        /// The zone's name.
        tz: String,
        /// How much later than at midnight they begin, as clocks show it, in milliseconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        offset_ms: i64,
        /// The day on which weeks begin, if it is not Monday: `sunday`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        week_start: Option<String>,
    },
}

/// When sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Two records of a group that are no further apart are in one session; in milliseconds.
    pub gap_ms: i64,
}

/// The size of windows that count records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// How many records of a group make a window.
    pub size: u64,
}

impl From<Kind> for Windowing {
    /// Windows of this kind, and nothing else to be said of them.
    fn from(kind: Kind) -> Windowing {
        Windowing { kind, allowed_lateness_ms: 0, expanded: false, every_ms: 0 }
    }
}

/// The written form: exactly one of the kinds, and what stands beside it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    tumbling: Option<Tumbling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hop: Option<Hop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cumulate: Option<Cumulate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<Count>,
    #[serde(skip_serializing_if = "is_zero")]
    allowed_lateness_ms: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    expanded: bool,
    #[serde(skip_serializing_if = "is_zero")]
    every_ms: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl From<Windowing> for Form {
    fn from(windowing: Windowing) -> Form {
        let Windowing { kind, allowed_lateness_ms, expanded, every_ms } = windowing;
        let mut form = Form { allowed_lateness_ms, expanded, every_ms, ..Form::default() };
        match kind {
            Kind::Tumbling(sizes) => form.tumbling = Some(sizes),
            Kind::Hop(sizes) => form.hop = Some(sizes),
            Kind::Cumulate(sizes) => form.cumulate = Some(sizes),
            Kind::Session(sizes) => form.session = Some(sizes),
            Kind::Count(sizes) => form.count = Some(sizes),
        }
        form
    }
}

impl TryFrom<Form> for Windowing {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Windowing, &'static str> {
        let Form { allowed_lateness_ms, expanded, every_ms, .. } = form;
        let mut kinds = [
            form.tumbling.map(Kind::Tumbling),
            form.hop.map(Kind::Hop),
            form.cumulate.map(Kind::Cumulate),
            form.session.map(Kind::Session),
            form.count.map(Kind::Count),
        ]
        .into_iter()
        .flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(Windowing { kind, allowed_lateness_ms, expanded, every_ms }),
            _ => Err("a window is exactly one of tumbling, hop, cumulate, session and count"),
        }
    }
}

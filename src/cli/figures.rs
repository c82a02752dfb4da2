//! The figures of a tool that runs, as it prints them on SIGUSR1 and as `millstream status` gets
//! them: one JSON object. What a tool does not know, or has no use for, is left out.

use serde::{Deserialize, Serialize};

/// What a tool has done so far, what it holds, and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Its name: `filter`.
    pub tool: String,
    /// Its process.
    pub pid: u32,
    /// How long it has run.
    pub seconds: f64,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
    /// Whether log-serve reads its input or writes its output itself: what it did there lately is
    /// not counted yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lent: bool,
    /// How many records it has read.
    pub records_in: u64,
    /// How many records or results it has emitted, or appended to the log.
    pub records_out: u64,
    /// How many bytes it has read; of a compressed file, those that are stored.
    pub bytes_in: u64,
    /// How many bytes it has written.
    pub bytes_out: u64,
    /// How many records it has read in a second, on average of the whole run.
    pub records_per_second: f64,
    /// The watermark, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// The greatest event time so far, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    /// How many windows are open, or the slices that they are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<u64>,
    /// What the watermark must pass until the next window closes, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<String>,
    /// How many groups it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u64>,
    /// About how many bytes they take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<u64>,
    /// How much memory the process takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// How many records were late.
    pub late: u64,
    /// How many lines were rejected.
    pub rejected: u64,
    /// How many records of the topic it has not read yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// When something was last appended to the topic, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_append: Option<String>,
}

/// What a tool waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitingFor {
    /// Input: it has done all that there is.
    Input,
    /// Output: whoever reads it, or the log, takes nothing at the moment.
    Output,
    /// Neither: it works.
    Cpu,
}

impl WaitingFor {
    /// As it is spelled in figures.
    pub fn name(self) -> &'static str {
        match self {
            WaitingFor::Input => "input",
            WaitingFor::Output => "output",
            WaitingFor::Cpu => "cpu",
        }
    }
}

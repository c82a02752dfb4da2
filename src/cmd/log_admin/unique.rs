//! The settings of a topic's unique keys as options of `create` and `alter`.

use clap::Args;
use serde_json::Value;

use super::values::{count, ms, text};

/// What every record that is appended must be.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct UniqueOptions {
    /// Append a record only if the topic has none with the same value of this jq expression
    ///
    /// This applies to every producer, with or without log-serve. Records that the topic already
    /// has are skipped and counted. A record whose value is null is bad. After retention, a trim
    /// or compaction has removed a record, its value may be appended again.
    #[arg(long, value_name = "EXPR", value_parser = text)]
    unique: Option<Value>,

    /// With --unique: compare only with records appended less than DURATION ago
    #[arg(long, value_name = "DURATION", value_parser = ms)]
    unique_within: Option<Value>,

    /// With --unique: compare only with the last N records
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "N", value_parser = count)]
    unique_last: Option<Value>,

    /// With --unique: refuse appends when more than N records count [default: 4000000]
    ///
    /// Each takes 20 to 50 bytes of memory while the topic is in use.
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "N", value_parser = count)]
    max_unique: Option<Value>,
}

impl UniqueOptions {
    /// The settings by their names in `topic.json`.
    pub fn named(&self) -> [(&'static str, &Option<Value>); 4] {
        [
            ("unique", &self.unique),
            ("unique_ms", &self.unique_within),
            ("unique_last", &self.unique_last),
            ("unique_max", &self.max_unique),
        ]
    }
}

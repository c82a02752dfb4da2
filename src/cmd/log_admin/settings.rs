//! The settings of a topic as options: what `create` and `alter` have in common.

use clap::Args;
use serde_json::{Map, Value};

use super::unique::UniqueOptions;
use super::values::{bytes, fsync, kept, ms, principals, text, whether};
use crate::time::duration::Duration;

/// Settings that may be made and changed; "default" takes one back to its default.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsOptions {
    /// Fsync before acknowledging (always, the default), within DURATION after it, or never
    #[arg(long, value_name = "POLICY", value_parser = fsync)]
    fsync: Option<Value>,

    /// Delete records appended longer than DURATION ago, in whole segments
    ///
    /// The active segment stays, so a topic that gets few records also needs --segment-age.
    #[arg(long, value_name = "DURATION", value_parser = |text: &str| kept(text, ms))]
    retention: Option<Value>,

    /// Delete the oldest segments while the partition has at least SIZE of records without them
    ///
    /// The active segment stays.
    #[arg(long, value_name = "SIZE", value_parser = |text: &str| kept(text, bytes))]
    retention_bytes: Option<Value>,

    /// Roll the active segment when it has SIZE of records [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    segment_bytes: Option<Value>,

    /// Roll the active segment when its oldest record is older than DURATION
    #[arg(long, value_name = "DURATION", value_parser = ms)]
    segment_age: Option<Value>,

    /// Refuse records longer than SIZE [default: 16MiB]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_record: Option<Value>,

    /// Keep only the last record of each key in closed segments; --compact=default ends that
    #[arg(long, value_name = "BOOL", value_parser = whether)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    compact: Option<Value>,

    /// With --compact: a record for which this jq expression is true removes its key, and itself
    #[arg(long, value_name = "EXPR", value_parser = text)]
    tombstone: Option<Value>,

    /// Remove a tombstone DURATION after the earlier records of its key [default: 1d]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", value_parser = ms)]
    tombstone_age: Option<Value>,

    /// Forget where produce stands in files that it has not seen for DURATION [default: 30d]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", value_parser = ms)]
    source_age: Option<Value>,

    #[command(flatten)]
    unique: UniqueOptions,

    /// Let only these read: users, and groups as :GROUP, separated by commas
    #[arg(long, value_name = "WHO,…", value_parser = principals)]
    readers: Option<Value>,

    /// Let only these append: users, and groups as :GROUP, separated by commas
    #[arg(long, value_name = "WHO,…", value_parser = principals)]
    writers: Option<Value>,
}

impl SettingsOptions {
    /// The settings that were named, by their names in `topic.json`.
    pub fn to_map(&self) -> Map<String, Value> {
        let named = [
            ("fsync", &self.fsync),
            ("retention_ms", &self.retention),
            ("retention_bytes", &self.retention_bytes),
            ("segment_bytes", &self.segment_bytes),
            ("segment_ms", &self.segment_age),
            ("record_bytes_max", &self.max_record),
            ("compact", &self.compact),
            ("tombstone", &self.tombstone),
            ("tombstone_ms", &self.tombstone_age),
            ("source_ms", &self.source_age),
            ("readers", &self.readers),
            ("writers", &self.writers),
        ];
        let named = named.into_iter().chain(self.unique.named());
        let given = named.filter_map(|(name, value)| Some((name, value.clone()?)));
        given.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A setting as the option that makes it, for people: its name, and its value.
pub fn as_option(name: &str, value: &Value) -> String {
    let (option, value) = option_and_value(name, value);
    format!("{option} {value}")
}

/// The same, apart.
pub fn option_and_value(name: &str, value: &Value) -> (String, String) {
    let option = match name {
        "retention_ms" => "retention".to_owned(),
        "segment_ms" => "segment-age".to_owned(),
        "record_bytes_max" => "max-record".to_owned(),
        "tombstone_ms" => "tombstone-age".to_owned(),
        "source_ms" => "source-age".to_owned(),
        "unique_ms" => "unique-within".to_owned(),
        "unique_max" => "max-unique".to_owned(),
        name => name.replace('_', "-"),
    };
    (option, shown(name, value))
}

/// A setting's value for people.
fn shown(name: &str, value: &Value) -> String {
    match (value, value.as_i64()) {
        (Value::String(text), _) => text.clone(),
        (Value::Array(names), _) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        (_, Some(ms)) if name.ends_with("_ms") => {
            Duration::from_ms(ms).map_or_else(|| value.to_string(), in_days)
        }
        (_, Some(bytes)) if name.contains("_bytes") => size(bytes),
        _ => value.to_string(),
    }
}

/// A duration, with days as its largest unit: people say 7d, and 30d.
fn in_days(time: Duration) -> String {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    match (time.ms() / DAY_MS, time.ms() % DAY_MS) {
        (1.., 0) => format!("{}d", time.ms() / DAY_MS),
        _ => time.to_string(),
    }
}

/// A size with the largest unit that leaves it whole.
fn size(bytes: i64) -> String {
    let units = [("GiB", 1_i64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes > 0 && bytes % unit == 0) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given() {
        for (text, name, value) in [
            ("1h30m", "retention_ms", ms("1h30m")),
            ("0s", "a_ms", ms("0")),
            ("14d", "a_ms", ms("2w")),
        ] {
            assert_eq!(shown(name, &value.unwrap()), text);
        }
        for text in ["256MiB", "3GiB", "1000", "0"] {
            assert_eq!(shown("segment_bytes", &bytes(text).unwrap()), text);
        }
        assert_eq!(shown("readers", &principals("alice, :staff,7").unwrap()), "alice,:staff,7");
        assert!(principals("").is_err() && principals("a,,b").is_err());
        assert_eq!(principals("default"), Ok(Value::Null));
        assert_eq!(bytes("default"), Ok(Value::Null));
        assert_eq!(shown("fsync", &fsync("100ms").unwrap()), "100ms");
        assert_eq!((whether("true"), whether("default")), (Ok(true.into()), Ok(Value::Null)));
        assert!(whether("1").is_err());
        assert_eq!(text(".gone"), Ok(".gone".into()));
        assert!(fsync("often").is_err() && ms("5").is_err() && bytes("x").is_err());
    }
}

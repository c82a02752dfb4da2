//! Figures as Prometheus reads them: the text exposition format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Units are base units, counters
//! end in `_total`, and every family has its HELP and TYPE before its samples.

use std::fmt::{Display, Write};

use crate::api::stats::{DaemonFigures, Figures};

/// The figures as text.
pub fn render(figures: &Figures) -> String {
    let mut out = Text::default();
    let up = u8::from(figures.daemon.is_some());
    out.one("up", GAUGE, "Whether log-serve answered.", up);
    if let Some(daemon) = &figures.daemon {
        of_daemon(daemon, &mut out);
    }
    of_partitions(figures, &mut out);
    of_topics(figures, &mut out);
    of_groups(figures, &mut out);
    out.text
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// The text as it grows.
#[derive(Default)]
struct Text {
    text: String,
}

/// A metric's name and the labels of its samples.
struct Family<'a> {
    out: &'a mut Text,
    name: &'a str,
    labels: &'a [&'a str],
}

impl Text {
    /// Begins a family; nothing else may come before its last sample.
    fn family<'a>(
        &'a mut self,
        name: &'a str,
        kind: &str,
        help: &str,
        labels: &'a [&'a str],
    ) -> Family<'a> {
        // Writing to memory has no way to fail.
        let _ = writeln!(self.text, "# HELP millstream_{name} {}", escape_help(help));
        let _ = writeln!(self.text, "# TYPE millstream_{name} {kind}");
        Family { out: self, name, labels }
    }

    /// A family of one sample without labels.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help, &[]).sample(&[], value);
    }
}

impl Family<'_> {
    fn sample(&mut self, values: &[&str], value: impl Display) {
        self.sample_of("", values, value);
    }

    fn sample_of(&mut self, suffix: &str, values: &[&str], value: impl Display) {
        let pairs: Vec<String> = self
            .labels
            .iter()
            .zip(values)
            .map(|(label, value)| format!("{label}=\"{}\"", escape_label(value)))
            .collect();
        let labels =
            if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.out.text, "millstream_{}{suffix}{labels} {value}", self.name);
    }
}

fn of_daemon(daemon: &DaemonFigures, out: &mut Text) {
    out.family("build_info", GAUGE, "The version of log-serve.", &["version"])
        .sample(&[&daemon.version], 1);
    let started = seconds(daemon.started_us);
    out.one("start_time_seconds", GAUGE, "When log-serve started, since the epoch.", started);
    let uptime = seconds_unsigned(daemon.uptime_us);
    out.one("uptime_seconds", GAUGE, "How long log-serve has been running.", uptime);
    let it = &daemon.connections;
    out.one("connections", GAUGE, "Open connections.", it.now);
    out.one("connections_highest", GAUGE, "The maximum of connections at a time.", it.most);
    out.one("connections_limit", GAUGE, "The limit of connections.", it.limit);
    out.one("connections_taken_total", COUNTER, "Connections accepted.", it.taken);
    let it = &daemon.memory;
    let help = "Bytes of records of appends in progress.";
    out.one("append_memory_bytes", GAUGE, help, it.held_bytes);
    let help = "The limit of bytes of appends in progress.";
    out.one("append_memory_limit_bytes", GAUGE, help, it.limit_bytes);
    out.one("appends_waiting", GAUGE, "Appends waiting for memory.", it.waiting);
    let it = &daemon.appended;
    out.one("appended_batches_total", COUNTER, "Batches acknowledged.", it.batches);
    out.one("appended_records_total", COUNTER, "Records acknowledged.", it.records);
    out.one("appended_bytes_total", COUNTER, "Bytes of the records acknowledged.", it.bytes);
    let help = "Batches acknowledged that had already been appended.";
    out.one("duplicate_batches_total", COUNTER, help, it.duplicates);
    let it = &daemon.delivered;
    out.one("delivered_runs_total", COUNTER, "Runs of records delivered.", it.runs);
    out.one("delivered_records_total", COUNTER, "Records delivered.", it.records);
    out.one("delivered_bytes_total", COUNTER, "Bytes of the records delivered.", it.bytes);
    of_syncs(daemon, out);
    let help = "Requests refused, by the code of the error.";
    let mut refused = out.family("refused_requests_total", COUNTER, help, &["code"]);
    for (code, count) in &daemon.refused {
        let code = serde_json::to_value(code).unwrap_or_default();
        refused.sample(&[code.as_str().unwrap_or_default()], count);
    }
    let it = &daemon.process;
    if let Some(bytes) = it.resident_bytes {
        out.one("resident_memory_bytes", GAUGE, "Resident memory of log-serve.", bytes);
    }
    if let Some(cpu_us) = it.cpu_us {
        let cpu = seconds_unsigned(cpu_us);
        out.one("cpu_seconds_total", COUNTER, "CPU time that log-serve has used.", cpu);
    }
    if let Some(files) = it.open_files {
        out.one("open_files", GAUGE, "Open files and sockets of log-serve.", files);
    }
}

fn of_syncs(daemon: &DaemonFigures, out: &mut Text) {
    let syncs = &daemon.fdatasync;
    let help = "The duration of an fsync of a file.";
    let mut family = out.family("fdatasync_seconds", "histogram", help, &["le"]);
    for (&within_us, count) in &syncs.within_us {
        family.sample_of("_bucket", &[&seconds_unsigned(within_us)], count);
    }
    family.sample_of("_bucket", &["+Inf"], syncs.count);
    family.labels = &[];
    family.sample_of("_sum", &[], seconds_unsigned(syncs.time_us));
    family.sample_of("_count", &[], syncs.count);
}

fn of_partitions(figures: &Figures, out: &mut Text) {
    type Value = fn(&crate::api::stats::PartitionFigures) -> Option<String>;
    let families: [(&str, &str, Value); 6] = [
        ("partition_start_offset", "The offset of the first record.", |it| {
            Some(it.start.to_string())
        }),
        ("partition_end_offset", "The offset after the last record.", |it| {
            Some(it.end.to_string())
        }),
        ("partition_bytes", "The size of the data files.", |it| Some(it.bytes.to_string())),
        ("partition_segments", "The number of segments.", |it| Some(it.segments.to_string())),
        (
            "partition_last_append_time_seconds",
            "When records were last appended, since the epoch.",
            |it| it.last_append_us.map(seconds),
        ),
        ("partition_damaged", "Whether the files are known to be damaged.", |it| {
            Some(u8::from(it.damaged).to_string())
        }),
    ];
    for (name, help, value) in families {
        let mut family = out.family(name, GAUGE, help, &["topic", "partition"]);
        for topic in &figures.topics {
            for (number, partition) in &topic.partitions {
                if let Some(value) = value(partition) {
                    family.sample(&[&topic.topic, &number.to_string()], value);
                }
            }
        }
    }
}

fn of_topics(figures: &Figures, out: &mut Text) {
    let help = "Whether the topic is closed to appends because of damage or a failed write.";
    let mut family = out.family("topic_closed_to_appends", GAUGE, help, &["topic"]);
    for topic in figures.topics.iter().filter(|it| it.error.is_none() || it.closed.is_some()) {
        family.sample(&[&topic.topic], u8::from(topic.closed.is_some()));
    }
    let help = "Whether the topic cannot be read.";
    let mut family = out.family("topic_unreadable", GAUGE, help, &["topic"]);
    for topic in &figures.topics {
        family.sample(&[&topic.topic], u8::from(topic.error.is_some()));
    }
}

fn of_groups(figures: &Figures, out: &mut Text) {
    let labels = ["group", "topic", "partition"];
    let groups = || figures.groups.iter().filter(|group| !group.topic.is_empty());
    let partitions = || {
        groups()
            .flat_map(|group| group.partitions.iter().map(move |(number, it)| (group, number, it)))
    };
    let help = "The committed offset.";
    let mut family = out.family("group_committed_offset", GAUGE, help, &labels);
    for (group, number, it) in partitions() {
        if let Some(offset) = it.committed {
            family.sample(&[&group.group, &group.topic, &number.to_string()], offset);
        }
    }
    let help = "The number of records after the committed offset.";
    let mut family = out.family("group_lag_records", GAUGE, help, &labels);
    for (group, number, it) in partitions() {
        if let Some(lag) = it.lag() {
            family.sample(&[&group.group, &group.topic, &number.to_string()], lag);
        }
    }
    let help = "The number of members that read the topic.";
    let mut family = out.family("group_members", GAUGE, help, &["group", "topic"]);
    for group in groups() {
        family.sample(&[&group.group, &group.topic], group.members.len());
    }
    let help = "Groups whose file cannot be read.";
    let mut family = out.family("group_unreadable", GAUGE, help, &["group"]);
    for group in figures.groups.iter().filter(|group| group.topic.is_empty()) {
        family.sample(&[&group.group], 1);
    }
}

/// A time or duration in seconds, exactly, without an exponent.
fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}", seconds_unsigned(us.unsigned_abs()))
}

fn seconds_unsigned(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn escape_label(text: &str) -> String {
    escape_help(text).replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        for (us, text) in [
            (0, "0"),
            (1, "0.000001"),
            (100, "0.0001"),
            (2_500_000, "2.5"),
            (60_000_000, "60"),
            (1_795_416_374_000_001, "1795416374.000001"),
            (-1_500_000, "-1.5"),
        ] {
            assert_eq!(seconds(us), text);
        }
    }

    #[test]
    fn what_would_break_a_line_is_escaped() {
        let mut out = Text::default();
        out.family("a", GAUGE, "b\nc\\d \"e\"", &["f"]).sample(&["g\"h\\i\nj"], 1);
        assert_eq!(
            out.text,
            "# HELP millstream_a b\\nc\\\\d \"e\"\n# TYPE millstream_a gauge\n\
             millstream_a{f=\"g\\\"h\\\\i\\nj\"} 1\n"
        );
    }
}

//! `log-admin stats`, through the daemon and without one. What Prometheus is to read is read by a
//! strict parser of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::daemon::Daemon;
use crate::common::{Ran, bin, run, run_on, wait_for};

fn on(dir: &Path, name: &str, args: &[&str], input: &str) -> Ran {
    let ran = run_on(dir, name, args, input);
    assert_eq!(ran.status, 0, "{name} {args:?}: {ran:?}");
    ran
}

/// What a scrape gives: the families by name, and the samples by name and labels.
#[derive(Debug, Default)]
struct Scrape {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Scrape {
    /// Reads the text exposition format 0.0.4, and allows nothing that it does not.
    fn parse(text: &str) -> Scrape {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut scrape = Scrape::default();
        let mut family = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect(line);
                assert!(is_name(name) && !help.is_empty(), "{line}");
                assert!(is_escaped(help, "\\n"), "{line}");
                let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")).expect(line);
                let (typed, kind) = kind.split_once(' ').expect(kind);
                assert_eq!(typed, name);
                assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}: {kind}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}: {kind}");
                family = name.to_owned();
                let before = scrape.kinds.insert(name.to_owned(), kind.to_owned());
                assert!(before.is_none(), "{name}: a family stands in one place");
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect(line);
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels_of(labels.strip_suffix('}').expect(line))),
                None => (series, BTreeMap::new()),
            };
            assert!(is_name(name), "{line}");
            let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line}: {family}"));
            match scrape.kinds[&family].as_str() {
                "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
                _ => assert_eq!(suffix, "", "{line}"),
            }
            let value: f64 = value.parse().expect(line);
            let before = scrape.samples.insert((name.to_owned(), labels), value);
            assert!(before.is_none(), "{line}: twice");
        }
        scrape.check_histograms();
        scrape
    }

    fn check_histograms(&self) {
        for (name, _) in self.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut buckets: Vec<(f64, f64)> = self
                .samples
                .iter()
                .filter(|((sample, _), _)| *sample == format!("{name}_bucket"))
                .map(|((_, labels), count)| (labels["le"].replace("+Inf", "inf"), *count))
                .map(|(bound, count)| (bound.parse().unwrap(), count))
                .collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.iter().map(|bucket| bucket.1).is_sorted(), "{name}: {buckets:?}");
            let last = buckets.last().unwrap();
            assert!(last.0.is_infinite() && last.1 == self.get(&format!("{name}_count"), &[]));
            assert!(self.get(&format!("{name}_sum"), &[]) >= 0.0);
        }
    }

    fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let key = (name.to_owned(), labels.iter().map(own).collect());
        *self.samples.get(&key).unwrap_or_else(|| panic!("no {key:?} in {self:#?}"))
    }

    fn has(&self, name: &str) -> bool {
        self.samples.keys().any(|(sample, _)| sample == name)
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// Whether each backslash is followed by one of `allowed`.
fn is_escaped(text: &str, allowed: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && !chars.next().is_some_and(|c| allowed.contains(c)) {
            return false;
        }
    }
    true
}

fn labels_of(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect(text);
        assert!(is_name(name) && !name.contains(':'), "{text}");
        let (mut plain, mut chars) = (String::new(), value.char_indices());
        let end = loop {
            match chars.next().expect(text) {
                (at, '"') => break at,
                (_, '\\') => plain.push(match chars.next().expect(text).1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("{text}: \\{c}"),
                }),
                (_, c) => plain.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), plain).is_none(), "{text}");
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}

fn scrape(dir: &Path) -> Scrape {
    Scrape::parse(&on(dir, "log-admin", &["stats", "--prometheus"], "").stdout)
}

/// A log with two topics, six records in one of them, and a group that has read four.
fn fill(dir: &Path) {
    on(dir, "log-admin", &["create", "clicks", "--key", ".", "--partitions", "2"], "");
    on(dir, "log-admin", &["create", "empty"], "");
    on(dir, "produce", &["clicks"], "1\n2\n3\n4\n5\n6\n");
    on(dir, "log-admin", &["reset", "nightly", "clicks", "--to", "start"], "");
}

#[test]
fn sizes_ends_and_lag_are_told_with_and_without_a_daemon() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let check = |up: f64| {
        let scrape = scrape(dir.path());
        assert_eq!(scrape.get("millstream_up", &[]), up);
        let each = |name: &str| -> f64 {
            let of = |partition| [("topic", "clicks"), ("partition", partition)];
            scrape.get(name, &of("0")) + scrape.get(name, &of("1"))
        };
        assert_eq!(each("millstream_partition_end_offset"), 6.0);
        assert_eq!(each("millstream_partition_start_offset"), 0.0);
        assert_eq!(each("millstream_partition_bytes"), 12.0);
        assert_eq!(each("millstream_partition_segments"), 2.0);
        assert_eq!(each("millstream_partition_damaged"), 0.0);
        let last = "millstream_partition_last_append_time_seconds";
        assert!(each(last) > 2.0 * 1_700_000_000.0);
        let empty = [("topic", "empty"), ("partition", "0")];
        assert!(!scrape.samples.contains_key(&(last.to_owned(), {
            empty.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        })));
        let closed = "millstream_topic_closed_to_appends";
        assert_eq!(scrape.get(closed, &[("topic", "clicks")]), 0.0);
        let lag = |partition| {
            let labels = [("group", "nightly"), ("partition", partition), ("topic", "clicks")];
            scrape.get("millstream_group_lag_records", &labels)
        };
        assert_eq!(lag("0") + lag("1"), 6.0);
        let members = [("group", "nightly"), ("topic", "clicks")];
        assert_eq!(scrape.get("millstream_group_members", &members), 0.0);
        assert_eq!(scrape.has("millstream_appended_records_total"), up == 1.0);
        let json = on(dir.path(), "log-admin", &["stats", "clicks", "--json"], "").stdout;
        let kinds: BTreeSet<String> = json
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["of"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds.contains("log-serve"), up == 1.0);
        assert!(kinds.contains("topic") && kinds.contains("group"));
        assert!(!json.contains("\"empty\""), "{json}");
        let text = on(dir.path(), "log-admin", &["stats"], "").stdout;
        assert!(
            text.contains("clicks          1      0    3  6 B")
                && text.contains("nightly  clicks        0    6  ok"),
            "{text}"
        );
    };
    check(0.0);
    let daemon = Daemon::start(dir.path(), &[]);
    check(1.0);
    let none = run_on(dir.path(), "log-admin", &["stats", "no"], "");
    assert_eq!(none.status, 69, "{none:?}");
    drop(daemon);
    let none = run_on(dir.path(), "log-admin", &["stats", "no"], "");
    assert_eq!(none.status, 69, "{none:?}");
}

#[test]
fn the_daemon_counts_what_it_does() {
    let (dir, daemon) = Daemon::alone(&["--max-connections", "9"]);
    fill(dir.path());
    let before = scrape(dir.path());
    assert_eq!(before.get("millstream_appended_records_total", &[]), 6.0);
    assert_eq!(before.get("millstream_appended_bytes_total", &[]), 12.0);
    assert_eq!(before.get("millstream_delivered_records_total", &[]), 0.0);
    assert!(before.get("millstream_fdatasync_seconds_count", &[]) >= 4.0);
    let mut talk = daemon.talk();
    let append =
        "{\"append\":{\"topic\":\"empty\",\"bytes\":2,\"producer\":\"p\",\"sequence\":1}}\n1\n";
    for _ in 0..2 {
        talk.send(append);
        assert_eq!(talk.answer()["appended"]["records"], 1);
    }
    talk.append("empty", "{\n");
    assert_eq!(talk.error(), "bad_records");
    talk.say("{\"tide\":{}}");
    assert_eq!(talk.error(), "bad_request");
    on(dir.path(), "subscribe", &["clicks"], "");
    let after = scrape(dir.path());
    let grown = |name: &str| after.get(name, &[]) - before.get(name, &[]);
    assert_eq!(grown("millstream_appended_records_total"), 1.0);
    assert_eq!(grown("millstream_appended_batches_total"), 1.0);
    assert_eq!(grown("millstream_duplicate_batches_total"), 1.0);
    assert_eq!(grown("millstream_delivered_records_total"), 6.0);
    assert_eq!(grown("millstream_delivered_bytes_total"), 12.0);
    for code in ["bad_records", "bad_request"] {
        assert_eq!(after.get("millstream_refused_requests_total", &[("code", code)]), 1.0);
    }
    assert!(after.get("millstream_connections", &[]) >= 2.0);
    assert!(after.get("millstream_connections_highest", &[]) >= 2.0);
    assert!(grown("millstream_connections_taken_total") >= 3.0);
    assert_eq!(after.get("millstream_connections_limit", &[]), 9.0);
    assert_eq!(after.get("millstream_append_memory_limit_bytes", &[]), 268_435_456.0);
    assert_eq!(after.get("millstream_append_memory_bytes", &[]), 0.0);
    assert!(after.get("millstream_resident_memory_bytes", &[]) > 100_000.0);
    assert!(grown("millstream_cpu_seconds_total") >= 0.0);
    assert!(grown("millstream_uptime_seconds") > 0.0);
    // An append that has its share of the memory, and has not come yet.
    talk.send("{\"append\":{\"topic\":\"empty\",\"bytes\":1000}}\n1");
    wait_for("the append to hold memory", || {
        let held = scrape(dir.path()).get("millstream_append_memory_bytes", &[]);
        (held == 1000.0).then_some(())
    });
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fill(&log);
    let path = dir.path().join("millstream.prom");
    fs::write(&path, "old").unwrap();
    let old = fs::File::open(&path).unwrap();
    on(&log, "log-admin", &["stats", "--prometheus", "-o", path.to_str().unwrap()], "");
    Scrape::parse(&fs::read_to_string(&path).unwrap());
    assert_eq!(std::io::read_to_string(old).unwrap(), "old", "another file has the name now");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left");
    let refused = |args: &[&str]| run_on(&log, "log-admin", args, "").status;
    assert_eq!(refused(&["stats", "-o", "/no/such/directory/file"]), 73);
    assert_eq!(refused(&["stats", "--json", "--prometheus"]), 2);
}

#[test]
fn a_file_is_not_written_through_a_link_that_others_planted() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fill(&log);
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let path = dir.path().join("out.prom");
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    // Where its own temporary file would be, if that were named after the process.
    let script = r#"ln -s victim ".out.prom.$$.tmp" && exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.current_dir(dir.path()).args(["-c", script]).arg(bin("log-admin"));
    command.args(["--data", "log", "stats", "--prometheus", "-o", "out.prom"]);
    let ran = run(&mut command, "");
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "the link itself is replaced");
    Scrape::parse(&fs::read_to_string(&path).unwrap());
}

#[test]
fn damage_is_told_with_and_without_a_daemon() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let data = dir.path().join("topics/clicks/1/00000000000000000000.ndjson");
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..bytes.len() - 1]).unwrap();
    let check = || {
        let scrape = scrape(dir.path());
        let damaged = |partition| {
            let labels = [("topic", "clicks"), ("partition", partition)];
            scrape.get("millstream_partition_damaged", &labels)
        };
        assert_eq!((damaged("0"), damaged("1")), (0.0, 1.0));
        let closed = |topic| scrape.get("millstream_topic_closed_to_appends", &[("topic", topic)]);
        assert_eq!((closed("clicks"), closed("empty")), (1.0, 0.0));
    };
    check();
    let daemon = Daemon::start(dir.path(), &[]);
    // It looks at the files when the topic is first used.
    let refused = run_on(dir.path(), "produce", &["clicks"], "1\n");
    assert_eq!(refused.status, 74, "{refused:?}");
    check();
    let text = on(dir.path(), "log-admin", &["stats"], "").stdout;
    assert!(text.contains("clicks/1@") && text.contains("closed to appends"), "{text}");
    drop(daemon);
    // Nobody can tell how far this one goes.
    fs::remove_file(data.with_extension("index")).unwrap();
    let scrape = scrape(dir.path());
    for name in ["millstream_topic_closed_to_appends", "millstream_topic_unreadable"] {
        assert_eq!(scrape.get(name, &[("topic", "clicks")]), 1.0, "{name}");
        assert_eq!(scrape.get(name, &[("topic", "empty")]), 0.0, "{name}");
    }
}

/// Records that are acknowledged before they are on the disk are counted until they are.
#[test]
fn what_is_not_on_the_disk_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    on(dir, "log-admin", &["create", "lazy", "--fsync", "1h"], "");
    let figures = || {
        let json = on(dir, "log-admin", &["stats", "lazy", "--json"], "").stdout;
        let line = json.lines().find(|line| line.contains("\"of\":\"topic\"")).unwrap().to_owned();
        let topic: serde_json::Value = serde_json::from_str(&line).unwrap();
        let held = &topic["partitions"]["0"];
        (topic["fsync"].as_str().unwrap().to_owned(), held["end"].clone(), held["synced"].clone())
    };
    let daemon = Daemon::start(dir, &[]);
    on(dir, "produce", &["lazy"], "1\n2\n3\n");
    assert_eq!(figures(), ("1h".to_owned(), 3.into(), 0.into()));
    let text = on(dir, "log-admin", &["stats", "lazy"], "").stdout;
    assert!(text.contains("UNSYNCED") && text.contains("6 B          1         3  2"), "{text}");
    assert_eq!(daemon.terminate().status, 0);
    assert_eq!(figures(), ("1h".to_owned(), 3.into(), 3.into()));
}

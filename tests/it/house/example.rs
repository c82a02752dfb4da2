//! The example data is what examples/README.md says, and the figures that the pipeline's tests
//! compare against are right: counted here another way than the script that wrote them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use millstream::ingest::formats::csv::{CsvDecoder, CsvOptions};
use millstream::record::decode::{Bad, Decoder, Raw, Sink};
use serde_json::{Map, Value};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights-2013-01.csv.gz");
const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/flights-delays.ndjson");

fn example() -> String {
    let mut text = String::new();
    let file = File::open(EXAMPLE).expect("the example is there");
    GzDecoder::new(file).read_to_string(&mut text).expect("the example is gzip and UTF-8");
    text
}

/// The records of a CSV text, in blocks that fit nothing.
fn records(csv: &str) -> Vec<String> {
    struct Records(Vec<String>);
    impl Sink for Records {
        fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
            self.0.push(String::from_utf8_lossy(raw.bytes).into_owned());
            ControlFlow::Continue(())
        }
        fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
            panic!("line {}: {}", bad.line, bad.why)
        }
    }
    let mut decoder = CsvDecoder::new(CsvOptions::default());
    let mut records = Records(Vec::new());
    for block in csv.as_bytes().chunks(4093) {
        assert!(decoder.decode(block, &mut records).is_continue());
    }
    assert!(decoder.finish(&mut records).is_continue());
    records.0
}

#[test]
fn every_row_of_the_example_becomes_its_record() {
    let csv = example();
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let texts = ["carrier", "tailnum", "origin", "dest", "time_hour"];
    let records = records(&csv);
    assert_eq!(records.len(), 27_004);
    for (row, record) in lines.zip(&records) {
        // No cell is quoted, so splitting at commas is enough here.
        let fields: Vec<String> = names
            .iter()
            .zip(row.split(','))
            .map(|(name, cell)| match cell {
                "NA" => format!("\"{name}\":null"),
                _ if texts.contains(name) => format!("\"{name}\":\"{cell}\""),
                _ => format!("\"{name}\":{cell}"),
            })
            .collect();
        assert_eq!(*record, format!("{{{}}}", fields.join(",")));
    }
}

/// Count, sum and maximum of the delays over 15 minutes for each hour and airport, by awk.
fn counted_by_awk() -> HashMap<String, (i64, i64, i64)> {
    let script = r#"
        $6 != "NA" && $6 > 15 {
            key = $19 " " $13
            if (!(key in count) || $6 > max[key]) max[key] = $6
            count[key]++
            sum[key] += $6
        }
        END { for (key in count) print key, count[key], sum[key], max[key] }"#;
    let dir = tempfile::tempdir().expect("a directory");
    let csv = dir.path().join("flights.csv");
    let example = example();
    let rows = example.split_once('\n').expect("a header").1;
    fs::write(&csv, rows).expect("the rows are written");
    let output = Command::new("awk").args(["-F,", script]).arg(&csv).output().expect("awk runs");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let key = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
            let figures: Vec<i64> = words.map(|word| word.parse().expect("a number")).collect();
            (key, (figures[0], figures[1], figures[2]))
        })
        .collect()
}

#[test]
fn the_expected_delays_agree_with_awk() {
    let mut counted = counted_by_awk();
    let expected = fs::read_to_string(Path::new(EXPECTED)).expect("the golden file is there");
    let mut last_start = String::new();
    for line in expected.lines() {
        let result: Map<String, Value> = serde_json::from_str(line).expect("JSON");
        let start = result["window_start"].as_str().expect("a time").to_owned();
        assert!(last_start <= start, "windows are in order");
        let key = format!("{start} {}", result["origin"].as_str().expect("an airport"));
        let (count, sum, max) = counted.remove(&key).expect("awk found this group too");
        assert_eq!(result["count"], count, "{line}");
        assert_eq!(result["max_dep_delay"], max, "{line}");
        let mean = result["avg_dep_delay"].as_f64().expect("a number");
        assert!((mean - sum as f64 / count as f64).abs() < 1e-9, "{line}");
        last_start = start;
    }
    assert!(counted.is_empty(), "awk found groups beside: {counted:?}");
}

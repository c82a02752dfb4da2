//! Aggregates of real data, compared with what DuckDB counts (scripts/expected-aggregates.py).

use std::fs::{self, File};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use crate::common::{run, shared_data, tool};
use flate2::read::GzDecoder;
use millstream::ingest::formats::csv::{CsvDecoder, CsvOptions};
use millstream::record::decode::{Bad, Decoder, Raw, Sink};
use serde_json::{Map, Value};

const HOME: &str = env!("CARGO_MANIFEST_DIR");

/// How far a field's value may be from the expected one, relative to it.
fn tolerance(field: &str) -> f64 {
    match field {
        // Three standard errors.
        _ if field.starts_with("distinct_") && !field.contains("exact") => 0.0246,
        _ if field.contains("exact") => 1e-12,
        _ if field.starts_with("median") || field.starts_with("p9") || field.starts_with("p5") => {
            0.010_001
        }
        _ => 1e-12,
    }
}

fn compare(name: &str, arguments: &[&str], input: &str) {
    let ran = run(&mut tool("aggregate", arguments), input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{name}");
    let golden = Path::new(HOME).join(format!("tests/golden/aggregates/{name}.ndjson"));
    let golden = fs::read_to_string(golden).expect("the golden file is there");
    assert_eq!(ran.stdout.lines().count(), golden.lines().count(), "{name}");
    for (given, expected) in ran.stdout.lines().zip(golden.lines()) {
        let object = |line| serde_json::from_str::<Map<String, Value>>(line).expect("an object");
        let (given, expected) = (object(given), object(expected));
        assert!(given.keys().eq(expected.keys()), "{given:?} {expected:?}");
        for (field, expected) in &expected {
            let given = &given[field];
            match (given.as_f64(), expected.as_f64()) {
                (Some(given), Some(wanted)) => {
                    let off = (given - wanted).abs();
                    let within = off <= tolerance(field) * wanted.abs();
                    assert!(within, "{name}: {field}: {given} {wanted}");
                }
                _ => assert_eq!(given, expected, "{name}: {field}"),
            }
        }
    }
}

/// The flights as records.
fn flights() -> String {
    struct Records(String);
    impl Sink for Records {
        fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
            self.0.push_str(str::from_utf8(raw.bytes).expect("UTF-8"));
            self.0.push('\n');
            ControlFlow::Continue(())
        }
        fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
            panic!("line {}: {}", bad.line, bad.why)
        }
    }
    let mut csv = Vec::new();
    let path = Path::new(HOME).join("examples/flights-2013-01.csv.gz");
    let file = File::open(path).expect("the example is there");
    GzDecoder::new(file).read_to_end(&mut csv).expect("the example is gzip");
    let mut decoder = CsvDecoder::new(CsvOptions::default());
    let mut records = Records(String::new());
    assert!(decoder.decode(&csv, &mut records).is_continue());
    assert!(decoder.finish(&mut records).is_continue());
    records.0
}

#[test]
fn flights_are_as_duckdb_counts_them() {
    let flights = flights();
    let arguments = [
        "--by",
        ".origin",
        "count",
        "count(.dep_delay)",
        "sum(.dep_delay)",
        "avg(.dep_delay)",
        "min(.dep_delay)",
        "max(.dep_delay)",
        "stddev(.dep_delay)",
        "stddev_pop(.dep_delay)",
        "variance(.dep_delay)",
        "variance_pop(.dep_delay)",
        "late=count_if(.dep_delay > 60)",
        "late_arr=avg(.arr_delay) where .dep_delay > 60",
        "median_exact(.dep_delay)",
        "p90_exact(.dep_delay)",
        "p99(.dep_delay)",
        "p5(.dep_delay)",
        "distinct_exact(.tailnum)",
        "distinct(.tailnum)",
        "first(.flight)",
        "last(.flight)",
        "arg_max(.flight; .dep_delay)",
        "arg_min(.dest; .distance)",
    ];
    compare("flights", &arguments, &flights);
    let ran = run(
        &mut tool(
            "aggregate",
            &[
                "--by",
                ".carrier",
                "count",
                "sum(.distance)",
                "delay=avg(.dep_delay)",
                "--having",
                ".delay > 5",
                "--top",
                "5:count",
            ],
        ),
        &flights,
    );
    // The average is there for the condition only.
    let without = |line: &str| {
        let mut object: Map<String, Value> = serde_json::from_str(line).expect("an object");
        object.remove("delay");
        Value::Object(object)
    };
    let golden = Path::new(HOME).join("tests/golden/aggregates/carriers.ndjson");
    let golden = fs::read_to_string(golden).expect("the golden file is there");
    let expected: Vec<Value> = golden.lines().map(without).collect();
    assert_eq!(ran.stdout.lines().map(without).collect::<Vec<_>>(), expected);
}

#[test]
fn edits_are_as_duckdb_counts_them() {
    let Some(data) = shared_data() else { return };
    let file = File::open(data.join("json/wikipedia-edits-2015-09-12.ndjson.gz"));
    let mut edits = String::new();
    GzDecoder::new(file.expect("the edits")).read_to_string(&mut edits).expect("gzip");
    let arguments = [
        "--by",
        ".channel",
        "count",
        "count(.countryIsoCode)",
        "sum(.added)",
        "avg(.delta)",
        "min(.page)",
        "max(.page)",
        "stddev(.delta)",
        "count_if(.isRobot)",
        "human=sum(.added) where .isRobot | not",
        "median(.added)",
        "p99.9(.added)",
        "p99.9_exact(.added)",
        "distinct(.user)",
        "distinct_exact(.user)",
        "arg_max(.page; .added)",
    ];
    compare("edits", &arguments, &edits);
}

#[test]
fn earthquakes_are_as_duckdb_counts_them() {
    let Some(data) = shared_data() else { return };
    let quakes = fs::read_to_string(data.join("json/usgs-earthquakes.ndjson")).expect("the file");
    let arguments = [
        "--by",
        ".properties.net",
        "count",
        "sum(.properties.mag)",
        "avg(.properties.mag)",
        "max(.properties.mag)",
        "variance(.properties.mag)",
        "median_exact(.properties.mag)",
        "p90(.properties.mag)",
        "count(.properties.felt)",
        "arg_max(.properties.place; .properties.mag)",
        "depth=avg(.geometry.coordinates[2]) where .properties.mag >= 2.5",
    ];
    compare("earthquakes", &arguments, &quakes);
}

//! `log-admin fields`: what is in the records of topics and files.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::daemon::both_ways;
use crate::common::{run, run_on, tool};

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const RECORDS: &str = r#"{"id":1,"status":200,"tags":["a","b"],"user":{"name":"é"}}
{"id":2,"status":404,"tags":[],"user":null}
{"id":3,"status":200}
{"id":4,"status":"200"}
"#;

#[test]
fn a_topic_and_a_file_have_the_same_fields() {
    both_ways(|dir| {
        run_on(dir, "log-admin", &["create", "t", "--partitions", "2", "--key", ".id"], "").good();
        run_on(dir, "produce", &["t"], RECORDS).good();
        let file = dir.join("file.ndjson");
        std::fs::write(&file, RECORDS).unwrap();
        let of_topic = run_on(dir, "log-admin", &["fields", "t", "--json"], "").good();
        let of_file =
            run_on(dir, "log-admin", &["fields", file.to_str().unwrap(), "--json"], "").good();
        let of_stdin = run_on(dir, "log-admin", &["--json", "fields", "-"], RECORDS).good();
        assert_eq!(of_file, of_stdin);
        let sorted = |text: &str| {
            let mut rows = rows(text);
            rows.sort_by_key(|row| row["path"].to_string());
            rows
        };
        assert_eq!(sorted(&of_topic), sorted(&of_file));
        let rows = rows(&of_file);
        let paths: Vec<&Value> = rows.iter().map(|row| &row["path"]).collect();
        assert_eq!(paths, [".id", ".status", ".tags", ".tags[]", ".user", ".user.name"]);
        assert_eq!(
            rows[1],
            json!({
                "path": ".status", "records": 4, "share": 1.0, "nulls": 0,
                "types": {"number": 3, "string": 1}, "distinct": 3, "min": 200, "median": 200,
                "max": 404, "common": [{"value": 200, "count": 2}]
            })
        );
        let user = &rows[4];
        assert_eq!(
            (&user["records"], &user["share"], &user["nulls"]),
            (&json!(2), &json!(0.5), &json!(1))
        );
    });
}

#[test]
fn people_get_a_table() {
    let ran = run(&mut tool("log-admin", &["fields", "-"]), RECORDS);
    assert_eq!(
        ran.good(),
        "\
PATH        PRESENT  NULL  TYPES           DISTINCT  MIN  MEDIAN  MAX  COMMON
.id         100%     -     number                 4  1       2.5  4    -
.status     100%     -     number, string         3  200   200    404  200 50%
.tags       50%      -     array                  -  -       -    -    -
.tags[]     25%      -     string                 2  a       -    b    -
.user       50%      50%   object                 -  -       -    -    -
.user.name  25%      -     string                 1  é       -    é    -
"
    );
    let csv = run(&mut tool("log-admin", &["fields", "--from", "csv", "-"]), "a,b\n1,\n2,\n");
    assert!(csv.good().contains(".b    100%     100%"));
    let bad = run(&mut tool("log-admin", &["fields", "-"]), "{\"a\":1}\n{\"a\":}\n");
    assert_eq!((bad.status, bad.stderr.contains("stdin:2: ")), (65, true), "{bad:?}");
}

#[test]
fn of_many_records_a_sample_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let records: String = (0..5_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    run_on(dir, "produce", &["t"], &records).good();
    let look = |dir: &Path, args: &[&str], input: &str| {
        let ran = run_on(dir, "log-admin", &[&["fields", "--json"], args].concat(), input);
        assert_eq!(ran.status, 0, "{ran:?}");
        (rows(&ran.stdout).remove(0), ran.stderr)
    };
    let (row, said) = look(dir, &["t", "--sample", "100"], "");
    let why = "log-admin: read 100 of 5,000 records, at 20 places; --all reads all of them\n";
    assert_eq!((&row["records"], said.as_str()), (&json!(100), why));
    assert_eq!((&row["min"], &row["max"]), (&json!(0), &json!(4_754)));
    let (row, said) = look(dir, &["t", "--all"], "");
    assert_eq!((&row["records"], said.as_str()), (&json!(5_000), ""));
    let (row, said) = look(dir, &["-", "--sample", "100"], &records);
    let why = "log-admin: read the first 100 records; --all reads all of them\n";
    assert_eq!((&row["max"], said.as_str()), (&json!(99), why));
    assert_eq!(look(dir, &["-", "--sample", "5000"], &records).1, "");
}

#[test]
fn ids_are_no_paths() {
    let records: String =
        (0..300).map(|n| format!("{{\"users\":{{\"u{n}\":{{\"age\":{n}}}}}}}\n")).collect();
    let ran = run(&mut tool("log-admin", &["fields", "--json", "-"]), &records);
    let rows = rows(&ran.good());
    let paths: Vec<&Value> = rows.iter().map(|row| &row["path"]).collect();
    assert_eq!(paths, [".users", ".users[]", ".users[].age"]);
    assert_eq!(rows[2]["records"], json!(300));
    // Where not even that helps, it is told.
    let record: Vec<String> = (0..60).map(|n| format!("\"f{n}\":1")).collect();
    let record = format!("{{{}}}\n", record.join(","));
    let args = ["fields", "-", "--max-paths", "5"];
    let ran = run(&mut tool("log-admin", &args), &record);
    assert!(ran.stderr.contains("more than 5 paths"), "{ran:?}");
}

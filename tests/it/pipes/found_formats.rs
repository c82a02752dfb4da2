//! `--from auto`, and the hint where a first line is of another format than NDJSON.

use std::io::{BufReader, Write};
use std::process::Stdio;

use crate::common::{Guard, next_line, run, shared_data, tool};

const ACCESS: &str =
    "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"x\"\n";

/// What is taken for an input, and how many records are read.
#[track_caller]
fn found(input: &str) -> (String, String) {
    let ran = run(&mut tool("filter", &["-c", "true", "--from", "auto"]), input);
    assert_eq!(ran.status, 0, "{ran:?}");
    (ran.stderr, ran.stdout.trim().to_owned())
}

#[test]
fn the_format_is_found_and_told() {
    for (input, format, records) in [
        (ACCESS, "combined", "1"),
        ("h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 5\n", "common", "1"),
        ("Mar  5 10:00:00 h sshd[1]: x\n<1>1 - - - - - -", "syslog", "2"),
        ("ts=1 level=info msg=\"x = y\"\n", "logfmt", "1"),
        ("{\"a\":1}\n{\"a\":2}\n", "ndjson", "2"),
        ("{\"a\":1,\n\"b\":2}\n{}", "json", "2"),
        ("[\n{\"a\":1},\n{\"a\":2}\n]\n", "json", "2"),
        ("{\"__REALTIME_TIMESTAMP\":\"1\"}\n", "journal", "1"),
        ("a,b\n1,2\n3,\"x,y\"\n", "csv", "2"),
        ("a\tb\n1,5\t2\n", "tsv", "1"),
        ("a;b\n1,5;2\n", "csv --delimiter ';'", "1"),
        ("user.name,v1.0\nx,2\n", "csv", "1"),
        (",a\n0,x\n", "csv", "1"),
    ] {
        let told = format!("filter: stdin: {format}\n");
        assert_eq!(found(input), (told, records.to_owned()), "{input}");
    }
    assert_eq!(found("").0, "");
}

#[test]
fn each_file_has_its_own_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("access.log", ACCESS);
    write("a.csv", "status,x\n404,1\n");
    let mut map = tool("map", &[".status", "--from", "auto", "access.log", "a.csv"]);
    let ran = run(map.current_dir(dir.path()), "");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "200\n404\n"), "{ran:?}");
    assert_eq!(ran.stderr, "map: access.log: combined\nmap: a.csv: csv\n");
}

/// The beginning of a line that is longer than all that is looked at shows the format, too.
#[test]
fn the_format_of_a_very_long_line_is_found() {
    let long = format!("[{}1]", "1,\"x\", ".repeat(200_000));
    assert_eq!(found(&long), ("filter: stdin: json\n".to_owned(), "400001".to_owned()));
}

#[test]
fn what_is_not_clear_is_refused_with_what_it_may_be() {
    let plain = "hello\nworld\n";
    let both = "Nov 30 12:00:00 fw kernel: IN=eth0 OUT=lo SRC=1.1.1.1 DST=2.2.2.2 LEN=60 TTL=64\n";
    let mixed = format!("{}{}", ACCESS.repeat(3), "x\n".repeat(7));
    for (input, candidates) in [
        (plain, "from the first 2 lines: none of the formats fits; name it"),
        ("hello\n", "from the first line: none of the formats fits; name it"),
        (both, "syslog (100 % of the lines), logfmt (100 % of the lines); name it"),
        (&mixed, "combined (30 % of the lines), common (30 % of the lines); name it"),
    ] {
        let ran = run(&mut tool("filter", &["true", "--from", "auto"]), input);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("filter: stdin: the format is not clear"), "{ran:?}");
        assert!(ran.stderr.contains(candidates), "{ran:?}");
    }
}

/// Not every line is looked at: one in ten may be bad, and is told as ever.
#[test]
fn a_bad_line_does_not_hide_the_format() {
    let input = format!("{}x\n{}", ACCESS.repeat(20), ACCESS.repeat(300));
    let ran = run(&mut tool("filter", &["-c", "true", "--from", "auto", "--keep-bad", "x"]), input);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "321\n"), "{ran:?}");
    assert_eq!(ran.stderr, "filter: stdin: combined\n");
}

#[test]
fn a_live_input_is_not_held_back() {
    let mut command = tool("map", &[".path", "--from", "auto"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut map = Guard(command.spawn().unwrap());
    let mut input = map.0.stdin.take().unwrap();
    let mut output = BufReader::new(map.0.stdout.take().unwrap());
    for _ in 0..2 {
        input.write_all(ACCESS.as_bytes()).unwrap();
        assert_eq!(next_line(&mut output), "\"/a\"\n");
    }
    drop(input);
    assert!(map.0.wait().unwrap().success());
}

/// What may be continued is complete after a quiet second.
#[test]
fn joined_lines_are_not_held_back_for_long() {
    let mut command = tool("map", &[".line", "--from", "lines", "--multiline", r"^\S"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut map = Guard(child);
    let mut input = map.0.stdin.take().unwrap();
    let mut output = BufReader::new(map.0.stdout.take().unwrap());
    input.write_all(b"a\n b\nc\n").unwrap();
    assert_eq!(next_line(&mut output), "\"a\\n b\"\n");
    assert_eq!(next_line(&mut output), "\"c\"\n");
    drop(input);
    assert!(map.0.wait().unwrap().success());
}

#[test]
fn real_files_are_found() {
    let Some(data) = shared_data() else { return };
    for (file, format) in [
        ("access/semicomplete-access.log", "combined"),
        ("access/shop-access.log", "combined"),
        ("csv/nyc-weather-2013.csv.gz", "csv"),
        ("csv/nyc-airports.csv", "csv"),
        ("csv/ncedc-earthquakes-2016.csv.gz", "csv"),
        ("csv/sea-surface-temperature.csv.gz", "csv"),
        ("csv/seattle-weather.csv", "csv"),
        ("json/usgs-earthquakes.geojson.gz", "json"),
        ("json/usgs-earthquakes.ndjson", "ndjson"),
        ("json/amazon-cellphones.ndjson", "ndjson"),
        ("logs/linux-auth.log.gz", "syslog"),
        ("logs/node-exporter.logfmt.gz", "logfmt"),
        ("logs/prometheus.logfmt", "logfmt"),
    ] {
        let path = data.join(file);
        let ran = run(tool("filter", &["-m", "1", "true", "--from", "auto"]).arg(&path), "");
        assert!(ran.stderr.ends_with(&format!(": {format}\n")), "{file}: {ran:?}");
        assert_eq!(ran.status, 0);
    }
    let kafka = data.join("logs/kafka-broker0-server.log.gz");
    let ran = run(tool("filter", &["true", "--from", "auto"]).arg(kafka), "");
    assert!(ran.status == 2 && ran.stderr.contains("use --from lines"), "{ran:?}");
}

#[test]
fn a_first_line_of_another_format_names_it() {
    for (input, hint) in [
        (ACCESS, "it looks like an access log: add --from combined"),
        ("Mar  5 10:00:00 h sshd[1]: x\n", "it looks like syslog: add --from syslog"),
        ("a,b\n1,2\n", "it looks like CSV: add --from csv"),
    ] {
        for jobs in ["1", "2"] {
            let ran = run(&mut tool("filter", &["-j", jobs, "true"]), input);
            assert!(ran.status == 65 && ran.stderr.contains(hint), "{ran:?}");
        }
    }
    let later = run(&mut tool("filter", &["true"]), format!("{{}}\n{ACCESS}"));
    assert!(later.status == 65 && !later.stderr.contains("looks like"), "{later:?}");
}

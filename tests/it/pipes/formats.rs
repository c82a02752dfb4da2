//! Input formats, at the door of every tool: files, pipes and compressed files; bad lines; live input.

use std::fs;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use crate::common::{Guard, Ran, gzip, next_line, run, shared_data, tool, tool_on};

const ACCESS: &str = "\
1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"x\"
1.2.3.5 - ada [17/May/2015:10:05:04 +0000] \"GET /b HTTP/1.1\" 404 - \"-\" \"x\"
1.2.3.4 - - [17/May/2015:10:06:05 +0000] \"GET /a HTTP/1.1\" 200 7 \"/a\" \"x\" \"1.1.1.1\"
";

/// What a tool makes of an input: from a pipe, from a file, and from a compressed file, which must
/// not matter.
#[track_caller]
fn reads(name: &str, args: &[&str], input: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let piped = run(&mut tool(name, args), input);
    for bytes in [input.as_bytes(), &gzip(input)] {
        fs::write(dir.path().join("stdin"), bytes).unwrap();
        let ran = run(tool(name, args).arg("stdin").current_dir(dir.path()), "");
        assert_eq!(
            (ran.status, &ran.stdout, &ran.stderr),
            (piped.status, &piped.stdout, &piped.stderr)
        );
    }
    piped
}

#[test]
fn every_tool_reads_every_format() {
    let paths = "\"/a\"\n\"/b\"\n\"/a\"\n";
    assert_eq!(reads("map", &[".path", "--from", "combined"], ACCESS).good(), paths);
    assert_eq!(reads("map", &["-j", "2", ".path", "--from", "combined"], ACCESS).good(), paths);
    let found = reads("filter", &[".status == 404", "--from", "combined"], ACCESS).good();
    assert!(found.starts_with("{\"host\":\"1.2.3.5\",\"ident\":null,\"user\":\"ada\","), "{found}");
    let through = ["--through", "cut -c 1-16", "--from", "combined"];
    assert_eq!(reads("map", &through, ACCESS).good().lines().next(), Some("{\"host\":\"1.2.3.4"));
    let windows = "{\"window_start\":\"2015-05-17T10:05:00Z\",\"window_end\":\"2015-05-17T10:06:00Z\",\
                   \"count\":2}\n{\"window_start\":\"2015-05-17T10:06:00Z\",\
                   \"window_end\":\"2015-05-17T10:07:00Z\",\"count\":1}\n";
    let minutes = ["--tumbling", "1m", "--from", "combined"];
    assert_eq!(reads("aggregate", &[&minutes[..], &["count"]].concat(), ACCESS).good(), windows);
    let windowed = reads("window", &minutes, ACCESS).good();
    assert_eq!(run(&mut tool("aggregate", &["count"]), windowed).good(), windows);
    let over = ["--over", "1m", "--from", "combined", "count"];
    assert_eq!(reads("aggregate", &over, ACCESS).good().lines().count(), 3);
}

#[test]
fn produce_appends_what_other_tools_read() {
    let dir = tempfile::tempdir().unwrap();
    let produce = ["access", "--from", "combined"];
    run(&mut tool_on(dir.path(), "produce", &produce), ACCESS).good();
    let stored = run(&mut tool_on(dir.path(), "subscribe", &["access"]), "").good();
    assert_eq!(stored, reads("map", &[".", "--from", "combined"], ACCESS).good());
}

#[test]
fn regex_and_pattern_take_their_arguments_as_they_come() {
    let line = "web1 [INFO] started in 7 ms\n";
    let record = "{\"host\":\"web1\",\"level\":\"INFO\",\"ms\":7}\n";
    let regex = r"^(?<host>\S+) \[(?<level>\w+)\].* (?<ms>\d+) ms";
    for args in [
        &[".", "--from", "regex", regex][..],
        &["--from=regex", regex, "."],
        &["--regex", regex, "."],
        &["--from", "pattern", "* [*] started in * ms", "host,level,ms", "."],
        &["--pattern", "* [*] started in * ms", "host,level,ms", "."],
    ] {
        assert_eq!(run(&mut tool("map", args), line).good(), record, "{args:?}");
    }
    // They may look like options.
    for args in [
        &["--from", "regex", r"-(?<ms>\d+)-", "."][..],
        &["--from", "pattern", "-*-", "ms", "."],
        &["--from", "regex", r"-(?<ms>\d+)-", "--multiline", "-7", "."],
    ] {
        assert_eq!(run(&mut tool("map", args), "-7-\n").good(), "{\"ms\":7}\n", "{args:?}");
    }
    for (args, why) in [
        (&["--from", "regex", "(x)"][..], "--from regex: no group has a name"),
        (&["--from", "regex", "(?<a>"], "--from regex: unclosed group"),
        (&["--from", "pattern", "* *", "a"], "--from pattern: 2 * and 1 names"),
        (&["--from", "csv", "--multiline", "x"], "--multiline: has an effect only with"),
        (&["--from", "combined", "--types", "auto"], "--types: has an effect only with"),
        (&["--tz", "UTC"], "--tz: has an effect only with --from syslog"),
        (&["--from", "csv", "--columns", "a,a"], "--columns: 'a' is empty, or given twice"),
        (&["--from", "regex", "(?<a>.)", "--types", "b:text"], "--types: there is no field b"),
    ] {
        let ran = run(tool("map", &["."]).args(args), "");
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("map: {why}")), "{ran:?}");
    }
}

#[test]
fn a_line_that_does_not_fit_is_named_stored_or_kept() {
    let mixed = "{\"a\":1}\nplain text\n\n{\"a\":2}\n";
    let kept = "{\"a\":1}\n{\"text\":\"plain text\"}\n{\"a\":2}\n";
    for from in ["ndjson", "json"] {
        let ran = reads("map", &[".", "--from", from, "--keep-bad", "text"], mixed);
        assert_eq!(ran.good(), kept, "{from}");
    }
    let bad = ACCESS.replace("\"GET /b HTTP/1.1\"", "\"GET /b");
    let args = ["map", ".path", "--from", "combined"];
    let ran = reads(args[0], &args[1..], &bad);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "\"/a\"\n"), "{ran:?}");
    assert!(ran.stderr.starts_with("map: stdin:2: "), "{ran:?}");
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let ran = run(tool("map", &args[1..]).arg("--rejects").arg(&rejects), &bad);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "\"/a\"\n\"/a\"\n"), "{ran:?}");
    assert_eq!(fs::read_to_string(rejects).unwrap(), format!("{}\n", bad.lines().nth(1).unwrap()));
    let both = run(&mut tool("map", &[".", "--keep-bad", "x", "--rejects", "y"]), "");
    assert_eq!(both.status, 2);
}

/// What came of an array that does not end is kept; that more may be missing shows in the status.
#[test]
fn an_array_that_does_not_end_is_told_in_the_status() {
    let cut = "[{\"a\":1},\n{\"a\":2}\n";
    let why = "stdin:3: the input ends within an array: it may be cut short\n";
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let rejects = rejects.to_str().unwrap();
    for more in [&[][..], &["--keep-bad", "x"], &["--rejects", rejects]] {
        let ran = run(tool("map", &[".a", "--from", "json"]).args(more), cut);
        assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n2\n"), "{ran:?}");
        assert_eq!(ran.stderr, format!("map: {why}"), "{ran:?}");
    }
    for named in [&[][..], &["--producer", "me"]] {
        let produce = [&["a", "--from", "json"], named].concat();
        let ran = run(&mut tool_on(dir.path(), "produce", &produce), cut);
        assert!(ran.status == 65 && ran.stderr.ends_with(why), "{ran:?}");
    }
    let whole = format!("{cut},{{\"a\":3}}]");
    run(&mut tool_on(dir.path(), "produce", &["a", "--from", "json", "--producer", "me"]), whole)
        .good();
    let stored = run(&mut tool_on(dir.path(), "subscribe", &["a"]), "").good();
    let items = "{\"a\":1}\n{\"a\":2}\n";
    assert_eq!(stored, format!("{items}{items}{{\"a\":3}}\n"));
}

#[test]
fn a_record_that_fails_later_is_named_with_its_line() {
    let csv = "a,b\n\n1,\"x\ny\"\n2,z\nx,w\n";
    for jobs in ["1", "2"] {
        let ran = reads("map", &["-j", jobs, ".a + 1", "--from", "csv"], csv);
        assert_eq!((ran.status, ran.stdout.as_str()), (65, "2\n3\n"), "{ran:?}");
        assert!(ran.stderr.starts_with("map: stdin:6: "), "{ran:?}");
    }
}

#[test]
fn columns_follow_the_header_of_each_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("one.csv"), "a,b\n1,2\n").unwrap();
    fs::write(dir.path().join("two.csv"), "c,b,a\n3,2,1\n").unwrap();
    let map = |args: &[&str]| run(tool("map", args).current_dir(dir.path()), "");
    let both = map(&[".", "--from", "csv", "one.csv", "two.csv"]);
    assert_eq!(both.good(), "{\"a\":1,\"b\":2}\n{\"c\":3,\"b\":2,\"a\":1}\n");
    let numbered = map(&[".", "--from", "csv", "--no-header", "one.csv"]);
    assert_eq!(numbered.good(), "{\"c1\":\"a\",\"c2\":\"b\"}\n{\"c1\":1,\"c2\":2}\n");
    let named = map(&[".", "--from", "csv", "--columns", "x,y", "one.csv"]);
    assert_eq!(named.good(), "{\"x\":\"a\",\"y\":\"b\"}\n{\"x\":1,\"y\":2}\n");
}

#[test]
fn quotes_and_types_are_the_users() {
    let map =
        |args: &[&str], input: &str| run(tool("map", &[".", "--from", "csv"]).args(args), input);
    assert_eq!(
        map(&["--quote", "'"], "a,b\n'x,y',\"z\n").good(),
        "{\"a\":\"x,y\",\"b\":\"\\\"z\"}\n"
    );
    assert_eq!(
        map(&["--quote", "none"], "a,b\n\"x,y\"\n").good(),
        "{\"a\":\"\\\"x\",\"b\":\"y\\\"\"}\n"
    );
    let types = ["--types", "zip:text,n:number,ok:bool"];
    let csv = "zip,n,ok,x\n007,007,TRUE,007\nNA,NA,,1\n8,\"+1.5\",false,\"1\"\n";
    assert_eq!(
        map(&types, csv).good(),
        "{\"zip\":\"007\",\"n\":7,\"ok\":true,\"x\":\"007\"}\n\
         {\"zip\":null,\"n\":null,\"ok\":null,\"x\":1}\n\
         {\"zip\":\"8\",\"n\":1.5,\"ok\":false,\"x\":\"1\"}\n"
    );
    let ran = map(&types, "zip,n,ok\n1,x,true\n");
    assert!(ran.status == 65 && ran.stderr.contains("stdin:2: \"x\" is not a number"), "{ran:?}");
}

/// The counts of shared/data/README.md.
#[test]
fn real_files_are_read_to_the_last_line() {
    let Some(data) = shared_data() else { return };
    let count = |args: &[&str], file: &str| {
        let path = data.join(file);
        let ran = run(tool("filter", &["-c", "true"]).args(args).arg(path), "");
        ran.good().trim().parse::<u64>().unwrap()
    };
    for (file, rows) in [
        ("csv/nyc-weather-2013.csv.gz", 26_115),
        ("csv/nyc-airlines.csv", 16),
        ("csv/nyc-airports.csv", 1_458),
        ("csv/ncedc-earthquakes-2016.csv.gz", 38_094),
        ("csv/sea-surface-temperature.csv.gz", 19_226),
        ("csv/seattle-weather.csv", 1_461),
    ] {
        assert_eq!(count(&["--from", "csv"], file), rows, "{file}");
    }
    assert_eq!(count(&["--from", "combined"], "access/shop-access.log"), 1_000);
    assert_eq!(count(&["--from", "syslog"], "logs/linux-auth.log.gz"), 7_121);
    assert_eq!(count(&["--from", "logfmt"], "logs/node-exporter.logfmt.gz"), 18_070);
    assert_eq!(count(&["--from", "logfmt"], "logs/prometheus.logfmt"), 267);
    let kafka = "logs/kafka-broker0-server.log.gz";
    assert_eq!(count(&["--from", "lines"], kafka), 2_589);
    assert_eq!(count(&["--from", "lines", "--multiline", r"^\[2016"], kafka), 2_436);
    let regex = r"(?s)^\[(?<at>[^]]+)\] (?<level>\w+) (?<text>.*)$";
    let read = ["--multiline", r"^\[2016", "--from", "regex", regex];
    let levels = run(
        tool("aggregate", &["--by", ".level", "count"]).args(read).arg("--").arg(data.join(kafka)),
        "",
    );
    assert_eq!(
        levels.good(),
        "{\"level\":\"INFO\",\"count\":2430}\n{\"level\":\"WARN\",\"count\":1}\n\
         {\"level\":\"ERROR\",\"count\":5}\n"
    );
}

#[test]
fn the_one_bad_line_of_an_access_log_is_named() {
    let Some(data) = shared_data() else { return };
    let log = data.join("access/semicomplete-access.log");
    let dir = tempfile::tempdir().unwrap();
    let by_status = ["--by", ".status", "count", "sum(.bytes)", "--from", "combined"];
    let ran = run(tool("aggregate", &by_status).arg("--").arg(&log), "");
    assert_eq!(ran.status, 65);
    assert!(
        ran.stderr.contains("semicomplete-access.log:8899: the user agent, in quotes, is missing")
    );
    let rejects = dir.path().join("rejects");
    let ran =
        run(tool("aggregate", &by_status).arg("--rejects").arg(&rejects).arg("--").arg(&log), "");
    let expected =
        [(200, 9125), (404, 213), (304, 445), (301, 164), (206, 45), (500, 3), (403, 2), (416, 2)];
    for (line, (status, count)) in ran.stdout.lines().zip(expected) {
        assert!(line.starts_with(&format!("{{\"status\":{status},\"count\":{count},")), "{line}");
    }
    assert_eq!((ran.status, ran.stdout.lines().count()), (65, expected.len()));
    assert_eq!(fs::read_to_string(rejects).unwrap().lines().count(), 1);
}

#[test]
fn a_live_access_log_is_aggregated_as_it_grows() {
    let args = ["--from", "combined", "--tumbling", "1m", "--by", ".status", "count"];
    let mut command = tool("aggregate", &args);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut aggregate = Guard(child);
    let mut input = aggregate.0.stdin.take().unwrap();
    let mut output = BufReader::new(aggregate.0.stdout.take().unwrap());
    // A line of the next minute, 5 s on, closes the window; nothing more needs to come.
    input.write_all(ACCESS.as_bytes()).unwrap();
    for status in [200, 404] {
        let line = next_line(&mut output);
        assert!(line.ends_with(&format!("\"status\":{status},\"count\":1}}\n")), "{line}");
    }
    drop(input);
    assert!(next_line(&mut output).contains("10:06:00Z"));
    assert!(aggregate.0.wait().unwrap().success());
}

#[test]
fn a_records_own_time_is_read_only_if_none_is_given() {
    let args = ["--from", "combined", "--tumbling", "1h", "count", "--time"];
    let ran = run(tool("aggregate", &args).arg(".bytes"), ACCESS);
    assert!(ran.status == 65 && ran.stderr.contains("--time '.bytes'"), "{ran:?}");
    let csv = run(&mut tool("window", &["--from", "csv", "--tumbling", "1h"]), "a\n1\n");
    assert!(csv.status == 2 && csv.stderr.contains("add --time EXPR"), "{csv:?}");
    let late = ["--from", "csv", "--out-of-order", "1s", "count"];
    let ran = run(&mut tool("aggregate", &late), "a\n1\n");
    assert!(ran.status == 2 && ran.stderr.contains("--out-of-order: --time is missing"), "{ran:?}");
}

#[test]
fn times_without_a_year_or_a_zone_have_those_that_are_given() {
    let line = "Jan 31 23:30:00 fw sshd[7]: Failed\n";
    let read =
        |args: &[&str]| run(tool("map", &[".time", "--from", "syslog"]).args(args), line).good();
    assert_eq!(read(&["--year", "2017"]), "\"2017-01-31T23:30:00Z\"\n");
    assert_eq!(read(&["--year", "2017", "--tz", "America/New_York"]), "\"2017-02-01T04:30:00Z\"\n");
    let day =
        ["--from", "syslog", "--year", "2017", "--tz", "America/New_York", "--tumbling", "1d"];
    let ran = run(tool("aggregate", &day).arg("count"), line);
    assert!(ran.good().starts_with("{\"window_start\":\"2017-01-31T05:00:00Z\""));
}

/// The file is not read by several threads in parts: only NDJSON can be cut anywhere.
#[test]
fn several_cores_read_what_one_reads() {
    let dir = tempfile::tempdir().unwrap();
    let csv: String = (0..60_000).map(|row| format!("{row},\"a\nb\",x{row}\n")).collect();
    let path = dir.path().join("big.csv");
    fs::write(&path, format!("n,t,x\n{csv}")).unwrap();
    let map = |jobs: &str, path: &Path| {
        run(tool("map", &["-j", jobs, "{n, x}", "--from", "csv"]).arg(path), "").good()
    };
    let one = map("1", &path);
    assert_eq!(one.lines().count(), 60_000);
    assert!(map("3", &path) == one);
}

//! `produce`, through the daemon and without one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::small_disk::both_ways_on_a_small_disk;
use crate::common::someone::{NOBODY, can_be_others, tool_as};
use crate::common::{self, Guard, Ran, run, run_on, shared_data, tool, tool_on, wait_for};

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn produce(dir: &Path, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run_on(dir, "produce", args, input)
}

fn subscribe(dir: &Path, args: &[&str]) -> String {
    run_on(dir, "subscribe", args, "").good()
}

#[test]
fn records_are_kept_byte_for_byte() {
    both_ways(|dir| {
        let input =
            "{\"b\": 1.50, \"a\":\"\\u00e4\"}\n[1e400]\n\"x\"\n12345678901234567890\nnull\n";
        assert_eq!(produce(dir, &["t"], input).status, 0);
        assert_eq!(subscribe(dir, &["t"]), input);
    });
}

#[test]
fn blank_lines_crlf_and_a_missing_last_line_end_are_fine() {
    both_ways(|dir| {
        let ran = produce(dir, &["t", "-v"], "1\r\n\n   \n2\n3");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (0, "produce: 3 records appended to t\nproduce: t/0: 0..3\n")
        );
        assert_eq!(subscribe(dir, &["t"]), "1\n2\n3\n");
    });
}

#[test]
fn control_records_are_used_up() {
    both_ways(|dir| {
        let input = "{\"@millstream\":{\"watermark\":{\"ms\":1}}}\n1\n{\"@millstream\":{\"watermark\":\"end\"}}\n";
        assert_eq!(produce(dir, &["t"], input).status, 0);
        assert_eq!(subscribe(dir, &["t"]), "1\n");
    });
}

#[test]
fn the_first_bad_line_ends_it_after_all_before_it() {
    both_ways(|dir| {
        let ran = produce(dir, &["t"], "1\n2\nx\n3\n");
        assert_eq!(ran.status, 65);
        assert_eq!(
            ran.stderr,
            "produce: 2 records appended to t\n\
             produce: stdin:3: not valid JSON: a value is missing at byte 1; \
             --rejects FILE stores such lines and continues\n"
        );
        assert_eq!(subscribe(dir, &["t"]), "1\n2\n");
    });
}

#[test]
fn rejects_keep_bad_lines_as_they_are() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let input = b"1\nx\n\"\xff\"\n2\n{\"a\":\0}\n3\n[\n".as_slice();
        let ran = produce(dir, &["t", "--rejects", rejects.to_str().unwrap()], input);
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("produce: stdin:3: rejected: not valid JSON: invalid UTF-8"));
        assert!(ran.stderr.contains("produce: 4 lines rejected, stored in"), "{ran:?}");
        assert_eq!(subscribe(dir, &["t"]), "1\n2\n3\n");
        assert_eq!(fs::read(&rejects).unwrap(), b"x\n\"\xff\"\n{\"a\":\0}\n[\n");
    });
}

#[test]
fn very_many_bad_lines_among_good_ones_are_all_found() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let input: String = (0..9000).map(|n| format!("{n}\nx{n}\n")).collect();
        let ran = produce(dir, &["t", "--rejects", rejects.to_str().unwrap()], &input);
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.ends_with(&format!(
            "produce: 9000 lines rejected, stored in {}\n",
            rejects.display()
        )));
        let good: String = (0..9000).map(|n| format!("{n}\n")).collect();
        let bad: String = (0..9000).map(|n| format!("x{n}\n")).collect();
        assert_eq!(subscribe(dir, &["t"]), good);
        assert_eq!(fs::read_to_string(&rejects).unwrap(), bad);
    });
}

#[test]
fn an_input_that_ends_in_a_record_is_an_error() {
    both_ways(|dir| {
        let ran = produce(dir, &["t"], "1\n{\"a\":");
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains("stdin:2: not valid JSON: the line ends in the middle"));
        assert!(ran.stderr.contains("it may be cut short"), "{ran:?}");
    });
}

#[test]
fn a_line_over_the_limit_is_bad() {
    both_ways(|dir| {
        let long = format!("1\n\"{}\"\n2\n", "x".repeat(17 << 20));
        let ran = produce(dir, &["t"], &long);
        assert_eq!(ran.status, 65);
        assert!(
            ran.stderr.contains("stdin:2: the line is longer than the limit of 16777216 bytes"),
            "{ran:?}"
        );
        let rejects = dir.join("rejects");
        let args = ["u", "--max-record", "10", "--rejects", rejects.to_str().unwrap()];
        assert_eq!(produce(dir, &args, "\"123456789\"\n\"12345678\"\n").status, 65);
        assert_eq!(subscribe(dir, &["u"]), "\"12345678\"\n");
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "\"123456789\"\n");
    });
}

#[test]
fn a_record_just_under_the_limit_is_kept() {
    both_ways(|dir| {
        let record = format!("\"{}\"\n", "x".repeat((16 << 20) - 2));
        assert_eq!(produce(dir, &["t"], &record).status, 0);
        assert!(subscribe(dir, &["t"]) == record);
    });
}

#[test]
fn csv_rows_become_objects() {
    both_ways(|dir| {
        let csv = "id,name,zip,when\n1,\"a,b\",007,NA\n2.50,,10,2013-01-01\n";
        assert_eq!(produce(dir, &["t", "--from", "csv"], csv).status, 0);
        assert_eq!(
            subscribe(dir, &["t"]),
            "{\"id\":1,\"name\":\"a,b\",\"zip\":\"007\",\"when\":null}\n\
             {\"id\":2.50,\"name\":null,\"zip\":10,\"when\":\"2013-01-01\"}\n"
        );
        assert_eq!(
            produce(dir, &["u", "--from", "tsv", "--types", "all-text"], "a\tb\n1\tNA\n").status,
            0
        );
        assert_eq!(subscribe(dir, &["u"]), "{\"a\":\"1\",\"b\":\"NA\"}\n");
        assert_eq!(produce(dir, &["v", "--from", "csv", "--null", "-"], "a,b\n-,NA\n").status, 0);
        assert_eq!(subscribe(dir, &["v"]), "{\"a\":null,\"b\":\"NA\"}\n");
    });
}

#[test]
fn a_row_with_a_wrong_number_of_fields_is_bad() {
    let dir = dir();
    let ran = produce(dir.path(), &["t", "--from", "csv"], "a,b\n1,2\n3\n4,5\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("produce: stdin:3: "), "{ran:?}");
    assert!(ran.stderr.contains("1 field"), "{ran:?}");
    assert_eq!(subscribe(dir.path(), &["t"]), "{\"a\":1,\"b\":2}\n");
}

#[test]
fn files_are_read_in_order_compressed_or_not() {
    let dir = dir();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a"), "1\n").unwrap();
    let file = fs::File::create(path("b.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    gz.write_all(b"2\n3\n").unwrap();
    gz.finish().unwrap();
    fs::write(path("c.zst"), zstd::encode_all(&b"4\n"[..], 0).unwrap()).unwrap();
    let ran = produce(dir.path(), &["t", &path("a"), &path("b.gz"), "-", &path("c.zst")], "x\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("stdin:1: "), "{ran:?}");
    let ran = produce(dir.path(), &["u", &path("a"), &path("b.gz"), "-", &path("c.zst")], "0\n");
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(subscribe(dir.path(), &["u"]), "1\n2\n3\n0\n4\n");
}

#[test]
fn compressed_input_that_is_cut_short_is_an_error() {
    let dir = dir();
    let path = dir.path().join("cut.gz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let records: String = (0..1000).map(|n| format!("{n}\n")).collect();
    gz.write_all(records.as_bytes()).unwrap();
    let whole = gz.finish().unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let ran = produce(dir.path(), &["t", path.to_str().unwrap()], "");
    assert_eq!(ran.status, 65, "{ran:?}");
    assert!(ran.stderr.contains("cut.gz: the compressed input is cut short"), "{ran:?}");
    // What came before the cut is in the log, and said to be.
    let kept = subscribe(dir.path(), &["t"]);
    assert!(records.starts_with(&kept) && kept.lines().count() > 300, "{}", kept.len());
    let said = format!("produce: {} records appended to t\n", kept.lines().count());
    assert!(ran.stderr.starts_with(&said), "{ran:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = dir();
    let missing = dir.path().join("missing").to_str().unwrap().to_owned();
    let ran = produce(dir.path(), &["t", &missing], "");
    assert_eq!(ran.status, 74);
    assert!(ran.stderr.contains(&format!("produce: {missing}: No such file")), "{ran:?}");
    let ran = produce(dir.path(), &["t", dir.path().to_str().unwrap()], "");
    assert_eq!(ran.status, 74);
    assert!(ran.stderr.to_lowercase().contains("is a directory"), "{ran:?}");
}

#[test]
fn usage_errors_are_one_line_and_status_2() {
    let dir = dir();
    for args in
        [&["t", "--frobnicate"][..], &[], &["t", "--from", "xml"], &["t", "--partitions", "0"]]
    {
        let ran = produce(dir.path(), args, "");
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.starts_with("produce: "), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    let ran = produce(dir.path(), &["../t"], "1\n");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("'../t' is not a topic name"), "{ran:?}");
    let ran = produce(dir.path(), &["t", "--key", ".a +"], "1\n");
    assert_eq!(ran.status, 2, "{ran:?}");
}

#[test]
fn a_topic_that_is_there_must_be_as_wanted() {
    both_ways(|dir| {
        let input = "{\"u\":1}\n{\"u\":2}\n{\"u\":3}\n";
        assert_eq!(produce(dir, &["t", "--partitions", "4", "--key", ".u"], input).status, 0);
        assert_eq!(produce(dir, &["t", "--partitions", "4", "--key", ".u"], input).status, 0);
        assert_eq!(produce(dir, &["t"], input).status, 0);
        let ran = produce(dir, &["t", "--partitions", "3"], input);
        assert_eq!(ran.status, 73);
        let why = "t: the topic already exists and has 4 partitions; log-admin alter --partitions adds partitions";
        assert!(ran.stderr.contains(why), "{ran:?}");
        let ran = produce(dir, &["t", "--key", ".v"], input);
        assert_eq!(ran.status, 73);
        assert!(ran.stderr.contains("has the key .u"), "{ran:?}");
        assert_eq!(subscribe(dir, &["t"]).lines().count(), 9);
    });
}

#[test]
fn a_key_keeps_records_together() {
    both_ways(|dir| {
        let input: String = (0..100).map(|n| format!("{{\"u\":{},\"n\":{n}}}\n", n % 7)).collect();
        assert_eq!(produce(dir, &["t", "--partitions", "3", "--key", ".u"], &input).status, 0);
        let mut seen = 0;
        for user in 0..7 {
            let of_user = |text: &str| -> Vec<String> {
                let of = format!("{{\"u\":{user},");
                text.lines().filter(|line| line.starts_with(&of)).map(str::to_owned).collect()
            };
            let homes: Vec<Vec<String>> = ["0", "1", "2"]
                .iter()
                .map(|partition| of_user(&subscribe(dir, &["t", "--partition", partition])))
                .filter(|lines| !lines.is_empty())
                .collect();
            assert_eq!(homes, [of_user(&input)], "user {user}");
            seen += homes[0].len();
        }
        assert_eq!(seen, 100);
    });
}

#[test]
fn somebody_elses_lock_says_try_again() {
    let dir = dir();
    let mut first = tool_on(dir.path(), "produce", &["t"]);
    let mut first = Guard(first.stdin(Stdio::piped()).spawn().unwrap());
    first.0.stdin.as_mut().unwrap().write_all(b"1\n").unwrap();
    wait_for("the first to append", || {
        let ran = run(&mut tool_on(dir.path(), "subscribe", &["t"]), "");
        (ran.stdout == "1\n").then_some(())
    });
    for (wait, said) in [("0", "try again"), ("50ms", "did not end within 50ms")] {
        let second = produce(dir.path(), &["t", "--wait", wait], "2\n");
        assert_eq!(second.status, 75, "{second:?}");
        assert!(second.stderr.contains(said), "{second:?}");
        assert!(second.stderr.contains("start log-serve to share it"), "{second:?}");
    }
    drop(first.0.stdin.take());
    assert!(first.0.wait().unwrap().success());
    assert_eq!(produce(dir.path(), &["t"], "3\n").status, 0);
    assert_eq!(subscribe(dir.path(), &["t"]), "1\n3\n");
}

/// A tool run as somebody who owns nothing here, where we can be that.
fn as_nobody(dir: &Path, name: &str, args: &[&str]) -> Ran {
    run(&mut tool_as(NOBODY, dir, name, args), "1\n")
}

/// A log that is there and closed to everybody else, root excepted.
fn closed_log() -> tempfile::TempDir {
    let dir = dir();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(produce(&dir.path().join("log"), &["t"], "1\n").status, 0);
    dir
}

fn close(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
}

#[test]
fn a_log_that_is_closed_to_us_is_not_permitted() {
    let dir = closed_log();
    close(&dir.path().join("log"));
    for (tool, args) in [("produce", &["t"][..]), ("subscribe", &["t"]), ("log-admin", &["list"])] {
        let ran = as_nobody(dir.path(), tool, args);
        assert_eq!(ran.status, 77, "{ran:?}");
        assert!(ran.stderr.contains("Permission denied"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

#[test]
fn a_socket_that_is_closed_to_us_is_not_permitted() {
    if !can_be_others() {
        return;
    }
    let dir = closed_log();
    let daemon = Daemon::start(&dir.path().join("log"), &[]);
    let ran = as_nobody(dir.path(), "produce", &["t"]);
    assert_eq!(ran.status, 77, "{ran:?}");
    assert!(ran.stderr.contains("socket: Permission denied"), "{ran:?}");
    drop(daemon);
}

#[test]
fn a_file_that_is_closed_to_us_is_not_permitted() {
    let dir = closed_log();
    let file = dir.path().join("records");
    fs::write(&file, "1\n").unwrap();
    close(&file);
    let ran = as_nobody(dir.path(), "filter", &[".", file.to_str().unwrap()]);
    assert_eq!(ran.status, 77, "{ran:?}");
    assert!(ran.stderr.contains("records: Permission denied"), "{ran:?}");
}

#[test]
fn a_full_disk_is_an_error_that_heals() {
    both_ways_on_a_small_disk(|dir, disk| {
        let record = |n: usize| format!("{{\"n\":{n},\"pad\":\"xxxxxxxx\"}}\n");
        let input: String = (0..20_000).map(record).collect();
        let ran = produce(dir, &["t"], &input);
        assert_eq!(ran.status, 74, "{ran:?}");
        assert!(ran.stderr.contains("No space left on device"), "{ran:?}");
        let kept = subscribe(dir, &["t"]);
        assert!(input.starts_with(&kept), "whole records, in order");
        let said = ran.stderr.lines().next().unwrap();
        assert_eq!(said, format!("produce: {} records appended to t", kept.lines().count()));
        disk.grow();
        let rest = &input[kept.len()..];
        let ran = produce(dir, &["t"], rest);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        assert!(subscribe(dir, &["t"]) == input);
    });
}

#[test]
fn the_json_test_suite_is_taken_and_refused_as_it_says() {
    let Some(data) = shared_data() else { return };
    let suite = data.join("malformed/json-test-suite");
    let dir = dir();
    let daemon = Daemon::start(dir.path(), &[]);
    let (mut taken, mut refused) = (0, 0);
    for entry in fs::read_dir(suite).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        // White space alone is no record, nor is a byte order mark.
        let text = bytes.trim_ascii();
        let empty = text.is_empty() || text == b"\xef\xbb\xbf";
        let one_line = !bytes.trim_ascii_end().contains(&b'\n') && !empty;
        if !name.ends_with(".json") || !one_line {
            continue;
        }
        let ran = produce(dir.path(), &["suite"], &bytes);
        match name.as_bytes()[0] {
            b'y' => {
                assert_eq!(ran.status, 0, "{name}: {ran:?}");
                taken += 1;
            }
            b'n' => {
                assert_eq!(ran.status, 65, "{name}: {ran:?}");
                refused += 1;
            }
            _ => assert!(ran.status == 0 || ran.status == 65, "{name}: {ran:?}"),
        }
    }
    assert!(taken > 80 && refused > 170, "{taken} taken, {refused} refused");
    drop(daemon);
}

#[test]
fn a_producer_with_a_name_goes_on_where_it_stood() {
    both_ways(|dir| {
        let produce = |args: &[&str], input: &str| {
            let args: Vec<&str> = ["t", "--producer", "p"].iter().chain(args).copied().collect();
            run_on(dir, "produce", &args, input)
        };
        let read = || run_on(dir, "subscribe", &["t"], "").stdout;
        assert_eq!(produce(&[], "1\n2\n").status, 0);
        let again = produce(&[], "1\n2\n");
        assert_eq!(again.status, 0, "{again:?}");
        assert!(again.stderr.contains("2 records of the input were already appended"), "{again:?}");
        assert_eq!(produce(&[], "1\n2\n3\n").status, 0);
        assert_eq!(read(), "1\n2\n3\n");
        // A bad line ends it; what was before is there, and a corrected input goes on.
        assert_eq!(produce(&[], "1\n2\n3\n4\nx\n6\n").status, 65);
        assert_eq!(read(), "1\n2\n3\n4\n");
        assert_eq!(produce(&[], "1\n2\n3\n4\n5\n6\n").status, 0);
        // A line that was rejected counts as read.
        let rejects = dir.join("rejects");
        let rejects = ["--rejects", rejects.to_str().unwrap()];
        assert_eq!(produce(&rejects, "1\n2\n3\n4\n5\n6\ny\n8\n").status, 65);
        assert_eq!(produce(&rejects, "1\n2\n3\n4\n5\n6\ny\n8\n9\n").status, 0);
        assert_eq!(read(), "1\n2\n3\n4\n5\n6\n8\n9\n");
        let short = produce(&[], "1\n");
        assert_eq!(short.status, 65, "{short:?}");
        assert!(short.stderr.contains("it is another input"), "{short:?}");
    });
}

#[test]
fn what_was_sent_ahead_of_a_bad_line_is_not_appended_after_it() {
    both_ways(|dir| {
        let filler = "x".repeat(1000);
        let line = |number: usize| format!("{{\"n\":{number},\"x\":\"{filler}\"}}\n");
        let good = |numbers: std::ops::Range<usize>| numbers.map(line).collect::<String>();
        // Some megabytes, far more than one batch, with bad lines in several of them.
        let input = good(0..1500) + "bad\n" + &good(1500..6000) + "bad\n" + &good(6000..9000);
        let file = dir.join("input");
        fs::write(&file, &input).unwrap();
        let file = file.to_str().unwrap();
        for name in [&["--producer", "p"][..], &[]] {
            let topic = if name.is_empty() { "u" } else { "t" };
            let produce = |args: &[&str]| {
                let args = [&[topic, file][..], name, args].concat();
                run_on(dir, "produce", &args, "")
            };
            let ran = produce(&[]);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains("input:1501: "), "{ran:?}");
            assert!(ran.stderr.contains("1500 records appended"), "{ran:?}");
            assert!(subscribe(dir, &[topic]) == good(0..1500));
            let rejects = dir.join(format!("rejects-{topic}"));
            let ran = produce(&["--rejects", rejects.to_str().unwrap()]);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert_eq!(fs::read_to_string(&rejects).unwrap(), "bad\nbad\n");
            // A name goes on where it stood; without one, all is appended again.
            let before = if name.is_empty() { good(0..1500) } else { String::new() };
            assert!(subscribe(dir, &[topic]) == before + &good(0..9000));
        }
    });
}

#[test]
fn a_batch_without_a_good_line_does_not_hold_up_those_sent_ahead() {
    both_ways(|dir| {
        // Batches that have no good line at all, between others.
        let long = format!("bad{}\n", "x".repeat(1 << 20));
        let good = |number: u32| format!("\"{number}{}\"\n", "y".repeat(1 << 20));
        let input = good(1) + &long + &long + &good(2) + &long + &good(3) + &long;
        let file = dir.join("input");
        fs::write(&file, input).unwrap();
        let rejects = dir.join("rejects");
        let args = ["t", "--producer", "p", "--rejects", rejects.to_str().unwrap()];
        let args = [&args[..], &[file.to_str().unwrap()]].concat();
        let ran = run_on(dir, "produce", &args, "");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(subscribe(dir, &["t"]) == good(1) + &good(2) + &good(3));
        assert!(fs::read_to_string(&rejects).unwrap() == long.repeat(4));
    });
}

#[test]
fn a_name_in_use_is_refused() {
    both_ways(|dir| {
        let data = dir.to_str().unwrap();
        let args = ["produce", "t", "--producer", "p", "--data", data];
        let mut first = common::live::Pipeline::start(&[&args]);
        first.send("1\n");
        let read = || run(&mut tool("subscribe", &["t", "--data", data]), "").stdout;
        common::wait_for("the record", || (read() == "1\n").then_some(()));
        let second = [&args[1..], &["--wait", "0"]].concat();
        let second = run(&mut tool("produce", &second), "1\n2\n");
        assert_eq!(second.status, 75, "{second:?}");
        assert_eq!(first.finish()[0].status, 0);
        assert_eq!(run(&mut tool("produce", &args[1..]), "1\n2\n").status, 0);
        assert_eq!(read(), "1\n2\n");
    });
}

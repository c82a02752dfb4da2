//! `produce --producer`: the same input again, a longer one, another one, and one that is half
//! written.

use std::fs;
use std::path::Path;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{Ran, run_on, wait_for};

fn produce(dir: &Path, args: &[&str], input: &str) -> Ran {
    let args: Vec<&str> = ["t", "--producer", "p"].iter().chain(args).copied().collect();
    run_on(dir, "produce", &args, input)
}

fn read(dir: &Path) -> String {
    run_on(dir, "subscribe", &["t"], "").stdout
}

fn refused(ran: &Ran) {
    assert_eq!(ran.status, 65, "{ran:?}");
    assert!(ran.stderr.contains("it is another input"), "{ran:?}");
    assert!(ran.stderr.contains("use another --producer name"), "{ran:?}");
}

#[test]
fn another_input_is_refused_however_long_it_is() {
    both_ways(|dir| {
        assert_eq!(produce(dir, &[], "1\n2\n3\n").status, 0);
        for other in ["4\n5\n6\n", "4\n5\n6\n7\n", "1\n2\n", "2\n1\n3\n4\n", "", "1\n\n2\n9\n4\n"] {
            refused(&produce(dir, &[], other));
        }
        assert_eq!(read(dir), "1\n2\n3\n");
        // Blank lines and CRs are no records.
        let same = produce(dir, &[], "1\r\n\n2\n3\n4\n");
        assert_eq!((same.status, same.stderr.as_str()), (0, ""));
        assert_eq!(read(dir), "1\n2\n3\n4\n");
    });
}

#[test]
fn files_in_another_order_and_a_rotated_file_are_refused() {
    both_ways(|dir| {
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (one, two) = (file("one", "1\n2\n"), file("two", "3\n"));
        assert_eq!(produce(dir, &[&one, &two], "").status, 0);
        refused(&produce(dir, &[&two, &one], ""));
        // Larger than a batch, with the same beginning as before.
        let long: String = (1..200_000).map(|number| format!("{number}\n")).collect();
        let long = file("long", &long);
        assert_eq!(produce(dir, &[&long], "").status, 0);
        refused(&produce(dir, &[&one, &two], ""));
        let rotated: String = (2..300_000).map(|number| format!("{number}\n")).collect();
        refused(&produce(dir, &[&file("long", &rotated)], ""));
        assert_eq!(read(dir).lines().count(), 199_999);
    });
}

#[test]
fn a_position_without_a_checksum_is_taken_and_told() {
    let (dir, _daemon, mut talk) = Daemon::with_topic(&[]);
    // As another client leaves it: a count.
    talk.send(
        "{\"append\":{\"topic\":\"t\",\"bytes\":4,\"producer\":\"p\",\"sequence\":2}}\n1\n2\n",
    );
    assert_eq!(talk.answer()["appended"]["sequence"], 2);
    drop(talk);
    let ran = wait_for("the name to be free", || {
        Some(produce(dir.path(), &[], "x\ny\n3\n")).filter(|ran| ran.status != 75)
    });
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("were not compared with this input"), "{ran:?}");
    assert_eq!(read(dir.path()), "1\n2\n3\n");
    // From here on there is one.
    refused(&produce(dir.path(), &[], "1\n2\n3\n"));
    let again = produce(dir.path(), &[], "x\ny\n3\n4\n");
    assert_eq!((again.status, again.stderr.as_str()), (0, ""));
}

#[test]
fn a_last_line_that_is_half_written_waits() {
    let csv = &["--from", "csv"][..];
    let tsv = &["--from", "tsv"][..];
    for (args, torn, rest, expected) in [
        (&[][..], "1\n15", "00\n2\n", "1\n1500\n2\n"),
        (&[], "{\"n\":1}\n{\"n\"", ":2}\n", "{\"n\":1}\n{\"n\":2}\n"),
        (
            csv,
            "id,price\n1,10\n2,12",
            "34\n3,7\n",
            "{\"id\":1,\"price\":10}\n{\"id\":2,\"price\":1234}\n{\"id\":3,\"price\":7}\n",
        ),
        (
            tsv,
            "id\tprice\n1\t10\n2\t12",
            "34\n",
            "{\"id\":1,\"price\":10}\n{\"id\":2,\"price\":1234}\n",
        ),
    ] {
        both_ways(|dir| {
            for _ in 0..2 {
                let early = produce(dir, args, torn);
                assert_eq!(early.status, 65, "{early:?}");
                assert!(early.stderr.contains("the last line has no line end"), "{early:?}");
                assert_eq!(read(dir), expected.split_inclusive('\n').next().unwrap());
            }
            assert_eq!(produce(dir, args, &format!("{torn}{rest}")).status, 0);
            assert_eq!(read(dir), expected);
        });
    }
}

#[test]
fn lines_that_belong_together_wait_until_others_begin() {
    both_ways(|dir| {
        let file = dir.join("app.log");
        let path = file.to_str().unwrap();
        let args = ["--from", "lines", "--multiline", r"^\S", path];
        for (text, status, stored) in [
            ("a\n b\n", 65, 0),
            ("a\n b\n c\nd\n", 65, 1),
            ("a\n b\n c\nd\n", 65, 1),
            ("a\n b\n c\nd\n e\nf\n", 65, 2),
        ] {
            fs::write(&file, text).unwrap();
            let ran = produce(dir, &args, "");
            assert_eq!(ran.status, status, "{text:?}: {ran:?}");
            assert!(ran.stderr.contains("more lines may follow"), "{ran:?}");
            assert_eq!(read(dir).lines().count(), stored, "{text:?}");
        }
        assert_eq!(read(dir), "{\"line\":\"a\\n b\\n c\"}\n{\"line\":\"d\\n e\"}\n");
        assert_eq!(produce(dir, &[&args[..], &["--partial-after", "1h"]].concat(), "").status, 65);
        assert_eq!(produce(dir, &[&args[..], &["--partial-after", "0"]].concat(), "").status, 0);
        assert!(read(dir).ends_with("{\"line\":\"f\"}\n"));
        // The same from a pipe.
        let piped = ["--from", "lines", "--multiline", r"^\S"];
        let ran =
            run_on(dir, "produce", &[&["u", "--producer", "p"], &piped[..]].concat(), "a\n b\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        let taken = [&["u", "--producer", "p", "--partial-after", "0"], &piped[..]].concat();
        assert_eq!(run_on(dir, "produce", &taken, "a\n b\n").status, 0);
    });
}

#[test]
fn json_over_several_lines_may_be_incomplete_at_the_end() {
    both_ways(|dir| {
        let args = ["--multiline", r"^\{"];
        let ran = produce(dir, &args, "{\"a\":\n1}\n{\"a\":\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("stdin:3: more lines may follow"), "{ran:?}");
        assert_eq!(produce(dir, &args, "{\"a\":\n1}\n{\"a\":\n2}\n{}\n").status, 65);
        assert_eq!(read(dir).lines().count(), 2);
    });
}

#[test]
fn nothing_behind_a_half_written_line_is_appended() {
    both_ways(|dir| {
        let (one, two) = (dir.join("one"), dir.join("two"));
        fs::write(&one, "1\n2").unwrap();
        fs::write(&two, "3\n").unwrap();
        let files = [one.to_str().unwrap(), two.to_str().unwrap()];
        let early = produce(dir, &files, "");
        assert!(early.status == 65 && early.stderr.contains("one:2: "), "{early:?}");
        assert_eq!(read(dir), "1\n");
        fs::write(&one, "1\n22\n").unwrap();
        assert_eq!(produce(dir, &files, "").status, 0);
        assert_eq!(read(dir), "1\n22\n3\n");
        // Without a name, nobody comes back for the line.
        let plain = run_on(dir, "produce", &["u"], "1\n2");
        assert_eq!(plain.status, 0, "{plain:?}");
    });
}

#[test]
fn rejected_lines_are_part_of_the_input() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let rejects = ["--rejects", rejects.to_str().unwrap()];
        assert_eq!(produce(dir, &rejects, "1\nx\n3\n").status, 65);
        assert_eq!(produce(dir, &rejects, "1\nx\n3\n4\n").status, 0);
        assert_eq!(read(dir), "1\n3\n4\n");
        refused(&produce(dir, &rejects, "1\ny\n3\n4\n5\n"));
        assert_eq!(read(dir), "1\n3\n4\n");
    });
}

/// However little of it has come, and whether or not bad lines are kept.
#[test]
fn a_half_written_line_of_another_format_is_left_for_later() {
    let access = "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 5\n";
    for (from, first, rest) in [
        ("csv", "a,b\n1,2\n3", ",4\n"),
        ("csv", "a,b\n1,2\n\"3", "\",4\n"),
        ("common", &access[..40], &access[40..]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let rejects = dir.path().join("rejects");
        for keep in [&["--rejects", rejects.to_str().unwrap()][..], &["--keep-bad", "bad"]] {
            let args = [&["--from", from][..], keep].concat();
            let early = produce(dir.path(), &args, first);
            assert!(early.status == 65 && early.stderr.contains("no line end"), "{early:?}");
        }
        assert_eq!(fs::read(&rejects).unwrap_or_default(), b"");
        assert_eq!(produce(dir.path(), &["--from", from], &format!("{first}{rest}")).status, 0);
        let stored = read(dir.path());
        let expected = if from == "csv" { "\"b\":4}\n" } else { "\"bytes\":5}\n" };
        assert!(stored.ends_with(expected) && !stored.contains("bad"), "{stored}");
    }
}

#[test]
fn a_run_that_ends_at_a_bad_line_prints_the_offsets_and_counts_what_it_rejects() {
    both_ways(|dir| {
        let ran = run_on(dir, "produce", &["t", "-v", "--stats"], "1\n2\nbad\n3\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("produce: t/0: 0..2\n"), "{ran:?}");
        assert!(ran.stdout.contains("\"rejected\":0,"), "{ran:?}");
        let (path, rejects) = (dir.join("in"), dir.join("rejects"));
        std::fs::write(&path, "bad\n1\nbad\n2\n").unwrap();
        let (path, rejects) = (path.to_str().unwrap(), rejects.to_str().unwrap());
        for args in [&["t"][..], &["t", "--resume"], &["--topic-by", "\"x\""]] {
            let args = [args, &[path, "--rejects", rejects, "--stats"]].concat();
            let ran = run_on(dir, "produce", &args, "");
            assert!(ran.stdout.contains("\"rejected\":2,"), "{args:?}: {ran:?}");
        }
        std::fs::remove_file(rejects).unwrap();
    });
}

//! Files as they come: compressed in odd ways, in other encodings, pretty-printed, or CSV that is none.

use std::fs;
use std::path::Path;

use crate::common::{Ran, gzip, run, tool};

const TEXT: &str = "{\"a\":1}\n{\"a\":2}\n";

/// What a tool makes of a file, and of the same bytes from a pipe.
fn both(dir: &Path, name: &str, args: &[&str], bytes: &[u8]) -> [Ran; 2] {
    let path = dir.join("input");
    fs::write(&path, bytes).unwrap();
    let from_file = run(tool(name, args).arg(&path), "");
    [from_file, run(&mut tool(name, args), bytes)]
}

#[test]
fn files_are_read_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let zstd = zstd::encode_all(TEXT.as_bytes(), 1).unwrap();
    let frame = b"\x5e\x2a\x4d\x18\x04\0\0\0abcd";
    let marked = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
    for bytes in [
        marked.clone(),
        [&frame[..], &zstd].concat(),
        [&frame[..], &frame[..], &zstd, &frame[..]].concat(),
        [gzip(TEXT), vec![0; 700]].concat(),
        gzip(&marked),
    ] {
        for args in [&["."][..], &["-j", "2", "."]] {
            for ran in both(dir.path(), "map", args, &bytes) {
                assert_eq!((ran.status, ran.stdout.as_str()), (0, TEXT), "{ran:?}");
            }
        }
    }
    // Each file has a mark of its own.
    fs::write(dir.path().join("one"), &marked).unwrap();
    let mut two = tool("map", &["."]);
    let ran = run(two.args(["one", "one"]).current_dir(dir.path()), "");
    assert_eq!(ran.stdout, TEXT.repeat(2), "{ran:?}");
}

#[test]
fn what_is_not_read_is_named_with_what_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[u8], &str); 5] = [
        (b"BZh91AY&SY\0\0", "compressed with bzip2; decompress it: bzip2 -dc FILE"),
        (b"\xfd7zXZ\0\0\x04", "compressed with xz; decompress it: xz -dc FILE"),
        (b"\xff\xfea\0,\0b\0\n\0", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE"),
        (b"\xfe\xff\0{\0}\0\n", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE"),
        (&[gzip(TEXT), b"junk".to_vec()].concat(), "data that is not gzip follows the compressed"),
    ];
    for (bytes, why) in cases {
        for ran in both(dir.path(), "filter", &["true"], bytes) {
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains(why) && !ran.stderr.contains("cut short"), "{ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        }
    }
}

#[test]
fn json_over_several_lines_is_told_apart_from_what_is_cut_short() {
    let cases = [
        ("{\n  \"a\": 1\n}\n", "it looks like JSON over several lines: add --from json"),
        ("[\n  {\"a\": 1}\n]\n", "it looks like JSON over several lines: add --from json"),
        (
            "[{\"a\":1},{\"a\":2}]\n",
            "an array is one record: map '.[]' emits a record for each of its items",
        ),
        ("{\"a\":", "it may be cut short"),
    ];
    for (input, hint) in cases {
        for args in [&[".a"][..], &["-j", "2", ".a"]] {
            let ran = run(&mut tool("filter", args), input);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains(hint), "{ran:?}");
            assert_eq!(ran.stderr.matches("; --rejects").count(), 1, "{ran:?}");
        }
    }
    // It is a text in the record that is cut short.
    let whole = run(&mut tool("map", &["fromjson"]), "\"[1\"");
    assert_eq!((whole.status, whole.stderr.contains("cut short")), (65, false), "{whole:?}");
}

/// Appends CSV to a topic of its own, and gives what the log then has.
fn produce(args: &[&str], csv: &str) -> (Ran, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = ["--data", dir.path().to_str().unwrap()];
    let from = if args.contains(&"--from") { &[][..] } else { &["--from", "csv"] };
    let ran = run(tool("produce", &["t"]).args(from).args(args).args(data), csv);
    let stored = run(tool("subscribe", &["t"]).args(data), "").stdout;
    (ran, stored)
}

#[test]
fn a_header_that_is_hardly_meant_so_is_told() {
    for (header, why) in [
        (
            "a;b",
            "produce: stdin:1: the header has one column, \"a;b\"; if it is several, give --delimiter ';'\n",
        ),
        (
            "a|b",
            "produce: stdin:1: the header has one column, \"a|b\"; if it is several, give --delimiter '|'\n",
        ),
        (
            "a\tb",
            "produce: stdin:1: the header has one column, \"a\\tb\"; if it is several, give --from tsv\n",
        ),
    ] {
        let (ran, _) = produce(&[], &format!("{header}\n1\n"));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, why));
    }
    let (ran, _) = produce(&["--from", "tsv"], "a,b\n1,2\n");
    assert!(ran.stderr.contains("give --delimiter ','"), "{ran:?}");
    let (ran, _) = produce(&[], "\"a\", \"b\"\n1,2\n");
    assert!(ran.stderr.contains("the column \" \\\"b\\\"\" is named with its quotes"), "{ran:?}");
    for fine in ["a,b\n1,2\n", "a\n1\n", "\"a b\",c\n1,2\n"] {
        assert_eq!(produce(&[], fine).0.stderr, "", "{fine}");
    }
}

#[test]
fn cells_are_separated_by_what_the_user_or_the_file_says() {
    let two = "{\"a\":1,\"b\":\"x;y\"}\n";
    let (ran, stored) = produce(&["--delimiter", ";"], "a;b\n1;\"x;y\"\n");
    assert_eq!((ran.status, ran.stderr.as_str(), stored.as_str()), (0, "", two));
    let (_, stored) = produce(&[], "\u{feff}sep=;\r\na;b\r\n1;\"x;y\"\r\n");
    assert_eq!(stored, two);
    let (_, stored) = produce(&[], "sep=,\na,b\n1,x;y\n");
    assert_eq!(stored, two);
    for bad in ["", ";;", "\"", "a", "1", "ä"] {
        assert_eq!(produce(&["--delimiter", bad], "a\n1\n").0.status, 2, "{bad:?}");
    }
    assert_eq!(produce(&["--types", "all-text", "--null", "-"], "a\n1\n").0.status, 2);
}

#[test]
fn a_stray_quote_is_told_with_the_lines_that_it_takes_in() {
    let many = format!("a,b\n1,2\n3,\"4\n{}", "5,6\n".repeat(1000));
    let (ran, _) = produce(&[], &many);
    assert!(ran.stderr.contains("(all of lines 3 to 1003 is in that row)"), "{ran:?}");
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let (ran, stored) = produce(&["--rejects", rejects.to_str().unwrap()], &many);
    assert_eq!((ran.status, stored.as_str()), (65, "{\"a\":1,\"b\":2}\n"), "{ran:?}");
    assert!(ran.stderr.contains("1001 lines rejected, stored in"), "{ran:?}");
    let limit = ["--max-record", "1k", "--rejects", rejects.to_str().unwrap()];
    let (ran, _) = produce(&limit, &many);
    assert!(!ran.stderr.contains(" 1 line rejected"), "{ran:?}");
}

#[test]
fn lines_are_counted_however_they_end() {
    for end in ["\n", "\r\n", "\r"] {
        let rows = ["a,b", "1,2", "", "\"x", "y\",2", "3"].join(end) + end;
        let (ran, _) = produce(&[], &rows);
        assert!(ran.stderr.contains("stdin:6: the row has 1 field"), "{end:?}: {ran:?}");
    }
}

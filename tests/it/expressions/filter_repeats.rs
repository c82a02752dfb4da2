//! `filter --unique … --within … --repeats`: floods of records as two, the first and the last.

use std::fs;

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, tool};

const BY_KEY: [&str; 8] =
    ["true", "--unique", ".k", "--within", "10s", "--time", ".t", "--repeats"];

fn repeats(more: &[&str], input: &str) -> Ran {
    run(&mut tool("filter", &[&BY_KEY[..], &["n"], more].concat()), input)
}

/// Records of these keys and seconds, numbered from 0.
fn records(all: &[(&str, u32)]) -> String {
    let line = |(at, (key, second)): (usize, &(&str, u32))| {
        format!("{{\"k\":\"{key}\",\"t\":{},\"i\":{at}}}\n", 1_700_000_000 + second)
    };
    all.iter().enumerate().map(line).collect()
}

/// The numbers of records, with what they stand for.
fn shown(lines: &str) -> Vec<String> {
    let show = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let count = record.get("n").map_or(String::new(), |count| format!(" x{count}"));
        format!("{}{count}", record["i"])
    };
    lines.lines().filter(|line| !line.starts_with("{\"@")).map(show).collect()
}

#[test]
fn the_first_record_passes_and_the_last_one_says_how_many_repeated_it() {
    let all = [("a", 0), ("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 10), ("a", 11)];
    let input = records(&all);
    let ran = repeats(&[], &input);
    assert_eq!(shown(&ran.stdout), ["0", "2", "4", "3 x2", "6", "5 x1", "7 x1"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("{\"k\":\"a\",\"t\":1700000003,\"i\":3,\"n\":2}\n"));
    // Times that are over together: by when they are, then by their first records.
    let all = [("b", 1), ("a", 0), ("c", 1), ("c", 2), ("b", 2), ("a", 3), ("z", 50)];
    let ran = repeats(&[], &records(&all));
    assert_eq!(shown(&ran.stdout), ["0", "1", "2", "5 x1", "4 x1", "3 x1", "6"]);
    // A field of that name is replaced, and where there is none repeated, nothing comes.
    let named = "{\"k\":1,\"n\":\"old\",\"t\":1}\n".repeat(2);
    let expected = "{\"k\":1,\"n\":\"old\",\"t\":1}\n{\"k\":1,\"t\":1,\"n\":1}\n";
    assert_eq!(repeats(&[], &named).good(), expected);
    assert_eq!(repeats(&[], "").good(), "");
}

#[test]
fn each_record_goes_one_way_however_the_input_comes() {
    let mut seed = 5_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut now, mut all) = (100_u32, Vec::new());
    for _ in 0..500 {
        now += u32::try_from(random(4)).unwrap();
        let late = u32::try_from(random(3) * random(12)).unwrap();
        all.push((["a", "b", "c", "d"][random(4) as usize], now - late));
    }
    let input = records(&all);
    let dir = tempfile::tempdir().unwrap();
    let others = dir.path().join("others");
    let with_others = [&BY_KEY[..], &["n", "--else", others.to_str().unwrap()]].concat();
    let ran = run(&mut tool("filter", &with_others), &input);
    assert_eq!(ran.status, 0, "{ran:?}");
    let others = fs::read_to_string(others).unwrap();
    let (kept, dropped) = (ran.stdout.lines().count(), others.lines().count());
    assert_eq!((kept + dropped, dropped > 50), (500, true));
    let stands_for = |line: &str| -> u64 {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_u64().unwrap_or(1)
    };
    assert_eq!(ran.stdout.lines().map(stands_for).sum::<u64>(), 500);
    for piece in [1_777, 400] {
        let pieces = pipe(&[&[&["filter"], &BY_KEY[..], &["n"]].concat()], &input, piece);
        assert_eq!(pieces.last().unwrap().stdout, ran.stdout);
    }
    // What passes at once, in order, is what passes without it.
    all.sort_unstable_by_key(|(_, second)| *second);
    let in_order = records(&all);
    let plain = run(&mut tool("filter", &BY_KEY[..7]), &in_order).good();
    let rolled_up = repeats(&[], &in_order).good();
    let firsts: Vec<&str> = rolled_up.lines().filter(|line| !line.contains("\"n\"")).collect();
    assert!(firsts.iter().copied().eq(plain.lines()));
    assert_eq!(repeats(&["-c"], &input).good(), format!("{kept}\n"));
    let some = repeats(&["-m", "40"], &input).good();
    assert!(some.lines().count() == 40 && ran.stdout.starts_with(&some));
}

#[test]
fn what_is_held_back_comes_before_the_end_of_its_stream_or_not_at_all() {
    let control = |inside: &str| format!("{{\"@millstream\":{{{inside}}}}}\n");
    let start = control("\"start\":{\"partitions\":[0,1]}");
    let body = control("\"partition\":1") + &records(&[("a", 0), ("a", 1)]);
    let ended = start + &body + &control("\"partition_end\":1") + &control("\"end\":{}");
    let ran = repeats(&[], &ended);
    assert_eq!((ran.status, shown(&ran.stdout)), (0, vec!["0".to_owned(), "1 x1".to_owned()]));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        (lines[0], lines[3]),
        ("{\"@millstream\":{\"start\":{\"trusted\":false}}}", "{\"@millstream\":{\"end\":{}}}")
    );
    assert_eq!(lines.len(), 4);
    // Another stream goes on with the same keys.
    let twice = repeats(&[], &ended.repeat(2));
    assert_eq!((twice.status, shown(&twice.stdout)), (0, vec!["0".to_owned(), "1 x3".to_owned()]));
    assert_eq!(repeats(&[], &twice.stdout).status, 0);
    let cut = ended.split("{\"@millstream\":{\"end\"").next().unwrap();
    let ran = repeats(&[], cut);
    assert_eq!((ran.status, shown(&ran.stdout)), (65, vec!["0".to_owned()]));
    assert!(ran.stderr.contains("the repeats of 1 key are not reported"), "{}", ran.stderr);
    let windowed = run(&mut tool("window", &["--tumbling", "1m", "--time", ".t"]), &body);
    let ran = repeats(&[], &windowed.stdout);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("run filter before window"), "{}", ran.stderr);
}

#[test]
fn a_silent_input_is_over_by_the_clock() {
    let args = ["--unique", ".k", "--within", "300ms", "--time", ".t", "--repeats", "n", "true"];
    let mut pipeline = Pipeline::start(&[&[&["filter"], &args[..], &["--idle", "20ms"]].concat()]);
    pipeline.send("{\"k\":1,\"t\":1700000000000}\n{\"k\":1,\"t\":1700000000100,\"i\":1}\n");
    assert_eq!(pipeline.line(), "{\"k\":1,\"t\":1700000000000}");
    assert_eq!(pipeline.line(), "{\"k\":1,\"t\":1700000000100,\"i\":1,\"n\":1}");
    assert_eq!(pipeline.finish()[0].status, 0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (args, why) in [
        (vec!["true", "--unique", ".k", "--repeats", "n"], "--within"),
        (vec!["true", "--unique", ".k", "--max-keys", "3"], "--repeats"),
        (vec!["true", "--idle", "1s"], "--repeats"),
        ([&BY_KEY[..], &["@millstream"]].concat(), "choose another name"),
        ([&BY_KEY[..], &["n", "--idle", "0s"]].concat(), "--idle: must be longer than 0"),
    ] {
        let ran = run(&mut tool("filter", &args), "");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
    let two = records(&[("a", 0), ("b", 1)]);
    let ran = repeats(&["--max-keys", "1"], &two);
    assert_eq!((ran.status, shown(&ran.stdout)), (65, vec!["0".to_owned()]));
    assert!(ran.stderr.contains("raise --max-keys"), "{}", ran.stderr);
    for (input, why) in [("[1]\n", "--unique: "), ("{\"k\":1}\n", "the record has no event time")] {
        let ran = repeats(&[], input);
        assert!(ran.stderr.contains(why), "{input}: {ran:?}");
    }
    let args = ["true", "--unique", "1", "--within", "1s", "--time", "1", "--repeats", "n"];
    let ran = run(&mut tool("filter", &args), "[1]\n");
    assert!(ran.status == 65 && ran.stderr.contains("stdin:1: not an object;"), "{ran:?}");
    let ran = repeats(&[], "{\"n\":1,\"@millstream\":2,\"k\":1,\"t\":1}\n");
    assert!(ran.status == 65 && ran.stderr.contains("@millstream"), "{ran:?}");
}

//! `filter`, run as a process.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::common::{self, Guard, Ran, next_line, run, shared_data, tool, wait_for};
use tempfile::TempDir;

fn filter(args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(&mut tool("filter", args), input)
}

/// A file of its own for a test, in a directory that goes away with it.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

/// A filter whose input is kept open.
struct Live {
    child: Guard,
    input: Option<ChildStdin>,
}

impl Live {
    fn start(args: &[&str]) -> (Live, BufReader<std::process::ChildStdout>) {
        let mut child: Child = tool("filter", args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        (Live { child: Guard(child), input }, output)
    }

    fn send(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.0.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for the process to end; what it left, but for its output.
    fn wait(&mut self) -> Ran {
        let status = wait_for("filter to end", || self.child.0.try_wait().unwrap());
        let mut stderr = Vec::new();
        self.child.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Ran::from(std::process::Output { status, stdout: Vec::new(), stderr })
    }
}

#[test]
fn kept_records_pass_byte_for_byte() {
    let input = "{ \"a\" : 1.0,\"b\":\"\\u00e4\" }\n{\"a\":2}\n\n[1e5, -0]\r\n\"a\"\n\
                 {\"a\":100000000000000000000}";
    let ran = filter(&["(.a? // 0) != 2"], input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "{ \"a\" : 1.0,\"b\":\"\\u00e4\" }\n[1e5, -0]\n\"a\"\n{\"a\":100000000000000000000}\n"
    );
}

#[test]
fn a_record_is_kept_if_any_result_is_true() {
    let kept = |expression: &str| filter(&[expression], "{\"a\":1,\"b\":[false,null,0]}\n").stdout;
    for expression in
        [".", ".a == 1", ".b[]", "null, false, [\"\"][]", ".b[2]", ".c == null", ".a, error"]
    {
        assert!(!kept(expression).is_empty(), "{expression}");
    }
    for expression in ["null", "false", "empty", ".b[:2][]", ".c", "null, false", "false // empty"]
    {
        assert_eq!(kept(expression), "", "{expression}");
    }
}

#[test]
fn options_that_count_and_choose() {
    let input = "1\n2\n3\n4\n5\n";
    assert_eq!(filter(&["-v", ". > 2"], input).stdout, "1\n2\n");
    assert_eq!(filter(&["--count", ". > 2"], input).stdout, "3\n");
    assert_eq!(filter(&["-vc", ". > 2"], input).stdout, "2\n");
    assert_eq!(filter(&["-c", ". > 9"], input).stdout, "0\n");
    assert_eq!(filter(&["-m", "2", ". > 2"], input).stdout, "3\n4\n");
    assert_eq!(filter(&["-c", "--max-kept", "2", ". > 2"], input).stdout, "2\n");
    // What comes behind the last record that is kept is not looked at.
    assert_eq!(filter(&["-m1", "."], "1\n{bad\n").status, 0);
}

#[test]
fn the_exit_status_can_tell_whether_anything_was_kept() {
    let status = |args: &[&str], input: &str| {
        let ran = filter(args, input);
        (ran.status, ran.stdout)
    };
    assert_eq!(status(&[". > 9"], "1\n"), (0, String::new()));
    assert_eq!(status(&["-e", ". > 9"], "1\n"), (1, String::new()));
    assert_eq!(status(&["-e", ". > 0"], "1\n"), (0, "1\n".into()));
    assert_eq!(status(&["-ec", ". > 9"], "1\n"), (1, "0\n".into()));
    assert_eq!(status(&["-q", ". > 9"], "1\n"), (1, String::new()));
    assert_eq!(status(&["--quiet", ". > 0"], "1\n{bad\n"), (0, String::new()));
    assert_eq!(status(&["-ev", ". > 0"], "1\n"), (1, String::new()));
    assert_eq!(status(&["-e", "."], ""), (1, String::new()));
}

#[test]
fn control_records_pass_but_are_no_records() {
    let mark = "{\"@millstream\":{\"watermark\":{\"ms\":5}}}\n";
    let input = format!("1\n{mark}2\n");
    assert_eq!(filter(&[". > 1"], &input).stdout, format!("{mark}2\n"));
    assert_eq!(filter(&["-v", ". > 1"], &input).stdout, format!("1\n{mark}"));
    assert_eq!(filter(&["-c", "true"], &input).stdout, "2\n");
    assert_eq!(filter(&["-q", "false"], &input).stdout, "");
    assert_eq!(filter(&["-e", "false"], mark).status, 1);
}

#[test]
fn a_malformed_expression_is_told_where() {
    let cases = [
        (".a + ", "filter: EXPR: '.a + ': unexpected end at column 6; a value is missing\n"),
        (
            ".a | lenght > 2",
            "filter: EXPR: '.a | lenght > 2': undefined function 'lenght' at column 6; did you \
             mean 'length'?\n",
        ),
        (
            "status >= 500",
            "filter: EXPR: 'status >= 500': undefined function 'status' at column 1; did you mean \
             '.status'?\n",
        ),
        (
            "now > .time",
            "filter: EXPR: 'now > .time': 'now' is not available at column 1; an expression has no \
             clock, so that the same input always gives the same output\n",
        ),
    ];
    for (expression, said) in cases {
        let ran = filter(&[expression], "{}\n");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", said));
    }
}

#[test]
fn wrong_usage_is_one_line() {
    for (args, said) in [
        (&["--invrt", "."][..], "--invrt"),
        (&[][..], "<EXPR>"),
        (&["-m", "0", "."][..], "--max-kept"),
        (&["-qc", "."][..], "--count"),
        (&["--max-record", "lots", "."][..], "--max-record"),
    ] {
        let ran = filter(args, "");
        assert_eq!((ran.status, ran.stderr.lines().count()), (2, 1), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("filter: ") && ran.stderr.contains(said), "{}", ran.stderr);
        assert!(ran.stderr.contains("--help"), "{}", ran.stderr);
    }
}

#[test]
fn help_has_examples_that_run() {
    let ran = filter(&["--help"], "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let examples: Vec<&str> =
        ran.stdout.lines().filter_map(|line| line.split_once("filter ")).map(|(_, e)| e).collect();
    assert!(examples.len() >= 5, "{}", ran.stdout);
    let quoted =
        ran.stdout.lines().filter(|line| line.starts_with("  ") && line.contains("filter"));
    for expression in quoted.filter_map(|line| line.split('\'').nth(1)) {
        let status = filter(&["--arg", "user", "u", expression], "").status;
        assert_eq!(status, 0, "{expression}");
    }
}

/// Bad lines by what is wrong with them, and what is said of it.
const BAD: [(&[u8], &str); 9] = [
    (b"{\"a\":1", "the line ends in the middle of a value at byte 7"),
    (b"{'a':1}", "a key in double quotes is missing at byte 2"),
    (b"1 2", "something follows the value at byte 3"),
    (b"nope", "a value is missing at byte 2"),
    (b"\"\xff\"", "invalid UTF-8 at byte 2"),
    (b"\xef\xbb\xbf{}", "a value is missing at byte 1"),
    (b"{\"a\":\0}", "NUL byte at byte 6"),
    (b"\"a\tb\"", "control character in a string at byte 3"),
    (b"01", "malformed number at byte 2"),
];

#[test]
fn a_bad_record_ends_the_tool_and_names_its_line() {
    let files = Files::new();
    for (line, said) in BAD {
        let mut input = b"1\n\n2\n".to_vec();
        input.extend_from_slice(line);
        input.extend_from_slice(b"\n3\n");
        let remedy = "; --rejects FILE stores such lines and continues\n";
        let ran = filter(&["."], &input);
        let spans = "; it looks like JSON over several lines: add --from json";
        let hint = if said.starts_with("the line ends") { spans } else { "" };
        assert_eq!(ran.stderr, format!("filter: stdin:4: not valid JSON: {said}{hint}{remedy}"));
        // What was kept before it is out.
        assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n2\n"));
        let path = files.write("events.ndjson", &input);
        let ran = filter(&[".", &path], "");
        assert_eq!(ran.stderr, format!("filter: {path}:4: not valid JSON: {said}{hint}{remedy}"));
        assert_eq!(ran.status, 65);
    }
}

#[test]
fn a_record_for_which_the_expression_fails_is_bad() {
    let ran = filter(&[".a.b > 1"], "{\"a\":{\"b\":2}}\n{\"a\":7}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "{\"a\":{\"b\":2}}\n"));
    assert_eq!(
        ran.stderr,
        "filter: stdin:2: Cannot index number with string (\"b\"); --rejects FILE stores such lines and \
         continues\n"
    );
    let ran = filter(&["def f: 1 + f; f"], "1\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("stdin:1: the expression recurses too deeply"), "{}", ran.stderr);
}

#[test]
fn input_cut_in_the_middle_of_a_record_is_an_error() {
    let ran = filter(&["."], "{\"a\":1}\n{\"a\":");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "{\"a\":1}\n"));
    assert!(ran.stderr.contains("stdin:2: not valid JSON"), "{}", ran.stderr);
    assert!(ran.stderr.contains("it may be cut short"), "{}", ran.stderr);
    // A last line without an end is a record like any other.
    let ran = filter(&["."], "{\"a\":1}\n{\"a\":2}");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "{\"a\":1}\n{\"a\":2}\n"));
}

#[test]
fn rejects_are_kept_as_they_stood() {
    let files = Files::new();
    let rejects = files.path("rejects");
    let mut input = Vec::new();
    for (line, _) in BAD {
        input.extend_from_slice(line);
        input.extend_from_slice(b"\n1\n");
    }
    let ran = filter(&["--rejects", &rejects, "."], &input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n".repeat(BAD.len()).as_str()));
    let kept: Vec<u8> = BAD.iter().flat_map(|(line, _)| [*line, b"\n"].concat()).collect();
    assert_eq!(std::fs::read(&rejects).unwrap(), kept);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert_eq!(last, format!("filter: {} lines rejected, stored in {rejects}", BAD.len()));
    // Evaluations that fail are rejected, too; nothing rejected is quiet.
    let other = files.path("other");
    let ran = filter(&["--rejects", &other, "-e", ".a > 1"], "5\n{\"a\":2}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "{\"a\":2}\n"));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "5\n");
    let ran = filter(&["--rejects", &other, "."], "1\n");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let ran = filter(&["--rejects", "/nowhere/rejects", "."], "1\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (73, ""));
}

#[test]
fn a_line_over_the_limit_is_refused_however_long() {
    let long = format!("\"{}\"\n", "x".repeat(17 << 20));
    let ran = filter(&["."], format!("1\n{long}2\n"));
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n"));
    assert!(
        ran.stderr.contains("stdin:2: the line is longer than the limit of 16777216 bytes"),
        "{}",
        ran.stderr
    );
    let files = Files::new();
    let rejects = files.path("rejects");
    let ran = filter(&["--rejects", &rejects, "."], format!("1\n{long}2\n"));
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "1\n2\n"));
    assert_eq!(std::fs::read_to_string(&rejects).unwrap(), long);
    let ran = filter(&["--max-record", "32MiB", "length > 5"], &long);
    assert_eq!((ran.status, ran.stdout.len()), (0, long.len()));
    let ran = filter(&["--max-record", "4", "."], "1234\n12345\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, "1234\n"));
}

#[test]
fn deep_records_pass_and_deeper_ones_are_refused() {
    let nested = |depth: usize| format!("{}{}\n", "[".repeat(depth), "]".repeat(depth));
    let ran = filter(&["[..] | length == 1024"], nested(1024));
    assert_eq!((ran.status, ran.stdout), (0, nested(1024)));
    for depth in [1025, 100_000] {
        let ran = filter(&["."], nested(depth));
        assert_eq!((ran.status, ran.stdout.as_str()), (65, ""));
        assert!(ran.stderr.contains("nesting deeper than 1024 levels"), "{}", ran.stderr);
    }
}

#[test]
fn several_files_compressed_or_not_are_one_input() {
    let files = Files::new();
    let plain = files.write("plain", "{\"a\":1}\n{\"a\":2}");
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"{\"a\":3}\n{\"a\":4}\n").unwrap();
        files.write("some.gz", gzip.finish().unwrap())
    };
    let zstd = files.write("some.zst", zstd::encode_all(&b"{\"a\":5}\n"[..], 1).unwrap());
    let ran = filter(&[".a != 2", &plain, &gzip, "-", &zstd], "{\"a\":6}\n");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "{\"a\":1}\n{\"a\":3}\n{\"a\":4}\n{\"a\":6}\n{\"a\":5}\n");

    let cut = std::fs::read(&gzip).unwrap();
    let cut = files.write("cut.gz", &cut[..cut.len() - 6]);
    let ran = filter(&[".", &cut], "");
    assert_eq!(ran.status, 65);
    assert!(
        ran.stderr.contains(&format!("{cut}: the compressed input is cut short")),
        "{}",
        ran.stderr
    );

    let ran = filter(&[".", &plain, "/nowhere/at/all"], "");
    assert_eq!((ran.status, ran.stdout.as_str()), (74, "{\"a\":1}\n{\"a\":2}\n"));
    assert!(ran.stderr.contains("/nowhere/at/all"), "{}", ran.stderr);
    // A bad line is named by its own file and the place in it.
    let bad = files.write("bad", "1\n{\n");
    let ran = filter(&[".", &plain, &bad], "");
    assert!(ran.stderr.starts_with(&format!("filter: {bad}:2: ")), "{}", ran.stderr);
}

#[test]
fn an_input_without_records_is_no_error() {
    for input in ["", "\n", "\r\n \n\n"] {
        let ran = filter(&["."], input);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    }
}

#[test]
fn each_record_comes_out_at_once() {
    let (mut live, mut output) = Live::start(&[".a > 1"]);
    live.send("{\"a\":1}\n{\"a\":2}\n");
    assert_eq!(next_line(&mut output), "{\"a\":2}\n");
    live.send("{\"a\":3}");
    // Not a line yet; it comes with its end.
    live.send("\n");
    assert_eq!(next_line(&mut output), "{\"a\":3}\n");
    live.send("{\"@millstream\":{\"watermark\":{\"ms\":1}}}\n");
    assert_eq!(next_line(&mut output), "{\"@millstream\":{\"watermark\":{\"ms\":1}}}\n");
    live.input = None;
    assert_eq!(next_line(&mut output), "");
    assert_eq!(live.wait().status, 0);
}

#[test]
fn a_reader_who_has_had_enough_is_no_error() {
    let lines = "{\"a\":1}\n".repeat(200_000);
    let files = Files::new();
    let path = files.write("many", &lines);
    let mut child = tool("filter", &[".", &path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(next_line(&mut output), "{\"a\":1}\n");
    drop(output);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn a_quiet_filter_notices_that_its_reader_left() {
    let (mut live, output) = Live::start(&["false"]);
    live.send("1\n");
    drop(output);
    // Nothing is ever written, and the input stays open.
    assert_eq!(live.wait().status, 0);
}

#[test]
fn a_signal_ends_it_after_what_it_has_in_hand() {
    let (mut live, mut output) = Live::start(&["."]);
    live.send("1\n");
    assert_eq!(next_line(&mut output), "1\n");
    live.signal(nix::sys::signal::SIGTERM);
    let ran = live.wait();
    assert_eq!((ran.status, ran.stderr.as_str()), (128 + 15, ""));
    assert_eq!(next_line(&mut output), "");
}

/// How many records of a file of the shared data an expression keeps.
fn count(expression: &str, path: &Path) -> String {
    let ran = filter(&["-c", expression, path.to_str().unwrap()], "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{expression}");
    ran.stdout.trim_end().to_owned()
}

#[test]
fn real_events_are_counted_as_others_counted_them() {
    let Some(data) = shared_data() else { return };
    let github = data.join("json/github-events-2015-01-01.ndjson.gz");
    for (expression, number) in [
        ("true", "1000"),
        (".type == \"PushEvent\"", "596"),
        (".type == \"MemberEvent\"", "1"),
        ("has(\"org\")", "260"),
        (".created_at | startswith(\"2015-01-01T01:00\")", "178"),
    ] {
        assert_eq!(count(expression, &github), number, "{expression}");
    }
    let wikipedia = data.join("json/wikipedia-edits-2015-09-12.ndjson.gz");
    for (expression, number) in [
        (".isRobot", "15413"),
        (".isRobot | not", "23819"),
        (".channel == \"#en.wikipedia\"", "11544"),
        (".countryIsoCode != null", "3798"),
        (".countryIsoCode == \"US\"", "528"),
        (".delta > 199818 or .delta < -500", "0"),
    ] {
        assert_eq!(count(expression, &wikipedia), number, "{expression}");
    }
}

#[test]
fn nested_fields_of_real_events_are_found() {
    let Some(data) = shared_data() else { return };
    let github = data.join("json/github-events-2015-01-01.ndjson.gz");
    let files = Files::new();
    let read = run(Command::new("zcat").arg(data.join("json/twitter.json.gz")), "").stdout;
    let twitter: serde_json::Value = serde_json::from_str(&read).unwrap();
    let tweets = twitter["statuses"].as_array().unwrap();
    let lines: String = tweets.iter().map(|tweet| format!("{tweet}\n")).collect();
    let twitter = PathBuf::from(files.write("twitter.ndjson", lines));
    // Counted by the data's README, and by serde_json here.
    let of = |test: fn(&serde_json::Value) -> bool| tweets.iter().filter(|t| test(t)).count();
    let popular = of(|tweet| tweet["user"]["followers_count"].as_i64() > Some(500));
    let newlines = of(|tweet| tweet["text"].as_str().unwrap().contains('\n'));
    let replies = of(|tweet| {
        let name = &tweet["entities"]["user_mentions"][0]["screen_name"];
        name.is_string() && *name == tweet["in_reply_to_screen_name"]
    });
    for (path, expression, number) in [
        (&github, ".payload.size >= 0 and .type == \"PushEvent\"", 596),
        (&github, ".repo.name | contains(\"/\")", 1000),
        (&github, "(.created_at | test(\"T01:07\")) and .actor.login != null", 85),
        (&twitter, ".user.screen_name | type == \"string\"", 100),
        (&twitter, ".metadata.iso_language_code == \"zh\"", 4),
        (&twitter, ".user.followers_count > 500", popular),
        (&twitter, ".text | contains(\"\\n\")", newlines),
        (
            &twitter,
            ".entities.user_mentions[0].screen_name as $name | $name != null and \
             $name == .in_reply_to_screen_name",
            replies,
        ),
        (
            &twitter,
            ".entities.user_mentions[0].screen_name != null and \
             .entities.user_mentions[0].screen_name == .in_reply_to_screen_name",
            replies,
        ),
    ] {
        for trust in [&[][..], &["--trust"]] {
            let path = path.to_str().unwrap();
            let ran = filter(&[trust, &["-c", expression, path]].concat(), "");
            assert_eq!(ran.stdout.trim_end(), number.to_string(), "{expression}: {}", ran.stderr);
        }
    }
}

#[test]
fn an_explanation_says_which_evaluator_runs_and_what_is_read() {
    let explained = |expression: &str| {
        let ran = filter(&["--explain", expression, "no-such-file"], "");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        ran.stdout
    };
    assert_eq!(explained(".a.b > 1 and .c"), "evaluator: fast\nreads: .a.b .c\n");
    let not_fast = "evaluator: jaq\nnot fast: 'map'\nreads: .items\n";
    assert_eq!(explained(".items | map(.x)"), not_fast);
    let all = "evaluator: jaq\nnot fast: 'keys'\nreads: the whole record\n";
    assert_eq!(explained("keys == []"), all);
    assert_eq!(explained("true"), "evaluator: fast\nreads: nothing\n");
    let ran = filter(&["--explain", "--arg", "user", "x", ".user == $user"], "");
    assert_eq!(ran.stdout, "evaluator: fast\nreads: .user\n");
}

#[test]
fn bad_records_between_good_ones_are_told_with_their_lines_in_a_block() {
    let files = Files::new();
    let rejects = files.path("rejects");
    let input = "{\"a\":1}\n\n{\"a\":\"x\ny\"}\n{\"a\":2}\r\n{\"a\":[}\n{\"@millstream\":\
                 {\"watermark\":\"end\"}}\n{\"a\":3}{\n{\"a\":4}";
    let ran = filter(&["--rejects", &rejects, ".a != 2"], input);
    assert_eq!(ran.stdout, "{\"a\":1}\n{\"@millstream\":{\"watermark\":\"end\"}}\n{\"a\":4}\n");
    for line in [3, 4, 6, 8] {
        assert!(
            ran.stderr.contains(&format!("stdin:{line}: rejected: not valid JSON")),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(
        std::fs::read_to_string(&rejects).unwrap(),
        "{\"a\":\"x\ny\"}\n{\"a\":[}\n{\"a\":3}{\n"
    );
    // What nobody looks at need not be valid where it is trusted.
    let ran = filter(&["--trust", ".a == 1"], "{\"a\":1,\"b\":01}\n");
    assert_eq!(ran.stdout, "{\"a\":1,\"b\":01}\n");
}

#[test]
fn the_json_test_suite_is_accepted_and_rejected() {
    let Some(data) = shared_data() else { return };
    let suite = data.join("malformed/json-test-suite");
    let mut seen = (0, 0);
    for entry in std::fs::read_dir(suite).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        // A record is one line; white space alone is no record, nor is a byte order mark.
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if line == b"\xef\xbb\xbf"
            || line.contains(&b'\n')
            || line.iter().all(u8::is_ascii_whitespace)
        {
            continue;
        }
        // Both evaluators: one with a definition is not fast.
        let slow = filter(&["def f: true; f"], &bytes);
        let ran = filter(&["true"], &bytes);
        assert_eq!((&ran.stdout, ran.status), (&slow.stdout, slow.status), "{name}");
        assert_eq!(ran.stderr, slow.stderr, "{name}");
        if name.starts_with("y_") {
            assert_eq!(ran.status, 0, "{name}: {}", ran.stderr);
            assert_eq!(ran.stdout.trim_end().as_bytes(), line.trim_ascii_end(), "{name}");
            seen.0 += 1;
        } else if name.starts_with("n_") {
            assert_eq!(ran.status, 65, "{name}");
            assert!(
                ran.stderr.starts_with("filter: stdin:1: not valid JSON: "),
                "{name}: {}",
                ran.stderr
            );
            seen.1 += 1;
        } else {
            assert!([0, 65].contains(&ran.status), "{name}: {}", ran.status);
        }
    }
    assert!(seen.0 > 80 && seen.1 > 150, "{seen:?}");
}

#[test]
fn naughty_strings_pass_unchanged() {
    let Some(data) = shared_data() else { return };
    let text = std::fs::read_to_string(data.join("malformed/naughty-strings.json")).unwrap();
    let strings: Vec<String> = serde_json::from_str(&text).unwrap();
    let lines: String =
        strings.iter().map(|string| serde_json::to_string(string).unwrap() + "\n").collect();
    let ran = filter(&["type == \"string\" and . == (tojson | fromjson)"], &lines);
    assert_eq!((ran.status, ran.stdout == lines), (0, true));
}

#[test]
fn the_version_is_told() {
    let ran = filter(&["--version"], "");
    let version = format!("filter {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((ran.status, ran.stdout), (0, version));
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let mut command: Command = tool("filter", &["."]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"1\n").unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 74);
    assert!(ran.stderr.starts_with("filter: standard output: "), "{}", ran.stderr);
}

#[test]
fn what_is_not_kept_goes_to_another_place() {
    let dir = TempDir::new().unwrap();
    let others = dir.path().join("others");
    let place = others.to_str().unwrap();
    let input = "1\n{\"@millstream\":{\"watermark\":{\"ms\":7}}}\n 2\n3\n";
    let control = "{\"@millstream\":{\"watermark\":{\"ms\":7}}}\n";
    let ran = filter(&["--else", place, ". == 2"], input);
    assert_eq!((ran.status, ran.stdout), (0, format!("{control} 2\n")));
    assert_eq!(std::fs::read_to_string(&others).unwrap(), format!("1\n{control}3\n"));
    // Behind what is there, as with all files in which tools keep something.
    assert_eq!(filter(&["--else", place, "-c", ". > 3"], "4\n0\n").stdout, "1\n");
    assert_eq!(std::fs::read_to_string(&others).unwrap(), format!("1\n{control}3\n0\n"));
    let ran = filter(&["--else", "/nonexistent/x", "."], "1\n");
    assert_eq!(ran.status, 73, "{ran:?}");
}

#[test]
fn the_other_place_may_be_a_command_of_the_shell() {
    let script = format!(
        "{{ {} '. > 1' --else >(sed s/^/no:/ >&3) | sed s/^/yes:/; }} 3>&1",
        common::bin("filter").display()
    );
    let mut bash = Command::new("bash");
    let ran = run(bash.args(["-c", &script]), "1\n2\n3\n");
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["no:1", "yes:2", "yes:3"], "{ran:?}");
}

#[test]
fn both_ways_out_are_live() {
    let dir = TempDir::new().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut command = tool("filter", &["--else", fifo.to_str().unwrap(), ". > 1"]);
    let mut child = Guard(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut others = BufReader::new(File::open(&fifo).unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut kept = BufReader::new(child.0.stdout.take().unwrap());
    for _ in 0..3 {
        input.write_all(b"1\n2\n").unwrap();
        assert_eq!(next_line(&mut others), "1\n");
        assert_eq!(next_line(&mut kept), "2\n");
    }
    drop(input);
    assert_eq!(next_line(&mut others), "");
}

#[test]
fn of_each_key_the_first_is_kept() {
    let input = "{\"k\":1,\"n\":1}\n{\"k\":2,\"n\":2}\n{\"k\":1,\"n\":3}\n{\"n\":4}\n{\"n\":5}\n";
    let kept = |args: &[&str]| {
        let ran = filter(args, input);
        assert_eq!(ran.status, 0, "{ran:?}");
        let numbers = ran.stdout.lines().map(|line| line.trim_end_matches('}').chars().last());
        numbers.map(Option::unwrap).collect::<String>()
    };
    assert_eq!(kept(&["true", "--unique", ".k"]), "124");
    assert_eq!(kept(&[".n > 1", "--unique", ".k"]), "234");
    assert_eq!(kept(&["-v", ".n > 3", "--unique", ".k"]), "12");
    assert_eq!(kept(&["true", "--unique", ".k", "--last", "1"]), "1234");
    assert_eq!(kept(&["true", "--unique", "[.k, .n % 2]"]), "1245");
    assert_eq!(filter(&["-c", "true", "--unique", ".k"], input).stdout, "3\n");
}

#[test]
fn a_key_may_be_forgotten_after_its_time() {
    let at = |seconds: u32| format!("{{\"id\":7,\"ts\":\"2024-01-01T00:00:{seconds:02}Z\"}}\n");
    let input: String = [0, 9, 10, 3, 30].map(at).concat();
    let args = ["true", "--unique", ".id", "--within", "10s", "--time", ".ts"];
    assert_eq!(filter(&args, &input).stdout, [0, 10, 30].map(at).concat());
    // Long before the record that was kept there was none.
    let early = "{\"id\":1,\"ts\":1000}\n{\"id\":1,\"ts\":991}\n{\"id\":1,\"ts\":100}\n";
    let kept = "{\"id\":1,\"ts\":1000}\n{\"id\":1,\"ts\":100}\n";
    assert_eq!(filter(&args, early).stdout, kept);
    let ran = filter(&args, "{\"id\":1}\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("stdin:1: --time '.ts': the record has no event time"), "{ran:?}");
    for wrong in [&["true", "--within", "1s"][..], &["true", "--last", "3"], &args[..5]] {
        assert_eq!(filter(wrong, "").status, 2, "{wrong:?}");
    }
}

#[test]
fn values_come_from_the_shell() {
    let kept = |args: &[&str]| filter(args, "{\"a\":\"x y\"}\n{\"a\":7}\n").stdout;
    assert_eq!(kept(&["--arg", "v", "x y", ".a == $v"]), "{\"a\":\"x y\"}\n");
    assert_eq!(kept(&[".a == $v", "--argjson", "v", "7"]), "{\"a\":7}\n");
    assert_eq!(kept(&["--argjson", "v", "[\"z\",7]", ".a | IN($v[])"]), "{\"a\":7}\n");
    assert_eq!(kept(&["--arg", "v", "--", ".a == $v"]), "");
    assert_eq!(kept(&["--argjson", "v", "7", "--argjson", "v", "8", ".a == $v"]), "{\"a\":7}\n");
    for (args, why) in [
        (&["--argjson", "v", "{", "."][..], "--argjson: the value of v is not valid JSON"),
        (&["--argjson", "v", "7", "--arg", "v", "1", "."], "--argjson: --arg sets v too"),
        (&["--arg", "1v", "x", "."], "--arg: '1v' is not a name"),
        (&[".a == $w"], "undefined variable '$w'"),
    ] {
        let ran = filter(args, "1\n");
        assert_eq!(ran.status, 2);
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
}

#[test]
fn a_condition_that_is_always_true_is_refused() {
    let ran = filter(&[".status = 500"], "{\"status\":200}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    let why = "filter: EXPR: '.status = 500': '=' assigns, and its result is always true at \
               column 9; did you mean '=='? --allow-assignment accepts it\n";
    assert_eq!(ran.stderr, why);
    for condition in [
        ".a |= 1",
        ".a | .b = 1",
        ".a == 1 and (.b = 2)",
        ".a == 1 or 2",
        "500",
        "select(.a = 500)",
        ".a = 1, .b",
        "if .a then .b = 1 else .c = 1 end",
        "(.a = 1)?",
        "\"\\(.a)\"",
    ] {
        assert_eq!(filter(&[condition], "{}\n").status, 2, "{condition}");
    }
    let why = "filter: EXPR: '500': a number is always true at column 1; compare it with something, \
               as in .a == 500; --allow-assignment accepts it\n";
    assert_eq!(filter(&["500"], "{}\n").stderr, why);
    assert_eq!(filter(&["--allow-assignment", ".a = 1"], "{}\n").stdout, "{}\n");
    assert_eq!(filter(&["true"], "{}\n").stdout, "{}\n");
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("condition.jq");
    std::fs::write(&file, ".a = 1").unwrap();
    let file = file.to_str().unwrap();
    let ran = filter(&["-f", file], "{}\n");
    assert!(ran.status == 2 && ran.stderr.starts_with(&format!("filter: {file}: ")), "{ran:?}");
}

#[test]
fn a_file_in_the_place_of_the_expression_is_told() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.ndjson");
    std::fs::write(&file, "{}\n").unwrap();
    let ran = filter(&[file.to_str().unwrap(), ".x"], "");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("this is a file; the expression comes before it"), "{ran:?}");
}

#[test]
fn an_expression_may_stand_in_a_file() {
    let dir = TempDir::new().unwrap();
    let (expression, input) = (dir.path().join("big.jq"), dir.path().join("in.ndjson"));
    std::fs::write(&expression, "# only large ones\n  . >\n    $least\n").unwrap();
    std::fs::write(&input, "1\n5\n").unwrap();
    let expression = expression.to_str().unwrap();
    let args = ["-f", expression, "--argjson", "least", "3"];
    assert_eq!(filter(&args, "9\n2\n").stdout, "9\n");
    let args = [&args[..], &[input.to_str().unwrap()]].concat();
    assert_eq!(filter(&args, "9\n").stdout, "5\n");
    std::fs::write(expression, ". >").unwrap();
    let ran = filter(&["-f", expression], "");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.starts_with(&format!("filter: {expression}: ")), "{ran:?}");
    assert_eq!(filter(&["-f", "/nonexistent"], "").status, 74);
    assert_eq!(filter(&[], "").status, 2);
}

#[test]
fn a_stream_may_say_that_it_is_to_be_trusted() {
    let start =
        |trusted: bool| format!("{{\"@millstream\":{{\"start\":{{\"trusted\":{trusted}}}}}}}\n");
    // Bad where nobody looks: seen unless the stream is trusted.
    let odd = "{\"a\":1,\"b\":tru}\n";
    let ran = filter(&[".a == 1"], start(true) + odd);
    // It has no end, and is passed on all the same.
    assert_eq!((ran.status, ran.stdout), (65, start(true) + odd));
    let end = "{\"@millstream\":{\"end\":{}}}\n";
    let ran = filter(&[".a == 1"], start(true) + odd + end);
    assert_eq!((ran.status, ran.stdout), (0, start(true) + odd + end));
    // What comes after its end is no part of it.
    let ran = filter(&[".a == 1"], start(true) + end + odd);
    assert_eq!((ran.status, ran.stdout), (65, start(true) + end));
    assert_eq!(filter(&[".a == 1"], odd).status, 65);
    assert_eq!(filter(&[".a == 1"], start(false) + odd).status, 65);
    let again = start(true) + end + &start(false);
    let ran = filter(&[".a == 1"], again.clone() + odd);
    assert_eq!((ran.status, ran.stdout), (65, again));
    assert_eq!(filter(&["--trust", ".a == 1"], start(false) + odd + end).status, 0);
    // What one file says of itself holds for that one; and with several cores it counts for nothing.
    let dir = TempDir::new().unwrap();
    let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
    std::fs::write(&first, start(true) + odd + end).unwrap();
    std::fs::write(&second, odd).unwrap();
    let [first, second] = [first.to_str().unwrap(), second.to_str().unwrap()];
    let ran = filter(&[".a == 1", first, second], "");
    assert_eq!((ran.status, ran.stdout), (65, start(true) + odd + end));
    assert_eq!(filter(&["-j", "2", ".a == 1", first], "").status, 65);
}

//! `filter` and `map` on several cores, `-j`: they do what they do on one.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use crate::common::{Guard, Ran, gzip, next_line, run, tool};
use tempfile::TempDir;

/// The largest span of a file that one core gets.
const SPAN_BYTES: usize = 512 << 10;
/// The block in which all other input is read.
const BLOCK_BYTES: usize = 256 << 10;

/// What comes of the same input on one core and on several: output, messages, status, and files.
fn alike(args: &[&str], input: &[u8]) -> Ran {
    alike_of("filter", args, input)
}

fn alike_of(name: &str, args: &[&str], input: &[u8]) -> Ran {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("in.ndjson"), input).unwrap();
    let outcome = |jobs: &str, from_file: bool| {
        let (rejects, others) = (dir.path().join("rejects"), dir.path().join("others"));
        let _ = (std::fs::remove_file(&rejects), std::fs::remove_file(&others));
        let fill = |arg: &&str| match *arg {
            "REJECTS" => rejects.to_str().unwrap().to_owned(),
            "OTHERS" => others.to_str().unwrap().to_owned(),
            arg => arg.to_owned(),
        };
        let mut all: Vec<String> = args.iter().map(fill).collect();
        all.extend(["-j".to_owned(), jobs.to_owned()]);
        if from_file {
            all.push("in.ndjson".to_owned());
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let ran =
            run(tool(name, &all).current_dir(dir.path()), if from_file { b"" } else { input });
        let told = ran.stderr.replace("in.ndjson", "stdin");
        let files = [rejects, others].map(|path| std::fs::read(path).unwrap_or_default());
        (ran, told, files)
    };
    let (one, told, files) = outcome("1", true);
    for (jobs, from_file) in [("2", true), ("3", true), ("7", true), ("1", false), ("3", false)] {
        let (several, also_told, other_files) = outcome(jobs, from_file);
        assert_eq!(several.status, one.status, "{args:?} -j {jobs}: {several:?}");
        assert!(several.stdout == one.stdout, "{args:?} -j {jobs}");
        assert_eq!(also_told, told, "{args:?} -j {jobs}");
        assert!(other_files == files, "{args:?} -j {jobs}");
    }
    one
}

/// Numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % end
    }
}

/// Lines of all kinds and lengths, at least so many bytes.
fn lines(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < bytes {
        let filler = match dice.below(400) {
            0 => SPAN_BYTES + dice.below(3 * SPAN_BYTES),
            1..5 => dice.below(SPAN_BYTES / 4),
            _ => dice.below(300),
        };
        let number = dice.below(1000);
        match dice.below(50) {
            0 => text.extend_from_slice(b"\n \n\r\n"),
            1 => text.extend_from_slice(
                format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{number}}}}}}}\n").as_bytes(),
            ),
            _ => {
                text.extend_from_slice(format!("{{\"n\":{number},\"x\":\"").as_bytes());
                text.resize(text.len() + filler, b'x');
                text.extend_from_slice(if dice.below(9) == 0 { b"\"}\r\n" } else { b"\"}\n" });
            }
        }
    }
    text
}

#[test]
fn several_cores_give_what_one_gives() {
    let mut input = Vec::new();
    for number in 0..60_000_u32 {
        let filler = "x".repeat(number as usize % 97);
        input.extend_from_slice(format!("{{\"n\":{number},\"x\":\"{filler}\"}}").as_bytes());
        input.extend_from_slice(if number % 5 == 0 { b"\r\n" } else { b"\n" });
        match number {
            _ if number % 1000 == 7 => input.extend_from_slice(b"\n  \n"),
            _ if number % 777 == 3 => input.extend_from_slice(
                format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{number}}}}}}}\n").as_bytes(),
            ),
            20_000 => input.extend_from_slice(format!("\"{}\"\n", "y".repeat(2 << 20)).as_bytes()),
            _ => {}
        }
    }
    let good = alike(&["--else", "OTHERS", ".n? % 3 == 0"], &input);
    assert_eq!(good.status, 0, "{}", good.stderr);
    assert!(good.stdout.lines().count() > 20_000);
    alike(&["-c", ".n? % 3 == 0"], &input);
    alike(&["-v", "-e", "true"], &input);
    // What jaq evaluates, and what fails for one record.
    alike(&["[.n?] | map(. // 0) | add % 7 == 0"], &input);
    let failed = alike(&[".n % 3 == 0"], &input);
    assert_eq!(failed.status, 65, "{}", failed.stderr);
    alike(&["--rejects", "REJECTS", "--else", "OTHERS", ".n % 3 == 0"], &input);
    alike(&["--max-record", "1MiB", "--rejects", "REJECTS", ".n? % 3 == 0"], &input);
    alike(&["--max-record", "1MiB", ".n? % 3 == 0"], &input);
    alike(&["--max-record", "1MiB", "--rejects", "REJECTS", ".n % 3 == 0 and .n != []"], &input);
    // The first of several bad lines counts, and the input may be cut short.
    let at = input.len() / 2;
    let mut bad = input.clone();
    bad.splice(at..at, *b"\nbad\n{\"n\":\n\xff\n");
    bad.truncate(bad.len() - 3);
    alike(&["--rejects", "REJECTS", ".n? % 3 == 0"], &bad);
    let told = alike(&[".n? % 3 == 0"], &bad).stderr;
    assert_eq!(told.lines().count(), 1, "{told}");
    for conflict in [&["-m", "3"][..], &["-q"], &["--unique", ".n"]] {
        let args = [conflict, &["-j", "2", "."]].concat();
        assert_eq!(run(&mut tool("filter", &args), "").status, 2, "{args:?}");
    }
}

#[test]
fn several_cores_hold_no_output_back() {
    let mut command = tool("filter", &["-j", "3", ". > 1"]);
    let mut child = Guard(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut kept = BufReader::new(child.0.stdout.take().unwrap());
    for _ in 0..3 {
        input.write_all(b"1\n2\n").unwrap();
        assert_eq!(next_line(&mut kept), "2\n");
    }
}

#[test]
fn map_on_several_cores_gives_what_it_gives_on_one() {
    let mut input = String::new();
    for number in 0..50_000 {
        input += &format!("{{\"n\":{number},\"x\":[{number},{{\"y\":\"{}\"}}]}}\n", number % 13);
        if number % 900 == 0 {
            input += &format!("{{\"@millstream\":{{\"watermark\":{{\"ms\":{number}}}}}}}\n");
        }
    }
    for expression in ["{n, y: .x[1]?.y}", ".x[]", "[.x[0], .n] | add", ".n / (.n - 30000)"] {
        alike_of("map", &[expression], input.as_bytes());
    }
}

#[test]
fn any_file_gives_what_it_gives_on_one_core() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let bytes = [1, 40 << 10, SPAN_BYTES, 6 * SPAN_BYTES][dice.below(4)];
        let mut text = lines(&mut dice, bytes);
        alike(&["--else", "OTHERS", ".n % 3 == 0"], &text);
        alike(&["--max-record", "300KiB", ".n % 3 == 0"], &text);
        alike_of("map", &["{n, x: .x[:3]}"], &text);
        // An end that is not there, or that is cut off; and something bad.
        text.extend_from_slice(b"{\"n\":33}");
        let ran = alike(&[".n % 3 == 0"], &text);
        assert!(ran.status == 0 && ran.stdout.ends_with("{\"n\":33}\n"));
        text.pop();
        assert_eq!(alike(&[".n % 3 == 0"], &text).status, 65);
        let at = dice.below(text.len());
        text.splice(at..at, *b"\n[1\n");
        assert_eq!(alike(&[".n % 3 == 0"], &text).status, 65);
        alike(&["--rejects", "REJECTS", ".n % 3 == 0"], &text);
    }
    for small in [&b""[..], b"\n", b"\n\r\n \n", b"1", b"1\n", b"1\n2", b"\n\n[\n", b"{\"a\":"] {
        alike(&["true"], small);
        alike(&["-c", "true"], small);
        alike(&["-e", "false"], small);
    }
}

#[test]
fn a_bad_record_at_the_border_of_spans_has_its_place() {
    const LINE_BYTES: usize = 64;
    let line = format!("{{\"n\":1,\"x\":\"{}\"}}\n", "x".repeat(LINE_BYTES - 15));
    assert_eq!(line.len(), LINE_BYTES);
    // With the first line as long as the others, one begins right where the span does.
    let border = 2 * SPAN_BYTES / LINE_BYTES;
    for shift in [-1, 0, 1] {
        let first = format!("{{\"n\":1,\"x\":\"{}\"}}\n", "x".repeat((49_i32 + shift) as usize));
        for bad in [border - 1, border, border + 1] {
            let mut text = first.clone() + &line.repeat(8 * SPAN_BYTES / LINE_BYTES);
            let at = bad * LINE_BYTES + first.len();
            text.replace_range(at..at + 1, "[");
            let ran = alike(&[".n == 1"], text.as_bytes());
            assert_eq!(ran.status, 65);
            let place = format!("in.ndjson:{}: ", bad + 2);
            assert!(ran.stderr.contains(&place), "{} and not {place}", ran.stderr);
            assert_eq!(ran.stdout.lines().count(), bad + 1);
        }
    }
}

#[test]
fn what_is_bad_is_told_in_order() {
    // A control record that lies across a border of blocks, and a bad record before it.
    let line = "{\"n\":1}\n";
    let mut text = line.repeat(BLOCK_BYTES / line.len() - 1).into_bytes();
    text.splice(0..1, *b"[");
    text.extend_from_slice(b"{\"@millstream\":{\"watermark\":{\"ms\":\"x\"}}}\n");
    text.extend_from_slice(line.as_bytes());
    assert_eq!(alike(&["--rejects", "REJECTS", "true"], &text).status, 65);
    assert_eq!(alike(&["true"], &text).status, 65);
}

#[test]
fn several_files_follow_each_other() {
    let dir = TempDir::new().unwrap();
    let mut dice = Dice(4711);
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
    let (large, other) = (lines(&mut dice, 3 * SPAN_BYTES), lines(&mut dice, SPAN_BYTES));
    write("large", &large);
    write("packed.gz", &gzip(&other));
    write("open", b"{\"n\":3}\n{\"n\":6}");
    write("empty", b"");
    write("bad", &[&large[..], b"{\"n\":3}\n{\"n\":\n"].concat());
    let run = |jobs: &str, files: &[&str]| {
        let args = [&["-j", jobs, ".n % 3 == 0"], files].concat();
        run(tool("filter", &args).current_dir(dir.path()), &other)
    };
    for files in [
        &["large", "packed.gz", "open", "empty", "large", "-", "large"][..],
        &["open", "large", "packed.gz", "bad", "large"],
        &["large", "large", "missing"],
    ] {
        let one = run("1", files);
        for jobs in ["2", "5"] {
            let several = run(jobs, files);
            assert_eq!((several.status, &several.stderr), (one.status, &one.stderr), "{files:?}");
            assert!(several.stdout == one.stdout, "{files:?}");
        }
    }
}

#[test]
fn a_file_on_standard_input_is_read_from_where_it_stands() {
    let text = lines(&mut Dice(5), 4 * SPAN_BYTES);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&text).unwrap();
    for begin in [0, 1, SPAN_BYTES, text.len() - 10, text.len(), text.len() + 10] {
        let mut read = |jobs| {
            file.seek(SeekFrom::Start(begin as u64)).unwrap();
            let mut command = tool("filter", &["-j", jobs, "true"]);
            let output = command.stdin(file.try_clone().unwrap()).output().unwrap();
            (Ran::from(output), file.stream_position().unwrap())
        };
        let (one, end) = read("1");
        let (several, also_end) = read("2");
        assert_eq!((several.status, several.stderr), (one.status, one.stderr), "{begin}");
        assert!(several.stdout == one.stdout, "{begin}");
        // After a bad record, nobody says how far it was read.
        if one.status == 0 {
            assert_eq!(also_end, end);
        }
    }
}

/// A tool that has begun to read a file, and waits for us to take its output.
fn begun(file: &Path) -> (Guard, BufReader<ChildStdout>) {
    let mut command = tool("filter", &["-j", "2", ".n >= 0", file.to_str().unwrap()]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child: Child = command.spawn().unwrap();
    let mut output = BufReader::with_capacity(16, child.stdout.take().unwrap());
    assert_eq!(next_line(&mut output), "{\"n\":1}\n");
    (Guard(child), output)
}

/// How it ends when we take all.
fn ended((mut child, mut output): (Guard, BufReader<ChildStdout>)) -> Ran {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    output.read_to_string(&mut stdout).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ran { status: child.0.wait().unwrap().code().unwrap(), stdout, stderr }
}

#[test]
fn a_file_may_grow_while_it_is_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("in.ndjson");
    // Far more than what is read ahead and what a pipe holds.
    let count = (16 << 20) / 8;
    let append = |text: &str| {
        OpenOptions::new().append(true).create(true).open(&path).unwrap().write_all(text.as_bytes())
    };
    append(&("{\"n\":1}\n".repeat(count) + "{\"n\"")).unwrap();
    let tool = begun(&path);
    append(":2}\n{\"n\":3}\n").unwrap();
    let ran = ended(tool);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout.lines().count(), count + 1);
    assert!(ran.stdout.ends_with("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"));
    let tool = begun(&path);
    append("{\"n\":4}\nbad\n{\"n\":5}\n").unwrap();
    let ran = ended(tool);
    assert_eq!((ran.status, ran.stdout.lines().count()), (65, count + 2));
    let place = format!("in.ndjson:{}: ", count + 4);
    assert!(ran.stderr.contains(&place), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_an_error() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("in.ndjson");
    std::fs::write(&path, "{\"n\":1}\n".repeat((16 << 20) / 8)).unwrap();
    let tool = begun(&path);
    File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let ran = ended(tool);
    assert_eq!(ran.status, 74);
    assert!(ran.stderr.contains("in.ndjson: the file was truncated"), "{}", ran.stderr);
    assert!(ran.stdout.ends_with("{\"n\":1}\n"));
}

//! Targets that are a call or two of pure code.

use std::cell::RefCell;

use millstream::expr::{Program, agreement};
use millstream::record::check::{Verdict, each_line};
use millstream::record::control::{Control, is_control};
use millstream::record::json::{DEPTH_MAX, validate};
use millstream::wire::request::Request;
use serde::de::IgnoredAny;

/// Any line is a request or refused; a request is written as something that reads the same.
pub fn request(line: &[u8]) {
    if let Ok(request) = Request::parse(line) {
        let mut out = Vec::new();
        request.write(&mut out);
        assert_eq!(Request::parse(&out), Ok(request));
    }
}

/// Any line is a control record or none; one is written as something that reads the same.
pub fn control(line: &[u8]) {
    let parsed = Control::parse(line);
    let _ = is_control(line);
    if let Ok(control) = parsed {
        let mut out = Vec::new();
        control.write(&mut out);
        assert!(is_control(&out), "{control:?}");
        assert_eq!(Control::parse(&out).ok(), Some(control));
    }
}

/// The log's validator and serde_json agree on what is JSON, but for the validator's own limit.
pub fn json(line: &[u8]) {
    let ours = validate(line);
    if let Err(error) = &ours {
        assert!(error.at <= line.len(), "{error:?}");
    }
    if let Some(theirs) = is_json(line) {
        assert_eq!(ours.is_ok(), theirs, "{:?}: {ours:?}", String::from_utf8_lossy(line));
    }
}

/// Many lines at once are judged as each alone is, and as serde_json judges it. The first byte is
/// how many blanks stand before them, so that they lie in any way across what is scanned at once.
pub fn check(input: &[u8]) {
    // Enough for the quick check, which leaves short texts to the validator.
    const BLANK_BYTES: usize = 4 << 10;
    let Some((before, lines)) = input.split_first() else { return };
    let blanks = vec![b' '; BLANK_BYTES + usize::from(*before)];
    each_line(&[&blanks[..], b"\n", lines].concat(), |number, line, verdict| {
        let shown = String::from_utf8_lossy(line);
        match &verdict {
            Verdict::Blank => assert!(line.trim_ascii().is_empty(), "{number}: {shown:?}"),
            Verdict::Record => assert_eq!(validate(line), Ok(()), "{shown:?}"),
            Verdict::Bad(error) => assert_eq!(validate(line).as_ref(), Err(error), "{shown:?}"),
        }
        if let Some(theirs) = is_json(line) {
            assert_eq!(verdict == Verdict::Record, theirs, "{shown:?}: {verdict:?}");
        }
    });
}

/// By serde_json; `None` where that goes by other limits.
fn is_json(line: &[u8]) -> Option<bool> {
    let brackets = line.iter().filter(|byte| b"[{".contains(byte)).count();
    // Skipping a value, serde_json does not look at the encoding.
    let text = std::str::from_utf8(line);
    (brackets <= DEPTH_MAX)
        .then(|| text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()))
}

/// Expressions that together go through most of what is evaluated, whatever the record.
const EXPRESSIONS: [&str; 12] = [
    ".",
    ".a.b[0] // .c",
    ".a == 1 and (.b | length) > 2 or (.c | not)",
    "(.a + .b) * 2 - (.c / 3) % 4",
    "[.[]?] | sort | unique | map(tostring) | join(\",\")",
    "{a, b: .b?, \"c\\(.c)\": [..]}",
    ".. | numbers | floor",
    "to_entries? | map(.key | ascii_downcase | test(\"^a.*b?\"))",
    "tojson | fromjson | type",
    "try (.a | startswith(\"x\"), endswith(\"y\"), contains(\"z\")) catch .",
    "if has(\"a\")? then .a else (.[1:3]?, .[-1:]?) end",
    "keys? | length",
];

/// Words of jq that end soon and take little room, whatever they are given.
const TAME: [&str; 34] = [
    "a",
    "add",
    "all",
    "and",
    "any",
    "ascii_downcase",
    "b",
    "c",
    "catch",
    "contains",
    "elif",
    "else",
    "empty",
    "end",
    "endswith",
    "error",
    "explode",
    "false",
    "first",
    "floor",
    "has",
    "if",
    "keys",
    "last",
    "length",
    "not",
    "null",
    "or",
    "startswith",
    "then",
    "tojson",
    "tostring",
    "true",
    "try",
];

thread_local! {
    /// Compiling takes much longer than anything else here.
    static OWN: RefCell<Vec<Program>> = RefCell::new(
        EXPRESSIONS.iter().map(|source| Program::compile(&[source]).unwrap()).collect(),
    );
}

/// A byte that chooses an expression of our own, the rest of the first line another one, and a
/// record behind them: none makes anything panic, and both evaluators agree on the other one.
pub fn expression(input: &[u8]) {
    let Some((chosen, input)) = input.split_first() else { return };
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (source, record) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Ok(source) = std::str::from_utf8(source)
        && !source.is_empty()
    {
        match Program::compile(&[source]) {
            Ok(mut program) if is_tame(source) => {
                run(&mut program, record);
                if let Err(why) = agreement::check(source, record) {
                    panic!("the evaluators do not agree on {why}");
                }
            }
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    OWN.with_borrow_mut(|own| run(&mut own[usize::from(*chosen) % EXPRESSIONS.len()], record));
}

/// Whether it surely ends: jq is a whole language, in which one can also count to infinity.
fn is_tame(source: &str) -> bool {
    let mut words = source.split(|c: char| !c.is_ascii_alphabetic() && c != '_');
    let assigns = source.contains('=') && !source.contains("==");
    let grows = assigns || source.contains('*') || source.contains("..");
    !grows && words.all(|word| word.is_empty() || TAME.contains(&word))
}

fn run(program: &mut Program, record: &[u8]) {
    let Ok(mut record) = program.load(record) else { return };
    let _ = record.truth(0);
    let mut out = Vec::new();
    if record.write(0, &mut out).is_ok() {
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            assert!(validate(line).is_ok(), "{:?}", String::from_utf8_lossy(line));
        }
    }
    let _ = record.value(0).map(|value| {
        let mut text = Vec::new();
        value.write_json(&mut text);
        assert!(validate(&text).is_ok(), "{:?}", String::from_utf8_lossy(&text));
    });
}

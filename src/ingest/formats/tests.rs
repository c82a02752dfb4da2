//! What all formats have in common: however an input is cut into blocks, the same comes of it.

use std::ops::ControlFlow;

use super::csv::CsvOptions;
use super::pattern::Pattern;
use super::regex::{Groups, compile};
use super::{Form, Settings};
use crate::expr::Program;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::json::validate;
use crate::record::lines::Lines;

/// What a decoder handed over: records as `line:json`, with `~` if the input's end ended them; bad
/// ones as `line!why!bytes`, pieces joined.
#[derive(Default)]
pub(super) struct Seen(pub Vec<String>);

impl Sink for Seen {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        assert_eq!(validate(raw.bytes), Ok(()), "{}", String::from_utf8_lossy(raw.bytes));
        assert!(!raw.bytes.contains(&b'\n'));
        let end = if raw.unterminated { "~" } else { "" };
        self.0.push(format!("{}:{}{end}", raw.line, String::from_utf8_lossy(raw.bytes)));
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        if !bad.continued {
            self.0.push(format!("{}!{}!", bad.line, bad.why));
        }
        let piece = bad.bytes.escape_ascii().to_string();
        self.0.last_mut().expect("a piece continues something").push_str(&piece);
        ControlFlow::Continue(())
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.0.push(format!("{line} is cut short: {why}"));
        ControlFlow::Continue(())
    }

    fn warn(&mut self, line: u64, why: &str) {
        self.0.push(format!("{line} warns: {why}"));
    }
}

/// Decodes an input in blocks of every size, which must not matter; and once more from where each
/// of them says that its next record begins.
#[track_caller]
pub(super) fn decode_all(decoder: impl Fn() -> Box<dyn Decoder>, input: &[u8]) -> Vec<String> {
    let decode = |block_bytes: usize| {
        let (mut decoder, mut seen, mut given) = (decoder(), Seen::default(), 0);
        for block in input.chunks(block_bytes) {
            assert!(decoder.decode(block, &mut seen).is_continue());
            given += block.len();
            assert!(decoder.pending() <= given as u64);
        }
        assert!(decoder.finish(&mut seen).is_continue());
        assert_eq!(decoder.pending(), 0);
        seen.0
    };
    let whole = decode(input.len().max(1));
    for block_bytes in 1..input.len() {
        assert_eq!(decode(block_bytes), whole, "blocks of {block_bytes}");
    }
    whole
}

/// The same, without the lines: what is read from the beginning up to where something is pending,
/// and from there on, is what is read at once.
#[track_caller]
pub(super) fn resume_anywhere(decoder: impl Fn() -> Box<dyn Decoder>, input: &[u8]) {
    let bare = |seen: Seen| {
        let text = |it: String| it.split_once([':', '!']).map(|(_, text)| text.to_owned());
        seen.0.into_iter().filter_map(text).collect::<Vec<String>>()
    };
    let mut whole = Seen::default();
    let mut one = decoder();
    assert!(one.decode(input, &mut whole).is_continue() && one.finish(&mut whole).is_continue());
    let whole = bare(whole);
    for at in 0..input.len() {
        let (mut first, mut seen) = (decoder(), Seen::default());
        assert!(first.decode(&input[..at], &mut seen).is_continue());
        let from = at - usize::try_from(first.pending()).unwrap();
        let mut second = decoder();
        assert!(second.decode(&input[from..], &mut seen).is_continue());
        assert!(second.finish(&mut seen).is_continue());
        assert_eq!(bare(seen), whole, "from {from} of {at}");
    }
}

/// Every form, with an input that has good and bad lines.
fn all() -> Vec<(Form, &'static str)> {
    let combined = "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 5 \"-\" \"x\"\r\n\
                    h - - [1\n\n\n\
                    h - - [17/May/2015:10:05:03 +0000] \"\" 200 5 \"-\" \"x\" 7";
    vec![
        (Form::Ndjson, "{\"a\":1}\n\nx\r\n[1]\n\"\u{e4}\"\n3"),
        (Form::Json, "{\"a\":\n1} x\n\n[I] y\n[no] z\n[1, 2]"),
        (Form::Csv(CsvOptions::default()), "a,b\n1,\"x\ny\"\n\n2\r\n3,\u{e4}\n4,\"\""),
        (Form::Logfmt, "a=1 b=\"x\\n\"\nx\n\r\nc=\u{e4}\r\nd="),
        (Form::Common, "h - u v [17/May/2015:10:05:03 +0000] \"-\" 200 -\nx y\n\nz"),
        (Form::Combined, combined),
        (
            Form::Syslog,
            "<1>Mar  5 10:00:00 h a[1]: b\n<1>1 - - - - - - \u{e4}\r\n\nx\n<1>1 - - - - - -",
        ),
        (Form::Journal, "{\"__REALTIME_TIMESTAMP\":\"1\"}\nx\n\n{}"),
        (Form::Lines, "\n a\t\"b\"\r\n\n\u{e4}"),
        (Form::Regex(Groups::new("^(?<a>.)(?<b>..)?").unwrap()), "1\nabc\n\n\u{e4}bc\r\nx"),
        (Form::Pattern(Pattern::new("* [*]", "a,b").unwrap()), "1 [2]\nx\n\n\u{e4} []\r\n [3]"),
    ]
}

#[test]
fn blocks_do_not_matter_and_a_reader_resumes_anywhere() {
    for (form, input) in all() {
        let starts = Some(compile("^[^x]").unwrap());
        let lined = !matches!(form, Form::Json | Form::Csv(_));
        for (multiline, keep_bad) in [(None, None), (None, Some("bad".to_owned())), (starts, None)]
        {
            if multiline.is_some() && !lined {
                continue;
            }
            let form = form.clone();
            let settings = Settings { form, multiline, keep_bad, ..Settings::ndjson(100) };
            if settings.is_verbatim() {
                continue;
            }
            let seen = decode_all(|| settings.decoder(), input.as_bytes());
            assert!(seen.len() > 1, "{:?}: {seen:?}", settings.form);
            if settings.keep_bad.is_some() {
                assert!(seen.iter().all(|it| !it.contains('!')), "{:?}: {seen:?}", settings.form);
            }
            if !matches!(settings.form, Form::Csv(_)) {
                resume_anywhere(|| settings.decoder(), input.as_bytes());
            }
        }
    }
}

/// Holds records that are said to be compact to what the full evaluator makes of them.
struct Compact {
    whole: Program,
    count: usize,
}

impl Sink for Compact {
    fn record(&mut self, _: Raw<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        while lines.are_compact()
            && let Some(line) = lines.next_line()
        {
            let mut out = Vec::new();
            self.whole.load(line).unwrap().write(0, &mut out).unwrap();
            assert_eq!(out, [line, b"\n"].concat(), "{}", String::from_utf8_lossy(line));
            self.count += 1;
        }
        ControlFlow::Continue(())
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn compact_records_are_as_we_write_them() {
    let csv = (
        Form::Csv(CsvOptions::default()),
        "\"a\"\"\t\",b\\,@millstream\n\u{1}\u{7f}/,-0,1E+05\n\"\r\n\",1.50,\u{2028}\u{e4}\n",
    );
    for (form, input) in all().into_iter().chain([csv]) {
        let whole = Program::compile(&["."]).unwrap().without_fast();
        let mut seen = Compact { whole, count: 0 };
        let claims = matches!(form, Form::Csv(_) | Form::Common | Form::Combined | Form::Lines);
        let settings = Settings { form, ..Settings::ndjson(1000) };
        let mut decoder = settings.decoder();
        assert!(decoder.decode(input.as_bytes(), &mut seen).is_continue());
        assert_eq!(seen.count > 0, claims, "{:?}", settings.form);
    }
}

#[test]
fn lines_that_belong_together_are_one_record() {
    let multiline = Some(compile(r"^\S").unwrap());
    let settings = Settings { form: Form::Lines, multiline, ..Settings::ndjson(30) };
    let decode = |input: &str| decode_all(|| settings.decoder(), input.as_bytes());
    assert_eq!(
        decode("\n a\nb\r\n\tc\n\n d\ne"),
        ["2:{\"line\":\" a\"}", "3:{\"line\":\"b\\n\\tc\\n\\n d\"}", "7:{\"line\":\"e\"}~"]
    );
    let multiline = Some(compile(r"^\{").unwrap());
    let json = Settings { form: Form::Ndjson, multiline, ..Settings::ndjson(100) };
    assert_eq!(
        decode_all(|| json.decoder(), b"{\"a\": 1,\n \"b\": \"x y\"\n}\n{\"c\": 2}\n"),
        ["1:{\"a\":1,\"b\":\"x y\"}", "4:{\"c\": 2}~"]
    );
    let long = format!("a\n{}b\n", " x\n".repeat(20));
    let seen = decode(&long);
    let why = "1!the lines that belong together are longer than the limit of 30 bytes!a\\n x";
    assert!(seen[0].starts_with(why) && seen[1] == "22:{\"line\":\"b\"}~", "{seen:?}");
}

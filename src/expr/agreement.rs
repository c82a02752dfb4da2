//! Whether both evaluators give the same, for tests and fuzzing.

use std::ops::ControlFlow;

use super::{ParsedRecord, Program, RecordError};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines};

/// The longest line that is compared.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The ways to run a program over a text of lines.
const WAYS: [Way; 4] = [Way::Each, Way::Block, Way::Sift, Way::Rewrite];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All methods for each record.
    Each,
    /// The same, as many records at once as can be read fast.
    Block,
    Sift,
    Rewrite,
}

/// Runs an expression over a text of lines with both evaluators, record by record and by whole
/// blocks. False if the expression is none that the fast evaluator runs.
///
/// # Errors
/// Where the two differ: a message for people.
pub fn check(expression: &str, text: &[u8]) -> Result<bool, String> {
    let compile = || Program::compile(&[expression]);
    let (Ok(mut fast), Ok(slow)) = (compile(), compile()) else { return Ok(false) };
    if fast.explain().not_fast.is_some() {
        return Ok(false);
    }
    let mut slow = slow.without_fast();
    let mut valid = true;
    for way in WAYS {
        let expected = run(&mut slow, way, text);
        valid &= !expected.invalid;
        compare(expression, text, &expected, &run(&mut fast, way, text))?;
    }
    fast.trust(true);
    for way in WAYS {
        let given = run(&mut fast, way, text);
        if valid {
            compare(expression, text, &run(&mut slow, way, text), &given)?;
        }
    }
    Ok(true)
}

fn compare(expression: &str, text: &[u8], jaq: &Said, fast: &Said) -> Result<(), String> {
    if jaq.text == fast.text {
        return Ok(());
    }
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (jaq, fast, way) = (show(&jaq.text), show(&fast.text), fast.way);
    Err(format!("{expression}\nover\n{}\n{way:?} jaq:\n{jaq}\nfast:\n{fast}", show(text)))
}

fn run(program: &mut Program, way: Way, text: &[u8]) -> Said {
    let mut said = Said { way, text: Vec::new(), invalid: false };
    let mut decoder = LineDecoder::new(RECORD_BYTES_MAX);
    let mut sink = Run { program, said: &mut said };
    // In two blocks, so that a line lies across their border.
    let (first, second) = text.split_at(text.len() / 2);
    let _ = decoder.decode(first, &mut sink);
    let _ = decoder.decode(second, &mut sink);
    let _ = decoder.finish(&mut sink);
    said
}

/// All that a program said of the lines of a text.
struct Said {
    way: Way,
    text: Vec<u8>,
    invalid: bool,
}

impl Said {
    fn say(&mut self, what: &str) {
        self.text.extend_from_slice(what.as_bytes());
        self.text.push(b'\n');
    }

    fn truth(&mut self, record: &[u8], truth: bool) {
        self.text.extend_from_slice(record);
        self.say(if truth { " kept" } else { " not" });
    }
}

impl Said {
    fn record(&mut self, record: &mut ParsedRecord<'_, '_>) -> Result<(), RecordError> {
        if self.way != Way::Rewrite {
            let truth = record.truth(0)?;
            self.truth(record.record(), truth);
        }
        if matches!(self.way, Way::Each | Way::Block) {
            match record.value(0) {
                Ok(value) => self.say(&format!("{value:?}")),
                Err(error) => self.say(&error.to_string()),
            }
        }
        if self.way != Way::Sift {
            record.write(0, &mut self.text)?;
        }
        Ok(())
    }
}

struct Run<'r> {
    program: &'r mut Program,
    said: &'r mut Said,
}

impl Run<'_> {
    fn record(&mut self, record: &[u8]) -> Result<(), RecordError> {
        match self.program.load(record) {
            Ok(mut record) => self.said.record(&mut record),
            Err(error) => {
                self.said.invalid = true;
                Err(error)
            }
        }
    }
}

impl Sink for Run<'_> {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        if let Err(error) = self.record(raw.bytes) {
            self.said.say(&format!("{}: {error}", raw.line));
        }
        ControlFlow::Continue(())
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        match self.said.way {
            Way::Each => ControlFlow::Continue(()),
            Way::Block => {
                let mut records = self.program.records(lines);
                while let Some(mut record) = records.load_next_if(|_| true) {
                    let before = self.said.text.len();
                    if self.said.record(&mut record).is_err() {
                        // It comes again, alone.
                        self.said.text.truncate(before);
                        break;
                    }
                }
                ControlFlow::Continue(())
            }
            Way::Sift => self.program.sift(0, lines, |record, truth| {
                self.said.truth(record, truth);
                ControlFlow::Continue(())
            }),
            Way::Rewrite => {
                self.program.rewrite(0, lines, &mut self.said.text);
                ControlFlow::Continue(())
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        self.said.say(&format!("{}: {}", bad.line, bad.why));
        ControlFlow::Continue(())
    }
}

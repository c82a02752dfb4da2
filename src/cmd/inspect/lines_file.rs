//! The records of a plain file of any size: where they are is noted every so often, and they are
//! read when they are asked for. It may grow.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::chunk::{Chunk, Collector};
use super::feed::{Advance, Feed};
use super::plain_file::{PIECE_BYTES, PlainFile, Successor};
use crate::ingest::formats::Settings;
use crate::record::control::{Control, is_control};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::tui::row::Changes;

/// How many bytes of the pieces that were read last are kept.
const KEPT_BYTES: usize = 8 << 20;

/// A plain file.
pub struct LinesFile {
    plain: PlainFile,
    /// The number of the first record.
    first: u64,
    /// Where the text begins: after a byte order mark.
    begin: u64,
    /// Where the pieces begin that were seen.
    marks: Vec<Mark>,
    /// Where the records end that were seen, and what was counted before.
    seen: Mark,
    counting: Counting,
    tail: Tail,
    /// The length of the file when it was looked at last.
    length: u64,
    changes: Changes,
    kept: Vec<Arc<Chunk>>,
    note: Option<String>,
}

/// A place between two records.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    offset: u64,
    /// How many records are before it.
    records: u64,
    /// How many lines.
    lines: u64,
}

/// Counts the records of the file, from its beginning to its end.
struct Counting {
    decoder: Box<dyn Decoder>,
    counter: Counter,
    /// Where it has come to.
    offset: u64,
    /// How many line ends are before that.
    lines: u64,
    /// Whether the decoder takes no more.
    refused: bool,
}

/// What follows the records that were seen, up to the end of the file: records whose end only that
/// of the file is. More of them may come.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    end: u64,
    records: u64,
}

impl LinesFile {
    /// Reads a file from its beginning on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(plain: PlainFile) -> anyhow::Result<LinesFile> {
        let (begin, length) = (plain.begin()?, plain.length()?);
        let counting = Counting::from(&plain.settings, begin, 0);
        let note = plain.note.clone();
        Ok(LinesFile {
            plain,
            first: 0,
            begin,
            marks: Vec::new(),
            seen: Mark { offset: begin, ..Mark::default() },
            counting,
            tail: Tail::default(),
            length,
            changes: Changes::default(),
            kept: Vec::new(),
            note,
        })
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.plain.name
    }

    /// Whether its records are its lines.
    pub fn is_verbatim(&self) -> bool {
        self.plain.settings.is_verbatim()
    }

    /// The first record, which has not been seen yet, has this number.
    pub fn begin_at(&mut self, number: u64) {
        self.first = number;
        self.begin_again();
    }

    /// Forgets all that was seen.
    fn begin_again(&mut self) {
        self.seen = Mark { offset: self.begin, records: self.first, lines: 0 };
        self.counting = Counting::from(&self.plain.settings, self.begin, self.first);
        (self.marks, self.tail) = (Vec::new(), Tail::default());
        self.kept.clear();
    }

    /// The file that has its name now; see [`PlainFile::successor`].
    ///
    /// # Errors
    /// When the file cannot be asked.
    pub fn successor(&self) -> anyhow::Result<Option<Successor>> {
        self.plain.successor()
    }

    /// Sees the next piece.
    fn see(&mut self) -> anyhow::Result<Advance> {
        let from = self.counting.offset;
        let bytes = self.plain.read(from..self.length.min(from + PIECE_BYTES))?;
        self.counting.take(&bytes);
        self.note = self
            .counting
            .counter
            .note
            .take()
            .map_or(self.note.take(), |note| Some(format!("{}: {note}", self.plain.name)));
        self.pass()?;
        if self.counting.offset < self.length && !bytes.is_empty() && !self.counting.refused {
            return Ok(Advance::More);
        }
        self.length = self.length.min(self.counting.offset);
        let pending =
            self.seen.offset..self.length.min(self.seen.offset + self.plain.record_bytes_most());
        let records = match pending.is_empty() {
            true => 0,
            false => {
                let (mut decoder, _) = self.plain.decoder_at(self.begin, self.seen.offset)?;
                let mut counter = Counter::from(0);
                let _ = decoder.decode(&self.plain.read(pending)?, &mut counter);
                let _ = decoder.finish(&mut counter);
                counter.records
            }
        };
        self.tail = Tail { end: self.length, records };
        Ok(Advance::Idle)
    }

    /// Takes note of the records that have been counted and come to their end.
    fn pass(&mut self) -> anyhow::Result<()> {
        let Counting { decoder, counter, offset, lines, .. } = &self.counting;
        let end = offset.saturating_sub(decoder.pending());
        if end <= self.seen.offset || decoder.awaits_header() {
            return Ok(());
        }
        let after = self.plain.read(end..*offset)?;
        let lines = lines - memchr::memchr_iter(b'\n', &after).count() as u64;
        let passed = Mark { offset: end, records: counter.passed(), lines };
        let is_full = |last: &Mark| self.seen.offset - last.offset >= PIECE_BYTES / 2;
        if self.marks.last().is_none_or(is_full) {
            self.marks.push(self.seen);
        }
        self.seen = passed;
        Ok(())
    }

    /// Reads the records between two places.
    fn load(&mut self, from: Mark, to: Mark) -> anyhow::Result<Option<Arc<Chunk>>> {
        let is_one = to.records <= from.records + 1;
        let most = if is_one { self.plain.record_bytes_most() } else { u64::MAX };
        let bytes =
            self.plain.read(from.offset..to.offset.min(from.offset.saturating_add(most)))?;
        let mut collector = Collector::new(Arc::clone(&self.plain.name), from.records);
        let (mut decoder, head) = self.plain.decoder_at(self.begin, from.offset)?;
        collector.lines_before = from.lines.saturating_sub(head);
        let _ = decoder.decode(&bytes, &mut collector);
        let _ = decoder.finish(&mut collector);
        let Some(chunk) = collector.take().map(Arc::new) else { return Ok(None) };
        // It may have been shorter.
        self.kept.retain(|kept| kept.first != chunk.first);
        self.kept.push(Arc::clone(&chunk));
        let mut bytes: usize = self.kept.iter().map(|chunk| chunk.memory()).sum();
        while bytes > KEPT_BYTES && self.kept.len() > 1 {
            bytes -= self.kept.remove(0).memory();
        }
        Ok(Some(chunk))
    }
}

impl Feed for LinesFile {
    fn span(&self) -> Range<u64> {
        self.first..self.seen.records + self.tail.records
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let kept = self.kept.iter().find(|one| one.first <= number && number < one.end());
        if let Some(chunk) = kept {
            return Ok(Some(Arc::clone(chunk)));
        }
        let (from, to) = if number < self.seen.records {
            let at = self.marks.partition_point(|mark| mark.records <= number);
            let from = at.checked_sub(1).and_then(|before| self.marks.get(before));
            (from.copied(), self.marks.get(at).copied().unwrap_or(self.seen))
        } else if number < self.span().end {
            (Some(self.seen), Mark { offset: self.tail.end, ..self.seen })
        } else {
            return Ok(None);
        };
        let Some(from) = from.filter(|from| from.offset < to.offset) else { return Ok(None) };
        let chunk = self.load(from, to)?;
        Ok(chunk.filter(|chunk| chunk.first <= number && number < chunk.end()))
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        if self.counting.refused {
            return Ok(Advance::Idle);
        }
        if self.counting.offset < self.length {
            return self.see();
        }
        let length = self.plain.length()?;
        if length == self.length {
            return Ok(Advance::Idle);
        }
        if length < self.length {
            // It was written from its beginning again.
            self.begin = self.plain.begin()?;
            self.begin_again();
            self.changes.all += 1;
            let name = &self.plain.name;
            self.note = Some(format!("{name} was truncated: this is what it has now"));
        }
        self.changes.last += u64::from(self.tail.records > 0);
        let settled = self.settled();
        self.kept.retain(|chunk| chunk.end() <= settled);
        (self.length, self.tail) = (length, Tail::default());
        self.see()
    }

    fn settled(&self) -> u64 {
        self.seen.records
    }

    fn changes(&self) -> Changes {
        self.changes
    }

    fn progress(&self) -> Option<u16> {
        let left = self.counting.offset < self.length && !self.counting.refused;
        let share = self.counting.offset.saturating_mul(1000).checked_div(self.length);
        share.filter(|_| left).map(|share| share.min(999) as u16)
    }

    fn has_ended(&self) -> bool {
        self.progress().is_none()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }
}

impl Counting {
    /// From the beginning of a file on, with so many records before it.
    fn from(settings: &Settings, offset: u64, records: u64) -> Counting {
        let (decoder, counter) = (settings.decoder(), Counter::from(records));
        Counting { decoder, counter, offset, lines: 0, refused: false }
    }

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) {
        let flow = self.decoder.decode(bytes, &mut self.counter);
        self.refused = flow.is_break();
        self.offset += bytes.len() as u64;
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
    }
}

/// Counts records as [`Collector`] collects them.
struct Counter {
    records: u64,
    /// Whether the last one is a line that is too long, and its end has not come.
    is_open: bool,
    note: Option<String>,
}

impl Counter {
    /// After so many records.
    fn from(records: u64) -> Counter {
        Counter { records, is_open: false, note: None }
    }

    /// How many there are whose end has come.
    fn passed(&self) -> u64 {
        self.records - u64::from(self.is_open)
    }
}

impl Sink for Counter {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let is_silent = is_control(raw.bytes) && Control::parse(raw.bytes).is_ok();
        self.records += u64::from(!is_silent);
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        self.records += u64::from(!bad.continued);
        self.is_open = bad.more;
        ControlFlow::Continue(())
    }

    fn note(&mut self, what: &str) {
        self.note = Some(what.to_owned());
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        self.note = Some(why);
        ControlFlow::Break(())
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.note = Some(format!("line {line}: {why}"));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
pub mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::ingest::formats::csv::CsvOptions;
    use crate::ingest::formats::{Choice, Form};
    use crate::tui::row::ROW_BYTES_MAX;

    /// Opens a file that can be read so.
    pub fn open(path: &Path, choice: &Choice) -> LinesFile {
        LinesFile::new(PlainFile::open(path, choice).unwrap().unwrap()).unwrap()
    }

    /// NDJSON with lines of at most so many bytes.
    pub fn ndjson(record_bytes_max: usize) -> Choice {
        Choice::Named(Settings::ndjson(record_bytes_max))
    }

    /// Sees all of the file, and gives its records with their lines.
    fn all(file: &mut LinesFile) -> Vec<(String, String)> {
        while file.advance().unwrap() == Advance::More {}
        let rows = file.span().map(|number| {
            let chunk = file.chunk(number).unwrap().unwrap();
            let row = chunk.row(number, ROW_BYTES_MAX).unwrap();
            (row.place, String::from_utf8_lossy(&row.text).into_owned())
        });
        rows.collect()
    }

    fn lines(text: &str) -> Vec<(String, String)> {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let silent = |line: &str| line.starts_with("{\"@millstream\":{\"start");
        let lines = lines.filter(|(_, line)| !silent(line));
        lines.map(|(number, line)| (format!("f:{number}"), line.to_owned())).collect()
    }

    proptest! {
        #[test]
        fn a_file_may_grow_anywhere(
            pieces in prop::collection::vec("[ab]{0,3}\n{0,2}|\\{\"@millstream\":\\{\"start\":\\{\\}\\}\\}\n", 1..12),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            let mut written = File::create(&path).unwrap();
            let mut file = open(&path, &ndjson(1 << 20));
            file.plain.name = Arc::from("f");
            let mut text = String::new();
            for piece in pieces {
                written.write_all(piece.as_bytes()).unwrap();
                text += &piece;
                prop_assert_eq!(all(&mut file), lines(&text));
            }
        }
    }

    #[test]
    fn a_file_of_many_pieces_is_read_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let text: String = (0..100_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        let mut file = open(&path, &ndjson(1 << 20));
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..100_000);
        assert!(file.marks.len() > 3);
        for number in [0, 99_999, 50_000, 1, 77_777] {
            let chunk = file.chunk(number).unwrap().unwrap();
            assert_eq!(chunk.record(number), Some(format!("{{\"n\":{number}}}").as_bytes()));
        }
        assert!(file.chunk(100_000).unwrap().is_none());
        std::fs::write(&path, "1\n2\n").unwrap();
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..2);
        assert!(file.note().unwrap().contains("was truncated"));
    }

    #[test]
    fn changes_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "1\n").unwrap();
        let mut file = open(&path, &ndjson(1000));
        let mut then = |text: &str, (last, all)| {
            std::fs::write(&path, text).unwrap();
            while file.advance().unwrap() == Advance::More {}
            assert_eq!(file.changes(), Changes { last, all }, "{text}");
        };
        then("1\n", (0, 0));
        then("1\n{", (0, 0));
        then("1\n{\"a\"", (1, 0));
        then("1\n{\"a\":1}\n", (2, 0));
        then("1\n{\"a\":1}\n2\n", (2, 0));
        then("1\n", (2, 1));
    }

    #[test]
    fn few_bytes_are_kept_however_long_the_lines_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let line = format!("\"{}\"\n", "x".repeat(3 << 20));
        std::fs::write(&path, line.repeat(8)).unwrap();
        let mut file = open(&path, &ndjson(4 << 20));
        while file.advance().unwrap() == Advance::More {}
        for number in 0..8 {
            assert!(file.chunk(number).unwrap().unwrap().is_good(number));
            let bytes: usize = file.kept.iter().map(|chunk| chunk.memory()).sum();
            assert!(bytes <= KEPT_BYTES, "{bytes}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let text = format!("1\n{}\n3\n", "x".repeat(3 << 20));
        std::fs::write(&path, &text).unwrap();
        let mut file = open(&path, &ndjson(1 << 20));
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..3);
        let chunk = file.chunk(1).unwrap().unwrap();
        assert!(!chunk.is_good(1));
        assert_eq!(file.chunk(2).unwrap().unwrap().record(2), Some(&b"3"[..]));
    }

    /// What a decoder makes of all of a text at once, each record with its line.
    fn decoded(settings: &Settings, text: &str) -> Vec<(String, String)> {
        let mut collector = Collector::new(Arc::from("f"), 0);
        let mut decoder = settings.decoder();
        let _ = decoder.decode(text.as_bytes(), &mut collector);
        let _ = decoder.finish(&mut collector);
        let Some(chunk) = collector.take() else { return Vec::new() };
        let row = |number| {
            let row = chunk.row(number, ROW_BYTES_MAX).unwrap();
            (row.place, String::from_utf8_lossy(&row.text).into_owned())
        };
        (0..chunk.end()).map(row).collect()
    }

    fn formats() -> Vec<(Form, Option<&'static str>)> {
        let csv = CsvOptions { record_bytes_max: 1000, ..CsvOptions::default() };
        vec![
            (Form::Logfmt, None),
            (Form::Lines, Some("^[^ab]")),
            (Form::Csv(csv), None),
            (Form::Combined, None),
        ]
    }

    proptest! {
        /// In any format, however it grows: the same records as of the whole at once.
        #[test]
        fn a_file_of_any_format_may_grow_anywhere(
            pieces in prop::collection::vec("[ab=,\"]{0,3}\n{0,2}", 1..12),
            format in 0..formats().len(),
        ) {
            let (form, multiline) = formats().swap_remove(format);
            let multiline = multiline.map(|text| regex_automata::meta::Regex::new(text).unwrap());
            let settings = Settings { form, multiline, ..Settings::ndjson(1000) };
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            let mut written = File::create(&path).unwrap();
            let choice = Choice::Named(settings.clone());
            let mut file = open(&path, &choice);
            file.plain.name = Arc::from("f");
            let mut text = String::new();
            for piece in pieces {
                written.write_all(piece.as_bytes()).unwrap();
                text += &piece;
                prop_assert_eq!(all(&mut file), decoded(&settings, &text), "{:?}", text);
            }
        }
    }

    #[test]
    fn a_table_is_read_anywhere_with_its_header() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let rows: String = (0..100_000).map(|n| format!("{n},\"x\n{n}\"\n")).collect();
        std::fs::write(&path, format!("a,b\n{rows}")).unwrap();
        let form = Form::Csv(CsvOptions::default());
        let settings = Settings { form, ..Settings::ndjson(1 << 20) };
        let mut file = open(&path, &Choice::Named(settings));
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..100_000);
        assert!(file.marks.len() > 3);
        for number in [99_999, 50_000, 0] {
            let row = file.chunk(number).unwrap().unwrap().row(number, ROW_BYTES_MAX).unwrap();
            assert_eq!(*row.text, *format!("{{\"a\":{number},\"b\":\"x\\n{number}\"}}").as_bytes());
            assert!(row.place.ends_with(&format!("f:{}", 2 + 2 * number)), "{}", row.place);
        }
    }

    #[test]
    fn a_blank_end_is_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "1\n  ").unwrap();
        let mut file = open(&path, &ndjson(1000));
        while file.advance().unwrap() == Advance::More {}
        assert_eq!((file.span(), file.progress()), (0..1, None));
    }

    #[test]
    fn a_format_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "a=1 b=2\na=3 b=4\n").unwrap();
        let choice = Choice::Found(Settings::ndjson(1000));
        let mut file = open(&path, &choice);
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..2);
        assert!(file.note().unwrap().ends_with("f: logfmt"));
        std::fs::write(&path, "what is this\n").unwrap();
        assert!(PlainFile::open(&path, &choice).unwrap().is_none());
    }
}

//! The screen as it is after keys were pressed, compared with files of `tests/golden/inspect/`;
//! `MILLSTREAM_UPDATE=1` writes them. The tests are by subject, and the screen and its records are
//! here.

mod charts;
mod fields_pane;
mod records;
mod screen;
mod search;
mod topics;
mod trees;

use std::collections::VecDeque;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::expr::Program;

/// A screen, and records that are there at once.
struct Shown {
    state: State,
    records: Vec<String>,
    kept: Vec<usize>,
    epoch: u64,
    effects: Vec<Effect>,
    /// What was asked for, but for what is answered at once.
    asks: Vec<Ask>,
}

const RECORDS: usize = 1000;

/// Records of a web server; some are not alike.
fn records() -> Vec<String> {
    let record = |n: usize| match n {
        5 => "{\"at\":5,\"host\":\"東京\",\"path\":\"/\\u001b[31m\u{9b}2J\",\"status\":200}".into(),
        7 => "[1,2,3]".into(),
        11 => "not json".into(),
        _ => format!(
            "{{\"at\":{n},\"host\":\"web{}\",\"path\":\"/item/{}\",\"status\":{},\
             \"user\":{{\"id\":{},\"tags\":[\"a\",\"b\"]}}}}",
            n % 3,
            n * 7 % 100,
            if n % 10 == 9 { 500 } else { 200 },
            n / 10
        ),
    };
    (0..RECORDS).map(record).collect()
}

impl Shown {
    fn new(columns: u16, lines: u16) -> Shown {
        let (records, kept) = (records(), (0..RECORDS).collect());
        let state = State::new("access.ndjson".into(), false);
        let mut shown =
            Shown { state, records, kept, epoch: 0, effects: Vec::new(), asks: Vec::new() };
        let extent = shown.extent();
        shown.take([Event::Size(columns, lines), Event::Data(Data::Extent(extent))]);
        shown
    }

    fn extent(&self) -> Extent {
        let (records, ended) = (0..self.records.len() as u64, true);
        let span = 0..self.kept.len() as u64;
        Extent { epoch: self.epoch, span, records, ended, ..Extent::default() }
    }

    /// Takes events, and all that comes of them.
    fn take(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut events: VecDeque<Event> = events.into_iter().collect();
        while let Some(event) = events.pop_front() {
            for effect in self.state.take(event) {
                match effect {
                    Effect::Ask(ask) => events.extend(self.answer(ask).map(Event::Data)),
                    other => self.effects.push(other),
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask) -> impl Iterator<Item = Data> + use<> {
        let epoch = self.epoch;
        let answers = match ask {
            Ask::Rows { span, .. } => {
                let rows = span.clone().filter_map(|at| self.row(at)).collect();
                vec![Data::Rows { epoch, first: span.start, rows }]
            }
            Ask::Filter { epoch, expression, near } => match self.filter(expression.as_deref()) {
                Ok(kept) => {
                    (self.kept, self.epoch) = (kept, epoch);
                    let at = self.kept.partition_point(|kept| *kept < near as usize) as u64;
                    vec![Data::Extent(self.extent()), Data::Near { epoch, at }]
                }
                Err(why) => vec![Data::NotFiltered { epoch, why }],
            },
            Ask::Search { text, from, forward, .. } => {
                let pattern = pattern::Pattern::new(&text).unwrap();
                let is_hit = |at: &usize| pattern.is_in(self.records[self.kept[*at]].as_bytes());
                let at = match forward {
                    true => (from as usize..self.kept.len()).find(is_hit),
                    false => (0..=from as usize).rev().find(is_hit),
                };
                vec![Data::Found { epoch, at: at.map(|at| at as u64) }]
            }
            Ask::Seek { target, .. } => match target {
                Target::Record(number) => {
                    let at = self.kept.partition_point(|kept| *kept < number as usize) as u64;
                    vec![Data::Found { epoch, at: Some(at) }]
                }
                _ => vec![Data::Refused("no such place".into())],
            },
            Ask::Whole { at, .. } => self.row(at).map(Data::Whole).into_iter().collect(),
            Ask::Stop => Vec::new(),
            Ask::Fields { .. } => vec![Data::Fields(Box::new(self.survey()))],
            Ask::Chart { text, .. } => vec![Data::Chart(Box::new(charts::chart_of(text)))],
            other @ (Ask::Save { .. } | Ask::Command { .. }) => {
                self.asks.push(other);
                Vec::new()
            }
        };
        answers.into_iter()
    }

    fn filter(&self, expression: Option<&str>) -> Result<Vec<usize>, String> {
        let Some(expression) = expression else { return Ok((0..self.records.len()).collect()) };
        let mut program = Program::compile(&[expression]).map_err(|error| error.to_string())?;
        let mut is_kept = |at: &usize| {
            let record = program.load(self.records[*at].as_bytes());
            record.and_then(|mut record| record.truth(0)).unwrap_or(false)
        };
        Ok((0..self.records.len()).filter(|at| is_kept(at)).collect())
    }

    fn survey(&self) -> fields::Survey {
        let mut collector = crate::fields::Collector::new(100);
        let records = self.kept.iter().filter_map(|at| self.records.get(*at));
        let good = records.filter(|record| !record.starts_with("not"));
        good.for_each(|record| collector.record(record.as_bytes()));
        let (fields, records) = (collector.fields(), collector.records());
        let (all, left_out) = (self.kept.len() as u64, self.kept.len() as u64 - records);
        fields::Survey { fields, records, left_out, all, places: 1, ..fields::Survey::default() }
    }

    fn row(&self, at: u64) -> Option<Row> {
        let number = *self.kept.get(at as usize)?;
        let text = self.records[number].as_bytes();
        let fault = (number == 11).then(|| "it is not valid JSON".to_owned());
        let place = format!("access.ndjson:{}", number + 1);
        let (number, bytes) = (number as u64, text.len() as u64);
        Some(Row { number, place, time: None, text: text.into(), bytes, fault })
    }

    /// Presses keys, which are separated by blanks.
    fn press(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            self.take([Event::Key(key.to_owned())]);
        }
    }

    /// Types a line, and ends it.
    fn enter(&mut self, text: &str) {
        for c in text.chars() {
            let key = if c == ' ' { "Space".to_owned() } else { c.to_string() };
            self.take([Event::Key(key)]);
        }
        self.press("Enter");
    }

    fn terminal(&self, theme: Theme) -> Terminal<TestBackend> {
        let (columns, lines) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
        terminal.draw(|frame| draw(frame, &self.state, theme)).unwrap();
        terminal
    }

    /// The lines of the screen.
    fn lines(&self) -> String {
        plain::lines(&self.state).into_iter().map(|line| line + "\n").collect()
    }

    /// Compares the screen with a file.
    #[track_caller]
    fn check(&self, name: &str) {
        let file = format!("tests/golden/inspect/{name}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let lines = self.lines();
        if std::env::var_os("MILLSTREAM_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &lines).unwrap();
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(lines, wanted, "{file} differs; MILLSTREAM_UPDATE=1 writes it");
    }
}

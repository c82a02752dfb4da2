//! The screen as it is after keys were pressed, compared with files of `tests/golden/inspect/`;
//! `MILLSTREAM_UPDATE=1` writes them.

use std::collections::VecDeque;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

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
            Ask::Chart { text, .. } => vec![Data::Chart(Box::new(chart_of(text)))],
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

#[test]
fn records_are_lines() {
    let mut shown = Shown::new(80, 24);
    shown.check("lines");
    shown.press("#");
    shown.check("lines-with-places");
    shown.press("# Right Right");
    shown.check("lines-to-the-right");
    shown.take([Event::Size(120, 40)]);
    shown.press("Left Left G");
    shown.check("lines-at-the-end-120x40");
}

#[test]
fn records_are_a_table() {
    let mut shown = Shown::new(80, 24);
    shown.press("t");
    shown.check("table");
    shown.press("Right Right Right #");
    shown.check("table-to-the-right-with-places");
}

#[test]
fn a_record_is_a_tree() {
    let mut shown = Shown::new(80, 24);
    shown.press("j Enter");
    shown.check("tree");
    shown.press("G Left Left");
    shown.check("tree-folded");
    shown.press("J J");
    shown.check("tree-of-another-record");
    shown.press("q");
    assert_eq!((shown.state.tree.is_none(), shown.state.list.cursor), (true, 3));
}

#[test]
fn all_keys_are_listed() {
    let mut shown = Shown::new(80, 24);
    shown.press("h");
    shown.check("help");
    shown.press("Space Space");
    shown.check("help-at-the-end");
    shown.take([Event::Size(200, 60)]);
    shown.check("help-200x60");
    shown.press("h");
    assert_eq!(shown.state.help, None);
}

#[test]
fn records_are_searched() {
    let mut shown = Shown::new(80, 24);
    shown.press("/");
    shown.check("search-prompt");
    shown.enter("WEB2");
    assert_eq!(shown.state.message, Some(("not found".into(), false)));
    shown.press("/");
    shown.enter("web2");
    assert_eq!(shown.state.list.cursor, 2);
    shown.press("n N n n");
    assert_eq!(shown.state.list.cursor, 14, "the record in between has another host");
    shown.check("search");
    shown.press("?");
    shown.enter("\"at\":2,");
    assert_eq!(shown.state.list.cursor, 2);
    shown.press("/");
    shown.enter("a(");
    shown.check("search-refused");
    shown.press("Esc ?");
    shown.enter("at\":1,");
    shown.press("n");
    assert!(shown.lines().contains("found here, and in no record before this one"));
}

#[test]
fn a_tree_is_searched_and_then_the_next_records() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter - /");
    shown.enter("tags|web1");
    let at = |shown: &Shown| {
        let tree = shown.state.tree.as_ref().unwrap();
        (tree.row.number, tree.path(tree.cursor))
    };
    assert_eq!(at(&shown), (0, ".user.tags".into()));
    shown.check("tree-searched");
    shown.press("n");
    assert_eq!(at(&shown), (1, ".host".into()));
    shown.press("n n N");
    assert_eq!(at(&shown), (1, ".user.tags".into()));
    shown.press("N N");
    assert_eq!(at(&shown), (0, ".user.tags".into()));
    shown.press("N");
    assert!(shown.lines().contains("found here, and in no record before this one"));
}

#[test]
fn records_are_filtered() {
    let mut shown = Shown::new(80, 24);
    shown.press("5 0 1 g &");
    shown.check("filter-prompt");
    shown.enter(".status == 500");
    assert_eq!((shown.state.list.cursor, shown.kept.len()), (50, 100), "near the one before");
    shown.check("filter");
    shown.press("& End");
    shown.enter(" |");
    assert_eq!(shown.state.filter.as_deref(), Some(".status == 500"));
    shown.check("filter-refused");
    shown.press("Backspace Backspace Enter");
    assert_eq!((shown.state.filter.as_deref(), shown.kept.len()), (Some(".status == 500"), 100));
    shown.press("Esc");
    assert_eq!((shown.state.filter.clone(), shown.state.list.cursor), (None, 509));
}

/// Whatever else is refused meanwhile, as figures are while the log cannot be reached.
#[test]
fn a_filter_that_begins_is_named() {
    let mut shown = Shown::new(80, 24);
    shown.press("&");
    shown.state.take(Event::Paste(".status == 500".into()));
    let effects = shown.state.take(Event::Key("Enter".into()));
    let [Effect::Ask(Ask::Filter { epoch, .. })] = effects[..] else { panic!("{effects:?}") };
    shown.state.take(Event::Data(Data::Refused("the log is gone".into())));
    shown.state.take(Event::Data(Data::Extent(Extent { epoch, ..shown.extent() })));
    assert_eq!(shown.state.filter.as_deref(), Some(".status == 500"));
}

#[test]
fn a_value_of_the_tree_is_a_filter() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter j j &");
    assert_eq!(shown.state.prompt.as_ref().unwrap().text(), ".host == \"web0\"");
    shown.press("Enter");
    assert_eq!(shown.kept.len(), 334);
}

#[test]
fn the_cursor_goes_where_it_is_told() {
    let mut shown = Shown::new(80, 24);
    for (keys, at) in [
        ("G", 999),
        ("g", 0),
        ("5 0 p", 500),
        ("2 0 G", 19),
        ("3 j", 22),
        ("m a G ' a", 22),
        ("f", 44),
        ("b", 22),
        ("d", 33),
        ("u", 22),
        (": 9 0 % Enter", 900),
        (": 1 2 Enter", 11),
        ("' x", 11),
    ] {
        shown.press(keys);
        assert_eq!(shown.state.list.cursor, at, "{keys}");
    }
    shown.check("message");
}

#[test]
fn records_and_paths_are_copied() {
    let mut shown = Shown::new(80, 24);
    shown.press("y Y Enter j j Y");
    let copied: Vec<Effect> = shown.effects.drain(..).collect();
    let [first, place, path] = &copied[..] else { panic!("{copied:?}") };
    assert_eq!(first, &Effect::Copy(shown.records[0].clone()));
    assert_eq!(place, &Effect::Copy("access.ndjson:1".into()));
    assert_eq!(path, &Effect::Copy(".host".into()));
}

#[test]
fn it_ends_and_suspends() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter q ^Z ^L q");
    assert_eq!(shown.effects, [Effect::Suspend, Effect::Redraw, Effect::Quit]);
}

#[test]
fn it_follows_at_the_end() {
    let mut shown = Shown::new(80, 10);
    shown.press("F");
    shown.records.push("{\"new\":true}".into());
    shown.kept.push(RECORDS);
    let extent = Extent { ended: false, ..shown.extent() };
    shown.take([Event::Data(Data::Extent(extent))]);
    assert_eq!(shown.state.list.cursor, RECORDS as u64);
    shown.check("following");
}

#[test]
fn what_was_dropped_and_what_is_missing_is_said() {
    let mut shown = Shown::new(80, 10);
    let note = Some("stdin: the input was cut short: its end is missing".to_owned());
    let (span, records) = (400..1000, 400..1000);
    shown.take([Event::Data(Data::Extent(Extent { span, records, note, ..shown.extent() }))]);
    shown.check("dropped");
}

/// However small the screen is, and whatever is pressed, it is drawn.
#[test]
fn it_is_drawn_at_any_size() {
    let keys: Vec<&str> = keys::KEYS.iter().flat_map(|bound| bound.keys).copied().collect();
    for size in [(1, 1), (10, 3), (20, 4), (300, 2), (40, 100)] {
        let mut shown = Shown::new(size.0, size.1);
        for key in &keys {
            shown.press(key);
            shown.terminal(Theme::new(true));
            shown.press("東 Esc Esc");
        }
    }
}

#[test]
fn there_are_colours_unless_they_are_not_wanted() {
    let mut shown = Shown::new(80, 24);
    shown.press("/");
    shown.enter("web1");
    shown.press("j");
    let colours = |colour: bool| {
        let terminal = shown.terminal(Theme::new(colour));
        let cells = terminal.backend().buffer().content.clone();
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colours(false), 0);
    assert!(colours(true) > 500);
    let terminal = shown.terminal(Theme::new(false));
    let reversed = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
    let count = terminal.backend().buffer().content.iter().filter(reversed).count();
    assert_eq!(count, 160, "the bar, and the line of the cursor");
}

fn topics() -> Shown {
    let state = State::of_topics("/var/lib/millstream".into());
    let (records, kept) = (records(), (0..RECORDS).collect());
    let mut shown = Shown { state, records, kept, epoch: 0, effects: Vec::new(), asks: Vec::new() };
    let topic = |name: &str, appended: u64| overview::TopicRow {
        name: name.into(),
        partitions: 4,
        records: appended,
        appended,
        bytes: appended * 180,
        segments: 2,
        oldest: Some("2026-11-01T08:00:00Z".into()),
        newest: Some("2026-11-30T22:14:05.123456Z".into()),
        fault: None,
    };
    let broken = overview::TopicRow {
        name: "broken".into(),
        fault: Some("topic.json is damaged".into()),
        ..overview::TopicRow::default()
    };
    let figures = |second: u64| {
        let appended = 1_000_000 + second * second * 100;
        let group = overview::GroupRow {
            group: "nightly".into(),
            topic: "clicks".into(),
            members: 0,
            committed: 999_000,
            lag: Some(appended - 999_000),
            fault: None,
        };
        let topics = vec![broken.clone(), topic("clicks", appended), topic("web.errors", 12)];
        overview::Figures { at_ms: second * 1000, topics, groups: vec![group] }
    };
    shown.take([Event::Size(80, 24)]);
    shown.take((1..80).map(|second| Event::Data(Data::Figures(figures(second)))));
    shown
}

#[test]
fn topics_are_listed() {
    let mut shown = topics();
    shown.check("topics");
    shown.take([Event::Size(60, 24)]);
    shown.check("topics-60x24");
    shown.take([Event::Size(120, 40)]);
    shown.press("j");
    shown.check("topics-120x40");
    shown.press("Enter");
    let opened = Effect::Open { topic: "clicks".into(), epoch: 1 };
    assert_eq!(shown.effects, [opened]);
    shown.epoch = 1;
    let extent = shown.extent();
    shown.take([Event::Data(Data::Extent(extent))]);
    assert!(shown.lines().contains("{\"at\":0,"));
    shown.press("q");
    assert_eq!(
        (shown.state.page, shown.effects.last()),
        (state::Page::Topics, Some(&Effect::Close))
    );
    shown.press("q");
    assert_eq!(shown.effects.last(), Some(&Effect::Quit));
}

#[test]
fn a_group_is_set_only_after_a_question() {
    let mut shown = topics();
    shown.press("r");
    assert_eq!(shown.state.message, Some(("choose a group first".into(), false)));
    shown.press("G r");
    shown.enter("start");
    shown.check("reset-question");
    shown.enter("no");
    assert_eq!(shown.effects, []);
    shown.press("r");
    shown.enter("-1h");
    shown.enter("yes");
    let (group, topic, to) = ("nightly".into(), "clicks".into(), "-1h".into());
    assert_eq!(shown.effects, [Effect::Reset(Resetting { group, topic, to })]);
}

#[test]
fn records_are_selected_and_saved() {
    let mut shown = Shown::new(80, 10);
    shown.press("j v 3 j");
    assert_eq!(shown.state.selection(), Some(1..5));
    shown.check("selection");
    shown.press("s");
    shown.enter("out.ndjson");
    let save = |span| Ask::Save { epoch: 0, span, path: "out.ndjson".into() };
    assert_eq!(shown.asks, [save(Some(1..5))]);
    // One file at a time, and of the same view; whoever leaves knows what is lost.
    for (keys, text) in [("s", "other.ndjson"), ("&", ".status == 500")] {
        shown.press(keys);
        shown.enter(text);
        assert!(shown.lines().contains("records are still being saved"), "{keys}");
    }
    assert_eq!((shown.asks.len(), &shown.state.filter), (1, &None));
    shown.take([Event::Data(Data::Saved(Ok("saved 4 records".into())))]);
    shown.press("S Esc");
    assert_eq!(shown.state.selection(), None);
    shown.press("s");
    shown.enter("out.ndjson");
    assert_eq!(shown.asks[1..], [Ask::Command { epoch: 0, span: Some(1..5) }, save(None)]);
    shown.take([Event::Data(Data::Command { line: "subscribe clicks".into(), but: Some("more") })]);
    assert_eq!(shown.effects, [Effect::Copy("subscribe clicks".into())]);
    assert!(shown.lines().contains("subscribe clicks; more"));
    shown.press("q");
    assert!(shown.lines().contains("records are still being saved; once more leaves"));
    assert_eq!(shown.effects.len(), 1);
    shown.press("q");
    assert_eq!(shown.effects.last(), Some(&Effect::Quit));
}

/// Some chart, of the kind that its text says.
fn chart_of(text: String) -> chart::Chart {
    let kind = match (text.contains("over"), text.starts_with("count")) {
        (false, _) => chart::Kind::Distribution,
        (true, true) => chart::Kind::Count,
        (true, false) => chart::Kind::Mean,
    };
    let mut chart = chart::Chart::new(text, kind);
    chart.is_time = kind != chart::Kind::Distribution;
    chart.left_out = 3;
    for n in 0..1000 {
        let (at, wave) = (f64::from(n), (f64::from(n) / 100.0).sin() * 50.0);
        match kind {
            chart::Kind::Distribution if n % 5 == 0 => {
                chart.count(["東京", "web\u{1b}[2J"][n as usize % 2])
            }
            chart::Kind::Distribution => chart.add("", wave, wave),
            chart::Kind::Count if n % 3 < n / 400 => {}
            chart::Kind::Count => chart.add("", 1_356_998_400.0 + at, 1.0),
            chart::Kind::Mean => {
                let group = ["web0", "web1"][n as usize % 2];
                chart.add(group, 1_356_998_400.0 + at * 900.0, wave + f64::from(n % 2 * 30));
            }
        }
    }
    chart
}

#[test]
fn records_are_charted() {
    let mut shown = Shown::new(80, 24);
    shown.press("c");
    shown.check("chart-prompt");
    shown.enter(".status");
    shown.check("chart-of-values");
    shown.press("c ^U");
    shown.enter(".ms over .time by .host");
    shown.check("chart-of-means");
    shown.press("c ^U");
    shown.take([Event::Size(120, 40)]);
    shown.enter("count over .time");
    shown.check("chart-of-counts-120x40");
    shown.take([Event::Size(9, 4)]);
    shown.terminal(Theme::new(true));
    shown.press("q");
    assert!(shown.state.chart.is_none());
}

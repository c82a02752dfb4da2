//! What the screen shows, and how keys and data change it. Nothing here waits, reads or draws.

mod foot;
mod in_chart;
mod in_fields;
mod in_overview;
mod in_records;
mod in_search;
mod in_tree;

use std::collections::BTreeMap;
use std::ops::Range;

pub use self::foot::{BETWEEN, Foot};
use super::chart::Chart;
use super::columns::Columns;
use super::event::{Effect, Event, Resetting};
use super::fields::Fields;
use super::fields_view;
use super::keys::{self, Action, Scope};
use super::list::List;
use super::overview::{Overview, Stored};
use super::pattern::Pattern;
use super::prompt::{History, Prompt, Purpose, Typed};
use super::row::{Ask, Data, Row};
use super::topics_view;
use super::tree::Tree;

/// How many columns a key scrolls to the side.
const SIDE_COLUMNS: usize = 8;

/// How records are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As they are, one a line.
    Lines,
    /// By their fields.
    Table,
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// All topics.
    Topics,
    /// Records.
    Records,
}

/// What a letter is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Mark,
    ToMark,
}

/// The screen.
#[derive(Debug)]
pub struct State {
    /// What is looked at.
    pub title: String,
    /// The topic whose records are shown, where all topics can be.
    pub topic: Option<String>,
    /// Its size in columns and lines.
    pub size: (u16, u16),
    /// What is shown.
    pub page: Page,
    /// All topics, if they can be shown.
    pub overview: Option<Overview>,
    /// The records.
    pub list: List,
    /// Where the selection began, if something is selected.
    pub anchor: Option<u64>,
    /// How they are listed.
    pub layout: Layout,
    /// Whether it is shown where they are.
    pub places: bool,
    /// How many columns of them are to the left of the screen.
    pub side: usize,
    /// The columns of the table.
    pub columns: Columns,
    /// The record that is shown alone.
    pub tree: Option<Tree>,
    /// The fields of the records, if they are shown.
    pub fields: Option<Fields>,
    /// The chart that is shown.
    pub chart: Option<Chart>,
    /// The line that is being typed.
    pub prompt: Option<Prompt>,
    /// The condition of the records that are shown.
    pub filter: Option<String>,
    /// What was searched for.
    pub pattern: Option<Pattern>,
    /// Whether it is being searched.
    pub searches: bool,
    /// How far the help is scrolled, if it is shown.
    pub help: Option<usize>,
    /// What the last key came to, and whether that is an error.
    pub message: Option<(String, bool)>,
    /// What the foot of the screen says.
    pub foot: Foot,
    /// A number before a key.
    pub count: Option<u64>,
    /// How the topic is stored that is looked at, where all topics cannot be shown.
    stored: Option<Stored>,
    forward: bool,
    /// In which direction was searched last.
    onward: bool,
    awaited: Option<Awaited>,
    marks: BTreeMap<char, u64>,
    history: History,
    /// The number of the view that was asked for last.
    epoch: u64,
    /// The filter that was asked for and has not begun.
    asked: Option<Option<String>>,
    /// Whether the cursor is to go where the filter says.
    finds_place: bool,
    /// Whether a chart was asked for.
    charts: bool,
    /// Whether records are being saved.
    saves: bool,
    /// The group whose offsets are to be set.
    resetting: Option<Resetting>,
    /// Whether the tree is to show the record of the cursor, once its row is known.
    turns: bool,
    /// Whether a tree is to be shown then.
    opens: bool,
    /// Whether the cursor of the tree is then to go to what was searched for.
    lands: bool,
    /// The number of the record of which all was asked for.
    whole: Option<u64>,
}

impl State {
    /// A screen without records.
    pub fn new(title: String, places: bool) -> State {
        State {
            title,
            topic: None,
            size: (80, 24),
            page: Page::Records,
            overview: None,
            list: List::default(),
            anchor: None,
            layout: Layout::Lines,
            places,
            side: 0,
            columns: Columns::default(),
            tree: None,
            fields: None,
            chart: None,
            charts: false,
            prompt: None,
            filter: None,
            pattern: None,
            searches: false,
            help: None,
            message: None,
            foot: Foot::default(),
            count: None,
            stored: None,
            forward: true,
            onward: true,
            awaited: None,
            marks: BTreeMap::new(),
            history: History::default(),
            epoch: 0,
            asked: None,
            finds_place: false,
            saves: false,
            resetting: None,
            turns: false,
            opens: false,
            lands: false,
            whole: None,
        }
    }

    /// A screen of all topics.
    pub fn of_topics(title: String) -> State {
        let (page, overview) = (Page::Topics, Some(Overview::default()));
        State { page, overview, ..State::new(title, true) }
    }

    /// The positions that are selected.
    pub fn selection(&self) -> Option<Range<u64>> {
        let (anchor, cursor) = (self.anchor?, self.list.cursor);
        Some(anchor.min(cursor)..anchor.max(cursor) + 1)
    }

    /// Takes what happened; says what is to be done.
    pub fn take(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Key(key) => self.press(&key, &mut effects),
            Event::Paste(text) => self.paste(&text),
            Event::Size(columns, lines) => {
                self.size = (columns, lines);
            }
            Event::Data(data) => self.data(data, &mut effects),
        }
        self.settle(&mut effects);
        effects
    }

    /// Whether the screen has all that it is going to show: it is full, or there is no more, and
    /// all is counted.
    pub fn is_complete(&self) -> bool {
        if let Some(overview) = self.overview.as_ref().filter(|_| self.page == Page::Topics) {
            return overview.is_known;
        }
        let (extent, shown) = (&self.list.extent, self.list.shown());
        let is_all = extent.ended && shown.clone().all(|at| self.list.row(at).is_some());
        extent.progress.is_none() && (is_all || self.is_full()) && self.list.height > 0
    }

    /// Whether each line of the screen has its record.
    pub fn is_full(&self) -> bool {
        let shown = self.list.shown();
        let is_known = shown.clone().all(|at| self.list.row(at).is_some());
        is_known && shown.end - shown.start >= self.list.height && self.list.height > 0
    }

    /// Why records that the screen should show cannot be read, if that is so.
    pub fn missing(&self) -> Option<&str> {
        self.list.extent.note.as_deref().filter(|_| self.list.lacks())
    }

    /// How many lines there are between the bar at the top and the foot.
    pub fn body(&self) -> usize {
        usize::from(self.size.1).saturating_sub(1 + self.foot.height())
    }

    /// How the topic is stored whose records are shown, if that is known.
    pub fn stored(&self) -> Option<&Stored> {
        let listed = self.overview.as_ref().zip(self.topic.as_ref());
        let listed = listed.and_then(|(overview, topic)| {
            overview.figures.topics.iter().find(|row| row.name == *topic)
        });
        listed.map(|row| &row.stored).or(self.stored.as_ref())
    }

    /// Brings everything in line with what has changed, and asks for the rows that are missing.
    fn settle(&mut self, effects: &mut Vec<Effect>) {
        self.foot = Foot::of(self);
        let body = self.body();
        if let Some(overview) = &mut self.overview {
            overview.top = topics_view::top(overview, body);
        }
        if self.page == Page::Topics {
            return;
        }
        let heading = usize::from(self.layout == Layout::Table);
        self.list.height = self.body().saturating_sub(heading) as u64;
        self.list.settle();
        if let Some(span) = self.list.wanted() {
            effects.push(Effect::Ask(Ask::Rows { epoch: self.list.extent.epoch, span }));
        }
        if self.layout == Layout::Table {
            for at in self.list.shown() {
                if let Some(row) = self.list.row(at).filter(|row| row.fault.is_none()) {
                    self.columns.take(row);
                }
            }
        }
        self.turn();
        if let (true, Some(row)) = (self.opens, self.list.current()) {
            self.tree = Some(Tree::new(row.clone()));
            self.opens = false;
        }
        if let Some(tree) = &mut self.tree {
            tree.scroll(body);
        }
        if let Some(fields) = &mut self.fields {
            fields.scroll(body.saturating_sub(fields_view::HEADINGS));
        }
        self.complete(effects);
    }

    /// Asks for all of the record in the tree, if only its beginning is known.
    fn complete(&mut self, effects: &mut Vec<Effect>) {
        let Some(tree) = self.tree.as_ref().filter(|tree| !tree.row.is_whole()) else {
            self.whole = None;
            return;
        };
        let number = tree.row.number;
        let is_current = self.list.current().is_some_and(|row| row.number == number);
        if is_current && self.whole != Some(number) {
            self.whole = Some(number);
            let (epoch, at) = (self.list.extent.epoch, self.list.cursor);
            effects.push(Effect::Ask(Ask::Whole { epoch, at }));
        }
    }

    fn data(&mut self, data: Data, effects: &mut Vec<Effect>) {
        match data {
            Data::Extent(extent) if extent.epoch < self.epoch => {}
            Data::Extent(extent) => {
                if let Some(filter) = self.asked.take() {
                    self.anchor = None;
                    (self.filter, self.columns) = (filter, Columns::default());
                }
                self.list.grow(extent);
            }
            Data::Rows { epoch, first, rows } => self.list.fill(epoch, first, rows),
            Data::Near { epoch, at } => {
                if epoch == self.epoch && std::mem::take(&mut self.finds_place) {
                    self.list.go(at);
                }
            }
            Data::Whole(row) => {
                if let Some(tree) = self.tree.as_ref().filter(|it| it.row.number == row.number) {
                    self.tree = Some(tree.turn_to(row));
                }
            }
            Data::Found { epoch, at } if epoch == self.list.extent.epoch => {
                self.searches = false;
                match at {
                    Some(at) => self.found(at),
                    None => self.not_found(),
                }
            }
            Data::Found { .. } => self.searches = false,
            Data::Figures(figures) => match &mut self.overview {
                Some(overview) => overview.take(figures),
                None => self.stored = figures.topics.into_iter().next().map(|row| row.stored),
            },
            Data::Chart(chart) => {
                if self.charts {
                    self.chart = Some(*chart);
                }
            }
            Data::Fields(survey) => self.surveyed(*survey),
            Data::Command { line, but } => {
                let but = but.map(|but| format!("; {but}")).unwrap_or_default();
                let shown = format!("copied, if the terminal takes it: {line}{but}");
                effects.push(Effect::Copy(line));
                self.say(shown);
            }
            Data::Saved(came) => {
                self.saves = false;
                let is_error = came.is_err();
                self.message = Some((came.unwrap_or_else(|why| why), is_error));
            }
            Data::Done(what) => self.say(what),
            Data::NotFiltered { epoch, why } => {
                // Another one may have been asked for meanwhile.
                if epoch == self.epoch {
                    let text = self.asked.take().flatten().unwrap_or_default();
                    self.epoch = self.list.extent.epoch;
                    self.ask_again(Purpose::Filter, &text, why);
                }
            }
            Data::Wrong { purpose, text, why } => self.ask_again(purpose, &text, why),
            Data::Refused(why) => self.message = Some((why, true)),
            Data::Failed(why) => {
                self.saves = false;
                self.message = Some((why, true));
            }
        }
    }

    /// What was typed is wrong: it can be mended, unless something else is being typed.
    fn ask_again(&mut self, purpose: Purpose, text: &str, why: String) {
        match self.prompt {
            Some(_) => self.message = Some((why, true)),
            None => self.prompt = Some(Prompt::wrong(purpose, text, why)),
        }
    }

    /// Shows the record of the cursor in the tree, if it is another one or has grown, and is known.
    fn turn(&mut self) {
        if let (Some(tree), Some(row)) = (&self.tree, self.list.current()) {
            self.turns |= tree.row.number == row.number && tree.row.bytes != row.bytes;
        }
        if let (true, Some(tree), Some(row)) = (self.turns, &self.tree, self.list.current()) {
            let mut tree = tree.turn_to(row.clone());
            if let (true, Some(pattern)) = (std::mem::take(&mut self.lands), &self.pattern) {
                let found = tree.find(&pattern.places(&row.text), None, self.onward);
                tree.show(found.unwrap_or_default());
            }
            self.tree = Some(tree);
            self.turns = false;
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.message = Some((text.into(), false));
    }

    /// Where keys are pressed.
    pub fn scope(&self) -> Scope {
        match (&self.tree, self.page) {
            _ if self.chart.is_some() => Scope::Chart,
            _ if self.fields.is_some() => Scope::Fields,
            (_, Page::Topics) => Scope::Topics,
            (Some(_), Page::Records) => Scope::Tree,
            (None, Page::Records) => Scope::Records,
        }
    }

    fn press(&mut self, key: &str, effects: &mut Vec<Effect>) {
        if let Some(prompt) = &mut self.prompt {
            let purpose = prompt.purpose;
            match prompt.press(key, &mut self.history) {
                Typed::On => {}
                Typed::Left => self.prompt = None,
                Typed::Done(text) => {
                    self.prompt = None;
                    self.enter(purpose, &text, effects);
                }
            }
            return;
        }
        self.message = None;
        self.opens = false;
        if let Some(awaited) = self.awaited.take() {
            return self.letter(awaited, key, effects);
        }
        if self.help.is_some() {
            return self.press_in_help(key, effects);
        }
        if let Some(digit) = keys::typed(key).and_then(|c| c.to_digit(10)) {
            let count = self.count.unwrap_or_default();
            self.count = Some(count.saturating_mul(10).saturating_add(u64::from(digit)));
            return;
        }
        let count = self.count.take();
        let Some(action) = keys::action(self.scope(), key) else {
            return self.say(format!("the key {key} has no meaning here; h shows the keys"));
        };
        let action = match action {
            Action::Interrupt if self.searches => return self.stop_searching(effects),
            Action::Interrupt => Action::Quit,
            action => action,
        };
        match self.scope() {
            Scope::Topics => self.act_in_overview(action, count, effects),
            Scope::Tree => self.act_in_tree(action, count, effects),
            Scope::Chart => self.act_in_chart(action, effects),
            Scope::Fields => self.act_in_fields(action, count, effects),
            _ => self.act(action, count, effects),
        }
    }

    fn press_in_help(&mut self, key: &str, effects: &mut Vec<Effect>) {
        let page = self.body();
        let Some(at) = &mut self.help else { return };
        match keys::action(Scope::List, key) {
            Some(Action::Down) => *at += 1,
            Some(Action::Up) => *at = at.saturating_sub(1),
            Some(Action::PageDown | Action::HalfDown) => *at += page,
            Some(Action::PageUp | Action::HalfUp) => *at = at.saturating_sub(page),
            Some(Action::Start) => *at = 0,
            Some(Action::End) => *at = usize::MAX / 2,
            Some(Action::Suspend) => effects.push(Effect::Suspend),
            Some(Action::Redraw) => effects.push(Effect::Redraw),
            _ => self.help = None,
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(prompt) = &mut self.prompt {
            for c in text.chars().filter(|c| !c.is_control()) {
                let _ = prompt.press(&c.to_string(), &mut self.history);
            }
        }
    }

    /// What is the same wherever it is pressed; false if this action is not.
    fn act_anywhere(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Help => self.help = Some(0),
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => effects.push(Effect::Suspend),
            _ => return false,
        }
        true
    }

    fn copy_record(&mut self, row: &Row, effects: &mut Vec<Effect>) {
        let text = String::from_utf8_lossy(&row.text).into_owned();
        let what = if row.is_whole() { "the record" } else { "the beginning of the record" };
        self.copy(text, what, effects);
    }

    fn copy(&mut self, text: String, what: &str, effects: &mut Vec<Effect>) {
        effects.push(Effect::Copy(text));
        self.say(format!("copied {what}, if the terminal takes it (OSC 52)"));
    }
}

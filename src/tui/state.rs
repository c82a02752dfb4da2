//! What the screen shows, and how keys and data change it. Nothing here waits, reads or draws.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::event::{Effect, Event};
use super::keys::{self, Action, Scope};
use super::list::List;
use super::pattern::Pattern;
use super::prompt::{History, Prompt, Purpose, Typed};
use super::row::{Ask, Data, Row, Target};
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
    /// Its size in columns and lines.
    pub size: (u16, u16),
    /// The records.
    pub list: List,
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
    /// A number before a key.
    pub count: Option<u64>,
    forward: bool,
    awaited: Option<Awaited>,
    marks: BTreeMap<char, u64>,
    history: History,
    /// The number of the view that was asked for last.
    epoch: u64,
    /// The filter that was asked for and has not begun.
    asked: Option<Option<String>>,
    /// Whether the cursor is to go where the filter says.
    finds_place: bool,
    /// Whether the tree is to show the record of the cursor, once its row is known.
    turns: bool,
}

impl State {
    /// A screen without records.
    pub fn new(title: String, places: bool) -> State {
        State {
            title,
            size: (80, 24),
            list: List::default(),
            layout: Layout::Lines,
            places,
            side: 0,
            columns: Columns::default(),
            tree: None,
            prompt: None,
            filter: None,
            pattern: None,
            searches: false,
            help: None,
            message: None,
            count: None,
            forward: true,
            awaited: None,
            marks: BTreeMap::new(),
            history: History::default(),
            epoch: 0,
            asked: None,
            finds_place: false,
            turns: false,
        }
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
            Event::Data(data) => self.data(data),
        }
        self.settle(&mut effects);
        effects
    }

    /// Whether the screen has all that it is going to show: it is full, or there is no more.
    pub fn is_complete(&self) -> bool {
        let (extent, shown) = (&self.list.extent, self.list.shown());
        let is_full = (shown.end - shown.start) >= self.list.height;
        let is_known = shown.clone().all(|at| self.list.row(at).is_some());
        is_known && extent.progress.is_none() && (is_full || extent.ended) && self.list.height > 0
    }

    /// How many lines there are between the bars at the top and the bottom.
    pub fn body(&self) -> usize {
        usize::from(self.size.1).saturating_sub(2)
    }

    /// Brings everything in line with what has changed, and asks for the rows that are missing.
    fn settle(&mut self, effects: &mut Vec<Effect>) {
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
        let body = self.body();
        if let Some(tree) = &mut self.tree {
            tree.scroll(body);
        }
    }

    fn data(&mut self, data: Data) {
        match data {
            Data::Extent(extent) if extent.epoch < self.epoch => {}
            Data::Extent(extent) => {
                if let Some(filter) = self.asked.take() {
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
            Data::Found { epoch, at } if epoch == self.list.extent.epoch => {
                self.searches = false;
                match at {
                    Some(at) => self.list.go(at),
                    None => self.say("not found"),
                }
            }
            Data::Found { .. } => self.searches = false,
            Data::Refused(why) => {
                (self.asked, self.epoch) = (None, self.list.extent.epoch);
                self.message = Some((why, true));
            }
            Data::Failed(why) => self.message = Some((why, true)),
        }
    }

    /// Shows the record of the cursor in the tree, if it is another one and is known.
    fn turn(&mut self) {
        if let (true, Some(tree), Some(row)) = (self.turns, &self.tree, self.list.current()) {
            self.tree = Some(tree.turn_to(row.clone()));
            self.turns = false;
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.message = Some((text.into(), false));
    }

    /// Where keys are pressed.
    pub fn scope(&self) -> Scope {
        if self.tree.is_some() { Scope::Tree } else { Scope::Records }
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
        match self.tree {
            Some(_) => self.act_in_tree(action, count, effects),
            None => self.act(action, count, effects),
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

    fn act(&mut self, action: Action, count: Option<u64>, effects: &mut Vec<Effect>) {
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        let page = i64::try_from(self.list.height).unwrap_or(i64::MAX);
        let pages = page.max(1).saturating_mul(times);
        self.finds_place = false;
        match action {
            _ if self.act_anywhere(action, effects) => {}
            Action::Quit => effects.push(Effect::Quit),
            Action::Back => self.back(effects),
            Action::Down => self.list.step(times),
            Action::Up => self.list.step(-times),
            Action::PageDown => self.list.scroll(pages),
            Action::PageUp => self.list.scroll(-pages),
            Action::HalfDown => self.list.scroll((pages / 2).max(1)),
            Action::HalfUp => self.list.scroll(-(pages / 2).max(1)),
            Action::Left => self.side = self.side.saturating_sub(SIDE_COLUMNS),
            Action::Right => self.side += SIDE_COLUMNS,
            Action::Start | Action::End if count.is_some() => {
                self.go_to_record(count.unwrap_or_default().saturating_sub(1), effects);
            }
            Action::Start => self.list.go(self.list.extent.span.start),
            Action::End | Action::Follow => self.list.follow(),
            Action::Percent => self.go_to_percent(count.unwrap_or_default() as f64),
            Action::GoTo => self.prompt = Some(Prompt::new(Purpose::GoTo, "")),
            Action::SearchForward => self.prompt = Some(Prompt::new(Purpose::SearchForward, "")),
            Action::SearchBackward => self.prompt = Some(Prompt::new(Purpose::SearchBackward, "")),
            Action::Next => self.search(self.forward, effects),
            Action::Previous => self.search(!self.forward, effects),
            Action::Filter => {
                let filter = self.filter.clone().unwrap_or_default();
                self.prompt = Some(Prompt::new(Purpose::Filter, &filter));
            }
            Action::Open => self.tree = self.list.current().cloned().map(Tree::new),
            Action::Table => {
                self.layout = match self.layout {
                    Layout::Lines => Layout::Table,
                    Layout::Table => Layout::Lines,
                };
                (self.side, self.columns) = (0, Columns::default());
            }
            Action::Places => self.places = !self.places,
            Action::Mark => self.awaited = Some(Awaited::Mark),
            Action::ToMark => self.awaited = Some(Awaited::ToMark),
            Action::CopyRecord | Action::CopyPath => {
                if let Some(row) = self.list.current().cloned() {
                    match action {
                        Action::CopyPath => self.copy(row.place.clone(), "where it is", effects),
                        _ => self.copy_record(&row, effects),
                    }
                }
            }
            _ => {}
        }
    }

    fn act_in_tree(&mut self, action: Action, count: Option<u64>, effects: &mut Vec<Effect>) {
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        let page = i64::try_from(self.body()).unwrap_or(i64::MAX);
        if self.act_anywhere(action, effects) {
            return;
        }
        let Some(tree) = &mut self.tree else { return };
        match action {
            Action::Quit | Action::Back => self.tree = None,
            Action::Down => tree.step(times),
            Action::Up => tree.step(-times),
            Action::PageDown => tree.step(page),
            Action::PageUp => tree.step(-page),
            Action::HalfDown => tree.step(page / 2),
            Action::HalfUp => tree.step(-page / 2),
            Action::Start => tree.step(i64::MIN + 1),
            Action::End => tree.step(i64::MAX),
            Action::Toggle => tree.toggle(),
            Action::Fold => tree.fold_or_leave(),
            Action::Unfold => tree.unfold_or_enter(),
            Action::FoldAll => tree.fold_all(true),
            Action::UnfoldAll => tree.fold_all(false),
            Action::NextRecord | Action::PreviousRecord => {
                let by = if action == Action::NextRecord { times } else { -times };
                let before = self.list.cursor;
                self.list.step(by);
                self.turns = self.list.cursor != before;
            }
            Action::FilterValue => {
                let condition = tree.condition(tree.cursor);
                self.tree = None;
                self.prompt = Some(Prompt::new(Purpose::Filter, &condition));
            }
            Action::CopyPath => {
                let path = tree.path(tree.cursor);
                self.copy(path, "the path", effects);
            }
            Action::CopyRecord => {
                let text = String::from_utf8_lossy(tree.text(tree.cursor)).into_owned();
                self.copy(text, "the value", effects);
            }
            _ => {}
        }
    }

    /// Ends what can be ended, one thing at a time.
    fn back(&mut self, effects: &mut Vec<Effect>) {
        if self.searches {
            self.searches = false;
            effects.push(Effect::Ask(Ask::Stop));
        } else if self.pattern.take().is_some() || std::mem::take(&mut self.list.follows) {
        } else if self.filter.is_some() {
            self.narrow(None, effects);
        }
    }

    fn letter(&mut self, awaited: Awaited, key: &str, effects: &mut Vec<Effect>) {
        let Some(letter) = keys::typed(key).filter(|c| c.is_alphanumeric()) else { return };
        match awaited {
            Awaited::Mark => {
                if let Some(row) = self.list.current() {
                    self.marks.insert(letter, row.number);
                    self.say(format!("marked; '{letter} comes back"));
                }
            }
            Awaited::ToMark => match self.marks.get(&letter) {
                Some(&number) => self.go_to_record(number, effects),
                None => self.say(format!("there is no mark {letter}")),
            },
        }
    }

    /// What was typed is complete.
    fn enter(&mut self, purpose: Purpose, text: &str, effects: &mut Vec<Effect>) {
        let text = text.trim();
        match purpose {
            Purpose::SearchForward | Purpose::SearchBackward => {
                self.forward = purpose == Purpose::SearchForward;
                if !text.is_empty() {
                    match Pattern::new(text) {
                        Ok(pattern) => self.pattern = Some(pattern),
                        Err(why) => return self.message = Some((why, true)),
                    }
                }
                self.search(self.forward, effects);
            }
            Purpose::Filter => {
                self.narrow(Some(text.to_owned()).filter(|text| !text.is_empty()), effects);
            }
            Purpose::GoTo => self.go(text, effects),
        }
    }

    fn narrow(&mut self, expression: Option<String>, effects: &mut Vec<Effect>) {
        if expression == self.filter {
            return;
        }
        self.epoch += 1;
        (self.finds_place, self.searches) = (true, false);
        self.asked = Some(expression.clone());
        let near = self.list.current().map_or(0, |row| row.number);
        effects.push(Effect::Ask(Ask::Filter { epoch: self.epoch, expression, near }));
    }

    fn search(&mut self, forward: bool, effects: &mut Vec<Effect>) {
        let Some(pattern) = &self.pattern else {
            return self.say("nothing was searched for; / searches");
        };
        let at = self.list.cursor;
        let from = if forward { Some(at + 1) } else { at.checked_sub(1) };
        let Some(from) = from else { return self.say("not found") };
        let (epoch, text) = (self.list.extent.epoch, pattern.text().to_owned());
        self.searches = true;
        effects.push(Effect::Ask(Ask::Search { epoch, text, from, forward }));
    }

    fn go(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let percent = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        match (percent, text.parse::<u64>()) {
            _ if text.is_empty() => {}
            (Some(percent), _) => self.go_to_percent(percent),
            (None, Ok(number)) => self.go_to_record(number.saturating_sub(1), effects),
            (None, Err(_)) => self.seek(Target::Written(text.to_owned()), effects),
        }
    }

    fn go_to_percent(&mut self, percent: f64) {
        let span = &self.list.extent.span;
        let share = percent.clamp(0.0, 100.0) / 100.0;
        let at = ((span.end - span.start) as f64 * share) as u64;
        self.list.go(span.start.saturating_add(at));
    }

    fn go_to_record(&mut self, number: u64, effects: &mut Vec<Effect>) {
        match self.filter {
            None => self.list.go(number),
            Some(_) => self.seek(Target::Record(number), effects),
        }
    }

    fn seek(&mut self, target: Target, effects: &mut Vec<Effect>) {
        effects.push(Effect::Ask(Ask::Seek { epoch: self.list.extent.epoch, target }));
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

//! What keys do where records are listed.

use super::{Awaited, Effect, Layout, SIDE_COLUMNS, State};
use crate::layout::text;
use crate::tui::columns::Columns;
use crate::tui::keys::{self, Action};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::row::{Ask, Target};

impl State {
    pub(super) fn act(&mut self, action: Action, count: Option<u64>, effects: &mut Vec<Effect>) {
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        let page = i64::try_from(self.list.height).unwrap_or(i64::MAX);
        let pages = page.max(1).saturating_mul(times);
        self.finds_place = false;
        match action {
            _ if self.act_anywhere(action, effects) => {}
            Action::Quit => self.close(effects),
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
            Action::SearchForward | Action::SearchBackward | Action::Next | Action::Previous => {
                self.act_in_search(action, effects)
            }
            Action::Filter => {
                let filter = self.filter.clone().unwrap_or_default();
                self.prompt = Some(Prompt::proposing(Purpose::Filter, &filter));
            }
            Action::Open => self.opens = true,
            Action::Table => {
                self.layout = match self.layout {
                    Layout::Lines => Layout::Table,
                    Layout::Table => Layout::Lines,
                };
                (self.side, self.columns) = (0, Columns::default());
            }
            Action::Where => self.say_where(),
            Action::Places => self.places = !self.places,
            Action::Select => {
                self.anchor = match self.anchor {
                    Some(_) => None,
                    None => Some(self.list.cursor),
                };
            }
            Action::Chart => self.prompt = Some(Prompt::new(Purpose::Chart, "")),
            Action::Fields => self.survey(effects),
            Action::Save => self.prompt = Some(Prompt::new(Purpose::Save, "")),
            Action::Command => {
                let (epoch, span) = (self.list.extent.epoch, self.selection());
                effects.push(Effect::Ask(Ask::Command { epoch, span }));
            }
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

    /// Says where the record at the cursor is, and how long it is.
    fn say_where(&mut self) {
        let Some(row) = self.list.current() else { return };
        let time = row.time.as_ref().map(|time| format!(", appended {time}")).unwrap_or_default();
        let number = text::thousands(row.number + 1);
        let said = format!("{}{time}, {}, record {number}", row.place, text::bytes(row.bytes));
        self.say(said);
    }

    /// Ends what can be ended, one thing at a time.
    fn back(&mut self, effects: &mut Vec<Effect>) {
        if self.searches {
            self.stop_searching(effects);
        } else if self.anchor.take().is_some()
            || self.pattern.take().is_some()
            || std::mem::take(&mut self.list.follows)
        {
        } else if self.filter.is_some() {
            self.narrow(None, effects);
        }
    }

    /// What was typed is complete.
    pub(super) fn enter(&mut self, purpose: Purpose, text: &str, effects: &mut Vec<Effect>) {
        let text = text.trim();
        match purpose {
            Purpose::SearchForward | Purpose::SearchBackward => {
                self.search_for(purpose, text, effects);
            }
            Purpose::Filter => {
                self.narrow(Some(text.to_owned()).filter(|text| !text.is_empty()), effects);
            }
            Purpose::GoTo => self.go(text, effects),
            Purpose::Save if text.is_empty() || self.is_saving("wait before others") => {}
            Purpose::Save => {
                self.saves = true;
                let (epoch, span) = (self.list.extent.epoch, self.selection());
                effects.push(Effect::Ask(Ask::Save { epoch, span, path: text.to_owned() }));
            }
            Purpose::Chart => self.draw_chart(text, effects),
            Purpose::Fields => self.narrow_fields(text),
            Purpose::Topics => self.narrow_topics(text),
            Purpose::Reset => self.confirm_reset(text),
            Purpose::Confirm => self.reset(text, effects),
        }
    }

    /// Whether records are being saved, which is said, with what can be done.
    pub(super) fn is_saving(&mut self, remedy: &str) -> bool {
        if self.saves {
            self.message = Some((format!("records are still being saved; {remedy}"), true));
        }
        self.saves
    }

    fn narrow(&mut self, expression: Option<String>, effects: &mut Vec<Effect>) {
        // Those that are saved are counted in the view.
        if expression == self.filter || self.is_saving("wait before another filter") {
            return;
        }
        self.epoch += 1;
        (self.finds_place, self.searches) = (true, false);
        self.asked = Some(expression.clone());
        let near = self.list.current().map_or(0, |row| row.number);
        effects.push(Effect::Ask(Ask::Filter { epoch: self.epoch, expression, near }));
    }

    fn go(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let percent = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        match (percent, text.parse::<u64>()) {
            _ if text.is_empty() => {}
            // As in less and vim.
            _ if text == "q" || text == "q!" => self.close(effects),
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

    pub(super) fn go_to_record(&mut self, number: u64, effects: &mut Vec<Effect>) {
        match self.filter {
            None => self.list.go(number),
            Some(_) => self.seek(Target::Record(number), effects),
        }
    }

    fn seek(&mut self, target: Target, effects: &mut Vec<Effect>) {
        effects.push(Effect::Ask(Ask::Seek { epoch: self.list.extent.epoch, target }));
    }

    /// The letter of a mark was typed, which is set or gone to.
    pub(super) fn letter(&mut self, awaited: Awaited, key: &str, effects: &mut Vec<Effect>) {
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
}

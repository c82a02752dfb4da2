//! What keys do where all topics are listed.

use super::{Effect, Page, State};
use crate::tui::event::Resetting;
use crate::tui::keys::Action;
use crate::tui::list::List;
use crate::tui::overview::Item;
use crate::tui::pattern::Pattern;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::row::Extent;

impl State {
    pub(super) fn act_in_overview(
        &mut self,
        action: Action,
        count: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        let page = i64::try_from(self.body()).unwrap_or(i64::MAX).saturating_mul(times);
        if self.act_anywhere(action, effects) {
            return;
        }
        let Some(overview) = &mut self.overview else { return };
        match action {
            Action::Back => overview.narrow(None),
            Action::Quit => effects.push(Effect::Quit),
            Action::Filter => {
                let text = overview.pattern.as_ref().map_or("", Pattern::text);
                self.prompt = Some(Prompt::proposing(Purpose::Topics, text));
            }
            Action::Down => overview.step(times),
            Action::Up => overview.step(-times),
            Action::PageDown => overview.step(page),
            Action::PageUp => overview.step(-page),
            Action::HalfDown => overview.step((page / 2).max(1)),
            Action::HalfUp => overview.step(-(page / 2).max(1)),
            Action::Start => overview.step(i64::MIN),
            Action::End => overview.step(i64::MAX),
            Action::Open => {
                let topic = match overview.current() {
                    Some(Item::Topic(topic)) => topic.name.clone(),
                    Some(Item::Group(group)) => group.topic.clone(),
                    None => return,
                };
                self.open(topic, effects);
            }
            Action::Reset => match overview.current() {
                Some(Item::Group(row)) if row.members > 0 => {
                    self.say("the group has members; stop them first");
                }
                Some(Item::Group(row)) => {
                    let (group, topic) = (row.group.clone(), row.topic.clone());
                    let label = format!("resume {group} in {topic} at: ");
                    self.resetting = Some(Resetting { group, topic, to: String::new() });
                    self.prompt = Some(Prompt::asking(Purpose::Reset, label));
                }
                _ => self.say("choose a group first"),
            },
            _ => {}
        }
    }

    /// Which topics are to be shown was typed; nothing shows all.
    pub(super) fn narrow_topics(&mut self, text: &str) {
        let pattern = match Pattern::new(text) {
            Ok(pattern) => Some(pattern).filter(|_| !text.is_empty()),
            Err(why) => return self.ask_again(Purpose::Topics, text, why),
        };
        self.overview.iter_mut().for_each(|overview| overview.narrow(pattern.clone()));
    }

    /// Shows the records of a topic.
    fn open(&mut self, topic: String, effects: &mut Vec<Effect>) {
        self.epoch += 1;
        let extent = Extent { epoch: self.epoch, ..Extent::default() };
        self.list = List::of(extent);
        (self.page, self.topic) = (Page::Records, Some(topic.clone()));
        (self.filter, self.pattern, self.anchor) = (None, None, None);
        (self.columns, self.side) = Default::default();
        self.marks.clear();
        effects.push(Effect::Open { topic, epoch: self.epoch });
    }

    /// Goes back to the topics, if they can be shown; otherwise the program ends.
    pub(super) fn close(&mut self, effects: &mut Vec<Effect>) {
        if self.is_saving("once more leaves") {
            // Who presses it again means it.
            self.saves = false;
            return;
        }
        match self.overview {
            Some(_) => {
                (self.page, self.topic) = (Page::Topics, None);
                effects.push(Effect::Close);
            }
            None => effects.push(Effect::Quit),
        }
    }

    /// The place for a group was typed: it is asked whether that is meant.
    pub(super) fn confirm_reset(&mut self, to: &str) {
        let Some(resetting) = self.resetting.as_mut().filter(|_| !to.is_empty()) else { return };
        resetting.to = to.to_owned();
        let Resetting { group, topic, to } = resetting;
        let label = format!("set the offsets of {group} in {topic} to {to}? Type yes: ");
        self.prompt = Some(Prompt::asking(Purpose::Confirm, label));
    }

    /// Whether it is meant was typed.
    pub(super) fn reset(&mut self, answer: &str, effects: &mut Vec<Effect>) {
        match self.resetting.take() {
            Some(resetting) if answer == "yes" => effects.push(Effect::Reset(resetting)),
            _ => self.say("nothing was changed"),
        }
    }
}

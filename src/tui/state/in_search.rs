//! Searching: in the record that is shown as a tree, and in the records of the view.

use super::{Effect, State};
use crate::tui::keys::Action;
use crate::tui::pattern::Pattern;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::row::Ask;

impl State {
    pub(super) fn act_in_search(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::SearchForward => self.prompt = Some(Prompt::new(Purpose::SearchForward, "")),
            Action::SearchBackward => self.prompt = Some(Prompt::new(Purpose::SearchBackward, "")),
            Action::Next => self.search(self.forward, effects),
            Action::Previous => self.search(!self.forward, effects),
            _ => {}
        }
    }

    /// What to search for was typed; nothing is what was searched for before.
    pub(super) fn search_for(&mut self, purpose: Purpose, text: &str, effects: &mut Vec<Effect>) {
        self.forward = purpose == Purpose::SearchForward;
        if !text.is_empty() {
            match Pattern::new(text) {
                Ok(pattern) => self.pattern = Some(pattern),
                Err(why) => return self.ask_again(purpose, text, why),
            }
        }
        self.search(self.forward, effects);
    }

    pub(super) fn stop_searching(&mut self, effects: &mut Vec<Effect>) {
        self.searches = false;
        effects.push(Effect::Ask(Ask::Stop));
    }

    fn search(&mut self, onward: bool, effects: &mut Vec<Effect>) {
        let Some(pattern) = &self.pattern else {
            return self.say("nothing was searched for; / searches");
        };
        self.onward = onward;
        if let Some(tree) = &mut self.tree {
            let places = pattern.places(&tree.row.text);
            if let Some(at) = tree.find(&places, Some(tree.cursor), onward) {
                return tree.show(at);
            }
        }
        let at = self.list.cursor;
        let Some(from) = (if onward { Some(at + 1) } else { at.checked_sub(1) }) else {
            return self.not_found();
        };
        let (epoch, text) = (self.list.extent.epoch, pattern.text().to_owned());
        self.searches = true;
        effects.push(Effect::Ask(Ask::Search { epoch, text, from, forward: onward }));
    }

    /// Goes to a record that was searched for, or whose place was.
    pub(super) fn found(&mut self, at: u64) {
        (self.turns, self.lands) = (self.tree.is_some(), self.tree.is_some());
        self.list.go(at);
    }

    pub(super) fn not_found(&mut self) {
        let (list, where_to) = (&self.list, if self.onward { "after" } else { "before" });
        let is_all = match self.onward {
            true => list.cursor == list.extent.span.start,
            false => list.cursor == list.last(),
        };
        let is_here = self.pattern.as_ref().zip(list.current());
        let is_here = is_here.is_some_and(|(pattern, row)| pattern.is_in(&row.text));
        self.say(match (is_here, is_all) {
            (true, _) => format!("found here, and in no record {where_to} this one"),
            (false, true) => "not found".to_owned(),
            (false, false) => format!("not found in a record {where_to} this one"),
        });
    }
}

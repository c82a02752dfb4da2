//! What keys do where a chart is shown.

use super::{Effect, State};
use crate::tui::keys::Action;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::row::Ask;

impl State {
    pub(super) fn act_in_chart(&mut self, action: Action, effects: &mut Vec<Effect>) {
        if self.act_anywhere(action, effects) {
            return;
        }
        match action {
            Action::Quit | Action::Back => {
                (self.chart, self.charts) = (None, false);
                effects.push(Effect::Ask(Ask::Stop));
            }
            Action::Chart => {
                let text = self.chart.as_ref().map_or("", |chart| &chart.title);
                self.prompt = Some(Prompt::proposing(Purpose::Chart, text));
            }
            _ => {}
        }
    }

    /// What a chart is to show was typed.
    pub(super) fn draw_chart(&mut self, text: &str, effects: &mut Vec<Effect>) {
        if !text.is_empty() {
            self.charts = true;
            let epoch = self.list.extent.epoch;
            effects.push(Effect::Ask(Ask::Chart { epoch, text: text.to_owned() }));
        }
    }
}

//! What keys do where the fields of the records are listed.

use super::{Effect, State};
use crate::tui::fields::{COLUMNS, Survey};
use crate::tui::keys::Action;
use crate::tui::pattern::Pattern;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::row::Ask;

impl State {
    /// Asks for the fields of the records; they are shown as they become known.
    pub(super) fn survey(&mut self, effects: &mut Vec<Effect>) {
        self.fields.get_or_insert_default();
        effects.push(Effect::Ask(Ask::Fields { epoch: self.list.extent.epoch }));
    }

    /// Takes what is known of them, if they are still shown.
    pub(super) fn surveyed(&mut self, survey: Survey) {
        if let Some(fields) = &mut self.fields {
            fields.take(survey);
        }
    }

    pub(super) fn act_in_fields(
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
        let Some(fields) = &mut self.fields else { return };
        match action {
            Action::Back if fields.pattern.is_some() => fields.narrow(None),
            Action::Quit | Action::Back => self.fields = None,
            Action::Down => fields.step(times),
            Action::Up => fields.step(-times),
            Action::PageDown => fields.step(page),
            Action::PageUp => fields.step(-page),
            Action::HalfDown => fields.step((page / 2).max(1)),
            Action::HalfUp => fields.step(-(page / 2).max(1)),
            Action::Start => fields.step(i64::MIN),
            Action::End => fields.step(i64::MAX),
            Action::Left => fields.side = fields.side.saturating_sub(1),
            Action::Right => fields.side = (fields.side + 1).min(COLUMNS - 1),
            Action::Fields => self.survey(effects),
            Action::SearchForward => {
                let text = fields.pattern.as_ref().map_or("", Pattern::text);
                self.prompt = Some(Prompt::proposing(Purpose::Fields, text));
            }
            Action::Chart => {
                let expression = fields.expression();
                self.prompt = expression.map(|text| Prompt::new(Purpose::Chart, &text));
            }
            Action::FilterValue => {
                if let Some(condition) = fields.condition() {
                    self.prompt = Some(Prompt::new(Purpose::Filter, &condition));
                    self.fields = None;
                }
            }
            Action::CopyPath => {
                let path = fields.current().map(|(field, _)| field.path.clone());
                path.into_iter().for_each(|path| self.copy(path, "the path", effects));
            }
            _ => {}
        }
    }

    /// Which fields are to be shown was typed; nothing shows all.
    pub(super) fn narrow_fields(&mut self, text: &str) {
        let pattern = match Pattern::new(text) {
            Ok(pattern) => Some(pattern).filter(|_| !text.is_empty()),
            Err(why) => return self.ask_again(Purpose::Fields, text, why),
        };
        self.fields.iter_mut().for_each(|fields| fields.narrow(pattern.clone()));
    }
}

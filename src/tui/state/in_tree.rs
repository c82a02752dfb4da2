//! What keys do where one record is shown as a tree.

use super::{Effect, State};
use crate::tui::keys::Action;
use crate::tui::prompt::{Prompt, Purpose};

impl State {
    pub(super) fn act_in_tree(
        &mut self,
        action: Action,
        count: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        let page = i64::try_from(self.body()).unwrap_or(i64::MAX);
        if self.act_anywhere(action, effects) {
            return;
        }
        if matches!(
            action,
            Action::SearchForward | Action::SearchBackward | Action::Next | Action::Previous
        ) {
            return self.act_in_search(action, effects);
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
}

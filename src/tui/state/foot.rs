//! What the foot of the screen says beside the keys.

use super::{Page, State};
use crate::layout::text;

/// In how many lines it is said what is to be known, at most.
const LINES_MAX: usize = 3;

/// How many lines of the screen are not for this in any case.
const OTHER_LINES: usize = 4;

/// What stands between two things that are said.
pub const BETWEEN: &str = "   ";

/// What the foot says beside the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foot {
    /// Lines before the last one.
    pub above: Vec<String>,
    /// What the last line begins with, before the keys.
    pub last: String,
}

impl Foot {
    /// What is to be said now. It is broken into lines where the screen is narrow, so that none of
    /// it is lost.
    pub fn of(state: &State) -> Foot {
        let (columns, lines) = (usize::from(state.size.0), usize::from(state.size.1));
        // A blank is before each line.
        let columns = columns.saturating_sub(1);
        let lines_max = LINES_MAX.min(lines.saturating_sub(OTHER_LINES) / 2);
        let said = |parts: Vec<String>| {
            let parts = parts.iter().map(|part| text::safe(part.as_bytes()));
            parts.collect::<Vec<_>>().join(BETWEEN)
        };
        if state.page == Page::Topics {
            let item = state.overview.as_ref().and_then(|it| it.current());
            let details = said(item.map(|item| item.details()).into_iter().collect());
            return Foot { above: text::lines(&details, columns, lines_max), last: String::new() };
        }
        if let Some(fields) = state.fields.as_ref().filter(|_| state.chart.is_none()) {
            let details = said(fields.details().into_iter().collect());
            return Foot { above: text::lines(&details, columns, lines_max), last: String::new() };
        }
        let said = said(parts(state));
        let mut above = text::lines(&said, columns, lines_max + 1);
        let last = above.pop().unwrap_or_default();
        Foot { above, last }
    }

    /// How many lines it takes.
    pub fn height(&self) -> usize {
        self.above.len() + 1
    }
}

/// What is to be known of the records that are shown, the most important first.
fn parts(state: &State) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(tree) = state.tree.as_ref().filter(|tree| !tree.row.is_whole()) {
        let more = tree.row.bytes - tree.row.text.len() as u64;
        said.push(format!("the last {} are not shown", text::bytes(more)));
    }
    if let Some(selected) = state.selection() {
        said.push(format!("{} selected", text::thousands(selected.end - selected.start)));
    }
    if state.searches {
        said.push("searching; Esc ends it".to_owned());
    }
    if let Some(fault) = state.list.current().and_then(|row| row.fault.as_ref()) {
        said.push(fault.clone());
    }
    if let Some(note) = &state.list.extent.note {
        said.push(note.clone());
    }
    if state.list.follows {
        said.push("following".to_owned());
    }
    if let Some(filter) = &state.filter {
        said.push(format!("& {filter}"));
    }
    if let (Some(_), failed @ 1..) = (&state.filter, state.list.extent.failed) {
        said.push(format!("the filter failed for {}", text::thousands(failed)));
    }
    said
}

//! A line that the user types: a search, a filter, a place.

use super::keys::typed;
use crate::layout::text;

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To search toward the end.
    SearchForward,
    /// To search toward the start.
    SearchBackward,
    /// To filter.
    Filter,
    /// To go somewhere.
    GoTo,
    /// To make a chart.
    Chart,
    /// To show some of the fields.
    Fields,
    /// To show some of the topics.
    Topics,
    /// To save records to a file.
    Save,
    /// To set the offsets of a group.
    Reset,
    /// To say that this is meant.
    Confirm,
}

impl Purpose {
    /// What the line begins with.
    pub fn sign(self) -> &'static str {
        match self {
            Purpose::SearchForward => "/",
            Purpose::SearchBackward => "?",
            Purpose::Filter => "&",
            Purpose::GoTo => ":",
            Purpose::Fields | Purpose::Topics => "/",
            Purpose::Chart => "chart: ",
            Purpose::Save => "save to: ",
            Purpose::Reset | Purpose::Confirm => "",
        }
    }

    /// What may be typed.
    pub fn hint(self) -> &'static str {
        match self {
            Purpose::SearchForward | Purpose::SearchBackward => "a regular expression",
            Purpose::Filter => "a jq expression, like .status >= 500; nothing shows all",
            Purpose::GoTo => "a number, 50%, @OFFSET, a time",
            Purpose::Chart => ".status, .ms over .time by .host, count over .time",
            Purpose::Fields => "a regular expression in paths; nothing shows all fields",
            Purpose::Topics => "a regular expression in names; nothing shows all",
            Purpose::Save => "a new file, for the selected records, or all",
            Purpose::Reset => "start, end, or a time",
            Purpose::Confirm => "",
        }
    }

    /// Which of the lines that were typed before it has a share in.
    fn history(self) -> usize {
        match self {
            Purpose::SearchForward | Purpose::SearchBackward => 0,
            Purpose::Filter => 1,
            Purpose::GoTo => 2,
            Purpose::Save | Purpose::Reset | Purpose::Confirm => 3,
            Purpose::Chart => 4,
            Purpose::Fields => 5,
            Purpose::Topics => 6,
        }
    }
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// It is not complete yet.
    On,
    /// It is complete.
    Done(String),
    /// It was given up.
    Left,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// What the line begins with.
    pub label: String,
    /// What is wrong with the line, as it is.
    pub fault: Option<String>,
    /// Whether the line was proposed: what is typed replaces it, unless it is edited.
    pub is_proposed: bool,
    text: Vec<char>,
    at: usize,
    /// How many lines back of those that were typed before.
    back: usize,
}

/// The lines that were typed before, by their purpose.
#[derive(Clone, Debug, Default)]
pub struct History([Vec<String>; 7]);

/// How many lines are remembered.
const HISTORY_MAX: usize = 100;

impl Prompt {
    /// A line that begins with this text.
    pub fn new(purpose: Purpose, text: &str) -> Prompt {
        let text: Vec<char> = text.chars().collect();
        let label = purpose.sign().to_owned();
        Prompt { purpose, label, fault: None, is_proposed: false, at: text.len(), text, back: 0 }
    }

    /// A line that may be meant.
    pub fn proposing(purpose: Purpose, text: &str) -> Prompt {
        Prompt { is_proposed: !text.is_empty(), ..Prompt::new(purpose, text) }
    }

    /// A line that was typed, and what is wrong with it.
    pub fn wrong(purpose: Purpose, text: &str, why: String) -> Prompt {
        Prompt { fault: Some(why), ..Prompt::new(purpose, text) }
    }

    /// An empty line that begins with a question.
    pub fn asking(purpose: Purpose, label: String) -> Prompt {
        Prompt { label, ..Prompt::new(purpose, "") }
    }

    /// What was typed.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// In which column of the text the cursor is.
    pub fn column(&self) -> usize {
        text::width(&self.text.iter().take(self.at).collect::<String>())
    }

    /// Takes a key, as readline does.
    pub fn press(&mut self, key: &str, history: &mut History) -> Typed {
        self.fault = None;
        let replaces = std::mem::take(&mut self.is_proposed);
        match key {
            "Enter" => {
                let text = self.text();
                history.add(self.purpose, &text);
                return Typed::Done(text);
            }
            "Esc" | "^C" | "^G" => return Typed::Left,
            "Backspace" | "^H" if self.text.is_empty() => return Typed::Left,
            "Backspace" | "^H" if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
            }
            "Delete" | "^D" if self.at < self.text.len() => {
                self.text.remove(self.at);
            }
            "Left" | "^B" => self.at = self.at.saturating_sub(1),
            "Right" | "^F" => self.at = self.text.len().min(self.at + 1),
            "Home" | "^A" => self.at = 0,
            "End" | "^E" => self.at = self.text.len(),
            "^U" => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            "^K" => self.text.truncate(self.at),
            "^W" => {
                let before = self.text.get(..self.at).unwrap_or_default();
                let word = before.iter().rev().skip_while(|c| c.is_whitespace());
                let left = word.skip_while(|c| !c.is_whitespace()).count();
                self.text.drain(left..self.at);
                self.at = left;
            }
            "Up" | "^P" => self.recall(self.back + 1, history),
            "Down" | "^N" => self.recall(self.back.saturating_sub(1), history),
            _ => {
                if let Some(c) = typed(key) {
                    if replaces {
                        (self.text, self.at) = (Vec::new(), 0);
                    }
                    self.text.insert(self.at, c);
                    self.at += 1;
                }
            }
        }
        Typed::On
    }

    fn recall(&mut self, back: usize, history: &History) {
        let text = match back {
            0 => Some(""),
            _ => history.get(self.purpose, back),
        };
        if let Some(text) = text {
            let label = std::mem::take(&mut self.label);
            *self = Prompt { back, label, ..Prompt::new(self.purpose, text) };
        }
    }
}

impl History {
    fn add(&mut self, purpose: Purpose, text: &str) {
        let Some(lines) = self.0.get_mut(purpose.history()) else { return };
        if text.is_empty() || lines.last().is_some_and(|last| last == text) {
            return;
        }
        if lines.len() == HISTORY_MAX {
            lines.remove(0);
        }
        lines.push(text.to_owned());
    }

    fn get(&self, purpose: Purpose, back: usize) -> Option<&str> {
        let lines = self.0.get(purpose.history())?;
        lines.get(lines.len().checked_sub(back)?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_all(prompt: &mut Prompt, history: &mut History, keys: &str) -> Typed {
        keys.split(' ').map(|key| prompt.press(key, history)).last().unwrap_or(Typed::On)
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let (mut prompt, mut history) = (Prompt::new(Purpose::Filter, ""), History::default());
        type_all(&mut prompt, &mut history, ". a Space = = Space 1 ^W 2");
        assert_eq!(prompt.text(), ".a == 2");
        type_all(&mut prompt, &mut history, "^A Delete Right Backspace x ^E Backspace 3");
        assert_eq!(prompt.text(), "x == 3");
        let done = type_all(&mut prompt, &mut history, "Enter");
        assert_eq!(done, Typed::Done("x == 3".to_owned()));
        let mut next = Prompt::new(Purpose::Filter, "");
        type_all(&mut next, &mut history, "Up");
        assert_eq!((next.text().as_str(), next.column()), ("x == 3", 6));
        assert_eq!(type_all(&mut next, &mut history, "Down Backspace"), Typed::Left);
    }

    #[test]
    fn what_is_typed_replaces_what_was_proposed() {
        let mut history = History::default();
        let mut prompt = Prompt::proposing(Purpose::Filter, ".a");
        type_all(&mut prompt, &mut history, ". b");
        assert_eq!(prompt.text(), ".b");
        let mut prompt = Prompt::proposing(Purpose::Filter, ".a");
        type_all(&mut prompt, &mut history, "End x");
        assert_eq!(prompt.text(), ".ax");
        let mut prompt = Prompt::proposing(Purpose::Filter, ".a");
        assert_eq!(type_all(&mut prompt, &mut history, "Enter"), Typed::Done(".a".to_owned()));
    }

    #[test]
    fn wide_characters_move_the_cursor_as_far_as_they_are_wide() {
        let (mut prompt, mut history) =
            (Prompt::new(Purpose::SearchForward, ""), History::default());
        type_all(&mut prompt, &mut history, "東 京 Left");
        assert_eq!(prompt.column(), 2);
    }
}

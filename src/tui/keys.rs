//! The keys, as data: what the screen does, the help overlay and the manual page come of one table.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table says what each does")]
pub enum Action {
    Quit,
    Interrupt,
    Back,
    Help,
    Suspend,
    Redraw,
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Left,
    Right,
    Start,
    End,
    Follow,
    Percent,
    GoTo,
    SearchForward,
    SearchBackward,
    Next,
    Previous,
    Filter,
    Open,
    Table,
    Places,
    Mark,
    ToMark,
    CopyRecord,
    CopyPath,
    Fold,
    Unfold,
    Toggle,
    FoldAll,
    UnfoldAll,
    NextRecord,
    PreviousRecord,
    FilterValue,
    Select,
    Save,
    Command,
    Reset,
    Chart,
    Fields,
    Where,
}

/// Where a key has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    All,
    /// In lists.
    List,
    /// Where records are listed.
    Records,
    /// Where one record is shown as a tree.
    Tree,
    /// Where the fields of records are listed.
    Fields,
    /// Where a chart is shown.
    Chart,
    /// Where all topics are listed.
    Topics,
}

impl Scope {
    /// What its keys are listed under.
    pub fn heading(self) -> &'static str {
        match self {
            Scope::All => "Keys everywhere",
            Scope::List => "Keys for moving",
            Scope::Records => "Keys for records",
            Scope::Tree => "Keys for trees",
            Scope::Fields => "Keys for fields",
            Scope::Chart => "Keys for charts",
            Scope::Topics => "Keys for topics",
        }
    }

    /// Where else the keys have a meaning that are pressed here.
    fn within(self) -> &'static [Scope] {
        match self {
            Scope::All => &[Scope::All],
            Scope::List => &[Scope::List, Scope::All],
            Scope::Records => &[Scope::Records, Scope::List, Scope::All],
            Scope::Tree => &[Scope::Tree, Scope::List, Scope::All],
            Scope::Fields => &[Scope::Fields, Scope::List, Scope::All],
            Scope::Chart => &[Scope::Chart, Scope::All],
            Scope::Topics => &[Scope::Topics, Scope::List, Scope::All],
        }
    }
}

/// Keys, and what they do.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// The keys, by the names of [`name`].
    pub keys: &'static [&'static str],
    /// What they do.
    pub action: Action,
    /// The same, for people.
    pub help: &'static str,
}

const fn bind(
    scope: Scope,
    keys: &'static [&'static str],
    action: Action,
    help: &'static str,
) -> Binding {
    Binding { scope, keys, action, help }
}

/// All keys, in the order of the help.
pub const KEYS: &[Binding] = &[
    bind(Scope::List, &["j", "Down", "^N"], Action::Down, "Move down a line"),
    bind(Scope::List, &["k", "Up", "^P"], Action::Up, "Move up a line"),
    bind(Scope::List, &["f", "Space", "PageDown", "^F"], Action::PageDown, "Move down a screen"),
    bind(Scope::List, &["b", "PageUp", "^B"], Action::PageUp, "Move up a screen"),
    bind(Scope::List, &["d", "^D"], Action::HalfDown, "Move down half a screen"),
    bind(Scope::List, &["u", "^U"], Action::HalfUp, "Move up half a screen"),
    bind(Scope::List, &["g", "Home", "<"], Action::Start, "Go to the first line"),
    bind(Scope::List, &["G", "End", ">"], Action::End, "Go to the last line; follow there"),
    bind(Scope::Records, &["Left"], Action::Left, "Scroll to the left"),
    bind(Scope::Records, &["Right"], Action::Right, "Scroll to the right"),
    bind(Scope::Records, &["F"], Action::Follow, "Follow: stay at the last record"),
    bind(Scope::Records, &["p", "%"], Action::Percent, "Go to N percent: 50p"),
    bind(Scope::Records, &[":"], Action::GoTo, "Go to a record by its number, N%, offset or time"),
    bind(
        Scope::Records,
        &["/", "F3"],
        Action::SearchForward,
        "Search forward for a regular expression",
    ),
    bind(Scope::Records, &["?"], Action::SearchBackward, "Search backward"),
    bind(Scope::Records, &["n"], Action::Next, "Repeat the search"),
    bind(Scope::Records, &["N"], Action::Previous, "Repeat it in the other direction"),
    bind(
        Scope::Records,
        &["&", "F4"],
        Action::Filter,
        "Show records for which a jq expression is true",
    ),
    bind(Scope::Records, &["Enter", "o"], Action::Open, "Show the record as a tree"),
    bind(Scope::Records, &["t"], Action::Table, "Change between lines and a table"),
    bind(Scope::Records, &["#"], Action::Places, "Show or hide where records are"),
    bind(Scope::Records, &["=", "^G"], Action::Where, "Say where the record is, and how long"),
    bind(Scope::Records, &["m"], Action::Mark, "Mark the record with the letter that follows"),
    bind(Scope::Records, &["'"], Action::ToMark, "Go to the mark of the letter that follows"),
    bind(Scope::Records, &["y"], Action::CopyRecord, "Copy the record to the clipboard (OSC 52)"),
    bind(Scope::Records, &["Y"], Action::CopyPath, "Copy where the record is"),
    bind(Scope::Records, &["v"], Action::Select, "Begin to select records, or end it"),
    bind(Scope::Records, &["s"], Action::Save, "Save the selected records, or all, to a new file"),
    bind(Scope::Records, &["S"], Action::Command, "Copy a command that prints the same records"),
    bind(
        Scope::Records,
        &["i"],
        Action::Fields,
        "Show which fields records have, and their values",
    ),
    bind(
        Scope::Records,
        &["c"],
        Action::Chart,
        "Draw a chart: of an expression, or one over another",
    ),
    bind(Scope::Fields, &["Enter", "c"], Action::Chart, "Draw a chart of the field"),
    bind(Scope::Fields, &["&"], Action::FilterValue, "Filter by the field and its commonest value"),
    bind(Scope::Fields, &["/"], Action::SearchForward, "Show fields with this in their paths"),
    bind(Scope::Fields, &["Left"], Action::Left, "Scroll to the left"),
    bind(Scope::Fields, &["Right"], Action::Right, "Scroll to the right"),
    bind(Scope::Fields, &["i"], Action::Fields, "Read the records again"),
    bind(Scope::Fields, &["Y"], Action::CopyPath, "Copy the path of the field"),
    bind(Scope::Chart, &["c"], Action::Chart, "Draw another chart"),
    bind(Scope::Topics, &["Enter", "o"], Action::Open, "Show the records of the topic"),
    bind(
        Scope::Topics,
        &["/", "F3", "F4"],
        Action::Filter,
        "Show topics and groups with this name",
    ),
    bind(Scope::Topics, &["r"], Action::Reset, "Set the offsets of the group, after a question"),
    bind(Scope::Tree, &["Enter", "o"], Action::Toggle, "Fold or unfold"),
    bind(Scope::Tree, &["Left"], Action::Fold, "Fold, or go to the value around this one"),
    bind(Scope::Tree, &["Right"], Action::Unfold, "Unfold"),
    bind(Scope::Tree, &["-"], Action::FoldAll, "Fold all"),
    bind(Scope::Tree, &["+"], Action::UnfoldAll, "Unfold all"),
    bind(Scope::Tree, &["J"], Action::NextRecord, "Show the next record"),
    bind(Scope::Tree, &["K"], Action::PreviousRecord, "Show the record before"),
    bind(Scope::Tree, &["/"], Action::SearchForward, "Search here, then in the next records"),
    bind(Scope::Tree, &["?"], Action::SearchBackward, "Search backward, then in those before"),
    bind(Scope::Tree, &["n"], Action::Next, "Repeat the search"),
    bind(Scope::Tree, &["N"], Action::Previous, "Repeat it in the other direction"),
    bind(Scope::Tree, &["&"], Action::FilterValue, "Filter by this value"),
    bind(Scope::Tree, &["y"], Action::CopyRecord, "Copy the value to the clipboard (OSC 52)"),
    bind(Scope::Tree, &["Y"], Action::CopyPath, "Copy its path, as jq writes it"),
    bind(Scope::All, &["Esc"], Action::Back, "Go back; end a search, a filter, following"),
    bind(Scope::All, &["h", "F1"], Action::Help, "Show or hide this help"),
    bind(Scope::All, &["^L"], Action::Redraw, "Redraw the screen"),
    bind(Scope::All, &["^Z"], Action::Suspend, "Suspend; fg in the shell resumes"),
    bind(
        Scope::All,
        &["q", "F10"],
        Action::Quit,
        "Go back to the list or the topics; otherwise quit",
    ),
    bind(Scope::All, &["^C"], Action::Interrupt, "End a search; otherwise as q"),
];

/// What a key does there, if anything.
pub fn action(scope: Scope, key: &str) -> Option<Action> {
    let scopes = scope.within().iter();
    let found = |scope: &Scope| {
        KEYS.iter().find(|bound| bound.scope == *scope && bound.keys.contains(&key))
    };
    scopes.filter_map(found).map(|bound| bound.action).next()
}

/// The headings of the help, each with its keys and what they do.
pub fn help() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let scopes = [
        Scope::List,
        Scope::Records,
        Scope::Tree,
        Scope::Fields,
        Scope::Chart,
        Scope::Topics,
        Scope::All,
    ];
    let rows = |scope: Scope| {
        let bound = KEYS.iter().filter(move |bound| bound.scope == scope);
        bound.map(|bound| (bound.keys.join(" "), bound.help)).collect()
    };
    scopes.into_iter().map(|scope| (scope.heading(), rows(scope))).collect()
}

/// The name of a key, as in [`KEYS`]: `j`, `G`, `^F`, `Space`, `Enter`; none for those that have no
/// meaning anywhere.
pub fn name(event: KeyEvent) -> Option<String> {
    let name = match event.code {
        KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            return Some(format!("^{}", c.to_ascii_uppercase()));
        }
        KeyCode::Char(' ') => "Space",
        KeyCode::Char(c) => return Some(c.to_string()),
        KeyCode::F(number) => return Some(format!("F{number}")),
        KeyCode::Enter => "Enter",
        KeyCode::Esc => "Esc",
        KeyCode::Tab => "Tab",
        KeyCode::Backspace => "Backspace",
        KeyCode::Delete => "Delete",
        KeyCode::Up => "Up",
        KeyCode::Down => "Down",
        KeyCode::Left => "Left",
        KeyCode::Right => "Right",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        KeyCode::PageUp => "PageUp",
        KeyCode::PageDown => "PageDown",
        _ => return None,
    };
    Some(name.to_owned())
}

/// The character that a key types, if it types one.
pub fn typed(key: &str) -> Option<char> {
    let mut chars = key.chars();
    match (chars.next(), chars.next()) {
        _ if key == "Space" => Some(' '),
        (Some(c), None) => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_place() {
        for (at, one) in KEYS.iter().enumerate() {
            for other in KEYS.iter().skip(at + 1).filter(|other| other.scope == one.scope) {
                let both = one.keys.iter().find(|key| other.keys.contains(key));
                assert_eq!(both, None, "{:?} and {:?}", one.action, other.action);
            }
        }
    }

    #[test]
    fn keys_of_less_vim_and_htop_do_what_they_do_there() {
        for (key, wanted) in [
            ("j", Action::Down),
            ("^F", Action::PageDown),
            ("G", Action::End),
            ("&", Action::Filter),
            ("F1", Action::Help),
            ("q", Action::Quit),
        ] {
            assert_eq!(action(Scope::Records, key), Some(wanted), "{key}");
        }
        assert_eq!(action(Scope::Tree, "J"), Some(Action::NextRecord));
        assert_eq!(action(Scope::Tree, "x"), None);
    }

    #[test]
    fn keys_have_names() {
        let key = |code, modifiers| name(KeyEvent::new(code, modifiers)).unwrap();
        assert_eq!(key(KeyCode::Char('f'), KeyModifiers::CONTROL), "^F");
        assert_eq!(key(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!((typed("Space"), typed("é"), typed("Enter")), (Some(' '), Some('é'), None));
    }
}

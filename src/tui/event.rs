//! What happens to the screen, and what it wants done.

use super::row::{Ask, Data};

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed; see [`super::keys::name`].
    Key(String),
    /// Text was pasted.
    Paste(String),
    /// The screen has so many columns and lines.
    Size(u16, u16),
    /// Data came.
    Data(Data),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Those who read are asked.
    Ask(Ask),
    /// The records of a topic are to be read, for a view with this number.
    Open {
        /// The topic.
        topic: String,
        /// The number of the view.
        epoch: u64,
    },
    /// They are not looked at any more.
    Close,
    /// The offsets of a group are set.
    Reset(Resetting),
    /// This goes to the clipboard.
    Copy(String),
    /// The whole screen is drawn again.
    Redraw,
    /// The process is suspended.
    Suspend,
    /// The program ends.
    Quit,
}

/// The offsets of a group that are to be set, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resetting {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The place that the user wrote.
    pub to: String,
}

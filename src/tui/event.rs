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
    /// This goes to the clipboard.
    Copy(String),
    /// The whole screen is drawn again.
    Redraw,
    /// The process is suspended.
    Suspend,
    /// The program ends.
    Quit,
}

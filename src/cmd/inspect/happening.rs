//! Whatever the screen is told of: there is one channel for all of it.

use std::io;

use crate::cli::signals::Wish;
use crate::tui::Event;

/// What happens.
#[derive(Debug)]
pub enum Happening {
    /// To the screen.
    Event(Event),
    /// A signal came.
    Wish(Wish),
    /// The terminal cannot be read any more.
    Lost(io::Error),
}

//! The screen of `inspect`: a state machine. Keys, sizes and data come in as [`Event`]s, [`State`]
//! takes them and says what is to be done, and [`draw()`] draws it. Nothing here reads records, and
//! drawing never waits: those who read are asked ([`Ask`]), and answer ([`Data`]) when they can.
//!
//! - [`event`]: what happens, and what is to be done. [`row`]: what is asked, and what comes.
//! - [`keys`]: the keys as data: what is done, the help overlay and the manual page come of it.
//! - [`state`]: what is shown. Its parts: `list`, which part of how many records; `columns` of the
//!   table; `tree`, one record; `fields`, those of all; `overview`, all topics; `chart`;
//!   `prompt`, a line that is typed.
//! - [`draw()`]: the screen. Its views: `lines`, `table`, `tree_view`, `topics_view`,
//!   `chart_view`, `fields_view`, `help`; `status`, the foot; `prompt_view`, what lies over it.
//! - `pen`: writing a line of it; `theme`: colours; `pattern`: what is searched for.
//! - [`plain`]: the screen as text. [`terminal`]: the terminal, and that it is given back as it
//!   was.

pub mod chart;
mod chart_view;
mod columns;
mod draw;
pub mod event;
pub mod fields;
mod fields_view;
mod help;
pub mod keys;
mod lines;
mod list;
pub mod overview;
pub mod pattern;
mod pen;
pub mod plain;
pub mod prompt;
mod prompt_view;
pub mod row;
pub mod state;
mod status;
mod table;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
mod topics_view;
mod tree;
mod tree_view;

pub use draw::draw;
pub use event::{Effect, Event, Resetting};
pub use row::{Ask, Data, Extent, Row, Target};
pub use state::State;
pub use theme::Theme;

//! Text for a terminal: in colour, cut to a width, and without anything that a terminal obeys.

use unicode_width::UnicodeWidthChar;

use super::Look;
use super::text::width;
use crate::record::text::{escaped, is_obeyed};

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Text without a colour.
    Plain,
    /// A key of an object, and the name of a column.
    Key,
    /// A string.
    Text,
    /// A number.
    Number,
    /// true and false.
    Bool,
    /// What matters less: null, times and offsets.
    Aside,
    /// One of several names, each in a colour of its own.
    Name(u8),
}

/// The colours of names: those that can be read on a dark background and on a light one.
const NAMES: [&str; 6] = ["36", "33", "32", "35", "34", "31"];

impl Role {
    /// The role of a name: the same name always has the same colour.
    pub fn name(name: &str) -> Role {
        let sum = name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Role::Name(sum)
    }

    /// The parameter of the escape sequence for its colour (ECMA-48, SGR).
    fn sgr(self) -> Option<&'static str> {
        match self {
            Role::Plain => None,
            Role::Key => Some("34;1"),
            Role::Text => Some("32"),
            Role::Number => Some("36"),
            Role::Bool => Some("35"),
            Role::Aside => Some("2"),
            Role::Name(number) => NAMES.get(usize::from(number) % NAMES.len()).copied(),
        }
    }
}

/// How many columns a line takes that a [`Screen`] has made: its colours take none.
pub fn shown_width(line: &str) -> usize {
    let mut pieces = line.split('\x1b');
    let first = pieces.next().map_or(0, width);
    let colored = pieces.map(|piece| piece.split_once('m').map_or(0, |(_, text)| width(text)));
    first + colored.sum::<usize>()
}

/// Appends text as a terminal, or a file, is to show it.
pub struct Screen<'a> {
    out: &'a mut Vec<u8>,
    look: Look,
    /// How many columns of the line are used.
    used: usize,
    /// Whether the rest of the line is cut.
    cut: bool,
}

impl<'a> Screen<'a> {
    /// Appends to `out`, from the start of a line on.
    pub fn new(out: &'a mut Vec<u8>, look: Look) -> Screen<'a> {
        Screen { out, look, used: 0, cut: false }
    }

    /// Whether the rest of the line is cut: more of it need not be put.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// How many columns a line has.
    pub fn columns(&self) -> Option<usize> {
        self.look.columns
    }

    /// Appends text, which has no line end of its own that is meant as one.
    pub fn put(&mut self, role: Role, text: &str) {
        if self.cut || text.is_empty() {
            return;
        }
        let sgr = role.sgr().filter(|_| self.look.color);
        if let Some(sgr) = sgr {
            self.out.extend_from_slice(b"\x1b[");
            self.out.extend_from_slice(sgr.as_bytes());
            self.out.push(b'm');
        }
        self.text(text);
        if sgr.is_some() {
            self.out.extend_from_slice(b"\x1b[0m");
        }
    }

    /// Appends text of the user's own: a tab in it is a tab.
    pub fn put_as_is(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Ends the line.
    pub fn end_line(&mut self) {
        self.out.push(b'\n');
        self.used = 0;
        self.cut = false;
    }

    fn text(&mut self, text: &str) {
        let plain = |byte: &u8| (0x20..0x7f).contains(byte);
        let room = self.look.columns.map(|columns| columns.saturating_sub(1 + self.used));
        if text.len() <= room.unwrap_or(usize::MAX) && text.as_bytes().iter().all(plain) {
            self.used += text.len();
            return self.out.extend_from_slice(text.as_bytes());
        }
        if room.is_none() && !self.look.terminal {
            return self.out.extend_from_slice(text.as_bytes());
        }
        for c in text.chars() {
            if !self.look.terminal || !is_obeyed(c) {
                self.character(c);
            } else {
                escaped(c).chars().for_each(|c| self.character(c));
            }
        }
    }

    fn character(&mut self, c: char) {
        if self.cut {
            return;
        }
        let width = c.width().unwrap_or(0);
        if self.look.columns.is_some_and(|columns| self.used + width > columns.saturating_sub(1)) {
            self.out.extend_from_slice("…".as_bytes());
            self.cut = true;
            return;
        }
        self.used += width;
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

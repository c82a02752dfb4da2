//! Writing a line of the screen from left to right, cut at both sides.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::theme::Theme;
use crate::layout::text;
use crate::record::tokens::{Kind, tokens};

/// A line that is being written.
pub struct Pen<'b> {
    buffer: &'b mut Buffer,
    x: u16,
    y: u16,
    /// How many columns of what comes are to the left of the screen.
    hidden: usize,
    /// How many columns are left on the screen.
    room: usize,
}

impl<'b> Pen<'b> {
    /// Writes at line `y` into the columns from `x` to before `end`.
    pub fn new(buffer: &'b mut Buffer, (x, end): (u16, u16), y: u16) -> Pen<'b> {
        Pen { buffer, x, y, hidden: 0, room: usize::from(end.saturating_sub(x)) }
    }

    /// Leaves out so many columns of what comes.
    pub fn hide(&mut self, columns: usize) {
        self.hidden = columns;
    }

    /// How many columns are left.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Whether no more can be seen.
    pub fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Writes a text, which must be safe for a terminal.
    pub fn write(&mut self, text: &str, style: Style) {
        let (text, hidden) = match self.hidden {
            0 => (text, 0),
            columns => text::behind(text, columns),
        };
        self.hidden = hidden;
        if text.is_empty() || self.room == 0 {
            return;
        }
        let (text, wide) = text::front(text, self.room);
        let (x, _) = self.buffer.set_stringn(self.x, self.y, text, self.room, style);
        self.x = x;
        // Where a wide character does not fit, nothing that follows it is written either.
        self.room = if wide == 0 { 0 } else { self.room - wide };
    }

    /// Writes JSON in colours, with places in it that stand out. `base` is the style of the line;
    /// if it is that of the cursor, the line has no colours.
    pub fn write_json(
        &mut self,
        json: &[u8],
        found: &[Range<usize>],
        (theme, base, plain): (Theme, Style, bool),
    ) {
        for token in tokens(json) {
            if self.is_full() {
                return;
            }
            self.write_token(json, (&token.range, token.kind), found, (theme, base, plain));
        }
    }

    /// Writes a part of a text, with places in it that stand out.
    fn write_found(
        &mut self,
        text: &[u8],
        part: &Range<usize>,
        found: &[Range<usize>],
        (style, stands_out): (Style, Style),
    ) {
        // Of a very long piece no more than may be seen: a character has four bytes at most, and an
        // escape of one byte eight columns.
        let most = (self.hidden + self.room).saturating_mul(4).saturating_add(4);
        let end = part.end.min(part.start.saturating_add(most));
        let mut at = part.start;
        while at < end {
            let inside = found.iter().find(|range| range.contains(&at));
            let next = match inside {
                Some(range) => range.end,
                None => {
                    found.iter().map(|range| range.start).filter(|&s| s > at).min().unwrap_or(end)
                }
            };
            let next = next.min(end);
            let style = if inside.is_some() { style.patch(stands_out) } else { style };
            self.write(&text::safe(text.get(at..next).unwrap_or_default()), style);
            at = next;
        }
    }

    /// Writes a part of JSON that is one token, with places in the JSON that stand out.
    pub fn write_token(
        &mut self,
        json: &[u8],
        (part, kind): (&Range<usize>, Kind),
        found: &[Range<usize>],
        (theme, base, plain): (Theme, Style, bool),
    ) {
        let style = if plain { base } else { base.patch(theme.json(kind)) };
        self.write_found(json, part, found, (style, theme.found()));
    }
}

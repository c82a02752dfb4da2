//! One record as a tree, a value on each line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pattern::Pattern;
use super::pen::Pen;
use super::theme::Theme;
use super::tree::{Name, Tree};
use crate::layout::text::thousands;
use crate::record::tokens::Kind;

/// Draws the lines of the tree that are on the screen; what was searched for stands out.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    (tree, pattern): (&Tree, Option<&Pattern>),
    theme: Theme,
) {
    let (lines, text) = (tree.lines(), &tree.row.text);
    let found = pattern.map(|pattern| pattern.places(text)).unwrap_or_default();
    for (y, &at) in (area.y..area.bottom()).zip(lines.iter().skip(tree.top)) {
        let Some(node) = tree.nodes.get(at) else { continue };
        let is_cursor = at == tree.cursor;
        let base = if is_cursor { theme.cursor() } else { Style::new() };
        buffer.set_style(Rect { y, height: 1, ..area }, base);
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        // What is farther to the right is not seen.
        pen.write(&"  ".repeat(node.depth.min(usize::from(area.width))), base);
        let sign = match (node.folds(), tree.is_folded(at)) {
            (false, _) => "  ",
            (true, true) => "▸ ",
            (true, false) => "▾ ",
        };
        pen.write(sign, base);
        let look = (theme, base, is_cursor);
        match &node.name {
            Name::Root => {}
            Name::Key(range) => {
                pen.write_token(text, (range, Kind::Key), &found, look);
                pen.write(": ", base);
            }
            Name::Index(index) => {
                pen.write(&format!("{index}: "), if is_cursor { base } else { theme.dim() });
            }
        }
        match node.kind {
            Kind::Mark => {
                let is_object = tree.text(at).first() == Some(&b'{');
                let (open, close) = if is_object { ("{", "}") } else { ("[", "]") };
                let what = match node.children {
                    0 => format!("{open}{close}"),
                    1 => format!("{open} 1 value {close}"),
                    count => format!("{open} {} values {close}", thousands(count as u64)),
                };
                pen.write(&what, if is_cursor { base } else { theme.dim() });
            }
            kind => pen.write_token(text, (&node.range, kind), &found, look),
        }
    }
}

//! One record as a tree, a value on each line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::Pen;
use super::theme::Theme;
use super::tree::{Name, Tree};
use crate::layout::text;
use crate::record::tokens::Kind;

/// Draws the lines of the tree that are on the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, tree: &Tree, theme: Theme) {
    let lines = tree.lines();
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
                let key = tree.row.text.get(range.clone()).unwrap_or_default();
                pen.write_value(key.trim_ascii(), Kind::Key, look);
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
                    count => format!("{open} {} values {close}", text::thousands(count as u64)),
                };
                pen.write(&what, if is_cursor { base } else { theme.dim() });
            }
            kind => pen.write_value(tree.text(at), kind, look),
        }
    }
    let shown = lines.len().saturating_sub(tree.top);
    let below = area.y.saturating_add(u16::try_from(shown).unwrap_or(u16::MAX));
    if !tree.row.is_whole() && below < area.bottom() {
        let more = tree.row.bytes - tree.row.text.len() as u64;
        let what = format!("… {} more are not shown", text::bytes(more));
        Pen::new(buffer, (area.x, area.right()), below).write(&what, theme.bad());
    }
}

//! The fields of records, and what is in them, in columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::fields::{COLUMNS, Fields};
use super::pen::Pen;
use super::theme::Theme;
use crate::fields::Shown;
use crate::layout::text::{cell, safe, width};

const GAP: &str = "  ";

/// The columns after the path: names, how wide they are at most, and whether values are at the
/// right.
const HEADS: [(&str, usize, bool); COLUMNS] = [
    ("PRESENT", 7, true),
    ("NULL", 4, true),
    ("TYPES", 16, false),
    ("DISTINCT", 9, true),
    ("MIN", 20, true),
    ("MEDIAN", 12, true),
    ("MAX", 20, true),
    ("COMMONEST", 200, false),
];

/// How wide a path is at least and at most; on a narrow screen, half of it at most.
const PATH_COLUMNS: (usize, usize) = (8, 40);

/// How many lines are not for fields.
pub const HEADINGS: usize = 1;

/// Draws the part that is on the screen. Paths stay where they are when the rest is scrolled.
pub fn draw(buffer: &mut Buffer, area: Rect, fields: &Fields, theme: Theme) {
    let rows: Vec<(String, [String; COLUMNS])> = fields
        .shown()
        .skip(fields.top)
        .take(usize::from(area.height).saturating_sub(HEADINGS))
        .map(|(field, shown)| (safe(field.path.as_bytes()).into_owned(), cells(shown)))
        .collect();
    let most = PATH_COLUMNS.1.min(usize::from(area.width) / 2).max(PATH_COLUMNS.0);
    let paths = rows.iter().map(|(path, _)| width(path)).max().unwrap_or_default();
    let paths = paths.clamp(PATH_COLUMNS.0, most);
    let widths: Vec<usize> = HEADS
        .iter()
        .enumerate()
        .map(|(at, (name, most, _))| {
            let wide = rows.iter().filter_map(|(_, cells)| cells.get(at)).map(|it| width(it)).max();
            wide.unwrap_or_default().max(name.len()).min(*most)
        })
        .collect();
    let line = |pen: &mut Pen<'_>, path: &str, cells: &[String; COLUMNS], style: Style| {
        pen.write(&cell(path, paths, false), style);
        pen.write(GAP, style);
        let shown = cells.iter().zip(&widths).zip(HEADS).skip(fields.side);
        for ((text, &wide), (_, _, right)) in shown {
            pen.write(&cell(text, wide, right), style);
            pen.write(GAP, style);
        }
    };
    let names = HEADS.map(|(name, _, _)| name.to_owned());
    line(&mut Pen::new(buffer, (area.x, area.right()), area.y), "FIELD", &names, theme.heading());
    for (y, (at, (path, cells))) in (area.y + 1..area.bottom()).zip((fields.top..).zip(&rows)) {
        let style = if at == fields.cursor { theme.cursor() } else { Style::new() };
        buffer.set_style(Rect { y, height: 1, ..area }, style);
        line(&mut Pen::new(buffer, (area.x, area.right()), y), path, cells, style);
    }
    if rows.is_empty() && area.height > 1 {
        let why = match &fields.pattern {
            Some(_) => "no path has that; Esc shows all fields",
            None => "these records have no fields",
        };
        Pen::new(buffer, (area.x, area.right()), area.y + 1).write(why, theme.dim());
    }
}

fn cells(shown: &Shown) -> [String; COLUMNS] {
    let all = [
        &shown.present,
        &shown.null,
        &shown.types,
        &shown.distinct,
        &shown.min,
        &shown.median,
        &shown.max,
        &shown.common,
    ];
    all.map(|text| safe(text.as_bytes()).into_owned())
}

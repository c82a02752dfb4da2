//! The screen as text, without colours: for `--plain`, and for tests.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::draw::draw;
use super::state::State;
use super::theme::Theme;
use crate::layout::text;

/// The lines of the screen, without the blanks at their ends.
pub fn lines(state: &State) -> Vec<String> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(state.size.0, state.size.1));
    let Ok(drawn) = terminal.draw(|frame| draw(frame, state, Theme::new(false)));
    (0..drawn.area.height).map(|y| line(drawn.buffer, y)).collect()
}

fn line(buffer: &Buffer, y: u16) -> String {
    let (mut line, mut covered) = (String::new(), 0);
    for x in 0..buffer.area.width {
        let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
        // What a wide character covers is not printed.
        if covered == 0 {
            line.push_str(symbol);
            covered = text::width(symbol).saturating_sub(1);
        } else {
            covered -= 1;
        }
    }
    line.trim_end().to_owned()
}

//! The screen as a whole: the help, any size, colours, its end.

use ratatui::style::{Color, Modifier};

use super::*;

#[test]
fn all_keys_are_listed() {
    let mut shown = Shown::new(80, 24);
    shown.press("h");
    shown.check("help");
    shown.press("Space Space");
    shown.check("help-at-the-end");
    shown.take([Event::Size(200, 60)]);
    shown.check("help-200x60");
    shown.press("h");
    assert_eq!(shown.state.help, None);
}

#[test]
fn it_ends_and_suspends() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter q ^Z ^L q");
    assert_eq!(shown.effects, [Effect::Suspend, Effect::Redraw, Effect::Quit]);
}

/// However small the screen is, and whatever is pressed, it is drawn.
#[test]
fn it_is_drawn_at_any_size() {
    let keys: Vec<&str> = keys::KEYS.iter().flat_map(|bound| bound.keys).copied().collect();
    for size in [(1, 1), (10, 3), (20, 4), (300, 2), (40, 100)] {
        let mut shown = Shown::new(size.0, size.1);
        for key in &keys {
            shown.press(key);
            shown.terminal(Theme::new(true));
            shown.press("東 Esc Esc");
        }
    }
}

#[test]
fn there_are_colours_unless_they_are_not_wanted() {
    let mut shown = Shown::new(80, 24);
    shown.press("/");
    shown.enter("web1");
    shown.press("j");
    let colours = |colour: bool| {
        let terminal = shown.terminal(Theme::new(colour));
        let cells = terminal.backend().buffer().content.clone();
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colours(false), 0);
    assert!(colours(true) > 500);
    let terminal = shown.terminal(Theme::new(false));
    let reversed = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
    let count = terminal.backend().buffer().content.iter().filter(reversed).count();
    assert_eq!(count, 160, "the bar, and the line of the cursor");
}

/// What is said is whole on a narrow screen, too: it is broken into lines, and names are cut.
#[test]
fn narrow_screens_lose_nothing_that_is_said() {
    let mut shown = Shown::new(40, 12);
    shown.press("c");
    shown.check("chart-prompt-40x12");
    shown.press("Esc x");
    shown.check("message-40x12");
    shown.press("1 2 G");
    shown.check("bad-line-40x12");
    shown.press("G");
    let note = "web/3: the records cannot be read any more; look at log-admin verify".to_owned();
    let extent = Extent { note: Some(note), ..shown.extent() };
    shown.take([Event::Data(Data::Extent(extent))]);
    shown.check("note-40x12");
    shown.press("h");
    shown.check("help-40x12");
    shown.press("h c");
    shown.enter(".ms over .time by .host");
    shown.check("chart-40x12");
    let mut topics = topics::topics();
    topics.take([Event::Size(40, 12)]);
    topics.press("j");
    topics.check("topics-40x12");
    topics.press("G r");
    topics.enter("start");
    topics.check("reset-question-40x12");
}

#[test]
fn a_long_name_is_cut_in_the_title() {
    let mut shown = topics::topics();
    shown.state.title = "/var/lib/millstream/of/this/machine".into();
    shown.take([Event::Size(40, 6)]);
    assert!(
        shown.lines().starts_with(" /var/lib/millstream… 3 topics, 1 group\n"),
        "{}",
        shown.lines()
    );
    let mut shown = Shown::new(40, 6);
    shown.state.title = "2026-11-30-nginx-access-log.ndjson".into();
    shown.press("j");
    assert!(
        shown.lines().starts_with(" 2026-11-30-nginx-access-lo… 2/1,000 0%\n"),
        "{}",
        shown.lines()
    );
}

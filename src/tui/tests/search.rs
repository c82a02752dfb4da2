//! Searches and filters.

use super::*;

#[test]
fn records_are_searched() {
    let mut shown = Shown::new(80, 24);
    shown.press("/");
    shown.check("search-prompt");
    shown.enter("WEB2");
    assert_eq!(shown.state.message, Some(("not found".into(), false)));
    shown.press("/");
    shown.enter("web2");
    assert_eq!(shown.state.list.cursor, 2);
    shown.press("n N n n");
    assert_eq!(shown.state.list.cursor, 14, "the record in between has another host");
    shown.check("search");
    shown.press("?");
    shown.enter("\"at\":2,");
    assert_eq!(shown.state.list.cursor, 2);
    shown.press("/");
    shown.enter("a(");
    shown.check("search-refused");
    shown.press("Esc ?");
    shown.enter("at\":1,");
    shown.press("n");
    assert!(shown.lines().contains("found here, and in no record before this one"));
}

#[test]
fn a_tree_is_searched_and_then_the_next_records() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter - /");
    shown.enter("tags|web1");
    let at = |shown: &Shown| {
        let tree = shown.state.tree.as_ref().unwrap();
        (tree.row.number, tree.path(tree.cursor))
    };
    assert_eq!(at(&shown), (0, ".user.tags".into()));
    shown.check("tree-searched");
    shown.press("n");
    assert_eq!(at(&shown), (1, ".host".into()));
    shown.press("n n N");
    assert_eq!(at(&shown), (1, ".user.tags".into()));
    shown.press("N N");
    assert_eq!(at(&shown), (0, ".user.tags".into()));
    shown.press("N");
    assert!(shown.lines().contains("found here, and in no record before this one"));
}

#[test]
fn records_are_filtered() {
    let mut shown = Shown::new(80, 24);
    shown.press("5 0 1 g &");
    shown.check("filter-prompt");
    shown.enter(".status == 500");
    assert_eq!((shown.state.list.cursor, shown.kept.len()), (50, 100), "near the one before");
    shown.check("filter");
    shown.press("& End");
    shown.enter(" |");
    assert_eq!(shown.state.filter.as_deref(), Some(".status == 500"));
    shown.check("filter-refused");
    shown.press("Backspace Backspace Enter");
    assert_eq!((shown.state.filter.as_deref(), shown.kept.len()), (Some(".status == 500"), 100));
    shown.press("Esc");
    assert_eq!((shown.state.filter.clone(), shown.state.list.cursor), (None, 509));
}

/// Whatever else is refused meanwhile, as figures are while the log cannot be reached.
#[test]
fn a_filter_that_begins_is_named() {
    let mut shown = Shown::new(80, 24);
    shown.press("&");
    shown.state.take(Event::Paste(".status == 500".into()));
    let effects = shown.state.take(Event::Key("Enter".into()));
    let [Effect::Ask(Ask::Filter { epoch, .. })] = effects[..] else { panic!("{effects:?}") };
    shown.state.take(Event::Data(Data::Refused("the log is gone".into())));
    shown.state.take(Event::Data(Data::Extent(Extent { epoch, ..shown.extent() })));
    assert_eq!(shown.state.filter.as_deref(), Some(".status == 500"));
}

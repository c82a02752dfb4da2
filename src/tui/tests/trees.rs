//! One record as a tree.

use super::*;

#[test]
fn a_record_is_a_tree() {
    let mut shown = Shown::new(80, 24);
    shown.press("j Enter");
    shown.check("tree");
    shown.press("G Left Left");
    shown.check("tree-folded");
    shown.press("J J");
    shown.check("tree-of-another-record");
    shown.press("q");
    assert_eq!((shown.state.tree.is_none(), shown.state.list.cursor), (true, 3));
}

#[test]
fn a_value_of_the_tree_is_a_filter() {
    let mut shown = Shown::new(80, 24);
    shown.press("Enter j j &");
    assert_eq!(shown.state.prompt.as_ref().unwrap().text(), ".host == \"web0\"");
    shown.press("Enter");
    assert_eq!(shown.kept.len(), 334);
}

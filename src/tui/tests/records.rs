//! Records as lines and as a table: moving, selecting, saving, copying.

use super::*;

#[test]
fn records_are_lines() {
    let mut shown = Shown::new(80, 24);
    shown.check("lines");
    shown.press("#");
    shown.check("lines-with-places");
    shown.press("# Right Right");
    shown.check("lines-to-the-right");
    shown.take([Event::Size(120, 40)]);
    shown.press("Left Left G");
    shown.check("lines-at-the-end-120x40");
}

#[test]
fn records_are_a_table() {
    let mut shown = Shown::new(80, 24);
    shown.press("t");
    shown.check("table");
    shown.press("Right Right Right #");
    shown.check("table-to-the-right-with-places");
}

#[test]
fn the_cursor_goes_where_it_is_told() {
    let mut shown = Shown::new(80, 24);
    for (keys, at) in [
        ("G", 999),
        ("g", 0),
        ("5 0 p", 500),
        ("2 0 G", 19),
        ("3 j", 22),
        ("m a G ' a", 22),
        ("f", 44),
        ("b", 22),
        ("d", 33),
        ("u", 22),
        (": 9 0 % Enter", 900),
        (": 1 2 Enter", 11),
        ("' x", 11),
    ] {
        shown.press(keys);
        assert_eq!(shown.state.list.cursor, at, "{keys}");
    }
    shown.check("message");
}

#[test]
fn records_and_paths_are_copied() {
    let mut shown = Shown::new(80, 24);
    shown.press("y Y Enter j j Y");
    let copied: Vec<Effect> = shown.effects.drain(..).collect();
    let [first, place, path] = &copied[..] else { panic!("{copied:?}") };
    assert_eq!(first, &Effect::Copy(shown.records[0].clone()));
    assert_eq!(place, &Effect::Copy("access.ndjson:1".into()));
    assert_eq!(path, &Effect::Copy(".host".into()));
}

#[test]
fn it_follows_at_the_end() {
    let mut shown = Shown::new(80, 10);
    shown.press("F");
    shown.records.push("{\"new\":true}".into());
    shown.kept.push(RECORDS);
    let extent = Extent { ended: false, ..shown.extent() };
    shown.take([Event::Data(Data::Extent(extent))]);
    assert_eq!(shown.state.list.cursor, RECORDS as u64);
    shown.check("following");
}

#[test]
fn what_was_dropped_and_what_is_missing_is_said() {
    let mut shown = Shown::new(80, 10);
    let note = Some("stdin: the input was cut short: its end is missing".to_owned());
    let (span, records) = (400..1000, 400..1000);
    shown.take([Event::Data(Data::Extent(Extent { span, records, note, ..shown.extent() }))]);
    shown.check("dropped");
}

#[test]
fn records_are_selected_and_saved() {
    let mut shown = Shown::new(80, 10);
    shown.press("j v 3 j");
    assert_eq!(shown.state.selection(), Some(1..5));
    shown.check("selection");
    shown.press("s");
    shown.enter("out.ndjson");
    let save = |span| Ask::Save { epoch: 0, span, path: "out.ndjson".into() };
    assert_eq!(shown.asks, [save(Some(1..5))]);
    // One file at a time, and of the same view; whoever leaves knows what is lost.
    for (keys, text) in [("s", "other.ndjson"), ("&", ".status == 500")] {
        shown.press(keys);
        shown.enter(text);
        assert!(shown.lines().contains("records are still being saved"), "{keys}");
    }
    assert_eq!((shown.asks.len(), &shown.state.filter), (1, &None));
    shown.take([Event::Data(Data::Saved(Ok("saved 4 records".into())))]);
    shown.press("S Esc");
    assert_eq!(shown.state.selection(), None);
    shown.press("s");
    shown.enter("out.ndjson");
    assert_eq!(shown.asks[1..], [Ask::Command { epoch: 0, span: Some(1..5) }, save(None)]);
    shown.take([Event::Data(Data::Command { line: "subscribe clicks".into(), but: Some("more") })]);
    assert_eq!(shown.effects, [Effect::Copy("subscribe clicks".into())]);
    assert!(shown.lines().contains("subscribe clicks; more"));
    shown.press("q");
    assert!(shown.lines().contains("records are still being saved; once more leaves"));
    assert_eq!(shown.effects.len(), 1);
    shown.press("q");
    assert_eq!(shown.effects.last(), Some(&Effect::Quit));
}

#[test]
fn keys_of_less_say_where_it_is_and_quit() {
    let mut shown = Shown::new(80, 10);
    shown.press("j =");
    assert_eq!(shown.state.message, Some(("access.ndjson:2, 85 B, record 2".into(), false)));
    shown.press(": q Enter");
    assert_eq!(shown.effects, [Effect::Quit]);
}

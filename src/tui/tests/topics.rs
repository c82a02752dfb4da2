//! All topics and groups.

use super::*;

pub fn topics() -> Shown {
    let state = State::of_topics("/var/lib/millstream".into());
    let (records, kept) = (records(), (0..RECORDS).collect());
    let mut shown = Shown { state, records, kept, epoch: 0, effects: Vec::new(), asks: Vec::new() };
    let topic = |name: &str, appended: u64| overview::TopicRow {
        name: name.into(),
        stored: overview::Stored {
            partitions: 4,
            segments: 2,
            bytes: appended * 180,
            fsync: Some("100ms".into()),
            unsynced: Some(appended / 5000),
        },
        records: appended,
        appended,
        oldest: Some("2026-11-01T08:00:00Z".into()),
        newest: Some("2026-11-30T22:14:05.123456Z".into()),
        fault: None,
    };
    let broken = overview::TopicRow {
        name: "broken".into(),
        fault: Some("topic.json is damaged".into()),
        ..overview::TopicRow::default()
    };
    let figures = |second: u64| {
        let appended = 1_000_000 + second * second * 100;
        let group = overview::GroupRow {
            group: "nightly".into(),
            topic: "clicks".into(),
            members: 0,
            committed: 999_000,
            lag: Some(appended - 999_000),
            fault: None,
        };
        let topics = vec![broken.clone(), topic("clicks", appended), topic("web.errors", 12)];
        overview::Figures { at_ms: second * 1000, topics, groups: vec![group] }
    };
    shown.take([Event::Size(80, 24)]);
    shown.take((1..80).map(|second| Event::Data(Data::Figures(figures(second)))));
    shown
}

#[test]
fn topics_are_listed() {
    let mut shown = topics();
    shown.check("topics");
    shown.take([Event::Size(60, 24)]);
    shown.check("topics-60x24");
    shown.take([Event::Size(120, 40)]);
    shown.press("j");
    shown.check("topics-120x40");
    shown.press("Enter");
    let opened = Effect::Open { topic: "clicks".into(), epoch: 1 };
    assert_eq!(shown.effects, [opened]);
    shown.epoch = 1;
    let extent = shown.extent();
    shown.take([Event::Data(Data::Extent(extent))]);
    assert!(shown.lines().contains("{\"at\":0,"));
    shown.press("q");
    assert_eq!(
        (shown.state.page, shown.effects.last()),
        (state::Page::Topics, Some(&Effect::Close))
    );
    shown.press("q");
    assert_eq!(shown.effects.last(), Some(&Effect::Quit));
}

#[test]
fn a_group_is_set_only_after_a_question() {
    let mut shown = topics();
    shown.press("r");
    assert_eq!(shown.state.message, Some(("choose a group first".into(), false)));
    shown.press("G r");
    shown.enter("start");
    shown.check("reset-question");
    shown.enter("no");
    assert_eq!(shown.effects, []);
    shown.press("r");
    shown.enter("-1h");
    shown.enter("yes");
    let (group, topic, to) = ("nightly".into(), "clicks".into(), "-1h".into());
    assert_eq!(shown.effects, [Effect::Reset(Resetting { group, topic, to })]);
}

#[test]
fn topics_are_found_by_name() {
    let mut shown = topics();
    shown.press("/");
    shown.enter("cli");
    shown.check("topics-narrowed");
    shown.press("Enter");
    assert_eq!(shown.effects, [Effect::Open { topic: "clicks".into(), epoch: 1 }]);
    shown.press("q /");
    shown.enter("no such one");
    assert!(shown.lines().contains("no name has that; Esc shows all"));
    shown.press("Esc");
    assert!(shown.lines().contains("web.errors"));
}

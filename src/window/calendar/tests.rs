//! Calendars, by goldens around the days on which clocks are set, and by what always holds.

use proptest::prelude::*;

use super::*;
use crate::time::timestamp::{parse_ms, show_ms};

fn calendar(length: &str, zone: &str) -> Calendar {
    Calendar::new("window", length.parse().unwrap(), zone_anchor(zone)).unwrap()
}

/// The begins of the windows from one time to another, in UTC.
fn begins_between(length: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
    let calendar = calendar(length, zone);
    let [from, to] = [from, to].map(|time| parse_ms(time).unwrap());
    let mut begins = Vec::new();
    let mut at = calendar.assign(from).unwrap();
    while at.start_ms < to {
        begins.push(show_ms(at.start_ms).replace(":00Z", ""));
        at = calendar.assign(at.end_ms).unwrap();
    }
    begins
}

/// How many hours the windows between two times are long.
fn hours(length: &str, zone: &str, from: &str, to: &str) -> Vec<f64> {
    let calendar = calendar(length, zone);
    let [from, to] = [from, to].map(|time| parse_ms(time).unwrap());
    let mut hours = Vec::new();
    let mut at = calendar.assign(from).unwrap();
    while at.start_ms < to {
        hours.push((at.end_ms - at.start_ms) as f64 / 3_600_000.0);
        at = calendar.assign(at.end_ms).unwrap();
    }
    hours
}

#[test]
fn days_of_berlin_have_23_and_25_hours() {
    let days = |from, to| begins_between("1d", "Europe/Berlin", from, to);
    assert_eq!(
        days("2024-03-30T12:00:00Z", "2024-04-01T12:00:00Z"),
        ["2024-03-29T23:00", "2024-03-30T23:00", "2024-03-31T22:00"]
    );
    assert_eq!(
        days("2024-10-26T12:00:00Z", "2024-10-28T12:00:00Z"),
        ["2024-10-25T22:00", "2024-10-26T22:00", "2024-10-27T23:00"]
    );
}

#[test]
fn hours_count_from_midnight_and_follow_the_clocks() {
    let berlin = |length, from, to| hours(length, "Europe/Berlin", from, to);
    let (spring, monday) = ("2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z");
    assert_eq!(berlin("1h", spring, monday), [1.0; 23]);
    assert_eq!(berlin("6h", spring, monday), [5.0, 6.0, 6.0, 6.0]);
    // From 0 to 2, when clocks are set to 3; from 3 to 4; and so on.
    assert_eq!(berlin("2h", spring, monday)[..3], [2.0, 1.0, 2.0]);
    let (autumn, monday) = ("2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z");
    assert_eq!(berlin("1h", autumn, monday), [1.0; 25]);
    assert_eq!(berlin("6h", autumn, monday), [7.0, 6.0, 6.0, 6.0]);
    assert_eq!(berlin("2h", autumn, monday)[..4], [2.0, 1.0, 2.0, 2.0]);
    assert_eq!(berlin("15m", autumn, monday).len(), 100);
}

/// The same, with weeks from this day on and so many hours later.
fn begins_at(length: &str, zone: &str, (day, hours): (&str, i64), from: &str) -> Vec<String> {
    let offset = Shift::from_ms(hours * 3_600_000);
    let anchor = Anchor { offset, week_start: day.parse().unwrap(), ..zone_anchor(zone) };
    let calendar = Calendar::new("window", length.parse().unwrap(), anchor).unwrap();
    let mut at = calendar.assign(parse_ms(from).unwrap()).unwrap();
    let mut begins = Vec::new();
    for _ in 0..4 {
        begins.push(show_ms(at.start_ms).replace(":00Z", ""));
        at = calendar.assign(at.end_ms).unwrap();
    }
    begins
}

fn zone_anchor(zone: &str) -> Anchor {
    Anchor::from(zone.parse::<Zone>().unwrap())
}

#[test]
fn windows_begin_as_much_later_as_clocks_show() {
    let berlin = |length, day, hours, from| begins_at(length, "Europe/Berlin", (day, hours), from);
    // Days from six in the morning, before and after clocks are set forward.
    assert_eq!(
        berlin("1d", "monday", 6, "2024-03-30T04:59:59Z"),
        ["2024-03-29T05:00", "2024-03-30T05:00", "2024-03-31T04:00", "2024-04-01T04:00"]
    );
    assert_eq!(
        berlin("1w", "sunday", 0, "2024-10-26T12:00:00Z"),
        ["2024-10-19T22:00", "2024-10-26T22:00", "2024-11-02T23:00", "2024-11-09T23:00"]
    );
    assert_eq!(
        berlin("1w", "Sunday", -2, "2024-07-06T21:00:00Z"),
        ["2024-07-06T20:00", "2024-07-13T20:00", "2024-07-20T20:00", "2024-07-27T20:00"]
    );
    assert_eq!(
        berlin("12h", "monday", 6, "2024-10-26T05:00:00Z"),
        ["2024-10-26T04:00", "2024-10-26T16:00", "2024-10-27T05:00", "2024-10-27T17:00"]
    );
    assert_eq!(
        berlin("1mo", "monday", 6, "2024-03-31T23:00:00Z"),
        ["2024-03-01T05:00", "2024-04-01T04:00", "2024-05-01T04:00", "2024-06-01T04:00"]
    );
}

#[test]
fn weeks_begin_on_monday_and_months_on_their_first() {
    let new_york = |length, from, to| begins_between(length, "America/New_York", from, to);
    assert_eq!(
        new_york("1w", "2024-03-08T00:00:00Z", "2024-03-19T00:00:00Z"),
        ["2024-03-04T05:00", "2024-03-11T04:00", "2024-03-18T04:00"]
    );
    assert_eq!(
        new_york("1mo", "2023-12-31T00:00:00Z", "2024-05-01T00:00:00Z"),
        [
            "2023-12-01T05:00",
            "2024-01-01T05:00",
            "2024-02-01T05:00",
            "2024-03-01T05:00",
            "2024-04-01T04:00"
        ]
    );
    assert_eq!(
        new_york("3mo", "2024-02-29T00:00:00Z", "2024-08-01T00:00:00Z"),
        ["2024-01-01T05:00", "2024-04-01T04:00", "2024-07-01T04:00"]
    );
    assert_eq!(
        new_york("1y", "1969-06-01T00:00:00Z", "1971-02-01T00:00:00Z"),
        ["1969-01-01T05:00", "1970-01-01T05:00", "1971-01-01T05:00"]
    );
    // Two weeks are counted from the one of 1970-01-01, three days from that day.
    let utc =
        |length| begins_between(length, "UTC", "1970-01-01T00:00:00Z", "1970-01-13T00:00:00Z");
    assert_eq!(utc("2w"), ["1969-12-29T00:00", "1970-01-12T00:00"]);
    assert_eq!(utc("5d"), ["1970-01-01T00:00", "1970-01-06T00:00", "1970-01-11T00:00"]);
}

#[test]
fn clocks_of_lord_howe_are_set_by_half_an_hour() {
    // From +10:30 to +11 at 2:00, and back at 2:00.
    let zone = "Australia/Lord_Howe";
    let days = |from, to| hours("1d", zone, from, to);
    assert_eq!(days("2023-09-30T13:30:00Z", "2023-10-01T13:00:00Z"), [23.5]);
    assert_eq!(days("2024-04-06T13:00:00Z", "2024-04-07T13:30:00Z"), [24.5]);
    let first = |from, to| hours("1h", zone, from, to)[..4].to_vec();
    assert_eq!(first("2023-09-30T13:30:00Z", "2023-10-01T13:00:00Z"), [1.0, 1.0, 0.5, 1.0]);
    // From 1 o'clock it is half past one twice until two is shown.
    assert_eq!(first("2024-04-06T13:00:00Z", "2024-04-07T13:30:00Z"), [1.0, 1.5, 1.0, 1.0]);
}

#[test]
fn clocks_of_kolkata_are_half_an_hour_off() {
    let kolkata = |length| {
        begins_between(length, "Asia/Kolkata", "2024-01-01T00:00:00Z", "2024-01-01T13:00:00Z")
    };
    assert_eq!(kolkata("1d"), ["2023-12-31T18:30"]);
    assert_eq!(
        kolkata("6h"),
        ["2023-12-31T18:30", "2024-01-01T00:30", "2024-01-01T06:30", "2024-01-01T12:30"]
            .into_iter()
            .filter(|begin| *begin < "2024-01-01T13:00")
            .collect::<Vec<_>>()
    );
    assert_eq!(kolkata("1h")[..2], ["2023-12-31T23:30", "2024-01-01T00:30"]);
}

#[test]
fn a_skipped_day_is_in_no_window() {
    // Apia went from the end of the 29th, at −10, to the beginning of the 31st, at +14.
    let apia = |length| {
        begins_between(length, "Pacific/Apia", "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z")
    };
    assert_eq!(apia("1d"), ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"]);
    assert_eq!(
        hours("1d", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z"),
        [24.0; 3]
    );
    assert_eq!(
        hours("6h", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"),
        [6.0; 8]
    );
    // The week of that day has six days.
    let week = hours("1w", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-29T13:00:00Z");
    assert_eq!(week, [144.0]);
}

#[test]
fn a_midnight_that_does_not_exist_begins_the_day_all_the_same() {
    // Clocks of São Paulo were set from midnight to one o'clock.
    let sao_paulo = |length| {
        begins_between(length, "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-05T00:00:00Z")
    };
    assert_eq!(sao_paulo("1d"), ["2018-11-03T03:00", "2018-11-04T03:00"]);
    assert_eq!(sao_paulo("6h")[3..5], ["2018-11-04T03:00", "2018-11-04T08:00"]);
    // And at one minute past midnight, those of Saint John's went back to the day before.
    let saint_johns = |length| {
        begins_between(length, "America/St_Johns", "2010-11-07T00:00:00Z", "2010-11-08T12:00:00Z")
    };
    assert_eq!(saint_johns("1d"), ["2010-11-06T02:30", "2010-11-07T02:30", "2010-11-08T03:30"]);
}

#[test]
fn what_is_no_part_of_a_day_and_no_days_is_refused() {
    let why = |length: &str| {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        Calendar::new("window", length.parse().unwrap(), zone).unwrap_err().to_string()
    };
    assert_eq!(why("0mo"), "a window must be longer than 0");
    assert_eq!(
        why("7h"),
        "a window of 7h does not fit into the calendar of Europe/Berlin; choose a part of a day, like 15m or 6h, or days, weeks, months or years"
    );
    assert!(why("1d6h").starts_with("a window of 1d6h does not fit"));
}

const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Havana",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "UTC",
];

const LENGTHS: [&str; 14] =
    ["1s", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "3d", "1w", "2w", "1mo", "1y"];

proptest! {
    /// Windows cover time without a gap and without overlap, and every time is in its window.
    #[test]
    fn windows_lie_side_by_side(zone in proptest::sample::select(ZONES.to_vec()),
                                length in proptest::sample::select(LENGTHS.to_vec()),
                                near_change: bool, time_ms in -4_000_000_000_000_i64..8_000_000_000_000) {
        let calendar = calendar(length, zone);
        let change = calendar.zone().change_until(time_ms).filter(|_| near_change);
        // Around the last time that clocks were set before it, up to two days away.
        let time_ms = change.map_or(time_ms, |it| it.at_ms + time_ms % 172_800_000);
        let window = calendar.assign(time_ms).unwrap();
        prop_assert!(window.start_ms <= time_ms && time_ms < window.end_ms);
        for inside in [window.start_ms, window.end_ms - 1] {
            prop_assert_eq!(calendar.assign(inside), Some(window));
        }
        prop_assert_eq!(calendar.assign(window.end_ms).unwrap().start_ms, window.end_ms);
        prop_assert_eq!(calendar.assign(window.start_ms - 1).unwrap().end_ms, window.start_ms);
        prop_assert_eq!(calendar.next_end_ms(time_ms), Some(window.end_ms));
    }

    /// Each begin of a longer window is one of a shorter that fills it.
    #[test]
    fn shorter_windows_fill_longer_ones(zone in proptest::sample::select(ZONES.to_vec()),
                                        part in proptest::sample::select(LENGTHS.to_vec()),
                                        whole in proptest::sample::select(LENGTHS.to_vec()),
                                        time_ms in -4_000_000_000_000_i64..8_000_000_000_000) {
        let (part, whole) = (calendar(part, zone), calendar(whole, zone));
        if part.fills(&whole) {
            let begin_ms = whole.assign(time_ms).unwrap().start_ms;
            prop_assert_eq!(part.assign(begin_ms).unwrap().start_ms, begin_ms);
        }
    }

    #[test]
    fn never_panics(time_ms: i64, length in proptest::sample::select(LENGTHS.to_vec())) {
        let calendar = calendar(length, "Europe/Berlin");
        let _ = (calendar.assign(time_ms), calendar.next_end_ms(time_ms));
        let _ = calendar.assign(time_ms % 300_000_000_000_000);
    }
}

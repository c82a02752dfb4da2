//! Frames, compared with files of `tests/golden/live/`; `MILLSTREAM_UPDATE=1` writes them.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::layout::screen::shown_width;
use crate::record::text::is_obeyed;

const SIZES: [(usize, usize); 3] = [(80, 24), (120, 40), (200, 60)];

/// Compares lines with a file.
#[track_caller]
fn check(name: &str, lines: &[String]) {
    let file = format!("tests/golden/live/{name}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("MILLSTREAM_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, wanted, "{file} differs; MILLSTREAM_UPDATE=1 writes it");
}

fn look((columns, lines): (usize, usize), color: bool) -> Look {
    Look { color, columns: Some(columns), lines: Some(lines), terminal: true }
}

/// Results of hosts, the best first, with what they had before.
fn results(count: usize) -> Vec<(String, Vec<Option<f64>>)> {
    let result = |n: usize| {
        let (start, end) = ("2026-11-28T14:05:00Z", "2026-11-28T14:06:00Z");
        let path = match n {
            1 => "/図書館/検索\\u001b[2J".to_owned(),
            2 => "/a/very/long/path".repeat(12),
            n => format!("/item/{n}"),
        };
        let hits = 5_000 / (n + 1);
        let average = if n == 3 { "null".to_owned() } else { format!("{}.25125", n * 7 % 40) };
        let text = format!(
            "{{\"window_start\":\"{start}\",\"window_end\":\"{end}\",\"path\":\"{path}\",\
             \"hits\":{hits},\"avg_ms\":{average},\"ok\":{}}}",
            n.is_multiple_of(2)
        );
        let trend = (0..20).map(|at| (at * (n + 3) % 11 != 5).then_some((at * (n + 2) % 9) as f64));
        (text, trend.collect())
    };
    (0..count).map(result).collect()
}

fn lines(
    view: &mut View,
    results: &[(String, Vec<Option<f64>>)],
    count: usize,
    look: Look,
) -> Vec<String> {
    let rows: Vec<Row<'_>> =
        results.iter().map(|(text, trend)| Row { object: text.as_bytes(), trend }).collect();
    let frame = Frame {
        heading: None,
        rows: &rows,
        count,
        is_of_one_window: true,
        trend_windows: 20,
        status: "48,211 records, 1,204/s, watermark 2026-11-28T14:05:31Z",
    };
    view.lines(&frame, look)
}

#[test]
fn frames_fit_the_screen() {
    for size in SIZES {
        for color in [false, true] {
            let look = look(size, color);
            let lines = lines(&mut View::default(), &results(70), 362, look);
            assert!(lines.len() < size.1, "{}", lines.len());
            assert!(lines.iter().all(|line| shown_width(line) < size.0));
            let colored = if color { "-color" } else { "" };
            check(&format!("windows-{}x{}{colored}", size.0, size.1), &lines);
        }
    }
    // However small it is.
    for size in [(1, 1), (10, 3), (20, 5), (45, 9)] {
        let lines = lines(&mut View::default(), &results(70), 362, look(size, false));
        assert!(
            lines.len() <= size.1.max(6) && lines.iter().all(|line| shown_width(line) <= size.0)
        );
    }
}

proptest! {
    /// Whatever values and names are: lines fit the screen, and nothing in them is obeyed.
    #[test]
    fn any_text_fits(
        texts in proptest::collection::vec("[\\u{1}-\\u{9f}東京\u{301}\u{202e}\u{1f600}]{0,60}", 1..6),
        columns in 2_usize..90, lines in 6_usize..30, count in 0_usize..40,
    ) {
        let pairs = texts.iter().enumerate().map(|(at, text)| {
            (format!("{text}{at}"), serde_json::Value::from(text.clone()))
        });
        let object = serde_json::Value::Object(pairs.collect()).to_string();
        let results = vec![(object, vec![Some(1.0); 20]); count];
        let look = look((columns, lines), false);
        let shown = super::tests::lines(&mut View::default(), &results, count, look);
        prop_assert!(shown.len() < lines, "{}", shown.len());
        for line in &shown {
            prop_assert!(shown_width(line) <= columns && !line.contains(is_obeyed), "{line:?}");
        }
    }
}

#[test]
fn columns_stay_wide_where_trends_have_no_room() {
    let mut view = View::default();
    let (wide, narrow) = (results(3), results(2));
    let before = lines(&mut view, &wide, 3, look((60, 24), false));
    let after = lines(&mut view, &narrow, 2, look((60, 24), false));
    assert!(!before[1].contains("last 20"), "{before:?}");
    assert_eq!(before[1], after[1]);
}

#[test]
fn a_very_low_screen_is_not_overflowed() {
    for (height, count) in [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)] {
        let shown = lines(&mut View::default(), &results(9), 9, look((80, height), false));
        assert_eq!(shown.len(), count, "{height}: {shown:?}");
        assert!(shown.last().is_some_and(|line| line.starts_with("48,211 records")));
    }
}

#[test]
fn what_fits_has_no_more_below() {
    let mut view = View::default();
    let few = lines(&mut view, &results(4), 4, look((80, 24), false));
    check("few", &few);
    // Columns stay as wide as they were: what changes is read more easily.
    let fewer = lines(&mut view, &results(1), 1, look((80, 24), false));
    assert_eq!(fewer[1], few[1]);
    // Where there is no room for them, trends are left out.
    let narrow = lines(&mut view, &results(4), 4, look((44, 24), false));
    assert!(!narrow[1].contains("last 20 windows"), "{narrow:?}");
}

#[test]
fn totals_have_neither_a_window_nor_trends() {
    let rows = [("{\"k\":\"a\",\"n\":3}", &[][..]), ("{\"k\":null,\"n\":2}", &[])];
    let rows = rows.map(|(text, trend)| Row { object: text.as_bytes(), trend });
    let frame = Frame {
        heading: Some("interrupted after 5 records"),
        rows: &rows,
        count: 2,
        is_of_one_window: false,
        trend_windows: 0,
        status: "5 records, 1/s",
    };
    let lines = View::default().lines(&frame, look((80, 24), false));
    assert_eq!(lines, ["interrupted after 5 records", "k  n", "a  3", "-  2", "5 records, 1/s"]);
    let nothing = Frame { heading: None, rows: &[], count: 0, ..frame };
    assert_eq!(View::default().lines(&nothing, look((80, 24), false)), ["5 records, 1/s"]);
}

#[test]
fn bars_go_from_nothing_to_the_greatest() {
    assert_eq!(bars(&[Some(0.0), Some(5.0), None, Some(10.0)]), "▁▅ █");
    assert_eq!(bars(&[Some(-10.0), Some(0.0), Some(f64::INFINITY)]), "▁█ ");
    assert_eq!(bars(&[Some(0.0)]), "▁");
    assert_eq!(bars(&[]), "");
}

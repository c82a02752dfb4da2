//! Charts.

use super::*;

/// Some chart, of the kind that its text says.
pub fn chart_of(text: String) -> chart::Chart {
    let kind = match (text.contains("over"), text.starts_with("count")) {
        (false, _) => chart::Kind::Distribution,
        (true, true) => chart::Kind::Count,
        (true, false) => chart::Kind::Mean,
    };
    let mut chart = chart::Chart::new(text, kind);
    chart.is_time = kind != chart::Kind::Distribution;
    chart.left_out = 3;
    for n in 0..1000 {
        let (at, wave) = (f64::from(n), (f64::from(n) / 100.0).sin() * 50.0);
        match kind {
            chart::Kind::Distribution if n % 5 == 0 => {
                chart.count(["東京", "web\u{1b}[2J"][n as usize % 2])
            }
            chart::Kind::Distribution => chart.add("", wave, wave),
            chart::Kind::Count if n % 3 < n / 400 => {}
            chart::Kind::Count => chart.add("", 1_356_998_400.0 + at, 1.0),
            chart::Kind::Mean => {
                let group = ["web0", "web1"][n as usize % 2];
                chart.add(group, 1_356_998_400.0 + at * 900.0, wave + f64::from(n % 2 * 30));
            }
        }
    }
    chart
}

#[test]
fn records_are_charted() {
    let mut shown = Shown::new(80, 24);
    shown.press("c");
    shown.check("chart-prompt");
    shown.enter(".status");
    shown.check("chart-of-values");
    shown.press("c ^U");
    shown.enter(".ms over .time by .host");
    shown.check("chart-of-means");
    shown.press("c ^U");
    shown.take([Event::Size(120, 40)]);
    shown.enter("count over .time");
    shown.check("chart-of-counts-120x40");
    shown.take([Event::Size(9, 4)]);
    shown.terminal(Theme::new(true));
    shown.press("q");
    assert!(shown.state.chart.is_none());
}

//! Why a tool has printed nothing yet, said once on a terminal: what it waits for, and what would
//! show something earlier.

use crate::cli::figures::Figures;
use crate::cli::options::InputOptions;
use crate::cli::silence::{When, explain};
use crate::time::Duration;
use crate::time::event_time::from_text;
use crate::time::timestamp::show_ms;

/// How results come of windows, as far as the reason depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Results {
    /// How far records may be out of order, where the tool windows them itself.
    pub out_of_order: Option<Duration>,
    /// Whether results come early.
    pub are_early: bool,
    /// Whether a condition may leave results out.
    pub are_selected: bool,
}

/// Has the reason said, unless that is not wanted, or a progress bar shows how long it takes.
pub fn explain_with(
    input: &InputOptions,
    reason: impl Fn(&Figures) -> Option<String> + Send + Sync + 'static,
) {
    if input.files.is_empty() && input.progress.allowed() {
        explain(When::NoResult, reason);
    }
}

/// Of a tool that leaves records out: none of them was `done`, as in "passed".
pub fn none_was(done: &str, figures: &Figures) -> String {
    let late = match figures.late {
        0 => String::new(),
        late => format!("; {late} of them late"),
    };
    format!("{}, none {done}{late}", records(figures))
}

/// Of a tool that aggregates.
pub fn no_result(results: &Results, figures: &Figures) -> String {
    let records = records(figures);
    let Some(windows) = figures.windows else {
        return format!(
            "{records}, {}; results are emitted at the end of the input; --live shows them now",
            count(figures.groups.unwrap_or_default(), "group")
        );
    };
    let windows = count(windows, "window");
    let remedy = match results {
        Results { are_selected: true, .. } => "; --having or --top may leave results out",
        Results { are_early: true, .. } => "",
        _ => "; --emit updates shows results earlier",
    };
    let late =
        if figures.late > 0 { format!(", {} of them late", figures.late) } else { String::new() };
    let next = next_close(results, figures).unwrap_or_default();
    format!("{records}{late}, {windows} open{next}{remedy}")
}

/// When the next window closes, as far as that is known.
fn next_close(results: &Results, figures: &Figures) -> Option<String> {
    let closes_ms = from_text(figures.closes_at.as_deref()?, None).ok()?;
    Some(match (results.out_of_order, &figures.event_time) {
        (Some(out_of_order), Some(now)) => {
            let at = show_ms(closes_ms.saturating_add(out_of_order.ms()));
            let (at, now) = without_date(&at, now);
            format!(
                "; the next closes when event time reaches {at} (now {now}, --out-of-order {out_of_order})"
            )
        }
        _ => {
            let watermark = figures.watermark.as_deref().unwrap_or("none");
            let at = show_ms(closes_ms);
            let (at, now) = without_date(&at, watermark);
            format!("; the next closes when the watermark passes {at} (now {now})")
        }
    })
}

/// Two times without their date, if they have the same.
fn without_date<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    match (one.split_once('T'), other.split_once('T')) {
        (Some((date, one)), Some((same, other))) if date == same => (one, other),
        _ => (one, other),
    }
}

fn records(figures: &Figures) -> String {
    count(figures.records_in, "record")
}

fn count(count: u64, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures {
            records_in: 1204,
            windows: Some(3),
            groups: Some(1),
            closes_at: Some("2024-05-01T12:06:00Z".to_owned()),
            event_time: Some("2024-05-01T12:05:41Z".to_owned()),
            watermark: Some("2024-05-01T12:05:35.999Z".to_owned()),
            ..Figures::default()
        }
    }

    #[test]
    fn the_next_window_and_its_remedy_are_said() {
        let out_of_order = Duration::from_ms(5000);
        let own = Results { out_of_order, ..Results::default() };
        assert_eq!(
            no_result(&own, &figures()),
            "1204 records, 3 windows open; the next closes when event time reaches 12:06:05Z (now \
             12:05:41Z, --out-of-order 5s); --emit updates shows results earlier"
        );
        let early = Results { are_early: true, ..Results::default() };
        assert_eq!(
            no_result(&early, &figures()),
            "1204 records, 3 windows open; the next closes when the watermark passes 12:06:00Z \
             (now 12:05:35.999Z)"
        );
        let next_day = Some("2024-05-02T00:00:00Z".to_owned());
        let figures = Figures { closes_at: next_day, windows: Some(1), late: 4, ..figures() };
        let selected = Results { are_selected: true, ..own };
        assert_eq!(
            no_result(&selected, &figures),
            "1204 records, 4 of them late, 1 window open; the next closes when event time reaches \
             2024-05-02T00:00:05Z (now 2024-05-01T12:05:41Z, --out-of-order 5s); --having or --top \
             may leave results out"
        );
    }

    #[test]
    fn without_windows_results_come_at_the_end() {
        let figures = Figures { windows: None, ..figures() };
        assert_eq!(
            no_result(&Results::default(), &figures),
            "1204 records, 1 group; results are emitted at the end of the input; --live shows them \
             now"
        );
        let figures = Figures { records_in: 1, late: 1, ..figures };
        assert_eq!(none_was("emitted", &figures), "1 record, none emitted; 1 of them late");
    }
}

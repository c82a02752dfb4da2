//! The whole of an aggregation: records and watermarks in, results out.

use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::plan::Plan;
use super::report::{Report, Style};
use super::select::Selection;
use super::table::Table;
use super::windows::Windows;
use crate::expr::Value;
use crate::record::control::Mark;
use crate::time::Interval;
use crate::time::interval::{END_FIELD, START_FIELD};
use crate::time::timestamp::parse_ms;

/// Reduces a stream of records.
///
/// A stream that says how it is windowed has results for each window when the watermark passes its
/// end; any other has results at its end.
pub struct Aggregator {
    plan: Plan,
    report: Report,
    state: State,
    /// The key of the record in hand.
    key: Vec<u8>,
    window: [Bound; 2],
    /// How many records have been taken.
    arrivals: u64,
    late_records: u64,
    groups_max: usize,
    /// None as long as nobody wants to know.
    held: Option<Held>,
    groups: usize,
}

/// What is held, and was at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Groups now, those of all open windows.
    pub groups: usize,
    /// Groups at most.
    pub groups_most: usize,
    /// Open windows now.
    pub windows: usize,
    /// Open windows at most, where windows closed.
    pub windows_most: usize,
    /// About how many bytes their states take now.
    pub bytes: usize,
    /// And at most, where windows closed.
    pub bytes_most: usize,
}

enum State {
    /// One set of results for the whole input.
    Whole(Table),
    /// One for each window.
    Windowed(Windows),
}

/// What the end of the input, or of our patience, leaves without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreported {
    /// Nothing: all results are out.
    Nothing,
    /// The whole: results come at the end of the input only.
    Whole,
    /// So many open windows; the final watermark has not come.
    Windows(usize),
}

impl Aggregator {
    /// Starts on a stream.
    pub fn new(plan: Plan) -> Aggregator {
        let report = Report::new(plan.layout(), Selection::default(), Style::Records);
        Aggregator {
            report,
            state: State::Whole(plan.table(false)),
            plan,
            key: Vec::new(),
            window: [Bound::of(START_FIELD), Bound::of(END_FIELD)],
            arrivals: 0,
            late_records: 0,
            groups_max: usize::MAX,
            held: None,
            groups: 0,
        }
    }

    /// Lets only some results pass, and says what they look like.
    #[must_use]
    pub fn reporting(mut self, selection: Selection, style: Style) -> Aggregator {
        self.report = Report::new(self.plan.layout(), selection, style);
        self
    }

    /// Allows at most so many groups at the same time, those of all open windows together.
    #[must_use]
    pub fn limited(mut self, groups_max: usize) -> Aggregator {
        self.groups_max = groups_max;
        self
    }

    /// Watches what is held.
    #[must_use]
    pub fn watched(mut self) -> Aggregator {
        self.held = Some(Held::default());
        self
    }

    /// Takes a record. A record of a window that is closed is late: it is counted, no more.
    ///
    /// # Errors
    /// When the record is at fault.
    pub fn record(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.plan.program.load(record)?;
        if !record.trim_ascii_start().starts_with(b"{") {
            return Err(Fault::NotAnObject);
        }
        let table = match &mut self.state {
            State::Whole(table) => {
                if table.is_empty() {
                    needs_no_windows(&self.plan)?;
                }
                table
            }
            State::Windowed(windows) => {
                let interval = read_window(&mut self.window, &mut self.plan)?;
                match windows.enter(interval, || self.plan.table(false))? {
                    Some(open) => &mut open.table,
                    None => {
                        self.late_records += 1;
                        return Ok(());
                    }
                }
            }
        };
        self.key.clear();
        self.plan.write_key(&mut self.key)?;
        let found = table.find(&self.key);
        self.plan.stage(found.group, record, &mut table.columns)?;
        if found.group.is_none() {
            if self.groups >= self.groups_max {
                return Err(StreamError::TooManyGroups(self.groups_max).into());
            }
            self.groups += 1;
        }
        self.arrivals += 1;
        let group = table.enter(found, &self.key, self.arrivals);
        for column in &mut table.columns {
            column.apply(group, self.arrivals);
        }
        Ok(())
    }

    /// The stream says that it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, or a result's name is taken by the window.
    pub fn begin_windows(&mut self) -> Result<(), StreamError> {
        for name in [START_FIELD, END_FIELD] {
            if let Some(text) = self.plan.text_of(name) {
                return Err(StreamError::Clash { text: text.to_owned(), name });
            }
        }
        match &mut self.state {
            State::Whole(table) if table.is_empty() => {
                self.state = State::Windowed(Windows::default());
                Ok(())
            }
            State::Whole(_) => Err(StreamError::Mixed),
            State::Windowed(windows) => {
                windows.begin();
                Ok(())
            }
        }
    }

    /// Takes a watermark: appends the results of the windows that it closes. A stream without
    /// windows has no use for it.
    ///
    /// # Errors
    /// When the condition on results fails.
    pub fn watermark(&mut self, mark: Mark, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.look();
        let State::Windowed(windows) = &mut self.state else { return Ok(()) };
        let mut done = Ok(());
        windows.close(mark, |open| {
            self.groups -= open.table.len();
            if done.is_ok() {
                let scope = Scope { seconds: Some(seconds_of(open.interval)) };
                done = self.report.write(&open.head, &open.table, scope, out);
            }
        });
        done.map_err(StreamError::Having)
    }

    /// The input has ended: appends the results of a stream without windows. Without groups there
    /// is always one result, as in SQL, also of no records. Windows stay open: only the final
    /// watermark says that nothing is missing from them.
    ///
    /// # Errors
    /// When the condition on results fails, or an aggregate needs windows.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let State::Whole(table) = &mut self.state else { return Ok(()) };
        needs_no_windows(&self.plan)?;
        if !self.plan.is_grouped() {
            table.enter(table.find(b""), b"", 0);
        }
        let written = self.report.write(b"", table, Scope::default(), out);
        written.map_err(StreamError::Having)
    }

    /// What is held now and was at most, if it was watched.
    pub fn held(&mut self) -> Option<Held> {
        self.look();
        self.held
    }

    /// Sees what is held.
    fn look(&mut self) {
        let Some(held) = &mut self.held else { return };
        held.groups = self.groups;
        (held.windows, held.bytes) = match &self.state {
            State::Whole(table) => (0, table.bytes()),
            State::Windowed(windows) => (windows.open_count(), windows.bytes()),
        };
        held.groups_most = held.groups_most.max(held.groups);
        held.windows_most = held.windows_most.max(held.windows);
        held.bytes_most = held.bytes_most.max(held.bytes);
    }

    /// What has no results, if the stream ends here and [`Aggregator::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        match &self.state {
            State::Whole(_) => Unreported::Whole,
            State::Windowed(windows) if windows.ended() => Unreported::Nothing,
            State::Windowed(windows) => Unreported::Windows(windows.open_count()),
        }
    }

    /// How many records were late.
    pub fn late_records(&self) -> u64 {
        self.late_records
    }
}

fn needs_no_windows(plan: &Plan) -> Result<(), StreamError> {
    match plan.needs_windows() {
        Some(text) => Err(StreamError::NoWindows(text.to_owned())),
        None => Ok(()),
    }
}

fn seconds_of(interval: Interval) -> f64 {
    (i128::from(interval.end_ms) - i128::from(interval.start_ms)) as f64 / 1_000.0
}

/// One end of the window of the last record: neighbours often share it.
struct Bound {
    field: &'static str,
    text: String,
    ms: i64,
}

impl Bound {
    fn of(field: &'static str) -> Bound {
        Bound { field, text: String::new(), ms: 0 }
    }

    fn read(&mut self, value: &Value<'_>) -> Result<i64, Fault> {
        let field = self.field;
        let Value::Text(text) = value else { return Err(Fault::NoWindow(field)) };
        if *text != self.text {
            // Nothing empty is a time, so an empty text here always means that none is known.
            self.text.clear();
            self.ms = parse_ms(text).map_err(|error| Fault::Bound { field, error })?;
            self.text.push_str(text);
        } else if text.is_empty() {
            return Err(Fault::NoWindow(field));
        }
        Ok(self.ms)
    }
}

fn read_window(bounds: &mut [Bound; 2], plan: &mut Plan) -> Result<Interval, Fault> {
    let mut ends_ms = [0; 2];
    for ((bound, ms), expression) in
        bounds.iter_mut().zip(&mut ends_ms).zip(plan.window_expressions())
    {
        *ms = bound.read(&plan.program.value(expression)?)?;
    }
    let [start_ms, end_ms] = ends_ms;
    if start_ms < end_ms { Ok(Interval { start_ms, end_ms }) } else { Err(Fault::EmptyWindow) }
}

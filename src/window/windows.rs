//! The windows of a stream, whatever their kind: what `window` gives to records, and what
//! `aggregate` makes of it.

use std::iter;

use super::fault::WindowsError;
use super::week::NotADay;
use super::{CalendarHop, Cells, Cumulate, Frame, Hop, Length};
use crate::record::control::{self, Kind};
use crate::time::duration::DurationError;
use crate::time::zone::UnknownZone;
use crate::time::{Duration, Interval, Shift};

/// The windows of a stream.
///
/// A record is put into one *slice*, by its event time; windows are made of whole slices. A slice
/// of tumbling windows is the window itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Windows {
    /// Windows of one size, side by side.
    Tumbling(Cells),
    /// Windows of one size that overlap.
    Hop(Hop),
    /// Windows of the calendar that overlap.
    CalendarHop(CalendarHop),
    /// Windows that begin together and grow.
    Cumulate(Cumulate),
    /// For each group, windows that end when nothing came for this long: above zero. A record's
    /// slice is from its time to the gap behind it; slices that overlap or touch are one session.
    Session {
        /// How long nothing came, in milliseconds.
        gap_ms: i64,
    },
    /// For each group, windows of so many records, at least one. They have no times.
    Count {
        /// How many records make a window.
        size: u64,
    },
}

/// What each record of a windowed stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// `window_start` and `window_end`: a window, ready made.
    Window,
    /// `slice_start` and `slice_end`: a slice, and windows are those of [`Windows::of_slice`].
    Slice,
    /// `slice_start` and `slice_end`: a session of one record, to be merged with its neighbours.
    Session,
    /// Nothing.
    Nothing,
}

impl Windows {
    /// Windows of length `size` side by side.
    ///
    /// # Errors
    /// When there are no such windows; and so for all of these.
    pub fn tumbling(size: Length, frame: Frame) -> Result<Windows, WindowsError> {
        let frame = frame.of(&[size]).beginning_with(size);
        Cells::new("window", size, &frame).map(Windows::Tumbling)
    }

    /// Windows of length `size`, one of which begins every `slide`.
    ///
    /// # Errors
    /// See [`Hop::new`] and [`CalendarHop::new`].
    pub fn hop(slide: Length, size: Length, frame: Frame) -> Result<Windows, WindowsError> {
        let frame = frame.of(&[slide, size]).beginning_with(slide);
        match (&frame.zone, slide, size) {
            (None, Length::Time(slide), Length::Time(size)) => {
                Hop::new(slide, size, frame.offset).map(Windows::Hop)
            }
            _ => CalendarHop::new(slide, size, frame.anchor()).map(Windows::CalendarHop),
        }
    }

    /// Windows that grow by `step` up to `size`.
    ///
    /// # Errors
    /// See [`Cumulate::new`].
    pub fn cumulate(step: Length, size: Length, frame: Frame) -> Result<Windows, WindowsError> {
        Cumulate::new(step, size, frame).map(Windows::Cumulate)
    }

    /// Sessions whose records are no further apart than `gap`.
    ///
    /// # Errors
    /// When the gap is zero.
    pub fn session(gap: Duration) -> Result<Windows, WindowsError> {
        match gap.ms() {
            0 => Err(WindowsError::NoLength("gap")),
            gap_ms => Ok(Windows::Session { gap_ms }),
        }
    }

    /// Windows of `size` records.
    ///
    /// # Errors
    /// When that is none.
    pub fn count(size: u64) -> Result<Windows, WindowsError> {
        if size == 0 { Err(WindowsError::NoRecords) } else { Ok(Windows::Count { size }) }
    }

    /// The windows that a control record tells of.
    ///
    /// # Errors
    /// When there are no such windows.
    pub fn from_kind(kind: &Kind) -> Result<Windows, WindowsError> {
        let duration = |what, ms| Duration::from_ms(ms).ok_or(WindowsError::Negative(what, ms));
        let time = |what, ms| duration(what, ms).map(Length::Time);
        let at = |offset_ms| Frame::from(Shift::from_ms(offset_ms));
        match kind {
            &Kind::Tumbling(control::Tumbling::Fixed { size_ms, offset_ms }) => {
                Windows::tumbling(time("window", size_ms)?, at(offset_ms))
            }
            &Kind::Hop(control::Hop::Fixed { slide_ms, size_ms, offset_ms }) => {
                Windows::hop(time("slide", slide_ms)?, time("window", size_ms)?, at(offset_ms))
            }
            &Kind::Cumulate(control::Cumulate::Fixed { step_ms, size_ms, offset_ms }) => {
                Windows::cumulate(time("step", step_ms)?, time("window", size_ms)?, at(offset_ms))
            }
            Kind::Tumbling(control::Tumbling::Calendar { size, tz, offset_ms, week_start }) => {
                Windows::tumbling(read(size)?, in_zone(tz, *offset_ms, week_start.as_deref())?)
            }
            Kind::Hop(control::Hop::Calendar { slide, size, tz, offset_ms, week_start }) => {
                Windows::hop(
                    read(slide)?,
                    read(size)?,
                    in_zone(tz, *offset_ms, week_start.as_deref())?,
                )
            }
            Kind::Cumulate(control::Cumulate::Calendar {
                step,
                size,
                tz,
                offset_ms,
                week_start,
            }) => Windows::cumulate(
                read(step)?,
                read(size)?,
                in_zone(tz, *offset_ms, week_start.as_deref())?,
            ),
            &Kind::Session(control::Session { gap_ms }) => {
                Windows::session(duration("gap", gap_ms)?)
            }
            &Kind::Count(control::Count { size }) => Windows::count(size),
        }
    }

    /// What the stream's control record says of these windows.
    pub fn kind(&self) -> Kind {
        match self {
            Windows::Tumbling(tumbling) => Kind::Tumbling(tumbling.sizes()),
            Windows::Hop(hop) => Kind::Hop(hop.sizes()),
            Windows::CalendarHop(hop) => Kind::Hop(hop.sizes()),
            Windows::Cumulate(cumulate) => Kind::Cumulate(cumulate.sizes()),
            Windows::Session { gap_ms } => Kind::Session(control::Session { gap_ms: *gap_ms }),
            Windows::Count { size } => Kind::Count(control::Count { size: *size }),
        }
    }

    /// What each record carries, if it is, or is not, put out once for each window.
    pub fn carried(&self, expanded: bool) -> Carried {
        match self {
            Windows::Tumbling(_) => Carried::Window,
            Windows::Hop(_) | Windows::CalendarHop(_) | Windows::Cumulate(_) => match expanded {
                true => Carried::Window,
                false => Carried::Slice,
            },
            Windows::Session { .. } => Carried::Session,
            Windows::Count { .. } => Carried::Nothing,
        }
    }

    /// The slice of an event time in milliseconds; none if it reaches beyond 64 bits, or if these
    /// windows have nothing to do with time.
    pub fn slice(&self, time_ms: i64) -> Option<Interval> {
        match self {
            Windows::Tumbling(tumbling) => tumbling.assign(time_ms),
            Windows::Hop(hop) => hop.slice(time_ms),
            Windows::CalendarHop(hop) => hop.slice(time_ms),
            Windows::Cumulate(cumulate) => cumulate.slice(time_ms),
            Windows::Session { gap_ms } => {
                Some(Interval { start_ms: time_ms, end_ms: time_ms.checked_add(*gap_ms)? })
            }
            Windows::Count { .. } => None,
        }
    }

    /// Whether this is something that a record of these windows can carry.
    pub fn have(&self, piece: Interval, carried: Carried) -> bool {
        let window_by_end = |end_ms: i64| self.first(self.slice(end_ms.checked_sub(1)?)?);
        match carried {
            // A window ends with its last slice, and is the first of those that have that slice.
            Carried::Window => window_by_end(piece.end_ms) == Some(piece),
            Carried::Slice | Carried::Session => self.slice(piece.start_ms) == Some(piece),
            Carried::Nothing => false,
        }
    }

    /// The windows that have this slice, by end. For a session that is the slice itself: its record
    /// alone.
    pub fn of_slice(&self, slice: Interval) -> impl Iterator<Item = Interval> + '_ {
        let last = self.last(slice);
        let after = move |window: &Interval| match Some(*window) == last {
            true => None,
            false => self.after(*window),
        };
        iter::successors(last.and_then(|_| self.first(slice)), after)
    }

    /// The first of the windows that have this slice and end after `closed_ms`; none if all of them
    /// end before that. Works it out at once, however many windows there are before it.
    pub fn next_of_slice(&self, slice: Interval, closed_ms: i64) -> Option<Interval> {
        if closed_ms < slice.end_ms {
            return self.first(slice);
        }
        // Windows end where slices do: the first that has the slice at that time ends after it.
        let window = self.first(self.slice(closed_ms)?)?;
        (window.start_ms <= slice.start_ms).then_some(window)
    }

    /// The next window behind one of those that overlap or grow; none for other kinds.
    pub fn after(&self, window: Interval) -> Option<Interval> {
        match self {
            Windows::Hop(hop) => hop.after(window),
            Windows::CalendarHop(hop) => hop.after(window),
            Windows::Cumulate(cumulate) => cumulate.after(window),
            _ => None,
        }
    }

    /// The first window that ends after this time, where windows have different ends: none for
    /// sessions and windows that count.
    pub fn next_by_end(&self, time_ms: i64) -> Option<Interval> {
        match self {
            Windows::Session { .. } | Windows::Count { .. } => None,
            _ => self.first(self.slice(self.next_end_ms(time_ms)?.checked_sub(1)?)?),
        }
    }

    /// From the start of the first window that has this slice to the end of the last one: when that
    /// end has passed, nothing needs the slice any more. None if it reaches beyond 64 bits.
    pub fn hull(&self, slice: Interval) -> Option<Interval> {
        let (first, last) = (self.first(slice)?, self.last(slice)?);
        Some(Interval { start_ms: first.start_ms.min(last.start_ms), end_ms: last.end_ms })
    }

    /// The first end of a window that is after this time: a session may end at any time. None if no
    /// window ends any more.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        match self {
            Windows::Tumbling(tumbling) => tumbling.next_end_ms(time_ms),
            Windows::Hop(hop) => hop.next_end_ms(time_ms),
            Windows::CalendarHop(hop) => hop.next_end_ms(time_ms),
            Windows::Cumulate(cumulate) => cumulate.next_end_ms(time_ms),
            Windows::Session { .. } => time_ms.checked_add(1),
            Windows::Count { .. } => None,
        }
    }

    fn first(&self, slice: Interval) -> Option<Interval> {
        match self {
            Windows::Tumbling(_) | Windows::Session { .. } => Some(slice),
            Windows::Hop(hop) => hop.first(slice),
            Windows::CalendarHop(hop) => hop.first(slice),
            Windows::Cumulate(cumulate) => cumulate.first(slice),
            Windows::Count { .. } => None,
        }
    }

    fn last(&self, slice: Interval) -> Option<Interval> {
        match self {
            Windows::Tumbling(_) | Windows::Session { .. } => Some(slice),
            Windows::Hop(hop) => hop.last(slice),
            Windows::CalendarHop(hop) => hop.last(slice),
            Windows::Cumulate(cumulate) => cumulate.last(slice),
            Windows::Count { .. } => None,
        }
    }
}

/// Reads a length that a control record tells of.
fn read(length: &str) -> Result<Length, WindowsError> {
    length.parse().map_err(|error: DurationError| WindowsError::Unknown(error.to_string()))
}

/// The frame of a zone that a control record tells of.
fn in_zone(name: &str, offset_ms: i64, week_start: Option<&str>) -> Result<Frame, WindowsError> {
    let zone = name.parse().map_err(|error: UnknownZone| WindowsError::Unknown(error.to_string()));
    let week_start = week_start.map(str::parse).transpose();
    let week_start = week_start.map_err(|error: NotADay| WindowsError::Unknown(error.to_string()));
    let offset = Shift::from_ms(offset_ms);
    Ok(Frame { zone: Some(zone?), offset, week_start: week_start? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::{parse_ms, show_ms};
    use crate::window::WeekStart;
    use proptest::prelude::*;

    fn duration(text: &str) -> Duration {
        text.parse().unwrap()
    }

    fn length(text: &str) -> Length {
        text.parse().unwrap()
    }

    /// The ends of the windows that have a time of this day, and their start.
    fn of_time(windows: &Windows, time: &str) -> Vec<(String, String)> {
        let time_ms = parse_ms(&format!("2020-04-15T{time}Z")).unwrap();
        let shown = |ms| show_ms(ms)[11..16].to_owned();
        let slice = windows.slice(time_ms).unwrap();
        windows.of_slice(slice).map(|it| (shown(it.start_ms), shown(it.end_ms))).collect()
    }

    #[test]
    fn cumulating_windows_are_those_of_flink() {
        // SEMANTICS: Flink's window-tvf.md, 08:05 with a step of 2 min and a size of 10 min.
        let windows = Windows::cumulate(length("2m"), length("10m"), Frame::default()).unwrap();
        let expected = [("08:00", "08:06"), ("08:00", "08:08"), ("08:00", "08:10")];
        assert_eq!(
            of_time(&windows, "08:05:00"),
            expected.map(|(start, end)| (start.to_owned(), end.to_owned()))
        );
    }

    #[test]
    fn hopping_windows_are_those_of_flink() {
        // Flink's window-tvf.md: 08:05 with a slide of 5 min and a size of 10 min.
        let windows = Windows::hop(length("5m"), length("10m"), Frame::default()).unwrap();
        let expected = [("08:00", "08:10"), ("08:05", "08:15")];
        assert_eq!(
            of_time(&windows, "08:05:00"),
            expected.map(|(start, end)| (start.to_owned(), end.to_owned()))
        );
    }

    #[test]
    fn weeks_begin_on_monday_without_a_zone_too() {
        let at = |windows: &Windows| {
            let slice = windows.slice(parse_ms("2024-01-03T12:00:00Z").unwrap()).unwrap();
            show_ms(windows.of_slice(slice).next().unwrap().start_ms)[..10].to_owned()
        };
        let frame = |day: Option<&str>, offset: &str| Frame {
            offset: offset.parse().unwrap(),
            week_start: Some(day.map_or(WeekStart::default(), |day| day.parse().unwrap())),
            ..Frame::default()
        };
        let week = |day, offset| Windows::tumbling(length("1w"), frame(day, offset)).unwrap();
        assert_eq!(at(&week(None, "0")), "2024-01-01");
        assert_eq!(at(&week(Some("sunday"), "0")), "2023-12-31");
        assert_eq!(at(&week(None, "1d")), "2024-01-02");
        // Steps are in phase with the weeks that they make up, though they do not divide a day.
        let cumulate = Windows::cumulate(length("7h"), length("1w"), frame(None, "0")).unwrap();
        assert_eq!(at(&cumulate), "2024-01-01");
        let hop = Windows::hop(length("1w"), length("2w"), frame(Some("friday"), "0")).unwrap();
        assert_eq!(at(&hop), "2023-12-22");
        // The control record says where they begin: nothing is added again.
        assert_eq!(Windows::from_kind(&hop.kind()), Ok(hop));
        assert_eq!(Windows::from_kind(&cumulate.kind()), Ok(cumulate));
    }

    #[test]
    fn a_session_begins_with_its_record_and_a_count_has_no_times() {
        let session = Windows::session(duration("30s")).unwrap();
        let slice = Interval { start_ms: -7, end_ms: 29_993 };
        assert_eq!(session.slice(-7), Some(slice));
        assert_eq!(session.of_slice(slice).collect::<Vec<_>>(), [slice]);
        assert_eq!((session.hull(slice), session.next_end_ms(-7)), (Some(slice), Some(-6)));
        assert_eq!(session.slice(i64::MAX), None);
        let count = Windows::count(3).unwrap();
        assert_eq!((count.slice(0), count.next_end_ms(0), count.hull(slice)), (None, None, None));
        assert_eq!(count.of_slice(slice).count(), 0);
        assert!(Windows::session(Duration::default()).is_err() && Windows::count(0).is_err());
    }

    fn lengths() -> impl Strategy<Value = (i64, i64)> {
        (1_i64..12, 1_i64..12).prop_map(|(step, times)| (step, step * times))
    }

    fn some_windows() -> impl Strategy<Value = Windows> {
        let ms = |ms| Length::Time(Duration::from_ms(ms).unwrap());
        let offset = || (-300_i64..300).prop_map(|ms| Frame::from(Shift::from_ms(ms)));
        prop_oneof![
            (1_i64..50, offset())
                .prop_map(move |(size, offset)| { Windows::tumbling(ms(size), offset).unwrap() }),
            (1_i64..40, 0_i64..60, offset()).prop_map(move |(slide, more, offset)| {
                Windows::hop(ms(slide), ms(slide + more), offset).unwrap()
            }),
            (lengths(), offset()).prop_map(move |((step, size), offset)| {
                Windows::cumulate(ms(step), ms(size), offset).unwrap()
            }),
        ]
    }

    /// All windows that have a time, worked out anew from what the options mean, by end.
    fn model(kind: &Kind, time_ms: i64) -> Vec<Interval> {
        let near = time_ms - 500..=time_ms;
        let mut found: Vec<Interval> = match *kind {
            Kind::Tumbling(control::Tumbling::Fixed { size_ms, offset_ms }) => near
                .filter(|start| (start - offset_ms).rem_euclid(size_ms) == 0)
                .map(|start_ms| Interval { start_ms, end_ms: start_ms + size_ms })
                .collect(),
            Kind::Hop(control::Hop::Fixed { slide_ms, size_ms, offset_ms }) => near
                .filter(|start| (start - offset_ms).rem_euclid(slide_ms) == 0)
                .map(|start_ms| Interval { start_ms, end_ms: start_ms + size_ms })
                .collect(),
            Kind::Cumulate(control::Cumulate::Fixed { step_ms, size_ms, offset_ms }) => near
                .filter(|start| (start - offset_ms).rem_euclid(size_ms) == 0)
                .flat_map(|start_ms| {
                    (1..=size_ms / step_ms)
                        .map(move |steps| Interval { start_ms, end_ms: start_ms + steps * step_ms })
                })
                .collect(),
            _ => Vec::new(),
        };
        found.retain(|window| window.end_ms > time_ms);
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn windows_are_those_of_a_plain_model(windows in some_windows(), time_ms in -300_i64..300) {
            let slice = windows.slice(time_ms).unwrap();
            prop_assert!(slice.start_ms <= time_ms && time_ms < slice.end_ms);
            let expected = model(&windows.kind(), time_ms);
            // The windows of a slice are those of each time in it.
            prop_assert_eq!(&model(&windows.kind(), slice.start_ms), &expected);
            prop_assert_eq!(&model(&windows.kind(), slice.end_ms - 1), &expected);
            let hull = windows.hull(slice).unwrap();
            prop_assert_eq!(Some(hull.start_ms), expected.iter().map(|it| it.start_ms).min());
            prop_assert_eq!(Some(hull.end_ms), expected.last().map(|it| it.end_ms));
            for closed_ms in slice.start_ms - 3..=hull.end_ms + 3 {
                let next = expected.iter().find(|it| it.end_ms > closed_ms).copied();
                prop_assert_eq!(windows.next_of_slice(slice, closed_ms), next);
            }
            prop_assert_eq!(windows.of_slice(slice).collect::<Vec<_>>(), expected);
        }

        /// A record can carry the windows that there are, and no others.
        #[test]
        fn records_carry_windows_that_there_are(windows in some_windows(), start_ms in -300_i64..300,
                                                length_ms in 1_i64..40) {
            let of_start = model(&windows.kind(), start_ms);
            for window in &of_start {
                prop_assert!(windows.have(*window, Carried::Window));
            }
            let other = Interval { start_ms, end_ms: start_ms + length_ms };
            prop_assert_eq!(windows.have(other, Carried::Window), of_start.contains(&other));
        }

        #[test]
        fn the_next_end_is_the_first_of_all_windows(windows in some_windows(), time_ms in -300_i64..300) {
            let ends = (time_ms - 200..time_ms + 200).flat_map(|at| model(&windows.kind(), at));
            let next = ends.map(|window| window.end_ms).filter(|end_ms| *end_ms > time_ms).min();
            prop_assert_eq!(windows.next_end_ms(time_ms), next);
        }

        #[test]
        fn the_control_record_tells_all(windows in some_windows(), size in 1_u64..9) {
            let session = Windows::session(Duration::from_ms(7).unwrap()).unwrap();
            let (offset_ms, day) = if size % 2 == 0 { (21_600_000, Some("sunday")) } else { (0, None) };
            let zone = || in_zone("Asia/Kolkata", offset_ms, day).unwrap();
            let days = Windows::tumbling(length("1d"), zone()).unwrap();
            let weeks = Windows::hop(length("1d"), length("1w"), zone()).unwrap();
            let years = Windows::cumulate(length("6h"), length("1y"), zone()).unwrap();
            for windows in [windows, session, Windows::count(size).unwrap(), days, weeks, years] {
                prop_assert_eq!(Windows::from_kind(&windows.kind()), Ok(windows));
            }
        }

        /// Nothing overflows at the ends of time.
        #[test]
        fn never_panics(time_ms in prop_oneof![i64::MIN..i64::MIN + 99, i64::MAX - 99..=i64::MAX],
                        windows in some_windows()) {
            if let Some(slice) = windows.slice(time_ms) {
                let _ = (windows.hull(slice), windows.of_slice(slice).count());
            }
            let _ = windows.next_end_ms(time_ms);
        }
    }
}

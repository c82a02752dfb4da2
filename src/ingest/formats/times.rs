//! Times as logs write them, and as RFC 3339 writes them.

use jiff::civil::{Date, DateTime, Time};

use crate::record::civil::DAY_S;
use crate::time::Zone;
use crate::time::timestamp::{MAX_MS, MIN_MS, write_ms};
use crate::time::zone::Shown;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// How long after now a time may be before it is taken for one of the year before: the clock of
/// another host may be ahead, and be in another time zone.
const AHEAD_MS: i64 = DAY_S * 1_000;

/// The month that three letters name, from 1.
fn month(name: &[u8]) -> Option<i8> {
    let month = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(month + 1).ok()
}

/// Whether a day of the week begins the text, as in times that the C library writes.
pub(super) fn is_of_c_library(text: &str) -> bool {
    text.split(' ').next().is_some_and(|word| DAYS.contains(&word))
}

fn digits(text: &[u8]) -> Option<i16> {
    text.iter().try_fold(0_i16, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| i16::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether there is such a time of the day; the second 60 is a leap second.
fn is_time(hour: i16, minute: i16, second: i16) -> bool {
    hour < 24 && minute < 60 && second <= 60
}

/// Writes the time of an access log, `17/May/2015:10:05:03 +0000`, as RFC 3339 with the same
/// offset from UTC, in quotes. `None` if it is none.
pub(super) fn write_access_time(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let [
        d0,
        d1,
        b'/',
        m0,
        m1,
        m2,
        b'/',
        y @ ..,
        b':',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
        b' ',
        sign,
        z0,
        z1,
        z2,
        z3,
    ] = *text
    else {
        return None;
    };
    let (year, month) = (digits(&y)?, month(&[m0, m1, m2])?);
    let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[i0, i1])?, digits(&[s0, s1])?);
    let day = i8::try_from(digits(&[d0, d1])?).ok()?;
    Date::new(year, month, day).ok()?;
    let (zone_hour, zone_minute) = (digits(&[z0, z1])?, digits(&[z2, z3])?);
    let is_offset = matches!(sign, b'+' | b'-') && zone_hour < 24 && zone_minute < 60;
    if !is_time(hour, minute, second) || !is_offset {
        return None;
    }
    let (t, u) = (b'0' + month.cast_unsigned() / 10, b'0' + month.cast_unsigned() % 10);
    let [y0, y1, y2, y3] = y;
    out.extend_from_slice(&[
        b'"', y0, y1, y2, y3, b'-', t, u, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1,
    ]);
    if (zone_hour, zone_minute) == (0, 0) {
        out.extend_from_slice(b"Z\"");
    } else {
        out.extend_from_slice(&[sign, z0, z1, b':', z2, z3, b'"']);
    }
    Some(())
}

/// What a log does not say of its times.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The year of the first time; without it, each time is the latest that is not after
    /// `now_ms`.
    pub year: Option<i16>,
    /// The time zone; UTC without it.
    pub zone: Option<Zone>,
    /// The time at which the tool runs, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Default for Missing {
    fn default() -> Missing {
        Missing { year: None, zone: None, now_ms: i64::MAX }
    }
}

/// A time that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'t> {
    /// Its second, in milliseconds since 1970.
    second_ms: i64,
    /// The digits of the fraction of the second.
    fraction: &'t str,
}

impl Moment<'_> {
    /// Writes it as RFC 3339 in quotes, with as many digits as it was read with.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        // Every year has four digits, so it has this form.
        let _ = write_ms(self.second_ms, out);
        if !self.fraction.is_empty() {
            out.pop();
            out.push(b'.');
            out.extend_from_slice(self.fraction.as_bytes());
            out.push(b'Z');
        }
        out.push(b'"');
    }
}

/// A time as it is written.
struct Stamp<'t> {
    month: i8,
    day: i8,
    year: Option<i16>,
    clock: Time,
    /// What a leap second adds.
    leap_ms: i64,
    fraction: &'t str,
}

impl<'t> Stamp<'t> {
    /// Reads `Mar  5 10:00:00`, as RFC 3164 has it; with one space before a day of one digit, as
    /// libraries write it; with a year after the day, as firewalls do, or before the month, as
    /// switches do; with a day of the week before it and a year after it, as the C library writes
    /// it; with a fraction of the second. Gives what comes after it.
    fn read(text: &'t str) -> Option<(Stamp<'t>, &'t str)> {
        if let Some(found) = Stamp::read_one(text) {
            return Some(found);
        }
        let (word, behind) = text.split_once(' ')?;
        if DAYS.contains(&word) {
            let (stamp, rest) = Stamp::read_one(behind)?;
            let (year, rest) = rest.strip_prefix(' ')?.split_at_checked(4)?;
            return Some((Stamp { year: Some(digits(year.as_bytes())?), ..stamp }, rest));
        }
        if word.len() == 4 && word.starts_with(|first: char| first.is_ascii_digit()) {
            let year = Some(digits(word.as_bytes())?);
            let (stamp, rest) = Stamp::read_one(behind)?;
            return Some((Stamp { year, ..stamp }, rest));
        }
        None
    }

    fn read_one(text: &'t str) -> Option<(Stamp<'t>, &'t str)> {
        let (name, rest) = text.split_at_checked(3)?;
        let month = month(name.as_bytes())?;
        let rest = rest.strip_prefix(' ')?;
        let (day, rest) = rest.strip_prefix(' ').unwrap_or(rest).split_once(' ')?;
        let day = matches!(day.len(), 1..=2).then(|| digits(day.as_bytes()))??;
        let year = rest.split_once(' ').filter(|(year, _)| year.len() == 4);
        let year = year.and_then(|(year, rest)| Some((digits(year.as_bytes())?, rest)));
        let (year, rest) = year.map_or((None, rest), |(year, rest)| (Some(year), rest));
        let (clock, rest) = rest.split_at_checked(8)?;
        let [h0, h1, b':', i0, i1, b':', s0, s1] = *clock.as_bytes() else { return None };
        let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[i0, i1])?, digits(&[s0, s1])?);
        if !is_time(hour, minute, second) {
            return None;
        }
        let small = |number: i16| i8::try_from(number).ok();
        let clock = Time::new(small(hour)?, small(minute)?, small(second.min(59))?, 0).ok()?;
        let leap_ms = i64::from(second == 60) * 1_000;
        let (fraction, rest) = fraction(rest);
        Some((Stamp { month, day: small(day)?, year, clock, leap_ms, fraction }, rest))
    }
}

/// The digits of a fraction at the front, and the rest.
fn fraction(text: &str) -> (&str, &str) {
    let behind = text.strip_prefix('.').unwrap_or_default();
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        1..=9 => behind.split_at(digits),
        _ => ("", text),
    }
}

/// Reads times that lack a year and a time zone, one after the other.
#[derive(Clone, Debug)]
pub(super) struct YearlessTimes {
    missing: Missing,
    /// The year and the month of the time before.
    last: Option<(i16, i8)>,
}

impl YearlessTimes {
    /// The first time of an input is next.
    pub fn new(missing: Missing) -> YearlessTimes {
        YearlessTimes { missing, last: None }
    }

    /// Another input begins.
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// Reads the time at the front of a text, `Mar  5 10:00:00`, and gives what comes after it.
    /// `None` if there is none.
    pub fn read<'t>(&mut self, text: &'t str) -> Option<(Moment<'t>, &'t str)> {
        let (stamp, rest) = Stamp::read(text)?;
        let Stamp { month, day, clock, leap_ms, fraction, .. } = stamp;
        let year = stamp.year.unwrap_or_else(|| self.year(month));
        let time_ms = self.instant(year, month, day, clock);
        // Without a year of its own it is of the last one in which it is no future time.
        let time_ms = match (time_ms, stamp.year.or(self.missing.year)) {
            (Some(time_ms), None) if time_ms > self.missing.now_ms.saturating_add(AHEAD_MS) => {
                self.instant(year - 1, month, day, clock)
            }
            // The 29th of February, in a year that has none.
            (None, None) => (1..8).find_map(|past| self.instant(year - past, month, day, clock)),
            (time_ms, _) => time_ms,
        }?;
        let second_ms = time_ms + leap_ms;
        (MIN_MS..=MAX_MS).contains(&second_ms).then_some(())?;
        self.last = Some((year, month));
        Some((Moment { second_ms, fraction }, rest))
    }

    /// The year of a time of this month. Logs go on through the turn of the year, and may have no
    /// line for months; but the month before that of the last time is out of order.
    fn year(&self, month: i8) -> i16 {
        let Some(year) = self.missing.year else {
            let days = self.missing.now_ms.min(MAX_MS) / (DAY_S * 1_000);
            let (year, ..) = crate::record::civil::date(days);
            return i16::try_from(year).unwrap_or(9999);
        };
        let Some((year, last)) = self.last else { return year };
        match (month - last).rem_euclid(12) {
            11 if month > last => year - 1,
            11 => year,
            _ if month < last => year + 1,
            _ => year,
        }
    }

    fn instant(&self, year: i16, month: i8, day: i8, clock: Time) -> Option<i64> {
        let local: DateTime = Date::new(year, month, day).ok()?.to_datetime(clock);
        match &self.missing.zone {
            None => {
                let offset = jiff::tz::Offset::UTC;
                offset.to_timestamp(local).ok().map(|time| time.as_millisecond())
            }
            Some(zone) => match zone.shown(local)? {
                Shown::Once(time_ms) | Shown::Twice(time_ms, _) | Shown::Never(time_ms) => {
                    Some(time_ms)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::parse_ms;

    fn access(text: &str) -> Option<String> {
        let mut out = Vec::new();
        write_access_time(text, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn access_times_keep_their_offset() {
        let read = |text| access(text).unwrap_or_default();
        assert_eq!(read("17/May/2015:10:05:03 +0000"), "\"2015-05-17T10:05:03Z\"");
        assert_eq!(read("22/Jan/2019:03:56:14 +0330"), "\"2019-01-22T03:56:14+03:30\"");
        assert_eq!(read("29/Feb/2016:23:59:60 -1130"), "\"2016-02-29T23:59:60-11:30\"");
        for none in [
            "",
            "29/Feb/2015:00:00:00 +0000",
            "17/May/2015:24:00:00 +0000",
            "17/may/2015:10:05:03 +0000",
            "17/May/2015:10:05:03 00000",
            "1x/May/2015:10:05:03 +0000",
            "17/May/2015:10:05:03 +2400",
            "17/May/2015:10:05:03 +00000",
        ] {
            assert_eq!(access(none), None, "{none}");
        }
    }

    fn yearless(missing: Missing, texts: &[&str]) -> Vec<String> {
        let mut times = YearlessTimes::new(missing);
        let read = |text: &&str| {
            let mut out = Vec::new();
            if let Some((moment, rest)) = times.read(text) {
                moment.write(&mut out);
                out.extend_from_slice(rest.as_bytes());
            }
            String::from_utf8(out).unwrap()
        };
        texts.iter().map(read).collect()
    }

    #[test]
    fn a_year_that_is_given_turns() {
        let missing = Missing { year: Some(2015), ..Missing::default() };
        let texts = ["Dec 31 23:59:58", "Jan  1 00:00:01", "Dec 31 23:59:59", "Feb 29 00:00:00"];
        assert_eq!(
            yearless(missing, &texts),
            [
                "\"2015-12-31T23:59:58Z\"",
                "\"2016-01-01T00:00:01Z\"",
                "\"2015-12-31T23:59:59Z\"",
                "\"2016-02-29T00:00:00Z\"",
            ]
        );
    }

    #[test]
    fn a_log_may_be_quiet_for_months() {
        let missing = Missing { year: Some(2015), ..Missing::default() };
        let texts = ["Jan", "Nov", "Oct", "Nov", "Mar", "Oct", "May", "Apr", "Jan", "Dec"];
        let texts = texts.map(|month| format!("{month}  1 00:00:00"));
        let texts = texts.each_ref().map(String::as_str);
        let years = yearless(missing, &texts).concat();
        let years: Vec<&str> = years.split('"').filter_map(|time| time.get(2..7)).collect();
        assert_eq!(
            years,
            [
                "15-01", "15-11", "15-10", "15-11", "16-03", "16-10", "17-05", "17-04", "18-01",
                "17-12"
            ]
        );
    }

    #[test]
    fn without_a_year_a_time_is_the_latest_that_is_past() {
        let now_ms = parse_ms("2026-03-01T12:00:00Z").unwrap();
        let missing = Missing { now_ms, ..Missing::default() };
        let texts = ["Mar  1 12:00:00", "Mar  2 11:59:00", "Mar  2 12:30:00", "Feb 29 01:00:00"];
        assert_eq!(
            yearless(missing, &texts),
            [
                "\"2026-03-01T12:00:00Z\"",
                "\"2026-03-02T11:59:00Z\"",
                "\"2025-03-02T12:30:00Z\"",
                "\"2024-02-29T01:00:00Z\"",
            ]
        );
    }

    #[test]
    fn times_come_as_programs_write_them() {
        let missing = Missing { year: Some(2015), ..Missing::default() };
        let texts = [
            "Jul  5 12:00:00 h",
            "Jul 5 12:00:00 h",
            "Jul 05 12:00:00.123456 h",
            "Jul  5 12:00:00.5",
            "Jul 05 2024 12:00:00: x",
            "Jul  5 12:00:00.",
            "Jul 5  12:00:00",
            "Jul 5 02024 12:00:00",
            "Jul 123 12:00:00",
            "Jul 5 12:0x:00",
        ];
        assert_eq!(
            yearless(missing, &texts),
            [
                "\"2015-07-05T12:00:00Z\" h",
                "\"2015-07-05T12:00:00Z\" h",
                "\"2015-07-05T12:00:00.123456Z\" h",
                "\"2015-07-05T12:00:00.5Z\"",
                "\"2024-07-05T12:00:00Z\": x",
                "\"2024-07-05T12:00:00Z\".",
                "",
                "",
                "",
                "",
            ]
        );
    }

    #[test]
    fn the_zone_counts() {
        let zone = Some("Europe/Berlin".parse().unwrap());
        let missing = Missing { year: Some(2015), zone, ..Missing::default() };
        let texts = ["Jul  1 12:00:00", "Jul 01 12:00:60", "Jul 32 12:00:00", "Jul  1 12:00"];
        assert_eq!(
            yearless(missing, &texts),
            ["\"2015-07-01T10:00:00Z\"", "\"2015-07-01T10:01:00Z\"", "", ""]
        );
    }
}

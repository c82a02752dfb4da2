//! Reading times by a format, as strptime of POSIX and of the GNU C library do in the C locale.

use super::dates::Broken;
use crate::record::civil::{date, days_before, weekday};

const DAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How deep formats are made of formats: `%c` of `%T`, and no deeper.
const NESTED_MAX: u8 = 2;

/// Reads `text`; none if it does not have this format. What the format does not have is that of the
/// year 1900, with month 0 and day 0. A weekday that does not fit the date is ignored.
pub(super) fn strptime(text: &str, format: &str) -> Option<Broken> {
    let mut reader = Reader { rest: text, found: Found::default() };
    reader.format(format, 0)?;
    reader.rest.is_empty().then(|| reader.found.broken()).flatten()
}

/// What was read so far.
#[derive(Default)]
struct Found {
    century: Option<i64>,
    year: Option<i64>,
    /// Two digits of a year.
    short_year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    /// The year and the number of an ISO week.
    iso: (Option<i64>, Option<i64>),
    /// The number of a week that begins on the weekday.
    week: Option<(i64, i64)>,
    hour: i64,
    twelve: bool,
    afternoon: bool,
    minute: i64,
    second: i64,
    micros: i64,
    offset_s: Option<i64>,
    epoch_s: Option<i64>,
}

impl Found {
    fn broken(self) -> Option<Broken> {
        let hour = match (self.twelve, self.afternoon) {
            (false, _) => self.hour,
            (true, afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let (year, month, day) = match self.epoch_s {
            Some(epoch) => return Some(Broken { offset_s: self.offset_s, ..Broken::at(epoch, 0) }),
            None => self.date()?,
        };
        Some(Broken {
            year,
            month,
            day,
            hour,
            minute: self.minute,
            second: self.second,
            micros: self.micros,
            offset_s: self.offset_s,
        })
    }

    fn date(&self) -> Option<(i64, i64, i64)> {
        let year = match (self.year, self.century, self.short_year) {
            (Some(year), ..) => year,
            (None, Some(century), short) => century * 100 + short.unwrap_or(0),
            (None, None, Some(short)) if short < 69 => 2000 + short,
            (None, None, Some(short)) => 1900 + short,
            (None, None, None) => 1900,
        };
        if self.month.is_some() || self.day.is_some() {
            return Some((year, self.month.unwrap_or(0), self.day.unwrap_or(0)));
        }
        let first = days_before(year, 0, 1);
        let days = match (self.day_of_year, self.weekday, self.week, self.iso) {
            (Some(day), ..) => first + day - 1,
            (_, Some(day), Some((begins, week)), _) => {
                let first_week = first + (begins - weekday(first)).rem_euclid(7);
                first_week + (week - 1) * 7 + (day - begins).rem_euclid(7)
            }
            (_, Some(day), None, (Some(year), Some(week))) => {
                let fourth = days_before(year, 0, 4);
                let monday = fourth - (weekday(fourth) + 6) % 7;
                monday + (week - 1) * 7 + (day + 6) % 7
            }
            _ => return Some((year, 0, 0)),
        };
        Some(date(days))
    }
}

struct Reader<'t> {
    rest: &'t str,
    found: Found,
}

impl Reader<'_> {
    fn format(&mut self, format: &str, nested: u8) -> Option<()> {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => {
                    // What asks for another form of the same is of no interest to a reader.
                    let mut directive = letters.next()?;
                    let mut point = false;
                    while matches!(
                        directive,
                        '-' | '_' | '^' | '#' | ':' | '.' | '0'..='9' | 'E' | 'O'
                    ) {
                        point |= directive == '.';
                        directive = letters.next()?;
                    }
                    self.directive(directive, point, nested)?;
                }
                space if space.is_ascii_whitespace() => self.skip_space(),
                plain => self.rest = self.rest.strip_prefix(plain)?,
            }
        }
        Some(())
    }

    fn directive(&mut self, directive: char, point: bool, nested: u8) -> Option<()> {
        match directive {
            'Y' => self.found.year = Some(self.number(4, 0, 9999)?),
            'C' => self.found.century = Some(self.number(2, 0, 99)?),
            'y' => self.found.short_year = Some(self.number(2, 0, 99)?),
            'm' => self.found.month = Some(self.number(2, 1, 12)? - 1),
            'd' | 'e' => self.found.day = Some(self.number(2, 1, 31)?),
            'j' => self.found.day_of_year = Some(self.number(3, 1, 366)?),
            'b' | 'B' | 'h' => self.found.month = Some(self.name(&MONTHS)?),
            'a' | 'A' => self.found.weekday = Some(self.name(&DAYS)?),
            'u' => self.found.weekday = Some(self.number(1, 1, 7)? % 7),
            'w' => self.found.weekday = Some(self.number(1, 0, 6)?),
            'U' => self.found.week = Some((0, self.number(2, 0, 53)?)),
            'W' => self.found.week = Some((1, self.number(2, 0, 53)?)),
            'V' => self.found.iso.1 = Some(self.number(2, 1, 53)?),
            'G' => self.found.iso.0 = Some(self.number(4, 0, 9999)?),
            'H' | 'k' => {
                self.found.hour = self.number(2, 0, 23)?;
                self.found.twelve = false;
            }
            'I' | 'l' => {
                self.found.hour = self.number(2, 1, 12)?;
                self.found.twelve = true;
            }
            'p' | 'P' => self.found.afternoon = self.name(&["am", "pm"])? == 1,
            'M' => self.found.minute = self.number(2, 0, 59)?,
            'S' => self.found.second = self.number(2, 0, 61)?,
            'f' | 'N' => self.fraction(point)?,
            's' => self.found.epoch_s = Some(self.number(15, 0, i64::MAX)?),
            'z' => self.offset()?,
            'Z' => {
                self.skip_space();
                let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..)?;
            }
            'n' | 't' => self.skip_space(),
            '%' => self.rest = self.rest.strip_prefix('%')?,
            _ if nested == NESTED_MAX => return None,
            _ => self.format(whole(directive)?, nested + 1)?,
        }
        Some(())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace());
    }

    fn digits(&mut self, count_max: usize) -> Option<&str> {
        let digits = self.rest.bytes().take(count_max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }

    /// A number of a few digits, at most fifteen.
    fn number(&mut self, digits_max: usize, least: i64, greatest: i64) -> Option<i64> {
        while let Some(rest) = self.rest.strip_prefix(' ') {
            self.rest = rest;
        }
        let digit = |number, digit: u8| number * 10 + i64::from(digit - b'0');
        let number = self.digits(digits_max)?.bytes().fold(0, digit);
        (least..=greatest).contains(&number).then_some(number)
    }

    /// The position of a name, which may be written out or with its first three letters.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        for (at, name) in names.iter().enumerate() {
            for name in [*name, name.get(..3).unwrap_or(name)] {
                let head = self.rest.get(..name.len());
                if head.is_some_and(|head| head.eq_ignore_ascii_case(name)) {
                    self.rest = self.rest.get(name.len()..)?;
                    return i64::try_from(at).ok();
                }
            }
        }
        None
    }

    /// The digits of a fraction of a second; with `point`, the point before them, if there is one.
    fn fraction(&mut self, point: bool) -> Option<()> {
        if point {
            let Some(rest) = self.rest.strip_prefix('.') else { return Some(()) };
            self.rest = rest;
        }
        let digits = self.digits(usize::MAX)?;
        let micros: String = digits.chars().chain("000000".chars()).take(6).collect();
        self.found.micros = micros.parse().ok()?;
        Some(())
    }

    /// `Z`, or hours and minutes with a sign.
    fn offset(&mut self) -> Option<()> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix(['Z', 'z']) {
            self.rest = rest;
            self.found.offset_s = Some(0);
            return Some(());
        }
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours: i64 = self.digits(2).filter(|digits| digits.len() == 2)?.parse().ok()?;
        let colon = self.rest.strip_prefix(':');
        self.rest = colon.unwrap_or(self.rest);
        let minutes: i64 = match self.digits(2) {
            Some(digits) if digits.len() == 2 => digits.parse().ok()?,
            None if colon.is_none() => 0,
            _ => return None,
        };
        self.found.offset_s = Some(sign * (hours * 3600 + minutes * 60));
        (minutes < 60).then_some(())
    }
}

/// The format that a directive stands for.
pub(super) fn whole(directive: char) -> Option<&'static str> {
    Some(match directive {
        'c' => "%a %b %e %H:%M:%S %Y",
        'D' | 'x' => "%m/%d/%y",
        'F' => "%Y-%m-%d",
        'R' => "%H:%M",
        'r' => "%I:%M:%S %p",
        'T' | 'X' => "%H:%M:%S",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Date and time of day.
    fn read(text: &str, format: &str) -> Option<[i64; 6]> {
        let read = strptime(text, format)?;
        Some([read.year, read.month, read.day, read.hour, read.minute, read.second])
    }

    #[test]
    fn formats_are_read_as_the_c_library_reads_them() {
        for (text, format, expected) in [
            ("2015-03-05T23:51:47Z", "%Y-%m-%dT%H:%M:%SZ", [2015, 2, 5, 23, 51, 47]),
            ("05/Mar/2015:23:53:41 +0100", "%d/%b/%Y:%H:%M:%S %z", [2015, 2, 5, 23, 53, 41]),
            ("Thu, 05 Mar 2015 23:51:47 GMT", "%a, %d %b %Y %T %Z", [2015, 2, 5, 23, 51, 47]),
            ("Mar  5 10:00:00", "%b %e %H:%M:%S", [1900, 2, 5, 10, 0, 0]),
            ("10:30", "%H:%M", [1900, 0, 0, 10, 30, 0]),
            ("2015-03", "%Y-%m", [2015, 2, 0, 0, 0, 0]),
            ("Thu Mar  5 23:53:41 2015", "%c", [2015, 2, 5, 23, 53, 41]),
            ("1425599621", "%s", [2015, 2, 5, 23, 53, 41]),
            ("2015 100", "%Y %j", [2015, 3, 10, 0, 0, 0]),
            ("150305", "%y%m%d", [2015, 2, 5, 0, 0, 0]),
            ("12:05 AM, 1:05 pm", "%I:%M %p, %l:%M %P", [1900, 0, 0, 13, 5, 0]),
            ("2016-12-31T23:59:60Z", "%FT%TZ", [2016, 11, 31, 23, 59, 60]),
            ("2015-W10-4", "%G-W%V-%u", [2015, 2, 5, 0, 0, 0]),
            ("2015 09 Thu", "%Y %U %a", [2015, 2, 5, 0, 0, 0]),
            ("2015 09 Thursday", "%Y %W %A", [2015, 2, 5, 0, 0, 0]),
            ("100%", "%j%%", [1900, 3, 10, 0, 0, 0]),
        ] {
            assert_eq!(read(text, format), Some(expected), "{text} by {format}");
        }
    }

    #[test]
    fn what_does_not_have_the_format_is_not_read() {
        for (text, format) in [
            ("2015-13-01", "%Y-%m-%d"),
            ("2015-03-05x", "%Y-%m-%d"),
            ("2015-03", "%Y-%m-%d"),
            ("24:00", "%H:%M"),
            ("x", "%Q"),
            ("1", "%"),
            ("+1:00", "%z"),
            ("+01:0", "%z"),
        ] {
            assert_eq!(read(text, format), None, "{text} by {format}");
        }
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let read = |text| strptime(text, "%S%.f%z").map(|read| (read.micros, read.offset_s));
        assert_eq!(read("01.25Z"), Some((250_000, Some(0))));
        assert_eq!(read("01+0130"), Some((0, Some(5400))));
        assert_eq!(read("01.123456789-01:30"), Some((123_456, Some(-5400))));
        assert_eq!(read("01+02"), Some((0, Some(7200))));
    }
}

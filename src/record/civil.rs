//! Dates of the Gregorian calendar, which is taken to have been in use at all times, by the days
//! since 1970, as Hinnant's "chrono-compatible low-level date algorithms" count them.

/// The seconds of a day.
pub const DAY_S: i64 = 86_400;

/// The days from 1970 to a date. Months, from 0, and days may be beyond their year or month.
pub fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    // Years that begin in March, so that the leap day is the last.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date so many days after 1970 began: year, month from 0, and day.
pub fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 2, day) } else { (year + 1, month - 10, day) }
}

/// The weekday, from Sunday, so many days after 1970 began.
pub fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for days in (-800_000..800_000).step_by(37).chain([0, 59, 60, -719_468, 11_016]) {
            let (year, month, day) = date(days);
            assert_eq!(days_before(year, month, day), days, "{year}-{month}-{day}");
        }
        assert_eq!(date(11_016), (2000, 1, 29));
        assert_eq!(days_before(1969, 14, -3), days_before(1970, 1, 25));
        assert_eq!(weekday(0), 4);
    }
}

//! What a chart shows: figures of all records of a view, gathered in one pass and in little memory,
//! whatever their range is.

use std::collections::BTreeMap;

/// The most buckets that are kept apart.
const BUCKETS_MAX: usize = 512;

/// The narrowest bucket is 2 to the power of this.
const WIDTH_MIN: i32 = -20;

/// How many times as wide a bucket of time becomes, from a second on: 5 s, 15 s, 30 s, 1 min,
/// 5 min, 15 min, 30 min, 1 h, 3 h, 6 h, 12 h, 1 d. Other widths would not be those of a clock, and
/// some would hold two full hours where others hold one.
const CLOCK: [i64; 12] = [5, 3, 2, 2, 5, 3, 2, 2, 3, 2, 2, 2];

/// The most series, and the most values that are counted apart; others are put together.
pub const SERIES_MAX: usize = 6;
const VALUES_MAX: usize = 2000;

/// How much of a text is kept.
const TEXT_BYTES_MAX: usize = 256;

/// What others are called.
pub const OTHERS: &str = "(others)";

/// Numbers by where they are on an axis: the buckets become twice as wide whenever there would be
/// too many; those of times, as wide as people measure time.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// How wide a bucket is.
    width: f64,
    /// Whether the axis is of times, in seconds.
    is_time: bool,
    cells: BTreeMap<i64, Cell>,
}

/// What is in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// How many numbers.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets::new(false)
    }
}

impl Buckets {
    /// Empty ones, of times or of numbers.
    fn new(is_time: bool) -> Buckets {
        Buckets { width: 2_f64.powi(WIDTH_MIN), is_time, cells: BTreeMap::new() }
    }

    /// Adds a number at a place; what is not finite has none.
    pub fn add(&mut self, at: f64, number: f64) {
        if !at.is_finite() || !number.is_finite() {
            return;
        }
        // Beyond this, neighbours are the same number.
        while (at / self.width).abs() > (1_i64 << 52) as f64 {
            self.widen();
        }
        let cell = self.cells.entry((at / self.width).floor() as i64).or_default();
        cell.count += 1;
        cell.sum += number;
        while self.spread() > BUCKETS_MAX as u64 {
            self.widen();
        }
    }

    /// From the first bucket to the last one.
    fn spread(&self) -> u64 {
        match (self.cells.first_key_value(), self.cells.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last.abs_diff(*first) + 1,
            _ => 0,
        }
    }

    fn widen(&mut self) {
        let times = if self.is_time { next_of_clock(self.width) } else { 2 };
        self.width *= times as f64;
        for (at, cell) in std::mem::take(&mut self.cells) {
            let wide = self.cells.entry(at.div_euclid(times)).or_default();
            wide.count += cell.count;
            wide.sum += cell.sum;
        }
    }

    /// The buckets, each with where it begins, so many at most, empty ones too; and how wide they
    /// are. There may be two in any case: however wide they are, one is before 0 and one after it.
    pub fn within(&self, most: usize) -> (f64, Vec<(f64, Cell)>) {
        let mut merged = self.clone();
        while merged.spread() > most.max(2) as u64 {
            merged.widen();
        }
        let width = merged.width;
        let (first, last) = match (merged.cells.first_key_value(), merged.cells.last_key_value()) {
            (Some((first, _)), Some((last, _))) => (*first, *last),
            _ => return (width, Vec::new()),
        };
        let cell = |at: i64| merged.cells.get(&at).copied().unwrap_or_default();
        (width, (first..=last).map(|at| (at as f64 * width, cell(at))).collect())
    }
}

/// How many times as wide a bucket of so many seconds becomes.
fn next_of_clock(width: f64) -> i64 {
    let mut step = 1.0;
    for times in CLOCK {
        if width == step {
            return times;
        }
        step *= times as f64;
    }
    2
}

/// What a chart is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How often values come.
    Distribution,
    /// How many records, along an axis.
    Count,
    /// The mean of numbers, along an axis.
    Mean,
}

/// A chart of records.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What the user asked for.
    pub title: String,
    /// What it is of.
    pub kind: Kind,
    /// How many records it is of.
    pub records: u64,
    /// How many records are left out, since they do not have what is shown.
    pub left_out: u64,
    /// How much of the records it is of so far, in thousandths; none if it is all.
    pub progress: Option<u16>,
    /// Whether the axis is of times, in seconds since 1970.
    pub is_time: bool,
    /// The lines along the axis, with their names; the numbers of a distribution, which is one.
    pub series: BTreeMap<String, Buckets>,
    /// How often texts come.
    pub texts: BTreeMap<String, u64>,
}

impl Chart {
    /// A chart without records.
    pub fn new(title: String, kind: Kind) -> Chart {
        let (series, texts) = (BTreeMap::new(), BTreeMap::new());
        let (progress, is_time) = (None, false);
        Chart { title, kind, records: 0, left_out: 0, progress, is_time, series, texts }
    }

    /// Adds a number at a place to one of the series.
    pub fn add(&mut self, group: &str, at: f64, number: f64) {
        self.records += 1;
        let group = cut(group);
        let is_known = self.series.contains_key(group) || self.series.len() < SERIES_MAX;
        let group = if is_known { group } else { OTHERS };
        match self.series.get_mut(group) {
            Some(buckets) => buckets.add(at, number),
            None => {
                let series = self.series.entry(group.to_owned());
                series.or_insert(Buckets::new(self.is_time)).add(at, number);
            }
        }
    }

    /// Counts a text.
    pub fn count(&mut self, text: &str) {
        self.records += 1;
        let text = cut(text);
        let is_known = self.texts.contains_key(text) || self.texts.len() < VALUES_MAX;
        let text = if is_known { text } else { OTHERS };
        match self.texts.get_mut(text) {
            Some(count) => *count += 1,
            None => drop(self.texts.insert(text.to_owned(), 1)),
        }
    }
}

/// What is kept of a text: more of it is not seen, and a chart is given to the screen again and
/// again. Texts that begin alike are one.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost_however_wide_the_range_is(
            numbers in prop::collection::vec(-1e15_f64..1e15, 1..300),
            more in prop::collection::vec(-1.0_f64..1.0, 0..300),
            most in 1_usize..40,
        ) {
            let mut buckets = Buckets::default();
            numbers.iter().chain(&more).for_each(|number| buckets.add(*number, 1.0));
            prop_assert!(buckets.cells.len() <= BUCKETS_MAX);
            let (width, cells) = buckets.within(most);
            prop_assert!(cells.len() <= most.max(2), "{}", cells.len());
            let count: u64 = cells.iter().map(|(_, cell)| cell.count).sum();
            prop_assert_eq!(count, (numbers.len() + more.len()) as u64);
            let least = numbers.iter().chain(&more).copied().fold(f64::MAX, f64::min);
            prop_assert!(cells[0].0 <= least && least < cells[0].0 + width);
        }
    }

    #[test]
    fn buckets_of_times_are_those_of_a_clock() {
        let mut buckets = Buckets::new(true);
        let hours = |n: i32| f64::from(n) * 3600.0;
        (0..72).for_each(|n| buckets.add(hours(n) + 300.0, 1.0));
        for (most, width) in [
            (1000, 900.0),
            (300, 900.0),
            (80, 3600.0),
            (71, 10_800.0),
            (4, 86_400.0),
            (2, 172_800.0),
        ] {
            let (wide, cells) = buckets.within(most);
            assert_eq!(wide, width, "{most}");
            let counts: Vec<u64> = cells.iter().map(|(_, cell)| cell.count).collect();
            let least = counts.iter().filter(|count| **count > 0).min();
            assert!(width > 86_400.0 || least == counts.iter().max(), "{counts:?}");
        }
    }

    #[test]
    fn equal_numbers_are_one_bucket() {
        let mut buckets = Buckets::default();
        buckets.add(f64::INFINITY, 1.0);
        buckets.add(0.0, f64::NAN);
        (0..9).for_each(|_| buckets.add(0.0, 2.0));
        assert_eq!(buckets.within(10).1, [(0.0, Cell { count: 9, sum: 18.0 })]);
        assert_eq!(Buckets::default().within(10).1, []);
    }

    #[test]
    fn the_largest_numbers_have_a_place() {
        let mut buckets = Buckets::default();
        for number in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0] {
            buckets.add(number, 1.0);
        }
        let (_, cells) = buckets.within(1);
        assert_eq!(cells.iter().map(|(_, cell)| cell.count).sum::<u64>(), 4);
        assert_eq!(cells.len(), 2);
    }

    #[test]
    fn long_texts_are_cut() {
        let mut chart = Chart::new("x".into(), Kind::Count);
        let long = format!("x{}", "é".repeat(1 << 20));
        chart.add(&long, 1.0, 1.0);
        chart.count(&long);
        let names = [chart.series.first_key_value().unwrap().0, chart.texts.keys().next().unwrap()];
        assert!(names.iter().all(|name| name.len() == TEXT_BYTES_MAX - 1), "{names:?}");
    }

    #[test]
    fn too_many_groups_are_put_together() {
        let mut chart = Chart::new("x".into(), Kind::Count);
        (0..20).for_each(|group| chart.add(&group.to_string(), 1.0, 1.0));
        assert_eq!((chart.series.len(), chart.records), (SERIES_MAX + 1, 20));
        (0..VALUES_MAX + 5).for_each(|text| chart.count(&text.to_string()));
        assert_eq!(chart.texts.get(OTHERS), Some(&5));
    }
}

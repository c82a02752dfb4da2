//! Which values are frequent, by Space-Saving (Metwally, Agrawal, El Abbadi, 2005): a counter for
//! each of the values that may be, and a new value takes over the least one.

use std::collections::HashMap;

/// How many values are counted. A value that is more frequent than one in so many is among them.
const COUNTERS_MAX: usize = 48;

/// How much of a value is kept, in bytes.
const VALUE_BYTES_MAX: usize = 64;

/// Counts values.
#[derive(Debug, Default)]
pub struct Common(HashMap<Box<[u8]>, Counter>);

#[derive(Clone, Copy, Debug)]
struct Counter {
    /// How often it came at most.
    most: u64,
    /// By how much that may be too many.
    excess: u64,
}

/// A frequent value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frequent {
    /// The value as JSON, or its beginning if it is long.
    pub value: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// How often it came, at least.
    pub count: u64,
}

impl Common {
    /// Counts a value.
    pub fn take(&mut self, value: &[u8]) {
        // One byte more tells that it goes on.
        let value = value.get(..=VALUE_BYTES_MAX).unwrap_or(value);
        self.add(value, Counter { most: 1, excess: 0 });
    }

    fn add(&mut self, value: &[u8], added: Counter) {
        if let Some(counter) = self.0.get_mut(value) {
            counter.most += added.most;
            counter.excess += added.excess;
            return;
        }
        let mut added = added;
        if self.0.len() >= COUNTERS_MAX {
            let least = self.0.iter().min_by_key(|(value, counter)| (counter.most, *value));
            let Some((least, counter)) = least.map(|(value, it)| (value.clone(), *it)) else {
                return;
            };
            self.0.remove(&least);
            added.most += counter.most;
            added.excess += counter.most;
        }
        self.0.insert(value.into(), added);
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Common) {
        let mut others: Vec<_> = other.0.iter().collect();
        others.sort_by_key(|(value, counter)| (std::cmp::Reverse(counter.most), (*value).clone()));
        others.into_iter().for_each(|(value, counter)| self.add(value, *counter));
    }

    /// The most frequent values, of those that are known to have come more than once.
    pub fn most(&self, count: usize) -> Vec<Frequent> {
        let known = self.0.iter().map(|(value, counter)| Frequent {
            value: value.get(..VALUE_BYTES_MAX).unwrap_or(value).to_vec(),
            is_whole: value.len() <= VALUE_BYTES_MAX,
            count: counter.most - counter.excess,
        });
        let mut all: Vec<Frequent> = known.filter(|one| one.count > 1).collect();
        all.sort_by(|one, other| {
            other.count.cmp(&one.count).then_with(|| one.value.cmp(&other.value))
        });
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No count is too great, and no frequent value is left out.
        #[test]
        fn frequent_values_are_found(values in proptest::collection::vec(0_u32..200, 0..2_000), often in 0_u32..200) {
            let mut common = Common::default();
            let mut exact: HashMap<u32, u64> = HashMap::new();
            for (at, value) in values.iter().enumerate() {
                let value = if at % 3 == 0 { often } else { *value };
                common.take(value.to_string().as_bytes());
                *exact.entry(value).or_default() += 1;
            }
            let most = common.most(3);
            for one in &most {
                let value: u32 = String::from_utf8(one.value.clone()).unwrap().parse().unwrap();
                prop_assert!(one.count <= exact[&value]);
            }
            if values.len() > 200 {
                prop_assert_eq!(&most[0].value, &often.to_string().into_bytes());
            }
        }
    }

    #[test]
    fn of_long_values_the_beginning_is_kept() {
        let mut common = Common::default();
        let long = "x".repeat(VALUE_BYTES_MAX + 10);
        common.take(long.as_bytes());
        common.take(long.as_bytes());
        common.take(b"once");
        let most = common.most(3);
        assert_eq!((most.len(), most[0].count, most[0].is_whole), (1, 2, false));
        assert_eq!(most[0].value.len(), VALUE_BYTES_MAX);
    }
}
